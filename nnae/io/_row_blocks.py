"""Rows that come in blocks: more of them than memory holds, as often as they are asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_array

from nnae._labels import LabelSpace
from nnae._sparse_input import check_indices
from nnae.io._blocks import LabelData
from nnae.io._columns import arrow_blocks, is_arrow, is_zarr, zarr_blocks
from nnae.io._names import Names, as_names
from nnae.io._read import iter_read
from nnae.io._stored_blocks import StoredRows, is_stored

#: Rows a block where nothing else is said.
ROWS = 65536
#: Rows of labels that are kept where all cannot be looked at.
MOST_SAMPLED = 1_000_000

#: Told at the start of a pass and after every block: rows so far, and the share that is done.
Watch = Callable[[int, "float | None"], object]


@dataclass
class Block:
    """Consecutive rows: checked features (n x d; None without any) and labels (n x L, csr)."""

    X: Any
    Y: Any


class RowBlocks:
    """Features and labels of rows in blocks of one width; made by :func:`row_blocks`.

    Iterating yields objects with ``X`` and ``Y``, from the first row on, as often as asked.

    Attributes
    ----------
    label_names : ndarray of str or None
    n_rows : int or None
        Known before the first pass only where the source states it.
    watch : callable or None
        Called at the start of a pass, with 0 rows, and after every block as ``watch(rows, share)``;
        the share of the pass is None where it cannot be told.

    Examples
    --------
    >>> import nnae
    >>> blocks = nnae.io.row_blocks([([[1.0]], [[1, 0]]), ([[2.0], [3.0]], [[0, 1], [1, 1]])])
    >>> [block.Y.shape for block in blocks]
    [(1, 2), (2, 2)]
    """

    def __init__(
        self,
        make: Callable[[], Iterator[Any]],
        *,
        name: str = "the blocks",
        n_rows: int | None = None,
        label_names: Names = None,
        make_labels: Callable[[], Iterator[Any]] | None = None,
    ) -> None:
        self._make, self._make_labels = make, make_labels
        self.name = name
        self.n_rows = n_rows
        self.label_names: NDArray[Any] | None = as_names(label_names, "label")
        self.watch: Watch | None = None

    def __iter__(self) -> Iterator[Block]:
        return self._blocks(self._make)

    def labels(self) -> Iterator[Block]:
        """Yield the blocks for who needs labels alone: features are not read where that is so."""
        return self._blocks(self._make if self._make_labels is None else self._make_labels)

    def _blocks(self, make: Callable[[], Iterator[Any]]) -> Iterator[Block]:
        seen, rows = Widths(self.name, self.label_names), 0
        if self.watch is not None:
            self.watch(0, 0.0)
        for piece in make():
            block = seen.check(piece)
            if self.label_names is None and isinstance(piece, LabelData):
                self.label_names = piece.label_names
            yield block
            rows += block.Y.shape[0]
            if self.watch is not None:
                self.watch(rows, self._share(rows))
        if not rows:
            raise ValueError(f"{self.name} must hold at least one row; there is none")
        self.n_rows = rows

    @property
    def identity(self) -> list[Any]:
        """What tells these rows from others without reading them: name, and sizes if known."""
        return [self.name]

    def _share(self, rows: int) -> float | None:
        return None if self.n_rows is None else min(1.0, rows / max(1, self.n_rows))


class _FileBlocks(RowBlocks):
    """A file of a readable format, from its beginning at every pass."""

    def __init__(self, path: Any, rows: int, format: str, options: dict[str, Any]) -> None:
        super().__init__(self._read, name=os.path.basename(os.fspath(path)))
        self._path, self._rows, self._format, self._options = path, rows, format, options
        self._file: Any = None

    @property
    def identity(self) -> list[Any]:
        """Name and size of the file."""
        return [self.name, os.path.getsize(self._path)]

    def _read(self) -> Iterator[Any]:
        options = {**self._options}
        if self._format == "npz" or str(self._path).endswith(".npz"):
            yield from iter_read(self._path, self._format, rows=self._rows, **options)
            return
        with open(self._path, "rb") as self._file:
            yield from iter_read(self._file, self._format, rows=self._rows, **options)

    def _share(self, rows: int) -> float | None:
        if self.n_rows is not None or self._file is None or self._file.closed:
            return super()._share(rows)
        size = os.fstat(self._file.fileno()).st_size
        return float(min(1.0, self._file.tell() / max(1, size)))


class Widths:
    """Checks that every block is sound and as wide as the first one."""

    def __init__(self, name: str, label_names: NDArray[Any] | None) -> None:
        self.name = name
        self.space = None if label_names is None else LabelSpace(tuple(map(str, label_names)))
        self.n_features: int | None = None
        self.number = 0

    def check(self, piece: Any) -> Block:
        self.number += 1
        where = f"block {self.number} of {self.name}"
        X, Y = _pair(piece, where)
        if isinstance(Y, (list, tuple)):
            Y = _matrix_of(Y, where, named=self.space is not None)
        if self.space is None:
            self.space = LabelSpace.of(Y)
        try:
            labels = self.space.encode(Y, _dtype(Y, X))
            X = None if X is None else _features(X)
        except (TypeError, ValueError) as odd:
            raise type(odd)(f"{where}: {odd}") from None
        width = 0 if X is None else X.shape[1]
        if self.n_features is None:
            self.n_features = width
        if width != self.n_features:
            raise ValueError(f"{where} has {width} features, those before have {self.n_features}")
        if X is not None and X.shape[0] != labels.shape[0]:
            raise ValueError(f"{where}: Y has {labels.shape[0]} rows, X has {X.shape[0]}")
        return Block(X, labels)


def _pair(piece: Any, where: str) -> tuple[Any, Any]:
    if hasattr(piece, "Y") and hasattr(piece, "X"):
        return piece.X, piece.Y
    if isinstance(piece, tuple) and len(piece) == 2:
        return piece
    if sp.issparse(piece) or getattr(piece, "ndim", 0) == 2:
        return None, piece
    raise TypeError(
        f"{where} must be a pair (X, Y), or a matrix of labels alone; got {type(piece).__name__}"
    )


def _matrix_of(Y: Any, where: str, named: bool) -> Any:
    try:
        matrix = np.asarray(Y, np.float64)
    except (TypeError, ValueError):
        matrix = np.empty(0)
    if matrix.ndim == 2:
        return matrix
    if not named:
        raise ValueError(f"{where} holds label names: give label_names, all of them in order")
    return list(Y)


def _dtype(Y: Any, X: Any) -> Any:
    beside = Y if X is None else X
    return np.float32 if getattr(beside, "dtype", None) == np.float32 else np.float64


def _features(X: Any) -> Any:
    check_indices(X, "X")
    checked: Any = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], order="C")
    if not hasattr(checked, "indptr"):
        return np.ascontiguousarray(checked)
    if not checked.has_canonical_format:
        checked = checked.copy()
        checked.sum_duplicates()
    return checked


def row_blocks(
    source: Any,
    *,
    rows: int = ROWS,
    format: str = "auto",
    label_names: Names = None,
    client: Any = None,
    **options: Any,
) -> RowBlocks:
    """Return rows in blocks, for estimators to learn from more of them than memory holds.

    Parameters
    ----------
    source : path, iterable, callable, (X, Y), Arrow data set or zarr group
        A file of any format of :func:`nnae.io.read`; a folder of :func:`nnae.io.write_blocks`;
        Parquet files or an Arrow data set, whose column ``labels``
        holds lists of names or numbers and whose other columns are features (numbers, or lists
        ``feature_indices`` and ``feature_values``); a zarr group with ``X`` and ``Y`` (arrays, or
        groups of ``data``, ``indices``, ``indptr`` with an attribute ``shape``); two matrices; a
        list of blocks, or a callable that returns a new iterator over blocks. A block is a pair
        (X, Y), or Y alone. Of Dask: a bag of blocks, a list of delayed blocks, a pair of
        DataFrames or arrays with the same partitions, or one of labels alone.
    rows : int, default=65536
        Rows a block, where the source is not in blocks already.
    format : str, default="auto"
        Of a file, as for :func:`nnae.io.read`.
    label_names : sequence of str, optional
        Names of the columns of Y; needed where blocks hold label names that no file lists.
    client : distributed.Client, optional
        Cluster whose workers are to read and add up; for Dask's collections None takes the client
        in use. A folder of :func:`nnae.io.write_blocks` that all workers can read may be given one.
    **options
        For the reader of a file.

    Returns
    -------
    RowBlocks

    Raises
    ------
    TypeError
        For an iterator that is used up after one pass: rows are read more than once.
    ValueError
        As soon as a block is not sound, naming it.

    Examples
    --------
    >>> import nnae, numpy as np
    >>> data = nnae.datasets.make_label_hierarchy(100, random_state=0)
    >>> blocks = nnae.io.row_blocks((np.eye(100), data.Y), rows=40)
    >>> [block.X.shape[0] for block in blocks]
    [40, 40, 20]
    """
    if isinstance(source, RowBlocks):
        return source
    if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 1:
        raise ValueError(f"rows must be a whole number of at least 1; got {rows!r}")
    pair = isinstance(source, tuple) and len(source) == 2
    of_dask = _of_dask(source, int(rows), client, label_names)
    if of_dask is not None:
        found = of_dask
    elif isinstance(source, (str, os.PathLike)):
        found = _of_path(source, int(rows), format, label_names, options)
    elif options:
        raise TypeError(f"options are for files alone; got {', '.join(sorted(options))}")
    elif is_arrow(source):
        found = _of_arrow(source, int(rows), label_names)
    elif is_zarr(source):
        found = RowBlocks(zarr_blocks(source, int(rows)), label_names=label_names)
    elif pair and hasattr(source[1], "shape"):
        found = _of_matrices(source[0], source[1], int(rows))
    elif callable(source):
        found = RowBlocks(lambda: iter(source()))
    elif isinstance(source, Iterable) and not isinstance(source, Iterator):
        found = RowBlocks(lambda: iter(source))
    else:
        raise TypeError(
            "blocks are read more than once: give a path, a list of blocks, or a callable that "
            f"returns a new iterator; got {type(source).__name__}"
        )
    if label_names is not None and found.label_names is None:
        found.label_names = as_names(label_names, "label")
    return found


def as_blocks(source: Any, labels: Any = None) -> RowBlocks | None:
    """Return row blocks for what stands for some: blocks, paths, Dask's collections; else None."""
    if isinstance(source, (RowBlocks, str, os.PathLike)):
        return row_blocks(source)
    return _of_dask(source if labels is None else (source, labels), ROWS, None, None)


