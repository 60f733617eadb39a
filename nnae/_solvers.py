"""How the two factors of one level are improved, sweep after sweep."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sklearn.exceptions import ConvergenceWarning

from nnae._checkpoint import next_stage
from nnae._factors import Factors
from nnae._momentum import Momentum
from nnae._stationarity import Stationarity
from nnae._sweep_stage import SweepStage

Callback = Callable[[int, float], object]


class Solver(Protocol):
    """Improves the factors that it was made for."""

    def sweep(self, number: int) -> None:
        """Improve codes, then weights, in place; ``number`` counts from 1."""


class Multiplicative:
    """Multiplicative updates: slow, simple, and the reference for everything else."""

    def __init__(self, factors: Factors) -> None:
        self.factors = factors

    def sweep(self, number: int) -> None:
        """Update the codes, then the weights."""
        self.factors.multiply_codes()
        self.factors.multiply_weights()


class PlainDescent:
    """Coordinate descent; the rate losses begin with multiplicative sweeps.

    Far from a solution a Newton step of one coordinate only doubles a small rate, while one
    multiplicative sweep puts all rates at the right size.
    """

    warm_up = 3

    def __init__(self, factors: Factors) -> None:
        self.factors = factors

    def sweep(self, number: int) -> None:
        """Update the codes, then the weights."""
        if self.factors.loss != "frobenius" and number <= self.warm_up:
            Multiplicative(self.factors).sweep(number)
        else:
            self._descend()

    def _descend(self) -> None:
        self.factors.descend_codes()
        self.factors.descend_weights()


class CoordinateDescent(PlainDescent):
    """Coordinate descent with momentum.

    Under Frobenius the first sweeps are plain: from a random start, haste ends in poorer minima.
    After them codes are descended twice a sweep (Gillis and Glineur 2012), the second pass finding
    most coordinates at rest.
    """

    settling = 5

    def __init__(self, factors: Factors) -> None:
        super().__init__(factors)
        self.momentum = Momentum(factors)
        self.passes = 1

    def sweep(self, number: int) -> None:
        """Update the codes, then the weights."""
        if self.factors.loss == "frobenius" and number <= self.settling:
            self._step()
            return
        self.passes = 2 if self.factors.loss == "frobenius" else 1
        super().sweep(number)

    def _descend(self) -> None:
        self.momentum.improve(self._step)

    def _step(self) -> None:
        self.factors.descend_codes(self.passes)
        self.factors.descend_weights()


class OnSimplex:
    """Coordinate descent for the codes, multiplicative weights that keep summing to one."""

    def __init__(self, factors: Factors) -> None:
        self.factors = factors

    def sweep(self, number: int) -> None:
        """Update the codes, then the weights."""
        if number <= PlainDescent.warm_up:
            self.factors.multiply_codes()
        else:
            self.factors.descend_codes()
        self.factors.multiply_weights_on_simplex()


SOLVERS: dict[str, Callable[[Factors], Solver]] = {"mu": Multiplicative, "cd": CoordinateDescent}


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
    at_rest: Stationarity | None = None,
) -> History:
    """Sweep until the objective falls by less than ``tol`` of its first value in one sweep.

    With ``at_rest`` the sweeps end where that says so, and the objective ends none.

    Ctrl-C ends between two sweeps: the history says so, the factors are those of the last whole
    sweep, and the caller raises KeyboardInterrupt when the model is in order.
    """
    history = History()
    begin = time.perf_counter()
    stage = SweepStage(next_stage(name), sweep, history)
    try:
        for number in range(len(history.curve) + 1, stage.last(max_iter) + 1):
            sweep(number)
            history.curve.append(objective())
            if callback is not None:
                callback(number, history.curve[-1])
            if tol > 0 and at_rest is not None:
                if at_rest(number):
                    history.converged = True
                    break
            elif tol > 0 and number > 1:
                fall = history.curve[-2] - history.curve[-1]
                if fall <= tol * abs(history.curve[0]):
                    history.converged = True
                    break
            stage.offer()
        stage.finish()
    except KeyboardInterrupt:
        history.interrupted = True
        if not history.curve:
            history.curve.append(objective())
    history.seconds = time.perf_counter() - begin
    if tol > 0 and not history.converged and not history.interrupted and max_iter > 1:
        fall = (history.curve[-2] - history.curve[-1]) / max(abs(history.curve[0]), 1e-300)
        how = f"the last one lowered the objective by {fall:.2g} of its first value"
        if at_rest is not None:
            how = f"the projected gradient is {at_rest.share:.2g} of the first one"
        warnings.warn(
            f"{name} did not converge in {max_iter} sweeps: {how}, tol is {tol:g}; raise max_iter "
            "or tol",
            ConvergenceWarning,
            stacklevel=4,
        )
    return history
