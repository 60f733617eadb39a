"""What every concept contributes to its children: shares, lifts and entropies, free of scale.

With levels ``W_l`` (k_l x k_{l-1}, k_0 = L) and code masses ``m_l[p] = sum_i Z_l[i, p]``::

    t_l[p, q] = m_l[p] W_l[p, q]                    contribution of parent p to child q
    R_l[p, q] = t_l[p, q] / sum_p t_l[p, q]         parent share
    lift      = t sum(t) / (sum_p t  sum_q t)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnae._threads import one_blas_thread

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """One level in normal form, its concepts ordered by mass.

    Parameters
    ----------
    rows : ndarray of int, (k,)
        For each concept its row in the matrix that was given.
    width : int
        Rows of the matrix that was given; those that are not in `rows` had too little mass.
    mass : ndarray, (k,)
        Mass of each concept's codes.
    weights : ndarray, (k, children)
        Rows sum to one.
    description : ndarray, (k, L)
        The concepts as distributions over labels, ``B_l = W_l ... W_1``.
    """

    rows: Integers
    width: int
    mass: Floats
    weights: Floats
    description: Floats

    @property
    def contributions(self) -> Floats:
        """Return t (k x children)."""
        return np.asarray(self.mass[:, None] * self.weights)

    @property
    def shares(self) -> Floats:
        """Return R (k x children); a child that nobody contributes to has zeros."""
        return share_of_parents(self.contributions)

    @property
    def mass_shares(self) -> Floats:
        """Return each concept's part of all contributions of the level (k)."""
        return np.asarray(self.mass / self.mass.sum()) if self.mass.size else self.mass


def share_of_parents(contributions: Floats) -> Floats:
    """Divide each column by its sum; columns without any contribution stay zero."""
    total = contributions.sum(axis=0)
    return np.asarray(contributions / np.where(total > 0, total, 1.0))


def normalised_entropy(shares: Floats) -> Floats:
    """Return the entropy of every column over its maximum, log(rows); 0 for a single row."""
    if shares.shape[0] < 2:
        return np.zeros(shares.shape[1])
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return np.asarray(-(shares * logs).sum(axis=0) / np.log(shares.shape[0]))


def hoyer_sparseness(weights: Floats) -> Floats:
    """Return Hoyer's sparseness of every row: 0 for equal weights, 1 for a single one."""
    size = weights.shape[1]
    if size < 2:
        return np.ones(weights.shape[0])
    norms = np.sqrt((weights**2).sum(axis=1))
    ratio = weights.sum(axis=1) / np.where(norms > 0, norms, 1.0)
    return np.asarray(np.clip((np.sqrt(size) - ratio) / (np.sqrt(size) - 1.0), 0.0, 1.0))


def build_levels(
    weights: Sequence[ArrayLike] | NDArray[Any],
    masses: Sequence[ArrayLike] | None,
    min_mass: float,
) -> tuple[list[Level], Floats]:
    """Check the layers, bring them to normal form and leave out concepts under `min_mass`.

    Returns
    -------
    (list of Level, ndarray)
        The levels, and the row sums of W_1 as given: codes of level 1 times these belong to the
        normal form.
    """
    layers = _check_weights(weights)
    sizes = _check_masses(masses, layers)
    first_scale = layers[0].sum(axis=1)
    levels: list[Level] = []
    for depth, layer in enumerate(layers):
        scale = layer.sum(axis=1)
        layers[depth] = layer / np.where(scale > 0, scale, 1.0)[:, None]
        sizes[depth] = sizes[depth] * scale
        if depth + 1 < len(layers):
            layers[depth + 1] = layers[depth + 1] * scale
    kept = np.arange(layers[0].shape[1])
    below: Floats | None = None
    for layer, mass in zip(layers, sizes, strict=True):
        width = layer.shape[0]
        # children that were left out take their part of the contributions with them
        part = layer[:, kept].sum(axis=1)
        held = mass * part
        alive = np.flatnonzero((held > 0) & (held >= min_mass * held.sum()))
        rows = alive[np.argsort(-held[alive], kind="stable")]
        chosen = layer[rows][:, kept] / part[rows, None]
        with one_blas_thread():
            below = chosen if below is None else np.asarray(chosen @ below)
        levels.append(Level(rows, width, held[rows], chosen, below))
        kept = rows
    return levels, first_scale


