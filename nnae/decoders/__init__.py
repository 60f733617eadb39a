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


def choose_decoder(name: object, profile: str, estimator: object = None) -> type[Decoder]:
    """Return the decoder of a name, or say which names there are.

    A step two of the user's own speaks through the codes alone where nothing weighs the parts.
    """
    if name == "auto" and profile == "fast" and estimator is not None:
        return LinearDecoder
    if name == "auto":
        return DECODERS[AUTO[profile]]
    if not isinstance(name, str) or name not in DECODERS:
        raise ValueError(f"decoder must be one of auto, {', '.join(DECODERS)}; got {name!r}")
    return DECODERS[name]
