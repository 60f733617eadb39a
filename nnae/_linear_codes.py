"""Codes of the linear encoder, Z_1 = Y V_1, Z_2 = Z_1 V_2, ..., held or worked out at need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._target import side_of

Array = npt.NDArray[Any]

#: Codes of more cells than this are not held.
MOST_CELLS = 100_000_000


@dataclass(frozen=True)
class LinearCodes(Sequence[Array]):
    """Codes of all levels, each worked out anew when it is asked for: too many to be held.

    Attributes
    ----------
    rows : csr_matrix of shape (n, L)
        Labels.
    encoders : list of ndarray
        V_1 (L x k_1), V_2 (k_1 x k_2), ...
    n_threads : int
    """

    rows: Any
    encoders: list[Array]
    n_threads: int

    def __len__(self) -> int:
        """Return the number of levels."""
        return len(self.encoders)

    def __getitem__(self, level: Any) -> Any:
        """Return the codes of one level (n x k), counted from 0, or of a slice of levels."""
        if isinstance(level, slice):
            return [self[number] for number in range(*level.indices(len(self)))]
        number = range(len(self))[level]
        top = self.encoders[0]
        for V in self.encoders[1 : number + 1]:
            top = times(top, V, self.n_threads)
        return times(self.rows, top, self.n_threads)

    def masses(self) -> list[Array]:
        """Return the sums of the codes of every level, in double precision."""
        below = np.bincount(self.rows.indices, self.rows.data, self.rows.shape[1])
        found = []
        for V in self.encoders:
            below = below @ V.astype(np.float64)
            found.append(below)
        return found


def linear_codes(Y: Any, encoders: list[Array], n_threads: int) -> Any:
    """Return Y V_1, Y V_1 V_2, ...: a list, or what works them out where they are too many."""
    if Y.shape[0] * sum(V.shape[1] for V in encoders) > MOST_CELLS:
        return LinearCodes(Y, encoders, n_threads)
    codes, below = [], Y
    for V in encoders:
        below = times(below, V, n_threads)
        codes.append(below)
    return codes


def times(below: Any, V: Array, n_threads: int) -> Array:
    """Return the product of a sparse or dense matrix with a dense one."""
    out = np.empty((below.shape[0], V.shape[1]), V.dtype)
    if isinstance(below, np.ndarray):
        _core.multiply(np.ascontiguousarray(below), V, out, n_threads)
    else:
        _core.spmm(*side_of(below), V, out, n_threads)
    return out
