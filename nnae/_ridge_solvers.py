r"""How a ridge is solved once features are centred: two ways, chosen by their cost.

Both minimise :math:`\|T - A B\|^2 + \alpha \|B\|^2` over B (d x m) and choose :math:`\alpha` by

.. math:: GCV(\alpha) = n \, \|T - A B_\alpha\|^2 / (n - 1 - tr H_\alpha)^2,
          \quad H_\alpha = A (A'A + \alpha)^{-1} A'

without refitting; one degree of freedom goes to the intercept. A penalty that leaves no degree of
freedom is never chosen, unless all do: then the largest is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from nnae import _core
from nnae._features import Array, Features
from nnae._normal_equations import inverse, normal_times, norms, solve
from nnae._threads import one_blas_thread

Double = npt.NDArray[np.float64]

#: Random combinations of outputs from which the residual's norm is estimated, if there are more.
COMBINATIONS = 32
#: Combinations and probes where the penalty alone is wanted, and features that are decomposed.
FEW = 12
SMALL = 512


@dataclass
class Question:
    """One ridge: features, centred targets (n x m), candidate penalties (ascending) and options."""

    features: Features
    T: Array
    alphas: Double
    per_output: bool
    tol: float
    max_iter: int
    n_probes: int
    random: np.random.RandomState


@dataclass
class Answer:
    """Weights (d x m), the penalty of each output (m), the curve (penalties x 1 or m), sweeps."""

    B: Array
    alpha: Double
    curve: Double
    n_iter: int
    converged: bool = True


def choose_penalty(
    alphas: Double, residual: Double, freedom: Double, n: int
) -> tuple[Double, Array]:
    """Return the curve of GCV and the position of its minimum in each column.

    ``residual`` is penalties x outputs, ``freedom`` the trace of H for each penalty.
    """
    left = n - 1 - freedom[:, None]
    usable = left > 1e-8 * n
    curve = np.where(usable, n * residual / np.where(usable, left, 1.0) ** 2, np.inf)
    best = np.argmin(curve, axis=0)
    best[~np.isfinite(curve).any(axis=0)] = len(alphas) - 1
    return curve, best


class Solver(ABC):
    """One way to answer a question."""

    @abstractmethod
    def cost(self, question: Question) -> float:
        """Return roughly how many operations the answer takes."""

    @abstractmethod
    def solve(self, question: Question) -> Answer:
        """Return the weights at the penalty with the least GCV."""


class EigenSolver(Solver):
    """Eigendecomposition of A'A or AA', whichever is smaller: exact GCV for every penalty."""

    def cost(self, question: Question) -> float:
        """Count the Gram matrix, LAPACK's decomposition on one thread and the products."""
        n, d = question.features.shape
        small = min(n, d)
        density = question.features.nnz / max(1, n * d)
        gram = n * d * small * min(1.0, 4 * density)
        return float(gram + 18 * small**3 + 4 * small**2 * question.T.shape[1])

    def solve(self, question: Question) -> Answer:
        """Decompose once; each penalty then costs one pass over the rotated targets."""
        features, alphas = question.features, question.alphas
        n, d = features.shape
        primal = d <= n
        T = question.T.astype(np.float64)
        gram = features.gram() if primal else features.outer_gram()
        with one_blas_thread():
            values, vectors = scipy.linalg.eigh(gram, overwrite_a=True, check_finite=False)
        values = np.where(values > 1e-12 * max(values[-1], 0.0), values, 0.0)
        right = features.transposed_times(question.T).astype(np.float64) if primal else T
        rotated = np.empty((len(values), T.shape[1]))
        _core.multiply_transposed(
            np.ascontiguousarray(vectors), np.ascontiguousarray(right), rotated, features.n_threads
        )
        energy = np.square(rotated)
        if primal:  # to the axes of AA', on which targets are measured
            energy = np.divide(
                energy, values[:, None], out=np.zeros_like(energy), where=values[:, None] > 0
            )
        outside = np.maximum(np.square(T).sum(0) - energy.sum(0), 0.0)
        shrink = values / (values + alphas[:, None])
        residual = np.stack([outside + (1 - s) ** 2 @ energy for s in shrink])
        if not question.per_output:
            residual = residual.sum(1, keepdims=True)
        curve, best = choose_penalty(alphas, residual, shrink.sum(1), n)
        alpha = np.broadcast_to(alphas[best], (T.shape[1],)).astype(np.float64)
        scaled = rotated / (values[:, None] + alpha)
        B = np.empty((len(values), T.shape[1]))
        _core.multiply(np.ascontiguousarray(vectors), scaled, B, features.n_threads)
        weights = B if primal else features.transposed_times(B.astype(features.dtype))
        return Answer(weights.astype(features.dtype), alpha, curve, 1)


