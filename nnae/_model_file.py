"""The file of a saved model: a zip of arrays with one manifest, checksums, and bounded sizes.

Members are ``manifest.json``, ``arrays/<number>.npy`` and ``estimators/<number>.skops``. The
manifest lists size and SHA-256 of every other member; the archive's comment holds the manifest's
own. A reader knows every size before it unpacks anything, and parses nothing before its checksum is
right: no member may unfold to more than ``MAX_RATIO`` times its packed size (a writer stores those
that would).
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from nnae._version import __version__
from nnae.io._atomic import atomic_write

Array = npt.NDArray[Any]

#: Version of the file's layout, raised when an older reader would misread it.
FORMAT = 1
#: Kinds of numpy types that a model may hold: numbers, truth values and text.
KINDS = "biufcU"
#: Largest number of unpacked bytes a packed byte.
MAX_RATIO = 100
#: Largest unpacked total of a zip inside a member, above MAX_RATIO times its size.
INNER_BYTES = 64 << 20

_MANIFEST = "manifest.json"
_NUMBER = r"(0|[1-9]\d{0,8})"
_NAME = re.compile(rf"manifest\.json|arrays/{_NUMBER}\.npy|estimators/{_NUMBER}\.skops")
_COMMENT = re.compile(rb"nnae-model (\d{1,9}) sha256:([0-9a-f]{64})")
_CHUNK = 1 << 20
_HEAD = 1 << 16


class ModelFileError(ValueError):
    """Tell that a file is not a whole, unaltered model file that this version can read.

    Examples
    --------
    >>> issubclass(ModelFileError, ValueError)
    True
    """


@dataclass
class Contents:
    """What a file holds: the tree of the model and the arrays and archives that it refers to."""

    manifest: dict[str, Any]
    arrays: list[Array]
    archives: list[bytes]


def write_contents(path: str, contents: Contents) -> None:
    """Write a new file whole, or leave the old one as it is."""
    with atomic_write(path) as raw, zipfile.ZipFile(raw, "w") as archive:
        members = {}
        for i, array in enumerate(contents.arrays):
            name = f"arrays/{i}.npy"
            members[name] = _write_member(archive, name, _array_writer(array), array.nbytes)
        for i, data in enumerate(contents.archives):
            name = f"estimators/{i}.skops"
            members[name] = _write_member(archive, name, _bytes_writer(data), len(data))
        text = json.dumps({**contents.manifest, "members": members}, allow_nan=False)
        data = text.encode("ascii")
        digest = _write_member(archive, _MANIFEST, _bytes_writer(data), len(data))["sha256"]
        archive.comment = f"nnae-model {FORMAT} sha256:{digest}".encode("ascii")


def read_contents(path: str) -> Contents:
    """Read a file, every size bounded by the directory and every byte checked."""
    with open(path, "rb") as file:
        try:
            return _read(file, os.fstat(file.fileno()).st_size)
        except ModelFileError as error:
            raise ModelFileError(f"{path}: {error}") from error
        except zipfile.BadZipFile as error:
            raise ModelFileError(
                f"{path}: not a whole model file of nnae; it was cut, altered or is of another "
                f"kind ({one_line(error)})"
            ) from error
        except Exception as error:  # zipfile and json raise many kinds on altered bytes
            raise ModelFileError(f"{path}: the file is damaged ({one_line(error)})") from error


def one_line(error: BaseException) -> str:
    """Return what an error says, or its name, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def check_archive(data: bytes, depth: int = 1) -> None:
    """Refuse an archive inside the file whose members, or arrays in them, are larger than it is."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [info.orig_filename for info in archive.infolist()]
        if len(set(names)) != len(names):
            raise ModelFileError("an inner archive holds two members of one name")
        infos = archive.infolist()
        if sum(info.compress_size for info in infos) > len(data):
            raise ModelFileError("an inner archive declares more bytes than it has")
        if sum(info.file_size for info in infos) > MAX_RATIO * len(data) + INNER_BYTES:
            raise ModelFileError("an inner archive would unfold to a size that no model has")
        for info in infos:
            with archive.open(info) as stream:
                start = stream.read(6)
            if start == b"\x93NUMPY":
                with archive.open(info) as stream:
                    _array_header(stream, info.file_size)
            elif start[:2] == b"PK" and depth > 0:
                check_archive(archive.read(info), depth - 1)


class _Meter:
    """Passes bytes on, counted and hashed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.hash = hashlib.sha256()

    def write(self, piece: Any) -> int:
        self.size += len(piece)
        self.hash.update(piece)
        return self._file.write(piece)


class _Decided(Exception):
    pass


