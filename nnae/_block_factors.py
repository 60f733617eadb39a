"""Factors of which only the weights are held: what they need of the codes is added up over rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._factors import Factors, floor_of
from nnae._target import Target

Array = npt.NDArray[Any]

#: Rate that one code may give one label under the Bernoulli loss; 50 is certain to 15 digits.
LARGEST_RATE = {"float32": 1e3, "float64": 1e6}


@dataclass
class CodeSums:
    """Sums over rows, in double precision, at the codes Z of a pass and the weights that it had.

    Attributes
    ----------
    numerator : ndarray (m x k)
        Y'Z (frobenius), else (Y / rates)'Z or (Y / (1 - exp(-rates)))'Z.
    gram : ndarray (k x k or 1 x k)
        Z'Z (frobenius) or column sums of Z.
    totals, peaks : ndarray (k)
        Sums and largest values of the columns of Z.
    at_nonzeros, squares, penalties : float
        Loss at the non-zeros without the constant of frobenius, sum of the squares of Y, and what
        codes cost by themselves.
    n_rows : int
        0 before the first pass.
    """

    numerator: Array
    gram: Array
    totals: Array
    peaks: Array
    at_nonzeros: float = 0.0
    squares: float = 0.0
    penalties: float = 0.0
    n_rows: int = 0

    @classmethod
    def nothing(cls, m: int, k: int, loss: str) -> CodeSums:
        """Return the sums over no rows."""
        gram = np.zeros((k if loss == "frobenius" else 1, k))
        return cls(np.zeros((m, k)), gram, np.zeros(k), np.zeros(k))

    def add(self, rows: Factors) -> None:
        """Add the rows of a block, whose codes have just been updated."""
        Z, n_threads = rows.Z, rows.n_threads
        self.n_rows += len(Z)
        self.totals += _core.column_sums(Z, None, n_threads)
        np.maximum(self.peaks, Z.max(axis=0, initial=0), out=self.peaks)
        self.gram += rows.gram_of_codes
        self.numerator += rows.numerator_of_weights()
        self.penalties += rows.penalties()
        if rows.loss == "frobenius":
            self.squares += rows.target.sum_of_squares
        else:
            self.at_nonzeros += _core.objective_at_nonzeros(
                rows.loss, *rows.target.rows, Z, rows.Wt, None, n_threads
            )


class BlockFactors(Factors):
    """Weights Wt (m x k) of one level of rows that come in blocks.

    What is asked about codes is answered from the sums of the last pass over the rows. Under
    Frobenius they hold for any weights; under the other losses for those of the pass alone, so that
    weights are changed once, then a pass must follow.
    """

    def __init__(
        self, Wt: Array, loss: str, n_threads: int, penalty: float = 0.0, l2: float = 0.0
    ) -> None:
        m, k = Wt.shape
        nothing = Target.empty((0, m), Wt.dtype)
        super().__init__(nothing, np.empty((0, k), Wt.dtype), Wt, loss, n_threads, penalty, l2)
        self.sums = CodeSums.nothing(m, k, loss)

    def of_rows(self, Y: Any, Z: Array) -> Factors:
        """Return the factors of one block: its codes Z are updated in place, the weights not."""
        rows = Factors(Target.of(Y), Z, self.Wt, self.loss, self.n_threads, self.penalty, self.l2)
        rows._of_weights = self.gram_of_weights
        return rows

    def bound(self, Z: Array, before: Array | None = None) -> None:
        """Keep Bernoulli codes, in place, from growing beyond what makes a label certain.

        A row with every label of a concept has no largest likely code; endless ones cancel in the
        objective until nothing but rounding is left. Such a row stays as it was ``before``: to cut
        one of its codes alone would raise the objective.
        """
        if self.loss != "bernoulli":
            return
        heaviest = np.maximum(self.Wt.max(axis=0, initial=0), floor_of(Z.dtype))
        most = (LARGEST_RATE[Z.dtype.name] / heaviest).astype(Z.dtype)
        if before is None:
            np.minimum(Z, most, out=Z)
            return
        endless = (np.maximum(most, before) < Z).any(axis=1)
        Z[endless] = before[endless]

    def take(self, sums: CodeSums) -> None:
        """Know the codes of a pass by its sums."""
        self.sums = sums
        self.codes_changed()

    @property
    def gram_of_codes(self) -> Array:
        """Z'Z (k x k), or column sums of Z (1 x k), in double."""
        return self.sums.gram

    def numerator_of_weights(self) -> Array:
        """Return N (m x k) of the multiplicative update of the weights."""
        return self.sums.numerator.astype(self.Wt.dtype)

    def denominator_of_weights(self) -> Array:
        """Return D (m x k) of the multiplicative update of the weights."""
        if self.loss != "frobenius":
            return np.broadcast_to(self.gram_of_codes, self.Wt.shape)
        down = np.empty_like(self.Wt)
        gram = self.gram_of_codes.astype(self.Wt.dtype)
        _core.multiply(self.Wt, gram, down, self.n_threads)
        return down

    def multiply_weights(self) -> None:
        """Update the weights multiplicatively."""
        down = self.denominator_of_weights()
        ratio = np.divide(self.sums.numerator, down, out=np.zeros(self.Wt.shape), where=down > 0)
        self.Wt[...] = np.maximum(self.Wt * ratio, floor_of(self.Wt.dtype))
        self.weights_changed()

    def descend_weights(self, repeats: int = 1) -> None:
        """Update the weights: coordinate descent under Frobenius, else multiplicatively.

        Newton steps of the rate losses need the rates after each of them, that is all rows.
        """
        if self.loss != "frobenius":
            self.multiply_weights()
            return
        right, gram = self.numerator_of_weights(), self.gram_of_codes.astype(self.Wt.dtype)
        _core.coordinate_step_dense(right, gram, self.Wt, repeats, 0.0, self.n_threads)
        self.weights_changed()

    def _objective(self) -> float:
        sums = self.sums
        if not sums.n_rows:
            return float("nan")
        weights = self.gram_of_weights.astype(np.float64)
        total = float(np.sum(sums.gram * weights)) + sums.penalties
        if self.loss == "frobenius":
            cross = float(np.sum(sums.numerator * self.Wt, dtype=np.float64))
            return sums.squares - 2 * cross + total
        return sums.at_nonzeros + total
