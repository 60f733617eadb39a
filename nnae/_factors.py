"""Two factors of one target, and the half-steps that improve them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._row_views import blocks_of_rows, row_ranges
from nnae._surrogates import by_panels, shrunk_codes
from nnae._target import Side, Target

Array = npt.NDArray[Any]
#: Gives what some rows of codes are drawn towards.
Above = Callable[[slice], Array]

#: Smallest value of a factor under multiplicative updates (method of Takahashi and Hibi 2014). A
#: product of two must not vanish; in double precision anything larger shows in the objective.
FLOOR = {"float32": 1e-10, "float64": 1e-100}
#: Share of the largest entry below which a fitted value is reported as zero.
NEGLIGIBLE = {"float32": 1e-7, "float64": 1e-12}


def floor_of(dtype: Any) -> float:
    """Return the floor of a factor stored in ``dtype``."""
    return FLOOR[np.dtype(dtype).name]


def negligible(dtype: Any) -> float:
    """Return the share of the largest entry that is reported as zero."""
    return NEGLIGIBLE[np.dtype(dtype).name]


def clear_floor(factor: Array) -> None:
    """Set the entries of a fitted factor that are at the floor to zero, in place."""
    least = negligible(factor.dtype) * factor.max(axis=0, initial=0)
    for rows in blocks_of_rows(factor):
        rows[~(rows > least)] = 0


@dataclass
class Factors:
    """Codes Z (n x k) and weights Wt (m x k) with rate Z Wt' for a target (n x m).

    Both are updated in place. Denominators (Gram matrices or column sums) are kept until the factor
    that they come from changes, because the objective needs those of the next update anyway. So is
    the cross term <Y, Z W> that coordinate descent under Frobenius finds on its way.
    ``penalty`` times the sum of the codes and ``l2`` / 2 times that of their squares are part of
    the objective.
    """

    target: Target
    Z: Array
    Wt: Array
    loss: str
    n_threads: int
    penalty: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        self._of_weights: Array | None = None
        self._of_codes: Array | None = None
        self._cross: float | None = None
        self._value: float | None = None

    @property
    def gram_of_weights(self) -> Array:
        """Denominator of a code update: W W' (k x k), or row sums of W (1 x k, in double)."""
        if self._of_weights is None:
            self._of_weights = self._denominator(self.Wt, None)
        return self._of_weights

    @property
    def gram_of_codes(self) -> Array:
        """Denominator of a weight update: Z'Z (k x k), or column sums of Z (1 x k, in double)."""
        if self._of_codes is None:
            self._of_codes = self._denominator(self.Z, self.target.weights)
        return self._of_codes

    def _denominator(self, factor: Array, weights: Array | None) -> Array:
        if self.loss == "frobenius":
            return gram_of(factor, weights, factor.dtype, self.n_threads)
        return np.asarray(_core.column_sums(factor, weights, self.n_threads))[None, :]

    def aim_at(self, target: Target) -> None:
        """Model another target of the same shape from here on."""
        self.target = target
        self._cross = self._value = None

    def codes_changed(self) -> None:
        """Forget what was derived from the codes."""
        self._of_codes = self._cross = self._value = None

    def weights_changed(self) -> None:
        """Forget what was derived from the weights."""
        self._of_weights = self._cross = self._value = None

    def multiply_codes(self, above: Above | None = None, weight: float = 0.0) -> None:
        """Update the codes multiplicatively, drawn towards ``above`` where it is given."""
        for rows in row_ranges(*self.Z.shape):
            drawn = None if above is None else above(rows)
            side = self.target.some_rows(rows)
            self._multiply_rows(side, self.gram_of_weights, self.Z[rows], drawn, weight)
        self.codes_changed()

    def _multiply_rows(
        self, side: Side, den: Array, Z: Array, above: Array | None, weight: float
    ) -> None:
        if self.loss == "frobenius" and (self.penalty or self.l2):
            self._descend_towards(side, den, Z, above, weight)
        elif self.l2:
            b = Z * self._ratios(side, Z, self.Wt).astype(np.float64)
            found = shrunk_codes(b, den + self.penalty, self.l2, above, weight)
            Z[...] = np.maximum(found, floor_of(Z.dtype))
        else:
            den = den + self.penalty if self.penalty else den
            self._multiply(side, self.Wt, den, Z, above, weight)

    def _descend_towards(
        self, side: Side, gram: Array, Z: Array, above: Array | None, weight: float
    ) -> None:
        """Update penalised codes under Frobenius; a pull to ``above`` is one more square."""
        sides = self._ratios(side, Z, self.Wt)
        sides -= sides.dtype.type(self.penalty / 2)
        gram = gram + (weight + self.l2 / 2) * np.eye(Z.shape[1])
        if above is not None:
            sides += above * above.dtype.type(weight)
        _core.coordinate_step_dense(sides, gram.astype(Z.dtype), Z, 1, 0.0, self.n_threads)

    def multiply_weights(self) -> None:
        """Update the weights multiplicatively."""
        self._multiply(self.target.columns, self.Z, self.gram_of_codes, self.Wt, None, 0.0)
        self.weights_changed()

    def _multiply(
        self, side: Side, H: Array, den: Array, F: Array, above: Array | None, weight: float
    ) -> None:
        _core.multiplicative_step(
            self.loss,
            *side,
            H,
            den.astype(F.dtype),
            F,
            floor_of(F.dtype),
            above,
            weight,
            self.n_threads,
        )

    def descend_codes(self, repeats: int = 1, tolerance: float = 0.0) -> None:
        """Update the codes by coordinate descent."""
        cross = self._descend(
            self.target.rows,
            self.Wt,
            self.gram_of_weights,
            self.Z,
            repeats,
            tolerance,
            self.penalty,
            self.l2,
        )
        self.codes_changed()
        if self.loss == "frobenius" and self.target.weights is None:
            self._cross = cross

    def descend_weights(self, repeats: int = 1) -> None:
        """Update the weights by coordinate descent."""
        cross = self._descend(
            self.target.columns, self.Z, self.gram_of_codes, self.Wt, repeats, 0.0, 0.0, 0.0
        )
        self.weights_changed()
        if self.loss == "frobenius":
            self._cross = cross

    def _descend(
        self,
        side: Side,
        H: Array,
        den: Array,
        F: Array,
        repeats: int,
        tolerance: float,
        l1: float,
        l2: float,
    ) -> float:
        sums = None if self.loss == "frobenius" else den[0]
        scale = 0.5 if self.loss == "frobenius" else 1.0  # the kernel halves the squares
        return _core.coordinate_step(
            self.loss,
            *side,
            H,
            den.astype(F.dtype),
            F,
            l1=scale * l1,
            l2=scale * l2,
            repeats=repeats,
            tolerance=tolerance,
            floor=floor_of(F.dtype),
            n_threads=self.n_threads,
            sums=sums,
        )

    def slopes_of_codes(self) -> Iterator[tuple[slice, Array]]:
        """Yield ranges of rows and the gradient of their codes (half of it under Frobenius)."""
        own = (self.penalty, self.l2)
        own = (own[0] / 2, own[1] / 2) if self.loss == "frobenius" else own
        for rows, down in self._denominators_of_codes():
            Z = self.Z[rows]
            up = self._ratios(self.target.some_rows(rows), Z, self.Wt).astype(np.float64)
            yield rows, down - up + own[0] + own[1] * Z

    def _denominators_of_codes(self) -> Iterator[tuple[slice, Array]]:
        gram = self.gram_of_weights.astype(np.float64)
        for rows in row_ranges(*self.Z.shape):
            Z = self.Z[rows].astype(np.float64)
            if self.loss == "frobenius":
                down = np.empty_like(Z)
                _core.multiply(Z, gram, down, self.n_threads)
                yield rows, down
            else:
                yield rows, np.broadcast_to(gram, Z.shape)

    def numerator_of_weights(self) -> Array:
        """Return N (m x k) of the multiplicative update of the weights."""
        total: Array | None = None
        for rows, side in self.target.column_blocks():
            part = self._ratios(side, self.Wt, self.Z[rows])
            total = part if total is None else total + part
        return np.empty_like(self.Wt) if total is None else total

    def denominator_of_weights(self) -> Array:
        """Return D (m x k) of the multiplicative update of the weights."""
        if self.loss != "frobenius":
            return np.broadcast_to(self.gram_of_codes, self.Wt.shape)
        down = np.empty_like(self.Wt)
        _core.multiply(self.Wt, self.gram_of_codes, down, self.n_threads)
        return down

    def _ratios(self, side: Side, F: Array, H: Array) -> Array:
        out = np.empty_like(F)
        _core.ratio_product(self.loss, *side, F, H, out, self.n_threads)
        return out

    def multiply_weights_on_simplex(self) -> None:
        """Update the weights multiplicatively with every concept's weights kept at sum one.

        The surrogate of the multiplicative update is minimised exactly under the constraint: for
        the rate losses its linear part is constant, so that normalising W o N is the minimiser; for
        Frobenius the minimiser is clipped W o (N + mu) / D with one multiplier mu a concept.
        """
        floor = floor_of(self.Wt.dtype)
        numerator = self.numerator_of_weights()
        if self.loss == "frobenius":
            down = self.denominator_of_weights()
            self.Wt[...] = by_panels(simplex_minimiser, self.Wt, numerator, down, floor)
        else:
            self.Wt *= numerator
            total = self.Wt.sum(axis=0, dtype=np.float64)
            alive = total > 0
            self.Wt[:, alive] /= total[alive].astype(self.Wt.dtype)
            np.maximum(self.Wt, floor, out=self.Wt)
        self.weights_changed()

    def objective(self) -> float:
        """Return the loss over the whole target, zeros and the penalty on codes included."""
        if self._value is None:
            self._value = self._objective()
        return self._value

    def _objective(self) -> float:
        if self._cross is not None:
            at_nonzeros = self.target.sum_of_squares - 2 * self._cross
        else:
            at_nonzeros = self._at_nonzeros()
        codes = self.gram_of_codes.astype(np.float64)
        weights = self.gram_of_weights.astype(np.float64)
        return float(at_nonzeros + np.sum(codes * weights)) + self.penalties()

    def _at_nonzeros(self) -> float:
        total, weights = 0.0, self.target.weights
        for rows, side in self.target.row_blocks():
            own = None if weights is None else weights[rows]
            total += _core.objective_at_nonzeros(
                self.loss, *side, self.Z[rows], self.Wt, own, self.n_threads
            )
        return total

    def penalties(self) -> float:
        """Return what the codes cost by themselves."""
        total, weights = 0.0, self.target.weights
        if self.penalty:
            total += self.penalty * float(_core.column_sums(self.Z, weights, self.n_threads).sum())
        if self.l2:
            squares = np.einsum("ij,ij->i", self.Z, self.Z, dtype=np.float64)
            total += self.l2 / 2 * float(squares.sum() if weights is None else weights @ squares)
        return total


