"""The encoders of NNAE for labels with features: level 1 is shared, levels above see its codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._cofactors import SharedFactors, joint_loss, shared_codes, stack, stacking_scale
from nnae._encoders import Linear
from nnae._factors import negligible
from nnae._initialise import initial_factors
from nnae._levels import Schedule, fit_levels, loss_above
from nnae._linear_codes import times
from nnae._linear_encoder import Counts, ImplicitCounts, LinearLevel
from nnae._normal_form import normalise
from nnae._problem import Fitted, Problem
from nnae._rows import codes_of_rows
from nnae._solvers import SOLVERS, OnSimplex, Solver, run_sweeps
from nnae._target import above_floor

Array = npt.NDArray[Any]


@dataclass
class SharedFit:
    """What a feature-aware fit hands back: U (k_1 x d), and V_X (d x k_1) of the linear encoder."""

    fitted: Fitted
    feature_weights: Array
    feature_encoder: Array | None = None


class SharedEncoder(Protocol):
    """How shared codes are found."""

    def fit(self, problem: Problem, X: Any, feature_weight: float) -> SharedFit:
        """Fit level 1 on labels and features, the levels above on its codes."""

    def encode(self, Y: Any, X: Any, model: Any, level: int, n_threads: int) -> Array:
        """Return the codes of rows of which labels, features or both are known."""


class SharedLeastSquares:
    """Codes of least joint loss, the weights fixed."""

    def fit(self, problem: Problem, X: Any, feature_weight: float) -> SharedFit:
        """Sweep over level 1 as over any other target; then fit the levels above."""
        schedule, loss = problem.schedule, problem.loss
        scale = stacking_scale(loss, feature_weight)
        stacked = stack(problem.Y, X, scale)
        Z, Wt = initial_factors(stacked, problem.sizes[0], schedule.init, problem.random_state)
        if problem.penalty:
            Z, Wt, _ = normalise(Z, Wt)
        factors = SharedFactors(
            problem.Y,
            X,
            scale,
            Z,
            Wt,
            loss,
            schedule.n_threads,
            problem.penalty,
            problem.sample_weight,
        )
        solver: Solver = (OnSimplex if problem.penalty else SOLVERS[schedule.solver])(factors)
        history = run_sweeps(
            solver.sweep,
            factors.objective,
            max_iter=schedule.pretrain_iter,
            tol=schedule.tol,
            callback=problem.callback,
            name="level 1",
        )
        W, U = split_weights(factors.Wt, problem.Y.shape[1], scale)
        Z = shared_codes(
            problem.Y, X, W, U, loss, feature_weight, schedule.n_threads, problem.penalty
        )
        order = np.argsort(-Z.sum(axis=0, dtype=np.float64), kind="stable")
        W, U = np.ascontiguousarray(W[order]), np.ascontiguousarray(U[order])
        Z = np.ascontiguousarray(Z[:, order])
        fitted = Fitted([W], [Z], history, [history.curve], errors=history.curve[-1:])
        if len(problem.sizes) > 1 and not history.interrupted:
            above = fit_levels(
                above_floor(Z, negligible(Z.dtype)),
                problem.sizes[1:],
                loss_above(loss),
                above_labels(schedule),
                problem.random_state,
                sample_weight=problem.sample_weight,
            )
            fitted.weights += above.weights
            fitted.codes += above.codes
            fitted.pretraining += above.pretraining
            fitted.errors += above.errors
            history.interrupted = above.history.interrupted
        return SharedFit(fitted, U)

    def encode(self, Y: Any, X: Any, model: Any, level: int, n_threads: int) -> Array:
        """Solve one convex problem a row and level."""
        codes = _solved(Y, X, model, n_threads)
        loss = loss_above(model.loss_name_)
        for W in model.weights_[1:level]:
            below = above_floor(codes, 0.0)
            codes = codes_of_rows(below, np.ascontiguousarray(W.T), loss, n_threads)
        return codes


class SharedLinear:
    """Codes are Z_1 = Y V_Y + X V_X, Z_2 = Z_1 V_2, ...

    Rows of which only labels or only features are known get the codes of least loss instead: half
    of the sum would be codes of another size.
    """

    def fit(self, problem: Problem, X: Any, feature_weight: float) -> SharedFit:
        """Fit level 1 on the co-occurrence of labels and features, the levels above on codes'."""
        schedule, n_labels = problem.schedule, problem.Y.shape[1]
        scale = stacking_scale(problem.loss, feature_weight)
        stacked = stack(problem.Y, X, scale)
        counts = count_columns(stacked, schedule.n_threads, problem.sample_weight)
        _, Bt = initial_factors(stacked, problem.sizes[0], schedule.init, problem.random_state)
        level = LinearLevel(counts, Bt)
        history = run_sweeps(
            level.sweep,
            level.objective,
            max_iter=schedule.pretrain_iter,
            tol=schedule.tol,
            callback=problem.callback,
            name="level 1",
        )
        V, B = level.normal_form()
        sums = _label_sums(B[:, :n_labels])
        mass = (counts.totals @ V) * sums
        order = np.argsort(-mass, kind="stable")
        V = np.ascontiguousarray((V * sums.astype(V.dtype))[:, order])
        B = np.ascontiguousarray((B / sums.astype(B.dtype)[:, None])[order])
        W = np.ascontiguousarray(B[:, :n_labels])
        U = np.ascontiguousarray(B[:, n_labels:] / B.dtype.type(scale))
        V_Y = np.ascontiguousarray(V[:n_labels])
        V_X = np.ascontiguousarray(V[n_labels:] * V.dtype.type(scale))
        Z = sum_of_products(problem.Y, V_Y, X, V_X, schedule.n_threads)
        errors = history.curve[-1:]
        fitted = Fitted([W], [Z], history, [history.curve], [V_Y], errors=errors)
        if len(problem.sizes) > 1 and not history.interrupted:
            rest = replace(problem, sizes=problem.sizes[1:], callback=None)
            above = Linear().fit_counts(counts.through(V), rest)
            fitted.weights += above.weights
            fitted.pretraining += above.pretraining
            fitted.errors += above.errors
            assert fitted.encoder_weights is not None
            for upper in above.encoder_weights or []:
                fitted.encoder_weights.append(upper)
                Z = times(Z, upper, schedule.n_threads)
                fitted.codes.append(Z)
            history.interrupted = above.history.interrupted
        return SharedFit(fitted, U, V_X)

    def encode(self, Y: Any, X: Any, model: Any, level: int, n_threads: int) -> Array:
        """Multiply through the encoders."""
        if Y is None or X is None:
            codes = _solved(Y, X, model, n_threads)
        else:
            V_Y, V_X = model.encoder_weights_[0], model.feature_encoder_
            codes = sum_of_products(Y, V_Y, X, V_X, n_threads)
        for V in model.encoder_weights_[1:level]:
            codes = times(codes, V, n_threads)
        return codes


