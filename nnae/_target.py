"""The matrix that a factorisation models, laid out for the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Array = npt.NDArray[Any]
Side = tuple[Array, Array, Array | None]  # indptr, indices, values (None: all ones)


@dataclass(frozen=True)
class Target:
    """A sparse non-negative matrix (n x m) and its transpose.

    ``columns`` carries the row weights in its values: every numerator of a weight update is linear
    in them, so that weighted examples need no code of their own. 0/1 data have no values at all.
    """

    rows: Side
    columns: Side
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    weights: Array | None

    @cached_property
    def sum_of_squares(self) -> float:
        """Sum of the squared entries, each row with its weight."""
        values, indptr = self.rows[2], self.rows[0]
        squares = None if values is None else np.square(values, dtype=np.float64)
        if self.weights is None:
            return float(indptr[-1] if squares is None else squares.sum())
        weights = np.repeat(self.weights, np.diff(indptr))
        return float(weights.sum() if squares is None else weights @ squares)

    @classmethod
    def of(cls, matrix: Any, weights: Array | None = None) -> Target:
        """Lay out a canonical CSR matrix; ``weights`` has one positive entry a row."""
        matrix = sp.csr_matrix(matrix)
        weighted = matrix
        if weights is not None:
            weights = np.ascontiguousarray(weights, np.float64)
            weighted = sp.csr_matrix(
                (
                    matrix.data * np.repeat(weights, np.diff(matrix.indptr)).astype(matrix.dtype),
                    matrix.indices,
                    matrix.indptr,
                ),
                shape=matrix.shape,
            )
        columns = weighted.T.tocsr()
        shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        return cls(side_of(matrix), side_of(columns), shape, matrix.dtype, weights)


def side_of(matrix: Any) -> Side:
    """Return indptr, indices and values of a CSR matrix; values are None where all are one."""
    indptr = np.ascontiguousarray(matrix.indptr, matrix.indices.dtype)
    ones = bool((matrix.data == 1).all())
    return indptr, np.ascontiguousarray(matrix.indices), None if ones else matrix.data


def above_floor(codes: Array, tiny: float) -> Any:
    """Return a dense matrix as CSR without the entries at the floor of their column."""
    top = codes.max(axis=0, initial=0)
    return sp.csr_matrix(np.where(codes > tiny * top, codes, 0))
