"""A tree of labels that resemble each other, from all the evidence that can be trusted.

Distances of each kind of evidence (see `nnae._label_evidence`) are divided by their mean and added
up; Ward's method merges. Sums of ``1 - cosine`` are half the squared distances of unit vectors put
side by side, which is what Ward's method wants.

Which evidence to trust is a property of the data. Every kind builds a tree of its own on three
quarters of the rows; cut into K clusters, it is judged by how much the other quarter confirms: the
mean of ``log2 p(c | f) / p(c)`` over cluster c of a label and, beside it in a row, another label or
a feature f (Brown's mutual information, held out). The best kind has weight 1, one with 0.7
of its bits or fewer 0, in between they are proportional. No grouping of the labels is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from nnae._label_evidence import code_distances, company_distances, feature_distances
from nnae._label_pairs import cooccurrence, presence
from nnae._sparse_input import check_indices

Array = npt.NDArray[Any]
Kind = Callable[[sp.csr_matrix, Any], Array]

#: Square distances of more labels would fill memory.
MOST_LABELS = 5000
STARTS = 4
CUTS = (8, 16, 32, 64)
#: Share of the best kind's bits at which a kind counts for nothing; set on planted labels whose
#: features tell another grouping.
WORTHLESS = 0.7
_PRIOR = 5.0


@dataclass(frozen=True)
class Resemblance:
    """Ward's tree over all labels in column order, and what it is made of.

    Attributes
    ----------
    linkage : ndarray, (L - 1, 4)
        scipy's; labels without positives join last.
    evidence : dict of str to dict
        For each kind its "weight" in the distances and the "bits" that held-out rows confirm of
        its own tree (0 where there were too few rows to hold any out).
    """

    linkage: Array
    evidence: dict[str, dict[str, float]]


def resemblance(
    Y: sp.csr_matrix, X: sp.csr_matrix | None, *, seed: int = 0, n_threads: int = 1
) -> Resemblance:
    """Build the tree.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L)
        Labels; presence counts.
    X : csr_matrix of shape (n, d) or None
        Features, non-negative, rows of length one.
    seed : int
        Of the models' starts and of the rows that are held out.
    n_threads : int
        The result is the same for any number.

    Raises
    ------
    ValueError
        For more than 5,000 labels.

    Notes
    -----
    Costs L^2 numbers for each kind of evidence and the models of 64 concepts.
    """
    check_indices(X, "X")
    if Y.shape[1] > MOST_LABELS:
        raise ValueError(
            f"trees of resemblance need at most {MOST_LABELS:,} labels; got {Y.shape[1]:,}"
        )
    Y = presence(Y).astype(Y.dtype)
    placed = np.flatnonzero(np.bincount(Y.indices, minlength=Y.shape[1]))
    known = sp.csr_matrix(Y[:, placed])
    draws = np.random.RandomState(seed)
    seeds = draws.randint(2**31 - 1, size=STARTS).tolist()
    if len(placed) < 3:
        alone = ward_tree(np.ones((len(placed), len(placed))))
        return Resemblance(_join_last(alone, placed, Y.shape[1]), {})
    bits = _heldout_bits(known, X, _kinds(X is not None, seeds[:1], n_threads), draws, n_threads)
    weights = _trust(bits, _kinds(X is not None, [], n_threads))
    kinds = _kinds(X is not None, seeds, n_threads)
    total = np.zeros((len(placed), len(placed)))
    for name, weight in weights.items():
        if weight > 0:
            total += weight * _scaled(kinds[name](known, X))
    evidence = {
        name: {"weight": weight, "bits": bits.get(name, 0.0)} for name, weight in weights.items()
    }
    return Resemblance(_join_last(ward_tree(total), placed, Y.shape[1]), evidence)


def _trust(bits: dict[str, float], kinds: dict[str, Kind]) -> dict[str, float]:
    """Return weights of sum one: from 1 for the best kind down to 0 for `WORTHLESS` of its bits."""
    best = max(bits.values(), default=0.0)
    if best <= 0:
        return {name: 1 / len(kinds) for name in kinds}
    raw = {name: max(0.0, (bits[name] / best - WORTHLESS) / (1 - WORTHLESS)) for name in kinds}
    return {name: value / sum(raw.values()) for name, value in raw.items()}


def _kinds(with_features: bool, seeds: list[int], n_threads: int) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {
        "company": lambda Y, X: company_distances(Y, n_threads),
        "codes": lambda Y, X: code_distances(Y, X, seeds, n_threads),
    }
    if with_features:
        kinds["features"] = feature_distances
    return kinds


def _heldout_bits(
    Y: sp.csr_matrix,
    X: sp.csr_matrix | None,
    kinds: dict[str, Kind],
    draws: np.random.RandomState,
    n_threads: int,
) -> dict[str, float]:
    """Return for each kind the bits of its tree, averaged over the cuts; empty for few rows."""
    order = draws.permutation(Y.shape[0])
    n_held = Y.shape[0] // 4
    cuts = [cut for cut in CUTS if cut <= Y.shape[1] // 2] or [max(2, Y.shape[1] // 2)]
    if n_held < 2:
        return {}
    held, kept = np.sort(order[:n_held]), np.sort(order[n_held:])
    judge = Judge(Y, X, kept, held, n_threads)
    Y_fit = sp.csr_matrix(Y[kept])
    X_fit = None if X is None else sp.csr_matrix(X[kept])
    found = {}
    for name, kind in kinds.items():
        tree = ward_tree(kind(Y_fit, X_fit))
        found[name] = float(np.mean([judge.bits(cut_tree(tree, cut)) for cut in cuts]))
    return found


class Judge:
    """Held-out mutual information of clusters of labels with what stands beside them in a row."""

    def __init__(
        self, Y: sp.csr_matrix, X: sp.csr_matrix | None, kept: Array, held: Array, n_threads: int
    ) -> None:
        self._margins = np.bincount(Y[kept].indices, minlength=Y.shape[1]).astype(np.float64)
        self._views = []
        pairs = [_beside(sp.csr_matrix(Y[rows]), n_threads) for rows in (kept, held)]
        self._views.append((pairs[0], pairs[1]))
        if X is not None:
            ones = presence(Y)
            parts = [_share_rows(X[rows]).T @ ones[rows] for rows in (kept, held)]
            self._views.append((sp.csr_matrix(parts[0]), sp.csr_matrix(parts[1])))

    def bits(self, clusters: Array) -> float:
        """Return the sum over both views of the mean of log2 p(c | f) / p(c)."""
        L = len(clusters)
        member = sp.csr_matrix(
            (np.ones(L), (np.arange(L), clusters)), shape=(L, int(clusters.max()) + 1)
        )
        base = np.asarray(self._margins @ member).ravel() + 0.5
        base /= base.sum()
        total = 0.0
        for kept, held in self._views:
            seen = np.asarray((kept @ member).todense())
            given = (seen + _PRIOR * base) / (seen.sum(axis=1, keepdims=True) + _PRIOR)
            tested = np.asarray((held @ member).todense())
            if tested.sum() > 0:
                total += float((tested * np.log2(given / base)).sum() / tested.sum())
        return total


def _beside(Y: sp.csr_matrix, n_threads: int) -> sp.csr_matrix:
    """Count other labels beside each label."""
    counts = cooccurrence(Y, n_threads)
    counts.setdiag(0)
    counts.eliminate_zeros()
    return counts


def _share_rows(X: Any) -> sp.csr_matrix:
    rows = sp.csr_matrix(X, dtype=np.float64)
    total = np.asarray(rows.sum(axis=1)).ravel()
    scale = np.repeat(np.where(total > 0, total, 1.0), np.diff(rows.indptr))
    return sp.csr_matrix((rows.data / scale, rows.indices, rows.indptr), rows.shape)


def _scaled(distances: Array) -> Array:
    n = len(distances)
    mean = distances.sum() / max(n * (n - 1), 1)
    return np.asarray(distances / mean) if mean > 0 else distances


def ward_tree(distances: Array) -> Array:
    """Merge by Ward's method; distances stand for squares."""
    if len(distances) < 2:
        return np.zeros((0, 4))
    condensed = squareform(distances, checks=False)
    np.sqrt(condensed, out=condensed)
    return np.asarray(linkage(condensed, "ward"), np.float64)


