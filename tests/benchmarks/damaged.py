"""A tree after damage: what an audit has to notice."""

import networkx as nx
import numpy as np


class Damaged:
    """A hierarchy in which a share of the labels changed places at random."""

    def __init__(self, hierarchy, share, seed):
        draws = np.random.default_rng(seed)
        labels = np.array(hierarchy.labels, dtype=object)
        place = np.arange(len(labels))
        some = draws.choice(len(labels), round(share * len(labels)), replace=False)
        place[some] = draws.permutation(some)
        moved = dict(zip(hierarchy.labels, labels[place].tolist(), strict=True))
        self._tree = nx.relabel_nodes(hierarchy.tree(), moved)
        self._linkage = hierarchy.to_linkage()
        self.labels, self.root = list(hierarchy.labels), hierarchy.root
        self.widths = hierarchy.widths
        self.unplaced = [moved[label] for label in hierarchy.unplaced]

    def tree(self):
        return self._tree.copy()

    def to_linkage(self):
        return self._linkage.copy()
