"""Which labels of a ranking are predicted: rules chosen on rows that no model in them has seen.

``RULES`` maps what ``TwoStepClassifier(threshold=...)`` takes to a function of ranked rows. Each
rule is compared with one threshold on scores, on the same rows and by its own measure, and gives
way to it where it is no better.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._calibration import Calibration
from nnae._decisions import Ranked, best_f1_threshold, choose_threshold, halfway

Array = npt.NDArray[Any]

#: Positives that a label's own counts are shrunk with, to the mean of all labels.
PRIOR = 10.0
#: Shares of a row's best expected F1 that are tried.
SHARES = np.arange(0.2, 0.81, 0.05)


class LabelSets(ABC):
    """A rule: which of a row's ranked labels are predicted. Dataclasses of arrays and numbers."""

    @abstractmethod
    def keep(self, indices: Array, scores: Array) -> Array:
        """Return for each ranked label (n x k, best first) whether it is predicted."""


@dataclass
class ScoreThreshold(LabelSets):
    """Labels whose score is above one threshold."""

    threshold: float

    def keep(self, indices: Array, scores: Array) -> Array:
        """Compare scores."""
        return np.asarray((scores > self.threshold) & (indices >= 0))


@dataclass
class ProbabilityThreshold(LabelSets):
    """Labels whose calibrated probability is above one threshold: for micro F1."""

    calibration: Calibration
    threshold: float

    def keep(self, indices: Array, scores: Array) -> Array:
        """Compare probabilities."""
        return self.calibration.probabilities(scores, indices) > self.threshold


@dataclass
class LabelThresholds(LabelSets):
    """Labels whose calibrated probability is above their own threshold: for macro F1."""

    calibration: Calibration
    thresholds: Array

    def keep(self, indices: Array, scores: Array) -> Array:
        """Compare probabilities."""
        found = self.calibration.probabilities(scores, indices)
        return (found > self.thresholds[np.maximum(indices, 0)]) & (indices >= 0)


@dataclass
class ExpectedF1(LabelSets):
    r"""Labels above a share of the best F1 that their row can expect: for F1 of examples.

    With independent labels the set of k most probable ones expects about
    :math:`2 \sum_{r \le k} p_r / (k + \sum_r p_r)`; the best set holds the labels whose
    probability is above half of its F1. The share is learnt. A row's best label is always taken.
    """

    calibration: Calibration
    share: float

    def keep(self, indices: Array, scores: Array) -> Array:
        """Compare each row's probabilities with its own best expected F1."""
        p = self.calibration.probabilities(scores, indices).astype(np.float64)
        return _above_share(p, _expected_f1(p), self.share) & (indices >= 0)


@dataclass
class PredictedSizes(LabelSets):
    """As many of the most probable labels as a line through the expected size says."""

    calibration: Calibration
    slope: float
    intercept: float

    def keep(self, indices: Array, scores: Array) -> Array:
        """Take each row's most probable labels."""
        p = self.calibration.probabilities(scores, indices).astype(np.float64)
        sizes = np.rint(self.intercept + self.slope * p.sum(axis=1))
        return np.asarray((_ranks(p) < sizes[:, None]) & (indices >= 0))


def choose_label_sets(ranked: Ranked, rule: str, calibration: Calibration | None) -> LabelSets:
    """Return the rule of a name, fitted to ranked rows; one threshold where nothing is held out."""
    plain = ScoreThreshold(choose_threshold(ranked))
    if calibration is None or not len(ranked.indices):
        return plain
    choose, measure = RULES[rule]
    p = calibration.probabilities(ranked.scores, ranked.indices).astype(np.float64)
    found = choose(ranked, calibration, p)
    hits, sizes = ranked.hits(), ranked.sizes()
    values = [
        measure(kept.keep(ranked.indices, ranked.scores), hits, ranked, sizes)
        for kept in (found, plain)
    ]
    return found if values[0] >= values[1] else plain


def micro(ranked: Ranked, calibration: Calibration, p: Array) -> LabelSets:
    """Choose one threshold of probabilities."""
    known = ranked.indices >= 0
    threshold = best_f1_threshold(p[known], ranked.hits()[known], int(ranked.sizes().sum()))
    return ProbabilityThreshold(calibration, threshold)


