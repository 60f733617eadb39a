"""The decoder of the paper: rates of labels are codes times weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnae import _core
from nnae._codes import CodeScale
from nnae.decoders._base import Array, Decoder, Evidence, Query


@dataclass
class LinearDecoder(Decoder):
    r"""Score labels by their rates :math:`\Lambda_{ij} = \sum_p \max(0, z_{ip}) B_{pj}`.

    Attributes
    ----------
    weights : list of ndarray
        One L x k_l matrix a level: concepts by labels over the norm of the concept.
    scale : CodeScale
        Where each level's codes stand.

    Notes
    -----
    Ranking n rows costs n k_1 L operations and no memory beyond the k best. Negative predicted
    codes count as 0. A label never seen in training has rate 0 and comes after all others.
    """

    weights: list[Array]
    scale: CodeScale

    @classmethod
    def fit(cls, evidence: Evidence) -> LinearDecoder:
        """Take the compressor's own weights: nothing is learnt from rows."""
        levels = range(1, len(evidence.concepts) + 1)
        weights = [
            evidence.scale.unscale(evidence.concepts, level, evidence.dtype) for level in levels
        ]
        return cls(weights, evidence.scale)

    @property
    def levels(self) -> int:
        """Number of levels of the compressor."""
        return len(self.weights)

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the rates of all labels (n x L)."""
        Wt = self.weights[level - 1]
        Z = np.ascontiguousarray(self.scale.level(query.targets, level), Wt.dtype)
        out = np.empty((len(Z), len(Wt)), Wt.dtype)
        _core.multiply(Z, np.ascontiguousarray(Wt.T), out, n_threads)
        return out

    def topk(
        self, query: Query, k: int, level: int, n_threads: int, prior: Array | None = None
    ) -> tuple[Array, Array]:
        """Return the k best labels and their rates, by a kernel that never holds all rates."""
        Wt = self.weights[level - 1]
        if prior is not None:
            Wt = np.ascontiguousarray(Wt * prior[:, None], Wt.dtype)
        Z = np.ascontiguousarray(self.scale.level(query.targets, level), Wt.dtype)
        indices, scores = _core.topk_scores(Z, Wt, k, n_threads)
        return indices, scores

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return 1 - exp(-rate) under the Bernoulli loss, else the rate up to one."""
        rates = np.maximum(scores, 0)
        return np.asarray(-np.expm1(-rates) if loss == "bernoulli" else np.minimum(rates, 1))
