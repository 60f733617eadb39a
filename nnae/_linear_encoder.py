"""The linear encoder Z = Y V, which needs only how often labels occur together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core
from nnae._factors import floor_of, negligible
from nnae._target import Side, Target, side_of
from nnae._validation import check_choice

Array = npt.NDArray[Any]


class Counts:
    """Co-occurrence C of labels (L x L, sparse) or of codes (k x k, dense), as an operator.

    ``totals`` are the sums of the columns that were counted: the diagonal, for 0/1 labels.
    """

    def __init__(self, matrix: Any, n_threads: int, totals: Array | None = None) -> None:
        self.matrix = matrix
        self.totals = matrix.diagonal() if totals is None else totals
        self.n_threads = n_threads
        self.sides: Side | None = side_of(matrix) if sp.issparse(matrix) else None
        self.trace = float(matrix.diagonal().sum(dtype=np.float64))

    @classmethod
    def of_labels(cls, Y: Any, n_threads: int, weights: Array | None = None) -> Counts:
        """Count Y'Y, in parallel, each pair of labels once per example that has both."""
        target = Target.of(Y, weights)
        L, dtype = target.shape[1], target.dtype
        indptr, indices, values = _core.cooccurrence(*target.rows, *target.columns, n_threads)
        del target
        values = values.astype(dtype, copy=False)  # counts without values come as double
        if len(values) < np.iinfo(np.int32).max:
            indptr, indices = indptr.astype(np.int32), indices.astype(np.int32)
        return cls(sp.csr_matrix((values, indices, indptr), shape=(L, L)), n_threads)

    def plus(self, other: Counts) -> Counts:
        """Return the counts of both sets of rows together."""
        return Counts(sp.csr_matrix(self.matrix + other.matrix), self.n_threads)

    def apply(self, H: Array) -> Array:
        """Return C H."""
        out = np.empty((self.matrix.shape[0], H.shape[1]), H.dtype)
        if self.sides is None:
            _core.multiply(self.matrix, H, out, self.n_threads)
        else:
            _core.spmm(*self.sides, H, out, self.n_threads)
        return out

    def through(self, V: Array) -> Counts:
        """Return V'CV, the co-occurrence of the codes Y V."""
        out = np.empty((V.shape[1], V.shape[1]), V.dtype)
        _core.multiply_transposed(V, self.apply(V), out, self.n_threads)
        return Counts((out + out.T) / 2, self.n_threads, self.totals @ V)


class ImplicitCounts(Counts):
    """A'A as an operator: cheaper than counting where A has many columns and long rows.

    Rows are taken some at a time, so that A H of all rows is never held.
    """

    rows_at_once = 1 << 16

    def __init__(self, A: Any, n_threads: int, weights: Array | None) -> None:
        if weights is not None:
            roots = np.repeat(np.sqrt(weights), np.diff(A.indptr)).astype(A.dtype)
            A = sp.csr_matrix((A.data * roots, A.indices, A.indptr), shape=A.shape)
        self.matrix = A
        self.n_threads = n_threads
        parts = [A[at : at + self.rows_at_once] for at in range(0, A.shape[0], self.rows_at_once)]
        self._parts = [(side_of(part), side_of(sp.csr_matrix(part.T))) for part in parts]
        self.sides = side_of(A)
        self.totals = np.zeros(A.shape[1])
        self.trace = float(np.square(A.data, dtype=np.float64).sum())

    def apply(self, H: Array) -> Array:
        """Return A'(A H)."""
        total = np.zeros((self.matrix.shape[1], H.shape[1]), H.dtype)
        for number, (rows, columns) in enumerate(self._parts):
            codes = np.empty((len(rows[0]) - 1, H.shape[1]), H.dtype)
            _core.spmm(*rows, H, codes, self.n_threads)
            out = total if number == 0 else np.empty_like(total)
            _core.spmm(*columns, codes, out, self.n_threads)
            if number:
                total += out
        return total


#: How labels may be counted.
COOCCURRENCE = ("auto", "explicit", "implicit")
#: Non-zeros of C that are counted and kept whatever it costs, because rows may be added to them.
QUICKLY_COUNTED = 1 << 24
#: Pairs that may be counted for each entry of Y.
PAIRS_AN_ENTRY = 256