def cut_tree(matrix: Array, n_clusters: int) -> Array:
    """Return the cluster of each leaf before the last n_clusters - 1 merges (fewer for ties)."""
    found = fcluster(matrix, n_clusters, "maxclust")
    return np.asarray(np.unique(found, return_inverse=True)[1], np.int64)


def _join_last(matrix: Array, placed: Array, n_labels: int) -> Array:
    """Number leaves by columns and let labels without positives join at the top."""
    m = len(placed)
    number = np.concatenate([placed, n_labels + np.arange(max(m - 1, 0))]).astype(np.float64)
    rows = matrix.copy()
    for column in (0, 1):
        rows[:, column] = number[matrix[:, column].astype(np.int64)]
    rows[:, :2].sort(axis=1)
    top = float(matrix[-1, 2]) if len(matrix) else 0.0
    absent = np.setdiff1d(np.arange(n_labels), placed)
    extra = []
    last = number[-1] if m else float(absent[0])
    for at, j in enumerate(absent[0 if m else 1 :]):
        new = n_labels + max(m - 1, 0) + at
        extra.append((min(j, last), max(j, last), top * 1.1 + 1.0, float(max(m, 1) + at + 1)))
        last = float(new)
    if extra:
        rows = np.concatenate([rows, np.array(extra)])
    return rows
