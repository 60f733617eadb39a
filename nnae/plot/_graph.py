"""The graph of concepts: who contributes to whom, with several parents, and how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnae._validation import check_count
from nnae.hierarchy._formats import RECURRING, is_sure
from nnae.plot._style import FOR, INK, NEUTRAL, name, new_axes, title, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def concept_graph(hierarchy: Any, ax: Axes | None = None, *, top: int = 30) -> Axes:
    """Draw the graph, one column a level; a node may have several parents.

    The width of an edge is its parent's share of the child. An edge is drawn boldly where at least
    60 % of the bootstraps have it (or none were made), thin, grey and dashed where fewer do.

    Parameters
    ----------
    hierarchy : LabelHierarchy
    ax : matplotlib axes, optional
    top : int >= 1, default=30
        Nodes of each level, the heaviest.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.plot import concept_graph
    >>> W = np.array([[3.0, 1, 0, 0], [0, 1, 3, 0], [0, 0, 0, 4]])
    >>> tree = LabelHierarchy.from_weights([W], label_names=["cat", "toy", "bus", "pen"])
    >>> len(concept_graph(tree).lines)  # the toy has two parents
    5
    """
    check_count("top", top)
    graph, depth = hierarchy.graph, len(hierarchy.widths)
    columns = [_heaviest(graph, level, top) for level in range(depth, -1, -1)]
    place: dict[str, tuple[float, float]] = {}
    for column, nodes in enumerate(columns):
        heights = {node: _height(graph, node, place) for node in nodes}
        ordered = sorted(nodes, key=lambda node: (heights[node], -graph.nodes[node]["mass"], node))
        for at, node in enumerate(ordered):
            place[node] = float(column), (at + 0.5) / len(ordered)
    ax = new_axes(ax, 3.2 * len(columns), max(3.0, 0.22 * max(map(len, columns), default=1)))
    measured = False
    for parent, child, edge in graph.edges(data=True):
        if parent in place and child in place:
            measured |= edge["frequency"] is not None
            _edge(ax, place[parent], place[child], edge)
    for node, (x, y) in place.items():
        concept = graph.nodes[node]["kind"] == "concept"
        weight = "bold" if concept else "normal"
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
        write(ax, x, y, name(node, 24), ha="center", va="center", fontsize=7.5, color=INK,
              fontweight=weight, bbox=box, zorder=3)  # fmt: skip
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(1.02, -0.02)
    ax.set_axis_off()
    shown = f"the {top} heaviest nodes of each level"
    dashed = f"; dashed: in fewer than {RECURRING:.0%} of refits" if measured else ""
    title(ax, "Concepts and their parents", shown + dashed)
    return ax


def _heaviest(graph: Any, level: int, top: int) -> list[str]:
    """Return the nodes of a level, labels without positives left out."""
    nodes = [node for node, about in graph.nodes(data=True) if about["level"] == level]
    nodes = [node for node in nodes if graph.in_degree(node) > 0]
    return sorted(nodes, key=lambda node: (-graph.nodes[node]["mass"], node))[:top]


def _height(graph: Any, node: str, place: dict[str, tuple[float, float]]) -> float:
    """Return the mean height of a node's parents, weighed by their shares."""
    above = [(place[p][1], e["share"]) for p, _, e in graph.in_edges(node, data=True) if p in place]
    total = sum(share for _, share in above)
    return sum(y * share for y, share in above) / total if total > 0 else 0.5


def _edge(
    ax: Axes, parent: tuple[float, float], child: tuple[float, float], edge: dict[str, Any]
) -> None:
    sure = is_sure(edge["frequency"])
    ax.plot(
        *zip(parent, child, strict=True),
        color=FOR if sure else NEUTRAL,
        linestyle="-" if sure else (0, (4, 3)),
        linewidth=0.6 + 2.4 * min(1.0, edge["share"]) if sure else 0.6,
        alpha=0.75,
        zorder=1,
    )
