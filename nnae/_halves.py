"""Half precision for large real arrays: numbers as shares of the largest one in their row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Arrays of fewer numbers are kept as they are.
SMALLEST = 4096
#: So are those with a row whose largest number is smaller: its shares would not be finite.
_TINY = float(np.finfo(np.float32).tiny)


def to_halves(value: Array) -> tuple[Array, Array] | None:
    """Return shares (float16) and the scale of each row (float64); None where that gains nothing.

    A number is off by at most 1/2048 of itself, or 3e-8 of the largest in its row.
    """
    if value.dtype.kind != "f" or value.dtype.itemsize < 4 or value.size < SMALLEST:
        return None
    rows = value.reshape(len(value), -1) if value.ndim > 1 else value.reshape(1, -1)
    scale = np.abs(rows).max(axis=1, keepdims=True).astype(np.float64)
    if not ((scale == 0) | ((scale > _TINY) & np.isfinite(scale))).all():
        return None
    scale[scale == 0] = 1.0
    return (rows / scale).astype(np.float16).reshape(value.shape), scale.ravel()


def from_halves(halves: Array, scale: Array, dtype: np.dtype[Any]) -> Array:
    """Return the array that shares and scales stand for."""
    rows = halves.reshape(len(scale), -1) * scale[:, None]  # in double precision
    return np.asarray(rows.reshape(halves.shape).astype(dtype))