def gram_of(factor: Array, weights: Array | None, dtype: Any, n_threads: int) -> Array:
    """Return F'F (k x k) in ``dtype``, rows of F with weights where they are given."""
    if weights is None and factor.dtype == dtype:
        return np.asarray(_core.gram(factor, n_threads))
    total = np.zeros((factor.shape[1],) * 2)
    for rows in row_ranges(*factor.shape):
        part = factor[rows].astype(dtype)
        if weights is not None:
            part *= np.sqrt(weights[rows]).astype(dtype)[:, None]
        total += _core.gram(part, n_threads)
    return total.astype(dtype)


def simplex_minimiser(W: Array, numerator: Array, down: Array, floor: float) -> Array:
    """Minimise sum (D / W) w^2 / 2 - N w over columns of sum one with w >= 0.

    Parameters
    ----------
    W, numerator, down : ndarray of shape (m, k)
        Current weights and the two halves of their multiplicative update.
    floor : float
        Smallest weight returned.

    Returns
    -------
    ndarray of shape (m, k)
        The multiplier of each column is found by dropping clipped entries until none is left, which
        ends after at most m rounds and in practice after a few.
    """
    slope = np.where(down > 0, W / np.where(down > 0, down, 1), 0).astype(np.float64)
    active = slope > 0
    N = numerator.astype(np.float64)
    mu = np.zeros(W.shape[1])
    for _ in range(W.shape[0]):
        total = (slope * active).sum(axis=0)
        mu = np.where(
            total > 0, (1 - (slope * N * active).sum(axis=0)) / np.where(total, total, 1), 0
        )
        clipped = active & (N + mu < 0)
        if not clipped.any():
            break
        active &= ~clipped
    result = np.where(active, slope * (N + mu), 0)
    return np.maximum(result, floor).astype(W.dtype)
