"""Head, torso and tail: labels by how often they were seen in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

BANDS = ("head", "torso", "tail")


def frequency_bands(counts: Any) -> npt.NDArray[np.int64]:
    """Return 0, 1, 2 for head, torso and tail labels (L), from their counts in training.

    Labels by falling count: the head has half of all positives, the torso a further third.
    """
    counts = np.asarray(counts).ravel()
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    total = max(1, int(counts.sum()))
    bands = np.zeros(len(counts), np.int64)
    bands[order] = (before >= total / 2).astype(np.int64) + (before >= total * 5 / 6)
    return bands
