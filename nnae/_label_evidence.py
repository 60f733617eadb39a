"""Three kinds of evidence that labels are of a kind, each as distances between them.

- *company*: whether they occur with the same other labels. Row j of the positive part of NPMI,
  without the diagonal, is the company of label j. Labels that exclude each other, as brothers of a
  taxonomy often do, may keep the same company.
- *codes*: whether a low-rank model of labels and features puts their examples in the same place,
  **the label itself left out** (else every label would resemble itself alone). With
  ``A = [Y, aX]`` and non-negative weights B of k concepts, label j is the mean of ``a_i - e_j``
  over its examples, less the mean of all rows, in an orthonormal base of B's span. ``a^2`` is the
  mean number of labels of a row, so that labels and features have the same energy. Codes of several
  starts are put side by side: one start varies, their mean distance hardly.
- *features*: whether their examples look alike. Half of it is the cosine of mean rows of X, less
  the mean of all rows; half that of log lifts ``log (n_jf + c m_f) / (m_f (n_j + c))`` where
  positive (n_jf the sum of feature f over the n_j examples, m_f its mean), which common features do
  not dominate and rare labels do not inflate.

Each is ``1 - cosine`` (L x L); a label without a vector is at distance 1 from all others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._cofactors import stack
from nnae._factors import Factors
from nnae._initialise import initial_factors
from nnae._label_pairs import cooccurrence, presence
from nnae._solvers import PlainDescent
from nnae._target import Target
from nnae._threads import one_blas_thread

Array = npt.NDArray[Any]

CONCEPTS = 64
SWEEPS = 40
MOST_ROWS = 50_000
_PRIOR = 5.0
_RIDGE = 1e-3
_BLOCK = 512


def company_distances(Y: sp.csr_matrix, n_threads: int, diagonal: float = 0.0) -> Array:
    """Return 1 - cosine of the labels' positive NPMI with other labels; `diagonal` with itself."""
    n, L = Y.shape
    counts = cooccurrence(Y, n_threads).tocoo()
    margins = np.bincount(Y.indices, minlength=L).astype(np.float64)
    other = counts.row != counts.col
    row, column = counts.row[other], counts.col[other]
    joint = counts.data[other].astype(np.float64)
    lift = np.log(joint * n / (margins[row] * margins[column]))
    npmi = lift / np.maximum(-np.log(joint / n), 1e-12)
    good = npmi > 0
    profile = sp.csr_matrix((npmi[good], (row[good], column[good])), shape=(L, L))
    if diagonal:
        profile = sp.csr_matrix(profile + diagonal * sp.diags((margins > 0).astype(np.float64)))
    return cosine_distances(profile)


