"""Features of the rows whose labels are compressed: non-negative, every row of length one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import check_array

from nnae._sparse_input import check_indices

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class FeatureRows:
    """Rows as CSR (n x d, or n x 2d where signs were split), scaled to length one.

    A feature with negative values becomes two non-negative ones, ``max(x, 0)`` and ``max(-x, 0)``:
    concepts add up, and could not describe "less than usual" otherwise.
    """

    matrix: sp.csr_matrix
    split: bool

    @classmethod
    def of(
        cls, X: Any, n_rows: int | None, dtype: Any, *, like: tuple[int, bool] | None = None
    ) -> FeatureRows:
        """Check X against the rows of Y and against the columns and signs of training.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d)
        n_rows : int or None
            Rows of Y, where there is a Y.
        dtype : dtype
            Of the labels.
        like : (int, bool), optional
            Columns after splitting, and whether signs were split, of the training rows.
        """
        check_indices(X, "X")
        checked: Any = check_array(X, accept_sparse="csr", dtype=dtype, input_name="X")
        if n_rows is not None and checked.shape[0] != n_rows:
            raise ValueError(f"Y has {n_rows} rows, X has {checked.shape[0]}")
        matrix = sp.csr_matrix(checked, dtype=dtype)
        if matrix is checked:
            matrix = matrix.copy()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        negative = bool((matrix.data < 0).any())
        if like is None:
            split = negative
        else:
            width, split = like
            if matrix.shape[1] != (width // 2 if split else width):
                raise ValueError(
                    f"X has {matrix.shape[1]} features, the model was fitted on "
                    f"{width // 2 if split else width}"
                )
            if negative and not split:
                raise ValueError(
                    "X must be non-negative, as in training; it holds "
                    f"{matrix.data.min():g}: shift or clip it, or fit on rows that have both signs"
                )
        if split:
            matrix = sp.csr_matrix(sp.hstack([matrix.maximum(0), (-matrix).maximum(0)]))
            matrix.eliminate_zeros()
        squares = np.asarray(matrix.multiply(matrix).sum(axis=1), np.float64).ravel()
        length = np.sqrt(squares)
        scale = np.repeat(np.where(length > 0, length, 1.0), np.diff(matrix.indptr))
        matrix.data = (matrix.data / scale).astype(dtype)
        matrix.sort_indices()
        return cls(matrix, split)

    def take(self, rows: Array) -> FeatureRows:
        """Return some of the rows."""
        return FeatureRows(sp.csr_matrix(self.matrix[rows]), self.split)
