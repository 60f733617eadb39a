"""Rows of columnar stores: Arrow data sets (Parquet) and zarr groups, a block at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae.io._names import Names, as_names

LABELS, INDICES, VALUES = "labels", "feature_indices", "feature_values"

Make = Callable[[], Iterator[Any]]


def is_arrow(source: Any) -> bool:
    """Tell whether a source is an Arrow data set or table, or a path of Parquet files."""
    if type(source).__module__.split(".")[0] == "pyarrow":
        return True
    if not isinstance(source, (str, os.PathLike)):
        return False
    path = os.fspath(source)
    if os.path.isdir(path):
        return any(name.endswith(".parquet") for name in os.listdir(path))
    return path.endswith(".parquet")


def is_zarr(source: Any) -> bool:
    """Tell whether a source is a zarr group, or the path of one."""
    if type(source).__module__.split(".")[0] == "zarr":
        return True
    if not isinstance(source, (str, os.PathLike)):
        return False
    path = os.fspath(source)
    return os.path.isdir(path) and any(
        os.path.isfile(os.path.join(path, name)) for name in ("zarr.json", ".zgroup")
    )


def arrow_blocks(source: Any, rows: int, label_names: Names) -> tuple[Make, int, Any]:
    """Return an iterator's maker, the number of rows and the names of the labels."""
    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.dataset as ds
    except ImportError:
        raise ImportError("Parquet needs pyarrow: pip install 'nnae[columns]'") from None
    if isinstance(source, (str, os.PathLike)):
        source = ds.dataset(os.fspath(source), format="parquet")
    elif isinstance(source, pa.Table):
        source = ds.dataset(source)
    elif not isinstance(source, ds.Dataset):
        raise TypeError(f"an Arrow source must be a data set or table; got {type(source).__name__}")
    schema = source.schema
    if LABELS not in schema.names or not pa.types.is_list(schema.field(LABELS).type):
        raise ValueError(f"the data set must have a column {LABELS!r} of lists")
    named = pa.types.is_string(schema.field(LABELS).type.value_type)
    columns = [name for name in schema.names if name not in (LABELS, INDICES, VALUES)]
    numeric = [
        name
        for name in columns
        if pa.types.is_floating(schema.field(name).type)
        or pa.types.is_integer(schema.field(name).type)
        or pa.types.is_boolean(schema.field(name).type)
    ]
    sparse = INDICES in schema.names
    names: Any = as_names(label_names, "label")
    widths = [0, 0]
    if names is None or sparse:  # one pass over the columns whose widths are not known
        seen: set[str] = set()
        wanted = [LABELS, INDICES] if sparse else [LABELS]
        for batch in source.to_batches(columns=wanted, batch_size=rows):
            labels = batch.column(LABELS).flatten()
            if named:
                seen.update(str(name) for name in pc.unique(labels).to_pylist())
            elif len(labels):
                widths[0] = max(widths[0], int(pc.max(labels).as_py()) + 1)
            if sparse and len(batch.column(INDICES).flatten()):
                widths[1] = max(widths[1], int(pc.max(batch.column(INDICES).flatten()).as_py()) + 1)
        if names is None and named:
            names = np.array(sorted(seen), dtype=object)
    n_labels = widths[0] if names is None else len(names)

    def make() -> Iterator[Any]:
        place = None if not named else pa.array([str(name) for name in names])
        for batch in source.to_batches(batch_size=rows):
            if not len(batch):
                continue
            lists = batch.column(LABELS)
            flat = lists.flatten()
            if place is not None:
                flat = pc.index_in(flat, place)
                if flat.null_count:
                    raise ValueError("label_names must hold every label of the data set")
            Y = _csr(lists, np.asarray(flat), None, n_labels)
            Y.data[:] = 1.0
            X: Any = None
            if sparse:
                values = np.asarray(batch.column(VALUES).flatten(), np.float32)
                at = batch.column(INDICES)
                X = _csr(at, np.asarray(at.flatten()), values, widths[1])
            elif numeric:
                X = np.column_stack(
                    [np.asarray(batch.column(name), dtype=np.float32) for name in numeric]
                )
            yield X, Y

    return make, int(source.count_rows()), names


def _csr(lists: Any, indices: Any, values: Any, width: int) -> Any:
    lengths = np.nan_to_num(np.asarray(lists.value_lengths(), np.float64)).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = indices.astype(np.int64)
    if values is not None and len(values) != len(indices):
        raise ValueError(f"{VALUES} must be as long as {INDICES} in every row")
    if len(indices) and not 0 <= indices.min() <= indices.max() < width:
        raise ValueError(f"columns must be from 0 to {width - 1}; got {indices.min()} or beyond")
    data = np.ones(len(indices), np.float32) if values is None else values
    matrix = sp.csr_matrix((data, indices, indptr), shape=(len(lengths), width))
    matrix.sum_duplicates()
    return matrix


def zarr_blocks(source: Any, rows: int) -> Make:
    """Return an iterator's maker over a zarr group with ``X`` (optional) and ``Y``."""
    if isinstance(source, (str, os.PathLike)):
        try:
            import zarr
        except ImportError:
            raise ImportError("zarr stores need zarr: pip install 'nnae[columns]'") from None
        source = zarr.open_group(os.fspath(source), mode="r")
    if "Y" not in source:
        raise ValueError("the zarr group must have an array or a group named Y")
    sides = [_ZarrSide(source[name]) if name in source else None for name in ("X", "Y")]

    def make() -> Iterator[Any]:
        X, Y = sides
        assert Y is not None
        if X is not None and X.shape[0] != Y.shape[0]:
            raise ValueError(f"Y has {Y.shape[0]} rows, X has {X.shape[0]}")
        for start in range(0, Y.shape[0], rows):
            stop = min(Y.shape[0], start + rows)
            yield (None if X is None else X.rows(start, stop)), Y.rows(start, stop)

    return make


class _ZarrSide:
    """A dense array, or a group of the three arrays of CSR."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.dense = hasattr(store, "ndim")
        shape = store.shape if self.dense else store.attrs["shape"]
        self.shape = (int(shape[0]), int(shape[1]))

    def rows(self, start: int, stop: int) -> Any:
        if self.dense:
            return np.asarray(self.store[start:stop])
        indptr = np.asarray(self.store["indptr"][start : stop + 1]).astype(np.int64)
        if (np.diff(indptr) < 0).any() or indptr[0] < 0:
            raise ValueError("indptr of the zarr group must rise")
        part = slice(int(indptr[0]), int(indptr[-1]))
        indices, data = (
            np.asarray(self.store["indices"][part]),
            np.asarray(self.store["data"][part]),
        )
        shape = (stop - start, self.shape[1])
        matrix: Any = sp.csr_matrix((data, indices, indptr - indptr[0]), shape=shape)
        matrix.check_format(full_check=True)
        return matrix
