"""Regions of a picture, and what a region that is taken away becomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._validation import check_choice, check_count

Array = npt.NDArray[Any]

KINDS = ("superpixels", "grid")
FILLS = ("blur", "mean")
#: The blur's standard deviation as a part of the picture's longer side: no outline outlives it.
BLUR = 0.1
#: Words for thirds of a picture.
_DOWN, _ACROSS = ("upper", "middle", "lower"), ("left", "centre", "right")


def cut(picture: Array, regions: Any, n_regions: int) -> Array:
    """Return the region of each pixel (h x w), numbered from 0 without gaps."""
    if isinstance(regions, str):
        check_choice("regions", regions, KINDS)
        count = check_count("n_regions", n_regions)
        found = _superpixels(picture, count) if regions == "superpixels" else _grid(picture, count)
    else:
        found = np.asarray(regions)
        if found.shape != picture.shape[:2] or found.dtype.kind not in "ui":
            raise ValueError(
                f"regions must be one of {', '.join(KINDS)}, or whole numbers of shape "
                f"{picture.shape[:2]}, the picture as the backbone sees it; got {found.dtype} of "
                f"shape {found.shape}"
            )
    numbered: Array = np.unique(found, return_inverse=True)[1]
    return numbered.reshape(picture.shape[:2])


def _superpixels(picture: Array, count: int) -> Array:
    try:
        from skimage.segmentation import slic
    except ImportError:
        raise ImportError(
            "superpixels need scikit-image: pip install 'nnae[images]'; regions='grid' does not"
        ) from None
    return np.asarray(slic(picture, n_segments=count, compactness=10, sigma=1, start_label=0))


def _grid(picture: Array, count: int) -> Array:
    height, width = picture.shape[:2]
    across = max(1, min(width, round(np.sqrt(count * width / height))))
    down = max(1, min(height, round(count / across)))
    rows, columns = np.arange(height) * down // height, np.arange(width) * across // width
    return np.asarray(rows[:, None] * across + columns)


def filling(picture: Array, fill: Any) -> Array:
    """Return what pixels that are taken away become (h x w x 3, uint8)."""
    if isinstance(fill, str):
        check_choice("fill", fill, FILLS)
        if fill == "mean":
            return _even(picture, np.rint(picture.reshape(-1, 3).mean(axis=0)))
        from scipy.ndimage import gaussian_filter

        wide = BLUR * max(picture.shape[:2])
        soft = gaussian_filter(picture.astype(np.float32), (wide, wide, 0))
        return np.rint(soft).astype(np.uint8)
    colour = np.asarray(fill)
    if (
        colour.shape != (3,)
        or colour.dtype.kind not in "ui"
        or not ((colour >= 0) & (colour < 256)).all()
    ):
        raise ValueError(
            f"fill must be one of {', '.join(FILLS)}, or red, green and blue from 0 to 255; "
            f"got {fill!r}"
        )
    return _even(picture, colour)


def _even(picture: Array, colour: Array) -> Array:
    return np.broadcast_to(colour.astype(np.uint8), picture.shape)


def centres(regions: Array) -> Array:
    """Return the mean row and column of each region, as parts of height and width (R x 2)."""
    sizes = np.bincount(regions.ravel())
    found = []
    for axis, extent in enumerate(regions.shape):
        place = np.arange(extent)[:, None] if axis == 0 else np.arange(extent)[None, :]
        weights = np.broadcast_to((place + 0.5) / extent, regions.shape).ravel()
        found.append(np.bincount(regions.ravel(), weights) / sizes)
    return np.stack(found, axis=1)


def where(row: float, column: float) -> str:
    """Say in which ninth of the picture a point lies."""
    down, across = (min(2, int(3 * part)) for part in (row, column))
    if (down, across) == (1, 1):
        return "centre"
    return f"{_DOWN[down]} {_ACROSS[across]}"
