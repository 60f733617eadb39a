"""The matrix that a factorisation models, laid out for the kernels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._row_views import row_ranges

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
    def empty(cls, shape: tuple[int, int], dtype: Any) -> Target:
        """Return a target without non-zeros: what stands where one has been let go."""
        return cls.of(sp.csr_matrix(shape, dtype=dtype))

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
    least = tiny * codes.max(axis=0, initial=0)
    ranges = list(row_ranges(*codes.shape))
    indptr = np.zeros(len(codes) + 1, np.int64)
    for rows in ranges:
        np.sum(codes[rows] > least, axis=1, out=indptr[rows.start + 1 : rows.stop + 1])
    np.cumsum(indptr, out=indptr)
    kind = np.int32 if indptr[-1] <= np.iinfo(np.int32).max else np.int64
    indices, values = np.empty(indptr[-1], kind), np.empty(indptr[-1], codes.dtype)
    for rows in ranges:
        place, at = slice(indptr[rows.start], indptr[rows.stop]), codes[rows] > least
        indices[place], values[place] = np.nonzero(at)[1], codes[rows][at]
    return sp.csr_matrix((values, indices, indptr.astype(kind)), shape=codes.shape)
