"""Labels and features with shared codes: one factorisation of the two side by side.

With Frobenius loss ``||Y - Z W||^2 + a^2 ||X - Z U||^2`` is the loss of ``[Y, a X]`` under
``Z [W, a U]``. With the rate losses the features have Kullback-Leibler's, which is homogeneous:
``a^2 D(X, Z U) = D(a^2 X, Z (a^2 U))``. A Bernoulli label is a latent count of at least one with
mean ``y R / (1 - exp(-R))`` under rate R; putting that mean in its place turns every half-step into
one of Kullback-Leibler's that lowers the Bernoulli loss as well (EM).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core
from nnae._factors import Above, Factors, negligible
from nnae._target import Target

Array = npt.NDArray[Any]

_CHUNK = 1 << 16
#: Rounds of latent counts and codes for rows whose weights are fixed.
_ROUNDS = 40
_PASSES = 5


def stacking_scale(loss: str, feature_weight: float) -> float:
    """Return what X is multiplied by when it is put beside Y."""
    return feature_weight if loss == "frobenius" else feature_weight**2


def joint_loss(loss: str) -> str:
    """Return the loss of the two side by side."""
    return "frobenius" if loss == "frobenius" else "kullback-leibler"


def stack(Y: Any, X: Any, scale: float) -> sp.csr_matrix:
    """Return [Y, scale X] as canonical CSR in the dtype of Y."""
    stacked = sp.csr_matrix(sp.hstack([Y, X * Y.dtype.type(scale)], format="csr"), dtype=Y.dtype)
    stacked.sort_indices()
    return stacked


class SharedFactors(Factors):
    """Factors of [Y, scale X]; Bernoulli labels are latent counts, refreshed before every step."""

    def __init__(
        self,
        Y: Any,
        X: Any,
        scale: float,
        Z: Array,
        Wt: Array,
        loss: str,
        n_threads: int,
        penalty: float = 0.0,
        weights: Array | None = None,
    ) -> None:
        stacked = stack(Y, X, scale)
        super().__init__(Target.of(stacked, weights), Z, Wt, joint_loss(loss), n_threads, penalty)
        self.label_loss = loss
        self.n_labels = int(Y.shape[1])
        if loss == "bernoulli":
            self._parts = Target.of(Y, weights), Target.of(X * Y.dtype.type(scale), weights)
            self._lay_out(stacked, weights)

    def _lay_out(self, stacked: sp.csr_matrix, weights: Array | None) -> None:
        """Remember where the labels are, in the order of rows and in that of columns."""
        self._labels = np.flatnonzero(stacked.indices < self.n_labels)
        every = np.repeat(np.arange(stacked.shape[0]), np.diff(stacked.indptr))
        self._row, self._column = every[self._labels], stacked.indices[self._labels]
        number = sp.csr_matrix(
            (np.arange(1, stacked.nnz + 1, dtype=np.float64), stacked.indices, stacked.indptr),
            shape=stacked.shape,
        )
        self._by_column = sp.csr_matrix(number.T).data.astype(np.int64) - 1
        self._values = stacked.data.copy()
        self._row_weights = None
        if weights is not None:
            self._row_weights = weights[every[self._by_column]].astype(stacked.dtype)

    def _refresh(self) -> None:
        """Put the expected latent counts of the present rates in the place of the labels."""
        if self.label_loss != "bernoulli":
            return
        for start in range(0, len(self._labels), _CHUNK):
            part = slice(start, start + _CHUNK)
            rate = np.einsum(
                "ij,ij->i",
                self.Z[self._row[part]],
                self.Wt[self._column[part]],
                dtype=np.float64,
            )
            small = rate < 1e-8
            counts = rate / -np.expm1(-np.where(small, 1.0, rate))
            self._values[self._labels[part]] = np.where(small, 1.0 + rate / 2, counts)
        columns = self._values[self._by_column]
        if self._row_weights is not None:
            columns = columns * self._row_weights
        self.target = self.target.with_values(self._values, np.ascontiguousarray(columns))

    def multiply_codes(self, above: Above | None = None, weight: float = 0.0) -> None:
        """Update the codes multiplicatively."""
        self._refresh()
        super().multiply_codes(above, weight)

    def multiply_weights(self) -> None:
        """Update the weights multiplicatively."""
        self._refresh()
        super().multiply_weights()

    def multiply_weights_on_simplex(self) -> None:
        """Update the weights of a concept, of labels and features together, at sum one."""
        self._refresh()
        super().multiply_weights_on_simplex()

    def descend_codes(self, repeats: int = 1, tolerance: float = 0.0) -> None:
        """Update the codes by coordinate descent."""
        self._refresh()
        super().descend_codes(repeats, tolerance)

    def descend_weights(self, repeats: int = 1) -> None:
        """Update the weights by coordinate descent."""
        self._refresh()
        super().descend_weights(repeats)

    def objective(self) -> float:
        """Return D_Y(Y, Z W) + a^2 D_X(X, Z U) and the penalty."""
        if self.label_loss != "bernoulli":
            return super().objective()
        total = 0.0
        halves = self.Wt[: self.n_labels], self.Wt[self.n_labels :]
        losses = "bernoulli", "kullback-leibler"
        for target, half, loss in zip(self._parts, halves, losses, strict=True):
            own = Factors(target, self.Z, np.ascontiguousarray(half), loss, self.n_threads)
            total += own.objective()
        if self.penalty:
            sums = _core.column_sums(self.Z, self.target.weights, self.n_threads)
            total += self.penalty * float(sums.sum())
        return total


def shared_codes(
    Y: Any,
    X: Any,
    W: Array,
    U: Array,
    loss: str,
    feature_weight: float,
    n_threads: int,
    penalty: float = 0.0,
    max_passes: int = 500,
) -> Array:
    """Return the codes (n x k) of least joint loss, the weights fixed.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L)
    X : csr_matrix of shape (n, d)
        Rows of length one.
    W : ndarray of shape (k, L)
        Rows sum to one (or zero).
    U : ndarray of shape (k, d)
    loss : str
        Of the labels.
    feature_weight, penalty : float
        The penalty is per unit of a concept's labels and weighted features together.
    n_threads, max_passes : int
    """
    scale = stacking_scale(loss, feature_weight)
    Wt = np.concatenate([W, U * U.dtype.type(scale)], axis=1).T
    total = Wt.sum(axis=0, dtype=np.float64)
    total = np.where(total > 0, total, 1.0).astype(Wt.dtype)
    Wt = np.ascontiguousarray(Wt / total)
    codes = np.zeros((Y.shape[0], Wt.shape[1]), Wt.dtype)
    factors = SharedFactors(Y, X, scale, codes, Wt, loss, n_threads, penalty)
    tolerance = 1e-6 if Wt.dtype == np.float64 else 1e-4
    if loss != "bernoulli":
        factors.descend_codes(max_passes, tolerance)
    else:
        Factors(
            Target.of(stack(Y, X, scale)), codes, Wt, joint_loss(loss), n_threads, penalty
        ).descend_codes(max_passes, tolerance)
        for _ in range(_ROUNDS):
            before = codes.copy()
            factors.descend_codes(_PASSES, tolerance)
            moved = np.abs(codes - before).max(initial=0)
            if moved <= 10 * tolerance * codes.max(initial=0):
                break
    codes[codes <= negligible(Wt.dtype) * codes.max(axis=1, keepdims=True, initial=0)] = 0
    codes[np.diff(Y.indptr) + np.diff(X.indptr) == 0] = 0
    return np.asarray(codes / total)
