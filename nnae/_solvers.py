"""How the two factors of one level are improved, sweep after sweep."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sklearn.exceptions import ConvergenceWarning

from nnae._factors import Factors

Callback = Callable[[int, float], object]


class Solver(Protocol):
    """One sweep: the codes, then the weights."""

    def sweep(self, factors: Factors, number: int) -> None:
        """Improve both factors in place; ``number`` counts from 1."""


class Multiplicative:
    """Multiplicative updates: slow, simple, and the reference for everything else."""

    def sweep(self, factors: Factors, number: int) -> None:
        """Update the codes, then the weights."""
        factors.multiply_codes()
        factors.multiply_weights()


class CoordinateDescent:
    """Coordinate descent; the rate losses begin with a few multiplicative sweeps.

    Far from a solution a Newton step of one coordinate only doubles a small rate, while one
    multiplicative sweep puts all rates at the right size.
    """

    warm_up = 3

    def sweep(self, factors: Factors, number: int) -> None:
        """Update the codes, then the weights."""
        if factors.loss != "frobenius" and number <= self.warm_up:
            Multiplicative().sweep(factors, number)
            return
        factors.descend_codes()
        factors.descend_weights()


class OnSimplex:
    """Coordinate descent for the codes, multiplicative weights that keep summing to one."""

    def sweep(self, factors: Factors, number: int) -> None:
        """Update the codes, then the weights."""
        if number <= CoordinateDescent.warm_up:
            factors.multiply_codes()
        else:
            factors.descend_codes()
        factors.multiply_weights_on_simplex()


ON_SIMPLEX = OnSimplex()
SOLVERS: dict[str, Solver] = {"mu": Multiplicative(), "cd": CoordinateDescent()}


@dataclass
class History:
    """What happened during a fit."""

    curve: list[float] = field(default_factory=list)
    converged: bool = False
    seconds: float = 0.0
    interrupted: bool = False


def run_sweeps(
    sweep: Callable[[int], None],
    objective: Callable[[], float],
    *,
    max_iter: int,
    tol: float,
    callback: Callback | None = None,
    name: str = "NMF",
) -> History:
    """Sweep until the objective falls by less than ``tol`` of its first value in one sweep.

    Ctrl-C ends between two sweeps: the history says so, the factors are those of the last whole
    sweep, and the caller raises KeyboardInterrupt when the model is in order.
    """
    history = History()
    begin = time.perf_counter()
    try:
        for number in range(1, max_iter + 1):
            sweep(number)
            history.curve.append(objective())
            if callback is not None:
                callback(number, history.curve[-1])
            if tol > 0 and number > 1:
                fall = history.curve[-2] - history.curve[-1]
                if fall <= tol * abs(history.curve[0]):
                    history.converged = True
                    break
    except KeyboardInterrupt:
        history.interrupted = True
        if not history.curve:
            history.curve.append(objective())
    history.seconds = time.perf_counter() - begin
    if tol > 0 and not history.converged and not history.interrupted and max_iter > 1:
        fall = (history.curve[-2] - history.curve[-1]) / max(abs(history.curve[0]), 1e-300)
        warnings.warn(
            f"{name} did not converge in {max_iter} sweeps: the last one lowered the objective by "
            f"{fall:.2g} of its first value, tol is {tol:g}; raise max_iter or tol",
            ConvergenceWarning,
            stacklevel=4,
        )
    return history
