r"""Ridges that share their features: many targets, many folds, one Gram matrix.

:math:`B = (F'F + \alpha I)^{-1} F'(T - \bar t)` for centred features F (n x d) and targets T, on
all rows or on those outside a fold. What depends on features alone is computed once: the Gram
matrices of folds add up to all others, and one Cholesky factor serves all targets.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

from nnae import _core
from nnae._features import Features, linear_map
from nnae._normal_equations import solve
from nnae._threads import one_blas_thread

Array = npt.NDArray[Any]

#: Targets that are solved at a time, whatever the number of threads.
CHUNK = 256
#: Stands for "no fold is left out".
NOTHING = -1
#: Most features whose Gram matrix is factorised, and most rows.
LARGEST = 8192
MOST_ROWS = 4096
#: Conjugate gradients stop at this share of the right side, or after so many steps.
TOLERANCE = 1e-4
MOST_STEPS = 500


@dataclass
class LinearMap:
    """X B + b: weights (d x m) and intercepts (m)."""

    coef: Array
    intercept: Array

    def __call__(self, X: Any, n_threads: int) -> Array:
        """Return the targets of new rows (n x m)."""
        return linear_map(X, self.coef, self.intercept, n_threads)

    def columns(self, start: int, stop: int | None = None) -> LinearMap:
        """Return the map to some of the targets."""
        part = slice(start, stop)
        return LinearMap(np.ascontiguousarray(self.coef[:, part]), self.intercept[part].copy())


#: From targets, a penalty and rows to the ridge.
Way = Callable[[list[Any], float, Array], LinearMap]


class GramRidge:
    """Features of training rows, ready for ridges on all of them or on those outside a fold.

    Parameters
    ----------
    F : csr_matrix or C-ordered array of shape (n, d)
    folds : ndarray of int, shape (n,)
        Fold of each row.
    weights : ndarray of shape (n,) or None
        Positive weights of rows.
    n_threads : int

    Notes
    -----
    A ridge costs d³ / 3 for its factor and 2 d² for each target, in LAPACK on one thread (targets
    in fixed chunks, on several): the same bits for any number of threads. Holds d x d numbers.
    Fewer rows than features go through the Gram matrix of rows instead, F'(FF' + alpha)^-1, which
    costs n³ / 3 and holds n x n. Sparse features for which neither is the fastest, by estimate, and
    what is too large for both, are left to conjugate gradients.
    """

    def __init__(self, F: Any, folds: Array, weights: Array | None, n_threads: int) -> None:
        self.F = F
        self.folds = folds
        self.weights = np.ones(F.shape[0]) if weights is None else np.asarray(weights, np.float64)
        self.n_threads = n_threads
        self._grams: dict[int, tuple[Array, Array, float]] = {}

    def rows(self, fold: int) -> Array:
        """Return the rows outside a fold."""
        return np.flatnonzero(self.folds != fold)

    def _moments(self, rows: Array, key: int) -> tuple[Array, Array, float]:
        """Return F'F, the sums of columns and of weights of some rows, weighted."""
        if key not in self._grams:
            weights = self.weights[rows]
            F = self.F[rows]
            if hasattr(F, "indptr"):
                scaled = sp.diags(weights.astype(F.dtype)) @ F
                gram = np.asarray((F.T @ scaled).toarray(), F.dtype)
                sums = np.asarray(F.T.astype(np.float64) @ weights)
            else:
                roots = np.sqrt(weights).astype(F.dtype)[:, None]
                gram = _core.gram(np.ascontiguousarray(F * roots), self.n_threads)
                sums = _core.column_sums(F, weights, self.n_threads)
            self._grams[key] = gram, sums, float(weights.sum())
        return self._grams[key]

    def _without(self, fold: int) -> tuple[Array, Array, float]:
        """Return the centred Gram matrix, the means and the weight of rows outside a fold."""
        if hasattr(self.F, "indptr"):
            gram, sums, total = self._moments(self.rows(fold), fold)
            self._grams.clear()  # cheap to count again, costly to keep
        else:
            inside = [f for f in np.unique(self.folds) if f != fold]
            parts = [self._moments(np.flatnonzero(self.folds == f), int(f)) for f in inside]
            gram = np.sum([part[0] for part in parts], axis=0)
            sums = np.sum([part[1] for part in parts], axis=0)
            total = sum(part[2] for part in parts)
        mean = sums / total
        centre = (np.sqrt(total) * mean).astype(gram.dtype)
        for start in range(0, len(gram), CHUNK):
            rows = slice(start, start + CHUNK)
            gram[rows] -= centre[rows, None] * centre
        return gram, mean, total

    def solve(self, targets: list[Any], alpha: float, fold: int = NOTHING) -> LinearMap:
        """Return the ridge of targets, side by side, on the rows outside a fold.

        Parameters
        ----------
        targets : list of csr_matrix or array
            Rows are those of ``rows(fold)``.
        alpha : float
            Above 0.
        fold : int
        """
        rows, dtype = self.rows(fold), self.F.dtype
        way = self._way(sum(T.shape[1] for T in targets), len(rows))
        if way is not None:
            return way(targets, alpha, rows)
        gram, mean, total = self._without(fold)
        weights = self.weights[rows]
        means, sides = [], []
        F = self.F[rows] if len(rows) < self.F.shape[0] else self.F
        for T in targets:
            centre, side = _right_side(F, T, weights, mean, total, self.n_threads)
            means.append(centre)
            sides.append(side.astype(dtype))
        right = np.hstack(sides)
        gram[np.diag_indices(len(gram))] += alpha
        B = positive_solve(gram, right, self.n_threads)
        intercept = np.concatenate(means) - mean @ B
        return LinearMap(np.ascontiguousarray(B, dtype), intercept.astype(dtype))

    def _way(self, outputs: int, n: int) -> Way | None:
        """Return the fastest way that needs no Gram matrix of features, by estimated seconds.

        None where that matrix is the fastest.
        """
        d, sparse = self.F.shape[1], hasattr(self.F, "indptr")
        nnz = float(self.F.nnz if sparse else self.F.size)
        seconds: dict[Way | None, float] = {self._descend: 1e-9 * (4.0 * nnz + 30.0 * d) * outputs}
        if d <= min(LARGEST, 2 * n):
            per_row = np.diff(self.F.indptr) if sparse else np.array([])
            pairs = float(np.square(per_row, dtype=np.float64).sum())
            solved = 1.6e-11 * (d**3 / 3 + 2.0 * d * d * outputs)
            seconds[None] = solved + 4e-8 * d * d + 5e-9 * pairs if sparse else 0.0
        if n <= min(MOST_ROWS, d):
            # in double precision, and the features times what was found
            solved = 3.2e-11 * (n * n * float(d) + n**3 / 3 + 2.0 * n * n * outputs)
            seconds[self._through_rows] = solved + 1e-9 * nnz * outputs
        return min(seconds, key=lambda way: seconds[way])

    def _through_rows(self, targets: list[Any], alpha: float, rows: Array) -> LinearMap:
        """Solve with the Gram matrix of rows."""
        features = self._features(rows)
        squared, dtype = features.roots**2, self.F.dtype
        means, sides = [], []
        for T in targets:
            dense = np.asarray(T.toarray() if hasattr(T, "indptr") else T, np.float64)
            means.append(squared @ dense / squared.sum())
            sides.append((dense - means[-1]) * features.roots[:, None])
        gram = features.outer_gram()
        gram[np.diag_indices(len(gram))] += alpha
        found = positive_solve(gram, np.hstack(sides), self.n_threads)
        B = features.transposed_times(found)
        intercept = np.concatenate(means) - features.mean.astype(np.float64) @ B
        return LinearMap(B, intercept.astype(dtype))

    def _features(self, rows: Array) -> Features:
        """Return some rows, weighted and centred."""
        whole = len(rows) == self.F.shape[0]
        F = self.F if whole else self.F[rows]
        return Features(F, self.weights if whole else self.weights[rows], self.n_threads)

    def _descend(self, targets: list[Any], alpha: float, rows: Array) -> LinearMap:
        """Solve without a Gram matrix."""
        F = self.F if len(rows) == self.F.shape[0] else self.F[rows]
        features, weights = self._features(rows), self.weights[rows]
        total, mean = float(weights.sum()), features.mean.astype(np.float64)
        found = [_right_side(F, T, weights, mean, total, self.n_threads) for T in targets]
        right = np.hstack([side for _, side in found]).astype(F.dtype)
        penalty = np.full(right.shape[1], alpha)
        B, _, _ = solve(features, np.ascontiguousarray(right), penalty, TOLERANCE, MOST_STEPS)
        intercept = np.concatenate([centre for centre, _ in found]) - mean @ B
        return LinearMap(B, intercept.astype(F.dtype))


