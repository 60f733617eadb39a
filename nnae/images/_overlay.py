"""A picture with its regions marked: for in blue, against in orange, the strength by opacity."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Blue and orange that differ in lightness too: dark and light.
FOR, AGAINST = np.array([23.0, 78.0, 158.0]), np.array([255.0, 168.0, 64.0])
#: Opacity of the strongest region, and how far the picture behind is faded to grey.
STRONGEST, FADED = 0.72, 0.55


def marked(picture: Array, heat: Array) -> Array:
    """Return the picture with its heat over it (h x w x 3, uint8)."""
    grey = picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    ground = 255 - FADED * (255 - grey)
    size = np.abs(heat).max()
    alpha = STRONGEST * np.abs(heat) / size if size > 0 else np.zeros_like(heat)
    paint = np.where((heat >= 0)[:, :, None], FOR, AGAINST)
    mixed = ground[:, :, None] * (1 - alpha[:, :, None]) + paint * alpha[:, :, None]
    return np.asarray(np.rint(mixed), np.uint8)
