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
`nnae._mask`. Under the rate losses that gives every row a vector of sums of its own; under
Frobenius the rates of listed cells are kept beside the Gram matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core
from nnae._factors import Factors, floor_of, simplex_minimiser
from nnae._mask import Mask
from nnae._row_views import row_ranges, rows_of_side
from nnae._surrogates import simplex_rates
from nnae._target import Side, Target, side_of

Array = npt.NDArray[Any]

#: Columns of a factor that are summed in double at a time.
_PANEL = 16
#: Sums below this share of the sum over all cells are rounding.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Cells:
    """What is added to a sum over all cells (``share`` 1) or over none (0): S (n x m, sparse)."""

    matrix: sp.csr_matrix
    share: float
    weights: Array | None

    @cached_property
    def rows(self) -> Side:
        """S."""
        return side_of(self.matrix)

    @cached_property
    def columns(self) -> Side:
        """S', row weights in its values."""
        matrix = self.matrix
        if self.weights is not None:
            each = np.repeat(self.weights, np.diff(matrix.indptr)).astype(matrix.dtype)
            matrix = sp.csr_matrix(
                (matrix.data * each, matrix.indices, matrix.indptr), shape=matrix.shape
            )
        return side_of(sp.csr_matrix(matrix.T))


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
    exact = Y.dtype if loss == "frobenius" else np.float64
    if mask is not None:
        share = mask.share
        cells = mask.listed.astype(exact) * (-1.0 if share else 1.0)
    if propensities is not None:
        each = (1 / propensities)[Y.indices]
        if loss == "bernoulli":
            extra = sp.csr_matrix((each - 1, Y.indices, Y.indptr), shape=Y.shape)
            cells = extra if cells is None else cells + extra
        Y = sp.csr_matrix((Y.data * each.astype(Y.dtype), Y.indices, Y.indptr), shape=Y.shape)
    if cells is None:
        return Y, None
    matrix = sp.csr_matrix(cells, dtype=exact)
    matrix.indices = matrix.indices.astype(Y.indices.dtype, copy=False)
    matrix.indptr = matrix.indptr.astype(Y.indices.dtype, copy=False)
    matrix.sort_indices()
    return Y, Cells(matrix, share, weights)


def factors_of(
    target: Target,
    Z: Array,
    Wt: Array,
    loss: str,
    n_threads: int,
    penalty: float = 0.0,
    cells: Cells | None = None,
    l2: float = 0.0,
) -> Factors:
    """Return the factors of a target of which all cells count, or some."""
    if cells is None:
        return Factors(target, Z, Wt, loss, n_threads, penalty, l2)
    return CellFactors(target, Z, Wt, loss, n_threads, penalty, l2, cells=cells)