def code_distances(Y: sp.csr_matrix, X: sp.csr_matrix | None, seeds: list[int], n: int) -> Array:
    """Return 1 - cosine of the labels' places in low-rank models, averaged over starts.

    Parameters
    ----------
    Y, X : csr_matrix
        Labels of 0 and 1; features with rows of length one.
    seeds : list of int
        One model each; the first starts from singular vectors.
    n : int
        Threads.
    """
    draws = np.random.RandomState(seeds[0])
    if Y.shape[0] > MOST_ROWS:
        rows = np.sort(draws.permutation(Y.shape[0])[:MOST_ROWS])
        Y, X = sp.csr_matrix(Y[rows]), None if X is None else sp.csr_matrix(X[rows])
    A = sp.csr_matrix(Y) if X is None else stack(Y, X, np.sqrt(max(Y.nnz / Y.shape[0], 1e-12)))
    k = max(1, min(CONCEPTS, Y.shape[1] // 2, Y.shape[0]))
    places = []
    for at, seed in enumerate(seeds):
        start = "auto" if at == 0 else "random"
        Z, Bt = initial_factors(A, k, start, np.random.RandomState(seed))
        factors = Factors(Target.of(A), Z, Bt, "frobenius", n)
        solver = PlainDescent(factors)
        for number in range(1, SWEEPS + 1):
            solver.sweep(number)
        places.append(_places(Y, A, Bt.astype(np.float64)))
    return cosine_distances(np.hstack(places))


def _places(Y: sp.csr_matrix, A: sp.csr_matrix, Bt: Array) -> Array:
    """Return labels x k: mean rows without the label, less the mean row, in the span of Bt."""
    margins = np.bincount(Y.indices, minlength=Y.shape[1]).astype(np.float64)
    with one_blas_thread():
        gram = Bt.T @ Bt
        ridge = _RIDGE * np.trace(gram) / len(gram) + 1e-12
        whiten = np.linalg.inv(np.linalg.cholesky(gram + ridge * np.eye(len(gram)))).T
        seen = A @ Bt
        means = (Y.T @ seen) / np.maximum(margins, 1.0)[:, None] - Bt[: Y.shape[1]]
        means = np.where(margins[:, None] > 0, means - seen.mean(axis=0), 0.0)
        return unit_rows(means @ whiten)


def feature_distances(Y: sp.csr_matrix, X: sp.csr_matrix) -> Array:
    """Return 1 - cosine of the labels' mean features: centred ones, and log lifts."""
    margins = np.bincount(Y.indices, minlength=Y.shape[1]).astype(np.float64)
    sums = sp.csr_matrix(presence(Y).T @ X.astype(np.float64))
    mean = np.asarray(X.mean(axis=0), np.float64).ravel()
    label = np.repeat(np.arange(Y.shape[1]), np.diff(sums.indptr))
    means = sp.csr_matrix(
        (sums.data / np.maximum(margins, 1.0)[label], sums.indices, sums.indptr), sums.shape
    )
    common = mean[sums.indices]
    lift = np.log(
        (sums.data + _PRIOR * common) / np.maximum(common * (margins[label] + _PRIOR), 1e-300)
    )
    up = np.maximum(lift, 0.0)
    lifts = sp.csr_matrix((up, sums.indices, sums.indptr), sums.shape, copy=True)
    lifts.eliminate_zeros()
    return (_centred(means, mean, margins > 0) + cosine_distances(lifts)) / 2


def _centred(means: sp.csr_matrix, mean: Array, known: Array) -> Array:
    """Return 1 - cosine of rows less a common row, without making them dense."""
    cross = np.asarray(means @ mean).ravel()
    products = _products(means) - cross[:, None] - cross[None, :] + mean @ mean
    return _distances(products, known)


def cosine_distances(rows: Any) -> Array:
    """Return 1 - cosine of all pairs of rows, sparse or dense."""
    products = _products(rows)
    return _distances(products, np.diag(products) > 0)


def _products(rows: Any) -> Array:
    L = rows.shape[0]
    out = np.empty((L, L))
    transposed: Any = rows.T.tocsr() if hasattr(rows, "tocsr") else rows.T
    with one_blas_thread():
        for start in range(0, L, _BLOCK):
            part: Any = rows[start : start + _BLOCK] @ transposed
            out[start : start + _BLOCK] = part.toarray() if hasattr(part, "toarray") else part
    return out


def _distances(products: Array, known: Array) -> Array:
    """Turn scalar products into distances, in place."""
    length = np.sqrt(np.maximum(np.diag(products), 0.0))
    known = known & (length > 1e-12)
    length = np.where(known, length, 1.0)
    products /= length[:, None]
    products /= length[None, :]
    products[~known] = 0.0
    products[:, ~known] = 0.0
    blocks = [slice(at, at + _BLOCK) for at in range(0, len(products), _BLOCK)]
    for number, rows in enumerate(blocks):
        for columns in blocks[number:]:
            both = (products[rows, columns] + products[columns, rows].T) / 2
            products[rows, columns] = np.clip(1.0 - both, 0.0, 2.0)
            products[columns, rows] = products[rows, columns].T
    np.fill_diagonal(products, 0.0)
    return products


def unit_rows(rows: Array) -> Array:
    """Scale every row to length one; rows of zeros stay."""
    length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(length > 1e-12, length, 1.0))
