"""Levels with codes of their own: pretraining one by one, then joint sweeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._factors import Factors, floor_of, negligible
from nnae._initialise import initial_factors
from nnae._normal_form import normalise
from nnae._rows import codes_of_rows
from nnae._solvers import SOLVERS, Callback, History, OnSimplex, run_sweeps
from nnae._starts import better_start
from nnae._target import Target, above_floor

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Schedule:
    """How long, and with what, every part of a deep fit runs."""

    solver: str
    init: Any
    pretrain_iter: int
    max_iter: int
    tol: float
    n_threads: int


@dataclass
class Fit:
    """What a fit of several levels hands back."""

    weights: list[Array]
    codes: list[Array]
    history: History
    pretraining: list[list[float]]


def loss_above(loss: str) -> str:
    """Return the loss of levels 2 and up, which model real-valued codes."""
    return "frobenius" if loss == "frobenius" else "kullback-leibler"


def fit_levels(
    Y: Any,
    sizes: tuple[int, ...],
    loss: str,
    schedule: Schedule,
    random_state: np.random.RandomState,
    *,
    penalty: float = 0.0,
    sample_weight: Array | None = None,
    joint: bool = True,
    callback: Callback | None = None,
) -> Fit:
    """Fit levels one by one, each on the codes below it, then all of them jointly.

    The joint objective is sum_l lambda_l D(Z_{l-1}, Z_l W_l), Z_0 = Y, with lambda_l one over the
    error of level l after pretraining and rows of every W_l kept at sum one. One block is updated
    at a time: W_1, Z_1, W_2, Z_2, ... ``joint=False`` stops after pretraining.
    """
    levels: list[Factors] = []
    pretraining: list[list[float]] = []
    below = Y
    for number, k in enumerate(sizes, start=1):
        name = loss if number == 1 else loss_above(loss)
        factors, history = _pretrain(
            below,
            k,
            name,
            schedule,
            random_state,
            sample_weight,
            penalty if number == 1 else 0.0,
            f"level {number}",
            of_labels=number == 1,
        )
        levels.append(factors)
        pretraining.append(history.curve)
        if history.interrupted:
            return _finish(levels, history, pretraining, Y)
        below = above_floor(factors.Z, negligible(factors.Z.dtype))
    if len(levels) == 1 or not joint:
        return _finish(levels, history, pretraining, Y)
    sweeps = JointSweeps(levels, sample_weight)
    history = run_sweeps(
        sweeps.sweep,
        sweeps.objective,
        max_iter=schedule.max_iter,
        tol=schedule.tol,
        callback=callback,
        name="the joint fit of all levels",
    )
    return _finish(levels, history, pretraining, Y)


def _pretrain(
    below: Any,
    k: int,
    loss: str,
    schedule: Schedule,
    random_state: np.random.RandomState,
    sample_weight: Array | None,
    penalty: float,
    name: str,
    of_labels: bool,
) -> tuple[Factors, History]:
    target = Target.of(below, sample_weight)

    def make(Z: Array, Wt: Array) -> Factors:
        return Factors(target, Z, Wt, loss, schedule.n_threads, penalty)

    solver = OnSimplex if penalty else SOLVERS[schedule.solver]
    Z, Wt = initial_factors(below, k, schedule.init, random_state)
    if penalty:  # meaningful only while the weights of a concept sum to one
        Z, Wt, _ = normalise(Z, Wt)
    if of_labels and schedule.init == "auto":
        Z, Wt = better_start((Z, Wt), below, solver, make)
    factors = make(Z, Wt)
    history = run_sweeps(
        solver(factors).sweep,
        factors.objective,
        max_iter=schedule.pretrain_iter,
        tol=schedule.tol,
        name=name,
    )
    Z, Wt, _ = normalise(Z, Wt)
    return make(Z, Wt), history


def _finish(levels: list[Factors], history: History, pretraining: list[list[float]], Y: Any) -> Fit:
    """Put the result in normal form and solve the codes once more, level by level.

    The codes that are kept are those that ``transform`` finds, so that a classifier learns from
    training rows exactly what new rows would be given.
    """
    weights, codes = [], []
    below = Y
    order = np.arange(levels[0].Wt.shape[0])
    for factors in levels:
        _, Wt, order = normalise(factors.Z, np.ascontiguousarray(factors.Wt[order]))
        Wt[Wt <= negligible(Wt.dtype) * Wt.max(axis=0, initial=0)] = 0
        total = Wt.sum(axis=0, dtype=np.float64)
        Wt /= np.where(total > 0, total, 1).astype(Wt.dtype)
        Z = codes_of_rows(below, Wt, factors.loss, factors.n_threads, factors.penalty)
        by_mass = np.argsort(-Z.sum(axis=0, dtype=np.float64), kind="stable")
        order = order[by_mass]
        weights.append(np.ascontiguousarray(Wt[:, by_mass].T))
        Z = np.ascontiguousarray(Z[:, by_mass])
        codes.append(Z)
        below = above_floor(Z, negligible(Z.dtype))
    return Fit(weights, codes, history, pretraining)


class JointSweeps:
    """Gauss-Seidel sweeps over all levels."""

    def __init__(self, levels: list[Factors], sample_weight: Array | None) -> None:
        self.levels = levels
        self.sample_weight = sample_weight
        for factors in levels:
            np.maximum(factors.Z, floor_of(factors.Z.dtype), out=factors.Z)
            np.maximum(factors.Wt, floor_of(factors.Wt.dtype), out=factors.Wt)
            factors.codes_changed()
            factors.weights_changed()
        for number in range(1, len(levels)):
            self._retarget(number)
        errors = [factors.objective() for factors in levels]
        self.scales = [1 / error if error > 0 else 1.0 for error in errors]

    def sweep(self, number: int) -> None:
        """Update weights and codes of every level, from the labels upwards."""
        for at, factors in enumerate(self.levels):
            factors.multiply_weights_on_simplex()
            if at + 1 < len(self.levels):
                ratio = self.scales[at + 1] / self.scales[at]
                factors.multiply_codes(self._from_above(at), ratio)
                self._retarget(at + 1)
            else:
                factors.multiply_codes()

    def objective(self) -> float:
        """Return sum_l lambda_l D(Z_{l-1}, Z_l W_l)."""
        return sum(
            scale * factors.objective()
            for scale, factors in zip(self.scales, self.levels, strict=True)
        )

    def _from_above(self, at: int) -> Array:
        above = self.levels[at + 1]
        out = np.empty_like(self.levels[at].Z)
        _core.multiply(above.Z, np.ascontiguousarray(above.Wt.T), out, above.n_threads)
        return out

    def _retarget(self, at: int) -> None:
        """Hand the codes of one level to the one above as its target."""
        codes = self.levels[at - 1].Z
        matrix = above_floor(codes, negligible(codes.dtype))
        self.levels[at].aim_at(Target.of(matrix, self.sample_weight))