@dataclass
class CellFactors(Factors):
    """Factors of a target with `Cells`."""

    cells: Cells = None  # type: ignore[assignment]

    @property
    def gram_of_weights(self) -> Array:
        """W W' (k x k), or for every row the sums of W over what counts (n x k), in double."""
        if self._of_weights is None:
            self._of_weights = self._sums(self.cells.rows, self.Wt, None)
        return self._of_weights

    @property
    def gram_of_codes(self) -> Array:
        """Z'Z (k x k), or for every label the sums of Z over what counts (L x k), in double."""
        if self._of_codes is None:
            self._of_codes = self._sums(self.cells.columns, self.Z, self.target.weights)
        return self._of_codes

    def _sums(self, side: Side, factor: Array, weights: Array | None) -> Array:
        if self.loss == "frobenius":
            exact = factor.astype(np.float64)
            if weights is not None:
                exact *= np.sqrt(weights)[:, None]
            return np.asarray(_core.gram(exact, self.n_threads))
        out = np.empty((len(side[0]) - 1, factor.shape[1]))
        for start in range(0, factor.shape[1], _PANEL):
            exact = factor[:, start : start + _PANEL].astype(np.float64, order="C")
            own = np.empty((len(out), exact.shape[1]))
            _core.spmm(*side, exact, own, self.n_threads)
            out[:, start : start + _PANEL] = own
        if self.cells.share:
            total = _core.column_sums(factor, weights, self.n_threads)
            out += total
            np.maximum(out, _ROUNDING * total, out=out)
        return out

    def multiply_codes(self, above: Array | None = None, weight: float = 0.0) -> None:
        """Update the codes multiplicatively, drawn towards ``above`` where it is given."""
        if self.loss != "frobenius":
            super().multiply_codes(above, weight)
            return
        up = self._pull(self.target.rows, self.Wt)
        down = self._push(self.cells.rows, self.Z, self.Wt, self.gram_of_weights)
        down += self.penalty / 2 + self.l2 / 2 * self.Z
        if above is not None:
            up += weight * above
            down += weight * self.Z
        self._scale(self.Z, up, down)
        self.codes_changed()

    def multiply_weights(self) -> None:
        """Update the weights multiplicatively."""
        if self.loss != "frobenius":
            super().multiply_weights()
            return
        up = self._pull(self.target.columns, self.Z)
        down = self._push(self.cells.columns, self.Wt, self.Z, self.gram_of_codes)
        self._scale(self.Wt, up, down)
        self.weights_changed()

    def _scale(self, F: Array, up: Array, down: Array) -> None:
        moved = np.divide(F * up, down, out=np.zeros(F.shape), where=down > 0)
        F[...] = np.maximum(moved, floor_of(F.dtype))

    def _pull(self, side: Side, H: Array) -> Array:
        out = np.empty((len(side[0]) - 1, H.shape[1]), H.dtype)
        _core.spmm(*side, H, out, self.n_threads)
        return out.astype(np.float64)

    def _push(self, side: Side, F: Array, H: Array, gram: Array) -> Array:
        """Return the gradient of half the squared rates of what counts."""
        out = np.empty(F.shape)
        _core.listed_product(*side, F, H, out, self.n_threads)
        if self.cells.share:
            all_cells = np.empty(F.shape)
            _core.multiply(F.astype(np.float64), gram, all_cells, self.n_threads)
            out = np.maximum(out + all_cells, _ROUNDING * all_cells)
        return out

    def descend_codes(self, repeats: int = 1, tolerance: float = 0.0) -> None:
        """Update the codes by coordinate descent."""
        side, cells = self.target.rows, self.cells.rows
        den = self.gram_of_weights
        penalties = self.penalty, self.l2
        self._move(side, cells, self.Wt, den, self.Z, repeats, tolerance, *penalties)
        self.codes_changed()

    def descend_weights(self, repeats: int = 1) -> None:
        """Update the weights by coordinate descent."""
        side, cells = self.target.columns, self.cells.columns
        self._move(side, cells, self.Z, self.gram_of_codes, self.Wt, repeats, 0.0, 0.0, 0.0)
        self.weights_changed()

    def _move(
        self,
        side: Side,
        cells: Side,
        H: Array,
        den: Array,
        F: Array,
        repeats: int,
        tolerance: float,
        l1: float,
        l2: float,
    ) -> None:
        if self.loss == "frobenius":
            _core.listed_step(
                *side,
                *cells,
                H,
                den,
                F,
                share=self.cells.share,
                l1=l1 / 2,
                l2=l2 / 2,
                repeats=repeats,
                tolerance=tolerance,
                n_threads=self.n_threads,
            )
            return
        _core.coordinate_step(
            self.loss,
            *side,
            H,
            np.zeros((1, F.shape[1]), F.dtype),  # the sums in double say it all
            F,
            l1=l1,
            l2=l2,
            repeats=repeats,
            tolerance=tolerance,
            floor=floor_of(F.dtype),
            n_threads=self.n_threads,
            sums=den,
        )

    def multiply_weights_on_simplex(self) -> None:
        """Update the weights multiplicatively with every concept's weights kept at sum one."""
        floor = floor_of(self.Wt.dtype)
        numerator, down = self.numerator_of_weights(), self.denominator_of_weights()
        if self.loss == "frobenius":
            self.Wt[...] = simplex_minimiser(self.Wt, numerator, down, floor)
        else:
            b = self.Wt.astype(np.float64) * numerator
            self.Wt[...] = np.maximum(simplex_rates(b, down), floor)
        self.weights_changed()

    def denominator_of_weights(self) -> Array:
        """Return D (m x k) of the multiplicative update of the weights, in double."""
        if self.loss != "frobenius":
            return self.gram_of_codes
        return self._push(self.cells.columns, self.Wt, self.Z, self.gram_of_codes)

    def _objective(self) -> float:
        target, Z = self.target, self.Z
        total = _core.objective_at_nonzeros(
            self.loss, *target.rows, self.Z, self.Wt, target.weights, self.n_threads
        )
        each, sums = np.empty(len(Z)), self.gram_of_weights
        for rows in row_ranges(*Z.shape):
            if self.loss == "frobenius":
                push = self._push(rows_of_side(self.cells.rows, rows), Z[rows], self.Wt, sums)
            else:
                push = sums[rows]
            np.sum(Z[rows] * push, axis=1, out=each[rows])
        total += float(each.sum() if target.weights is None else target.weights @ each)
        return total + self.penalties()
