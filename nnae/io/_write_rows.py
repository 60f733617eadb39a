"""Matrices on their way out, as lines of ``label,label feature:value``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from nnae._labels import LabelSpace
from nnae._sparse_input import check_indices

_ROWS_AT_ONCE = 4096


def as_labels(Y: Any, label_names: Sequence[str] | NDArray[Any] | None) -> tuple[Any, list[str]]:
    """Return Y as 0/1 CSR and the names of its columns."""
    if isinstance(Y, Sequence) and not isinstance(Y, (str, bytes)) and not hasattr(Y, "shape"):
        Y = list(Y)
    space = LabelSpace.of(Y, None if label_names is None else [str(name) for name in label_names])
    matrix = space.encode(Y, np.float32)
    if matrix.nnz and (matrix.data != 1).any():
        raise ValueError(
            "Y must be 0/1: the format has no place for weights; "
            f"got {matrix.data[matrix.data != 1][0]:g}"
        )
    return matrix, list(space.names)


def as_pair(
    X: Any, Y: Any, label_names: Sequence[str] | NDArray[Any] | None
) -> tuple[Any, Any, list[str]]:
    """Return X and Y as canonical CSR with as many rows, and the names of the labels."""
    Y, names = as_labels(Y, label_names)
    if X is None:
        return sp.csr_matrix(np.empty((Y.shape[0], 0), np.float32)), Y, names
    check_indices(X, "X")
    X = sp.csr_matrix(X, copy=True)
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X must hold real numbers; got dtype {X.dtype}")
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    if X.shape[0] != Y.shape[0]:
        raise ValueError(f"Y has {Y.shape[0]} rows, X has {X.shape[0]}")
    X.sum_duplicates()
    if not np.isfinite(X.data).all():
        row = int(np.searchsorted(X.indptr, np.argmin(np.isfinite(X.data)), "right")) - 1
        raise ValueError(f"X must be finite; row {row} holds NaN or infinity")
    return X, Y, names


def write_lines(file: IO[bytes], X: Any, Y: Any, offset: int = 0) -> None:
    """Write rows; a feature's number is its column plus `offset`."""
    for start in range(0, Y.shape[0], _ROWS_AT_ONCE):
        x, y = X[start : start + _ROWS_AT_ONCE], Y[start : start + _ROWS_AT_ONCE]
        labels = [str(j) for j in y.indices.tolist()]
        features = [
            f"{j}:{value}"
            for j, value in zip((x.indices + offset).tolist(), shortest(x.data), strict=True)
        ]
        lines = [
            ",".join(labels[a:b]) + " " + " ".join(features[c:d]) + "\n"
            for a, b, c, d in zip(
                y.indptr[:-1].tolist(),
                y.indptr[1:].tolist(),
                x.indptr[:-1].tolist(),
                x.indptr[1:].tolist(),
                strict=True,
            )
        ]
        file.write("".join(lines).encode())


def shortest(values: NDArray[Any]) -> list[str]:
    """Return the shortest decimal form of each value that reads back to the same bits."""
    different, where = np.unique(values, return_inverse=True)
    text = [str(value).removesuffix(".0") for value in different]
    return [text[j] for j in where.tolist()]
