"""From scores to label sets: one threshold for all labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae._codes import Array


def hits_of(Y: Any, indices: Array) -> Array:
    """Return 1.0 where a ranked label is true, else 0.0 (n x k); -1 is never true."""
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])
    columns = np.maximum(indices.ravel(), 0)
    found = np.asarray(Y[rows, columns]).ravel() > 0
    return np.asarray(found.reshape(indices.shape) & (indices >= 0), dtype=float)


def best_f1_threshold(Y: Any, indices: Array, scores: Array) -> float:
    """Return the score above which labels are predicted for the largest micro F1.

    ``indices`` and ``scores`` rank labels of rows whose truth is Y; labels that are not ranked
    count as not predicted. Halfway between the last score taken and the next one.
    """
    known = indices.ravel() >= 0
    flat, hits = scores.ravel()[known], hits_of(Y, indices).ravel()[known]
    if not hits.any():
        return float(flat.max()) if len(flat) else 0.0
    order = np.argsort(-flat, kind="stable")
    flat, hits = flat[order].astype(np.float64), hits[order]
    last_of_ties = np.append(flat[1:] < flat[:-1], True)
    f1 = 2 * np.cumsum(hits) / (np.arange(1, len(flat) + 1) + Y.nnz)
    at = int(np.argmax(np.where(last_of_ties, f1, -1.0)))
    below = flat[at + 1] if at + 1 < len(flat) else np.nextafter(flat[at], -np.inf)
    return float((flat[at] + below) / 2)


def cardinality_threshold(scores: Array, n_labels: int) -> float:
    """Return the score above which as many labels are predicted as there are in truth."""
    flat = np.sort(scores[np.isfinite(scores)].astype(np.float64))[::-1]
    if len(flat) == 0 or n_labels == 0:
        return float(flat[0]) if len(flat) else 0.0
    at = min(n_labels, len(flat)) - 1
    below = flat[at + 1] if at + 1 < len(flat) else np.nextafter(flat[at], -np.inf)
    return float((flat[at] + below) / 2)


def ranking_to_csr(indices: Array, values: Array, n_labels: int) -> sp.csr_matrix:
    """Store the values of ranked labels as n x L, columns rising, zeros kept."""
    known = indices >= 0
    order = np.argsort(np.where(known, indices, n_labels), axis=1, kind="stable")
    indices, values, known = (np.take_along_axis(M, order, 1) for M in (indices, values, known))
    indptr = np.concatenate([[0], np.cumsum(known.sum(1))])
    shape = (len(indices), n_labels)
    return sp.csr_matrix((values[known], indices[known], indptr), shape=shape)
