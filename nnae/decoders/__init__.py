"""Decoders: from predicted codes to scores of labels.

``DECODERS`` names what is available; ``AUTO`` is what ``decoder="auto"`` stands for in a profile.
"""

from __future__ import annotations

from nnae.decoders._base import Decoder, Evidence, Fold, Query
from nnae.decoders.classification import ClassificationDecoder
from nnae.decoders.kernel import KernelDecoder
from nnae.decoders.linear import LinearDecoder
from nnae.decoders.neighbors import NeighborsDecoder
from nnae.decoders.pair import PairDecoder
from nnae.decoders.regression import RegressionDecoder
from nnae.decoders.residual import ResidualDecoder
from nnae.decoders.stack import StackDecoder
from nnae.decoders.tree import TreeDecoder

__all__ = [
    "AUTO",
    "DECODERS",
    "ClassificationDecoder",
    "Decoder",
    "Evidence",
    "Fold",
    "KernelDecoder",
    "LinearDecoder",
    "NeighborsDecoder",
    "PairDecoder",
    "Query",
    "RegressionDecoder",
    "ResidualDecoder",
    "StackDecoder",
    "TreeDecoder",
    "choose_decoder",
]

DECODERS: dict[str, type[Decoder]] = {
    "linear": LinearDecoder,
    "neighbors": NeighborsDecoder,
    "kernel": KernelDecoder,
    "regression": RegressionDecoder,
    "classification": ClassificationDecoder,
    "pair": PairDecoder,
    "residual": ResidualDecoder,
    "stack": StackDecoder,
    "tree": TreeDecoder,
}
AUTO = {"best": "stack", "fast": "pair"}


def choose_decoder(name: object, profile: str, *given: object) -> type[Decoder]:
    """Return the decoder of a name, or say which names there are.

    ``given`` are the user's own steps, or None: with "fast", where nothing is weighed, they alone
    speak.
    """
    if name == "auto" and profile == "fast" and any(step is not None for step in given):
        return LinearDecoder
    if name == "auto":
        return DECODERS[AUTO[profile]]
    if not isinstance(name, str) or name not in DECODERS:
        raise ValueError(f"decoder must be one of auto, {', '.join(DECODERS)}; got {name!r}")
    return DECODERS[name]
