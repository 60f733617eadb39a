"""The decoder that skips the concepts: one ridge a label, on the features themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnae._gram_ridge import LinearMap
from nnae.decoders._base import Array, Decoder, Evidence, Query


@dataclass
class RegressionDecoder(Decoder):
    r"""Score labels by one-vs-rest ridges, :math:`S = X B + b`, without the concepts.

    The baseline that concepts are measured against, and a part of the stack.

    Attributes
    ----------
    labels : LinearMap
        Weights (d x L) and intercepts (L).
    """

    labels: LinearMap

    @classmethod
    def fit(cls, evidence: Evidence) -> RegressionDecoder:
        """Solve for all labels at once, with the penalty that suits the codes."""
        if evidence.labels is not None:
            return cls(evidence.labels)
        ridge = evidence.ridges().linear
        return cls(ridge.solve([evidence.Y], evidence.alpha, evidence.fold))

    @property
    def levels(self) -> int:
        """One: there are no concepts."""
        return 1

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the regressions of all labels (n x L)."""
        return self.labels(query.X, n_threads)

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return the scores, clipped to [0, 1]: they are expectations of 0 and 1."""
        return np.clip(scores, 0, 1)
