"""Rankings beside the truth: which of the best-ranked labels of each row are true."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._sparse_input import check_indices

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


def binary_csr(Y: Any, name: str) -> sp.csr_matrix:
    """Return Y as canonical CSR of ones: a label is true where its value is above zero."""
    check_indices(Y, name)
    if not sp.issparse(Y):
        Y = np.asarray(Y)
        if Y.dtype.kind not in "biuf":
            raise TypeError(f"{name} must hold numbers; got dtype {Y.dtype}")
    if Y.ndim != 2:
        raise ValueError(f"{name} must be a matrix with one column a label; got shape {Y.shape}")
    matrix = sp.csr_matrix(Y, copy=sp.issparse(Y))
    matrix.sum_duplicates()
    if not np.isfinite(matrix.data).all():
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")
    if matrix.nnz and matrix.data.min() < 0:
        raise ValueError(f"{name} must be non-negative; it holds {matrix.data.min():g}")
    matrix.eliminate_zeros()
    if 0 in matrix.shape:
        raise ValueError(
            f"{name} must have at least one row and one label; got shape {matrix.shape}"
        )
    matrix.data = np.ones(matrix.nnz)
    return matrix


def row_numbers(Y: sp.csr_matrix) -> IntArray:
    """Return the row of each stored entry."""
    return np.repeat(np.arange(Y.shape[0], dtype=np.int64), np.diff(Y.indptr))


def checked_ranking(topk_indices: Any, k: int, Y: sp.csr_matrix) -> IntArray:
    """Return the first k columns of a ranking (n x k) after its checks."""
    if isinstance(k, (bool, np.bool_)) or not isinstance(k, numbers.Integral):
        raise TypeError(f"k must be a positive integer; got {k!r}")
    if k < 1:
        raise ValueError(f"k must be at least 1; got {k}")
    ranking = np.asarray(topk_indices)
    if ranking.ndim != 2:
        raise ValueError(
            f"topk_indices must have one row an example, n x k; got shape {ranking.shape}"
        )
    if ranking.dtype.kind not in "iu":
        raise TypeError(f"topk_indices must hold integers; got dtype {ranking.dtype}")
    n_rows, n_labels = Y.shape
    if ranking.shape[0] != n_rows:
        raise ValueError(f"topk_indices has {ranking.shape[0]} rows, Y_true has {n_rows}")
    if ranking.shape[1] < k:
        raise ValueError(f"k is {k}, topk_indices has only {ranking.shape[1]} columns")
    first = ranking[:, :k].astype(np.int64)
    if first.min() < -1 or first.max() >= n_labels:
        odd = first.min() if first.min() < -1 else first.max()
        raise ValueError(
            f"topk_indices must lie between 0 and {n_labels - 1} (-1: nothing predicted); got {odd}"
        )
    ordered = np.sort(first, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row = int(np.argmax(twice.any(axis=1)))
        raise ValueError(f"topk_indices must not repeat a label within a row; row {row} does")
    return first


def hits(Y: sp.csr_matrix, ranking: IntArray) -> BoolArray:
    """Tell for each entry of a ranking whether it is a true label of its row (n x k)."""
    n_labels = np.int64(Y.shape[1])
    truth = row_numbers(Y) * n_labels + Y.indices
    if truth.size == 0:
        return np.zeros(ranking.shape, dtype=np.bool_)
    wanted = np.arange(ranking.shape[0], dtype=np.int64)[:, None] * n_labels + ranking
    place = np.minimum(np.searchsorted(truth, wanted), truth.size - 1)
    return np.asarray((truth[place] == wanted) & (ranking >= 0))


def discounts(k: int) -> FloatArray:
    """Return 1 / log2(1 + rank) for the ranks 1 to k."""
    return np.asarray(1.0 / np.log2(np.arange(2, k + 2)), dtype=np.float64)


def ideal_discounts(Y: sp.csr_matrix, k: int) -> FloatArray:
    """Return the sum of the first min(k, true labels) discounts for each row; 0 without labels."""
    sums = np.concatenate([[0.0], np.cumsum(discounts(k))])
    return np.asarray(sums[np.minimum(np.diff(Y.indptr), k)], dtype=np.float64)


def best_gains(Y: sp.csr_matrix, weights: FloatArray, rank_weights: FloatArray) -> FloatArray:
    """Return the largest weighted gain that any ranking of k labels attains in each row."""
    rows, values = row_numbers(Y), weights[Y.indices]
    order = np.lexsort((-values, rows))
    rank = np.arange(order.size) - np.asarray(Y.indptr[:-1])[rows]
    kept = rank < rank_weights.size
    gains = values[order][kept] * rank_weights[rank[kept]]
    return np.bincount(rows[kept], weights=gains, minlength=Y.shape[0]).astype(np.float64)


def inverse_propensities(propensity: Any, Y: sp.csr_matrix) -> FloatArray:
    """Return 1 / p_l for each label of Y after checks."""
    n_labels = Y.shape[1]
    values = np.asarray(propensity)
    if values.shape != (n_labels,):
        raise ValueError(
            f"propensity must hold one value for each of {n_labels} labels; "
            f"got shape {values.shape}"
        )
    if values.dtype.kind not in "biuf":
        raise TypeError(f"propensity must hold numbers; got dtype {values.dtype}")
    values = values.astype(np.float64)
    if not bool(((values > 0) & (values <= 1)).all()):
        raise ValueError("propensity must lie above 0 and at most at 1")
    return np.asarray(1.0 / values)


def propensities_of_counts(counts: Any, n_rows: int, A: float = 0.55, B: float = 1.5) -> FloatArray:
    """Return the propensities of labels with the given numbers of positives among n rows."""
    C = max(np.log(n_rows) - 1.0, 0.0) * (B + 1.0) ** A
    return np.asarray(1.0 / (1.0 + C * (counts + B) ** -A), dtype=np.float64)
