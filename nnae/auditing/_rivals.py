"""Trees that anyone could build, cut to as many clusters a level as the audited one."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.cluster.hierarchy import linkage
from sklearn.preprocessing import normalize

from nnae._label_pairs import cooccurrence, count_labels, presence
from nnae._threads import one_blas_thread
from nnae.auditing._halving import balanced_kmeans
from nnae.auditing._trees import AuditedTree, Floats

MOST_LABELS = 5000  # condensed distances of more would fill memory
_BLOCK = 256


def npmi_linkage(Y: sp.csr_matrix, n_threads: int) -> Floats:
    """Merge labels by average linkage on 1 - NPMI; pairs never seen together have NPMI -1."""
    n, L = Y.shape
    counts = sp.triu(cooccurrence(Y, n_threads), 1).tocoo()
    margins = count_labels(Y).astype(np.float64)
    joint = counts.data / n
    lift = np.log(joint * n * n / (margins[counts.row] * margins[counts.col]))
    npmi = lift / np.maximum(-np.log(joint), 1e-12)
    distances = np.full(L * (L - 1) // 2, 2.0)
    row, column = counts.row.astype(np.int64), counts.col.astype(np.int64)
    place = L * row - row * (row + 1) // 2 + column - row - 1
    distances[place] = np.clip(1.0 - npmi, 0.0, 2.0)
    return np.asarray(linkage(distances, "average"), np.float64)


def mean_features(X: Any, Y: sp.csr_matrix) -> sp.csr_matrix:
    """Return the mean features of every label's examples at length one."""
    rows = sp.csr_matrix(X, dtype=np.float64)
    return sp.csr_matrix(normalize(sp.csr_matrix(presence(Y).T @ rows)))


def feature_linkage(X: Any, Y: sp.csr_matrix) -> Floats:
    """Merge labels by average linkage on the cosine distance of their mean features."""
    means = mean_features(X, Y)
    L = Y.shape[1]
    distances = np.empty(L * (L - 1) // 2)
    with one_blas_thread():
        for start in range(0, L, _BLOCK):
            part = means[start : start + _BLOCK]
            near = np.asarray((part @ means.T).todense())
            for offset in range(part.shape[0]):
                i = start + offset
                first = L * i - i * (i + 1) // 2
                distances[first : first + L - i - 1] = 1.0 - near[offset, i + 1 :]
    return np.asarray(linkage(np.clip(distances, 0.0, 2.0), "average"), np.float64)


def build_rivals(Y: sp.csr_matrix, X: Any, widths: list[int], n_threads: int) -> list[AuditedTree]:
    """Return the rivals that these rows allow; none for fewer than two labels or too many."""
    if not 2 <= Y.shape[1] <= MOST_LABELS:
        return []
    rivals = [AuditedTree.of_linkage("npmi_linkage", npmi_linkage(Y, n_threads), widths)]
    if X is not None:
        rivals.append(AuditedTree.of_linkage("feature_linkage", feature_linkage(X, Y), widths))
    vectors = normalize(cooccurrence(Y, n_threads)) if X is None else mean_features(X, Y)
    halves = balanced_kmeans(sp.csr_matrix(vectors))
    rivals.append(AuditedTree.of_linkage("balanced_kmeans", halves, widths))
    return rivals
