"""Trees over labels, and the linear classifiers on their edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core
from nnae._linear_dual import DualOptions, Problems, same_index, train

Array = npt.NDArray[Any]

#: Bias of an edge that every row takes.
CERTAIN = np.float32(1e30)


@dataclass
class LabelTree:
    """A tree whose leaves are labels.

    Attributes
    ----------
    parents : ndarray of int64, shape (nodes,)
        Parent of each node, which comes before it; -1 for node 0, the root.
    homes : ndarray of int64, shape (L,)
        Node that each label hangs from, -1 for labels that are left out.
    """

    parents: Array
    homes: Array

    def members(self) -> sp.csr_matrix:
        """Return which labels lie below each node (L x nodes, csr of ones)."""
        rows, columns = [], []
        at, labels = self.homes, np.arange(len(self.homes))
        while len(labels):
            labels, at = labels[at >= 0], at[at >= 0]
            rows.append(labels)
            columns.append(at)
            at = self.parents[at]
        rows_, columns_ = np.concatenate(rows), np.concatenate(columns)
        shape = (len(self.homes), len(self.parents))
        return sp.csr_matrix((np.ones(len(rows_), np.float32), (rows_, columns_)), shape=shape)


@dataclass
class Forest:
    """Trees of sparse classifiers, as the kernel of the beam search wants them.

    Attributes
    ----------
    edge_indptr, child : ndarray of int64
        Edges of each node, and where they lead: to a node, or to label -1 - child.
    bias : ndarray of float32
        Of edges.
    feature_indptr : ndarray of int64, features : ndarray of int32
        Features that the classifiers of each node use.
    entry_indptr : ndarray of int64, entry_edge : ndarray of int32, entry_weight : float32
        For each of them the edges, counted from the node's first, and weights.
    roots : ndarray of int64
    n_labels : int
    loss : str
    """

    edge_indptr: Array
    child: Array
    bias: Array
    feature_indptr: Array
    features: Array
    entry_indptr: Array
    entry_edge: Array
    entry_weight: Array
    roots: Array
    n_labels: int
    loss: str

    @property
    def n_nodes(self) -> int:
        """Number of nodes of all trees."""
        return len(self.edge_indptr) - 1

    @cached_property
    def _trees(self) -> _core.LabelForest:
        """The same arrays, checked once for the kernel."""
        return _core.LabelForest(
            self.edge_indptr,
            self.child,
            self.bias,
            self.feature_indptr,
            self.features,
            self.entry_indptr,
            self.entry_edge,
            self.entry_weight,
            self.roots,
            self.n_labels,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what the kernel holds: copies make their own."""
        return {name: value for name, value in vars(self).items() if name != "_trees"}

    def topk(
        self, X: sp.csr_matrix, k: int, beam: int, n_threads: int, prior: Array | None = None
    ) -> tuple[Array, Array]:
        """Return the k best labels of each row and their scores, -1 and -inf where none is left."""
        factor = None if prior is None else np.ascontiguousarray(prior, X.dtype)
        rows = (*same_index(X), X.data, X.shape[1])
        return self._trees.topk(*rows, self.loss, beam, k, factor, n_threads)

    def scores(self, X: sp.csr_matrix, beam: int, n_threads: int) -> Array:
        """Return the scores of all labels (n x L), 0 for those that no tree reaches."""
        rows = (*same_index(X), X.data, X.shape[1])
        return self._trees.scores(*rows, self.loss, beam, n_threads)


@dataclass
class Edges:
    """Edges of several trees side by side, ordered by the node that they leave.

    Attributes
    ----------
    groups : list of ndarray
        Training rows that reach each node.
    nodes, child : ndarray of int64
        Node that each edge leaves, and where it leads.
    rows : list of ndarray
        Training rows that take each edge.
    counts : ndarray of int64
        Edges of each node.
    roots : ndarray of int64
    n_labels : int
    """

    groups: list[Array]
    nodes: Array
    child: Array
    rows: list[Array]
    counts: Array
    roots: Array
    n_labels: int

    @classmethod
    def of(cls, Y: sp.csr_matrix, trees: list[LabelTree]) -> Edges:
        """Follow the rows of Y (n x L) down the trees.

        A row reaches the root, and every node that one of its labels lies below.
        """
        by_label = sp.csc_matrix(Y)
        by_label.sort_indices()
        first = np.cumsum([0, *(len(tree.parents) for tree in trees)], dtype=np.int64)
        groups: list[Array] = []
        start, end, rows = [], [], []
        for offset, tree in zip(first[:-1], trees, strict=True):
            reach = sp.csc_matrix(Y @ tree.members())
            reach.sort_indices()
            own = np.split(reach.indices.astype(np.int64), reach.indptr[1:-1])
            own[0] = np.arange(Y.shape[0], dtype=np.int64)
            labels = np.flatnonzero(tree.homes >= 0)
            below = np.arange(1, len(tree.parents))
            start.append(np.concatenate([tree.parents[1:], tree.homes[labels]]) + offset)
            end.append(np.concatenate([below + offset, -1 - labels]))
            rows += own[1:]
            rows += [_column(by_label, int(label)) for label in labels]
            groups += own
        nodes, child = np.concatenate(start), np.concatenate(end)
        order = np.argsort(nodes, kind="stable")
        counts = np.bincount(nodes, minlength=first[-1])
        ordered = [rows[at] for at in order]
        return cls(groups, nodes[order], child[order], ordered, counts, first[:-1], Y.shape[1])

    def problems(self, chosen: Array) -> Problems:
        """Pose the problem of some edges: who of those at its node takes it."""
        positives = [self.rows[at] for at in chosen]
        return Problems(
            np.cumsum([0, *map(len, self.groups)], dtype=np.int64),
            np.concatenate(self.groups),
            np.ascontiguousarray(self.nodes[chosen], np.int64),
            np.cumsum([0, *map(len, positives)], dtype=np.int64),
            np.concatenate([np.zeros(0, np.int64), *positives]),
        )

    def shares(self) -> Array:
        """Return how many of the rows at its node take each edge."""
        at_node = np.array([len(group) for group in self.groups], np.float64)[self.nodes]
        taken = np.array([len(rows) for rows in self.rows], np.float64)
        return np.asarray(taken / np.maximum(at_node, 1))


