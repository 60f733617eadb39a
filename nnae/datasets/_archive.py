"""Bundled data files: arrays in one zip, the same bytes whenever the same arrays are written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

DATA_FOLDER = Path(__file__).parent / "data"


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write arrays as an npz file without pickles and without time stamps."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(values), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read what `write_arrays` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def pack_rows(name: str, matrix: sp.csr_matrix, *, values: bool) -> dict[str, npt.NDArray[Any]]:
    """Code a CSR matrix of small counts in few bytes.

    Row lengths, the gaps between the sorted columns of a row (the first counts from -1, less one)
    and, where asked for, the values.
    """
    matrix = matrix.copy()
    matrix.sum_duplicates()
    starts = np.diff(matrix.indices, prepend=0)
    first = matrix.indptr[:-1][np.diff(matrix.indptr) > 0]
    starts[first] = matrix.indices[first]
    parts = {
        f"{name}_columns": np.array([matrix.shape[1]]),
        f"{name}_lengths": _narrow(np.diff(matrix.indptr)),
        f"{name}_gaps": _narrow(starts),
    }
    if values:
        parts[f"{name}_values"] = _narrow(matrix.data)
    return parts


def unpack_rows(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> sp.csr_matrix:
    """Rebuild the matrix that `pack_rows` coded, float32."""
    lengths = arrays[f"{name}_lengths"].astype(np.int64)
    gaps = arrays[f"{name}_gaps"].astype(np.int64)
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    running = np.cumsum(gaps)
    before = np.concatenate(([0], running))[indptr[:-1]]
    indices = (running - np.repeat(before, lengths)).astype(np.int32)
    stored = arrays.get(f"{name}_values")
    data = np.ones(gaps.size, np.float32) if stored is None else stored.astype(np.float32)
    shape = (lengths.size, int(arrays[f"{name}_columns"][0]))
    return sp.csr_matrix((data, indices, indptr.astype(np.int32)), shape=shape)


def pack_names(names: Iterable[str]) -> npt.NDArray[np.uint8]:
    """Code names as bytes, one a line."""
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def unpack_names(coded: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Rebuild the names that `pack_names` coded."""
    return np.array(coded.tobytes().decode().split("\n"), dtype=object)


def _narrow(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Store whole non-negative numbers in the narrowest unsigned type that holds them."""
    largest = int(values.max()) if values.size else 0
    kinds: tuple[Any, ...] = (np.uint8, np.uint16, np.uint32)
    return values.astype(next(kind for kind in kinds if largest <= np.iinfo(kind).max))