def _check_weights(weights: Sequence[ArrayLike] | NDArray[Any]) -> list[Floats]:
    if isinstance(weights, np.ndarray) and weights.ndim == 2:
        weights = [weights]
    layers = [_as_floats(layer, f"W_{number}") for number, layer in enumerate(weights, start=1)]
    if not layers:
        raise ValueError("weights must hold at least one matrix; got none")
    for number, layer in enumerate(layers, start=1):
        if layer.ndim != 2 or 0 in layer.shape:
            raise ValueError(
                f"W_{number} must be a matrix with at least one row and one column; "
                f"got shape {layer.shape}"
            )
    for place in range(1, len(layers)):
        if layers[place].shape[1] != layers[place - 1].shape[0]:
            raise ValueError(
                f"W_{place + 1} must have one column for each row of W_{place}; "
                f"got shapes {layers[place].shape} and {layers[place - 1].shape}"
            )
    return layers


def _check_masses(masses: Sequence[ArrayLike] | None, layers: list[Floats]) -> list[Floats]:
    if masses is None:
        sizes = [np.ones(layers[-1].shape[0])]
        for layer in reversed(layers[1:]):
            sizes.insert(0, np.asarray(sizes[0] @ layer))
        return sizes
    sizes = [_as_floats(mass, f"masses[{place}]") for place, mass in enumerate(masses)]
    if len(sizes) != len(layers):
        raise ValueError(f"weights has {len(layers)} levels, masses has {len(sizes)}")
    for number, (mass, layer) in enumerate(zip(sizes, layers, strict=True), start=1):
        if mass.shape != layer.shape[:1]:
            raise ValueError(
                f"masses of level {number} must hold one number a row of W_{number}; "
                f"got shapes {mass.shape} and {layer.shape}"
            )
    return sizes


def check_labels(
    codes: ArrayLike | None, counts: ArrayLike | None, shape: tuple[int, int]
) -> tuple[Floats | None, Floats | None]:
    """Check what is known of the labels: mean codes (L x k_1) and numbers of positives (L)."""
    width, n_labels = shape
    if codes is not None:
        codes = _as_floats(codes, "label_codes")
        if codes.shape != (n_labels, width):
            raise ValueError(
                f"label_codes must have shape {(n_labels, width)}, one row a label and one "
                f"column a concept of level 1; got {codes.shape}"
            )
    if counts is not None:
        counts = _as_floats(counts, "label_counts")
        if counts.shape != (n_labels,):
            raise ValueError(
                f"label_counts must have shape {(n_labels,)}, one number a label; "
                f"got {counts.shape}"
            )
    return codes, counts


def kept_frequencies(frequencies: Sequence[ArrayLike], levels: list[Level]) -> list[Floats]:
    """Check frequencies shaped like the layers and pick those of the levels' concepts."""
    if len(frequencies) != len(levels):
        raise ValueError(
            f"weights has {len(levels)} levels, edge_frequencies has {len(frequencies)}"
        )
    kept, width, picked = np.arange(levels[0].weights.shape[1]), levels[0].weights.shape[1], []
    for level, values in zip(levels, frequencies, strict=True):
        given = _as_floats(values, "edge_frequencies")
        if given.shape != (level.width, width):
            raise ValueError(
                f"edge_frequencies must be shaped like the weights, {(level.width, width)}; "
                f"got {given.shape}"
            )
        picked.append(given[np.ix_(level.rows, kept)])
        kept, width = level.rows, level.width
    return picked


def _as_floats(values: ArrayLike, what: str) -> Floats:
    if hasattr(values, "toarray"):
        values = values.toarray()
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{what} must hold numbers; got {type(values).__name__}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite; it holds NaN or infinity")
    if array.size and array.min() < 0:
        raise ValueError(f"{what} must be non-negative; it holds {array.min():g}")
    return array
