"""Hierarchies of labels as R's trees and graphs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nnae.r._conversion import to_r
from nnae.r._session import errors_of_r, need, start

_EDGES = ["parent", "child", "share", "lift", "contribution", "frequency"]


def as_data_frame(hierarchy: Any) -> Any:
    """Convert the edges of a hierarchy to a data.frame of R, see ``LabelHierarchy.to_frame``.

    Parameters
    ----------
    hierarchy : LabelHierarchy

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.r import as_data_frame, from_r, r_available
    >>> tree = LabelHierarchy.from_weights([np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])])
    >>> not r_available() or len(from_r(as_data_frame(tree))) == len(tree.to_frame())
    True
    """
    return to_r(hierarchy.to_frame())


def as_hclust(hierarchy: Any) -> Any:
    """Convert a hierarchy to R's ``hclust``, a binary refinement of the tree over all labels.

    Parameters
    ----------
    hierarchy : LabelHierarchy
        With at least two labels.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.r import as_hclust, r_available
    >>> tree = LabelHierarchy.from_weights([np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])])
    >>> not r_available() or list(as_hclust(tree).rclass) == ["hclust"]
    True
    """
    labels = [str(label) for label in hierarchy.labels]
    if len(labels) < 2:
        raise ValueError("an hclust needs at least two labels; got 1")
    linkage = np.asarray(hierarchy.to_linkage(), np.float64)
    merge, order = _merges(linkage, len(labels))
    robjects = start()
    with errors_of_r():
        tree = robjects.r["list"](
            merge=to_r(merge), height=to_r(linkage[:, 2]), order=to_r(order),
            labels=to_r(np.array(labels, object)), method="nnae", **{"dist.method": "mean codes"},
        )  # fmt: skip
        return robjects.r["class<-"](tree, "hclust")


def _merges(linkage: Any, n: int) -> tuple[Any, Any]:
    """Return R's numbers of what was merged (leaves negative and first), and the leaves' order."""
    merge = np.empty((len(linkage), 2), np.int32)
    members: dict[int, list[int]] = {}
    for step, (a, b) in enumerate(linkage[:, :2].astype(int)):
        pair = sorted(
            ((-(x + 1) if x < n else x - n + 1) for x in (a, b)),
            key=lambda number: (number > 0, abs(number)),
        )
        merge[step] = pair
        below = [members.pop(x - n) if x >= n else [x + 1] for x in _places(pair, n)]
        members[step] = below[0] + below[1]
    return merge, np.array(members[len(linkage) - 1], np.int32)


def _places(pair: list[int], n: int) -> list[int]:
    return [-number - 1 if number < 0 else number + n - 1 for number in pair]


def as_phylo(hierarchy: Any) -> Any:
    """Convert the tree of a hierarchy to ape's ``phylo``: labels are tips, concepts are nodes.

    Parameters
    ----------
    hierarchy : LabelHierarchy

    Raises
    ------
    ImportError
        When R has no package ape.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.r import as_phylo, r_available
    >>> tree = LabelHierarchy.from_weights([np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])])
    >>> not r_available() or as_phylo(tree).rclass[0] == "phylo"  # doctest: +SKIP
    True
    """
    robjects = need("ape")
    tree = hierarchy.tree()
    order: list[str] = []
    todo = [hierarchy.root]
    while todo:
        node = todo.pop()
        order.append(node)
        todo.extend(reversed(list(tree.successors(node))))
    tips = [node for node in order if tree.nodes[node]["kind"] == "label"]
    inner = [node for node in order if tree.nodes[node]["kind"] != "label"]
    number = {node: at + 1 for at, node in enumerate([*tips, *inner])}
    edges = [
        (number[parent], number[child])
        for child in order[1:]
        for parent in tree.predecessors(child)
    ]
    with errors_of_r():
        made = robjects.r["list"](
            edge=to_r(np.array(edges, np.int32).reshape(-1, 2)), Nnode=len(inner),
            **{
                "tip.label": to_r(np.array(tips, object)),
                "node.label": to_r(np.array(inner, object)),
            },
        )  # fmt: skip
        made = robjects.r["class<-"](made, "phylo")
        return robjects.r["attr<-"](made, "order", "cladewise")


def as_igraph(hierarchy: Any, what: str = "tree") -> Any:
    """Convert a hierarchy to a graph of R's package igraph.

    Parameters
    ----------
    hierarchy : LabelHierarchy
    what : {"tree", "graph"}, default="tree"
        In the graph a label may have several parents.

    Raises
    ------
    ImportError
        When R has no package igraph.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.r import as_igraph, r_available
    >>> tree = LabelHierarchy.from_weights([np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])])
    >>> not r_available() or as_igraph(tree).rclass[0] == "igraph"  # doctest: +SKIP
    True
    """
    if what not in ("tree", "graph"):
        raise ValueError(f"what must be 'tree' or 'graph'; got {what!r}")
    robjects = need("igraph")
    edges = hierarchy.to_frame()
    edges = edges.loc[edges[f"in_{what}"], _EDGES]
    graph = hierarchy.graph if what == "graph" else hierarchy.tree()
    nodes = pd.DataFrame(
        {
            "name": list(graph),
            "kind": [graph.nodes[node]["kind"] for node in graph],
        }
    )
    with errors_of_r():
        return robjects.r("igraph::graph_from_data_frame")(
            to_r(edges.reset_index(drop=True)), directed=True, vertices=to_r(nodes)
        )
