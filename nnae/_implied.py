"""How often labels occur together according to a fitted compressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from nnae._contingency import Floats, Integers
from nnae._threads import one_blas_thread

_WORK = 1_000_000_000  # most products of two probabilities
_CELLS = 20_000_000  # numbers held at once


def implied_conditionals(
    model: Any, names: list[str], a: Integers, b: Integers
) -> tuple[Floats, Floats]:
    """Return the model's P(b | a) and P(a | b) for pairs of columns; see `implied_rates`."""
    joint, first, second = implied_rates(model, names, a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return joint / first, joint / second


def implied_rates(
    model: Any, names: list[str], a: Integers, b: Integers
) -> tuple[Floats, Floats, Floats]:
    """Return the model's P(a and b), P(a) and P(b) for pairs of columns.

    Means over training rows of ``p_ia p_ib``, ``p_ia`` and ``p_ib``, with ``p = 1 - exp(-ZW)`` for
    the Bernoulli loss and ``min(ZW, 1)`` for the others: given its codes a row's labels are
    independent. Rows are taken at equal distances where pairs times rows exceed 10^9.
    """
    weights = getattr(model, "weights_", None)
    codes = getattr(model, "codes_", None)
    if weights is None and hasattr(model, "components_"):
        weights, codes = [model.components_], [codes]
    if weights is None or codes is None:
        if hasattr(model, "fit"):
            raise NotFittedError(f"model must be fitted; this {type(model).__name__} is not")
        raise TypeError(f"model must be a fitted NNAE or NMF; got {type(model).__name__}")
    W, Z = np.asarray(weights[0], np.float64), np.asarray(codes[0])
    own = [str(name) for name in getattr(model, "label_names_", names)]
    position = {name: j for j, name in enumerate(own)}
    missing = [name for name in names if name not in position]
    if missing:
        raise ValueError(
            f"model must know every label of Y; it lacks {len(missing)}, such as {missing[0]!r}"
        )
    if not len(a):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    needed, where = np.unique(np.concatenate([a, b]), return_inverse=True)
    first, second = where[: len(a)], where[len(a) :]
    W = W[:, [position[names[j]] for j in needed]]
    rows = np.arange(0, len(Z), max(1, -(-len(Z) * len(a) // _WORK)))
    bernoulli = getattr(model, "loss_name_", getattr(model, "loss", "")) == "bernoulli"
    joint, alone = np.zeros(len(a)), np.zeros(len(needed))
    block = max(1, min(512, _CELLS // len(needed)))
    with one_blas_thread():
        for start in range(0, len(rows), block):
            rates = W.T @ Z[rows[start : start + block]].T.astype(np.float64)
            p = -np.expm1(-rates) if bernoulli else np.minimum(rates, 1.0)
            alone += p.sum(axis=1)
            stride = max(1, _CELLS // block)
            for low in range(0, len(a), stride):
                pair = slice(low, low + stride)
                joint[pair] += np.einsum("ij,ij->i", p[first[pair]], p[second[pair]])
    return joint / len(rows), alone[first] / len(rows), alone[second] / len(rows)


def encoder_map(
    model: Any, names: list[str], a: Integers, b: Integers
) -> tuple[Floats, Floats] | None:
    """Return entries (a, b) and (b, a) of V B, what one label alone is given of another.

    None where the model has no linear encoder. The names must be the model's, as
    `implied_conditionals` has checked.
    """
    encoders = getattr(model, "encoder_weights_", None)
    if not encoders or getattr(model, "encoder", "") != "linear":
        return None
    own = [str(name) for name in getattr(model, "label_names_", names)]
    position = {name: j for j, name in enumerate(own)}
    place = np.array([position[name] for name in names], np.int64)
    V = np.asarray(encoders[0], np.float64)[place]
    Bt = np.asarray(model.weights_[0], np.float64).T[place]
    forward, backward = np.empty(len(a)), np.empty(len(a))
    stride = max(1, _CELLS // V.shape[1])
    for low in range(0, len(a), stride):
        part = slice(low, low + stride)
        forward[part] = np.einsum("ij,ij->i", V[a[part]], Bt[b[part]])
        backward[part] = np.einsum("ij,ij->i", V[b[part]], Bt[a[part]])
    return forward, backward
