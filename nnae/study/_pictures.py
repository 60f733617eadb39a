"""Pictures as data URIs."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_COLOURS = {1: 0, 3: 2, 4: 6}  # PNG's names for grey, RGB, RGBA


def picture_uri(picture: Any) -> str:
    """Return a picture as a data URI.

    Parameters
    ----------
    picture : array of uint8, h x w, h x w x 1, 3 or 4; or path
        Pixels, or a file (png, jpeg, gif, webp), which is taken as it is.

    Raises
    ------
    ValueError
        When it is neither.
    """
    if isinstance(picture, str | os.PathLike):
        ending = os.path.splitext(os.fspath(picture))[1].lower()
        if ending not in _TYPES:
            raise ValueError(f"images must end in {', '.join(_TYPES)}; got {os.fspath(picture)!r}")
        with open(picture, "rb") as file:
            return _uri(_TYPES[ending], file.read())
    pixels = np.asarray(picture)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in _COLOURS or pixels.dtype != np.uint8:
        raise ValueError(
            "images must be paths or arrays of uint8, h x w x 3; got "
            f"{pixels.dtype} of shape {np.shape(picture)}"
        )
    if not pixels.size:
        raise ValueError(f"images must have pixels; got shape {np.shape(picture)}")
    return _uri("image/png", _png(pixels))


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    height, width, depth = pixels.shape
    rows = np.zeros((height, 1 + width * depth), np.uint8)  # the first byte: no filter
    rows[:, 1:] = pixels.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[depth], 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", head),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
