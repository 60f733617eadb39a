"""How well a tree matches a given taxonomy of its labels."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from nnae.auditing._groups import Taxonomy
from nnae.auditing._trees import AuditedTree, Dendrogram, Floats, Integers


def dendrogram_purity(
    dendrogram: Dendrogram, groups: Integers, weights: Floats | None = None
) -> tuple[float, float]:
    """Return dendrogram purity averaged over pairs of a group, and averaged over groups.

    See `purity_by_group`; NaN where no group has two leaves.
    """
    pure, pairs = purity_by_group(dendrogram, groups, weights)
    of_pairs = float(pure.sum() / pairs.sum()) if pairs.sum() > 0 else np.nan
    some = pairs > 0
    of_groups = float((pure[some] / pairs[some]).mean()) if some.any() else np.nan
    return of_pairs, of_groups


def purity_by_group(
    dendrogram: Dendrogram, groups: Integers, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Return the summed purity of each group's pairs, and the number (weight) of those pairs.

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
    return pure, pairs


def ancestor_and_edge_f1(
    tree: AuditedTree, taxonomy: Taxonomy, weights: Floats | None = None
) -> tuple[float, float]:
    """Return F1 of the pairs (label, ancestor) and of the edges to parents.

    Concepts are assigned to groups one to one so that the sum of the matches' Dice coefficients is
    largest. Ancestors: ``2 shared / (labels below matched concepts + labels of groups)``, labels
    with a group only. Edges: from labels to their parents and, where the taxonomy has levels, from
    groups to coarser groups; an edge is shared when both of its ends match. A flat taxonomy is not
    held against the tree's upper levels.
    """
    known = np.flatnonzero(taxonomy.groups >= 0)
    mass = np.ones(len(taxonomy.groups)) if weights is None else weights
    member = sp.csr_matrix(sp.diags(mass) @ taxonomy.member)
    shared = (tree.concepts @ member).toarray()
    sizes = np.asarray(member.sum(axis=0)).ravel()
    below = np.asarray(tree.concepts[:, known] @ mass[known]).ravel()
    both = below[:, None] + sizes[None, :]
    dice = 2 * shared / np.where(both > 0, both, 1.0)
    p, g = linear_sum_assignment(dice, maximize=True)
    total = below[p].sum() + sizes.sum()
    ancestors = float(2 * shared[p, g].sum() / total) if total > 0 else np.nan
    match = np.full(tree.concepts.shape[0] + 1, -2)  # the last: no concept
    match[p] = np.where(shared[p, g] > 0, g, -2)
    label_parent, concept_parent = tree.hangs
    right = mass[known][match[label_parent[known]] == taxonomy.groups[known]].sum()
    edges = mass[known].sum() + mass[known][label_parent[known] >= 0].sum()
    coarser = np.flatnonzero(taxonomy.above >= 0)
    if len(coarser):
        inner = np.flatnonzero((concept_parent >= 0) & (below > 0))
        meets = (match[inner] >= 0) & (match[concept_parent[inner]] >= 0)
        child, parent = match[inner[meets]], match[concept_parent[inner[meets]]]
        right += (taxonomy.above[child] == parent).sum()
        edges += len(coarser) + len(inner)
    return ancestors, float(2 * right / edges) if edges > 0 else np.nan


def triplet_accuracy(
    tree: AuditedTree, taxonomy: Taxonomy, weights: Floats | None = None
) -> tuple[float, float]:
    """Return the share of right triples among those that the tree resolves, and their share.

    A triple is right when i and j meet below the level where they meet k; it is not resolved when
    all three meet at one level.
    """
    i, j, k = taxonomy.triples.T
    mass = np.ones(len(i)) if weights is None else weights[i] * weights[j] * weights[k]
    ij, ik, jk = tree.lca(i, j), tree.lca(i, k), tree.lca(j, k)
    resolved = mass * ~((ij == ik) & (ij == jk))
    right = mass * (ij < np.minimum(ik, jk))
    if mass.sum() <= 0:
        return np.nan, np.nan
    accuracy = float(right.sum() / resolved.sum()) if resolved.sum() > 0 else np.nan
    return accuracy, float(resolved.sum() / mass.sum())


def cophenetic_correlation(
    tree: AuditedTree, taxonomy: Taxonomy, weights: Floats | None = None
) -> float:
    """Correlate how near pairs are in the tree and in the taxonomy (groups shared)."""
    a, b = taxonomy.pairs.T
    mass = np.ones(len(a)) if weights is None else weights[a] * weights[b]
    if mass.sum() <= 0:
        return np.nan
    near, given = -tree.lca(a, b).astype(np.float64), taxonomy.shared
    near, given = near - np.average(near, weights=mass), given - np.average(given, weights=mass)
    spread = np.sqrt((mass * near**2).sum() * (mass * given**2).sum())
    return float((mass * near * given).sum() / spread) if spread > 0 else np.nan


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
    tree: AuditedTree, taxonomy: Taxonomy, weights: Floats | None = None
) -> dict[str, float]:
    """Return every taxonomy metric of a tree."""
    groups = taxonomy.groups
    of_pairs, of_groups = dendrogram_purity(tree.dendrogram, groups, weights)
    ancestors, edges = ancestor_and_edge_f1(tree, taxonomy, weights)
    accuracy, coverage = triplet_accuracy(tree, taxonomy, weights)
    values = {
        "dendrogram_purity": of_pairs,
        "dendrogram_purity_by_group": of_groups,
        "ancestor_f1": ancestors,
        "edge_f1": edges,
        "triplet_accuracy": accuracy,
        "triplet_coverage": coverage,
        "cophenetic_correlation": cophenetic_correlation(tree, taxonomy, weights),
    }
    for depth, clusters in enumerate(tree.levels, start=1):
        values[f"fowlkes_mallows_level_{depth}"] = fowlkes_mallows(clusters, groups, weights)
    return values
