"""How a picture of any size becomes one of the size that a backbone takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae.images._pictures import pillow

Array = npt.NDArray[Any]

_GREY = 128


def _resized(pixels: Array, height: int, width: int) -> Array:
    if pixels.shape[:2] == (height, width):
        return pixels
    Image = pillow()
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0))


def stretch(pixels: Array, height: int, width: int) -> Array:
    """Scale height and width each to the size: nothing is lost, shapes are squeezed."""
    return _resized(pixels, height, width)


def crop(pixels: Array, height: int, width: int) -> Array:
    """Scale until the size is covered and keep the middle: shapes are kept, edges are lost."""
    h, w = pixels.shape[:2]
    scale = max(height / h, width / w)
    tall, broad = max(height, round(h * scale)), max(width, round(w * scale))
    big = _resized(pixels, tall, broad)
    top, left = (tall - height) // 2, (broad - width) // 2
    return np.ascontiguousarray(big[top : top + height, left : left + width])


def pad(pixels: Array, height: int, width: int) -> Array:
    """Scale until all fits in and fill up with grey: shapes and edges are kept, pixels are lost."""
    h, w = pixels.shape[:2]
    scale = min(height / h, width / w)
    tall, broad = (max(1, min(a, round(b * scale))) for a, b in ((height, h), (width, w)))
    out = np.full((height, width, 3), _GREY, np.uint8)
    top, left = (height - tall) // 2, (width - broad) // 2
    out[top : top + tall, left : left + broad] = _resized(pixels, tall, broad)
    return out


FITS: dict[str, Callable[[Array, int, int], Array]] = {
    "stretch": stretch,
    "crop": crop,
    "pad": pad,
}
