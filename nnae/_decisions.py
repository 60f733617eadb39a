"""From scores to label sets: one threshold for all labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae._codes import Array

#: Most labels of a row that a threshold is chosen from, or that are predicted for a row.
LARGEST_SET = 1000


@dataclass
class Ranked:
    """Training rows whose labels are known and have been scored.

    Attributes
    ----------
    Y : csr_matrix
        True labels (n x L).
    indices, scores : ndarray of shape (n, k)
        Each row's best labels, at most 1000, in any order; -1 and -inf where there is none.
    held_out : bool
        Whether the scores come from models that had not seen these rows.
    """

    Y: Any
    indices: Array
    scores: Array
    held_out: bool

    def hits(self) -> Array:
        """Return for each score whether its label is true (n x k)."""
        n, n_labels = self.Y.shape
        places = np.arange(n)[:, None] * np.int64(n_labels) + self.indices
        true = self.Y.tocoo()
        true = (true.row * np.int64(n_labels) + true.col)[true.data > 0]
        return np.asarray(np.isin(places, true) & (self.indices >= 0))

    def sizes(self) -> Array:
        """Return how many labels each row has."""
        rows = self.Y.tocoo()
        return np.bincount(rows.row[rows.data > 0], minlength=self.Y.shape[0])


def choose_threshold(ranked: Ranked) -> float:
    """Return the threshold of largest micro F1, or where scores flatter the rows, of their size."""
    known = ranked.indices >= 0
    scores, wanted = ranked.scores[known], int(ranked.sizes().sum())
    if ranked.held_out:
        return best_f1_threshold(scores, ranked.hits()[known], wanted)
    return cardinality_threshold(scores, wanted)


def best_f1_threshold(scores: Array, hits: Array, n_true: int) -> float:
    """Return the score above which labels are predicted for the largest micro F1.

    Labels that are not ranked count as not predicted: ``n_true`` counts them too. Halfway between
    the last score taken and the next one.
    """
    flat = scores.astype(np.float64)
    if not hits.any():
        return float(flat.max()) if len(flat) else 0.0
    order = np.argsort(-flat, kind="stable")
    flat, hits = flat[order], hits[order]
    last_of_ties = np.append(flat[1:] < flat[:-1], True)
    f1 = 2 * np.cumsum(hits) / (np.arange(1, len(flat) + 1) + n_true)
    at = int(np.argmax(np.where(last_of_ties, f1, -1.0)))
    return halfway(flat, at)


def cardinality_threshold(scores: Array, n_labels: int) -> float:
    """Return the score above which as many labels are predicted as there are in truth."""
    flat = np.sort(scores[np.isfinite(scores)].astype(np.float64))[::-1]
    if len(flat) == 0 or n_labels == 0:
        return float(flat[0]) if len(flat) else 0.0
    at = min(n_labels, len(flat)) - 1
    return halfway(flat, at)


def halfway(falling: Array, at: int) -> float:
    """Return a threshold between the value at a place of a falling array and the next one."""
    below = falling[at + 1] if at + 1 < len(falling) else np.nextafter(falling[at], -np.inf)
    middle = (falling[at] + below) / 2
    return float(middle if middle < falling[at] else below)


def ranking_to_csr(indices: Array, values: Array, n_labels: int) -> sp.csr_matrix:
    """Store the values of ranked labels as n x L, columns rising, zeros kept."""
    known = indices >= 0
    order = np.argsort(np.where(known, indices, n_labels), axis=1, kind="stable")
    rows = np.arange(len(indices))[:, None]
    indices, values, known = indices[rows, order], values[rows, order], known[rows, order]
    indptr = np.zeros(len(indices) + 1, indices.dtype)
    np.cumsum(known.sum(1), out=indptr[1:])
    shape = (len(indices), n_labels)
    return sp.csr_matrix((values[known], indices[known], indptr), shape=shape)
