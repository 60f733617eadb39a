"""Starts of a factorisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._row_views import blocks_of_rows
from nnae._singular_vectors import singular_vectors

Array = npt.NDArray[Any]
STARTS = ("auto", "random", "nndsvd", "nndsvda", "nndsvdar")


def initial_factors(
    Y: Any, k: int, init: Any, random_state: np.random.RandomState, n_threads: int = 1
) -> tuple[Array, Array]:
    """Return codes Z (n x k) and weights Wt (L x k), contiguous, in the dtype of Y.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L)
        Non-negative.
    k : int
        Number of concepts.
    init : {"auto", "random", "nndsvd", "nndsvda", "nndsvdar"} or tuple (W, H)
        "auto" is "nndsvda" where k is below both sides of Y, else "random". On planted hierarchies
        it finds the groups more often than one random start, and nearly the same for every seed.
        A pair gives codes (n x k) and components (k x L), which are copied.
    random_state : RandomState
        Source of the random entries.
    n_threads : int, default=1
        Threads for singular vectors of large matrices.
    """
    if not isinstance(init, str):
        return _given(Y, k, init)
    if init not in STARTS:
        raise ValueError(f"init must be one of {', '.join(STARTS)} or a pair (W, H); got {init!r}")
    if init == "random" or (init == "auto" and k >= min(Y.shape)):
        return _random(Y, k, random_state)
    return _FILLS[init](Y, *_nndsvd(Y, k, random_state, n_threads), random_state)


def repeated_starts(init: Any, n_init: int) -> list[Any]:
    """Return the start of each of several fits, of which the best is kept.

    With "auto" the others are random: starts from singular vectors differ too little from seed to
    seed to be worth a second fit.
    """
    if n_init > 1 and not isinstance(init, str):
        raise ValueError(f"n_init must be 1 where init gives the start; got {n_init}")
    return [init] + ["random" if init == "auto" else init] * (n_init - 1)


def _random(Y: Any, k: int, random_state: np.random.RandomState) -> tuple[Array, Array]:
    scale = np.sqrt(max(float(Y.sum(dtype=np.float64)), 1e-12) / (Y.shape[0] * Y.shape[1]) / k)
    Z, Wt = np.empty((Y.shape[0], k), Y.dtype), np.empty((Y.shape[1], k), Y.dtype)
    for factor in (Z, Wt):
        for rows in blocks_of_rows(factor):  # drawn in double, one block at a time
            rows[...] = scale * np.abs(random_state.standard_normal(rows.shape))
    return Z, Wt


def _given(Y: Any, k: int, pair: Any) -> tuple[Array, Array]:
    W, H = check_start(pair, (Y.shape[0], k), (k, Y.shape[1]))
    return np.array(W, Y.dtype, order="C"), np.array(H.T, Y.dtype, order="C")


def check_start(
    pair: Any, of_codes: tuple[int, int], of_weights: tuple[int, int]
) -> tuple[Array, Array]:
    """Return codes and weights to start from, finite, non-negative and of these shapes."""
    try:
        W, H = pair
    except (TypeError, ValueError):
        raise ValueError("init must be a name or a pair (W, H) of codes and components") from None
    W, H = np.asarray(W), np.asarray(H)
    if (W.shape, H.shape) != (of_codes, of_weights):
        raise ValueError(
            f"init=(W, H) must have shapes {of_codes} and {of_weights}; got {W.shape} and {H.shape}"
        )
    for name, factor in (("W", W), ("H", H)):
        if not np.isfinite(factor).all() or (factor < 0).any():
            raise ValueError(f"init: {name} must be finite and non-negative")
    return W, H


def _nndsvd(
    Y: Any, k: int, random_state: np.random.RandomState, n_threads: int
) -> tuple[Array, Array]:
    """Boutsidis and Gallopoulos (2008): the larger signed half of every singular pair."""
    rank = min(k, *Y.shape)
    U, S, Vt = singular_vectors(Y, rank, random_state, n_threads)
    Wt = np.zeros((Y.shape[1], k), Y.dtype)
    for p in range(rank):  # codes take the place of left vectors, which may be large
        u, v = U[:, p], Vt[p]
        halves = []
        for sign in (1, -1):
            left, right = np.maximum(sign * u, 0), np.maximum(sign * v, 0)
            size = np.linalg.norm(left) * np.linalg.norm(right)
            halves.append((size, left, right))
        size, left, right = max(halves, key=lambda half: half[0])
        if size > 0:
            scale = np.sqrt(S[p] * size)
            U[:, p] = scale * left / np.linalg.norm(left)
            Wt[:, p] = scale * right / np.linalg.norm(right)
        else:
            U[:, p] = 0
    if rank == k:
        return np.ascontiguousarray(U, Y.dtype), Wt
    Z = np.zeros((Y.shape[0], k), Y.dtype)
    Z[:, :rank] = U
    Z[:, rank:] = Wt[:, rank:] = np.sqrt(_mean(Y) / k)  # there are no more singular pairs
    return Z, Wt


def _mean(Y: Any) -> float:
    return float(Y.sum(dtype=np.float64)) / float(Y.shape[0] * Y.shape[1])


def _zeros(Y: Any, Z: Array, Wt: Array, random_state: Any) -> tuple[Array, Array]:
    return Z, Wt


def _means(Y: Any, Z: Array, Wt: Array, random_state: Any) -> tuple[Array, Array]:
    Z[Z == 0] = Wt[Wt == 0] = np.sqrt(_mean(Y) / Z.shape[1])
    return Z, Wt


def _small(Y: Any, Z: Array, Wt: Array, random_state: Any) -> tuple[Array, Array]:
    """Fill with uniform numbers up to a fiftieth of the mean's root."""
    top = np.sqrt(_mean(Y) / Z.shape[1]) / 50
    for factor in (Z, Wt):
        empty = factor == 0
        factor[empty] = top * random_state.random_sample(int(empty.sum()))
    return Z, Wt


#: What takes the place of zeros in starts from singular vectors.
_FILLS = {"nndsvd": _zeros, "nndsvda": _means, "nndsvdar": _small, "auto": _means}
