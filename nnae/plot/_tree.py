"""The tree of labels: nested bars, or rings around the root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnae.hierarchy._formats import children_in_order, is_sure
from nnae.plot._style import INK, SERIES, ink_on, name, new_axes, title, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Labels that can be written around a ring.
MOST_LABELS = 160
#: Radius of the empty middle, in rings.
HOLE = 0.55


def icicle(hierarchy: Any, ax: Axes | None = None) -> Axes:
    """Draw the tree as nested bars, one column a level.

    Where edges carry the share of bootstraps that have them, bars below 60 % are pale, with a
    dashed outline and names in italics.

    Parameters
    ----------
    hierarchy : LabelHierarchy
    ax : matplotlib axes, optional

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.plot import icicle
    >>> W = np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])
    >>> tree = LabelHierarchy.from_weights([W], label_names=["cat", "dog", "car", "bus"])
    >>> [text.get_text() for text in icicle(tree).texts][0]
    'bus + car'
    """
    made: Axes = hierarchy.plot(ax)
    return made


def radial(hierarchy: Any, ax: Axes | None = None) -> Axes:
    """Draw the tree as rings: the root's children inside, labels outside.

    Angles are numbers of labels. Labels are written up to 160 of them. Where edges carry the share
    of bootstraps that have them, rings below 60 % are pale, with a dashed outline.

    Parameters
    ----------
    hierarchy : LabelHierarchy
    ax : matplotlib axes, optional

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> from nnae.plot import radial
    >>> W = np.array([[3.0, 2, 0, 0], [0, 0, 2, 3]])
    >>> tree = LabelHierarchy.from_weights([W], label_names=["cat", "dog", "car", "bus"])
    >>> ax = radial(tree)
    >>> len(ax.patches), sorted(text.get_text() for text in ax.texts)[:2]
    (6, ['bus', 'bus + car'])
    """
    ax = new_axes(ax, 8.5, 8.5)
    tree, root, depth = hierarchy.tree(), hierarchy.root, len(hierarchy.widths)
    total = max(int(tree.nodes[root]["size"]), 1)
    outer = HOLE + depth + 0.35
    rings = _Rings(ax, tree, depth, total)
    at = 0.0
    for number, child in enumerate(children_in_order(tree, root)):
        rings.draw(child, root, at, HOLE, SERIES[number % len(SERIES)], 0)
        at += tree.nodes[child]["size"]
    room = 1.4 if total <= MOST_LABELS else 0.1
    ax.set_xlim(-outer - room, outer + room)
    ax.set_ylim(-outer - room, outer + room)
    ax.set_aspect("equal")
    ax.set_axis_off()
    title(ax, f"{total} labels in {tree.number_of_nodes() - total - 1} concepts")
    return ax


class _Rings:
    def __init__(self, ax: Axes, tree: Any, depth: int, total: int) -> None:
        self.ax, self.tree, self.depth, self.total = ax, tree, depth, total
        self.font = float(np.clip(420 / total, 4.0, 9.0))

    def draw(
        self, node: str, parent: str, at: float, inner: float, colour: str, nesting: int
    ) -> None:
        """Draw a node and all below it."""
        from matplotlib.patches import Wedge

        known: dict[str, Any] = self.tree.nodes[node]
        is_label = known["kind"] == "label"
        outer = HOLE + self.depth + 1 - known["level"] if not is_label else HOLE + self.depth + 0.35
        start, stop = (90 - 360 * place / self.total for place in (at, at + known["size"]))
        sure = is_sure(self.tree.edges[parent, node]["frequency"])
        strength = 0.28 if is_label else (0.95, 0.65, 0.45)[min(nesting, 2)]
        ring = Wedge(
            (0, 0), outer, stop, start, width=outer - inner,
            facecolor=colour, alpha=strength if sure else 0.12,
            edgecolor="white" if sure else INK, linestyle="-" if sure else "--", linewidth=0.8,
        )  # fmt: skip
        self.ax.add_patch(ring)
        middle = (start + stop) / 2
        if is_label and self.total <= MOST_LABELS:
            self._write(name(node, 22), outer + 0.06, middle, self.font, INK)
        elif not is_label and (start - stop) * np.pi / 180 * (inner + outer) / 2 > 0.22:
            text = name(known["name"], int(14 * (outer - inner)))
            ink = ink_on(colour) if nesting == 0 and sure else INK
            self._write(text, (inner + outer) / 2, middle, 7.0, ink, inside=True)
        for child in children_in_order(self.tree, node):
            self.draw(child, node, at, outer, colour, nesting + 1)
            at += self.tree.nodes[child]["size"]

    def _write(
        self, text: str, radius: float, angle: float, size: float, ink: str, inside: bool = False
    ) -> None:
        x, y = radius * np.cos(np.radians(angle)), radius * np.sin(np.radians(angle))
        left = np.cos(np.radians(angle)) < 0
        side = "center" if inside else ("right" if left else "left")
        turn = angle + 180 if left else angle
        how: dict[str, Any] = {"rotation": turn, "rotation_mode": "anchor"}
        write(self.ax, x, y, text, ha=side, va="center", fontsize=size, color=ink, **how)
