"""The tree as nested bars (an icicle)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

from nnae.hierarchy._formats import children_in_order, is_sure
from nnae.hierarchy._names import one_line, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LABELS = 120  # above this the column of labels could not be read and is left out
COLOURS = ["#4c78a8", "#f2a65a", "#72b7a1", "#b279a2", "#9d755d", "#8cb369", "#e07a7a", "#7f8fa6"]


def draw_icicle(tree: nx.DiGraph[str], root: str, n_levels: int, ax: Axes | None) -> Axes:
    """Draw one column a level, the root at the left; a bar is as high as it has labels.

    Bars whose edge to their parent recurs in too few bootstraps are pale, with a dashed outline.
    """
    try:
        import matplotlib.pyplot as plt
        from matplotlib.patches import Rectangle
    except ImportError:
        raise ImportError(
            "plot() needs matplotlib, which the plot extra brings: pip install 'nnae[plot]'"
        ) from None
    size = max(tree.nodes[root]["size"], 1)
    shows_labels = size <= MOST_LABELS
    columns = n_levels + shows_labels
    if ax is None:
        height = min(max(3.0, size * 0.16), 16.0) if shows_labels else 12.0
        _, ax = plt.subplots(figsize=(3.2 * columns, height), layout="constrained")
    points = 72.0 / ax.figure.dpi
    box = ax.get_window_extent()
    row, column = box.height * points / size, box.width * points / columns
    font = min(max(row * 0.75, 5.0), 9.0) if shows_labels else 7.0

    def bar(node: str, parent: str, top: float, right: float, colour: str) -> None:
        known: dict[str, Any] = tree.nodes[node]
        left = float(n_levels + 1 - known["level"])
        face = colour if known["kind"] == "concept" else "#ffffff"
        sure = is_sure(tree.edges[parent, node]["frequency"])
        ax.add_patch(
            Rectangle(
                (left, top),
                right - left,
                known["size"],
                facecolor=face,
                edgecolor="#ffffff" if sure else colour,
                linestyle="-" if sure else "--",
                alpha=0.7 if sure else 0.25,
            )
        )
        if known["size"] * row >= font * 1.05:
            text = shorten(one_line(known["name"]), int(column * (right - left) / (0.56 * font)))
            # names are data: a dollar sign must not start a formula
            ax.text(
                left + 0.03,
                top + known["size"] / 2,
                text,
                va="center",
                fontsize=font,
                color="#1a1a1a" if sure else "#5d6570",
                style="normal" if sure else "italic",
                clip_on=True,
                parse_math=False,
            )
        at = top
        for child in children_in_order(tree, node):
            bar(child, node, at, n_levels + 1 - tree.nodes[child]["level"] + 1.0, colour)
            at += tree.nodes[child]["size"]

    at = 0.0
    for number, child in enumerate(children_in_order(tree, root)):
        start = n_levels + 1 - tree.nodes[child]["level"]
        bar(child, root, at, start + 1.0, COLOURS[number % len(COLOURS)])
        at += tree.nodes[child]["size"]
    ax.set_xlim(1, columns + 1)
    ax.set_ylim(size, 0)
    ax.set_yticks([])
    names = [*(f"level {level}" for level in range(n_levels, 0, -1)), "labels"][:columns]
    ax.set_xticks([place + 1.5 for place in range(columns)], names)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.tick_params(length=0)
    return ax
