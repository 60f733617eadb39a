"""How well a tree matches a given grouping of its labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from nnae.auditing._trees import AuditedTree, Dendrogram, Floats, Integers


def read_groups(taxonomy: Any, labels: list[str]) -> Integers:
    """Return the number of each label's group, -1 for none (None, NaN, or not in a dict)."""
    if isinstance(taxonomy, pd.Series):
        taxonomy = taxonomy.to_dict()
    if isinstance(taxonomy, dict):
        known = [label for label in labels if label in taxonomy]
        if not known:
            raise ValueError("taxonomy must name labels of the hierarchy; it names none of them")
        groups = np.array([taxonomy.get(label) for label in labels], dtype=object)
    else:
        groups = np.asarray(taxonomy, dtype=object)
    if groups.ndim != 1:
        raise ValueError(
            "taxonomy must give one group a label, as an array or a dict from name to group; "
            f"got shape {groups.shape}"
        )
    if len(groups) != len(labels):
        raise ValueError(f"the hierarchy has {len(labels)} labels, taxonomy has {len(groups)}")
    codes = np.asarray(pd.factorize(groups, use_na_sentinel=True)[0], np.int64)
    sizes = np.bincount(codes[codes >= 0]) if (codes >= 0).any() else np.zeros(1)
    if len(sizes) < 2 or sizes.max() < 2:
        raise ValueError(
            "taxonomy must have at least two groups and one with two labels; got "
            f"{int((sizes > 0).sum())} groups, the largest of {int(sizes.max())}"
        )
    return codes


def dendrogram_purity(
    dendrogram: Dendrogram, groups: Integers, weights: Floats | None = None
) -> tuple[float, float]:
    """Return dendrogram purity averaged over pairs of a group, and averaged over groups.

    A pair's purity is the share of its group among the leaves below its lowest common ancestor.
    Leaves without a group (-1) count nowhere.

    Parameters
    ----------
    dendrogram : Dendrogram
        Over L leaves.
    groups : ndarray of int, (L,)
        Group of each leaf.
    weights : ndarray, optional
        Weight of each leaf; a pair weighs the product of its leaves'.

    Notes
    -----
    Every merge brings together the pairs across its two sides: costs L times groups. Source:
    Heller and Ghahramani (2005).
    """
    n_groups = int(groups.max()) + 1
    mass = np.ones(len(groups)) if weights is None else weights
    known = groups[dendrogram.order] >= 0
    place = np.flatnonzero(known)
    leaves = dendrogram.order[place]
    sums = np.zeros((len(groups) + 1, n_groups))
    sums[place + 1, groups[leaves]] = mass[leaves]
    np.cumsum(sums, axis=0, out=sums)
    start, middle, end = (sums[at] for at in (dendrogram.start, dendrogram.middle, dendrogram.end))
    inside = end - start
    size = inside.sum(axis=1, keepdims=True)
    across = (middle - start) * (end - middle)
    pairs = across.sum(axis=0)
    pure = (across * inside / np.where(size > 0, size, 1.0)).sum(axis=0)
    of_pairs = float(pure.sum() / pairs.sum()) if pairs.sum() > 0 else np.nan
    some = pairs > 0
    of_groups = float((pure[some] / pairs[some]).mean()) if some.any() else np.nan
    return of_pairs, of_groups


def ancestor_f1(concepts: sp.csr_matrix, groups: Integers, weights: Floats | None = None) -> float:
    """Return F1 of the pairs (label, ancestor), concepts matched to groups one to one.

    Concepts are assigned so that the sum of the matches' Dice coefficients is largest; then
    ``2 shared / (labels below matched concepts + labels of groups)``, labels with a group only.
    """
    mass = np.ones(len(groups)) if weights is None else weights
    known = np.flatnonzero(groups >= 0)
    shape = (len(groups), int(groups.max()) + 1)
    member = sp.csr_matrix((mass[known], (known, groups[known])), shape=shape)
    shared = (concepts @ member).toarray()
    sizes = np.asarray(member.sum(axis=0)).ravel()
    below = shared.sum(axis=1)
    both = below[:, None] + sizes[None, :]
    dice = 2 * shared / np.where(both > 0, both, 1.0)
    p, g = linear_sum_assignment(dice, maximize=True)
    total = below[p].sum() + sizes.sum()
    return float(2 * shared[p, g].sum() / total) if total > 0 else np.nan


def fowlkes_mallows(clusters: Integers, groups: Integers, weights: Floats | None = None) -> float:
    """Return ``TP / sqrt((TP + FP)(TP + FN))`` over pairs of labels with a group.

    Source: Fowlkes and Mallows (1983).
    """
    known = np.flatnonzero(groups >= 0)
    mass = np.ones(len(known)) if weights is None else weights[known]
    cluster = np.unique(clusters[known], return_inverse=True)[1]
    single = float((mass**2).sum())
    cell = np.unique(cluster * (int(groups.max()) + 1) + groups[known], return_inverse=True)[1]
    squares = [
        float((np.bincount(part, mass) ** 2).sum()) - single
        for part in (cell, cluster, groups[known])
    ]
    below = squares[1] * squares[2]
    return squares[0] / float(np.sqrt(below)) if below > 0 else 0.0


def taxonomy_values(
    tree: AuditedTree, groups: Integers, weights: Floats | None = None
) -> dict[str, float]:
    """Return every taxonomy metric of a tree."""
    of_pairs, of_groups = dendrogram_purity(tree.dendrogram, groups, weights)
    values = {
        "dendrogram_purity": of_pairs,
        "dendrogram_purity_by_group": of_groups,
        "ancestor_f1": ancestor_f1(tree.concepts, groups, weights),
    }
    for depth, clusters in enumerate(tree.levels, start=1):
        values[f"fowlkes_mallows_level_{depth}"] = fowlkes_mallows(clusters, groups, weights)
    return values
