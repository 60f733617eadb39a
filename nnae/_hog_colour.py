"""Outlines and colours of pictures: histograms of oriented gradients and of colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def hog_colour(
    images: Array, *, orientations: int, cell: int, block: int, bins: tuple[int, ...], grid: int
) -> npt.NDArray[np.float32]:
    """Return the features of RGB pictures (n x h x w x 3, uint8), rows of length 1 (n x d).

    The histogram of oriented gradients of the grey picture (cells of `cell` pixels, blocks of
    `block` cells), then square roots of histograms of hue, saturation and value (`bins`) of
    ``grid x grid`` cells and of the whole picture. Each part has length ``sqrt(1 / 2)``.
    """
    try:
        from skimage.color import rgb2gray, rgb2hsv
        from skimage.feature import hog
    except ImportError as missing:
        raise ImportError(
            "outlines and colours of pictures need scikit-image: pip install 'nnae[images]'"
        ) from missing
    how = {
        "orientations": orientations,
        "pixels_per_cell": (cell, cell),
        "cells_per_block": (block, block),
        "block_norm": "L2-Hys",
    }
    size = images.shape[1:3]
    blocks = block_shape(size, cell, block)
    n_hog = blocks[0] * blocks[1] * block**2 * orientations
    n_colours = (grid**2 + 1) * int(np.prod(bins))
    X = np.zeros((len(images), n_hog + n_colours), np.float32)
    for row, image in zip(X, images, strict=True):
        row[:n_hog] = _half_length(hog(rgb2gray(image), **how))
        row[n_hog:] = _half_length(_colours(rgb2hsv(image), np.array(bins), grid))
    return X


def block_shape(size: tuple[int, ...], cell: int, block: int) -> tuple[int, int]:
    """Return how many blocks of cells a picture has, down and across."""
    return size[0] // cell - block + 1, size[1] // cell - block + 1


def hog_colour_names(
    size: tuple[int, int],
    *,
    orientations: int,
    cell: int,
    block: int,
    bins: tuple[int, ...],
    grid: int,
) -> list[str]:
    """Return what each feature is."""
    shape = (*block_shape(size, cell, block), block, block, orientations)
    gradients = [
        f"gradient block {y},{x} cell {b},{a} orientation {o}"
        for y, x, b, a, o in np.ndindex(shape)
    ]
    places = [f"cell {y},{x}" for y, x in np.ndindex(grid, grid)] + ["whole"]
    colours = [
        f"colour {place} hue {h} saturation {s} value {v}"
        for place in places
        for h, s, v in np.ndindex(*bins)
    ]
    return gradients + colours


def _colours(hsv: Array, bins: Array, grid: int) -> Array:
    place = np.minimum((hsv * bins).astype(np.int64), bins - 1)
    code = (place[..., 0] * bins[1] + place[..., 1]) * bins[2] + place[..., 2]
    size, (height, width) = int(bins.prod()), hsv.shape[:2]
    down, across = height // grid, width // grid
    cell_of = (np.arange(height) // down)[:, None] * grid + np.arange(width) // across
    counts = np.bincount((cell_of * size + code).ravel(), minlength=grid**2 * size)
    whole = counts.reshape(-1, size).sum(0)
    shares = np.concatenate((counts / (down * across), whole / (height * width)))
    return np.asarray(np.sqrt(shares), dtype=np.float64)


def _half_length(part: Array) -> Array:
    length = float(np.linalg.norm(part))
    return np.asarray(part * np.sqrt(0.5) / length if length > 0 else part)
