r"""Losses in which not every cell counts the same.

With known cells :math:`O` and propensities :math:`p_j` (a label that is there is recorded with
probability :math:`p_j`), :math:`c_j = 1 / p_j`:

===================  =====================================================================
``frobenius``        :math:`\sum_O (\Lambda^2 - 2 c y \Lambda) + \sum_O c^2 y^2`
``kullback-leibler`` :math:`\sum_O c y \log (c y / \Lambda) - c y + \Lambda`
``bernoulli``        :math:`\sum_{O, y=1} -c \log(1 - e^{-\Lambda}) + \sum_{O, y=0} \Lambda`
===================  =====================================================================

The first two are, but for constants, unbiased estimates of the loss on complete labels (Jain,
Prabhu and Varma 2016). That estimate has no lower bound under Bernoulli, where a recorded label
would count :math:`1 - c` times as a missing one: there it counts c times and nothing else.

The parts that a sum over all cells makes cheap are corrected at the listed cells alone, see
`nnae._mask` and `nnae._cell_factors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._mask import Mask
from nnae._target import Side

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Cells:
    """What is added to a sum over all cells (``share`` 1) or over none (0): S (n x m, sparse).

    Where ``matrix`` is a list (of int8 ones), S is one at its cells, or minus one where the share
    is 1. Values are in ``dtype``.
    """

    matrix: sp.csr_matrix
    share: float
    weights: Array | None
    dtype: Any

    @cached_property
    def rows(self) -> Side:
        """S; a list has no values."""
        indptr = np.ascontiguousarray(self.matrix.indptr, self.matrix.indices.dtype)
        return indptr, self.matrix.indices, self._values(self.matrix, None)

    @cached_property
    def columns(self) -> Side:
        """S', row weights in its values."""
        each = self._values(self.matrix, self.weights)
        data = self.matrix.data if each is None else each
        parts = data, self.matrix.indices, self.matrix.indptr
        turned = sp.csr_matrix(sp.csr_matrix(parts, shape=self.matrix.shape).T)
        indptr = np.ascontiguousarray(turned.indptr, turned.indices.dtype)
        return indptr, turned.indices, None if each is None else turned.data

    def _values(self, matrix: sp.csr_matrix, weights: Array | None) -> Array | None:
        is_list = matrix.dtype == np.int8
        if weights is None:
            return None if is_list else matrix.data
        each = np.repeat(weights, np.diff(matrix.indptr))
        signs: Any = 1 - 2 * self.share if is_list else matrix.data
        return np.asarray(each * signs, self.dtype)


def weigh_cells(
    Y: sp.csr_matrix,
    loss: str,
    mask: Mask | None,
    propensities: Array | None,
    weights: Array | None = None,
) -> tuple[sp.csr_matrix, Cells | None]:
    """Return the values of positives, and what their loss adds to or takes from all cells'.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L)
        Nothing at unknown cells.
    loss : str
        Name of a loss.
    mask : Mask or None
        Known cells.
    propensities : ndarray of shape (L,) or None
    weights : ndarray of shape (n,) or None
        Of rows.
    """
    cells, share = None, 1.0
    if mask is not None:
        cells, share = mask.listed, mask.share
    if propensities is not None:
        each = (1 / propensities)[Y.indices]
        if loss == "bernoulli":
            extra = sp.csr_matrix((each - 1, Y.indices, Y.indptr), shape=Y.shape)
            listed = None if cells is None else cells.astype(np.float64) * (1 - 2 * share)
            cells = extra if listed is None else sp.csr_matrix(listed + extra)
        Y = sp.csr_matrix((Y.data * each.astype(Y.dtype), Y.indices, Y.indptr), shape=Y.shape)
    if cells is None:
        return Y, None
    cells.sort_indices()
    kind = Y.indices.dtype
    parts = (
        cells.data,
        cells.indices.astype(kind, copy=False),
        cells.indptr.astype(kind, copy=False),
    )
    matrix = sp.csr_matrix(parts, shape=cells.shape)
    return Y, Cells(matrix, share, weights, Y.dtype if loss == "frobenius" else np.float64)
