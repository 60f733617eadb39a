"""The graph of contributions and the tree inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from nnae.hierarchy._contributions import (
    Floats,
    Integers,
    Level,
    hoyer_sparseness,
    normalised_entropy,
)
from nnae.hierarchy._names import distinct_name, names_of_children, top_labels, unique


@dataclass(frozen=True)
class Extraction:
    """What the weights say: graph, tree, root, labels without a place, clusters a level."""

    graph: nx.DiGraph[str]
    tree: nx.DiGraph[str]
    root: str
    unplaced: list[str]
    clusters: list[Integers]


def extract(
    levels: list[Level],
    labels: Sequence[str],
    *,
    min_share: float,
    max_entropy: float,
    counts: Floats | None,
    frequencies: Sequence[Floats] | None,
    top: int,
) -> Extraction:
    """Build graph and tree of the levels by the rules of `LabelHierarchy.from_weights`."""
    mass_of_label = levels[0].contributions.sum(axis=0)
    lost = (mass_of_label == 0) if counts is None else (counts == 0)
    ids, root, graph = _nodes(levels, labels, mass_of_label, counts, top)
    parents = [tree_parents(level, max_entropy) for level in levels]
    for depth, level in enumerate(levels):
        shares, flow = level.shares, level.contributions
        keep, lift = graph_edges(level, min_share)
        if depth == 0:
            keep[:, lost] = False
        seen = None if frequencies is None else frequencies[depth]
        for p, q in zip(*np.nonzero(keep), strict=True):
            graph.add_edge(
                ids[depth + 1][p],
                ids[depth][q],
                share=float(shares[p, q]),
                lift=float(lift[p, q]),
                contribution=float(flow[p, q]),
                frequency=None if seen is None else float(seen[p, q]),
            )
    unplaced = [labels[j] for j in np.flatnonzero(lost).tolist()]
    tree = _tree(levels, ids, root, parents, graph, set(unplaced), frequencies)
    _hang_orphans(graph, root, set(unplaced))
    return Extraction(graph, tree, root, unplaced, _clusters(levels, lost))


def _nodes(
    levels: list[Level],
    labels: Sequence[str],
    mass_of_label: Floats,
    counts: Floats | None,
    top: int,
) -> tuple[list[list[str]], str, nx.DiGraph[str]]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    taken = set(labels)
    root = unique("root", taken, "(all labels)")
    total = float(mass_of_label.sum())
    graph.add_node(
        root, kind="root", level=len(levels) + 1, name=root, index=0, mass=total, hoyer=None
    )
    base = mass_of_label / total if total > 0 else mass_of_label
    ids: list[list[str]] = [list(labels)]
    namings: list[list[str]] = []
    for depth, level in enumerate(levels, start=1):
        row: list[str] = []
        below, namings = namings, []
        base_below = level.contributions.sum(axis=0) / max(float(level.mass.sum()), 1e-300)
        hoyer = hoyer_sparseness(level.description)
        for p in range(len(level.rows)):
            naming, lists = top_labels(level.description[p], base, labels, top)
            if depth > 1:
                naming = names_of_children(level.weights[p], base_below, below)
            namings.append(naming)
            spare = [entry["label"] for entry in lists["top_by_weight"]]
            name = distinct_name(naming, spare, taken, f"(level {depth})")
            row.append(name)
            graph.add_node(
                name,
                kind="concept",
                level=depth,
                name=name,
                index=int(level.rows[p]),
                mass=float(level.mass[p]),
                hoyer=float(hoyer[p]),
                **lists,
            )
        ids.append(row)
    for j, label in enumerate(labels):
        graph.add_node(
            label,
            kind="label",
            level=0,
            name=label,
            index=j,
            mass=float(mass_of_label[j]),
            hoyer=None,
            count=None if counts is None else float(counts[j]),
        )
    return ids, root, graph


def graph_edges(level: Level, min_share: float) -> tuple[NDArray[np.bool_], Floats]:
    """Return which edges (k x children) the graph has, and the lift of all."""
    shares = level.shares
    lift = shares / level.mass_shares[:, None]
    return (shares >= min_share) & (shares > 0) & (lift > 1.0 + 1e-9), lift


def tree_parents(level: Level, max_entropy: float) -> Integers:
    """Return for every child its parent's place in the level; -1 hangs it at the root."""
    shares = level.shares
    if not shares.shape[0]:
        return np.full(shares.shape[1], -1)
    best = np.argmax(shares, axis=0)
    vague = (shares.sum(axis=0) == 0) | (normalised_entropy(shares) > max_entropy)
    return np.where(vague, -1, best)


