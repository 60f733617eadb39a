"""A planted tree of labels with known weights, and what a tree of labels must satisfy."""

import networkx as nx
import numpy as np
from scipy.cluster.hierarchy import is_valid_linkage, to_tree

GROUPS, TOPICS = np.arange(72) // 6, np.arange(72) // 24


def planted(noise=0.02, seed=0):
    """3 topics, 12 groups, 72 labels, every weight different, a little of everything elsewhere."""
    draws = np.random.default_rng(seed)
    W1 = (np.arange(12)[:, None] == GROUPS) * draws.uniform(0.5, 1.5, (12, 72))
    W2 = (np.arange(3)[:, None] == np.arange(12) // 4) * draws.uniform(0.5, 1.5, (3, 12))
    W1 += noise * draws.random(W1.shape)
    W2 += noise * draws.random(W2.shape)
    masses = [draws.uniform(1, 3, 12), draws.uniform(1, 3, 3)]
    names = [f"label{j}" for j in range(72)]
    return [W1, W2], masses, names


def leaf_sets(hierarchy):
    """Map each concept of the tree to the set of labels below it."""
    tree = hierarchy.tree()
    return {
        node: frozenset(n for n in nx.descendants(tree, node) if tree.nodes[n]["kind"] == "label")
        for node in tree
        if tree.nodes[node]["kind"] == "concept"
    }


def clades(matrix):
    sets = set()
    _, nodes = to_tree(matrix, rd=True)
    for node in nodes:
        sets.add(frozenset(node.pre_order()))
    return sets


def assert_refines(hierarchy):
    """Check the linkage: valid, monotone, and every concept a clade of it."""
    matrix = hierarchy.to_linkage()
    assert matrix.shape == (len(hierarchy.labels) - 1, 4)
    assert is_valid_linkage(matrix)
    assert (np.diff(matrix[:, 2]) >= 0).all()
    column = {label: j for j, label in enumerate(hierarchy.labels)}
    found = clades(matrix)
    for members in leaf_sets(hierarchy).values():
        assert frozenset(column[label] for label in members) in found
