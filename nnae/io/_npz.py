"""Pairs of matrices that scipy saved."""

from __future__ import annotations

import os
import zipfile
import zlib
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.lib import format as npy

from nnae.io._blocks import LabelData
from nnae.io._names import Names, as_names, check_count

_DEFLATE_LIMIT = 1100  # deflate never packs more bytes than this into one
_MAX_HEADER = 10_000
_ROWS_WITHOUT_EVIDENCE = 1_000_000
_BROKEN = (
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,  # a place outside the file, which seeking refuses
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(
    x_path: str | os.PathLike[str] | None,
    y_path: str | os.PathLike[str],
    *,
    label_names: Names = None,
    feature_names: Names = None,
    dtype: Any = np.float32,
) -> LabelData:
    """Read a pair of matrices saved by ``scipy.sparse.save_npz``.

    Parameters
    ----------
    x_path : path or None
        Features, n x d; None for labels alone.
    y_path : path
        Labels, n x L, 0/1.
    label_names, feature_names : sequence of str, or path of a file with one a line, optional
    dtype : floating-point type, default float32
        Of X.

    Returns
    -------
    LabelData

    Raises
    ------
    ValueError
        When a file is not such a matrix, is damaged or declares more than it holds, indices are
        out of range, values are not finite, Y is not 0/1, or rows or names do not match. No
        pickled object is ever loaded.

    Examples
    --------
    >>> import os, tempfile
    >>> import scipy.sparse as sp
    >>> from nnae.io import read_npz
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "Y.npz")
    ...     sp.save_npz(path, sp.eye(3, format="csr"))
    ...     data = read_npz(None, path, label_names=["a", "b", "c"])
    >>> data.Y.shape, data.label_names.tolist()
    ((3, 3), ['a', 'b', 'c'])
    """
    Y, where = _load(y_path, np.float32)
    Y.eliminate_zeros()
    if (Y.data != 1).any():
        raise ValueError(f"{where}: labels must be 0/1; got {Y.data[Y.data != 1][0]:g}")
    labels, features = as_names(label_names, "label"), as_names(feature_names, "feature")
    check_count(labels, Y.shape[1], "label", where)
    X = None
    if x_path is not None:
        X, x_where = _load(x_path, dtype)
        if X.shape[0] != Y.shape[0]:
            raise ValueError(f"{where} has {Y.shape[0]} rows, {x_where} has {X.shape[0]}")
        check_count(features, X.shape[1], "feature", x_where)
    descr = f"{where}: {Y.shape[0]} rows, {Y.shape[1]} labels"
    return LabelData(X, Y, labels, features, DESCR=descr)


def _load(path: str | os.PathLike[str], dtype: Any) -> tuple[Any, str]:
    where = os.path.basename(os.fspath(path))
    with open(path, "rb"):
        pass  # a file that is not there is not a damaged one
    try:
        _check_sizes(path, where)
        matrix: Any = sp.load_npz(path)
    except _BROKEN as odd:
        if str(odd).startswith(where):
            raise
        raise ValueError(f"{where}: not a matrix saved by scipy.sparse.save_npz ({odd})") from None
    if matrix.shape[0] > _ROWS_WITHOUT_EVIDENCE + 1000 * matrix.nnz and matrix.format != "csr":
        raise ValueError(
            f"{where}: {matrix.shape[0]} rows are declared for {matrix.nnz} entries; save such a "
            "matrix as CSR"
        )
    if matrix.dtype.kind not in "fiub":
        raise ValueError(f"{where}: the matrix must hold real numbers; got {matrix.dtype}")
    try:
        if hasattr(matrix, "check_format"):
            matrix.check_format(full_check=True)
        matrix = sp.csr_matrix(matrix)
        matrix.check_format(full_check=True)
    except ValueError as odd:
        raise ValueError(f"{where}: the matrix is damaged: {odd}") from None
    with np.errstate(over="ignore"):
        matrix = matrix.astype(dtype)
        matrix.sum_duplicates()
    if not np.isfinite(matrix.data).all():
        row = int(np.searchsorted(matrix.indptr, np.argmin(np.isfinite(matrix.data)), "right")) - 1
        raise ValueError(f"{where}: values must be finite in {matrix.dtype}; row {row} is not")
    return matrix, where


def _check_sizes(path: str | os.PathLike[str], where: str) -> None:
    """Refuse an archive whose arrays declare more than its bytes can hold."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > _DEFLATE_LIMIT * member.compress_size + _MAX_HEADER:
                raise ValueError(f"{where}: {member.filename} declares more than the file holds")
            with archive.open(member) as file:
                version = npy.read_magic(file)
                if version == (1, 0):
                    shape, _, kind = npy.read_array_header_1_0(file, max_header_size=_MAX_HEADER)
                else:
                    shape, _, kind = npy.read_array_header_2_0(file, max_header_size=_MAX_HEADER)
            count = 1
            for size in shape:
                count *= size
            if kind.hasobject or count * kind.itemsize > member.file_size:
                raise ValueError(
                    f"{where}: {member.filename} declares {count} values of {kind}, which the "
                    "file does not hold"
                )
