"""How near a factorisation is to a point that no small step improves."""

from __future__ import annotations

import numpy as np

from nnae._factors import Array, Factors, floor_of

#: What may end a fit.
STOPPING = ("decrease", "gradient")
#: Sweeps between two looks at the gradient: one costs about what a sweep does.
EVERY = 10


class Stationarity:
    r"""Norm of the projected gradient beside that of the start (Lin 2007).

    The projected gradient is :math:`\nabla` where an entry is positive and :math:`\min(0, \nabla)`
    where it is zero (at the floor); both factors together. It vanishes at stationary points alone.

    Parameters
    ----------
    factors : Factors
        At the start of the fit.
    tol : float
        Share of the first norm from which the factors are at rest.
    """

    def __init__(self, factors: Factors, tol: float) -> None:
        self.factors, self.tol = factors, tol
        self.first = projected_gradient(factors)
        self.share = 1.0

    def __call__(self, number: int) -> bool:
        """Tell after a sweep whether the factors are at rest; every tenth sweep is looked at."""
        if number % EVERY:
            return False
        norm = projected_gradient(self.factors)
        self.share = norm / self.first if self.first > 0 else 0.0
        return self.share <= self.tol


def projected_gradient(factors: Factors) -> float:
    """Return the norm of the projected gradient of the objective for codes and weights."""
    floor, weights, total = floor_of(factors.Z.dtype), factors.target.weights, 0.0
    for rows, slopes in factors.slopes_of_codes():
        of_rows = slopes if weights is None else slopes * weights[rows][:, None]
        total += _squares(of_rows, factors.Z[rows], floor)
    down, up = factors.denominator_of_weights(), factors.numerator_of_weights()
    total += _squares(down - up.astype(np.float64), factors.Wt, floor)
    return float((2 if factors.loss == "frobenius" else 1) * np.sqrt(total))


def _squares(slopes: Array, F: Array, floor: float) -> float:
    projected = np.where(floor < F, slopes, np.minimum(slopes, 0))
    return float(np.sum(projected * projected))
