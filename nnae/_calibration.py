r"""Calibrated probabilities from scores of rows that no model in them has seen.

A rising curve g, common to all labels, takes scores to log odds (isotonic regression); each label
then has an offset, shrunk to nothing where the label is rare:

.. math:: p_{ij} = \sigma(g(s_{ij}) + b_j), \quad b_j \sim N(0, \tau^2)

with :math:`\tau^2` estimated from the same rows (Gaussian random intercepts by expectation and
maximisation), so that offsets are as large as the labels show and no larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.isotonic import isotonic_regression

from nnae._decisions import Ranked

Array = npt.NDArray[Any]

#: Newton steps for the offsets, each followed by a new variance; the largest step of an offset.
STEPS = 15
LARGEST_STEP = 2.0
#: Counts added to hits and misses of a stretch of the curve, so that odds are finite.
PSEUDO = 0.5


@dataclass
class Calibration:
    """The curve g, by its corners, and the offsets b.

    Attributes
    ----------
    scores, odds : ndarray of shape (m,)
        Corners of g: it is straight between them and flat outside; both rise.
    offsets : ndarray of shape (L,)
    """

    scores: Array
    odds: Array
    offsets: Array

    @classmethod
    def fit(cls, ranked: Ranked) -> Calibration:
        """Learn curve and offsets from ranked rows with known labels."""
        known = ranked.indices >= 0
        scores = ranked.scores[known].astype(np.float64)
        labels, hits = ranked.indices[known], ranked.hits()[known]
        corners, odds = _curve(scores, hits)
        base = np.interp(scores, corners, odds)
        return cls(corners, odds, _offsets(base, labels, hits, ranked.Y.shape[1]))

    def probabilities(self, scores: Array, labels: Array | None = None) -> Array:
        """Return probabilities of scores (n x L), or of the given labels (any equal shape)."""
        offsets = self.offsets if labels is None else self.offsets[np.maximum(labels, 0)]
        finite = np.where(np.isfinite(scores), scores, self.scores[0])
        found = expit(np.interp(finite, self.scores, self.odds) + offsets)
        if labels is not None:
            found = np.where(labels < 0, 0.0, found)
        return np.asarray(found, scores.dtype)


def _curve(scores: Array, hits: Array) -> tuple[Array, Array]:
    """Return the corners of the rising curve from scores to log odds."""
    if len(scores) == 0:
        return np.zeros(1), np.zeros(1)
    order = np.argsort(scores, kind="stable")
    values, start = np.unique(scores[order], return_index=True)
    count = np.diff(np.append(start, len(scores))).astype(np.float64)
    won = np.add.reduceat(hits[order].astype(np.float64), start)
    level = isotonic_regression(won / count, sample_weight=count)
    first = np.flatnonzero(np.append(True, np.diff(level) > 0))
    total = np.add.reduceat(count, first)
    hit = np.add.reduceat(won, first)
    centre = np.add.reduceat(values * count, first) / total
    odds = np.log((hit + PSEUDO) / (total - hit + PSEUDO))
    return centre, np.maximum.accumulate(odds)


def _offsets(base: Array, labels: Array, hits: Array, n_labels: int) -> Array:
    """Return the offsets of labels (L): ridge-penalised logistic intercepts."""
    offsets, variance = np.zeros(n_labels), 0.5
    won = np.bincount(labels, hits, n_labels)
    for _ in range(STEPS):
        p = expit(base + offsets[labels])
        slope = won - np.bincount(labels, p, n_labels) - offsets / variance
        bend = np.bincount(labels, p * (1 - p), n_labels) + 1 / variance
        step = np.clip(slope / bend, -LARGEST_STEP, LARGEST_STEP)
        offsets += step
        variance = max(float(np.mean(offsets**2 + 1 / bend)), 1e-6)
    return offsets
