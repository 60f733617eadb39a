"""The decoder that blends others, by weights learnt on rows that none of them has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from nnae import _core
from nnae._blend import (
    Candidates,
    better_than_one,
    common_weights,
    frequency_bands,
    join,
    learn_weights,
)
from nnae._gram_ridge import LinearMap
from nnae._landmarks import Landmarks
from nnae._spaces import LANDMARK_PENALTY
from nnae.decoders._base import ROWS, Array, Decoder, Evidence, Fold, Query
from nnae.decoders.classification import ClassificationDecoder
from nnae.decoders.kernel import KernelDecoder
from nnae.decoders.linear import LinearDecoder
from nnae.decoders.neighbors import NeighborsDecoder
from nnae.decoders.regression import RegressionDecoder
from nnae.decoders.tree import TreeDecoder

#: Labels of a held-out row that the parts are compared on.
CANDIDATES = 100
#: Parts with a smaller share of the weights are dropped.
SMALLEST_SHARE = 0.05
BANDS = ("head", "torso", "tail")


@dataclass
class View:
    """How parts see rows: by the kernel of features, and the codes predicted from it.

    Attributes
    ----------
    landmarks : Landmarks
    codes : LinearMap
    """

    landmarks: Landmarks
    codes: LinearMap

    def __call__(self, query: Query, n_threads: int) -> Query:
        """Return the rows as this view sees them."""
        features = self.landmarks.features(query.X, n_threads)
        return Query(features, self.codes(features, n_threads))


@dataclass(frozen=True)
class Kind:
    """A kind of part: the view it takes, how it is learnt, whether it reads concepts alone."""

    view: str
    learn: Callable[[Evidence], Decoder]
    by_concepts: bool


def _kernel(evidence: Evidence) -> Decoder:
    return KernelDecoder.of_levels(evidence, 1)


#: What is blended. "features" are X and the codes that step two predicts from them.
KINDS: dict[str, Kind] = {
    "linear": Kind("features", LinearDecoder.fit, True),
    "neighbors": Kind("features", NeighborsDecoder.fit, True),
    "kernel": Kind("features", _kernel, True),
    "regression": Kind("features", RegressionDecoder.fit, False),
    "classification": Kind("features", ClassificationDecoder.fit, False),
    "tree": Kind("features", TreeDecoder.fit, False),
    "landmark_neighbors": Kind("landmarks", NeighborsDecoder.fit, True),
    "landmark_kernel": Kind("landmarks", _kernel, True),
    "landmark_regression": Kind("landmarks", RegressionDecoder.fit, False),
}


@dataclass
class StackDecoder(Decoder):
    r"""Blend decoders: :math:`S_{ij} = (\sum_p w_{p b(j)} \sqrt{\max(0, s^p_{ij})})^2`.

    Attributes
    ----------
    names : list of str
        Kinds of the parts, see ``KINDS``.
    parts : list of Decoder
    weights : ndarray of shape (P, 3)
        Non-negative, for head, torso and tail labels; their columns sum to one on average.
    bands : ndarray of int, shape (L,)
        0, 1, 2: labels with half of all training positives, a further third, and the rest.
    view : View or None
        Where a part needs it.
    concepts : LinearDecoder
        Ranks labels at levels above the first.

    Notes
    -----
    Weights are learnt out of fold: every part is fitted without a fold's labels, the compressor
    too, and ranks that fold. Parts whose share is below 5 % are dropped after the first fold. A row
    costs what its parts cost.
    """

    names: list[str]
    parts: list[Decoder]
    weights: Array
    bands: Array
    view: View | None
    concepts: LinearDecoder
    needs_folds: ClassVar[bool] = True

    @classmethod
    def fit(cls, evidence: Evidence) -> StackDecoder:
        """Take the linear decoder alone: without held-out rows there is nothing to weigh by."""
        linear = LinearDecoder.fit(evidence)
        bands = frequency_bands(evidence.Y)
        return cls(["linear"], [linear], np.ones((1, len(BANDS))), bands, None, linear)

    @classmethod
    def fit_with_folds(
        cls, evidence: Evidence, folds: Iterable[Fold]
    ) -> tuple[Decoder, tuple[Array, Array, Array]]:
        """Learn weights out of fold, then the parts that matter on all rows."""
        bands = frequency_bands(evidence.Y)
        names = list(KINDS)
        found: list[Candidates] = []
        for fold in folds:
            parts, view = _learn(fold.evidence, names)
            seen = _score(parts, names, view, fold.query, evidence.n_threads)
            found.append(Candidates(fold.rows, *seen))
            if len(found) == 1:  # the others need not learn what is of no use
                kept = _worthy(common_weights(found[0], evidence.Y))
                names = [names[at] for at in kept]
                found = [found[0].parts(kept)]
        everything = join(found)
        weights = learn_weights(everything, evidence.Y, bands)
        weights = better_than_one(everything, evidence.Y, bands, weights)
        used = [int(at) for at in np.flatnonzero(weights.any(axis=1))]
        names, weights = [names[at] for at in used], weights[used]
        everything = everything.parts(used)
        parts, view = _learn(evidence, names)
        stack = cls(names, parts, weights, bands, view, LinearDecoder.fit(evidence))
        blended = everything.blend(weights, bands)
        blended = np.where(np.isfinite(blended), np.square(blended), -np.inf)
        return stack, (everything.rows, everything.labels, blended)

    @property
    def levels(self) -> int:
        """Number of levels of the compressor."""
        return self.concepts.levels

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the blended scores of all labels (n x L); above level 1, their rates."""
        if level > 1:
            return self.concepts.scores(query, level, n_threads)
        blended = np.zeros((len(query), len(self.bands)), np.float64)
        found = _part_scores(self.parts, self.names, self.view, query, n_threads)
        for weights, scores in zip(self.weights, found, strict=True):
            blended += weights[self.bands] * scores
        return np.asarray(np.square(blended), query.targets.dtype)

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return the scores, clipped to [0, 1]."""
        return np.clip(scores, 0, 1)

    def frame(self) -> pd.DataFrame:
        """Tell what each part contributes.

        Returns
        -------
        DataFrame
            A row a part. Columns: "by_concepts", whether it sees labels through the concepts alone;
            "head", "torso", "tail", its weights; "share", of all weights.
        """
        frame = pd.DataFrame(self.weights, index=self.names, columns=list(BANDS))
        frame.insert(0, "by_concepts", [KINDS[name].by_concepts for name in self.names])
        total = self.weights.sum()
        frame["share"] = self.weights.sum(axis=1) / (total if total > 0 else 1)
        return frame


def _learn(evidence: Evidence, names: list[str]) -> tuple[list[Decoder], View | None]:
    """Learn parts, each from the view that it takes."""
    seen = {"features": evidence}
    view = None
    if any(KINDS[name].view == "landmarks" for name in names):
        view, seen["landmarks"] = _through_landmarks(evidence)
    return [KINDS[name].learn(seen[KINDS[name].view]) for name in names], view


def _through_landmarks(evidence: Evidence) -> tuple[View, Evidence]:
    """Learn codes and labels from the kernel of features; return what is seen there."""
    spaces = evidence.ridges()
    ridge = spaces.kernel
    width = 0 if evidence.T is None else evidence.T.shape[1]
    both = ridge.solve([evidence.T, evidence.Y], LANDMARK_PENALTY, evidence.fold)
    view = View(spaces.landmarks, both.columns(0, width))
    rows = ridge.rows(evidence.fold)
    features = ridge.F if len(rows) == len(ridge.F) else ridge.F[rows]
    targets = view.codes(features, evidence.n_threads)
    return view, evidence.seen_through(features, targets, both.columns(width))


def _part_scores(
    parts: list[Decoder], names: list[str], view: View | None, query: Query, n_threads: int
) -> list[Array]:
    """Return the roots of each part's scores of all labels."""
    seen = {"features": query}
    if view is not None:
        seen["landmarks"] = view(query, n_threads)
    return [
        np.sqrt(np.maximum(part.scores(seen[KINDS[name].view], 1, n_threads), 0))
        for name, part in zip(names, parts, strict=True)
    ]


def _score(
    parts: list[Decoder], names: list[str], view: View | None, query: Query, n_threads: int
) -> tuple[Array, Array]:
    """Return candidates of rows, those of the largest sum, and each part's scores of them."""
    labels, scores = [], []
    for start in range(0, max(len(query), 1), ROWS):
        found = _part_scores(parts, names, view, query.rows(start, start + ROWS), n_threads)
        k = min(CANDIDATES, found[0].shape[1])
        best, _ = _core.topk_dense(np.ascontiguousarray(np.sum(found, axis=0)), k, n_threads)
        labels.append(best)
        at = np.maximum(best, 0)
        scores.append(np.stack([np.take_along_axis(part, at, 1) for part in found]))
    return np.vstack(labels), np.concatenate(scores, axis=1)


def _worthy(share: Array) -> list[int]:
    """Return the parts that have a share worth their cost."""
    kept = np.flatnonzero(share >= SMALLEST_SHARE)
    return [int(at) for at in (kept if len(kept) else [int(np.argmax(share))])]
