"""Normal form: concepts whose weights sum to one, ordered by mass."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._factors import clear_floor
from nnae._row_views import reorder_columns

Array = npt.NDArray[Any]


def normalise(Z: Array, Wt: Array) -> tuple[Array, Array, Array]:
    """Scale every concept's weights to sum one and order concepts by mass.

    Parameters
    ----------
    Z : ndarray of shape (n, k)
        Codes, which are changed in place.
    Wt : ndarray of shape (m, k)
        Weights, one column a concept.

    Returns
    -------
    (Z, Wt, order)
        ``Z @ Wt.T`` is unchanged, ``Wt`` has columns of sum one (or zero, for a concept without
        weights), and concepts come by falling total of their codes; ``order`` says where they were.
    """
    scale = Wt.sum(axis=0, dtype=np.float64)
    divisor = np.where(scale > 0, scale, 1)
    mass = Z.sum(axis=0, dtype=np.float64) * scale
    order = np.argsort(-mass, kind="stable")
    reorder_columns(Z, order, scale[order].astype(Z.dtype))
    Wt = np.take(Wt, order, axis=1)
    Wt /= divisor[order].astype(Wt.dtype)
    return Z, Wt, order


def to_sum_one(Wt: Array) -> None:
    """Set weights at the floor to zero and scale those of every concept to sum one, in place."""
    clear_floor(Wt)
    total = Wt.sum(axis=0, dtype=np.float64)
    Wt /= np.where(total > 0, total, 1).astype(Wt.dtype)


def concepts_by_label(weights: list[Array], level: int) -> Array:
    """Return B_l = W_l ... W_1 (k_l x L) with rows of sum one."""
    product = np.ascontiguousarray(weights[0])
    for W in weights[1:level]:
        below, product = product, np.empty((len(W), product.shape[1]), product.dtype)
        _core.multiply(np.ascontiguousarray(W, product.dtype), below, product, 1)
    total = product.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(product / np.where(total > 0, total, 1), product.dtype)
