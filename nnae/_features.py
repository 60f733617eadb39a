"""Features on their way in, and the two products that linear models need of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from nnae import _core
from nnae._sparse_input import check_indices

try:  # scikit-learn >= 1.6
    from sklearn.utils.validation import validate_data as _validate_data
except ImportError:

    def _validate_data(estimator: Any, *args: Any, **kwargs: Any) -> Any:
        return estimator._validate_data(*args, **kwargs)


Array = npt.NDArray[Any]

#: How many more products a dense Gram matrix may need than a sparse one and still be faster.
DENSE_ADVANTAGE = 200
#: Rows that are made dense at a time.
DENSE_ROWS = 2048
SPARSE_ROWS = (sp.csr_matrix, sp.csr_array)


def check_features(estimator: BaseEstimator, X: Any, *, reset: bool) -> Any:
    """Return X (n x d) as canonical CSR or a C-ordered array, float32 or float64, finite.

    ``reset`` sets ``n_features_in_`` (and ``feature_names_in_`` for a DataFrame) of the estimator;
    otherwise X is compared with them.
    """
    check_indices(X, "X")
    if not reset and _is_ready(estimator, X):
        return X
    checked: Any = _validate_data(
        estimator, X, reset=reset, accept_sparse="csr", dtype=[np.float64, np.float32], order="C"
    )
    if not hasattr(checked, "indptr"):
        return np.ascontiguousarray(checked)
    if not checked.has_canonical_format:
        checked = checked.copy()
        checked.sum_duplicates()
    return checked


def _is_ready(estimator: BaseEstimator, X: Any) -> bool:
    """Tell whether X needs no change and no message: general checks cost a single row too much."""
    if hasattr(estimator, "feature_names_in_") or not isinstance(X, (np.ndarray, *SPARSE_ROWS)):
        return False
    if X.dtype not in (np.float32, np.float64) or X.ndim != 2:
        return False
    if X.shape[0] == 0 or X.shape[1] != getattr(estimator, "n_features_in_", None):
        return False
    if isinstance(X, np.ndarray):
        return type(X) is np.ndarray and X.flags.c_contiguous and bool(np.isfinite(X).all())
    return bool(X.has_canonical_format and np.isfinite(X.data).all())


class Features:
    r"""Rows of X scaled by the roots of their weights, less the weighted mean of each column.

    Stands for :math:`A = \sqrt{w} \circ (X - 1 \mu')`, n x d, without forming it where X is
    sparse. Products cost nnz(X) m for m columns and give the same bits at any number of threads.

    Parameters
    ----------
    X : csr_matrix or C-ordered array
        n x d.
    weights : ndarray of float64 or None
        One positive weight a row.
    n_threads : int
        For all products.
    """

    def __init__(self, X: Any, weights: Array | None, n_threads: int) -> None:
        self._X: Any
        self._Xt: Any
        self.n_threads = n_threads
        self.shape: tuple[int, int] = X.shape
        self.dtype = X.dtype
        self.roots = np.ones(X.shape[0]) if weights is None else np.sqrt(weights)
        self.sparse = sp.issparse(X)
        total = float((self.roots**2).sum())
        if self.sparse:
            self._X = X if weights is None else sp.csr_matrix(sp.diags(self.roots) @ X)
            self._X = self._X.astype(self.dtype)
            self._Xt = sp.csr_matrix(self._X.T)
            self.mean = self._transposed(self.roots[:, None].astype(self.dtype))[:, 0] / total
            squares = float(np.square(self._X.data, dtype=np.float64).sum())
            self.nnz = int(self._X.nnz)
            self._roots = self.roots.astype(self.dtype)[:, None]
            self.energy = max(0.0, squares - total * float(np.square(self.mean, dtype=float).sum()))
        else:
            weights = self.roots**2
            mean = _core.column_sums(X, weights, n_threads) / total
            self.mean = mean.astype(self.dtype)
            A = (X - self.mean) * self.roots.astype(self.dtype)[:, None]
            self._X = np.ascontiguousarray(A, self.dtype)
            self.nnz = A.size
            self.energy = float(np.square(self._X, dtype=np.float64).sum())

    @property
    def rows(self) -> tuple[Array, Array, Array]:
        """Return indptr, indices and values of the scaled rows, not centred, where X is sparse."""
        return _parts(self._X)

    def diagonal(self) -> Array:
        """Return the diagonal of A'A in double precision."""
        if not self.sparse:
            return _core.column_sums(np.square(self._X), None, self.n_threads)
        squares = np.bincount(
            self._X.indices, np.square(self._X.data, dtype=np.float64), self.shape[1]
        )
        mean = self.mean.astype(np.float64)
        return np.maximum(squares - float((self.roots**2).sum()) * mean**2, 0.0)

    def times(self, P: Array) -> Array:
        """Return A P (n x m) for P (d x m)."""
        P = np.ascontiguousarray(P, self.dtype)
        out = np.empty((self.shape[0], P.shape[1]), self.dtype)
        if not self.sparse:
            _core.multiply(self._X, P, out, self.n_threads)
            return out
        _spmm(self._X, P, out, self.n_threads)
        shift = _core.column_sums(P * self.mean[:, None], None, self.n_threads)
        out -= self._roots * shift.astype(self.dtype)
        return out

    def transposed_times(self, R: Array) -> Array:
        """Return A'R (d x m) for R (n x m) whose columns are orthogonal to the roots of weights.

        Centred targets and every A P are, so that the mean needs no second correction.
        """
        R = np.ascontiguousarray(R, self.dtype)
        if self.sparse:
            return self._transposed(R)
        out = np.empty((self.shape[1], R.shape[1]), self.dtype)
        _core.multiply_transposed(self._X, R, out, self.n_threads)
        return out

    def _transposed(self, R: Array) -> Array:
        out = np.empty((self.shape[1], R.shape[1]), self.dtype)
        _spmm(self._Xt, R, out, self.n_threads)
        return out

    def gram(self) -> Array:
        """Return A'A (d x d) in double precision."""
        if not self.sparse:
            return np.asarray(_core.gram(self._X.astype(np.float64), self.n_threads))
        G = self._squared(self._X, self._Xt)
        mean = self.mean.astype(np.float64)
        return np.asarray(G - float((self.roots**2).sum()) * np.outer(mean, mean))

    def outer_gram(self) -> Array:
        """Return A A' (n x n) in double precision."""
        if not self.sparse:
            transposed = np.ascontiguousarray(self._X.T, np.float64)
            return np.asarray(_core.gram(transposed, self.n_threads))
        K = self._squared(self._Xt, self._X)
        mean = self.mean.astype(np.float64)
        cross = np.outer(self._X @ mean, self.roots)
        K -= cross + cross.T
        return np.asarray(K + float(mean @ mean) * np.outer(self.roots, self.roots))

    def _squared(self, M: Any, Mt: Any) -> Array:
        """Return M'M of sparse M: through dense blocks where a sparse product would be slower."""
        n, d = M.shape
        pairs = float(np.square(np.diff(M.indptr), dtype=np.float64).sum())
        if pairs * DENSE_ADVANTAGE < n * d * d:
            return np.asarray((Mt.astype(np.float64) @ M).toarray())
        total = np.zeros((d, d))
        for at in range(0, n, DENSE_ROWS):
            block = np.ascontiguousarray(M[at : at + DENSE_ROWS].toarray(), np.float64)
            total += _core.gram(block, self.n_threads)
        return total


def linear_map(X: Any, B: Array, intercept: Array, n_threads: int) -> Array:
    """Return X B + 1 b' (n x m) in the wider type of X and B, row by row."""
    dtype = np.result_type(X.dtype, B.dtype)
    B = np.ascontiguousarray(B, dtype)
    out = np.empty((X.shape[0], B.shape[1]), dtype)
    if hasattr(X, "indptr"):
        _spmm(X if X.dtype == dtype else X.astype(dtype), B, out, n_threads)
    else:
        _core.multiply(np.ascontiguousarray(X, dtype), B, out, n_threads)
    out += intercept.astype(dtype)
    return out


def _spmm(X: Any, P: Array, out: Array, n_threads: int) -> None:
    _core.spmm(*_parts(X), P, out, n_threads)


def _parts(X: Any) -> tuple[Array, Array, Array]:
    indptr, indices = X.indptr, X.indices
    if indptr.dtype != indices.dtype:
        indptr, indices = indptr.astype(np.int64), indices.astype(np.int64)
    return indptr, indices, X.data
