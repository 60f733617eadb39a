"""A blend that needs no held-out rows: rates and a tree of classifiers, half and half."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from nnae._blend import frequency_bands
from nnae.decoders._base import Array, Decoder, Evidence, Fold
from nnae.decoders.linear import LinearDecoder
from nnae.decoders.stack import BANDS, KINDS, StackDecoder

#: The parts: one that sums concepts, one that decides down their tree.
PARTS = ("linear", "tree")


class PairDecoder(StackDecoder):
    r"""Blend rates and the tree: :math:`S_{ij} = (\sqrt{\Lambda_{ij}} + \sqrt{p_{ij}})^2 / 4`.

    A stack of two parts at equal weights, which need no held-out rows: fitted once, it is a
    :class:`nnae.decoders.StackDecoder`.

    Notes
    -----
    Costs what its two parts cost. Their errors differ: sums of concepts are poor where labels that
    share concepts exclude each other, decisions down the tree where labels are rare.
    """

    needs_folds: ClassVar[bool] = False

    @classmethod
    def fit(cls, evidence: Evidence) -> StackDecoder:
        """Learn both parts."""
        parts = [KINDS[name].learn(evidence) for name in PARTS]
        weights = np.full((len(PARTS), len(BANDS)), 1 / len(PARTS))
        bands = frequency_bands(evidence.Y)
        return StackDecoder(list(PARTS), parts, weights, bands, None, LinearDecoder.fit(evidence))

    @classmethod
    def fit_with_folds(
        cls, evidence: Evidence, folds: Iterable[Fold]
    ) -> tuple[Decoder, tuple[Array, Array, Array]]:
        """Rank held-out rows as any decoder does."""
        return super(StackDecoder, cls).fit_with_folds(evidence, folds)
