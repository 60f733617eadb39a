"""The relu encoder of NNAE: levels of a network, trained one by one and, as a chain, together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._cells import Cells
from nnae._initialise import initial_factors
from nnae._levels import loss_above
from nnae._problem import Fitted, Problem
from nnae._relu_network import (
    ReluLevel,
    ReluSweeps,
    normalise_level,
    relu_codes,
    rescale_below,
    start_level,
)
from nnae._solvers import History, run_sweeps
from nnae._target import above_floor
from nnae._threads import one_blas_thread

Array = npt.NDArray[Any]


class Relu:
    """Codes are Z_l = max(0, Z_{l-1} V_l + b_l), learnt by gradients like a neural network's."""

    linear = False
    options = frozenset({"chain"})

    def fit(self, problem: Problem) -> Fitted:
        """Train level by level, each on the codes below it; a chain is then trained end to end."""
        schedule = problem.schedule
        fitted = Fitted([], [], History(), [], [])
        levels: list[ReluLevel] = []
        below, loss = problem.Y, problem.loss
        for number, k in enumerate(problem.sizes, start=1):
            _, Wt = initial_factors(below, k, schedule.init, problem.random_state)
            own = [start_level(Wt)]
            penalty = problem.penalty if number == 1 else 0.0
            history = self._train(problem, below, own, loss, schedule.pretrain_iter, penalty)
            if number == 1:
                fitted.history = history
            levels.append(normalise_level(own[0], below)[0])
            fitted.pretraining.append(history.curve)
            fitted.errors.append(history.curve[-1])
            if history.interrupted:
                fitted.history.interrupted = True
                break
            with one_blas_thread():
                below = above_floor(levels[-1].encode(below), 0.0)
            loss = loss_above(loss)
        if problem.objective == "chain" and len(levels) > 1 and not fitted.history.interrupted:
            iterations = schedule.max_iter
            fitted.history = self._train(problem, problem.Y, levels, problem.loss, iterations, 0.0)
            fitted.errors = [fitted.history.curve[-1]]
            levels = normalise_levels(levels, problem.Y)
        fitted.weights = [level.W for level in levels]
        fitted.encoder_weights = [level.V for level in levels]
        fitted.encoder_biases = [level.b for level in levels]
        fitted.codes = relu_codes(problem.Y, fitted.encoder_weights, fitted.encoder_biases)
        return fitted

    def _train(
        self,
        problem: Problem,
        below: Any,
        levels: list[ReluLevel],
        loss: str,
        max_iter: int,
        penalty: float,
    ) -> History:
        schedule = problem.schedule
        sweeps = ReluSweeps(
            below,
            levels,
            loss,
            schedule.n_threads,
            problem.random_state,
            problem.sample_weight,
            penalty,
        )
        return run_sweeps(
            sweeps.sweep,
            sweeps.objective,
            max_iter=max_iter,
            tol=schedule.tol,
            callback=problem.callback if below is problem.Y else None,
            name="the relu encoder",
        )

    def encode(
        self, Y: Any, fitted: Any, level: int, n_threads: int, cells: Cells | None = None
    ) -> Array:
        """Pass rows through the layers."""
        V, b = fitted.encoder_weights_[:level], fitted.encoder_biases_[:level]
        return relu_codes(Y, V, b)[-1]


def normalise_levels(levels: list[ReluLevel], Y: Any) -> list[ReluLevel]:
    """Return all levels in normal form, scales pushed upwards from the labels."""
    found: list[ReluLevel] = []
    below, scale, order = Y, np.ones(Y.shape[1]), np.arange(Y.shape[1])
    for level in levels:
        normal, scale, order = normalise_level(rescale_below(level, scale, order), below)
        found.append(normal)
        below = normal.encode(below)
    return found
