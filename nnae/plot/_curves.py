"""Losses over the sweeps of fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nnae.plot._style import INK, LINES, MARKERS, SERIES, name, new_axes, plain, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_curves(models: Any, ax: Axes | None = None, *, over: str = "sweeps") -> Axes:
    """Draw the objective of one fit or several, sweep by sweep.

    Values are relative to each fit's first, so that fits of different losses can be compared.

    Parameters
    ----------
    models : NMF, NNAE, or mapping of names to them
        Fitted: they hold ``loss_curve_``.
    ax : matplotlib axes, optional
    over : {"sweeps", "seconds"}, default="sweeps"
        What the abscissa counts; seconds are spread evenly over a fit's sweeps.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        When a model has no loss curve, or `over` is unknown.

    Examples
    --------
    >>> from nnae import NMF
    >>> from nnae.datasets import make_label_hierarchy
    >>> from nnae.plot import loss_curves
    >>> Y = make_label_hierarchy(200, random_state=0).Y
    >>> fits = {k: NMF(k, tol=1e-2, random_state=0).fit(Y) for k in (3, 6)}
    >>> ax = loss_curves({f"{k} concepts": model for k, model in fits.items()})
    >>> [line.get_label() for line in ax.lines]
    ['3 concepts', '6 concepts']
    """
    if over not in ("sweeps", "seconds"):
        raise ValueError(f"over must be one of sweeps, seconds; got {over!r}")
    fits = models if isinstance(models, Mapping) else {type(models).__name__: models}
    ax = new_axes(ax, 7.0, 4.2)
    for place, (label, model) in enumerate(fits.items()):
        curve = np.asarray(getattr(model, "loss_curve_", ()), np.float64)
        if not len(curve):
            raise ValueError(f"{label} must be fitted and hold a loss_curve_")
        at = np.arange(1, len(curve) + 1, dtype=np.float64)
        if over == "seconds":
            at *= float(np.max(model.seconds_)) / len(curve)
        shown = curve / abs(curve[0]) if curve[0] else curve
        ax.plot(
            at, shown, label=name(label), color=SERIES[place % len(SERIES)],
            linestyle=LINES[place % len(LINES)], linewidth=1.8,
            marker=MARKERS[place % len(MARKERS)], markevery=max(1, len(at) // 8), markersize=4.5,
        )  # fmt: skip
    plain(ax, grid="y")
    ax.set_xlabel(over, color=INK)
    ax.set_ylabel("objective, first sweep = 1", color=INK)
    if len(fits) > 1:
        for text in ax.legend(frameon=False, fontsize=9).get_texts():
            text.set_parse_math(False)
    title(ax, "Loss over the fit")
    return ax
