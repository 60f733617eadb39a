"""How accurate rankings and probabilities are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from nnae._validation import check_count
from nnae.metrics import precision_at_k
from nnae.plot._style import FOR, INK, QUIET, SERIES, name, new_axes, plain, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo")


def precision_bars(
    Y_true: Any, rankings: Any, ax: Axes | None = None, *, ks: Sequence[int] = (1, 3, 5)
) -> Axes:
    """Draw precision at several depths for one ranking or several, with standard errors.

    Parameters
    ----------
    Y_true : matrix of shape (n, L)
    rankings : ndarray of shape (n, k), or mapping of names to them
        As ``predict_topk`` returns them.
    ax : matplotlib axes, optional
    ks : sequence of int, default=(1, 3, 5)

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.plot import precision_bars
    >>> Y = np.array([[1, 0, 1], [0, 1, 0]])
    >>> ax = precision_bars(Y, {"good": [[0, 2], [1, 0]], "bad": [[1, 0], [2, 1]]}, ks=(1, 2))
    >>> [float(bar.get_height()) for bar in ax.patches]
    [1.0, 0.75, 0.0, 0.5]
    """
    many = rankings if isinstance(rankings, Mapping) else {"": rankings}
    Y = sp.csr_matrix(Y_true)
    ax = new_axes(ax, 2.0 + 1.6 * len(ks), 4.2)
    width = 0.8 / len(many)
    for place, (label, ranking) in enumerate(many.items()):
        indices = np.asarray(ranking, np.int64)
        each = [_each(Y, indices, check_count("k", k)) for k in ks]
        values = [float(precision_at_k(Y, indices, k)) for k in ks]
        errors = [float(e.std(ddof=1) / np.sqrt(len(e))) if len(e) > 1 else 0.0 for e in each]
        at = np.arange(len(ks)) + (place - (len(many) - 1) / 2) * width
        ax.bar(
            at, values, width * 0.92, color=SERIES[place % len(SERIES)], label=name(label),
            hatch=HATCHES[place % len(HATCHES)], edgecolor="white", linewidth=0.6,
        )  # fmt: skip
        ax.errorbar(at, values, errors, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5)
        for x, value, error in zip(at, values, errors, strict=True):
            ax.annotate(
                f"{100 * value:.1f}", (x, value + error), xytext=(0, 3), ha="center",
                textcoords="offset points", fontsize=8.5, color=INK,
            )  # fmt: skip
    ax.set_xticks(range(len(ks)), [f"P@{k}" for k in ks])
    ax.set_ylim(0, 1.05)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    plain(ax, grid="y")
    if len(many) > 1:
        for text in ax.legend(frameon=False, fontsize=9).get_texts():
            text.set_parse_math(False)
    title(ax, "Precision of the best labels", f"{Y.shape[0]:,} rows; lines are standard errors")
    return ax


def _each(Y: Any, indices: Any, k: int) -> Any:
    best = indices[:, :k]
    rows = np.arange(len(best))[:, None]
    hits = np.asarray(Y[rows, np.maximum(best, 0)].todense()) > 0
    return (hits & (best >= 0)).sum(axis=1) / k


def calibration(
    Y_true: Any, probabilities: Any, ax: Axes | None = None, *, n_bins: int = 10
) -> Axes:
    """Draw how often labels are true against the probability that was given to them.

    Bins hold equally many pairs of row and label; lines are 95 % intervals of the share.

    Parameters
    ----------
    Y_true : matrix of shape (n, L)
    probabilities : ndarray or csr_matrix of shape (n, L)
        As ``predict_proba`` returns them; of a csr matrix the stored ones count.
    ax : matplotlib axes, optional
    n_bins : int, default=10

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        When the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.plot import calibration
    >>> p = np.random.default_rng(0).random((200, 5))
    >>> ax = calibration(np.random.default_rng(1).random((200, 5)) < p, p)
    >>> ax.get_xlabel()
    'predicted probability'
    """
    truth = sp.csr_matrix(Y_true)
    if truth.shape != np.shape(probabilities):
        raise ValueError(
            f"Y_true has shape {truth.shape}, probabilities has {np.shape(probabilities)}"
        )
    if hasattr(probabilities, "tocoo"):
        found = probabilities.tocoo()
        p, rows, columns = found.data, found.row, found.col
    else:
        p = np.asarray(probabilities, np.float64).ravel()
        rows, columns = np.divmod(np.arange(len(p)), truth.shape[1])
    hits = np.asarray(truth[rows, columns]).ravel() > 0
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, check_count("n_bins", n_bins)) if len(part)]
    x = np.array([p[part].mean() for part in parts])
    y = np.array([hits[part].mean() for part in parts])
    size = np.array([len(part) for part in parts])
    spread = 1.96 * np.sqrt(y * (1 - y) / size)
    ax = new_axes(ax, 5.4, 5.2)
    ax.plot([0, 1], [0, 1], linestyle=(0, (4, 3)), color=QUIET, linewidth=1)
    ax.errorbar(x, y, spread, fmt="o-", color=FOR, markersize=5.5, linewidth=1.6, elinewidth=1.2)
    ax.set_xlabel("predicted probability", color=INK)
    ax.set_ylabel("true share", color=INK)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    plain(ax, grid="both")
    off = float(np.average(np.abs(x - y), weights=size))
    title(ax, "Calibration", f"mean distance from the diagonal {off:.3f}")
    return ax
