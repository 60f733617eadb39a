"""Large matrices a block of rows at a time, so that what is made of them stays small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from nnae._target import Side

Array = npt.NDArray[Any]

#: Cells of a block, which stays in a cache even in double precision.
CELLS = 1 << 17


def row_ranges(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Yield ranges of rows with about as many cells as a block, at least one row each."""
    step = max(1, CELLS // max(1, n_columns))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def reorder_columns(matrix: Array, order: Array, scale: Array | None = None) -> None:
    """Put the columns of a matrix in another order, in place, each times the scale of its place."""
    for rows in row_ranges(*matrix.shape):
        moved = matrix[rows][:, order]
        matrix[rows] = moved if scale is None else moved * scale


def blocks_of_rows(matrix: Array) -> Iterator[Array]:
    """Yield views of a matrix."""
    for rows in row_ranges(*matrix.shape):
        yield matrix[rows]


def rows_of_side(side: Side, rows: slice) -> Side:
    """Return some rows of a sparse matrix."""
    indptr, indices, values = side
    start, stop = int(indptr[rows.start]), int(indptr[rows.stop])
    own = indptr[rows.start : rows.stop + 1] - indptr[rows.start]
    return (
        np.ascontiguousarray(own, indices.dtype),
        indices[start:stop],
        None if values is None else values[start:stop],
    )
