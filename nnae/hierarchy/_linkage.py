"""A binary refinement of the tree, as scipy's linkage matrix.

Heights: merges inside a concept of level l lie in (l - 1, l], those at the root above the last
level, labels without positives at the very top. Cutting at height l therefore gives the concepts
of level l that the tree kept, and single labels for the rest. Within its unit a merge has height
``0.1 + 0.9 d`` with d the average cosine distance, so that no merge touches the level below.

Cost: m^2 distances for a concept with m children; above `LIMIT` children they are first split in
two along their direction of largest spread, again and again.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist

from nnae._threads import one_blas_thread
from nnae.hierarchy._contributions import Floats, Integers

LIMIT = 5000


class _Merges:
    """Rows of a linkage matrix whose clusters are numbered as they are made."""

    def __init__(self, n_leaves: int) -> None:
        self.n_leaves = n_leaves
        self.rows: list[tuple[int, int, float, int]] = []
        self.sizes = [1] * n_leaves

    def join(self, a: int, b: int, height: float) -> int:
        size = self.sizes[a] + self.sizes[b]
        self.rows.append((min(a, b), max(a, b), height, size))
        self.sizes.append(size)
        return len(self.sizes) - 1

    def sorted(self) -> Floats:
        """Return the rows in order of height, renumbered, as scipy wants them."""
        n = self.n_leaves
        heights = np.array([row[2] for row in self.rows])
        order = np.argsort(heights, kind="stable")
        number = np.arange(n + len(order))
        number[n + order] = n + np.arange(len(order))
        matrix = np.empty((len(order), 4))
        for new, old in enumerate(order):
            a, b, height, size = self.rows[old]
            low, high = sorted((int(number[a]), int(number[b])))
            matrix[new] = low, high, height, size
        return matrix


def tree_linkage(
    tree: nx.DiGraph[str], root: str, labels: list[str], vectors: Floats, n_levels: int
) -> Floats:
    """Refine the tree to two children a node.

    Parameters
    ----------
    tree : networkx.DiGraph
        From root to labels; labels that are not in it join last.
    root : str
        Its root.
    labels : list of str
        Leaves in column order.
    vectors : ndarray, (L, r)
        One non-negative vector a label; siblings merge by average linkage on their cosine.
    n_levels : int
        Levels of concepts.

    Returns
    -------
    ndarray, (L - 1, 4)
        scipy's linkage matrix.
    """
    norms = np.sqrt((vectors**2).sum(axis=1))
    vectors = vectors / np.where(norms > 0, norms, 1.0)[:, None]
    leaf = {label: j for j, label in enumerate(labels)}
    merges = _Merges(len(labels))
    cluster: dict[str, int] = {}
    centre: dict[str, Floats] = {}
    for node in reversed(list(nx.topological_sort(tree))):
        if node in leaf:
            cluster[node], centre[node] = leaf[node], vectors[leaf[node]]
            continue
        # neither the order of nodes in the graph nor that of concepts may decide a tie
        children = sorted(tree.successors(node), key=lambda child: _sibling_order(child, tree))
        if not children:
            continue
        level = n_levels + 1 if node == root else tree.nodes[node]["level"]
        points = np.stack([centre[child] for child in children])
        members = np.array([cluster[child] for child in children])
        cluster[node] = _merge(merges, members, points, level - 1.0, level)
        centre[node] = points.sum(axis=0)
    last = cluster.get(root)
    for j, label in enumerate(labels):
        if label not in tree:
            last = j if last is None else merges.join(last, j, n_levels + 2.0)
    return merges.sorted()


def _sibling_order(node: str, tree: nx.DiGraph[str]) -> tuple[int, str]:
    """Order children: labels by name, then concepts by name."""
    return tree.nodes[node]["level"], node


def _merge(merges: _Merges, members: Integers, points: Floats, low: float, high: float) -> int:
    """Merge the members between two heights and return the number of the last cluster."""
    if len(members) == 1:
        return int(members[0])
    if len(members) > LIMIT:
        return _merge_pieces(merges, members, points, low, high)
    numbers = [int(member) for member in members]
    steps = linkage(_cosine_distances(points), method="average")
    for a, b, distance, _ in steps:
        height = low + (high - low) * (0.1 + 0.9 * min(max(float(distance), 0.0), 1.0))
        numbers.append(merges.join(numbers[int(a)], numbers[int(b)], height))
    return numbers[-1]


def _merge_pieces(
    merges: _Merges, members: Integers, points: Floats, low: float, high: float
) -> int:
    """Halve until the pieces are small; the halves use the lower part of the heights."""
    with one_blas_thread():
        spread = points - points.mean(axis=0)
        _, axes = np.linalg.eigh(spread.T @ spread)
        score = spread @ axes[:, -1]
    order = np.argsort(score, kind="stable")
    half = len(members) // 2
    middle = low + (high - low) * 0.9
    a, b = (
        _merge(merges, members[part], points[part], low, middle)
        for part in (order[:half], order[half:])
    )
    return merges.join(a, b, high)


def _cosine_distances(points: Floats) -> Floats:
    """Return condensed distances in [0, 1]; a zero vector is at distance 1 from everything."""
    norms = np.sqrt((points**2).sum(axis=1))
    scaled = points / np.where(norms > 0, norms, 1.0)[:, None]
    # |a - b|^2 / 2 = 1 - cos for unit vectors
    distances = pdist(scaled, "sqeuclidean") / 2.0
    empty = np.flatnonzero(norms == 0)
    n = len(points)
    for i in empty:
        others = np.delete(np.arange(n), i)
        first, second = np.minimum(others, i), np.maximum(others, i)
        distances[n * first - first * (first + 1) // 2 + second - first - 1] = 1.0
    return np.clip(distances, 0.0, 1.0)
