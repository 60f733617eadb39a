"""The matrix that a factorisation models, laid out for the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._row_views import row_ranges, rows_of_side

Array = npt.NDArray[Any]
Side = tuple[Array, Array, Array | None]  # indptr, indices, values (None: all ones)


@dataclass(frozen=True)
class Target:
    """A sparse non-negative matrix (n x m).

    0/1 data have no values at all.
    """

    rows: Side
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    weights: Array | None

    @cached_property
    def columns(self) -> Side:
        """The transpose, made when it is first asked for.

        It carries the row weights in its values: every numerator of a weight update is linear in
        them, so that weighted examples need no code of their own.
        """
        return self._transposed(slice(0, self.shape[0]))

    def _transposed(self, rows: slice) -> Side:
        indptr, indices, values = rows_of_side(self.rows, rows)
        values = np.ones(len(indices), self.dtype) if values is None else values
        if self.weights is not None:
            each = np.repeat(self.weights[rows], np.diff(indptr))
            values = values * each.astype(self.dtype)
        part = sp.csr_matrix((values, indices, indptr), shape=(len(indptr) - 1, self.shape[1]))
        return side_of(sp.csr_matrix(part.T))

    def some_rows(self, rows: slice) -> Side:
        """Return a range of rows."""
        return rows_of_side(self.rows, rows)

    def row_blocks(self) -> Iterator[tuple[slice, Side]]:
        """Yield ranges of rows with what is in them; together they are the whole."""
        yield slice(0, self.shape[0]), self.rows

    def column_blocks(self) -> Iterator[tuple[slice, Side]]:
        """Yield ranges of rows and the transpose of each; together they are the whole."""
        yield slice(0, self.shape[0]), self.columns

    @cached_property
    def sum_of_squares(self) -> float:
        """Sum of the squared entries, each row with its weight."""
        values, indptr = self.rows[2], self.rows[0]
        if values is None:
            return float(indptr[-1] if self.weights is None else self.weights @ np.diff(indptr))
        total = 0.0
        for rows in row_ranges(self.shape[0], max(1, len(values) // max(1, self.shape[0]))):
            squares = np.square(values[indptr[rows.start] : indptr[rows.stop]], dtype=np.float64)
            if self.weights is not None:
                squares *= np.repeat(
                    self.weights[rows], np.diff(indptr[rows.start : rows.stop + 1])
                )
            total += float(squares.sum())
        return total

    def with_values(self, of_rows: Array, of_columns: Array) -> Target:
        """Return the target with other values, the second ones with row weights in them."""
        changed = replace(self, rows=(*self.rows[:2], of_rows))
        vars(changed)["columns"] = (*self.columns[:2], of_columns)
        return changed

    @classmethod
    def empty(cls, shape: tuple[int, int], dtype: Any) -> Target:
        """Return a target without non-zeros: what stands where one has been let go."""
        return cls.of(sp.csr_matrix(shape, dtype=dtype))

    @classmethod
    def of(cls, matrix: Any, weights: Array | None = None) -> Target:
        """Lay out a canonical CSR matrix; ``weights`` has one positive entry a row."""
        matrix = sp.csr_matrix(matrix)
        if weights is not None:
            weights = np.ascontiguousarray(weights, np.float64)
        shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        return cls(side_of(matrix), shape, matrix.dtype, weights)


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
