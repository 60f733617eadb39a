"""Cards of concepts: what each is made of, how heavy and how sparse it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnae._validation import check_count
from nnae.plot._style import FOR, INK, QUIET, RULE, name, pyplot, title, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
#: Labels with a smaller part of a concept are not listed.
LEAST = 0.005


def concept_cards(hierarchy: Any, *, level: int = 1, top: int = 6, n_concepts: int = 9) -> Figure:
    """Draw the heaviest concepts of a level as cards: top labels, mass, sparseness.

    Parameters
    ----------
    hierarchy : LabelHierarchy
    level : int, default=1
    top : int, default=6
        Labels of a card.
    n_concepts : int, default=9
        Cards.

    Returns
    -------
    matplotlib figure

    Raises
    ------
    ValueError
        When the level has no concept.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.plot import concept_cards
    >>> W = np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])
    >>> tree = LabelHierarchy.from_weights([W], label_names=["cat", "dog", "car", "bus"])
    >>> [axes.get_title(loc="left") for axes in concept_cards(tree).axes]
    ['bus + car', 'cat + dog']
    """
    check_count("level", level)
    check_count("top", top)
    check_count("n_concepts", n_concepts)
    graph = hierarchy.graph
    found = [
        (node, about)
        for node, about in graph.nodes(data=True)
        if about["kind"] == "concept" and about["level"] == level
    ]
    if not found:
        raise ValueError(f"the hierarchy has no concept of level {level}")
    found.sort(key=lambda pair: (-pair[1]["mass"], pair[0]))
    total = sum(about["mass"] for _, about in found)
    found = found[:n_concepts]
    columns = min(COLUMNS, len(found))
    rows = -(-len(found) // columns)
    figure, grid = pyplot().subplots(
        rows, columns, figsize=(4.1 * columns, 0.75 + (0.6 + 0.29 * top) * rows),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    for ax, (node, about) in zip(grid.flat, found, strict=False):
        _card(ax, node, about, total, top)
    for ax in grid.flat[len(found) :]:
        ax.remove()
    result: Figure = figure
    return result


def _card(ax: Any, node: str, about: dict[str, Any], total: float, top: int) -> None:
    best = [entry for entry in about["top_by_weight"] if entry["weight"] >= LEAST][:top]
    weights = np.array([entry["weight"] for entry in best])
    largest = float(weights.max()) if len(weights) else 1.0
    for row, entry in enumerate(best):
        ax.barh(row, 0.5 * entry["weight"] / largest, left=0.5, height=0.55, color=FOR)
        write(ax, 0.48, row, name(entry["label"], 24), ha="right", va="center", fontsize=8.5)
        at = 0.5 + 0.5 * entry["weight"] / largest
        write(ax, at + 0.01, row, f"{entry['weight']:.0%}", va="center", fontsize=8, color=INK)
    ax.set_xlim(0, 1.12)
    ax.set_ylim(top - 0.4, -0.6)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ("left", "right", "bottom"):
        ax.spines[side].set_visible(False)
    ax.spines["top"].set_color(RULE)
    note = f"{about['mass'] / total:.1%} of the level's mass, sparseness {about['hoyer']:.2f}"
    title(ax, name(node, 36), note)
    ax.title.set_color(QUIET)