def sample_labels(blocks: RowBlocks, most: int = MOST_SAMPLED) -> Any:
    """Return the labels of at most so many rows, evenly spaced, of all where they are fewer.

    Rows are thinned out by halves whenever too many are held, so one pass is enough.
    """
    held: list[Any] = []
    stride, seen, count = 1, 0, 0
    for block in blocks:
        rows = np.arange(-seen % stride, block.Y.shape[0], stride)
        held.append(block.Y[rows])
        seen += block.Y.shape[0]
        count += len(rows)
        while count > most:
            stride *= 2
            whole = sp.csr_matrix(sp.vstack(held, format="csr"))
            held = [whole[::2]]
            count = held[0].shape[0]
    return sp.csr_matrix(sp.vstack(held, format="csr"))


def _of_dask(source: Any, rows: int, client: Any, label_names: Names) -> RowBlocks | None:
    if client is None and "dask" not in sys.modules:
        return None
    from nnae.io._cluster_blocks import dask_blocks, is_dask, stored_on_cluster

    if isinstance(source, tuple) and len(source) == 2 and is_dask(source[1]):
        if not is_dask(source[0]):
            raise TypeError(f"X and Y must both be of Dask; X is a {type(source[0]).__name__}")
        return dask_blocks(*source, client, label_names)
    if is_dask(source):
        return dask_blocks(source, None, client, label_names)
    if client is None:
        return None
    if not isinstance(source, (str, os.PathLike)) or not is_stored(source):
        raise TypeError("client= is for Dask's collections and folders of write_blocks")
    stored = StoredRows.open(source)
    names = stored.label_names if label_names is None else label_names
    return stored_on_cluster(stored, rows, client, names)


