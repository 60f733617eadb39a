r"""Measures of multi-label prediction, for rankings and for sets.

A ranking is what ``predict_topk`` returns: integers (n x k or wider), best label first, -1 where
nothing was predicted (a miss). ``Y_true`` is sparse or dense (n x L); a label is true where its
value is above zero. Rows without true labels stay in every mean and count 0, as in the Extreme
Classification Repository. Nothing dense of n x L is made from sparse input.

References
----------
Jain, Prabhu, Varma (2016): Extreme multi-label loss functions for recommendation, tagging,
ranking and other missing label applications. KDD.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnae._rankings import (
    FloatArray,
    best_gains,
    binary_csr,
    checked_ranking,
    discounts,
    hits,
    ideal_discounts,
    inverse_propensities,
    propensities_of_counts,
)
from nnae._scorers import TopKScorer
from nnae._set_metrics import f1, hamming

__all__ = [
    "TopKScorer",
    "coverage_at_k",
    "f1",
    "hamming",
    "ndcg_at_k",
    "ndcg_at_k_scorer",
    "ndcg_per_row",
    "precision_at_k",
    "precision_at_k_scorer",
    "precision_per_row",
    "propensities",
    "psndcg_at_k",
    "psndcg_per_row",
    "psp_at_k",
    "psp_per_row",
    "recall_at_k",
    "recall_per_row",
    "standard_error",
]


def precision_per_row(Y_true: Any, topk_indices: Any, k: int) -> FloatArray:
    """Return the share of true labels among the first k, for each row.

    Parameters and conventions are those of :func:`precision_at_k`; the result (n) serves for
    standard errors and for paired comparisons of two models on the same rows.

    Examples
    --------
    >>> from nnae.metrics import precision_per_row
    >>> precision_per_row([[1, 0, 1], [0, 1, 0]], [[0, 2], [0, 1]], k=2)
    array([1. , 0.5])
    """
    Y = binary_csr(Y_true, "Y_true")
    return np.asarray(hits(Y, checked_ranking(topk_indices, k, Y)).sum(axis=1) / k)


def precision_at_k(Y_true: Any, topk_indices: Any, k: int) -> float:
    r"""Return precision at k, :math:`\frac{1}{nk}\sum_i\sum_{r\le k}[\hat y_{ir}\in Y_i]`.

    Parameters
    ----------
    Y_true : sparse or dense matrix (n x L)
        True labels; rows without any count 0.
    topk_indices : int array (n x k or wider)
        Different labels, best first; -1 where nothing was predicted, which is a miss.
    k : int
        From 1 to the number of columns of ``topk_indices``. The divisor is k even for rows with
        fewer true labels.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If shapes disagree, k is out of range, or a label repeats or lies outside the columns.
    TypeError
        If k or the ranking is not of integers.

    Notes
    -----
    Cost: one binary search of the true entries for each ranked label.

    Examples
    --------
    >>> from nnae.metrics import precision_at_k
    >>> precision_at_k([[1, 0, 1], [0, 1, 0]], [[0, 2], [0, 1]], k=2)
    0.75
    """
    return float(precision_per_row(Y_true, topk_indices, k).mean())


def recall_per_row(Y_true: Any, topk_indices: Any, k: int) -> FloatArray:
    """Return the share of a row's true labels that its first k contain; 0 without true labels.

    Examples
    --------
    >>> from nnae.metrics import recall_per_row
    >>> recall_per_row([[1, 0, 1], [0, 1, 0]], [[0, 2], [0, 1]], k=1)
    array([0.5, 0. ])
    """
    Y = binary_csr(Y_true, "Y_true")
    found = hits(Y, checked_ranking(topk_indices, k, Y)).sum(axis=1)
    return np.asarray(found / np.maximum(np.diff(Y.indptr), 1))


def recall_at_k(Y_true: Any, topk_indices: Any, k: int) -> float:
    r"""Return recall at k, :math:`\frac1n\sum_i |Y_i\cap\hat Y_i^k| / |Y_i|`.

    Parameters and errors are those of :func:`precision_at_k`.

    Examples
    --------
    >>> from nnae.metrics import recall_at_k
    >>> recall_at_k([[1, 0, 1], [0, 1, 0]], [[0, 2], [0, 1]], k=1)
    0.25
    """
    return float(recall_per_row(Y_true, topk_indices, k).mean())


def ndcg_per_row(Y_true: Any, topk_indices: Any, k: int) -> FloatArray:
    """Return nDCG at k for each row; 0 for rows without true labels, where it is undefined.

    Examples
    --------
    >>> from nnae.metrics import ndcg_per_row
    >>> ndcg_per_row([[1, 0, 1], [0, 0, 0]], [[0, 2], [0, 1]], k=2)
    array([1., 0.])
    """
    Y = binary_csr(Y_true, "Y_true")
    gained = hits(Y, checked_ranking(topk_indices, k, Y)) @ discounts(k)
    ideal = ideal_discounts(Y, k)
    return np.asarray(np.divide(gained, ideal, out=np.zeros_like(ideal), where=ideal > 0))


def ndcg_at_k(Y_true: Any, topk_indices: Any, k: int) -> float:
    r"""Return the normalised discounted cumulative gain at k, the mean over rows.

    .. math:: \frac1n\sum_i \frac{\sum_{r\le k}[\hat y_{ir}\in Y_i]/\log_2(1+r)}
              {\sum_{r\le\min(k,|Y_i|)}1/\log_2(1+r)}

    Parameters and errors are those of :func:`precision_at_k`; rows without true labels count 0.

    Examples
    --------
    >>> from nnae.metrics import ndcg_at_k
    >>> round(ndcg_at_k([[1, 0, 1], [0, 1, 0]], [[0, 2], [0, 1]], k=2), 4)
    0.8155
    """
    return float(ndcg_per_row(Y_true, topk_indices, k).mean())


def propensities(Y_train: Any, A: float = 0.55, B: float = 1.5) -> FloatArray:
    r"""Estimate how likely a true label was recorded, from its training frequency.

    .. math:: p_l = \frac{1}{1 + C (N_l + B)^{-A}}, \qquad C = (\log N - 1)(B + 1)^A

    Parameters
    ----------
    Y_train : sparse or dense matrix (N x L)
        Training labels; :math:`N_l` counts the rows with label l. Below 3 rows C is taken as 0.
    A, B : float
        Positive constants of the data set: 0.5 and 0.4 for Wikipedia, 0.6 and 2.6 for Amazon,
        0.55 and 1.5 otherwise.

    Returns
    -------
    ndarray (L)
        In (0, 1], larger for frequent labels.

    References
    ----------
    Jain, Prabhu, Varma (2016), section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.metrics import propensities
    >>> propensities(np.repeat([[1, 0], [1, 1]], 50, axis=0)).round(3)
    array([0.68 , 0.594])
    """
    for name, value in (("A", A), ("B", B)):
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be positive and finite; got {value}")
    Y = binary_csr(Y_train, "Y_train")
    return propensities_of_counts(np.bincount(Y.indices, minlength=Y.shape[1]), Y.shape[0], A, B)


def psp_per_row(
    Y_true: Any, topk_indices: Any, k: int, propensity: Any
) -> tuple[FloatArray, FloatArray]:
    """Return each row's propensity-scored precision and the best attainable one, unnormalised.

    The measure is ``gained.sum() / best.sum()``; ``standard_error(gained, best)`` its error.

    Examples
    --------
    >>> from nnae.metrics import psp_per_row
    >>> psp_per_row([[1, 0, 1], [0, 1, 0]], [[0], [1]], k=1, propensity=[0.5, 1.0, 0.25])
    (array([2., 1.]), array([4., 1.]))
    """
    Y = binary_csr(Y_true, "Y_true")
    ranking, weights = checked_ranking(topk_indices, k, Y), inverse_propensities(propensity, Y)
    found = hits(Y, ranking)
    gained = np.where(found, weights[ranking], 0.0).sum(axis=1) / k
    return gained, best_gains(Y, weights, np.full(k, 1.0 / k))


def psp_at_k(Y_true: Any, topk_indices: Any, k: int, propensity: Any) -> float:
    r"""Return the propensity-scored precision at k, divided by the best attainable one.

    .. math:: \frac{\sum_i\sum_{r\le k}[\hat y_{ir}\in Y_i]/p_{\hat y_{ir}}}
              {\sum_i\max_{S\subseteq Y_i,|S|\le k}\sum_{l\in S}1/p_l}

    Both sums run over the whole set, as in the Extreme Classification Repository; 0 where no row
    has a true label.

    Parameters
    ----------
    Y_true, topk_indices, k
        As for :func:`precision_at_k`.
    propensity : array (L)
        From :func:`propensities` of the *training* labels; in (0, 1].

    Examples
    --------
    >>> from nnae.metrics import psp_at_k
    >>> psp_at_k([[1, 0, 1], [0, 1, 0]], [[0], [1]], k=1, propensity=[0.5, 1.0, 0.25])
    0.6
    """
    return _ratio(*psp_per_row(Y_true, topk_indices, k, propensity))


def psndcg_per_row(
    Y_true: Any, topk_indices: Any, k: int, propensity: Any
) -> tuple[FloatArray, FloatArray]:
    """Return each row's propensity-scored nDCG and the best attainable one, unnormalised.

    Examples
    --------
    >>> from nnae.metrics import psndcg_per_row
    >>> psndcg_per_row([[1, 0, 1], [0, 1, 0]], [[0], [1]], k=1, propensity=[0.5, 1.0, 0.25])
    (array([2., 1.]), array([4., 1.]))
    """
    Y = binary_csr(Y_true, "Y_true")
    ranking, weights = checked_ranking(topk_indices, k, Y), inverse_propensities(propensity, Y)
    gained = np.where(hits(Y, ranking), weights[ranking], 0.0) @ discounts(k)
    ideal = ideal_discounts(Y, k)
    ideal[ideal == 0] = 1.0  # no true label: nothing to gain
    return gained / ideal, best_gains(Y, weights, discounts(k)) / ideal


def psndcg_at_k(Y_true: Any, topk_indices: Any, k: int, propensity: Any) -> float:
    r"""Return the propensity-scored nDCG at k, divided by the best attainable one.

    Each row's gains :math:`1/(p_l\log_2(1+r))` are divided by its unweighted ideal
    :math:`\sum_{r\le\min(k,|Y_i|)}1/\log_2(1+r)`; the sum over all rows is divided by the largest
    that any ranking attains, as in the Extreme Classification Repository.

    Parameters
    ----------
    Y_true, topk_indices, k, propensity
        As for :func:`psp_at_k`.

    Examples
    --------
    >>> from nnae.metrics import psndcg_at_k
    >>> psndcg_at_k([[1, 0, 1], [0, 1, 0]], [[0], [1]], k=1, propensity=[0.5, 1.0, 0.25])
    0.6
    """
    return _ratio(*psndcg_per_row(Y_true, topk_indices, k, propensity))


def coverage_at_k(Y_true: Any, topk_indices: Any, k: int) -> float:
    """Return the share of occurring labels that are found in the first k of at least one row.

    Labels without a true entry are left out; 0 if there are no true entries at all. Parameters
    and errors are those of :func:`precision_at_k`.

    Examples
    --------
    >>> from nnae.metrics import coverage_at_k
    >>> coverage_at_k([[1, 0, 1], [0, 1, 0]], [[0], [1]], k=1)
    0.6666666666666666
    """
    Y = binary_csr(Y_true, "Y_true")
    ranking = checked_ranking(topk_indices, k, Y)
    occurring = np.unique(Y.indices).size
    return float(np.unique(ranking[hits(Y, ranking)]).size / max(occurring, 1))


def standard_error(values: Any, best: Any = None) -> float:
    r"""Return the standard error of a mean of rows, or of a ratio of two sums over rows.

    Parameters
    ----------
    values : array (n)
        One number a row, as from :func:`precision_per_row`; for two models on the same rows pass
        the difference of theirs. At least two rows.
    best : array (n), optional
        Denominators, as from :func:`psp_per_row`: the error of ``values.sum() / best.sum()`` by
        the delta method.

    Examples
    --------
    >>> from nnae.metrics import standard_error
    >>> standard_error([1.0, 0.0, 1.0, 0.0])
    0.28867513459481287
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 1 or rows.size < 2:
        raise ValueError(
            f"values must hold one number for each of 2 or more rows; got {rows.shape}"
        )
    if best is not None:
        totals = np.asarray(best, dtype=np.float64)
        if totals.shape != rows.shape:
            raise ValueError(f"best has shape {totals.shape}, values has {rows.shape}")
        if totals.sum() == 0:
            return 0.0
        rows = (rows - totals * (rows.sum() / totals.sum())) / totals.mean()
    return float(rows.std(ddof=1) / np.sqrt(rows.size))


def precision_at_k_scorer(k: int) -> TopKScorer:
    """Return a scorer of precision at k.

    Examples
    --------
    >>> from nnae.metrics import precision_at_k_scorer
    >>> precision_at_k_scorer(1).metric.__name__
    'precision_at_k'
    """
    return TopKScorer(precision_at_k, k)


def ndcg_at_k_scorer(k: int) -> TopKScorer:
    """Return a scorer of nDCG at k.

    Examples
    --------
    >>> from nnae.metrics import ndcg_at_k_scorer
    >>> ndcg_at_k_scorer(5).k
    5
    """
    return TopKScorer(ndcg_at_k, k)


def _ratio(gained: FloatArray, best: FloatArray) -> float:
    total = float(best.sum())
    return float(gained.sum()) / total if total > 0 else 0.0
