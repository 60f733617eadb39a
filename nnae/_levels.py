"""Levels with codes of their own: pretraining one by one, then joint sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._cell_factors import factors_of
from nnae._cells import Cells
from nnae._concept_rules import ConceptRule, Constrained, SumToOne, rule_of
from nnae._factors import Above, Factors, floor_of, negligible
from nnae._initialise import initial_factors
from nnae._normal_form import normalise, to_sum_one
from nnae._passing_targets import passing_target
from nnae._row_views import reorder_columns
from nnae._rows import codes_of_rows
from nnae._solvers import SOLVERS, Callback, History, OnSimplex, Solver, run_sweeps
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
    sparseness: tuple[float, ...] = ()
    orthogonality: float = 0.0


@dataclass
class Fit:
    """What a fit of several levels hands back; ``errors`` are the losses of levels at the end."""

    weights: list[Array]
    codes: list[Array]
    history: History
    pretraining: list[list[float]]
    errors: list[float]


@dataclass
class Level:
    """Factors of one level, the rule of its concepts, and where they were in the level's start."""

    factors: Factors
    rule: ConceptRule
    order: Array


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
    l2: float = 0.0,
    sample_weight: Array | None = None,
    cells: Cells | None = None,
    joint: bool = True,
    callback: Callback | None = None,
) -> Fit:
    """Fit levels one by one, each on the codes below it, then all of them jointly.

    The joint objective is sum_l lambda_l D(Z_{l-1}, Z_l W_l), Z_0 = Y, with lambda_l one over the
    error of level l after pretraining and rows of every W_l kept at sum one. One block is updated
    at a time: W_1, Z_1, W_2, Z_2, ... ``joint=False`` stops after pretraining. ``penalty``, ``l2``
    and ``cells`` are of level 1.
    """
    levels: list[Level] = []
    pretraining: list[list[float]] = []
    of_labels: dict[str, Any] = {"penalty": penalty, "l2": l2, "cells": cells}
    for number, k in enumerate(sizes, start=1):
        name, own = (loss, of_labels) if number == 1 else (loss_above(loss), {})
        start = _start(schedule.init, number, levels)
        codes = levels[-1].factors.Z if levels else None
        below = Y if codes is None else above_floor(codes, negligible(codes.dtype))
        make = _maker(Target.of(below, sample_weight), name, schedule.n_threads, own)
        level, history = _pretrain(below, k, number, start, schedule, random_state, make)
        del codes, below, make  # joint sweeps lay out targets of their own
        levels.append(level)
        pretraining.append(history.curve)
        if history.interrupted:
            return _finish(levels, history, pretraining, Y, cells)
    if len(levels) == 1 or not joint:
        return _finish(levels, history, pretraining, Y, cells)
    sweeps = JointSweeps(levels, sample_weight)
    history = run_sweeps(
        sweeps.sweep,
        sweeps.objective,
        max_iter=schedule.max_iter,
        tol=schedule.tol,
        callback=callback,
        name="the joint fit of all levels",
    )
    return _finish(levels, history, pretraining, Y, cells)


def _start(init: Any, number: int, levels: list[Level]) -> Any:
    """Return the start of a level; the concepts below have been put in order since it was given."""
    if isinstance(init, str):
        return init
    codes, weights = init[number - 1]
    if not levels:
        return codes, weights
    return codes, np.asarray(weights)[:, levels[-1].order]


def _maker(
    target: Target, loss: str, n_threads: int, own: dict[str, Any]
) -> Callable[[Array, Array], Factors]:
    def make(Z: Array, Wt: Array) -> Factors:
        return factors_of(target, Z, Wt, loss, n_threads, **own)

    return make


def _pretrain(
    below: Any,
    k: int,
    number: int,
    start: Any,
    schedule: Schedule,
    random_state: np.random.RandomState,
    make: Callable[[Array, Array], Factors],
) -> tuple[Level, History]:
    Z, Wt = initial_factors(below, k, start, random_state)
    factors = make(Z, Wt)
    sparseness = schedule.sparseness[number - 1] if schedule.sparseness else 0.0
    rule = rule_of(sparseness, schedule.orthogonality * _size(below, factors.loss))
    solver: Callable[[Factors], Solver] = SOLVERS[schedule.solver]
    if not isinstance(rule, SumToOne):
        solver = partial(Constrained, rule=rule)
    elif factors.penalty or factors.l2:
        solver = OnSimplex
    simplex = solver is not SOLVERS[schedule.solver]
    if simplex:  # what is penalised means something only while weights sum to one
        Z, Wt, order = normalise(Z, Wt)
        rule.admit(Wt)
    if number == 1 and isinstance(schedule.init, str) and schedule.init == "auto":
        Z, Wt = better_start((Z, Wt), below, solver, make, rule.admit)
    first = order if simplex else np.arange(k)
    factors = make(Z, Wt)
    history = run_sweeps(
        solver(factors).sweep,
        lambda: factors.objective() + rule.penalty(factors),
        max_iter=schedule.pretrain_iter,
        tol=schedule.tol,
        name=f"level {number}",
    )
    Z, Wt, order = normalise(Z, Wt)
    return Level(make(Z, Wt), rule, first[order]), history


