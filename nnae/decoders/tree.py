"""The decoder by label trees: linear classifiers down the hierarchy of concepts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from nnae._codes import encode
from nnae._linear_dual import DualOptions, unit_rows
from nnae.decoders._base import Array, Decoder, Evidence, Query
from nnae.decoders._forest import Forest, Learner
from nnae.decoders._label_trees import ConceptChain, balanced_tree, concept_tree, cut_tree

#: Nodes that the search keeps at each depth.
BEAM = 10
#: Trees that halve the labels, beside the tree of concepts.
HALVING = 2
OPTIONS = DualOptions(loss="squared_hinge", C=0.5, prune=0.1, max_iter=20)


@dataclass
class TreeDecoder(Decoder):
    r"""Score labels by the mean over trees of the shares of all edges on the path to them.

    .. math:: S_{ij} = \frac1T \sum_t \prod_{e \in path_t(j)} \exp(-\max(0, 1 - w_e' x_i - b_e)^2)

    The first tree is the compressor's: labels below the concept that contributes most to them,
    concepts below theirs. The others halve the labels again and again by the mean codes of their
    examples. No leaf has more than 100 labels. The classifier of an edge (squared hinge, L2
    penalty, small weights dropped) learns from the rows that reach the node it leaves: those with
    a label below it. Features are used as they are, with rows of norm one; codes of step two play
    no part.

    Level l > 1 stops at the concepts of that level; below, labels share by their frequency among
    the training rows that reach the concept.

    Attributes
    ----------
    forests : list of Forest
        One a level; that of level 1 has all trees, the others the tree of concepts.
    beam : int
        Nodes kept at each depth of the search.

    Notes
    -----
    Labels whose nodes the search leaves aside have score 0 and no rank; a label without training
    rows is never reached. Prabhu et al. (2018), Parabel.
    """

    forests: list[Forest]
    beam: int

    @classmethod
    def fit(cls, evidence: Evidence) -> TreeDecoder:
        """Read trees from the compressor and train the classifiers on their edges."""
        Y = sp.csr_matrix(evidence.Y, dtype=np.float32, copy=True)
        Y.eliminate_zeros()
        Y.data[:] = 1
        Y.sort_indices()
        X = unit_rows(evidence.X)
        labels = np.flatnonzero(np.asarray(Y.sum(axis=0)).ravel() > 0)
        weights = getattr(evidence.compressor, "weights_", None)
        if weights is None:
            weights = [evidence.compressor.components_]
        chain = ConceptChain.of(weights, _codes(evidence), Y)
        trees = [concept_tree(chain, labels, evidence.seed)]
        if len(trees[0].parents) > 1:
            trees += [balanced_tree(chain, labels, evidence.seed + t) for t in range(HALVING)]
        learner = Learner(X, OPTIONS, evidence.weights, evidence.n_threads)
        forests = [learner.forest(Y, trees)]
        for level in range(2, len(chain.places) + 1):
            forests.append(learner.upper_forest(Y, [cut_tree(chain, labels, level)]))
        return cls(forests, BEAM)

    @property
    def levels(self) -> int:
        """Number of levels of the compressor."""
        return len(self.forests)

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the scores of all labels (n x L)."""
        return self.forests[level - 1].scores(unit_rows(query.X), self.beam, n_threads)

    def topk(
        self, query: Query, k: int, level: int, n_threads: int, prior: Array | None = None
    ) -> tuple[Array, Array]:
        """Return the k best of the labels that the search reaches, and their scores."""
        rows = unit_rows(query.X)
        return self.forests[level - 1].topk(rows, k, self.beam, n_threads, prior)

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return the scores themselves: they are mean products of shares, in [0, 1]."""
        return np.clip(scores, 0, 1)


def _codes(evidence: Evidence) -> list[Array]:
    """Return the codes of the training rows at every level."""
    if evidence.T is None:
        return encode(evidence.compressor, evidence.Y)
    ends = np.cumsum(evidence.scale.widths)[:-1]
    return np.split(evidence.T / evidence.scale.norms, ends, axis=1)
