"""What a ridge needs to go on from: products and sums over the rows it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._block_sums import column_sums, gram_of, transposed_product
from nnae._gram_ridge import LinearMap
from nnae._moment_ridge import MomentRidge, Penalty

Double = npt.NDArray[np.float64]


@dataclass
class RidgeProducts:
    """Products of weighted rows of features X (n x d) and targets T (n x m).

    Attributes
    ----------
    gram, cross, squares : ndarray of float64
        X'X (d x d), X'T (d x m) and T'T (m x m).
    sums, target_sums : ndarray of float64
        Of the columns of X and T.
    n_rows : int
    """

    gram: Double
    cross: Double
    squares: Double
    sums: Double
    target_sums: Double
    n_rows: int

    @classmethod
    def of(cls, X: Any, T: Any, n_threads: int) -> RidgeProducts:
        """Add up over rows."""
        T = np.ascontiguousarray(T, np.float64)
        X = sp.csr_matrix(X, dtype=np.float64) if hasattr(X, "indptr") else X.astype(np.float64)
        return cls(
            gram_of(X, n_threads),
            transposed_product(X, T, n_threads),
            transposed_product(T, T, n_threads),
            column_sums(X, n_threads),
            column_sums(T, n_threads),
            X.shape[0],
        )

    def plus(self, other: RidgeProducts) -> RidgeProducts:
        """Return the products over the rows of both."""
        return RidgeProducts(
            self.gram + other.gram,
            self.cross + other.cross,
            self.squares + other.squares,
            self.sums + other.sums,
            self.target_sums + other.target_sums,
            self.n_rows + other.n_rows,
        )

    def solve(
        self, alpha: float | None, seed: int, dtype: Any, n_threads: int
    ) -> tuple[LinearMap, Penalty]:
        """Return the ridge, at the penalty of least generalised cross-validation or a given one."""
        ridge = MomentRidge(self.gram, self.sums, self.n_rows, n_threads)
        right = ridge.right(self.cross, self.target_sums)
        if alpha is None:
            penalty = ridge.penalty(right, self.target_sums, self.squares, seed)
        else:
            penalty = Penalty(alpha, np.array([alpha]), np.array([np.nan]))
        return ridge.solve(right, self.target_sums, penalty.alpha, dtype), penalty
