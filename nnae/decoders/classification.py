"""The decoder by classifiers: one sparse linear classifier a label, on the features themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnae.decoders._base import Array, Decoder, Evidence, Query
from nnae.one_vs_rest import OneVsRestLinear

#: Weights up to this size are dropped.
PRUNE = 0.01


@dataclass
class ClassificationDecoder(Decoder):
    r"""Score labels by the margins of one-vs-rest classifiers, :math:`(1 + w'x + w_0) / 2`.

    Squared hinge loss, :class:`nnae.one_vs_rest.OneVsRestLinear`; the concepts are not used.

    Attributes
    ----------
    classifier : OneVsRestLinear
    """

    classifier: Any

    @classmethod
    def fit(cls, evidence: Evidence) -> ClassificationDecoder:
        """Train all classifiers."""
        model = OneVsRestLinear(
            prune=PRUNE, n_threads=evidence.n_threads, random_state=evidence.seed
        )
        return cls(model.fit(evidence.X, evidence.Y, evidence.weights))

    @property
    def levels(self) -> int:
        """One: there are no concepts."""
        return 1

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return halved margins, from -1 .. 1 to 0 .. 1 (n x L)."""
        margins = self.classifier.decision_function(query.X)
        return np.ascontiguousarray((1 + margins) / 2, query.X.dtype)

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return the scores, clipped to [0, 1]."""
        return np.clip(scores, 0, 1)
