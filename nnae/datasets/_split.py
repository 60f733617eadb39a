"""Splits that anybody can derive again: a row's side depends on the name of its origin alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_TEST_BELOW = 51  # of 256: one fifth


def is_test_origin(origins: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Mark test rows: the first byte of SHA-256 of the origin's name (UTF-8) is below 51.

    Rows of one origin (binary packages of a source, variants of a picture) fall on one side.
    """
    side = {name: hashlib.sha256(name.encode()).digest()[0] < _TEST_BELOW for name in set(origins)}
    return np.array([side[name] for name in origins], dtype=bool)