def _tree(
    levels: list[Level],
    ids: list[list[str]],
    root: str,
    parents: list[Integers],
    graph: nx.DiGraph[str],
    unplaced: set[str],
    frequencies: Sequence[Floats] | None,
) -> nx.DiGraph[str]:
    children: dict[str, list[str]] = {root: []}
    up: dict[str, tuple[int, int]] = {}  # node -> (level index of its parent, parent's place)
    for depth in range(len(levels), -1, -1):
        for q, node in enumerate(ids[depth]):
            if node in unplaced and depth == 0:
                continue
            children[node] = []
            place = -1 if depth == len(levels) else int(parents[depth][q])
            if place < 0:
                children[root].append(node)
            else:
                up[node] = (depth, place)
                children[ids[depth + 1][place]].append(node)
    tree: nx.DiGraph[str] = nx.DiGraph()
    position = {node: (depth, q) for depth, row in enumerate(ids) for q, node in enumerate(row)}

    def settle(node: str) -> list[str]:
        """Return what stands for the node: itself, its only child, or nothing."""
        if graph.nodes[node]["kind"] == "label":
            return [node]
        below = [kept for child in children[node] for kept in settle(child)]
        children[node] = below
        return [node] if len(below) > 1 else below

    top = [kept for child in children[root] for kept in settle(child)]
    if len(top) == 1 and graph.nodes[top[0]]["kind"] == "concept":
        top = children[top[0]]
    children[root] = top
    stack = [root]
    tree.add_node(root, **graph.nodes[root])
    while stack:
        parent = stack.pop()
        for child in children[parent]:
            tree.add_node(child, **graph.nodes[child])
            if parent == root:
                edge = _root_edge(graph, child)
            else:
                edge = _path_edge(levels, up, ids, position, parent, child, frequencies)
            tree.add_edge(parent, child, **edge)
            stack.append(child)
    for node in reversed(list(nx.topological_sort(tree))):
        below = tree.successors(node)
        label = tree.nodes[node]["kind"] == "label"
        tree.nodes[node]["size"] = 1 if label else sum(tree.nodes[c]["size"] for c in below)
    for node in graph:
        graph.nodes[node]["size"] = tree.nodes[node]["size"] if node in tree else 0
    return tree


def _root_edge(graph: nx.DiGraph[str], child: str) -> dict[str, Any]:
    mass = graph.nodes[child]["mass"]
    return {"share": 1.0, "lift": 1.0, "contribution": mass, "frequency": None}


def _path_edge(
    levels: list[Level],
    up: dict[str, tuple[int, int]],
    ids: list[list[str]],
    position: dict[str, tuple[int, int]],
    parent: str,
    child: str,
    frequencies: Sequence[Floats] | None,
) -> dict[str, Any]:
    """Multiply shares along the chain that was collapsed between parent and child."""
    share, recurs, node = 1.0, 1.0, child
    depth, place = position[child]
    if depth == 0:
        flow = float(levels[0].mass @ levels[0].weights[:, place])
    else:
        flow = float(levels[depth - 1].mass[place])
    while node != parent:
        depth, place = up[node]
        q = position[node][1]
        column = levels[depth].mass * levels[depth].weights[:, q]
        share *= float(column[place] / column.sum())
        if frequencies is not None:
            recurs = min(recurs, float(frequencies[depth][place, q]))
        node = ids[depth + 1][place]
    top, place = position[parent]
    lift = share / float(levels[top - 1].mass_shares[place])
    frequency = None if frequencies is None else recurs
    return {"share": share, "lift": lift, "contribution": flow * share, "frequency": frequency}


def _hang_orphans(graph: nx.DiGraph[str], root: str, unplaced: set[str]) -> None:
    for node in list(graph):
        if node != root and node not in unplaced and graph.in_degree(node) == 0:
            graph.add_edge(root, node, **_root_edge(graph, node))


def _clusters(levels: list[Level], lost: NDArray[np.bool_]) -> list[Integers]:
    """Return for every level the label's cluster, as defined by `LabelHierarchy.clusters`."""
    found: list[Integers] = []
    for level in levels:
        flow = level.mass[:, None] * level.description
        if len(level.rows):
            best = np.where(flow.sum(axis=0) > 0, level.rows[np.argmax(flow, axis=0)], -1)
        else:
            best = np.full(len(lost), -1)
        found.append(np.where(lost, -1, best).astype(np.int64))
    return found
