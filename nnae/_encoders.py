"""The encoders of NNAE: how labels become codes, in training and afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._cells import Cells
from nnae._chain import ChainSweeps
from nnae._initialise import initial_factors
from nnae._levels import Fit, fit_levels, loss_above
from nnae._linear_codes import linear_codes, times
from nnae._linear_encoder import Counts, ImplicitCounts, LinearLevel, count_labels
from nnae._normal_form import normalise
from nnae._problem import Encoder, Fitted, Problem
from nnae._relu_encoder import Relu
from nnae._rows import codes_of_rows
from nnae._solvers import History, run_sweeps
from nnae._target import Target, above_floor
from nnae._tied_encoder import TiedLevel

Array = npt.NDArray[Any]


class NonNegativeLeastSquares:
    """Codes are those of least loss, the weights fixed: the decoder alone defines the model."""

    linear = False
    options = frozenset({"chain", "cells", "concepts", "codes", "starts", "features"})

    def fit(self, problem: Problem) -> Fitted:
        """Pretrain level by level, then sweep jointly (or as one chain)."""
        fit = fit_levels(
            problem.Y,
            problem.sizes,
            problem.loss,
            problem.schedule,
            problem.random_state,
            penalty=problem.penalty,
            l2=problem.l2,
            sample_weight=problem.sample_weight,
            cells=problem.cells,
            joint=problem.objective == "levels",
            callback=problem.callback,
        )
        if problem.objective == "chain" and len(problem.sizes) > 1:
            fit = self._chain(problem, fit)
        return Fitted(fit.weights, fit.codes, fit.history, fit.pretraining, errors=fit.errors)

    def _chain(self, problem: Problem, fit: Fit) -> Fit:
        chain = ChainSweeps(
            Target.of(problem.Y, problem.sample_weight),
            fit.codes[-1],
            fit.weights,
            problem.loss,
            problem.schedule.n_threads,
        )
        history = run_sweeps(
            chain.sweep,
            chain.objective,
            max_iter=problem.schedule.max_iter,
            tol=problem.schedule.tol,
            callback=problem.callback,
            name="the chain",
        )
        weights: list[Array] = []
        order, scale = np.arange(problem.Y.shape[1]), np.ones(problem.Y.shape[1])
        for W in chain.weights:  # push the sums of the rows upwards; the codes are solved again
            Wt = (W.T * scale[:, None].astype(W.dtype))[order]
            scale = Wt.sum(axis=0, dtype=np.float64)
            _, Wt, order = normalise(np.ones((1, Wt.shape[1]), W.dtype), Wt)
            weights.append(np.ascontiguousarray(Wt.T))
        codes = [
            chain_codes(problem.Y, weights, problem.loss, level, problem.schedule.n_threads)
            for level in range(1, len(weights) + 1)
        ]
        return Fit(weights, codes, history, fit.pretraining, [history.curve[-1]])

    def encode(
        self, Y: Any, fitted: Any, level: int, n_threads: int, cells: Cells | None = None
    ) -> Array:
        """Solve one convex problem a row and level (a chain: one a row)."""
        if fitted.objective == "chain":
            return chain_codes(Y, fitted.weights_, fitted.loss_name_, level, n_threads)
        loss, first = fitted.loss_name_, np.ascontiguousarray(fitted.weights_[0].T)
        l2 = getattr(fitted, "code_l2", 0.0)
        penalty = fitted.code_penalty_
        codes = codes_of_rows(Y, first, loss, n_threads, penalty, cells=cells, l2=l2)
        for W in fitted.weights_[1:level]:
            below, loss = above_floor(codes, 0.0), loss_above(loss)
            codes = codes_of_rows(below, np.ascontiguousarray(W.T), loss, n_threads)
        return codes


class Linear:
    """Codes are Z_1 = Y V_1, Z_2 = Z_1 V_2, ...: the rows are counted once and never seen again."""

    linear = True
    options = frozenset({"features"})
    make_level: type[LinearLevel] | type[TiedLevel] = LinearLevel

    def fit(self, problem: Problem) -> Fitted:
        """Count, then fit encoder and decoder of every level on the counts below it."""
        n_threads = problem.schedule.n_threads
        counts = count_labels(problem.Y, problem.cooccurrence, n_threads, problem.sample_weight)
        fitted = self.fit_counts(counts, problem)
        if isinstance(counts, ImplicitCounts):
            fitted.counts = None
        fitted.codes = linear_codes(problem.Y, fitted.encoder_weights or [], n_threads)
        return fitted

    def fit_counts(self, counts: Counts, problem: Problem) -> Fitted:
        """Fit all levels on co-occurrence counts."""
        schedule = problem.schedule
        fitted = Fitted([], [], History(), [], [], counts)
        for k in problem.sizes:
            matrix = above_floor(counts.matrix, 0.0) if counts.sides is None else counts.matrix
            _, Bt = initial_factors(
                matrix, k, schedule.init, problem.random_state, schedule.n_threads
            )
            level = self.make_level(counts, Bt)
            history = run_sweeps(
                level.sweep,
                level.objective,
                max_iter=schedule.pretrain_iter,
                tol=schedule.tol,
                callback=problem.callback if not fitted.weights else None,
                name=f"level {len(fitted.weights) + 1}",
            )
            V, B = level.normal_form()
            fitted.weights.append(B)
            assert fitted.encoder_weights is not None
            fitted.encoder_weights.append(V)
            fitted.pretraining.append(history.curve)
            fitted.errors.append(history.curve[-1])
            if not fitted.history.curve:
                fitted.history = history
            if history.interrupted:
                fitted.history.interrupted = True
                break
            counts = counts.through(V)
        return fitted

    def encode(
        self, Y: Any, fitted: Any, level: int, n_threads: int, cells: Cells | None = None
    ) -> Array:
        """Multiply through the encoders."""
        codes = Y
        for V in fitted.encoder_weights_[:level]:
            codes = times(codes, V, n_threads)
        return np.asarray(codes)


class Tied(Linear):
    """As `Linear`, the encoder being the decoder's transpose but for the scale of concepts."""

    options: frozenset[str] = frozenset()
    make_level = TiedLevel


def chain_codes(Y: Any, weights: list[Array], loss: str, level: int, n_threads: int) -> Array:
    """Return Z_D of least loss under Y = Z_D W_D ... W_1, multiplied down to one level."""
    top = weights[0]
    for W in weights[1:]:
        top = times(W, top, n_threads)
    codes = codes_of_rows(Y, np.ascontiguousarray(top.T), loss, n_threads)
    for W in reversed(weights[level:]):
        codes = times(codes, W, n_threads)
    return codes


ENCODERS: dict[str, Encoder] = {
    "nnls": NonNegativeLeastSquares(),
    "linear": Linear(),
    "tied": Tied(),
    "relu": Relu(),
}