def _right_side(
    F: Any, T: Any, weights: Array, mean: Array, total: float, n_threads: int
) -> tuple[Array, Array]:
    """Return the means of targets, and F'W(T - mean) of centred features."""
    if hasattr(T, "indptr"):
        labels = sp.diags(weights.astype(F.dtype)) @ T.astype(F.dtype)
        sums = np.asarray(labels.sum(axis=0, dtype=np.float64)).ravel()
        product = labels.T @ F
        side = np.asarray(product.toarray() if hasattr(product, "indptr") else product).T
    else:
        weighted = np.ascontiguousarray(T * weights[:, None], F.dtype)
        sums = _core.column_sums(weighted, None, n_threads)
        if hasattr(F, "indptr"):
            side = np.asarray(F.T @ weighted)
        else:
            side = np.empty((F.shape[1], weighted.shape[1]), F.dtype)
            _core.multiply_transposed(F, weighted, side, n_threads)
    return sums / total, side - np.outer(mean, sums)


def positive_solve(gram: Array, right: Array, n_threads: int) -> Array:
    """Solve with the Cholesky factor of a positive matrix; in double precision where single fails.

    A matrix that rounding has left indefinite gets a larger diagonal, tenfold until it is positive.
    """
    starts = range(0, right.shape[1], CHUNK)
    diagonal, jitter = np.diagonal(gram).copy(), 0.0
    with one_blas_thread():
        while True:
            try:  # in place: the factor takes the lower half, the upper one stays
                factor = scipy.linalg.cho_factor(
                    gram.T, lower=True, overwrite_a=True, check_finite=False
                )
                break
            except np.linalg.LinAlgError:
                half = np.triu(gram.T.astype(np.float64), 1)
                gram, right = half + half.T, right.astype(np.float64)
                jitter = max(10 * jitter, 1e-12 * float(diagonal.mean(dtype=np.float64)), 1e-300)
                gram[np.diag_indices(len(gram))] = diagonal + jitter
        with ThreadPoolExecutor(max(1, n_threads)) as pool:
            parts = pool.map(
                lambda at: scipy.linalg.cho_solve(
                    factor, np.asfortranarray(right[:, at : at + CHUNK]), check_finite=False
                ),
                starts,
            )
            return np.hstack(list(parts)) if right.shape[1] else right
