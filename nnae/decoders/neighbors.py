"""The decoder by neighbours: labels of the training rows whose predicted codes are nearest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae import _core
from nnae._codes import CodeScale
from nnae._search_cells import SearchCells, searches_cells
from nnae.decoders._base import Array, Decoder, Evidence, Query, unit_rows

#: Pairs of (number of neighbours, exponent of the cosine) that are tried.
CANDIDATES = ((20, 4.0), (50, 6.0), (100, 8.0))
#: Training rows that the pair is chosen on, each without itself.
SAMPLE = 1000


@dataclass
class NeighborsDecoder(Decoder):
    r"""Score labels by a vote of the nearest training rows in the space of predicted codes.

    .. math:: S_{ij} = \sum_{t \in N(i)} \cos(\hat z_i, \hat z_t)^p Y_{tj} \Big/
              \sum_{t \in N(i)} \cos(\hat z_i, \hat z_t)^p

    Neighbours are searched among the codes that step two predicts for the training rows, not
    among their true codes: both sides then carry the same errors of step two.

    Attributes
    ----------
    codes : list of ndarray
        Predicted codes of the training rows at every level (n x k_l), rows of norm one.
    labels : csr_matrix
        Training labels (n x L).
    scale : CodeScale
    n_neighbors : int
    power : float
        Exponent p. Both were chosen on training rows, each scored by its neighbours without itself.
    cells : list of SearchCells
        One a level where the search is approximate, else none.

    Notes
    -----
    Exact search: n_query n k_l operations in blocks, no n_query x n matrix is held. The approximate
    one visits cells of rows, enough of them to find 95 % of the neighbours of a sample of training
    rows (``cells[0].recall``). Predicted codes below zero count as zero; a row whose codes are all
    zero gets the label frequencies.
    """

    codes: list[Array]
    labels: Any
    scale: CodeScale
    prior: Array
    n_neighbors: int
    power: float
    cells: list[SearchCells] = field(default_factory=list)

    @classmethod
    def fit(cls, evidence: Evidence) -> NeighborsDecoder:
        """Keep the training rows' predicted codes, and choose how many of them vote."""
        targets = evidence.predict()
        levels = range(1, len(evidence.concepts) + 1)
        codes = [unit_rows(evidence.scale.level(targets, level)) for level in levels]
        labels = sp.csr_matrix(evidence.Y, dtype=evidence.dtype)
        prior = np.asarray(labels.mean(axis=0), evidence.dtype).ravel()
        decoder = cls(codes, labels, evidence.scale, prior, *CANDIDATES[0])
        near = decoder._choose(evidence.n_threads)
        if searches_cells(evidence.neighbor_search, len(codes[0])):
            decoder._learn_cells(near, evidence.seed, evidence.n_threads)
        return decoder

    def _learn_cells(self, near: Array, seed: int, n_threads: int) -> None:
        """Part the rows of every level in cells; ``near`` are true neighbours at level 1."""
        rows, count = self._sample(), min(self.n_neighbors, len(self.codes[0]))
        for codes in self.codes:
            if self.cells:
                near, _ = _core.topk_scores(codes[rows], codes, count, n_threads)
            truth = rows, near[:, :count]
            self.cells.append(SearchCells.of(codes, truth, seed, n_threads))

    def _sample(self) -> Array:
        n = self.labels.shape[0]
        return np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64)

    def _choose(self, n_threads: int) -> Array:
        """Take the candidate whose vote ranks the true labels of a sample of training rows best.

        Returns the nearest rows of the sample, themselves among them.
        """
        rows = self._sample()
        truth = self.labels[rows]
        widest = max(count for count, _ in CANDIDATES)
        near, cosine = _core.topk_scores(self.codes[0][rows], self.codes[0], widest + 1, n_threads)
        cosine[near == rows[:, None]] = 0
        best = -1.0
        for count, power in CANDIDATES:
            kept = _nearest(cosine, count)
            votes = self._votes(near, np.where(kept, cosine, 0), power)
            found, _ = _core.topk_dense(self._scores(votes, n_threads), 5, n_threads)
            score = _gain(truth, found)
            if score > best:
                best, self.n_neighbors, self.power = score, count, power
        return np.asarray(near)

    @property
    def levels(self) -> int:
        """Number of levels of the compressor."""
        return len(self.codes)

    def _votes(self, near: Array, cosine: Array, power: float) -> Any:
        """Return the weights of neighbours (n_query x n, csr), rows of sum one (or zero)."""
        weights = np.maximum(cosine, 0) ** self.codes[0].dtype.type(power)
        weights[near < 0] = 0
        total = weights.sum(axis=1, keepdims=True)
        weights /= np.where(total > 0, total, 1)
        indptr = np.arange(len(near) + 1, dtype=np.int64) * near.shape[1]
        shape = (len(near), self.labels.shape[0])
        votes = sp.csr_matrix((weights.ravel(), np.maximum(near, 0).ravel(), indptr), shape=shape)
        votes.eliminate_zeros()
        return votes

    def _scores(self, votes: Any, n_threads: int) -> Array:
        scores = np.asarray((votes @ self.labels).todense())
        empty = np.diff(votes.indptr) == 0
        scores[empty] = self.prior
        return np.ascontiguousarray(scores)

    def neighbours(self, query: Query, level: int, n_threads: int) -> Any:
        """Return who votes for each row, and with what share (n_query x n, csr)."""
        queries = unit_rows(self.scale.level(query.targets, level))
        codes = self.codes[level - 1]
        count = min(self.n_neighbors, len(codes))
        if self.cells:
            near, cosine = self.cells[level - 1].nearest(codes, queries, count, n_threads)
        else:
            near, cosine = _core.topk_scores(queries, codes, count, n_threads)
        return self._votes(near, cosine, self.power)

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the shares of the vote of all labels (n x L)."""
        return self._scores(self.neighbours(query, level, n_threads), n_threads)

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return the shares themselves: they lie in [0, 1]."""
        return np.clip(scores, 0, 1)


def _nearest(cosine: Array, count: int) -> Array:
    """Mark the ``count`` largest of each row; rows come by falling cosine but for one zero."""
    order = np.argsort(-cosine, axis=1, kind="stable")
    kept = np.zeros(cosine.shape, bool)
    np.put_along_axis(kept, order[:, :count], True, axis=1)
    return kept


def _gain(truth: Any, found: Array) -> float:
    """Return the discounted gain of ranked labels: the criterion of the choice."""
    hits = np.asarray(truth[np.arange(len(found))[:, None], np.maximum(found, 0)].todense()) > 0
    return float((hits / np.log2(np.arange(found.shape[1]) + 2)).sum())
