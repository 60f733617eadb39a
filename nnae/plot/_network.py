"""The labels that depend on one label, as a star."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnae._validation import check_count
from nnae.plot._style import AGAINST, FOR, INK, name, new_axes, title, write

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def dependency_network(
    frame: pd.DataFrame, label: str, ax: Axes | None = None, *, top: int = 12
) -> Axes:
    """Draw the strongest dependencies of a label; lines tell sign, strength and direction.

    Solid blue lines: together more often than by chance; dashed orange ones: less often. Width is
    the size of NPMI. An arrow points at the label that the other one brings along.

    Parameters
    ----------
    frame : DataFrame
        From :func:`nnae.label_dependencies`.
    label : str
    ax : matplotlib axes, optional
    top : int, default=12
        Neighbours shown.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        When no dependency of the label is significant.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import label_dependencies
    >>> from nnae.plot import dependency_network
    >>> Y = np.repeat([[1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], 30, axis=0)
    >>> found = label_dependencies(Y, label_names=["cat", "pet", "car"])
    >>> ax = dependency_network(found, "cat")
    >>> [text.get_text() for text in ax.texts if text.get_text()][:3]
    ['cat', 'car', 'pet']
    """
    check_count("top", top)
    alpha = float(frame.attrs.get("alpha", 0.05))
    near = frame[((frame["label_a"] == label) | (frame["label_b"] == label))]
    near = near[near["q_value"] <= alpha]
    if not len(near):
        raise ValueError(f"label must have a significant dependency; {label!r} has none")
    order = np.argsort(-near["npmi"].abs().to_numpy(float), kind="stable")[:top]
    near = near.iloc[order]
    ax = new_axes(ax, 7.5, 6.5)
    write(ax, 0, 0, name(label), ha="center", va="center", fontweight="bold", bbox=_box(), zorder=5)
    for place, row in enumerate(near.to_dict("records")):
        angle = np.pi / 2 - 2 * np.pi * place / len(near)
        _neighbour(ax, row, label, np.cos(angle), np.sin(angle))
    ax.set_xlim(-1.7, 1.7)
    ax.set_ylim(-1.25, 1.25)
    ax.set_axis_off()
    title(ax, f"Dependencies of {label}", "solid: together more often than by chance; dashed: less")
    return ax


def _box() -> dict[str, Any]:
    return {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": INK, "linewidth": 0.8}


def _neighbour(ax: Axes, row: dict[Any, Any], label: str, x: float, y: float) -> None:
    turned = row["label_b"] == label
    other = row["label_a"] if turned else row["label_b"]
    positive = row["npmi"] >= 0
    style = "-" if positive else (0, (4, 2))
    width = 0.8 + 4.5 * min(1.0, abs(row["npmi"]))
    heads = {"none": "-", "a <-> b": "<|-|>"}
    outward = (row["direction"] == "a -> b") != turned
    ends = heads.get(row["direction"], "-|>" if outward else "<|-")
    ax.annotate(
        "", (0.86 * x, 0.86 * y), (0.2 * x, 0.14 * y),
        arrowprops={
            "arrowstyle": ends, "linestyle": style, "linewidth": width,
            "color": FOR if positive else AGAINST, "mutation_scale": 12, "shrinkA": 2, "shrinkB": 2,
        },
    )  # fmt: skip
    side = "left" if x > 0.25 else "right" if x < -0.25 else "center"
    write(ax, 0.95 * x, 0.95 * y, name(other, 26), ha=side, va="center", bbox=_box() | {
        "edgecolor": "none", "boxstyle": "round,pad=0.1"})  # fmt: skip