def count_labels(Y: Any, how: str, n_threads: int, weights: Array | None) -> Counts:
    """Return Y'Y as counts, or as a product with Y and its transpose.

    "auto" multiplies only where C has certainly more than 2 nnz(Y) entries, so that applying it
    costs more than Y'(Y H), and more than can be held with ease; or where counting pairs would
    take longer than a fit.
    """
    check_choice("cooccurrence", how, COOCCURRENCE)
    if how == "implicit" or (how == "auto" and _is_burden(Y)):
        counts = ImplicitCounts(Y, n_threads, weights)
        each = Y.data.astype(np.float64)
        if weights is not None:
            each = each * np.repeat(weights, np.diff(Y.indptr))
        counts.totals = np.bincount(Y.indices, each, Y.shape[1])
        return counts
    return Counts.of_labels(Y, n_threads, weights)


def _is_burden(Y: Any) -> bool:
    pairs = np.square(np.diff(Y.indptr), dtype=np.float64)
    fewest = pairs.max(initial=0)  # those of one row are all different
    size = max(2 * Y.nnz, QUICKLY_COUNTED)
    return bool(fewest > size or pairs.sum() > PAIRS_AN_ENTRY * size)


class LinearLevel:
    """Encoder V (L x k) and decoder Bt (L x k) of one level.

    Minimises ||Y - Y V B||^2 = tr C - 2 tr(C V B) + tr(B' V'CV B). The decoder is updated by
    coordinate descent on its rows, the encoder multiplicatively; a sweep costs nnz(C) k + L k^2,
    whatever the number of examples.
    """

    def __init__(self, counts: Counts, Bt: Array, repeats: int = 2) -> None:
        self.counts = counts
        self.Bt = Bt
        self.V = Bt / np.maximum((Bt**2).sum(axis=0), 1e-30).astype(Bt.dtype)
        self.V = np.maximum(self.V, floor_of(Bt.dtype))
        self.repeats = repeats
        self._refresh()

    def _refresh(self) -> None:
        """Keep C V and V'CV of the present encoder: the next update and the loss need them."""
        self.CV = self.counts.apply(self.V)
        self.G = np.empty((self.V.shape[1],) * 2, self.V.dtype)
        _core.multiply_transposed(self.V, self.CV, self.G, self.counts.n_threads)
        self.G = (self.G + self.G.T) / 2

    def sweep(self, number: int) -> None:
        """Update the decoder, then the encoder."""
        n_threads = self.counts.n_threads
        _core.coordinate_step_dense(self.CV, self.G, self.Bt, self.repeats, 0.0, n_threads)
        self.V *= self._ratio(self.counts.apply(self.Bt), n_threads)
        np.maximum(self.V, floor_of(self.V.dtype), out=self.V)
        self._refresh()

    def _ratio(self, up: Array, n_threads: int) -> Array:
        down = np.empty_like(self.V)
        _core.multiply(self.CV, _core.gram(self.Bt, n_threads), down, n_threads)
        ratio: Array = np.divide(up, down, out=np.zeros_like(up), where=down > 0)
        return ratio

    def objective(self) -> float:
        """Return ||Y - Y V B||^2."""
        gram = _core.gram(self.Bt, self.counts.n_threads).astype(np.float64)
        cross = np.sum(self.CV * self.Bt, dtype=np.float64)
        return float(self.counts.trace - 2 * cross + np.sum(self.G * gram))

    def normal_form(self) -> tuple[Array, Array]:
        """Return V (L x k) and B (k x L) with rows of B at sum one, by falling mass."""
        V, Bt = self.V, self.Bt
        V = np.where(negligible(V.dtype) * V.max(axis=0, initial=0) < V, V, V.dtype.type(0))
        scale = Bt.sum(axis=0, dtype=np.float64)
        mass = self.counts.totals @ V * scale
        order = np.argsort(-mass, kind="stable")
        divisor = np.where(scale > 0, scale, 1).astype(Bt.dtype)
        V = np.ascontiguousarray((V * scale.astype(V.dtype))[:, order])
        B = np.ascontiguousarray((Bt / divisor)[:, order].T)
        return V, B
