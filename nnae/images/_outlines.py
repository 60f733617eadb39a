"""The backbone that is always there: outlines and colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._hog_colour import hog_colour, hog_colour_names
from nnae._validation import check_count
from nnae.images._backbone import Backbone

Array = npt.NDArray[Any]


class HogColour(Backbone):
    """Describe pictures by histograms of oriented gradients and of colours.

    Needs no network. With the defaults it is what the features of ``load_emoji`` were made by:
    3,940 non-negative numbers, rows of length 1.

    Parameters
    ----------
    size : int, default=64
        Height and width of the pictures; whole cells and whole grid cells must fit in.
    orientations : int, default=9
    cell : int, default=8
        Pixels along a cell of gradients.
    block : int, default=2
        Cells along a block, in which gradients are weighed against each other.
    bins : tuple of 3 int, default=(8, 4, 4)
        Of hue, saturation and value.
    grid : int, default=4
        The picture is cut into grid x grid cells with a histogram of colours each.

    References
    ----------
    N. Dalal, B. Triggs: Histograms of oriented gradients for human detection, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.images import HogColour
    >>> HogColour(32).describe(np.zeros((2, 32, 32, 3), np.uint8)).shape
    (2, 2500)
    """

    def __init__(
        self,
        size: int = 64,
        *,
        orientations: int = 9,
        cell: int = 8,
        block: int = 2,
        bins: tuple[int, int, int] = (8, 4, 4),
        grid: int = 4,
    ) -> None:
        self.size = size
        self.orientations = orientations
        self.cell = cell
        self.block = block
        self.bins = bins
        self.grid = grid

    def open(self) -> dict[str, Any]:
        """Check the parameters and return them."""
        size, cell = check_count("size", self.size), check_count("cell", self.cell)
        block, grid = check_count("block", self.block), check_count("grid", self.grid)
        if len(self.bins) != 3:
            raise ValueError(f"bins must be of hue, saturation and value; got {self.bins!r}")
        bins = tuple(check_count("bins", bin) for bin in self.bins)
        for name, part in (("cell", cell), ("grid", grid)):
            if size % part:
                raise ValueError(f"size must be a multiple of {name} ({part}); got {size}")
        if size < cell * block:
            raise ValueError(f"size must hold a block of {cell * block} pixels; got {size}")
        orientations = check_count("orientations", self.orientations)
        return {
            "orientations": orientations, "cell": cell, "block": block, "bins": bins, "grid": grid
        }  # fmt: skip

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the pictures it takes."""
        return check_count("size", self.size), self.size

    def describe(self, pictures: Array) -> Array:
        """Return the features (n x d, float32) of RGB pictures (n x h x w x 3, uint8)."""
        return hog_colour(np.ascontiguousarray(pictures), **self.opened)

    def feature_names(self, width: int) -> list[str]:
        """Return names of the features."""
        return hog_colour_names(self.picture_size, **self.opened)
