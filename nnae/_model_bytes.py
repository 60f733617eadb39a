"""A model in memory: one block of bytes with every array as it is, for whom a file is too slow.

The block is ``nnae-bytes 1``, the length of a head of JSON, the head, and then the parts, each at a
multiple of ``ALIGNMENT``. The head holds the manifest, says where each part lies, and which type,
shape and order each array has. Nothing is packed and nothing is summed, so that the cost is about
one copy; codes, which are nearly all zeros, are kept as one bit a number and the numbers that are
not zero. A file on a disk should be one of :mod:`nnae._model_file`, which tells if it was altered.
"""

from __future__ import annotations

import json
import math
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from nnae._model_file import KINDS, Contents, ModelFileError, one_line

Array = npt.NDArray[Any]
Part = bytes | memoryview

#: What a block begins with; the number is raised when an older reader would misread it.
MAGIC = b"nnae-bytes 1\n"
#: Arrays begin at multiples of it, so that they can be read in place.
ALIGNMENT = 64
#: Arrays of fewer numbers, or with a larger share that is not zero, are kept as they are.
LEAST_SIZE = 4096
MOST_DENSE = 0.25

_LENGTH = 8


def write_block(contents: Contents, file: IO[bytes]) -> None:
    """Write everything as one block."""
    arrays, parts = [], []
    for array in contents.arrays:
        kept = _parts_of(array)
        arrays.append([array.dtype.str, array.shape, _is_fortran(array), len(kept) > 1])
        parts += kept
    parts += contents.archives
    places, end = [], 0
    for part in parts:
        places.append([end, len(part)])
        end = _aligned(end + len(part))
    said = {"manifest": contents.manifest, "arrays": arrays, "parts": places}
    head = json.dumps(said, allow_nan=False).encode("ascii")
    _write_aligned(file, MAGIC + len(head).to_bytes(_LENGTH, "little") + head)
    for part in parts:
        _write_aligned(file, part)


def read_block(data: bytes | bytearray | memoryview) -> Contents:
    """Return what a block holds; arrays are views of it where they were kept as they are."""
    try:
        return _read(memoryview(data).cast("B"))
    except ModelFileError:
        raise
    except Exception as error:  # json and numpy raise many kinds on altered bytes
        raise ModelFileError(f"the bytes of the model are damaged ({one_line(error)})") from error


def _read(view: memoryview) -> Contents:
    if bytes(view[: len(MAGIC)]) != MAGIC:
        raise ModelFileError("not the bytes of a model of nnae that this version can read")
    body = len(MAGIC) + _LENGTH
    length = int.from_bytes(view[len(MAGIC) : body], "little")
    if length > len(view) - body:
        raise ModelFileError("the bytes of the model were cut")
    head = json.loads(bytes(view[body : body + length]))
    start = _aligned(body + length)
    parts = []
    for place, size in head["parts"]:
        if place < 0 or size < 0 or start + place + size > len(view):
            raise ModelFileError("the bytes of the model were cut")
        parts.append(view[start + place : start + place + size])
    arrays = []
    for name, shape, fortran, thin in head["arrays"]:
        dtype = np.dtype(name)
        if dtype.kind not in KINDS:
            raise ModelFileError(f"an array is of type {dtype}, which no model has")
        numbers = _thin(dtype, shape, parts) if thin else _whole(dtype, shape, parts)
        arrays.append(numbers.reshape(shape, order="F" if fortran else "C"))
    return Contents(head["manifest"], arrays, [bytes(part) for part in parts])


def _whole(dtype: np.dtype[Any], shape: list[int], parts: list[memoryview]) -> Array:
    part = parts.pop(0)
    if math.prod(shape) * dtype.itemsize != len(part):
        raise ModelFileError("an array has another size than its bytes")
    if not len(part):
        return np.empty(0, dtype)
    array = np.frombuffer(part, dtype)
    return array if array.flags.aligned else array.copy()


def _thin(dtype: np.dtype[Any], shape: list[int], parts: list[memoryview]) -> Array:
    bits, kept = parts.pop(0), parts.pop(0)
    size = math.prod(shape)
    if len(bits) != -(-size // 8):
        raise ModelFileError("an array has another size than its bytes")
    there = np.unpackbits(np.frombuffer(bits, np.uint8), count=size).view(bool)
    numbers = np.zeros(size, dtype)
    numbers[there] = np.frombuffer(kept, dtype) if len(kept) else np.empty(0, dtype)
    return numbers


def _is_fortran(array: Array) -> bool:
    return bool(array.flags.f_contiguous and not array.flags.c_contiguous)


def _parts_of(array: Array) -> list[Part]:
    """Return the numbers in the order of memory, or where they are and which, if few."""
    if not array.nbytes:
        return [b""]
    flat = array.ravel(order="F" if _is_fortran(array) else "C")
    if flat.dtype.kind == "f" and flat.dtype.itemsize in (4, 8) and flat.size >= LEAST_SIZE:
        words = flat.view(f"u{flat.dtype.itemsize}")  # by bits: a negative zero is not zero
        there = words != 0
        if np.count_nonzero(there) <= MOST_DENSE * flat.size:
            return [np.packbits(there).data, _raw(words[there])]
    return [_raw(flat)]


def _write_aligned(file: IO[bytes], part: Part) -> None:
    file.write(part)
    file.write(bytes(_aligned(len(part)) - len(part)))


def _raw(array: Array) -> Part:
    return array.view(np.uint8).data if array.size else b""


def _aligned(place: int) -> int:
    return -(-place // ALIGNMENT) * ALIGNMENT
