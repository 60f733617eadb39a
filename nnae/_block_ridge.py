r"""A ridge of more features than whose products can be held, over rows in blocks.

:math:`(X'X + \alpha I) B = X'T` of centred features, by conjugate gradients for all targets at
once: each step is one pass over the rows, which gives X'(X P), and nothing held is larger than B
(d x m). The diagonal of X'X preconditions; the solution for some rows, found in memory, starts it.
The penalty is that of least generalised cross-validation from Lanczos steps, a pass each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning

from nnae._block_sums import RowSums, column_sums, sum_of, transposed_product
from nnae._checkpoint import next_stage
from nnae._gram_ridge import LinearMap
from nnae._linear_codes import times
from nnae._moment_ridge import MomentRidge
from nnae._normal_equations import inverse, norms
from nnae._ridge_solvers import Lanczos
from nnae.io._row_blocks import Block

Double = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

#: A solution is done when what is left of every target's right side is this share of it.
TOLERANCE = 1e-5
MOST_PASSES = 500
#: Lanczos steps, a pass each, between two looks at the penalty.
STEPS = 4
#: Rows that the solution starts from.
SAMPLED = 20_000


@dataclass
class ProductSum:
    """Sum over rows of X'(X P) (d x m)."""

    product: Double

    def plus(self, other: ProductSum) -> ProductSum:
        """Return the sum over both sets of rows; the array is changed in place."""
        self.product += other.product
        return self


@dataclass(frozen=True)
class MeasureProduct:
    """Multiplies the features of a block with P and back."""

    P: Double
    n_threads: int
    result = ProductSum

    def __call__(self, block: Any) -> ProductSum:
        """Return the product of one block."""
        return ProductSum(normal_product(block.X, self.P, self.n_threads))


def normal_product(X: Any, P: Double, n_threads: int) -> Double:
    """Return X'(X P) in double precision."""
    T = times(X.astype(np.float64), np.ascontiguousarray(P), n_threads)
    return transposed_product(X, T, n_threads)


