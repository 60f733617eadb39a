"""Held-out labels as they would be if labels were independent, both margins kept."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp

from nnae import _core
from nnae._label_pairs import presence

_ROUNDS = 20  # trades of every row; the counts of pairs no longer change from there on


def shuffled_labels(
    Y: sp.csr_matrix, repeats: int, draws: np.random.Generator, n_threads: int
) -> Iterable[sp.csr_matrix]:
    """Yield shuffles of Y in which every row and every label keeps its number (curveball)."""
    matrix = sp.csr_matrix(presence(Y))
    matrix.sum_duplicates()
    matrix.sort_indices()
    ones = np.ones(matrix.nnz)
    for seed in draws.integers(0, 2**63 - 1, repeats).tolist():
        indices = matrix.indices.copy()
        _core.curveball(matrix.indptr, indices, matrix.shape[1], _ROUNDS, seed, n_threads)
        yield sp.csr_matrix((ones, indices, matrix.indptr), shape=matrix.shape)
