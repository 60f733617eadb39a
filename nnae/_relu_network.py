r"""The encoder of neural networks: :math:`Z_l = \max(0, Z_{l-1} V_l + b_l)`, trained by gradients.

Every level is an autoencoder of the codes below it, all weights non-negative by projection after
each step of Adam (what Keras calls a non-negativity constraint), biases free. Rows come in batches.
Nothing of size n x L is formed: gradients of all three losses need rates at the non-zeros only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core
from nnae._cell_factors import factors_of
from nnae._factors import negligible
from nnae._target import Side, Target
from nnae._threads import one_blas_thread

Array = npt.NDArray[Any]

#: Rows of a batch, and step of Adam as a share of a concept's largest weight.
BATCH, STEP = 128, 0.02
_DECAY, _DECAY_OF_SQUARES = 0.9, 0.999
#: How often a pass over the rows that raised the loss is tried again with half the step.
_TRIES = 6
#: Smallest code while training under a rate loss: a label without any rate would cost infinity.
_LEAST_CODE = 1e-4


@dataclass
class ReluLevel:
    """V (m x k), b (k) and W (k x m) of one level."""

    V: Array
    b: Array
    W: Array

    def encode(self, below: Any) -> Array:
        """Return max(0, below V + b)."""
        return np.asarray(np.maximum(below @ self.V + self.b, 0), self.V.dtype)


@dataclass
class Batch:
    """Some rows, and their transpose."""

    matrix: sp.csr_matrix
    weights: Array | None
    rows: Side = field(init=False)
    columns: Side = field(init=False)

    def __post_init__(self) -> None:
        target = Target.of(self.matrix, self.weights)
        self.rows, self.columns = target.rows, target.columns


class ReluSweeps:
    """Passes of Adam over the rows; a pass that raises the loss is undone and tried more gently.

    Parameters
    ----------
    Y : csr_matrix of shape (n, m)
    levels : list of ReluLevel
        Changed in place. Of one level: the loss is D(Y, Z W). Of several: that of the chain,
        D(Y, Z_D W_D ... W_1).
    loss : str
    penalty : float
        On the codes of the last level, for one level.
    random_state : RandomState
        Deals rows to batches and orders these.
    """

    def __init__(
        self,
        Y: sp.csr_matrix,
        levels: list[ReluLevel],
        loss: str,
        n_threads: int,
        random_state: np.random.RandomState,
        weights: Array | None = None,
        penalty: float = 0.0,
    ) -> None:
        self.Y, self.levels, self.loss, self.penalty = Y, levels, loss, penalty
        self.n_threads, self.weights = n_threads, weights
        self.seed = int(random_state.randint(2**31 - 1))
        order = random_state.permutation(Y.shape[0])
        parts = np.array_split(order, max(1, -(-len(order) // BATCH)))
        self.batches = [
            Batch(Y[part], None if weights is None else weights[part]) for part in parts
        ]
        self.least = 0.0 if loss == "frobenius" else _LEAST_CODE
        self.step = STEP
        self.target = Target.of(Y, weights)
        codes = self._codes(Y)[-1]
        top = np.maximum(codes.max(axis=0, initial=0), 1e-3)
        self.scales = [
            [
                np.maximum(level.V.max(axis=0, keepdims=True, initial=0), 1e-3),
                top if level is levels[-1] else np.ones(level.b.shape),
                np.maximum(level.W.max(axis=1, keepdims=True, initial=0), 1e-6),
            ]
            for level in levels
        ]
        self._forget()
        self.value = self._objective()

    def objective(self) -> float:
        """Return the loss of all rows."""
        return self.value

    def sweep(self, number: int) -> None:
        """Visit every batch once."""
        kept = [[part.copy() for part in self._parts(level)] for level in self.levels]
        with one_blas_thread():  # another number of BLAS threads would give other bits
            for attempt in range(_TRIES):
                draws = np.random.default_rng([self.seed, number, attempt])
                for at in draws.permutation(len(self.batches)):
                    self._visit(self.batches[at])
                value = self._objective()
                if value <= self.value:
                    self.value = value
                    return
                for level, parts in zip(self.levels, kept, strict=True):
                    level.V, level.b, level.W = (part.copy() for part in parts)
                self.step /= 2
                self._forget()

    def _parts(self, level: ReluLevel) -> list[Array]:
        return [level.V, level.b, level.W]

    def _forget(self) -> None:
        """Begin the moments of Adam anew."""
        self.time = 0
        self.means = [[np.zeros(x.shape) for x in self._parts(level)] for level in self.levels]
        self.squares = [[np.zeros(x.shape) for x in self._parts(level)] for level in self.levels]

    def _codes(self, rows: Any) -> list[Array]:
        found, below = [], rows
        for level in self.levels:
            below = np.maximum(level.encode(below), self.least)
            found.append(below.astype(level.V.dtype))
        return found

    def _top(self) -> list[Array]:
        """Return C_0 (None: the identity), C_1 = W_1, C_2 = W_2 W_1, ..."""
        found = [self.levels[0].W]
        for level in self.levels[1:]:
            found.append(np.ascontiguousarray(level.W @ found[-1]))
        return found

    def _objective(self) -> float:
        with one_blas_thread():
            Z, top = self._codes(self.Y)[-1], self._top()[-1]
        Wt = np.ascontiguousarray(top.T)
        penalty = self.penalty
        return factors_of(self.target, Z, Wt, self.loss, self.n_threads, penalty).objective()

    def _visit(self, batch: Batch) -> None:
        codes, tops = self._codes(batch.matrix), self._top()
        decoded = [codes[-1]]  # E_D = Z_D, E_{l-1} = E_l W_l: what the levels above say of level l
        for level in reversed(self.levels[1:]):
            decoded.append(np.ascontiguousarray(decoded[-1] @ level.W))
        decoded.reverse()
        gradients: list[list[Array]] = []
        for at, _ in enumerate(self.levels):
            if at == 0:
                of_W = self._of_labels(batch, decoded[0], tops[0])
            else:
                pull = self._of_codes(batch, decoded[at - 1], tops[at - 1])
                of_W = decoded[at].T @ pull
            gradients.append([np.empty(0), np.empty(0), of_W])
        flow = self._of_codes(batch, codes[-1], tops[-1])
        if self.penalty:
            each = 1.0 if batch.weights is None else batch.weights[:, None]
            flow = flow + self.penalty * each
        for at in range(len(self.levels) - 1, -1, -1):
            flow = flow * (codes[at] > self.least)
            below = batch.matrix if at == 0 else codes[at - 1]
            gradients[at][0] = np.asarray(below.T @ flow)
            gradients[at][1] = flow.sum(axis=0)
            if at:
                flow = flow @ self.levels[at].V.T
        self._move(gradients)

    def _of_codes(self, batch: Batch, codes: Array, top: Array) -> Array:
        """Return the gradient of the loss with respect to codes whose rates are codes @ top."""
        H = np.ascontiguousarray(top.T)
        pull = np.empty_like(codes)
        _core.ratio_product(self.loss, *batch.rows, codes, H, pull, self.n_threads)
        if self.loss == "frobenius":
            slope = 2 * (codes @ (top @ H) - pull)
        else:
            slope = top.sum(axis=1, dtype=np.float64) - pull
        return np.asarray(slope if batch.weights is None else slope * batch.weights[:, None])

    def _of_labels(self, batch: Batch, codes: Array, top: Array) -> Array:
        """Return the gradient with respect to W_1 (k x L)."""
        Wt = np.ascontiguousarray(top.T)
        pull = np.empty_like(Wt)
        _core.ratio_product(self.loss, *batch.columns, Wt, codes, pull, self.n_threads)
        each = codes if batch.weights is None else codes * batch.weights[:, None]
        if self.loss == "frobenius":
            return np.asarray(2 * ((each.T @ codes) @ top - pull.T))
        return np.asarray(each.sum(axis=0, dtype=np.float64)[:, None] - pull.T)

    def _move(self, gradients: list[list[Array]]) -> None:
        self.time += 1
        first = 1 - _DECAY**self.time
        second = 1 - _DECAY_OF_SQUARES**self.time
        for at, level in enumerate(self.levels):
            for place, part in enumerate(self._parts(level)):
                gradient = gradients[at][place]
                mean, square = self.means[at][place], self.squares[at][place]
                mean *= _DECAY
                mean += (1 - _DECAY) * gradient
                square *= _DECAY_OF_SQUARES
                square += (1 - _DECAY_OF_SQUARES) * gradient**2
                step = self.step * self.scales[at][place]
                move = step * (mean / first) / (np.sqrt(square / second) + 1e-12)
                np.subtract(part, move, out=part, casting="same_kind")
                if place != 1:
                    np.maximum(part, 0, out=part)


def start_level(Wt: Array) -> ReluLevel:
    """Return the level that starts from factors: V from the weights, at the scale of the codes."""
    scale = np.maximum(Wt.max(axis=0, initial=0), 1e-30)  # the largest weight of a concept is one
    W = np.ascontiguousarray((Wt / scale).T, Wt.dtype)
    V = Wt / np.maximum(np.square(Wt, dtype=np.float64).sum(axis=0), 1e-30) * scale
    return ReluLevel(np.ascontiguousarray(V, Wt.dtype), np.zeros(Wt.shape[1], Wt.dtype), W)


def normalise_level(level: ReluLevel, below: Any) -> tuple[ReluLevel, Array, Array]:
    """Put rows of W at sum one, concepts by falling mass of their codes.

    Returns
    -------
    (ReluLevel, ndarray, ndarray)
        The level, what its codes were multiplied by, and where its concepts were.
    """
    W, V = level.W, level.V
    W = np.where(negligible(W.dtype) * W.max(axis=1, keepdims=True, initial=0) < W, W, 0)
    scale = W.sum(axis=1, dtype=np.float64)
    mass = level.encode(below).sum(axis=0, dtype=np.float64) * scale
    order = np.argsort(-mass, kind="stable")
    divisor = np.where(scale > 0, scale, 1)
    normal = ReluLevel(
        np.ascontiguousarray((V * scale)[:, order], V.dtype),
        np.ascontiguousarray((level.b * scale)[order], V.dtype),
        np.ascontiguousarray((W / divisor[:, None])[order], V.dtype),
    )
    return normal, scale, order


def rescale_below(level: ReluLevel, scale: Array, order: Array) -> ReluLevel:
    """Return the level when the codes below it are multiplied by ``scale`` and put in order."""
    divisor = np.where(scale > 0, scale, 1).astype(level.V.dtype)
    V = (level.V / divisor[:, None])[order]
    W = (level.W * scale.astype(level.W.dtype))[:, order]
    return ReluLevel(np.ascontiguousarray(V), level.b, np.ascontiguousarray(W))


def relu_codes(Y: Any, V: list[Array], b: list[Array]) -> list[Array]:
    """Return the codes of every level."""
    found: list[Array] = []
    below: Any = Y
    with one_blas_thread():
        for weights, bias in zip(V, b, strict=True):
            level = ReluLevel(weights, bias, np.empty((0, 0)))
            below = level.encode(below)
            found.append(below)
    return found
