"""Cells held out of a sparse label matrix: some positives, some zeros, never a dense matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._mask import Mask

Array = npt.NDArray[Any]
Integers = npt.NDArray[np.int64]

_CHUNK = 1 << 15

#: Shares of a rate that may come from how frequent its label is.
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class Speckles:
    """Cells of one fold.

    Attributes
    ----------
    rows, columns : ndarray of shape (m,)
        Positives first, then zeros.
    values : ndarray of shape (m,)
    weights : ndarray of shape (m,)
        Cells of the matrix that each stands for.
    share : float
        Known positives by all positives: what is known of zeros is nearly all.
    """

    rows: Integers
    columns: Integers
    values: Array
    weights: Array
    share: float

    def mask(self, shape: tuple[int, int]) -> Mask:
        """Return what a fit may see."""
        return Mask.hiding(self.rows, self.columns, shape)

    def base_rates(self, name: str, Y: sp.csr_matrix) -> Array:
        """Return the rate of each label (L) that the known cells give alike to all rows.

        The mean; for "bernoulli" the rate whose probability it is.
        """
        hidden = np.bincount(self.columns, self.values, Y.shape[1])
        sums = np.asarray(Y.sum(axis=0, dtype=np.float64)).ravel()
        mean = np.maximum(sums - hidden, 0.0) / (self.share * Y.shape[0])
        if name == "bernoulli":
            return np.asarray(-np.log1p(-np.minimum(mean, 1 - 0.5 / Y.shape[0])))
        return np.asarray(mean)

    def losses(self, name: str, Z: Array, W: Array, base: Array, floor: float) -> Array:
        """Return the mean loss of a cell, estimated, for each of `SHARES`.

        Rates are ``(1 - share) Z W + share base``, at least ``floor``.
        """
        rates = np.empty(len(self.rows))
        for start in range(0, len(rates), _CHUNK):
            part = slice(start, start + _CHUNK)
            of_rows, of_columns = Z[self.rows[part]], W[:, self.columns[part]].T
            rates[part] = np.einsum("ij,ij->i", of_rows, of_columns, dtype=np.float64)
        of_labels = base[self.columns]
        return np.array(
            [
                self._loss(name, np.maximum((1 - share) * rates + share * of_labels, floor))
                for share in SHARES
            ]
        )

    def _loss(self, name: str, rates: Array) -> float:
        y = self.values
        if name == "frobenius":
            cells = (y - rates) ** 2
        elif name == "bernoulli":
            cells = np.where(y > 0, -np.log(-np.expm1(-rates)), rates)
        else:
            cells = y * np.log(np.where(y > 0, y, 1.0) / rates) - y + rates
        return float(self.weights @ cells / self.weights.sum())


def deal_speckles(
    Y: sp.csr_matrix, n_folds: int, zeros_per_positive: float, random: np.random.Generator
) -> list[Speckles]:
    """Deal the positives to folds and draw zeros for each, all cells different.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L), canonical
    n_folds : int
    zeros_per_positive : float
        Zeros of a fold by its positives, where there are so many.
    """
    n, L = Y.shape
    rows = np.repeat(np.arange(n), np.diff(Y.indptr))
    fold = np.empty(Y.nnz, np.int64)
    fold[random.permutation(Y.nnz)] = np.arange(Y.nnz) % n_folds
    n_zeros = n * L - Y.nnz
    wanted = min(int(zeros_per_positive * Y.nnz), n_zeros)
    zeros = random.permutation(_draw_zeros(Y, rows, wanted, random))
    found = []
    for number in range(n_folds):
        own, none = fold == number, zeros[number::n_folds]
        size = int(own.sum())
        weights = np.concatenate([
            np.full(size, Y.nnz / max(size, 1)), np.full(len(none), n_zeros / max(len(none), 1))
        ])  # fmt: skip
        found.append(
            Speckles(
                np.concatenate([rows[own], none // L]),
                np.concatenate([Y.indices[own].astype(np.int64), none % L]),
                np.concatenate([Y.data[own].astype(np.float64), np.zeros(len(none))]),
                weights,
                1 - size / Y.nnz,
            )
        )
    return found


def _draw_zeros(
    Y: sp.csr_matrix, rows: Integers, wanted: int, random: np.random.Generator
) -> Integers:
    """Return numbers i L + j of different zeros."""
    n, L = Y.shape
    taken = np.sort(rows * L + Y.indices)
    if 3 * (wanted + len(taken)) > n * L:  # a small matrix: look at all of it
        free = np.setdiff1d(np.arange(n * L), taken, assume_unique=True)
        return random.choice(free, wanted, replace=False)
    found = np.empty(0, np.int64)
    while len(found) < wanted:
        more = random.integers(0, n * L, 2 * (wanted - len(found)) + 16)
        place = np.searchsorted(taken, more)
        is_zero = taken[np.minimum(place, len(taken) - 1)] != more
        found = np.unique(np.concatenate([found, more[is_zero]]))
    return random.choice(found, wanted, replace=False)
