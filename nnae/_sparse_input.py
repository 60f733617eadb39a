"""Sparse matrices on their way in: indices that leave the matrix are refused before any use."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_indices(matrix: Any, name: str) -> None:
    """Refuse a sparse matrix whose arrays do not fit together or leave its shape.

    scipy believes what a matrix says of itself: its conversions write wherever indices point.
    """
    form = getattr(matrix, "format", None)
    if form in ("csr", "csc"):
        major, minor = matrix.shape if form == "csr" else matrix.shape[::-1]
        indptr, indices = np.asarray(matrix.indptr), np.asarray(matrix.indices)
        stored = min(len(indices), len(matrix.data))
        sound = len(indptr) == major + 1 and indptr[0] == 0 and indptr[-1] <= stored
        sound = sound and bool((np.diff(indptr) >= 0).all())
        places = [(indices[: indptr[-1]], minor)] if sound else []
    elif form == "coo":
        row, column = (np.asarray(matrix.row), np.asarray(matrix.col))
        sound = len(row) == len(column) == len(matrix.data)
        places = [(row, matrix.shape[0]), (column, matrix.shape[1])]
    elif form == "bsr":
        matrix.check_format(full_check=True)
        return
    else:
        return
    for place, size in places:
        if len(place) and not (place.min() >= 0 and place.max() < size):
            sound = False
    if not sound:
        raise ValueError(
            f"{name} must be a sound sparse matrix: its indices leave the shape {matrix.shape}, or "
            "its arrays do not fit together"
        )
