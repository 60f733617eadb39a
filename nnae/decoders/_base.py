"""What every decoder does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._codes import CodeScale
from nnae._decisions import LARGEST_SET
from nnae._gram_ridge import NOTHING, LinearMap
from nnae._spaces import Spaces

Array = npt.NDArray[Any]

#: Rows that are scored at a time: nothing of size n x L is held.
ROWS = 1024
#: Most scores that are ranked out of fold in all, and fewest labels of a row.
MOST_SCORES = 20_000_000
FEWEST_RANKED = 20


@dataclass
class Query:
    """Rows whose labels are to be ranked.

    Attributes
    ----------
    X : csr_matrix or ndarray of shape (n, d)
        Checked features.
    targets : ndarray of shape (n, sum of widths)
        Scaled codes of all levels, side by side, that step two predicts for them.
    """

    X: Any
    targets: Array

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, start: int, stop: int) -> Query:
        """Return some consecutive rows."""
        if start == 0 and stop >= len(self):
            return self
        return Query(self.X[start:stop], self.targets[start:stop])


@dataclass
class Evidence:
    """All that a decoder may learn from; training rows only, none of weight zero.

    Attributes
    ----------
    X : csr_matrix or ndarray of shape (n, d)
        Checked features.
    Y : csr_matrix
        Training labels (n x L).
    compressor : estimator
        Fitted step one.
    concepts : list of ndarray
        B_1 (k_1 x L), B_2 (k_2 x L), ...
    scale : CodeScale
        How codes were scaled to targets.
    predict : callable
        Returns the targets that step two predicts for the training rows (n x sum of widths).
    dtype : numpy dtype
        Of weights and scores.
    n_threads : int
    weights : ndarray of shape (n,) or None
        Of rows, positive.
    seed : int
    T : ndarray of shape (n, sum of widths) or None
        Scaled true codes of the rows.
    alpha : float
        Penalty of ridges on the features.
    labels : LinearMap or None
        Ridge from the features to the labels, where it is known already.
    spaces : Spaces or None
        Feature spaces of all training rows.
    fold : int
        The fold of ``spaces`` whose rows are not among these.
    neighbor_search : str
        How nearest rows are found: "exact", "approximate" or "auto".
    """

    X: Any
    Y: Any
    compressor: Any
    concepts: list[Array]
    scale: CodeScale
    predict: Callable[[], Array]
    dtype: Any
    n_threads: int
    weights: Array | None = None
    seed: int = 0
    T: Array | None = None
    alpha: float = 1.0
    labels: LinearMap | None = None
    spaces: Spaces | None = None
    fold: int = NOTHING
    neighbor_search: str = "exact"

    def ridges(self) -> Spaces:
        """Return the feature spaces, made from these rows alone where none are shared."""
        if self.spaces is None:
            self.spaces = Spaces.whole(self.X, self.weights, self.seed, self.n_threads)
        return self.spaces

    def seen_through(self, X: Array, targets: Array, labels: LinearMap) -> Evidence:
        """Return the same rows with other features, and what those predict."""
        return replace(self, X=X, predict=lambda: targets, labels=labels, spaces=None, fold=NOTHING)


@dataclass
class Fold:
    """Training rows that are held out, and all that may be learnt from the others.

    Attributes
    ----------
    rows : ndarray of int
        Positions of the held-out rows.
    query : Query
        Those rows, with the codes that the others predict for them.
    evidence : Evidence
        Of the others; no label of the held-out rows has touched it.
    """

    rows: Array
    query: Query
    evidence: Evidence


class Decoder(ABC):
    """Turns rows and the codes predicted for them into scores of labels.

    Implementations are dataclasses of arrays and numbers, so that models can be saved.

    Attributes
    ----------
    needs_folds : bool
        Whether it learns from rows that were held out.
    """

    needs_folds: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def fit(cls, evidence: Evidence) -> Decoder:
        """Learn from training rows."""

    @classmethod
    def fit_with_folds(
        cls, evidence: Evidence, folds: Iterable[Fold]
    ) -> tuple[Decoder, tuple[Array, Array, Array]]:
        """Learn from training rows, and rank them out of fold.

        Returns
        -------
        decoder : Decoder
        ranking : tuple
            Rows, their best labels (n x k) and scores, by decoders that had not seen those rows.
        """
        rows, labels, scores = [], [], []
        for fold in folds:
            k = most_ranked(*evidence.Y.shape)
            found = cls.fit(fold.evidence).topk(fold.query, k, 1, evidence.n_threads)
            rows.append(fold.rows)
            labels.append(found[0])
            scores.append(found[1])
        ranking = np.concatenate(rows), np.vstack(labels), np.vstack(scores)
        return cls.fit(evidence), ranking

    @property
    @abstractmethod
    def levels(self) -> int:
        """Number of levels that can be decoded."""

    @abstractmethod
    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the scores of all labels (n x L, dense): call it on blocks of rows."""

    def topk(
        self, query: Query, k: int, level: int, n_threads: int, prior: Array | None = None
    ) -> tuple[Array, Array]:
        """Return the k best labels (int64, n x k) and their scores, -1 and -inf where none is left.

        ``prior`` multiplies the score of each label.
        """
        indices = np.empty((len(query), k), np.int64)
        best: list[Array] = []
        for start in range(0, max(len(query), 1), ROWS):
            block = self.scores(query.rows(start, start + ROWS), level, n_threads)
            if prior is not None:
                block = np.ascontiguousarray(block * prior, block.dtype)
            found, values = _core.topk_dense(block, k, n_threads)
            indices[start : start + ROWS] = found
            best.append(values)
        return indices, np.vstack(best)

    @abstractmethod
    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return probabilities of scores, in [0, 1] and in the same order."""


def unit_rows(codes: Array) -> Array:
    """Return rows scaled to norm one; rows of zeros stay."""
    norms = np.sqrt(np.square(codes).sum(axis=1, keepdims=True))
    return np.ascontiguousarray(codes / np.where(norms > 0, norms, 1), codes.dtype)


def most_ranked(n_rows: int, n_labels: int) -> int:
    """Return how many labels of each row are ranked, where all rows' rankings are held."""
    return min(n_labels, LARGEST_SET, max(FEWEST_RANKED, MOST_SCORES // max(1, n_rows)))
