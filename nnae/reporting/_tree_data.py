"""The hierarchy as columns of numbers: nodes in the order of a walk, edges by number."""

from __future__ import annotations

from typing import Any

from nnae.reporting._numbers import short, shorts

KINDS = {"root": 0, "concept": 1, "label": 2}
#: Labels that a concept's card lists.
TOP = 8


def tree_data(hierarchy: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the columns, and the number of every node."""
    tree, graph, root = hierarchy.tree(), hierarchy.graph, hierarchy.root
    order: list[tuple[str, int]] = []
    number: dict[str, int] = {}
    todo = [(root, -1)]
    while todo:
        node, parent = todo.pop()
        number[node] = len(order)
        order.append((node, parent))
        children = sorted(
            tree.successors(node), key=lambda c: (-tree.edges[node, c]["contribution"], c)
        )
        todo += [(child, number[node]) for child in reversed(children)]
    for node in hierarchy.unplaced:
        number[node] = len(order)
        order.append((node, -1))
    left_out = [node for node in graph if node not in number]
    for node in left_out:
        number[node] = len(order)
        order.append((node, -1))
    known = [graph.nodes[node] for node, _ in order]
    edge = [tree.edges[order[parent][0], node] if parent >= 0 else {} for node, parent in order]
    columns = {
        "name": [node for node, _ in order],
        "kind": [KINDS[about["kind"]] for about in known],
        "level": [about["level"] for about in known],
        "parent": [parent for _, parent in order],
        "size": [about["size"] for about in known],
        "mass": shorts(about["mass"] for about in known),
        "hoyer": shorts((about.get("hoyer") for about in known), 3),
        "count": shorts((about.get("count") for about in known), 7),
        "share": shorts((about.get("share") for about in edge), 3),
        "lift": shorts((about.get("lift") for about in edge), 3),
        "frequency": shorts((about.get("frequency") for about in edge), 3),
    }
    top = {
        str(place): [
            [number[entry["label"]], short(entry["weight"], 3), short(entry["lift"], 3)]
            for entry in about["top_by_weight"][:TOP]
        ]
        for place, about in enumerate(known)
        if about.get("top_by_weight")
    }
    edges = [(number[p], number[c], about) for p, c, about in graph.edges(data=True) if p != root]
    edges.sort(key=lambda found: found[:2])
    return {
        "nodes": columns,
        "top": top,
        "unplaced": [number[node] for node in hierarchy.unplaced],
        "widths": hierarchy.widths,
        "edges": {
            "parent": [p for p, _, _ in edges],
            "child": [c for _, c, _ in edges],
            "share": shorts((about["share"] for *_, about in edges), 3),
            "lift": shorts((about["lift"] for *_, about in edges), 3),
            "frequency": shorts((about.get("frequency") for *_, about in edges), 3),
        },
    }, number