class KrylovSolver(Solver):
    """Matrix-free: Lanczos for the penalty, then conjugate gradients at it.

    One Krylov space, from A'T, serves every penalty: Gauss quadrature on its tridiagonal matrix
    gives b'(A'A + α)^-1 b and b'(A'A + α)^-2 b, hence the residual; the same with A'u for random
    signs u gives u'Hu, whose mean is tr H (Hutchinson 1990; Golub and von Matt 1997). With many
    outputs the residual is measured on random combinations of them. All columns advance together.
    """

    def cost(self, question: Question) -> float:
        """Count fifty sweeps over the features; a sparse product runs at a fraction of the peak."""
        outputs = question.T.shape[1] + COMBINATIONS + question.n_probes
        d = question.features.shape[1]
        return float(50 * (16 * question.features.nnz + 24 * d) * outputs)

    def solve(self, question: Question) -> Answer:
        """Choose the penalty, then solve for all outputs at it."""
        n_iter, outputs = 0, question.T.shape[1]
        if len(question.alphas) > 1:
            curve, best, n_iter = self.curve(question)
        else:
            curve, best = np.full((1, 1), np.nan), np.zeros(1, dtype=np.int64)
        alpha = np.broadcast_to(question.alphas[best], (outputs,)).astype(np.float64)
        B, steps, converged = solve(
            question.features,
            question.features.transposed_times(question.T),
            alpha,
            question.tol,
            question.max_iter,
        )
        return Answer(B, alpha, curve, n_iter + steps, converged)

    def curve(self, question: Question) -> tuple[Double, Array, int]:
        """Return the curve of GCV, the position of its minimum and the steps taken."""
        features, random, T = question.features, question.random, question.T
        n, outputs = T.shape
        if outputs > COMBINATIONS and not question.per_output:
            mix = random.standard_normal((outputs, COMBINATIONS)) / np.sqrt(COMBINATIONS)
            mixed = np.empty((n, COMBINATIONS), T.dtype)
            _core.multiply(T, mix.astype(T.dtype), mixed, features.n_threads)
            T = mixed
        signs = random.randint(0, 2, (n, question.n_probes)) * 2.0 - 1.0
        signs -= features.roots[:, None] * (features.roots @ signs / (features.roots**2).sum())
        starts = features.transposed_times(np.hstack([T, signs.astype(T.dtype)]))
        energy = np.square(T, dtype=np.float64).sum(0)
        lanczos = Lanczos(features, starts)
        before: Double | None = None
        while True:
            lanczos.advance(max(10, len(lanczos.diagonal) // 2))
            once, twice = lanczos.quadrature(question.alphas)
            freedom = once[:, T.shape[1] :].mean(1)
            captured = (once + question.alphas[:, None] * twice)[:, : T.shape[1]]
            residual = np.maximum(energy - captured, 1e-12 * energy)
            if not question.per_output:
                residual = residual.sum(1, keepdims=True)
            curve, best = choose_penalty(question.alphas, residual, freedom, n)
            steps = len(lanczos.diagonal)
            done = before is not None and _settled(before, curve, best)
            if done or steps >= min(question.max_iter, 10 + min(features.shape)):
                return curve, best, steps
            before = curve


def _settled(before: Double, now: Double, best: Array) -> bool:
    """Tell whether the curve stands still around its minimum: one step left and right of it."""
    columns = np.arange(now.shape[1])
    for step in (-1, 0, 1):
        rows = np.clip(best + step, 0, len(now) - 1)
        old, new = before[rows, columns], now[rows, columns]
        both = np.isfinite(new) & np.isfinite(old)
        if (np.isfinite(new) != np.isfinite(old)).any():
            return False
        if (np.abs(old[both] - new[both]) > 1e-3 * np.abs(new[both])).any():
            return False
    return True


class Lanczos:
    """Tridiagonal matrices of A'A in the Krylov spaces of several starts, a column each."""

    def __init__(self, features: Features, starts: Array) -> None:
        self.features = features
        self.norms = norms(starts, features.n_threads)
        self.diagonal: list[Double] = []
        self.beside: list[Double] = []
        self._last = np.zeros_like(starts)
        self._now = starts * inverse(self.norms, self.norms).astype(starts.dtype)
        self._beta = np.zeros_like(self.norms)

    def advance(self, steps: int) -> None:
        """Lengthen every Krylov space by some steps; exhausted columns stay as they are."""
        features = self.features
        for _ in range(steps):
            ahead = normal_times(features, self._now)
            diagonal = _core.column_sums(ahead * self._now, None, features.n_threads)
            ahead -= self._now * diagonal.astype(ahead.dtype)
            ahead -= self._last * self._beta.astype(ahead.dtype)
            beta = norms(ahead, features.n_threads)
            scale = np.maximum.reduce([*(np.abs(d) for d in self.diagonal), np.abs(diagonal)])
            beta[beta <= 8 * np.finfo(ahead.dtype).eps * scale] = 0.0
            self.diagonal.append(diagonal)
            self.beside.append(beta)
            self._last, self._now = self._now, ahead * inverse(beta, beta).astype(ahead.dtype)
            self._beta = beta

    def quadrature(self, alphas: Double) -> tuple[Double, Double]:
        """Return b'(A'A + α)^-1 b and b'(A'A + α)^-2 b, each penalties x starts."""
        k = len(self.diagonal)
        T = np.zeros((len(self.norms), k, k))
        at = np.arange(k)
        T[:, at, at] = np.stack(self.diagonal, axis=1)
        beside = np.stack(self.beside, axis=1)[:, : k - 1]
        T[:, at[1:], at[:-1]] = T[:, at[:-1], at[1:]] = beside
        with one_blas_thread():
            values, vectors = np.linalg.eigh(T)
        mass = np.square(vectors[:, 0, :]) * np.square(self.norms)[:, None]
        shifted = np.maximum(values, 0.0) + alphas[:, None, None]
        return (mass / shifted).sum(-1), (mass / shifted**2).sum(-1)


#: Ways to solve a ridge, by the name that ``MultiOutputRidge(solver=...)`` takes.
SOLVERS: dict[str, Solver] = {"eigen": EigenSolver(), "cg": KrylovSolver()}


def usual_penalties(features: Features) -> Double:
    """Return candidates for the penalty: 1e-5 to 1e4 times the mean eigenvalue of A'A."""
    scale = features.energy / min(features.shape)
    return np.logspace(-5, 4, 28) * (scale if scale > 0 else 1.0)


def least_gcv(
    X: Any, T: Array, weights: Array | None, seed: int, n_threads: int
) -> tuple[float, Double, Array]:
    """Return the penalty of least GCV, the candidates and the curve, and solve nothing.

    Measured on a few random combinations of the targets: a fraction of the cost of a solution.
    """
    features = Features(X, weights, n_threads)
    random = np.random.RandomState(seed)
    total = features.roots**2
    if T.shape[1] > FEW:
        mix = random.standard_normal((T.shape[1], FEW)) / np.sqrt(FEW)
        T, wide = np.empty((len(T), FEW), T.dtype), np.ascontiguousarray(T)
        _core.multiply(wide, mix.astype(T.dtype), T, n_threads)
    mean = _core.column_sums(np.ascontiguousarray(T), total, n_threads) / total.sum()
    question = Question(
        features=features,
        T=np.ascontiguousarray((T - mean) * features.roots[:, None], X.dtype),
        alphas=usual_penalties(features),
        per_output=False,
        tol=1e-5,
        max_iter=500,
        n_probes=FEW,
        random=random,
    )
    if min(features.shape) <= SMALL:
        answer = SOLVERS["eigen"].solve(question)
        return float(answer.alpha[0]), question.alphas, answer.curve[:, 0]
    curve, best, _ = KrylovSolver().curve(question)
    return float(question.alphas[best[0]]), question.alphas, curve[:, 0]
