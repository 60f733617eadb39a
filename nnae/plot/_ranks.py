"""Held-out loss and stability over numbers of concepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnae.plot._style import FOR, INK, QUIET, SERIES, new_axes, plain, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def rank_curve(report: Any, ax: Axes | None = None) -> Axes:
    """Draw the held-out loss over ranks with standard errors, and stability where it was measured.

    Parameters
    ----------
    report : RankReport
        What `nnae.choose_rank` returned.
    ax : matplotlib axes, optional

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> from nnae import choose_rank
    >>> from nnae.datasets import make_label_hierarchy
    >>> from nnae.plot import rank_curve
    >>> Y = make_label_hierarchy(150, random_state=0).Y
    >>> ax = rank_curve(choose_rank(Y, [2, 6], n_folds=3, n_seeds=0, random_state=0))
    >>> ax.get_xlabel()
    'number of concepts'
    """
    ax = new_axes(ax, 7.0, 4.2)
    frame = report.frame
    at = frame["rank"].to_numpy()
    ax.errorbar(
        at, frame["loss"], frame["se"], color=FOR, marker="o", markersize=5, linewidth=1.8,
        elinewidth=1.2, capsize=3, label="held-out loss of a cell",
    )  # fmt: skip
    for rank, words, line in ((report.best, "best", "--"), (report.one_se, "one s.e.", ":")):
        ax.axvline(rank, color=QUIET, linestyle=line, linewidth=1.1, zorder=0)
        up = 0.97 if words == "best" else 0.9
        ax.annotate(
            f" {words}: {rank}", (rank, up), xycoords=("data", "axes fraction"), fontsize=9,
            color=INK,
        )  # fmt: skip
    ax.set_xlabel("number of concepts", color=INK)
    ax.set_ylabel(f"held-out {report.loss_name} loss of a cell", color=INK)
    ax.set_xscale("log")
    ax.set_xticks(at, [str(rank) for rank in at])
    ax.minorticks_off()
    plain(ax, grid="y")
    stable = frame["stability"].to_numpy()
    if np.isfinite(stable).any():
        other = ax.twinx()
        other.plot(
            at, stable, color=SERIES[2], marker="s", linestyle="-.", markersize=4.5, linewidth=1.4
        )
        other.set_ylim(0, 1.05)
        other.set_ylabel("stability (mean matched cosine)", color=SERIES[2])
        plain(other)
    title(ax, "How many concepts", f"lines are standard errors over {report.folds.shape[1]} folds")
    return ax
