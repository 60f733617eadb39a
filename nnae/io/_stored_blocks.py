"""Rows on disk as they are in memory: a folder of plain arrays, read where they are wanted.

``blocks.json`` says what there is; beside it lie little-endian arrays without headers:
``X_indptr`` (int64), ``X_indices`` (int32) and ``X_values`` (``X_values`` alone where X is dense),
``Y_indptr``, ``Y_indices``, and ``Y_values`` where a label is not 0 or 1.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae.io._blocks import MAX_WIDTH
from nnae.io._names import Names, as_names

FORMAT = 1
_MANIFEST = "blocks.json"
_LARGEST_MANIFEST = 1 << 30
_TYPES = {"indptr": ("<i8",), "indices": ("<i4",), "values": ("<f4", "<f8")}


def is_stored(path: Any) -> bool:
    """Tell whether a path is a folder of `write_blocks`."""
    return os.path.isfile(os.path.join(os.fspath(path), _MANIFEST))


@dataclass
class StoredRows:
    """An opened folder."""

    name: str
    n_rows: int
    n_features: int | None
    n_labels: int
    label_names: Any
    arrays: dict[str, Any]

    @classmethod
    def open(cls, path: Any) -> StoredRows:
        """Find the arrays of a folder; their sizes are those of the files, whatever it declares."""
        folder = os.path.abspath(os.fspath(path))
        name = os.path.basename(os.path.normpath(folder))
        try:
            manifest_path = os.path.join(folder, _MANIFEST)
            if os.path.getsize(manifest_path) > _LARGEST_MANIFEST:
                raise ValueError(f"{_MANIFEST} is too large")
            with open(manifest_path, encoding="utf-8") as file:
                about = json.load(file)
            if about["format"] != FORMAT:
                raise ValueError(
                    f"format {about['format']!r} is unknown, this version reads {FORMAT}; write "
                    "the blocks again, or update nnae"
                )
            arrays = {
                part: _Column.open(folder, part, kind) for part, kind in about["arrays"].items()
            }
            return cls(name, *_shape(about, arrays), arrays)
        except (AttributeError, KeyError, TypeError, ValueError) as odd:
            raise ValueError(f"{name}: not sound row blocks ({odd})") from None

    def blocks(self, rows: int, first: int = 0) -> Iterator[tuple[Any, Any]]:
        """Yield some rows at a time, copied out of the files and checked."""
        for start in range(first, self.n_rows, rows):
            stop = min(self.n_rows, start + rows)
            yield self._side("X", start, stop), self._side("Y", start, stop)

    def labels(self, rows: int) -> Iterator[tuple[None, Any]]:
        """Yield the labels alone."""
        for start in range(0, self.n_rows, rows):
            yield None, self._side("Y", start, min(self.n_rows, start + rows))

    def _side(self, side: str, start: int, stop: int) -> Any:
        width = self.n_features if side == "X" else self.n_labels
        if width is None:
            return None
        if f"{side}_indptr" not in self.arrays:
            values = self.arrays[f"{side}_values"].read(start * width, stop * width)
            return values.reshape(stop - start, width)
        indptr = self.arrays[f"{side}_indptr"].read(start, stop + 1)
        first, last = int(indptr[0]), int(indptr[-1])
        stored = self.arrays[f"{side}_indices"]
        if not (0 <= first <= last <= len(stored) and (np.diff(indptr) >= 0).all()):
            raise ValueError(f"{self.name}: {side}_indptr does not rise from row {start} on")
        indices = stored.read(first, last)
        if len(indices) and not 0 <= indices.min() <= indices.max() < width:
            raise ValueError(f"{self.name}: {side}_indices leaves 0 to {width - 1}, rows {start}-")
        values = self.arrays.get(f"{side}_values")
        data = np.ones(len(indices), np.float32) if values is None else values.read(first, last)
        matrix = sp.csr_matrix((data, indices, indptr - first), shape=(stop - start, width))
        matrix.sum_duplicates()
        return matrix


def _shape(about: Any, arrays: dict[str, Any]) -> tuple[int, int | None, int, Any]:
    n, d, n_labels = about["n_rows"], about["n_features"], about["n_labels"]
    for number in (n, n_labels, *(() if d is None else (d,))):
        if type(number) is not int or not 0 <= number <= (1 << 62):
            raise ValueError(f"{number!r} is no size")
    if max(n_labels, d or 0) > MAX_WIDTH:
        raise ValueError(f"at most {MAX_WIDTH} columns can be read")
    for side, width in (("X", d), ("Y", n_labels)):
        present = {part for part in arrays if part.startswith(side)}
        sparse = {f"{side}_indptr", f"{side}_indices"}
        if width is None:
            continue
        if sparse <= present:
            if len(arrays[f"{side}_indptr"]) != n + 1:
                raise ValueError(f"{side}_indptr must have {n + 1} entries")
            values = arrays.get(f"{side}_values")
            if values is not None and len(values) != len(arrays[f"{side}_indices"]):
                raise ValueError(f"{side}_values and {side}_indices differ in length")
        elif present != {f"{side}_values"} or len(arrays[f"{side}_values"]) != n * width:
            raise ValueError(f"the arrays of {side} are not those of {n} x {width}")
    names = about.get("label_names")
    if names is not None and (
        len(names) != n_labels or not all(isinstance(name, str) for name in names)
    ):
        raise ValueError(f"label_names must be {n_labels} names")
    return n, d, n_labels, names


@dataclass
class _Column:
    """One array on disk. Mapping it would count pages of the file as memory of the process."""

    path: str
    kind: np.dtype[Any]
    length: int

    @classmethod
    def open(cls, folder: str, part: str, kind: str) -> _Column:
        side, _, what = part.partition("_")
        if side not in ("X", "Y") or kind not in _TYPES.get(what, ()):
            raise ValueError(f"there is no array {part[:40]!r} of type {str(kind)[:10]!r}")
        path, dtype = os.path.join(folder, part), np.dtype(kind)
        if not os.path.isfile(path):
            raise ValueError(f"{part} is missing")
        count, rest = divmod(os.path.getsize(path), dtype.itemsize)
        if rest:
            raise ValueError(f"{part} is cut")
        return cls(path, dtype, count)

    def __len__(self) -> int:
        return self.length

    def read(self, start: int, stop: int) -> Any:
        offset = start * self.kind.itemsize
        found = np.fromfile(self.path, self.kind, stop - start, offset=offset)
        if len(found) != stop - start:
            raise ValueError(f"{os.path.basename(self.path)} was cut while it was read")
        return found


def write_blocks(
    path: str | os.PathLike[str],
    blocks: Any,
    *,
    label_names: Names = None,
) -> None:
    """Write rows to a folder that can be learnt from without being held in memory.

    Parameters
    ----------
    path : path
        A new folder, which appears whole or not at all.
    blocks : RowBlocks, or what :func:`nnae.io.row_blocks` takes
        Read once, block by block.
    label_names : sequence of str, optional

    Raises
    ------
    FileExistsError
        When there is something at ``path`` already.
    OSError
        When the disk is full. Nothing is left behind.

    Notes
    -----
    Takes 4 bytes a label and 8 (12 in double precision) a feature of a row, and 16 a row.

    Examples
    --------
    >>> import os, tempfile, nnae
    >>> data = nnae.datasets.make_label_hierarchy(100, random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "rows")
    ...     nnae.io.write_blocks(path, (None, data.Y))
    ...     sum(block.Y.nnz for block in nnae.io.row_blocks(path, rows=30)) == data.Y.nnz
    True
    """
    from nnae.io._row_blocks import row_blocks

    target = os.path.abspath(os.fspath(path))
    if os.path.lexists(target):
        raise FileExistsError(f"{target} exists already; choose another folder or remove it")
    source = row_blocks(blocks)
    temporary = tempfile.mkdtemp(prefix=".nnae-", suffix=".part", dir=os.path.dirname(target))
    try:
        about = _write(temporary, source)
        names = as_names(label_names, "label")
        names = source.label_names if names is None else names
        about["label_names"] = None if names is None else [str(name) for name in names]
        with open(os.path.join(temporary, _MANIFEST), "w", encoding="utf-8") as file:
            json.dump(about, file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o755)
        os.rename(temporary, target)
    except OSError as failed:
        raise OSError(failed.errno, f"could not be written ({failed.strerror})", target) from failed
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: str, source: Any) -> dict[str, Any]:
    files: dict[str, Any] = {}
    types: dict[str, str] = {}
    ends = {"X": 0, "Y": 0}
    about: dict[str, Any] = {"format": FORMAT, "n_rows": 0, "n_features": None}

    def put(part: str, array: Any, kind: str) -> None:
        if part not in files:
            files[part] = open(os.path.join(folder, part), "wb")  # noqa: SIM115
            types[part] = kind
        files[part].write(np.ascontiguousarray(array, types[part]).tobytes())

    try:
        for block in source:
            for side, matrix in (("X", block.X), ("Y", block.Y)):
                if matrix is None:
                    continue
                real = "<f8" if matrix.dtype == np.float64 else "<f4"
                if not hasattr(matrix, "indptr"):
                    put(f"{side}_values", matrix, real)
                    continue
                if f"{side}_indptr" not in files:
                    put(f"{side}_indptr", [0], "<i8")
                put(f"{side}_indptr", matrix.indptr[1:].astype(np.int64) + ends[side], "<i8")
                put(f"{side}_indices", matrix.indices, "<i4")
                ends[side] += matrix.nnz
                if side == "X":
                    put("X_values", matrix.data, real)
                elif (matrix.data != 1).any():
                    raise ValueError("labels must be 0/1 to be written in blocks")
            about["n_rows"] += block.Y.shape[0]
            about["n_labels"] = int(block.Y.shape[1])
            about["n_features"] = None if block.X is None else int(block.X.shape[1])
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    finally:
        for file in files.values():
            file.close()
    return {**about, "arrays": types}
