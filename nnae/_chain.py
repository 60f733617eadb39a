"""A chain of factors, Y = Z_D W_D ... W_1: the objective of the literature, for comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._factors import Factors, floor_of
from nnae._target import Target

Array = npt.NDArray[Any]


class ChainSweeps:
    """Multiplicative updates of every factor of one product, one factor at a time.

    With Lambda = A W C the factor W gets N = A' R C' over its denominator, where R holds the ratios
    of the loss at the non-zeros. Only the last level's codes are free: those below are A = Z_D W_D
    ... W_{l+1}.
    """

    def __init__(self, target: Target, Z: Array, weights: list[Array], loss: str, n_threads: int):
        floor = floor_of(Z.dtype)
        self.target = target
        self.Z = np.maximum(Z, floor)
        self.weights = [np.maximum(np.ascontiguousarray(W), floor) for W in weights]
        self.loss = loss
        self.n_threads = n_threads

    def sweep(self, number: int) -> None:
        """Update the codes, then the weights from the top level down to the labels."""
        top = self._labels_of(len(self.weights))
        factors = Factors(self.target, self.Z, top, self.loss, self.n_threads)
        factors.multiply_codes()
        for level in range(len(self.weights), 0, -1):
            self._update(level)

    def objective(self) -> float:
        """Return the loss of the product."""
        top = self._labels_of(len(self.weights))
        return Factors(self.target, self.Z, top, self.loss, self.n_threads).objective()

    def codes(self) -> list[Array]:
        """Return the codes of every level, from the labels upwards."""
        result = [self.Z]
        for W in reversed(self.weights[1:]):
            result.append(self._product(result[-1], W))
        return result[::-1]

    def _update(self, level: int) -> None:
        A = self.codes()[level - 1]
        W = self.weights[level - 1]
        if level == 1:
            Wt = np.ascontiguousarray(W.T)
            Factors(self.target, A, Wt, self.loss, self.n_threads).multiply_weights()
            self.weights[0] = np.ascontiguousarray(Wt.T)
            return
        H = self._labels_of(level - 1)  # L x k_{l-1}, the transpose of C
        factors = Factors(self.target, self._product(A, W), H, self.loss, self.n_threads)
        ratios = np.empty_like(factors.Z)
        _core.ratio_product(self.loss, *self.target.rows, factors.Z, H, ratios, self.n_threads)
        weighted = ratios
        left = A
        if self.target.weights is not None:
            left = np.ascontiguousarray(A * self.target.weights.astype(A.dtype)[:, None])
        numerator = np.empty_like(W)
        _core.multiply_transposed(left, weighted, numerator, self.n_threads)
        codes = Factors(self.target, A, H, self.loss, self.n_threads)
        if self.loss == "frobenius":
            down = self._product(self._product(codes.gram_of_codes, W), factors.gram_of_weights)
        else:
            down = (codes.gram_of_codes.T * factors.gram_of_weights).astype(W.dtype)
        moved = np.divide(W * numerator, down, out=np.zeros_like(W), where=down > 0)
        self.weights[level - 1] = np.maximum(moved, floor_of(W.dtype))

    def _labels_of(self, level: int) -> Array:
        product = self.weights[0]
        for W in self.weights[1:level]:
            product = self._product(W, product)
        return np.ascontiguousarray(product.T)

    def _product(self, a: Array, b: Array) -> Array:
        a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
        out = np.empty((a.shape[0], b.shape[1]), a.dtype)
        _core.multiply(a, b, out, self.n_threads)
        return out
