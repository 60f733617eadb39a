"""Codes of new rows, the weights fixed: one convex problem a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._cell_factors import factors_of
from nnae._cells import Cells
from nnae._distinct import Distinct
from nnae._factors import negligible
from nnae._row_views import blocks_of_rows
from nnae._target import Target

Array = npt.NDArray[Any]


def codes_of_rows(
    Y: Any,
    Wt: Array,
    loss: str,
    n_threads: int,
    penalty: float = 0.0,
    max_passes: int = 500,
    cells: Cells | None = None,
    l2: float = 0.0,
) -> Array:
    """Return the codes (n x k) that minimise the loss of every row, by coordinate descent.

    Parameters
    ----------
    Y : csr_matrix of shape (n, m)
        Rows to encode, in the dtype of Wt.
    Wt : ndarray of shape (m, k)
        Weights, one row a label.
    loss : str
        Name of a loss.
    n_threads : int
        Threads; they do not change the result.
    penalty : float, default=0
        L1 penalty on the codes.
    max_passes : int, default=500
        Bound on passes over the coordinates of a row; a row stops when no coordinate moves by more
        than a millionth of its first pass.
    cells : Cells, optional
        What counts, where not every cell does.
    l2 : float, default=0
        Penalty on half the squares of the codes.
    """
    same = Distinct.of(Y, None) if cells is None else Distinct(Y, None)
    target = Target.of(same.matrix)
    codes = np.zeros((target.shape[0], Wt.shape[1]), Wt.dtype)
    tolerance = 1e-6 if Wt.dtype == np.float64 else 1e-4
    factors = factors_of(target, codes, Wt, loss, n_threads, penalty, cells, l2)
    factors.descend_codes(max_passes, tolerance)
    for rows in blocks_of_rows(codes):
        rows[rows <= negligible(Wt.dtype) * rows.max(axis=1, keepdims=True, initial=0)] = 0
    return same.spread(codes)