@dataclass
class Learner:
    """How edges are trained: on which features, with which options and weights of rows."""

    X: sp.csr_matrix
    options: DualOptions
    weights: Array | None
    n_threads: int

    def forest(self, Y: sp.csr_matrix, trees: list[LabelTree]) -> Forest:
        """Train a classifier for every edge, but for the only one of a node: all take that."""
        edges = Edges.of(Y, trees)
        bias = np.full(len(edges.nodes), CERTAIN, np.float32)
        return self._train(edges, edges.counts[edges.nodes] > 1, bias)

    def upper_forest(self, Y: sp.csr_matrix, trees: list[LabelTree]) -> Forest:
        """Train classifiers of nodes; labels share by their frequency at the node."""
        edges = Edges.of(Y, trees)
        shares = np.where(edges.child < 0, edges.shares(), 1.0)
        bias = margin_of_share(shares, self.options.loss)
        return self._train(edges, (edges.child >= 0) & (edges.counts[edges.nodes] > 1), bias)

    def _train(self, edges: Edges, trained: Array, bias: Array) -> Forest:
        chosen = np.flatnonzero(trained)
        W, bias[chosen] = train(
            self.X, edges.problems(chosen), self.options, self.weights, self.n_threads
        )
        return assemble(
            np.concatenate([[0], np.cumsum(edges.counts)]).astype(np.int64),
            np.ascontiguousarray(edges.child, np.int64),
            bias,
            (chosen, W),
            edges.roots,
            edges.n_labels,
            self.options.loss,
        )


def margin_of_share(shares: Array, loss: str) -> Array:
    """Return the margin that a loss turns into a share (0 < share <= 1), float32."""
    with np.errstate(divide="ignore"):
        logs = np.log(shares)
        margin = 1 - np.sqrt(-logs) if loss == "squared_hinge" else logs - np.log1p(-shares)
    return np.asarray(np.where(shares < 1, margin, CERTAIN), np.float32)


def _column(by_label: sp.csc_matrix, label: int) -> Array:
    inside = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
    return np.asarray(inside.astype(np.int64))


def assemble(
    edge_indptr: Array,
    child: Array,
    bias: Array,
    trained: tuple[Array, sp.csr_matrix],
    roots: Array,
    n_labels: int,
    loss: str,
) -> Forest:
    """Store classifiers (edges, weights as csr) by node and feature."""
    edges, W = trained
    counts = np.diff(edge_indptr)
    node_of_edge = np.repeat(np.arange(len(counts)), counts)
    by_feature = sp.csc_matrix(W)
    problem = by_feature.indices
    feature = np.repeat(np.arange(W.shape[1], dtype=np.int64), np.diff(by_feature.indptr))
    node = node_of_edge[edges[problem]]
    # a stable bucket pass: entries, by feature already, go to their nodes
    place = np.arange(len(node))
    buckets = sp.csr_matrix(
        (np.ones(len(node), np.int8), (node, place)), shape=(len(counts), max(1, len(node)))
    )
    by_node = buckets.indices
    node, feature = node[by_node], feature[by_node]
    edge = edges[problem[by_node]]
    new = np.ones(len(node), bool)
    new[1:] = (np.diff(node) != 0) | (np.diff(feature) != 0)
    starts = np.flatnonzero(new)
    return Forest(
        edge_indptr=edge_indptr,
        child=child,
        bias=bias,
        feature_indptr=np.searchsorted(node[starts], np.arange(len(counts) + 1)).astype(np.int64),
        features=np.ascontiguousarray(feature[starts], np.int32),
        entry_indptr=np.append(starts, len(node)).astype(np.int64),
        entry_edge=np.ascontiguousarray(edge - edge_indptr[node], np.int32),
        entry_weight=np.ascontiguousarray(by_feature.data[by_node], np.float32),
        roots=roots,
        n_labels=n_labels,
        loss=loss,
    )
