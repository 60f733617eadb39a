"""Factors of a target of which not every cell counts the same, see `nnae._cells`.

Under the rate losses every row has a vector of sums of its own; under Frobenius the rates of listed
cells are kept beside the Gram matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._cells import Cells
from nnae._factors import Above, Factors, floor_of, gram_of, simplex_minimiser
from nnae._row_views import row_ranges, rows_of_side
from nnae._surrogates import by_panels, simplex_rates
from nnae._target import Side, Target

Array = npt.NDArray[Any]

#: Sums below this share of the sum over all cells are rounding.
_ROUNDING = 1e-14


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
    """Factors of a target with `Cells`.

    Under the rate losses sums over what counts are made for a block of rows at a time, and used.
    The sum of all rates that count, which the objective needs, comes with the weights' update.
    """

    cells: Cells = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        self._rates: float | None = None

    @property
    def gram_of_weights(self) -> Array:
        """W W' (k x k), in double (frobenius)."""
        if self._of_weights is None:
            self._of_weights = gram_of(self.Wt, None, np.float64, self.n_threads)
        return self._of_weights

    @property
    def gram_of_codes(self) -> Array:
        """Z'Z (k x k), in double (frobenius)."""
        if self._of_codes is None:
            self._of_codes = gram_of(self.Z, self.target.weights, np.float64, self.n_threads)
        return self._of_codes

    def codes_changed(self) -> None:
        """Forget what was derived from the codes."""
        super().codes_changed()
        self._rates = None

    def weights_changed(self) -> None:
        """Forget what was derived from the weights."""
        super().weights_changed()
        self._rates = None

    def _sums(self, cells: Side, H: Array, weights: Array | None) -> Iterator[tuple[slice, Array]]:
        """Yield ranges of rows of cells, and their sums of H over what counts, in double."""
        total = _core.column_sums(H, weights, self.n_threads) if self.cells.share else None
        for rows in row_ranges(len(cells[0]) - 1, H.shape[1]):
            out = np.empty((rows.stop - rows.start, H.shape[1]))
            some = rows_of_side(cells, rows)
            _core.listed_sums(*some, H, self.cells.share, out, self.n_threads)
            if total is not None:
                out += total
                np.maximum(out, _ROUNDING * total, out=out)
            yield rows, out

    def _sums_of_weights(self) -> Iterator[tuple[slice, Array]]:
        return self._sums(self.cells.rows, self.Wt, None)

    def _sums_of_codes(self) -> Iterator[tuple[slice, Array]]:
        return self._sums(self.cells.columns, self.Z, self.target.weights)

    def _denominators_of_codes(self) -> Iterator[tuple[slice, Array]]:
        if self.loss != "frobenius":
            yield from self._sums_of_weights()
            return
        for rows in row_ranges(*self.Z.shape):
            some = rows_of_side(self.cells.rows, rows)
            yield rows, self._push(some, self.Z[rows], self.Wt, self.gram_of_weights)

    def multiply_codes(self, above: Above | None = None, weight: float = 0.0) -> None:
        """Update the codes multiplicatively, drawn towards ``above`` where it is given."""
        if self.loss == "frobenius":
            self._multiply_squares(above, weight)
        else:
            for rows, sums in self._sums_of_weights():
                drawn = None if above is None else above(rows)
                self._multiply_rows(self.target.some_rows(rows), sums, self.Z[rows], drawn, weight)
        self.codes_changed()

    def _multiply_squares(self, above: Above | None, weight: float) -> None:
        for rows in row_ranges(*self.Z.shape):
            Z = self.Z[rows]
            up = self._pull(self.target.some_rows(rows), self.Wt)
            down = self._push(rows_of_side(self.cells.rows, rows), Z, self.Wt, self.gram_of_weights)
            down += self.penalty / 2 + self.l2 / 2 * Z
            if above is not None:
                up += weight * above(rows)
                down += weight * Z
            self._scale(Z, up, down)

    def multiply_weights(self) -> None:
        """Update the weights multiplicatively."""
        total, squares = 0.0, self.loss == "frobenius"
        if squares:
            up = self._pull(self.target.columns, self.Z)
            down = self._push(self.cells.columns, self.Wt, self.Z, self.gram_of_codes)
            self._scale(self.Wt, up, down)
        for rows, sums in () if squares else self._sums_of_codes():
            Wt = self.Wt[rows]
            self._multiply(rows_of_side(self.target.columns, rows), self.Z, sums, Wt, None, 0.0)
            total += float(np.sum(Wt * sums))
        self.weights_changed()
        self._rates = None if squares else total

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
        _core.listed_product(*side, F, H, self.cells.share, out, self.n_threads)
        if self.cells.share:
            all_cells = np.empty(F.shape)
            _core.multiply(F.astype(np.float64), gram, all_cells, self.n_threads)
            out = np.maximum(out + all_cells, _ROUNDING * all_cells)
        return out

    def descend_codes(self, repeats: int = 1, tolerance: float = 0.0) -> None:
        """Update the codes by coordinate descent."""
        how: dict[str, Any] = {"repeats": repeats, "tolerance": tolerance}
        how |= {"l1": self.penalty, "l2": self.l2}
        if self.loss == "frobenius":
            sides = self.target.rows, self.cells.rows
            self._move_listed(*sides, self.Wt, self.gram_of_weights, self.Z, **how)
        else:
            for rows, sums in self._sums_of_weights():
                self._move(self.target.some_rows(rows), self.Wt, sums, self.Z[rows], **how)
        self.codes_changed()

    def descend_weights(self, repeats: int = 1) -> None:
        """Update the weights by coordinate descent."""
        how: dict[str, Any] = {"repeats": repeats, "tolerance": 0.0, "l1": 0.0, "l2": 0.0}
        total, squares = 0.0, self.loss == "frobenius"
        if squares:
            sides = self.target.columns, self.cells.columns
            self._move_listed(*sides, self.Z, self.gram_of_codes, self.Wt, **how)
        for rows, sums in () if squares else self._sums_of_codes():
            Wt = self.Wt[rows]
            self._move(rows_of_side(self.target.columns, rows), self.Z, sums, Wt, **how)
            total += float(np.sum(Wt * sums))
        self.weights_changed()
        self._rates = None if squares else total

    def _move_listed(
        self, side: Side, cells: Side, H: Array, gram: Array, F: Array, **how: Any
    ) -> None:
        how |= {"l1": how["l1"] / 2, "l2": how["l2"] / 2}  # the kernel halves the squares
        how |= {"share": self.cells.share, "n_threads": self.n_threads}
        _core.listed_step(*side, *cells, H, gram, F, **how)

    def _move(self, side: Side, H: Array, sums: Array, F: Array, **how: Any) -> None:
        _core.coordinate_step(
            self.loss,
            *side,
            H,
            np.zeros((1, F.shape[1]), F.dtype),  # the sums in double say it all
            F,
            floor=floor_of(F.dtype),
            n_threads=self.n_threads,
            sums=sums,
            **how,
        )

    def multiply_weights_on_simplex(self) -> None:
        """Update the weights multiplicatively with every concept's weights kept at sum one."""
        floor = floor_of(self.Wt.dtype)
        numerator, down = self.numerator_of_weights(), self.denominator_of_weights()
        if self.loss == "frobenius":
            self.Wt[...] = by_panels(simplex_minimiser, self.Wt, numerator, down, floor)
        else:
            self.Wt[...] = np.maximum(by_panels(_rates_on_simplex, self.Wt, numerator, down), floor)
        self.weights_changed()
        if self.loss != "frobenius":
            self._rates = float(np.sum(self.Wt * down))

    def denominator_of_weights(self) -> Array:
        """Return D (m x k) of the multiplicative update of the weights, in double."""
        if self.loss == "frobenius":
            return self._push(self.cells.columns, self.Wt, self.Z, self.gram_of_codes)
        out = np.empty(self.Wt.shape)
        for rows, sums in self._sums_of_codes():
            out[rows] = sums
        return out

    def _objective(self) -> float:
        if self._rates is None:
            self._rates = self._sum_of_rates()
        return self._at_nonzeros() + self._rates + self.penalties()

    def _sum_of_rates(self) -> float:
        """Return the sum of the rates that count, or of their squares under Frobenius."""
        each = np.empty(len(self.Z))
        if self.loss == "frobenius":
            for rows in row_ranges(*self.Z.shape):
                some, Z = rows_of_side(self.cells.rows, rows), self.Z[rows]
                np.sum(Z * self._push(some, Z, self.Wt, self.gram_of_weights), 1, out=each[rows])
        else:
            for rows, sums in self._sums_of_weights():
                np.sum(self.Z[rows] * sums, 1, out=each[rows])
        weights = self.target.weights
        return float(each.sum() if weights is None else weights @ each)


def _rates_on_simplex(W: Array, numerator: Array, down: Array) -> Array:
    return simplex_rates(W.astype(np.float64) * numerator, down)
