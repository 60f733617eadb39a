"""A binary tree of labels as layers: its clusters at given widths, each with its labels' mass.

Concept p of level l is a cluster before the last ``width - 1`` merges of the placed labels. Its
weights are the masses of its children, so that shares are 0 or 1 and contributions add up masses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnae.hierarchy._contributions import Floats, Integers


def clade_layers(
    linkage: Floats, widths: Sequence[int], mass: Floats
) -> tuple[list[Floats], list[Floats]]:
    """Cut a linkage matrix into layers.

    Parameters
    ----------
    linkage : ndarray, (L - 1, 4)
        Over all labels in column order; labels without mass join last.
    widths : sequence of int
        Concepts of every level, falling; a level has fewer where there are not enough labels.
    mass : ndarray, (L,)
        Positives of each label.

    Returns
    -------
    (list of ndarray, list of ndarray)
        W_1 (k_1 x L), W_2 (k_2 x k_1), ..., rows of sum one, and the mass of every concept. Widths
        that would repeat the level below are left out.
    """
    below, below_mass = np.arange(len(mass)), np.asarray(mass, np.float64)
    weights, masses = [], []
    for depth, members in enumerate(clusters_at(linkage, widths, mass)):
        parent = np.full(len(below_mass), -1)
        parent[below[members >= 0]] = members[members >= 0]
        k = max(1, int(members.max()) + 1)  # one empty concept where no label has positives
        if depth and k >= len(below_mass):
            continue
        kept = np.flatnonzero(parent >= 0)
        layer = np.zeros((k, len(below_mass)))
        layer[parent[kept], kept] = below_mass[kept]
        total = layer.sum(axis=1)
        weights.append(layer / np.where(total > 0, total, 1.0)[:, None])
        masses.append(total)
        below, below_mass = members, total
    return weights, masses


def clusters_at(linkage: Floats, widths: Sequence[int], mass: Floats) -> list[Integers]:
    """Return for each width the cluster of every label; -1 for labels without mass."""
    n_labels = len(mass)
    n_placed = int(np.count_nonzero(mass))
    found = []
    cluster = np.arange(2 * n_labels - 1)
    done = 0
    for width in widths:
        last = max(done, n_placed - max(1, min(width, n_placed)))
        for row in range(done, last):
            cluster[linkage[row, :2].astype(np.int64)] = n_labels + row
        done = last
        place = _roots(cluster, n_labels)
        numbers = np.unique(place[mass > 0], return_inverse=True)[1]
        members = np.full(n_labels, -1)
        members[mass > 0] = numbers
        found.append(members)
    return found


def _roots(cluster: Integers, n_labels: int) -> Integers:
    """Follow every leaf to the last merge that it is part of."""
    place = np.arange(n_labels)
    while True:
        above = cluster[place]
        if (above == place).all():
            return place
        place = above


def level_heights(linkage: Floats, widths: Sequence[int], mass: Floats) -> Floats:
    """Give merges inside a concept of level l heights in (l - 1, l], as `to_linkage` promises.

    Those above the last level lie in (D, D + 1]; labels without mass join at D + 2.
    """
    n_placed = int(np.count_nonzero(mass))
    ends = [max(0, n_placed - max(1, min(width, n_placed))) for width in widths]
    ends = [*np.maximum.accumulate(ends).tolist(), max(n_placed - 1, 0)]
    matrix = linkage.copy()
    start = 0
    for level, end in enumerate(ends):
        own = linkage[start:end, 2]
        if len(own):
            spread = own[-1] - own[0]
            part = (own - own[0]) / spread if spread > 0 else np.ones(len(own))
            matrix[start:end, 2] = level + 0.1 + 0.9 * part
        start = end
    matrix[start:, 2] = len(widths) + 2.0
    return matrix
