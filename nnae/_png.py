"""Pictures inside a page: PNG without a library for pictures."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

#: Longest side of a picture in a report; larger ones are thinned out.
SIDE = 320


def png_address(pixels: npt.NDArray[Any]) -> str:
    """Return a data address of an image (h x w, or h x w x 3 or 4; uint8)."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or pixels.dtype != np.uint8:
        raise ValueError(
            "images must be uint8 of shape (h, w), (h, w, 3) or (h, w, 4); "
            f"got {pixels.dtype} of shape {pixels.shape}"
        )
    step = max(1, -(-max(pixels.shape[:2]) // SIDE))
    pixels = np.ascontiguousarray(pixels[::step, ::step])
    height, width, depth = pixels.shape
    lines = b"".join(b"\x00" + pixels[row].tobytes() for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if depth == 3 else 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in parts)
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def _chunk(name: bytes, body: bytes) -> bytes:
    check = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)
