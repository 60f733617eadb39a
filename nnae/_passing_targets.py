"""Codes as the target of the level above, for one sweep: laid out a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._row_views import row_ranges
from nnae._target import Side, Target, above_floor

Array = npt.NDArray[Any]

#: Share of entries above the floor from which codes are taken as they are.
DENSE = 0.5
#: Blocks have this many times the cells of those that stay in a cache.
_LARGER = 8


class SparseRows(Target):
    """Codes without what is at the floor; the transpose is never held as a whole."""

    def column_blocks(self) -> Iterator[tuple[slice, Side]]:
        """Yield ranges of rows and the transpose of each; together they are the whole."""
        for rows in row_ranges(self.shape[0], max(1, self.shape[1] // _LARGER)):
            yield rows, self._transposed(rows)


@dataclass(frozen=True)
class DenseRows(Target):
    """Codes as they are: lists of what is above the floor would take more than the codes do."""

    codes: Array

    def some_rows(self, rows: slice) -> Side:
        """Return a range of rows."""
        return _all_entries(self.codes[rows], self.rows[1].dtype)

    def row_blocks(self) -> Iterator[tuple[slice, Side]]:
        """Yield ranges of rows with what is in them; together they are the whole."""
        for rows in row_ranges(self.shape[0], max(1, self.shape[1] // _LARGER)):
            yield rows, self.some_rows(rows)

    def column_blocks(self) -> Iterator[tuple[slice, Side]]:
        """Yield ranges of rows and the transpose of each; together they are the whole."""
        for rows in row_ranges(self.shape[0], max(1, self.shape[1] // _LARGER)):
            block = self.codes[rows]
            if self.weights is not None:
                block = block * self.weights[rows].astype(self.dtype)[:, None]
            yield rows, _all_entries(np.ascontiguousarray(block.T), self.rows[1].dtype)


def passing_target(codes: Array, tiny: float, weights: Array | None) -> Target:
    """Return codes as a target; those below ``tiny`` of their column's largest may be left out."""
    n, k = codes.shape
    least = tiny * codes.max(axis=0, initial=0)
    above = sum(int(np.count_nonzero(codes[rows] > least)) for rows in row_ranges(n, k))
    if above <= DENSE * n * k:
        return SparseRows.of(above_floor(codes, tiny), weights)
    if weights is not None:
        weights = np.ascontiguousarray(weights, np.float64)
    nothing = np.zeros(1, np.int32), np.zeros(0, np.int32), None
    return DenseRows(nothing, (n, k), codes.dtype, weights, codes)


def _all_entries(block: Array, kind: Any) -> Side:
    n, k = block.shape
    return (
        np.arange(0, n * k + 1, k, dtype=kind),
        np.tile(np.arange(k, dtype=kind), n),
        block.ravel(),
    )