class BlockRidge(MomentRidge):
    """Features of rows in blocks, by passes over them.

    Parameters
    ----------
    blocks : RowBlocks
    sums : RowSums
        With ``squares``, the diagonal of X'X.
    n_threads : int
    """

    steps = STEPS

    def __init__(self, blocks: Any, sums: RowSums, n_threads: int) -> None:
        assert sums.sums is not None and sums.squares is not None
        self.n_rows, self.n_threads = sums.n_rows, n_threads
        self.mean = sums.sums / sums.n_rows
        self.diagonal = np.maximum(sums.squares - self.n_rows * self.mean**2, 0.0)
        self.width, self.trace = len(self.mean), float(self.diagonal.sum())
        self.start: Callable[[float], Double] | None = None
        self._blocks = blocks

    def product(self, P: Double) -> Double:
        """Return X'X P of centred features, in one pass."""
        found: ProductSum = sum_of(self._blocks, MeasureProduct(P, self.n_threads))
        return centred(found.product, P, self.mean, self.n_rows)

    def start_from(self, some: Block, targets: Callable[[Block], Array]) -> None:
        """Start from the solution for some of the rows, whose targets (n x m) are found."""
        every = -(-some.Y.shape[0] // SAMPLED)
        few = Block(some.X[::every], some.Y[::every])
        X, T = few.X, targets(few).astype(np.float64)
        n_threads, n = self.n_threads, X.shape[0]
        mean = column_sums(X, n_threads) / n
        right = transposed_product(X, T, n_threads)
        right -= np.outer(mean, T.sum(axis=0))

        def product(P: Double) -> Double:
            return centred(normal_product(X, P, n_threads), P, mean, n)

        def start(alpha: float) -> Double:
            share = n / self.n_rows
            search = Conjugate(right, share * (self.diagonal + alpha))
            return search.run(product, share * alpha)

        self.start = start

    def _krylov(self, starts: Double) -> Lanczos:
        return Lanczos(_Passes(self.product), starts)  # type: ignore[arg-type]

    def _curve(
        self, right: Double, energy: Double, alphas: Double, random: Any
    ) -> tuple[Double, Double]:
        stage = next_stage("choosing the penalty")
        if stage.finished:
            return stage.saved["residual"], stage.saved["freedom"]
        residual, freedom = self._by_lanczos(right, energy, alphas, random)
        stage.finish({"residual": residual, "freedom": freedom})
        return residual, freedom

    def solve(self, right: Double, sums: Double, alpha: float, dtype: Any) -> LinearMap:
        """Return weights and intercepts."""
        stage = next_stage("solving for codes")
        search = Conjugate(right, self.diagonal + alpha)
        if stage.saved:
            search.put(stage.saved)
        elif self.start is not None:
            search.solution = self.start(alpha)
        if not stage.finished:
            search.run(self.product, alpha, lambda: stage.offer(search.state))
            stage.finish(search.state())
        B = search.solution
        intercept = sums / self.n_rows - self.mean @ B
        return LinearMap(np.ascontiguousarray(B, dtype), intercept.astype(dtype))


class Conjugate:
    """Conjugate gradients for several right sides (d x m) at once.

    Parameters
    ----------
    right : ndarray of float64 (d x m)
    diagonal : ndarray of float64 (d)
        Of the matrix, which preconditions; 0 where it has nothing.
    """

    def __init__(self, right: Double, diagonal: Double) -> None:
        self.right = right
        self.scale = inverse(diagonal, diagonal)[:, None]
        self.solution = np.zeros_like(right)
        self.residual = right.copy()
        self.direction: Double | None = None
        self.energy = np.zeros(right.shape[1])
        self.n_passes = 0

    def state(self) -> dict[str, Any]:
        """Return what changes from step to step."""
        return {name: getattr(self, name) for name in _STATE}

    def put(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        for name in _STATE:
            setattr(self, name, state[name])

    def run(
        self,
        product: Callable[[Double], Double],
        alpha: float,
        after: Callable[[], object] = lambda: None,
    ) -> Double:
        """Descend until every column is solved; ``product`` multiplies with the matrix but alpha.

        A column that is solved stays as it is.
        """
        goal = TOLERANCE * norms(self.right, 1)
        if self.direction is None:
            if self.solution.any():
                self.residual = self.right - product(self.solution) - alpha * self.solution
                self.n_passes += 1
            self.direction = self.scale * self.residual
            self.energy = np.einsum("ij,ij->j", self.residual, self.direction)
        while self.n_passes < MOST_PASSES:
            open_ = norms(self.residual, 1) > goal
            if not open_.any():
                break
            P = np.ascontiguousarray(self.direction[:, open_])
            ahead = product(P) + alpha * P
            curvature = np.einsum("ij,ij->j", P, ahead)
            length = self.energy[open_] * inverse(curvature, curvature)
            self.solution[:, open_] += length * P
            residual = self.residual[:, open_] - length * ahead
            self.residual[:, open_] = residual
            preconditioned = self.scale * residual
            energy = np.einsum("ij,ij->j", residual, preconditioned)
            before = self.energy[open_]
            self.direction[:, open_] = preconditioned + energy * inverse(before, before) * P
            self.energy[open_] = energy
            self.n_passes += 1
            after()
        else:
            warnings.warn(
                f"the ridge was not solved in {MOST_PASSES} passes over the rows; raise alpha",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self.solution


_STATE = ("solution", "residual", "direction", "energy", "n_passes")


class _Passes:
    """Stands for features where only products with their Gram matrix are wanted."""

    sparse = False

    def __init__(self, product: Callable[[Double], Double]) -> None:
        self._product = product
        self.n_threads = 1

    def times(self, P: Double) -> Double:
        return P

    def transposed_times(self, P: Double) -> Double:
        return self._product(P)


def centred(product: Double, P: Double, mean: Double, n: int) -> Double:
    """Return X'X P of centred features from that of features as they are."""
    return product - np.outer(n * mean, mean @ P)
