r"""A ridge from sums over rows: :math:`(G + \alpha I) B = X'T` with G = X'X of centred features.

Nothing here is as long as the rows. The penalty is that of least generalised cross-validation,
from G's eigenvalues where it is small; else from Lanczos steps on G, the trace of
:math:`H = (G + \alpha I)^{-1} G` being d less :math:`\alpha` times that of the inverse, which
random signs estimate (Hutchinson 1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from nnae import _core
from nnae._gram_ridge import CHUNK, LinearMap, positive_solve
from nnae._ridge_solvers import FEW, SMALL, Lanczos, choose_penalty
from nnae._threads import one_blas_thread

Double = npt.NDArray[np.float64]

#: Lanczos steps, at most, and how often the curve is looked at.
MOST_STEPS = 200
STEPS = 10


@dataclass
class Penalty:
    """The penalty of least generalised cross-validation, the candidates and their curve."""

    alpha: float
    alphas: Double
    curve: Double


class MomentRidge:
    """Features of n rows, by their products and sums alone.

    Parameters
    ----------
    gram : ndarray of float64 (d x d)
        X'X, which is left as it is.
    sums : ndarray of float64 (d)
        Of the columns of X.
    n_rows, n_threads : int
    """

    steps = STEPS

    def __init__(self, gram: Double, sums: Double, n_rows: int, n_threads: int) -> None:
        self.n_rows, self.n_threads, self.width = n_rows, n_threads, len(gram)
        self.mean = sums / n_rows
        self.gram = np.empty_like(gram)
        for start in range(0, len(gram), CHUNK):
            rows = slice(start, start + CHUNK)
            self.gram[rows] = gram[rows] - np.outer(n_rows * self.mean[rows], self.mean)
        self.trace = float(np.trace(self.gram))

    def right(self, cross: Double, sums: Double) -> Double:
        """Return X'T of centred features, from X'T (d x m) and the sums of T (m)."""
        return cross - np.outer(self.mean, sums)

    def penalty(self, right: Double, sums: Double, squares: Double, seed: int) -> Penalty:
        """Choose the penalty for targets with the given sums (m) and products T'T (m x m)."""
        centred = squares - np.outer(sums, sums) / self.n_rows
        random = np.random.RandomState(seed)
        if right.shape[1] > FEW:
            mix = random.standard_normal((right.shape[1], FEW)) / np.sqrt(FEW)
            right, centred = self._times(right, mix), self._times(mix.T, self._times(centred, mix))
        energy = np.maximum(np.diagonal(centred), 0.0)
        scale = max(self.trace, 0.0) / min(self.n_rows, self.width)
        alphas = np.logspace(-5, 4, 28) * (scale if scale > 0 else 1.0)
        residual, freedom = self._curve(right, energy, alphas, random)
        curve, best = choose_penalty(alphas, residual.sum(1, keepdims=True), freedom, self.n_rows)
        return Penalty(float(alphas[best[0]]), alphas, curve[:, 0])

    def _curve(
        self, right: Double, energy: Double, alphas: Double, random: Any
    ) -> tuple[Double, Double]:
        found = self._exactly if self.width <= SMALL else self._by_lanczos
        return found(right, energy, alphas, random)

    def _times(self, A: Double, B: Double) -> Double:
        out = np.empty((A.shape[0], B.shape[1]))
        A, B = np.ascontiguousarray(A), np.ascontiguousarray(B)
        _core.multiply(A, B, out, self.n_threads)
        return out

    def _exactly(
        self, right: Double, energy: Double, alphas: Double, random: Any
    ) -> tuple[Double, Double]:
        with one_blas_thread():
            values, vectors = scipy.linalg.eigh(self.gram, check_finite=False)
        values = np.where(values > 1e-12 * max(values[-1], 0.0), values, 0.0)
        rotated = np.square(self._times(vectors.T, right))
        along = np.divide(
            rotated, values[:, None], out=np.zeros_like(rotated), where=values[:, None] > 0
        )
        outside = np.maximum(energy - along.sum(0), 0.0)
        shrink = values / (values + alphas[:, None])
        return np.stack([outside + (1 - s) ** 2 @ along for s in shrink]), shrink.sum(1)

    def _by_lanczos(
        self, right: Double, energy: Double, alphas: Double, random: Any
    ) -> tuple[Double, Double]:
        d, outputs = self.width, right.shape[1]
        signs = random.randint(0, 2, (d, FEW)) * 2.0 - 1.0
        lanczos = self._krylov(np.hstack([right, signs]))
        before: Double | None = None
        while True:
            lanczos.advance(self.steps)
            once, twice = lanczos.quadrature(alphas)
            freedom = np.maximum(d - alphas * once[:, outputs:].mean(1), 0.0)
            captured = (once + alphas[:, None] * twice)[:, :outputs]
            residual = np.maximum(energy - captured, 1e-12 * energy)
            left = np.maximum(self.n_rows - 1 - freedom, 1e-8 * self.n_rows)
            score = residual.sum(1) / left**2
            best = int(np.argmin(score))
            near = slice(max(0, best - 1), best + 2)
            settled = before is not None and np.allclose(before[near], score[near], rtol=1e-3)
            if settled or len(lanczos.diagonal) >= min(MOST_STEPS, d):
                return residual, freedom
            before = score

    def _krylov(self, starts: Double) -> Lanczos:
        return Lanczos(_GramProduct(self.gram, self.n_threads), starts)  # type: ignore[arg-type]

    def solve(self, right: Double, sums: Double, alpha: float, dtype: Any) -> LinearMap:
        """Return weights and intercepts; the products are used up."""
        gram = self.gram
        del self.gram
        gram[np.diag_indices(len(gram))] += alpha
        B = positive_solve(gram, np.ascontiguousarray(right), self.n_threads)
        intercept = sums / self.n_rows - self.mean @ B
        return LinearMap(np.ascontiguousarray(B, dtype), intercept.astype(dtype))


class _GramProduct:
    """Stands for features where only products with their Gram matrix are wanted."""

    sparse = False

    def __init__(self, gram: Double, n_threads: int) -> None:
        self.gram, self.n_threads = gram, n_threads

    def times(self, P: Double) -> Double:
        return P

    def transposed_times(self, P: Double) -> Double:
        out = np.empty_like(P)
        _core.multiply(self.gram, np.ascontiguousarray(P), out, self.n_threads)
        return out
