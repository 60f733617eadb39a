"""Codes of more rows than memory holds, in files that are read and written some rows at a time.

A pass over the rows reads the codes that the last one left and writes its own beside them; only
when it is through do they take their place. So a pass that is broken off, or undone, leaves the
codes as they were, and what a checkpoint refers to is not written over until the next one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class CodeFiles:
    """Codes of all levels (n x k_l), each as a plain array in a file of its own.

    Parameters
    ----------
    folder : str
        An existing folder.
    n_rows : int
    widths : tuple of int
    dtype : dtype
    watched : bool
        Whether a checkpoint will refer to the files, which takes a third copy.

    Raises
    ------
    OSError
        Where the disk cannot hold them.
    """

    def __init__(
        self, folder: str, n_rows: int, widths: tuple[int, ...], dtype: Any, watched: bool
    ) -> None:
        self.folder, self.n_rows, self.widths = folder, n_rows, widths
        self.dtype = np.dtype(dtype)
        #: Whether the fit is yet to be gone on with, if there is a checkpoint.
        self.needed = True
        #: Which of a level's files holds its codes (-1: none), and which a checkpoint refers to.
        self.current = [-1] * len(widths)
        self.kept = [-1] * len(widths)
        needed = (3 if watched else 2) * n_rows * sum(widths) * self.dtype.itemsize
        there = sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())
        free = shutil.disk_usage(folder).free + there
        if needed > free:
            raise OSError(
                f"codes of {n_rows} rows need {needed / 2**30:.3g} GB in {folder}, which has "
                f"{free / 2**30:.3g} GB: name another codes_folder, or take fewer concepts"
            )

    def settle(self) -> None:
        """Make the present codes last until the next call: a checkpoint refers to them."""
        for level, slot in enumerate(self.current):
            if slot >= 0:
                with open(self._path(level, slot), "rb") as file:
                    os.fsync(file.fileno())
        self.kept = list(self.current)

    def read(self, level: int, start: int, stop: int) -> Array:
        """Return the present codes of some rows."""
        width = self.widths[level]
        return _read(self._path(level, self.current[level]), self.dtype, width, start, stop)

    def writer(self, level: int) -> CodeWriter:
        """Return what writes new codes of a level, from the first row on."""
        taken = (self.current[level], self.kept[level])
        slot = next(slot for slot in range(3) if slot not in taken)
        return CodeWriter(self, level, slot, self._path(level, slot))

    def blocks(self, level: int, rows: int) -> Iterator[tuple[slice, Array]]:
        """Yield the present codes some rows at a time."""
        for start in range(0, self.n_rows, rows):
            stop = min(start + rows, self.n_rows)
            yield slice(start, stop), self.read(level, start, stop)

    def publish(self, level: int, order: Array, rows: int) -> str:
        """Write the present codes, their columns in some order, as a file that numpy loads."""
        path = os.path.join(self.folder, f"codes_{level + 1}.npy")
        shape = (self.n_rows, self.widths[level])
        about = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        with _telling(path), open(path, "wb") as file:
            np.lib.format.write_array_header_1_0(file, about)
            for _, codes in self.blocks(level, rows):
                file.write(np.take(codes, order, axis=1).tobytes())
            file.flush()
            os.fsync(file.fileno())
        return path

    def remove(self) -> None:
        """Delete the working files."""
        for level in range(len(self.widths)):
            for slot in range(3):
                if os.path.exists(self._path(level, slot)):
                    os.remove(self._path(level, slot))

    def _path(self, level: int, slot: int) -> str:
        return os.path.join(self.folder, f"codes_{level + 1}.{slot}.part")


class CodeWriter:
    """New codes of one level, which replace the present ones when all are written."""

    def __init__(self, files: CodeFiles, level: int, slot: int, path: str) -> None:
        self._files, self._level, self._slot, self._path = files, level, slot, path
        with _telling(path):
            self._file: BinaryIO = open(path, "wb", buffering=0)  # noqa: SIM115

    def write(self, codes: Array) -> None:
        """Add the codes of the next rows."""
        rest = memoryview(np.ascontiguousarray(codes, self._files.dtype)).cast("B")
        with _telling(self._path):
            while len(rest):  # a disk that is almost full takes a part
                rest = rest[self._file.write(rest) :]

    def close(self, whole: bool) -> None:
        """Put the new codes in place of the old, or drop them where they are not whole."""
        self._file.close()
        if whole:
            self._files.current[self._level] = self._slot


class _telling:
    """Names the file in what the system says."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, OSError):
            raise OSError(
                error.errno, f"codes could not be written ({error.strerror})", self.path
            ) from error


def _read(path: str, dtype: Any, width: int, start: int, stop: int) -> Array:
    size = dtype.itemsize * width
    if not os.path.isfile(path):
        raise ValueError(f"{path}: codes that a checkpoint goes on from are gone; remove it")
    found = np.fromfile(path, dtype, (stop - start) * width, offset=start * size)
    if len(found) != (stop - start) * width:
        raise ValueError(f"{path} was cut while it was read")
    return found.reshape(stop - start, width)
