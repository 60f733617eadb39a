"""A tree of labels as arrays, the same for a hierarchy and for its rivals.

``levels`` (D x L) numbers the clusters of each level, nested, so that the level of the lowest
common ancestor of two labels is D + 1 less the number of levels at which they share a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.cluster.hierarchy import fcluster

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dendrogram:
    """A binary tree: node v joins leaves ``order[start:middle]`` and ``order[middle:end]``."""

    order: Integers
    start: Integers
    middle: Integers
    end: Integers

    @classmethod
    def of(cls, matrix: Floats) -> Dendrogram:
        """Read scipy's linkage matrix (L - 1 rows)."""
        n = len(matrix) + 1
        left, right = matrix[:, 0].astype(np.int64), matrix[:, 1].astype(np.int64)
        size = np.concatenate([np.ones(n, np.int64), matrix[:, 3].astype(np.int64)])
        begin = np.zeros(2 * n - 1, np.int64)
        for row in range(n - 2, -1, -1):
            begin[left[row]] = begin[n + row]
            begin[right[row]] = begin[n + row] + size[left[row]]
        order = np.empty(n, np.int64)
        order[begin[:n]] = np.arange(n)
        start = begin[n:]
        return cls(order, start, start + size[left], start + size[n:])


@dataclass(frozen=True)
class AuditedTree:
    """What an audit needs to know of a tree.

    Attributes
    ----------
    name : str
        "tree" or the rival's.
    levels : ndarray of int, (D, L)
        Nested clusters, the finest first; equal numbers mean the same cluster of that level.
    parents : ndarray of int, (L,)
        The cluster right above each label, -1 for none below the root.
    dendrogram : Dendrogram
        Binary refinement over all labels.
    concepts : csr_matrix of bool, concepts x L
        Labels below every concept of at least two labels.
    """

    name: str
    levels: Integers
    parents: Integers
    dendrogram: Dendrogram
    concepts: sp.csr_matrix

    @classmethod
    def of_hierarchy(cls, hierarchy: Any) -> AuditedTree:
        """Read a `LabelHierarchy`."""
        tree, root = hierarchy.tree(), hierarchy.root
        labels, depth = hierarchy.labels, len(hierarchy.widths)
        concepts = [node for node in tree if tree.nodes[node]["kind"] == "concept"]
        number = {node: p for p, node in enumerate(concepts)}
        levels = np.tile(len(concepts) + np.arange(len(labels)), (depth, 1))
        parents = np.full(len(labels), -1)
        rows, columns = [], []
        for j, label in enumerate(labels):
            if label not in tree:
                continue
            node = next(iter(tree.predecessors(label)))
            if node != root:
                parents[j] = number[node]
            while node != root:
                levels[tree.nodes[node]["level"] - 1 :, j] = number[node]
                rows.append(number[node])
                columns.append(j)
                node = next(iter(tree.predecessors(node)))
        below = sp.csr_matrix(
            (np.ones(len(rows)), (rows, columns)), shape=(len(concepts), len(labels))
        )
        dendrogram = Dendrogram.of(np.asarray(hierarchy.to_linkage(), np.float64))
        return cls("tree", levels, parents, dendrogram, below)

    @classmethod
    def of_linkage(cls, name: str, matrix: Floats, widths: list[int]) -> AuditedTree:
        """Cut a linkage matrix into as many clusters a level as `widths` says."""
        levels = np.array(
            [fcluster(matrix, width, "maxclust").astype(np.int64) for width in widths]
        )
        rows = []
        for clusters in levels:
            for number in np.flatnonzero(np.bincount(clusters) > 1):
                rows.append(tuple(np.flatnonzero(clusters == number).tolist()))
        sets = list(dict.fromkeys(rows))
        indices = [j for members in sets for j in members]
        indptr = np.cumsum([0, *(len(members) for members in sets)])
        shape = (len(sets), levels.shape[1])
        below = sp.csr_matrix((np.ones(len(indices)), indices, indptr), shape=shape)
        return cls(name, levels, levels[0].copy(), Dendrogram.of(matrix), below)

    @property
    def widths(self) -> list[int]:
        """Clusters of each level, single labels among them."""
        return [len(np.unique(clusters)) for clusters in self.levels]

    @cached_property
    def hangs(self) -> tuple[Integers, Integers]:
        """The concept right above each label and each concept, by row of `concepts`; -1: none."""
        sizes = np.diff(self.concepts.indptr)
        label, concept = np.full(self.concepts.shape[1], -1), np.full(len(sizes), -1)
        for number in np.argsort(-sizes, kind="stable"):  # the smallest writes last
            start, end = self.concepts.indptr[number], self.concepts.indptr[number + 1]
            below = self.concepts.indices[start:end]
            if len(below):
                concept[number] = label[below[0]]
                label[below] = number
        return label, concept

    def lca(self, a: Integers, b: Integers) -> Integers:
        """Return the level of the lowest common ancestor of pairs of labels; the root has D + 1."""
        level = np.full(len(a), len(self.levels) + 1)
        for clusters in self.levels:
            level -= clusters[a] == clusters[b]
        return level

    def siblings(self, a: Integers, b: Integers) -> npt.NDArray[np.bool_]:
        """Tell which pairs have one parent below the root."""
        return np.asarray((self.parents[a] == self.parents[b]) & (self.parents[a] >= 0))

    def relabelled(self, source: Integers) -> AuditedTree:
        """Put label source[j] into the place of label j (levels and parents alone)."""
        return AuditedTree(
            self.name,
            self.levels[:, source],
            self.parents[source],
            self.dendrogram,
            self.concepts,
        )