def above_labels(schedule: Schedule) -> Schedule:
    """Return a schedule for levels whose target is codes, which clusters of labels do not start."""
    return replace(schedule, init="nndsvda") if schedule.init == "auto" else schedule


def count_columns(A: sp.csr_matrix, n_threads: int, weights: Array | None) -> Counts:
    """Return A'A, counted where that is surely the cheaper way to apply it."""
    per_row = np.diff(A.indptr).astype(np.float64)
    most = min(float(A.shape[1]) ** 2, float((per_row**2).sum()))
    counts: Counts
    if most <= 2 * A.nnz:
        counts = Counts.of_labels(A, n_threads, weights)
    else:
        counts = ImplicitCounts(A, n_threads, weights)
    entries = A.data.astype(np.float64)
    if weights is not None:
        entries = entries * np.repeat(weights, np.diff(A.indptr))
    counts.totals = np.bincount(A.indices, entries, minlength=A.shape[1])
    return counts


def split_weights(Wt: Array, n_labels: int, scale: float) -> tuple[Array, Array]:
    """Return W (k x L), its rows at sum one, and U (k x d) at the same scale.

    Entries that are negligible beside the largest of their concept become zero. A concept that has
    features alone keeps a row of zeros in W, and its features sum to one.
    """
    Wt = np.where(Wt > negligible(Wt.dtype) * Wt.max(axis=0, initial=0), Wt, Wt.dtype.type(0))
    B = np.ascontiguousarray(Wt.T)
    sums = _label_sums(B[:, :n_labels], B[:, n_labels:])
    B = B / sums[:, None].astype(B.dtype)
    return np.ascontiguousarray(B[:, :n_labels]), B[:, n_labels:] / B.dtype.type(scale)


def _label_sums(labels: Array, features: Array | None = None) -> Array:
    sums = labels.sum(axis=1, dtype=np.float64)
    if features is not None:
        sums = np.where(sums > 0, sums, features.sum(axis=1, dtype=np.float64))
    return np.where(sums > 0, sums, 1.0)


def _solved(Y: Any, X: Any, model: Any, n_threads: int) -> Array:
    """Return level-1 codes of least loss of the labels, of the features, or of both."""
    W, U, loss = model.weights_[0], model.feature_weights_, model.loss_name_
    if X is None:
        penalty = model.code_penalty_
        return codes_of_rows(Y, np.ascontiguousarray(W.T), loss, n_threads, penalty)
    if Y is None:
        Ut = np.ascontiguousarray(U.T)
        return codes_of_rows(X, Ut, joint_loss(loss), n_threads)
    weight = model.feature_weight_
    return shared_codes(Y, X, W, U, loss, weight, n_threads, model.code_penalty_)


def sum_of_products(Y: Any, V_Y: Array, X: Any, V_X: Array, n_threads: int) -> Array:
    """Return Y V_Y + X V_X."""
    return np.asarray(times(Y, V_Y, n_threads) + times(X, V_X, n_threads))


SHARED_ENCODERS: dict[str, SharedEncoder] = {
    "nnls": SharedLeastSquares(),
    "linear": SharedLinear(),
}