class _Probe:
    """Packs until it is known whether a member packs well, but not too well."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._press = zlib.compressobj(1)
        self._seen = self._made = 0

    def write(self, piece: Any) -> int:
        for start in range(0, len(piece), _CHUNK):
            part = piece[start : start + _CHUNK]
            self._seen += len(part)
            self._made += len(self._press.compress(part))
            if self._made * MAX_RATIO > 2 * self._size:
                raise _Decided
        return len(piece)

    def pays(self) -> bool:
        return self._made < 0.9 * self._seen


_Writer = Callable[[Any], None]


def _array_writer(array: Array) -> _Writer:
    return lambda file: np.lib.format.write_array(file, array, allow_pickle=False)


def _bytes_writer(data: bytes) -> _Writer:
    return lambda file: file.write(data)


def _write_member(archive: zipfile.ZipFile, name: str, write: _Writer, size: int) -> dict[str, Any]:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o644 << 16
    probe = _Probe(size)
    try:
        write(probe)
    except _Decided:
        if probe.pays():
            info.compress_type = zipfile.ZIP_DEFLATED
            if hasattr(info, "compress_level"):
                info.compress_level = 1
            else:
                info._compresslevel = 1  # type: ignore[attr-defined]
    with archive.open(info, "w", force_zip64=True) as file:
        meter = _Meter(file)
        write(meter)
    return {"size": meter.size, "sha256": meter.hash.hexdigest()}


def _read(file: IO[bytes], size: int) -> Contents:
    with zipfile.ZipFile(file) as archive:
        seal = _COMMENT.fullmatch(archive.comment)
        if seal is None:
            raise ModelFileError("not a model file of nnae")
        if int(seal[1]) != FORMAT:
            raise ModelFileError(
                f"file format {int(seal[1])} is unknown to nnae {__version__}, which reads format "
                f"{FORMAT}; update nnae, or save the model again with the version that wrote it"
            )
        infos = _directory(archive, size)
        listed = {"size": infos[_MANIFEST].file_size, "sha256": seal[2].decode("ascii")}
        manifest = json.loads(_read_member(archive, infos[_MANIFEST], listed).tobytes())
        members = manifest.pop("members")
        if set(members) != set(infos) - {_MANIFEST}:
            raise ModelFileError("the members of the file are not those that its manifest lists")
        counts = {kind: sum(name.startswith(kind) for name in members) for kind in ("arr", "est")}
        names = [f"arrays/{i}.npy" for i in range(counts["arr"])]
        arrays = [_as_array(_read_member(archive, infos[name], members[name])) for name in names]
        names = [f"estimators/{i}.skops" for i in range(counts["est"])]
        archives = [_read_member(archive, infos[name], members[name]).tobytes() for name in names]
    return Contents(manifest, arrays, archives)


def _directory(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.orig_filename
        if not _NAME.fullmatch(name) or name != info.filename or name in infos:
            raise ModelFileError(f"a member named {name[:80]!r} does not belong in a model file")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelFileError(f"{name} is packed in an unknown way")
        stored = info.compress_type == zipfile.ZIP_STORED
        if info.file_size > info.compress_size * (1 if stored else MAX_RATIO):
            raise ModelFileError(f"{name} declares {info.file_size} bytes, more than it can hold")
        infos[name] = info
    if sum(info.compress_size for info in infos.values()) > size:
        raise ModelFileError("the members declare more bytes than the file has")
    if _MANIFEST not in infos:
        raise ModelFileError("not a model file of nnae: there is no manifest")
    return infos


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, listed: Any) -> Array:
    """Return the bytes of a member, after its size and its checksum were found right."""
    name, size = info.filename, info.file_size
    if size != listed["size"]:
        raise ModelFileError(f"{name} has {size} bytes, {listed['size']} were written")
    data = np.empty(size, np.uint8)
    buffer, seen = memoryview(data), hashlib.sha256()
    with archive.open(info) as stream:
        for start in range(0, size, _CHUNK):
            piece = stream.read(min(_CHUNK, size - start))
            buffer[start : start + len(piece)] = piece
            seen.update(piece)
        beyond = stream.read(1)
    if beyond or seen.hexdigest() != listed["sha256"]:
        raise ModelFileError(f"the checksum of {name} is wrong; the file was altered")
    return data


def _as_array(data: Array) -> Array:
    """Return the array that a member's bytes are, without a copy."""
    head = io.BytesIO(memoryview(data[:_HEAD]))
    shape, fortran, dtype = _array_header(head, len(data))
    if dtype.kind not in KINDS:
        raise ModelFileError(f"an array is of type {dtype}, which no model has")
    array = data[head.tell() :].view(dtype).reshape(shape, order="F" if fortran else "C")
    return array if array.flags.aligned else array.copy("K")


def _array_header(stream: Any, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, order and dtype of an array that fills `size` bytes exactly."""
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ModelFileError(f"an array is of the unknown version {version}")
    shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject or dtype.itemsize == 0 or min(shape, default=0) < 0:
        raise ModelFileError(f"an array is of type {dtype} and shape {shape}, which no model has")
    if stream.tell() + math.prod(shape) * dtype.itemsize != size:
        raise ModelFileError(f"an array of shape {shape} does not fit its {size} bytes")
    return shape, fortran, dtype
