"""Two hierarchies of the same labels side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from nnae.hierarchy._label_hierarchy import LabelHierarchy


@dataclass(frozen=True)
class HierarchyComparison:
    """Hold what `compare_hierarchies` found.

    Attributes
    ----------
    concepts : DataFrame
        One row a matched pair, best first: concept_a, concept_b, jaccard, shared, only_a, only_b
        (numbers of labels); then concepts of either side without a partner (jaccard 0).
    moved : DataFrame
        One row a label whose parents do not match: label, parent_a, parent_b.
    agreement : float
        Share of the compared labels that did not move.
    n_compared : int
        Labels that both trees place.
    """

    concepts: pd.DataFrame
    moved: pd.DataFrame
    agreement: float
    n_compared: int


def compare_hierarchies(a: LabelHierarchy, b: LabelHierarchy) -> HierarchyComparison:
    """Match the concepts of two trees and list the labels that moved.

    Concepts are matched one to one so that the sum of Jaccard's coefficients of their label sets
    (labels below them in the tree, of those that both trees place) is largest; pairs without a
    common label are no match. The roots match each other. A label moved when the partner of its
    parent in `a` is not its parent in `b`.

    Parameters
    ----------
    a, b : LabelHierarchy
        With at least one label in common.

    Returns
    -------
    HierarchyComparison

    Raises
    ------
    ValueError
        When the trees have no label in common.

    Notes
    -----
    Costs nnz of the label sets times depth, and an assignment of concepts by concepts.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.hierarchy import LabelHierarchy, compare_hierarchies
    >>> W = np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])
    >>> a = LabelHierarchy.from_weights([W], label_names=["cat", "dog", "car", "bus"])
    >>> b = LabelHierarchy.from_weights([W[:, [0, 2, 1, 3]]], label_names=a.labels)
    >>> compare_hierarchies(a, a).agreement
    1.0
    >>> len(compare_hierarchies(a, b).moved)
    2
    """
    trees = a.tree(), b.tree()
    common = [label for label in a.labels if label in trees[0] and label in trees[1]]
    if not common:
        raise ValueError("the two hierarchies must have at least one placed label in common")
    concepts_a, members_a = _members(trees[0], a.root, common)
    concepts_b, members_b = _members(trees[1], b.root, common)
    shared = (members_a @ members_b.T).toarray()
    sizes_a = np.asarray(members_a.sum(axis=1)).ravel()
    sizes_b = np.asarray(members_b.sum(axis=1)).ravel()
    union = sizes_a[:, None] + sizes_b[None, :] - shared
    jaccard = shared / np.where(union > 0, union, 1.0)
    rows: list[dict[str, Any]] = []
    partner = {a.root: b.root}
    taken = set()
    pairs = zip(*linear_sum_assignment(jaccard, maximize=True), strict=True)
    for p, q in ((int(p), int(q)) for p, q in pairs):
        if shared[p, q] == 0:
            continue
        partner[concepts_a[p]] = concepts_b[q]
        taken.add(concepts_b[q])
        rows.append(_row(concepts_a[p], concepts_b[q], sizes_a[p], sizes_b[q], shared[p, q]))
    rows.sort(key=lambda row: (-row["jaccard"], -row["shared"], row["concept_a"]))
    for place, name in enumerate(concepts_a):
        if name not in partner:
            rows.append(_row(name, None, sizes_a[place], 0, 0))
    for place, name in enumerate(concepts_b):
        if name not in taken:
            rows.append(_row(None, name, 0, sizes_b[place], 0))
    moved = []
    for label in common:
        parent_a, parent_b = (next(iter(tree.predecessors(label))) for tree in trees)
        if partner.get(parent_a) != parent_b:
            moved.append((label, parent_a, parent_b))
    return HierarchyComparison(
        pd.DataFrame(
            rows, columns=["concept_a", "concept_b", "jaccard", "shared", "only_a", "only_b"]
        ),
        pd.DataFrame(moved, columns=["label", "parent_a", "parent_b"]),
        1.0 - len(moved) / len(common),
        len(common),
    )


def _row(
    name_a: str | None, name_b: str | None, size_a: float, size_b: float, shared: float
) -> dict[str, Any]:
    union = size_a + size_b - shared
    return {
        "concept_a": name_a,
        "concept_b": name_b,
        "jaccard": float(shared / union) if union else 0.0,
        "shared": int(shared),
        "only_a": int(size_a - shared),
        "only_b": int(size_b - shared),
    }


def _members(
    tree: nx.DiGraph[str], root: str, labels: list[str]
) -> tuple[list[str], sp.csr_matrix]:
    """Return the concepts of a tree and which labels are below each (concepts x labels)."""
    concepts = [node for node in tree if tree.nodes[node]["kind"] == "concept"]
    place = {node: p for p, node in enumerate(concepts)}
    rows, columns = [], []
    for j, label in enumerate(labels):
        node = next(iter(tree.predecessors(label)))
        while node != root:
            rows.append(place[node])
            columns.append(j)
            node = next(iter(tree.predecessors(node)))
    shape = (len(concepts), len(labels))
    return concepts, sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
