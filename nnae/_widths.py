"""Widths of the levels."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable
from typing import Any

from nnae._validation import check_count

#: Level 1 is wide because ranking wants wide codes; reading wants narrow ones, higher up.
WIDEST = 300
SHARE_OF_LABELS = 0.6
SHRINK = 5
NARROWEST = 4


def automatic_widths(n_samples: int, n_labels: int) -> tuple[int, ...]:
    """Return widths that fall by a factor of five from 0.6 L (at most 300) down to four or more.

    Examples
    --------
    >>> automatic_widths(24_009, 511)
    (300, 60, 12)
    >>> automatic_widths(4_880, 159)
    (95, 19, 4)
    """
    first = max(1, min(WIDEST, round(SHARE_OF_LABELS * n_labels), n_samples))
    widths = [first]
    while round(widths[-1] / SHRINK) >= NARROWEST:
        widths.append(round(widths[-1] / SHRINK))
    return tuple(widths)


def check_widths(layer_sizes: Any, n_samples: int, n_labels: int) -> tuple[int, ...]:
    """Return decreasing widths, reduced with a warning where they exceed the number of labels."""
    if isinstance(layer_sizes, str):
        if layer_sizes != "auto":
            raise ValueError(f"layer_sizes must be 'auto' or integers; got {layer_sizes!r}")
        return automatic_widths(n_samples, n_labels)
    if not isinstance(layer_sizes, Iterable):
        layer_sizes = (layer_sizes,)
    sizes = tuple(check_count("layer_sizes", size) for size in layer_sizes)
    if not sizes:
        raise ValueError("layer_sizes must hold at least one width; got none")
    if any(upper >= lower for lower, upper in itertools.pairwise(sizes)):
        raise ValueError(f"layer_sizes must decrease from level to level; got {sizes}")
    if sizes[0] <= n_labels:
        return sizes
    warnings.warn(
        f"layer_sizes {sizes} exceed the number of labels and were reduced to at most {n_labels}",
        UserWarning,
        stacklevel=3,
    )
    kept = [n_labels]
    kept.extend(size for size in sizes[1:] if size < kept[-1])
    return tuple(kept)