def macro(ranked: Ranked, calibration: Calibration, p: Array) -> LabelSets:
    r"""Choose a threshold for every label, by its own counts and the mean curve of all labels.

    The F1 of label j above t is taken as
    :math:`2 (TP_j + m \bar r) / (P_j + N_j + m (\bar q + 1))` with :math:`\bar r` and
    :math:`\bar q` the mean recall and predictions a positive of all labels above t, m = 10.
    """
    n_labels = ranked.Y.shape[1]
    positives = np.asarray((ranked.Y > 0).sum(axis=0)).ravel().astype(np.float64)
    known = ranked.indices >= 0
    labels, values, hits = ranked.indices[known], p[known], ranked.hits()[known]
    order = np.argsort(-values, kind="stable")
    labels, values, hits = labels[order], values[order], hits[order].astype(np.float64)
    weight = np.divide(1.0, positives, out=np.zeros(n_labels), where=positives > 0)
    weight /= max(1, int((positives > 0).sum()))
    recall, size = np.cumsum(hits * weight[labels]), np.cumsum(weight[labels])
    thresholds = np.full(n_labels, np.inf)
    if not hits.any():
        return LabelThresholds(calibration, thresholds)
    common = int(np.argmax(2 * recall / (size + 1)))
    thresholds[:] = halfway(values, common)
    by_label = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[by_label], np.arange(n_labels + 1))
    for label in np.flatnonzero(np.diff(ends)):
        at = by_label[ends[label] : ends[label + 1]]
        won, taken = np.cumsum(hits[at]), np.arange(1, len(at) + 1)
        f1 = (won + PRIOR * recall[at]) / (taken + positives[label] + PRIOR * (size[at] + 1))
        thresholds[label] = halfway(values[at], int(np.argmax(f1)))
    return LabelThresholds(calibration, thresholds)


def examples(ranked: Ranked, calibration: Calibration, p: Array) -> LabelSets:
    """Choose the share of a row's best expected F1."""
    best, hits, sizes = _expected_f1(p), ranked.hits(), ranked.sizes()
    values = [examples_f1(_above_share(p, best, share), hits, ranked, sizes) for share in SHARES]
    return ExpectedF1(calibration, float(SHARES[int(np.argmax(values))]))


def sizes_of(ranked: Ranked, calibration: Calibration, p: Array) -> LabelSets:
    """Regress the true sizes of label sets on the expected ones."""
    expected, true = p.sum(axis=1), ranked.sizes().astype(np.float64)
    spread = float(np.square(expected - expected.mean()).sum())
    cross = float(((expected - expected.mean()) * (true - true.mean())).sum())
    slope = max(0.0, cross / spread) if spread > 0 else 0.0
    return PredictedSizes(calibration, slope, float(true.mean() - slope * expected.mean()))


def micro_f1(kept: Array, hits: Array, ranked: Ranked, sizes: Array) -> float:
    """Return the F1 of all entries."""
    return float(2 * (kept & hits).sum() / max(1, int(kept.sum() + sizes.sum())))


def macro_f1(kept: Array, hits: Array, ranked: Ranked, sizes: Array) -> float:
    """Return the mean F1 of labels."""
    n_labels = ranked.Y.shape[1]
    won = np.bincount(ranked.indices[kept & hits], minlength=n_labels)
    total = np.bincount(ranked.indices[kept], minlength=n_labels)
    total = total + np.asarray((ranked.Y > 0).sum(axis=0)).ravel()
    return float(np.mean(2 * won / np.maximum(total, 1)))


def examples_f1(kept: Array, hits: Array, ranked: Ranked, sizes: Array) -> float:
    """Return the mean F1 of rows."""
    total = np.maximum(kept.sum(axis=1) + sizes, 1)
    return float(np.mean(2 * (kept & hits).sum(axis=1) / total))


def size_error(kept: Array, hits: Array, ranked: Ranked, sizes: Array) -> float:
    """Return minus the mean error of set sizes."""
    return -float(np.abs(kept.sum(axis=1) - sizes).mean())


#: Rules by name: how each is chosen, and by what it is compared with one threshold on scores.
RULES = {
    "micro": (micro, micro_f1),
    "macro": (macro, macro_f1),
    "examples": (examples, examples_f1),
    "sizes": (sizes_of, size_error),
}


def _ranks(p: Array) -> Array:
    """Return the place of each entry in its row by falling probability."""
    order = np.argsort(-p, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(p.shape[1])[None, :], axis=1)
    return ranks


def _expected_f1(p: Array) -> Array:
    """Return the largest expected F1 that a set of each row has (n x 1)."""
    if p.shape[1] == 0:
        return np.zeros((len(p), 1))
    falling = -np.sort(-p, axis=1)
    total = falling.sum(axis=1, keepdims=True)
    count = np.arange(1, p.shape[1] + 1)
    return np.asarray((2 * np.cumsum(falling, axis=1) / (count + total)).max(axis=1, keepdims=True))


def _above_share(p: Array, best: Array, share: float) -> Array:
    return np.asarray((p > share * best) | (_ranks(p) == 0))
