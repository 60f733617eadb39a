r"""Features of a Gaussian kernel, by landmarks among the training rows (Nyström).

:math:`\kappa(x, y) = \exp(-\gamma \|x - y\|^2 / s)` with s the mean squared distance of rows from
each other: a scale that needs no tuning. Features are :math:`\kappa(x, X_m) P` with
:math:`P' (K_{mm} + \epsilon) P = I`, so that their products approximate the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

from nnae import _core
from nnae._features import linear_map
from nnae._threads import one_blas_thread

Array = npt.NDArray[Any]

#: Keeps the kernel of landmarks that resemble each other invertible.
JITTER = 1e-4
#: Sparse landmarks are multiplied as dense ones where one feature in so many is not zero.
DENSE = 8


@dataclass
class Landmarks:
    """Landmark rows and what turns similarities to them into features.

    Attributes
    ----------
    rows : csr_matrix or ndarray of shape (m, d)
    basis : ndarray of shape (m, m)
        P.
    width : float
        γ / s.

    Notes
    -----
    Costs m³ to choose and n m (d + m) for n rows. Williams and Seeger (2001).
    """

    rows: Any
    basis: Array
    width: float

    @classmethod
    def of(cls, X: Any, count: int, gamma: float, seed: int) -> Landmarks:
        """Draw landmarks among the rows of X."""
        n = X.shape[0]
        chosen = np.sort(np.random.RandomState(seed).permutation(n)[:count])
        rows = X[chosen]
        mean = np.asarray(X.mean(axis=0), np.float64).ravel()
        spread = 2 * max(float(_squares(X).mean() - mean @ mean), 0.0)
        made = cls(rows, np.eye(len(chosen), dtype=X.dtype), gamma / spread if spread else 1.0)
        kernel = made._similarities(rows, 1).astype(np.float64)
        with one_blas_thread():
            factor = _positive_factor(kernel)
            inverse = scipy.linalg.solve_triangular(
                factor, np.eye(len(kernel)), lower=True, check_finite=False
            )
        made.basis = np.ascontiguousarray(inverse.T, X.dtype)
        return made

    def _similarities(self, X: Any, n_threads: int) -> Array:
        """Return the kernel between X and the landmarks (n x m)."""
        dtype = self.basis.dtype
        X = _stored_as(self.rows, X)
        if not hasattr(X, "indptr"):
            products = linear_map(X, self.rows.T, np.zeros(1, dtype), n_threads)
        elif DENSE * self.rows.nnz > np.prod(self.rows.shape):
            products = linear_map(X, self.rows.T.toarray(), np.zeros(1, dtype), n_threads)
        else:
            products = np.asarray((X @ self.rows.T).toarray(), dtype)
        products *= 2
        products -= _squares(X)[:, None].astype(dtype)
        products -= self._row_squares.astype(dtype)
        np.minimum(products, 0, out=products)
        products *= dtype.type(self.width)
        return np.asarray(np.exp(products, out=products))

    @cached_property
    def _row_squares(self) -> Array:
        return _squares(self.rows)

    def features(self, X: Any, n_threads: int) -> Array:
        """Return the features of rows (n x m)."""
        kernel = self._similarities(X, n_threads)
        out = np.empty((kernel.shape[0], self.basis.shape[1]), self.basis.dtype)
        _core.multiply(kernel, self.basis, out, n_threads)
        return out


def _positive_factor(kernel: Array) -> Array:
    """Return the Cholesky factor; where rows differ by rounding alone, of a larger diagonal."""
    diagonal, jitter = np.diagonal(kernel).copy(), JITTER
    while True:
        kernel[np.diag_indices(len(kernel))] = diagonal + jitter
        try:
            return np.asarray(scipy.linalg.cholesky(kernel, lower=True, check_finite=False))
        except np.linalg.LinAlgError:
            if jitter > len(kernel):  # numbers that are none
                raise
            jitter *= 10


def _stored_as(rows: Any, X: Any) -> Any:
    """Return X sparse where the landmarks are, and dense where they are not."""
    if hasattr(rows, "indptr") == hasattr(X, "indptr"):
        return X
    return sp.csr_matrix(X) if hasattr(rows, "indptr") else X.toarray()


def _squares(X: Any) -> Array:
    """Return the squared norm of each row."""
    if hasattr(X, "indptr"):
        return np.asarray(X.multiply(X).sum(axis=1), np.float64).ravel()
    return np.asarray(np.einsum("ij,ij->i", X, X, dtype=np.float64))
