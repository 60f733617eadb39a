"""Measures of predicted label sets; public under nnae.metrics."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from nnae._rankings import binary_csr


def f1(
    Y_true: Any,
    Y_pred: Any,
    average: Literal["micro", "macro", "examples"] = "micro",
    *,
    zero_division: float = 0.0,
) -> float:
    r"""Return the F1 measure of predicted label sets, :math:`2TP/(2TP+FP+FN)`.

    Parameters
    ----------
    Y_true, Y_pred : sparse or dense matrices (n x L)
        True and predicted labels.
    average : {"micro", "macro", "examples"}
        Over all entries together, the mean over labels, or the mean over rows.
    zero_division : float
        Value where nothing is true and nothing predicted, a label without positives being such a
        case unless it is predicted (then its F1 is 0). NaN leaves these labels or rows out of
        the mean. scikit-learn's default is the same 0.

    Examples
    --------
    >>> from nnae.metrics import f1
    >>> f1([[1, 0, 1], [0, 1, 0]], [[1, 1, 0], [0, 1, 0]], average="macro")
    0.5555555555555555
    """
    axes: dict[str, int | None] = {"micro": None, "macro": 0, "examples": 1}
    if average not in axes:
        raise ValueError(f"average must be one of {', '.join(axes)}; got {average!r}")
    true, predicted = _pair(Y_true, Y_pred)
    axis = axes[average]
    twice = np.atleast_1d(np.asarray(true.multiply(predicted).sum(axis=axis))).ravel() * 2.0
    total = np.atleast_1d(np.asarray((true + predicted).sum(axis=axis))).ravel()
    values = np.divide(twice, total, out=np.full(total.shape, zero_division), where=total > 0)
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def hamming(Y_true: Any, Y_pred: Any) -> float:
    r"""Return the Hamming loss, the share of the n x L entries that are wrong.

    Examples
    --------
    >>> from nnae.metrics import hamming
    >>> hamming([[1, 0, 1, 0], [0, 1, 0, 0]], [[1, 1, 0, 0], [0, 1, 0, 0]])
    0.25
    """
    true, predicted = _pair(Y_true, Y_pred)
    wrong = true.nnz + predicted.nnz - 2.0 * true.multiply(predicted).sum()
    return float(wrong / true.shape[0] / true.shape[1])


def _pair(Y_true: Any, Y_pred: Any) -> tuple[Any, Any]:
    true, predicted = binary_csr(Y_true, "Y_true"), binary_csr(Y_pred, "Y_pred")
    if true.shape != predicted.shape:
        raise ValueError(f"Y_pred has shape {predicted.shape}, Y_true has {true.shape}")
    return true, predicted