def _of_path(path: Any, rows: int, format: str, label_names: Names, options: Any) -> RowBlocks:
    if is_stored(path):
        stored = StoredRows.open(path)
        names = stored.label_names if label_names is None else label_names
        return RowBlocks(
            lambda: stored.blocks(rows),
            name=stored.name,
            n_rows=stored.n_rows,
            label_names=names,
            make_labels=lambda: stored.labels(rows),
        )
    if is_arrow(path):
        return _of_arrow(path, rows, label_names)
    if is_zarr(path):
        return RowBlocks(zarr_blocks(path, rows), name=str(path), label_names=label_names)
    if label_names is not None:
        options = {**options, "label_names": label_names}
    return _FileBlocks(path, rows, format, options)


def _of_arrow(source: Any, rows: int, label_names: Names) -> RowBlocks:
    make, count, names = arrow_blocks(source, rows, label_names)
    return RowBlocks(make, name="the data set", n_rows=count, label_names=names)


def _of_matrices(X: Any, Y: Any, rows: int) -> RowBlocks:
    check_indices(X, "X")
    check_indices(Y, "Y")
    Y, X = (M.tocsr() if hasattr(M, "tocsr") else M for M in (Y, X))
    n = Y.shape[0]
    if X is not None and X.shape[0] != n:
        raise ValueError(f"Y has {n} rows, X has {X.shape[0]}")

    def make(X: Any = X) -> Iterator[Any]:
        for start in range(0, n, rows):
            part = slice(start, start + rows)
            yield (None if X is None else X[part]), Y[part]

    return RowBlocks(make, n_rows=n, make_labels=lambda: make(None))
