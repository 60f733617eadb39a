"""Decoders: from predicted codes to scores of labels.

``DECODERS`` names what is available; ``AUTO`` is what ``decoder="auto"`` stands for.
"""

from __future__ import annotations

from nnae.decoders._base import Decoder, Evidence
from nnae.decoders.linear import LinearDecoder
from nnae.decoders.neighbors import NeighborsDecoder

__all__ = [
    "AUTO",
    "DECODERS",
    "Decoder",
    "Evidence",
    "LinearDecoder",
    "NeighborsDecoder",
    "choose_decoder",
]

DECODERS: dict[str, type[Decoder]] = {"linear": LinearDecoder, "neighbors": NeighborsDecoder}
AUTO = "linear"


def choose_decoder(name: object) -> type[Decoder]:
    """Return the decoder of a name, or say which names there are."""
    if name == "auto":
        return DECODERS[AUTO]
    if not isinstance(name, str) or name not in DECODERS:
        raise ValueError(f"decoder must be one of auto, {', '.join(DECODERS)}; got {name!r}")
    return DECODERS[name]
