"""Matrices that kernels are tested on: three sizes and the edges."""

import importlib
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from nnae import _core

FLOOR = {"float32": 1e-10, "float64": 1e-100}
RTOL = {"float32": 5e-4, "float64": 1e-10}
SIZES = {"small": (5, 4, 2), "middle": (67, 43, 17), "large": (650, 131, 70)}
EDGES = {
    "one row": (1, 9, 3),
    "one label": (9, 1, 2),
    "one cell": (1, 1, 1),
    "one concept": (12, 10, 1),
    "all zero": (8, 6, 3),
    "empty rows and columns": (40, 30, 4),
    "dead concept": (20, 15, 4),
    "every cell": (11, 7, 3),
}
NAMES = (*SIZES, *EDGES)


@dataclass(frozen=True)
class Case:
    """A target P (n x m, dense) and two factors F (n x k), H (m x k), all at or above the floor."""

    P: np.ndarray
    F: np.ndarray
    H: np.ndarray

    @property
    def floor(self):
        return FLOOR[self.P.dtype.name]

    @property
    def rtol(self):
        return RTOL[self.P.dtype.name]

    def double(self):
        return self.P.astype(float), self.F.astype(float), self.H.astype(float)


def case(name, dtype=np.float64, *, binary=True):
    """Draw the case of that name, the same one every time."""
    n, m, k = (SIZES | EDGES)[name]
    rng = np.random.default_rng(NAMES.index(name))
    P = (rng.random((n, m)) < {"all zero": 0, "every cell": 1}.get(name, 0.2)).astype(dtype)
    if not binary:
        P *= rng.integers(1, 5, P.shape)
    if name == "empty rows and columns":
        P[::3] = 0
        P[:, 1::4] = 0
    F, H = 0.01 + rng.gamma(0.7, size=(n, k)), 0.01 + rng.gamma(0.7, size=(m, k))
    if name == "dead concept":
        H[:, 1] = 0
    return Case(P, F.astype(dtype), H.astype(dtype))


def sides(P, index=np.int32, *, keep_values=False):
    """Return indptr, indices, values of a dense matrix; values are None where all are one."""
    matrix = sp.csr_matrix(P)
    values = matrix.data if keep_values or (matrix.data != 1).any() else None
    return matrix.indptr.astype(index), matrix.indices.astype(index), values


def denominator(name, H):
    """What a step divides by: the Gram matrix (frobenius) or the column sums."""
    D = H.T.astype(float) @ H if name == "frobenius" else H.sum(axis=0, dtype=float)[None]
    return np.ascontiguousarray(D, H.dtype)


def at_any_threads(call):
    """Return call(1) after comparing it, bit for bit, with call(2) and call(7)."""
    one = call(1)
    for n_threads in (2, 7):
        np.testing.assert_array_equal(call(n_threads), one)
    return one


def built_variants():
    """Return the kernels of every instruction set that is built and that this machine can run."""
    found = []
    for name in _core.supported_variants():
        try:
            found.append(importlib.import_module(f"nnae._core.{name}"))
        except ModuleNotFoundError:
            continue
    return found