def _size(below: Any, loss: str) -> float:
    """Return the sum of what is modelled, or of its squares under Frobenius."""
    values = below.data.astype(np.float64)
    return float(values @ values if loss == "frobenius" else values.sum())


def _finish(
    levels: list[Level],
    history: History,
    pretraining: list[list[float]],
    Y: Any,
    cells: Cells | None,
) -> Fit:
    """Put the result in normal form and solve the codes once more, level by level.

    The codes that are kept are those that ``transform`` finds, so that a classifier learns from
    training rows exactly what new rows would be given.
    """
    weights, codes = [], []
    errors = [level.factors.objective() for level in levels]
    for level in levels:  # nothing is improved any more
        level.factors.aim_at(Target.empty(level.factors.target.shape, level.factors.Z.dtype))
    below = Y
    order = np.arange(levels[0].factors.Wt.shape[0])
    for level in levels:
        factors = level.factors
        Z, Wt, order = normalise(factors.Z, np.ascontiguousarray(factors.Wt[order]))
        factors.Z = Z = Z[:0].copy()  # found anew
        to_sum_one(Wt)
        Z = codes_of_rows(
            below,
            Wt,
            factors.loss,
            factors.n_threads,
            factors.penalty,
            cells=cells if level is levels[0] else None,
            l2=factors.l2,
        )
        by_mass = np.argsort(-Z.sum(axis=0, dtype=np.float64), kind="stable")
        order = order[by_mass]
        weights.append(np.ascontiguousarray(Wt[:, by_mass].T))
        reorder_columns(Z, by_mass)
        codes.append(Z)
        below = above_floor(Z, negligible(Z.dtype))
    return Fit(weights, codes, history, pretraining, errors)


class JointSweeps:
    """Gauss-Seidel sweeps over all levels."""

    def __init__(self, levels: list[Level], sample_weight: Array | None) -> None:
        self.levels = [level.factors for level in levels]
        self.rules = [level.rule for level in levels]
        self.sample_weight = sample_weight
        for factors in self.levels:
            np.maximum(factors.Z, floor_of(factors.Z.dtype), out=factors.Z)
            np.maximum(factors.Wt, floor_of(factors.Wt.dtype), out=factors.Wt)
            factors.codes_changed()
            factors.weights_changed()
        for number in range(1, len(levels)):
            self._retarget(number)
        errors = self._errors()
        self.scales = [1 / error if error > 0 else 1.0 for error in errors]

    def sweep(self, number: int) -> None:
        """Update weights and codes of every level, from the labels upwards."""
        for at, factors in enumerate(self.levels):
            self.rules[at].update(factors)
            if at + 1 < len(self.levels):
                ratio = self.scales[at + 1] / self.scales[at]
                factors.multiply_codes(self._from_above(at), ratio)
                self._retarget(at + 1)
            else:
                factors.multiply_codes()

    def objective(self) -> float:
        """Return sum_l lambda_l D(Z_{l-1}, Z_l W_l)."""
        return sum(scale * error for scale, error in zip(self.scales, self._errors(), strict=True))

    def _errors(self) -> list[float]:
        pairs = zip(self.levels, self.rules, strict=True)
        return [factors.objective() + rule.penalty(factors) for factors, rule in pairs]

    def _from_above(self, at: int) -> Above:
        above = self.levels[at + 1]
        W = np.ascontiguousarray(above.Wt.T)

        def product(rows: slice) -> Array:
            out = np.empty((rows.stop - rows.start, W.shape[1]), W.dtype)
            _core.multiply(above.Z[rows], W, out, above.n_threads)
            return out

        return product

    def _retarget(self, at: int) -> None:
        """Hand the codes of one level to the one above as its target."""
        codes = self.levels[at - 1].Z
        self.levels[at].aim_at(Target.empty(codes.shape, codes.dtype))  # the old one goes first
        self.levels[at].aim_at(passing_target(codes, negligible(codes.dtype), self.sample_weight))
