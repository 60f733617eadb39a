"""The tied encoder: Z = Y V with V the transpose of the decoder, on label co-occurrence."""

from __future__ import annotations

import numpy as np

from nnae import _core
from nnae._factors import floor_of, negligible
from nnae._linear_encoder import Array, Counts

#: The exponent that never rose in practice, and the one that is proved never to.
_BOLD, _SAFE = 1 / 2, 1 / 3


class TiedLevel:
    """Encoder and decoder V (L x k) of one level.

    Minimises |Y - Y V V'|^2 = tr C - 2 tr(V'CV) + tr(V'CV V'V). The plain multiplicative update
    V <- V o (2 C V) / (C V V'V + V V'CV) oscillates, because the objective is of fourth order in V;
    its cube root never raises it (Yang and Oja 2010). The square root is faster and is tried first;
    where it would raise the objective the cube root takes its place. A sweep costs nnz(C) k and
    L k^2.
    """

    def __init__(self, counts: Counts, Bt: Array) -> None:
        self.counts = counts
        length = np.sqrt(np.square(Bt, dtype=np.float64).sum(axis=0))
        self.V = np.maximum(Bt / np.where(length > 0, length, 1), floor_of(Bt.dtype))
        self.V = np.ascontiguousarray(self.V, Bt.dtype)
        self._refresh()
        norm = float(np.sum(self.G * self.H, dtype=np.float64))
        if norm > 0:  # the best common scale
            self.V *= self.V.dtype.type(np.sqrt(max(np.trace(self.G) / norm, 1e-30)))
            self._refresh()

    def _refresh(self) -> None:
        """Keep C V, V'CV and V'V of the present encoder: update and loss need them."""
        n_threads = self.counts.n_threads
        self.CV = self.counts.apply(self.V)
        self.G = np.empty((self.V.shape[1],) * 2, self.V.dtype)
        _core.multiply_transposed(self.V, self.CV, self.G, n_threads)
        self.G = (self.G + self.G.T) / 2
        self.H = _core.gram(self.V, n_threads)

    def sweep(self, number: int) -> None:
        """Update the encoder, which is the decoder."""
        before, old = self.objective(), self.V
        down, other = np.empty_like(old), np.empty_like(old)
        _core.multiply(self.CV, self.H, down, self.counts.n_threads)
        _core.multiply(old, self.G, other, self.counts.n_threads)
        down += other
        ratio = np.divide(2 * self.CV, down, out=np.zeros_like(old), where=down > 0)
        for exponent in (_BOLD, _SAFE):
            moved = old * np.power(ratio, old.dtype.type(exponent))
            self.V = np.maximum(moved, floor_of(old.dtype)).astype(old.dtype)
            self._refresh()
            if self.objective() <= before:
                return

    def objective(self) -> float:
        """Return |Y - Y V V'|^2."""
        G = self.G.astype(np.float64)
        return float(self.counts.trace - 2 * np.trace(G) + np.sum(G * self.H))

    def normal_form(self) -> tuple[Array, Array]:
        """Return V (L x k) and B (k x L) with rows of B at sum one, by falling mass."""
        V = self.V
        V = np.where(negligible(V.dtype) * V.max(axis=0, initial=0) < V, V, V.dtype.type(0))
        scale = V.sum(axis=0, dtype=np.float64)
        order = np.argsort(-(self.counts.totals @ V) * scale, kind="stable")
        divisor = np.where(scale > 0, scale, 1).astype(V.dtype)
        B = np.ascontiguousarray((V / divisor)[:, order].T)
        return np.ascontiguousarray((V * scale.astype(V.dtype))[:, order]), B
