"""What many hierarchies of the same labels agree on: consensus matrices and one hierarchy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import cophenet, fcluster, linkage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import squareform

from nnae._stability_fits import Fit
from nnae._threads import one_blas_thread
from nnae.hierarchy import LabelHierarchy

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def consensus_of(clusters: list[Integers]) -> Floats:
    """Return the share of fits that put each pair of labels together, condensed."""
    m = len(clusters[0])
    together = np.zeros(m * (m - 1) // 2)
    for part in clusters:
        start = 0
        for i in range(m - 1):
            if part[i] >= 0:
                together[start : start + m - i - 1] += part[i + 1 :] == part[i]
            start += m - i - 1
    return together / len(clusters)


def consensus_tree(consensus: Floats) -> tuple[Floats, float]:
    """Return average linkage on 1 - consensus and its cophenetic correlation with it."""
    tree = np.asarray(linkage(1.0 - consensus, "average"), np.float64)
    heights = np.asarray(cophenet(tree), np.float64)
    if np.ptp(consensus) == 0 or np.ptp(heights) == 0:
        return tree, 1.0 if np.allclose(heights, 1.0 - consensus) else 0.0
    return tree, float(np.corrcoef(heights, 1.0 - consensus)[0, 1])


class Consensus:
    """Layers of the hierarchy on which fits agree.

    Level 1 cuts the consensus tree into as many clusters as the fits have in the median; level
    l + 1 merges those of level l by average linkage on ``1 - (mean consensus of level l + 1 between
    their labels)``. Layer 1 gives label j to cluster p by the mean share of fits that put j
    together with p's labels, times its positives; layer l + 1 likewise.
    """

    def __init__(self, fits: list[Fit], tree: Floats, kept: Integers, counts: Integers) -> None:
        depth = len(fits[0].clusters)
        self.weights: list[Floats] = []
        members: Integers = np.empty(0, np.int64)  # cluster of each kept label at this level
        for level in range(depth):
            clusters = [fit.clusters[level] for fit in fits]
            seen = [part[kept] for part in clusters]
            width = int(np.median([len(np.unique(part[part >= 0])) for part in seen]))
            if level == 0:
                members = fcluster(tree, max(width, 1), "maxclust").astype(np.int64) - 1
                near = _nearness(members, seen, clusters)
                self.weights.append(_shares(near) * counts)
                continue
            below = members
            above = _merge(below, seen, max(width, 1))
            members = above[below]
            near = _nearness(members, seen, seen)
            sizes = np.bincount(below)
            of_cluster = np.stack([np.bincount(below, row, len(sizes)) / sizes for row in near])
            self.weights.append(_shares(of_cluster))

    def hierarchy(self, names: list[str], counts: Integers, frequencies: object) -> LabelHierarchy:
        """Build it; `frequencies` are None or, like the layers, shares of fits with an edge."""
        return LabelHierarchy.from_weights(
            self.weights,
            [np.ones(len(layer)) for layer in self.weights],
            names,
            label_counts=counts,
            edge_frequencies=frequencies,  # type: ignore[arg-type]
        )


def _tables(members: Integers, seen: list[Integers]) -> list[Floats]:
    """Return for each fit the share of every cluster's labels in each of the fit's clusters."""
    n = int(members.max()) + 1
    sizes = np.bincount(members, minlength=n)[:, None]
    tables = []
    for part in seen:
        table = np.zeros((n, int(part.max(initial=-1)) + 2))
        np.add.at(table, (members, part), 1.0)  # -1, no cluster, is the last column
        table[:, -1] = 0.0
        tables.append(table / sizes)
    return tables


def _nearness(members: Integers, seen: list[Integers], clusters: list[Integers]) -> Floats:
    """Return the mean consensus of each label with the labels of every cluster."""
    near = np.zeros((int(members.max()) + 1, len(clusters[0])))
    for table, part in zip(_tables(members, seen), clusters, strict=True):
        widest = table.shape[1] - 1
        near += table[:, np.where((part >= 0) & (part < widest), part, widest)]
    return near / len(clusters)


def _merge(below: Integers, seen: list[Integers], width: int) -> Integers:
    n = int(below.max()) + 1
    if n == 1:
        return np.zeros(1, np.int64)
    with one_blas_thread():
        near = sum(table @ table.T for table in _tables(below, seen)) / len(seen)
    apart = np.clip(1.0 - near, 0.0, 1.0)
    np.fill_diagonal(apart, 0.0)
    condensed = squareform((apart + apart.T) / 2, checks=False)
    merged = fcluster(linkage(condensed, "average"), min(width, n), "maxclust")
    return np.asarray(merged, np.int64) - 1


def _shares(near: Floats) -> Floats:
    total = near.sum(axis=0)
    return np.asarray(near / np.where(total > 0, total, 1.0), np.float64)


def cosines(one: Fit, two: Fit, level: int) -> Floats:
    """Return the cosines of the concepts of two fits."""
    with one_blas_thread():
        return np.asarray(one.concepts[level - 1] @ two.concepts[level - 1].T, np.float64)


def recurrence(first: Fit, others: list[Fit]) -> Floats:
    """Return in what share of other fits each edge of the first is, concepts matched by cosine."""
    found = np.full(len(first.edges), 0.0 if others else np.nan)
    for fit in others:
        same = []  # own concept -> the first fit's, level by level
        for level in range(1, len(first.concepts) + 1):
            p, q = linear_sum_assignment(cosines(first, fit, level), maximize=True)
            same.append(dict(zip(q.tolist(), p.tolist(), strict=True)))
        mapped = {
            (level, same[level - 1].get(p, -1), q if level == 1 else same[level - 2].get(q, -1))
            for level, p, q in fit.edges.tolist()
        }
        found += np.array([tuple(edge) in mapped for edge in first.edges.tolist()], np.float64)
    return found / max(len(others), 1)


def frequencies_of(fit: Fit, shares: Floats, weights: list[Floats]) -> list[Floats]:
    """Put the recurrence of edges into matrices like the layers."""
    found = [np.zeros(layer.shape) for layer in weights]
    for (level, p, q), share in zip(fit.edges.tolist(), shares.tolist(), strict=True):
        found[level - 1][p, q] = share
    return found
