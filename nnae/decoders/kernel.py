"""The decoder by a kernel of codes: labels as a smooth function of the concepts of a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnae._codes import CodeScale
from nnae._gram_ridge import GramRidge, LinearMap
from nnae._landmarks import Landmarks
from nnae.decoders._base import Array, Decoder, Evidence, Query, unit_rows

#: Landmarks among the training rows' codes, γ of their kernel and the penalty.
COUNT = 1000
GAMMA = 2.0
PENALTY = 1.0


@dataclass
class KernelDecoder(Decoder):
    r"""Score labels by ridges on a Gaussian kernel of predicted codes.

    .. math:: S = \kappa(\hat Z / |\hat Z|, M) P B + b

    with M landmarks among the training rows. Unlike rates, which are sums over concepts, it learns
    what concepts mean together; unlike a vote of neighbours, it weighs rows for each label.

    Attributes
    ----------
    landmarks : list of Landmarks
        One for each level.
    maps : list of LinearMap
        From the features of the kernel to labels (m x L), one for each level.
    scale : CodeScale

    Notes
    -----
    Fitting costs n m (m + k_1 + L) for n rows and m = 1000 landmarks; a row costs m (k_1 + m + L).
    """

    landmarks: list[Landmarks]
    maps: list[LinearMap]
    scale: CodeScale

    @classmethod
    def fit(cls, evidence: Evidence) -> KernelDecoder:
        """Learn a map for each level."""
        return cls.of_levels(evidence, len(evidence.concepts))

    @classmethod
    def of_levels(cls, evidence: Evidence, count: int) -> KernelDecoder:
        """Learn maps of the first levels only."""
        landmarks, maps = [], []
        for level in range(1, count + 1):
            codes = unit_rows(evidence.scale.level(evidence.predict(), level))
            found = Landmarks.of(codes, COUNT, GAMMA, evidence.seed)
            F = found.features(codes, evidence.n_threads)
            ridge = GramRidge(F, np.zeros(len(F)), evidence.weights, evidence.n_threads)
            landmarks.append(found)
            maps.append(ridge.solve([evidence.Y], PENALTY))
        return cls(landmarks, maps, evidence.scale)

    @property
    def levels(self) -> int:
        """Number of levels that were learnt."""
        return len(self.maps)

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the regressions of all labels (n x L)."""
        codes = unit_rows(self.scale.level(query.targets, level))
        features = self.landmarks[level - 1].features(codes, n_threads)
        return self.maps[level - 1](features, n_threads)

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return the scores, clipped to [0, 1]: they are expectations of 0 and 1."""
        return np.clip(scores, 0, 1)
