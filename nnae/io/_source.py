"""Files on their way in: paths or open files, plain or gzip, as whole lines with their numbers."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, TypeAlias

CHUNK_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 28

FileLike: TypeAlias = "str | os.PathLike[str] | IO[str] | IO[bytes]"


class Source:
    """A file that can be read from its beginning more than once.

    Parameters
    ----------
    file : path, or open text or binary file
        Gzip is recognised by its first two bytes. A byte order mark is skipped, CRLF counts as
        the end of a line. An open file is read from where it stands and is not closed.
    """

    def __init__(self, file: FileLike):
        if not isinstance(file, (str, os.PathLike)) and not hasattr(file, "read"):
            raise TypeError(f"a path or an open file is needed; got {type(file).__name__}")
        self._file = file
        self._start: int | None = None
        self._used = False
        if isinstance(file, (str, os.PathLike)):
            self.path: str | None = os.fspath(file)
            self.name = os.path.basename(self.path)
        else:
            self.path = None
            given = getattr(file, "name", None)
            self.name = os.path.basename(given) if isinstance(given, str) else "the input"
            try:
                self._start = file.tell()
            except (OSError, ValueError, AttributeError):
                self._start = None

    @property
    def rewindable(self) -> bool:
        """Whether the file can be read a second time."""
        return self.path is not None or self._start is not None

    def rewind(self) -> None:
        """Put an open file back to where it stood."""
        if self._start is not None:
            self._file.seek(self._start)  # type: ignore[union-attr]

    def error(self, line: int | None, message: str) -> ValueError:
        """Return the error for one line of this file."""
        where = self.name if line is None else f"{self.name}, line {line}"
        return ValueError(f"{where}: {message}")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """Open the file at its beginning, decompressed; yields something with ``read(n)``."""
        if self.path is not None:
            with open(self.path, "rb") as raw:
                yield _decompressed(raw)
            return
        if self._used:
            if self._start is None:
                raise ValueError(
                    f"{self.name} must be read twice but cannot be rewound; give a path, or the "
                    "numbers of features and labels"
                )
            self._file.seek(self._start)  # type: ignore[union-attr]
        self._used = True
        yield _decompressed(_Bytes(self._file))

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[tuple[int, bytes]]:
        r"""Yield (number of the first line, whole lines); each line ends with ``\n``."""
        line, pending, held = 1, [b""], 0
        with self.open() as file:
            first = True
            while True:
                try:
                    piece = file.read(size)
                except (EOFError, zlib.error, gzip.BadGzipFile) as broken:
                    raise self.error(
                        line, f"the compressed file is cut or damaged here ({broken})"
                    ) from None
                if first:
                    first = False
                    if piece[:2] in (b"\xff\xfe", b"\xfe\xff"):
                        raise self.error(1, "the file must be UTF-8; this is UTF-16")
                    if piece[:3] == b"\xef\xbb\xbf":
                        piece = piece[3:]
                        if not piece:
                            continue
                if not piece:
                    break
                cut = piece.rfind(b"\n") + 1
                if not cut:
                    pending.append(piece)
                    held += len(piece)
                    if held > MAX_LINE_BYTES:
                        raise self.error(line, f"the line is longer than {MAX_LINE_BYTES:,} bytes")
                    continue
                chunk = b"".join((*pending, piece[:cut]))
                pending, held = [piece[cut:]], len(piece) - cut
                chunk = _unix(chunk)
                yield line, chunk
                line += chunk.count(b"\n")
        rest = b"".join(pending)
        if rest:
            yield line, _unix(rest + b"\n")

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (line number, line without its end)."""
        for first, chunk in self.chunks():
            yield from enumerate(chunk.split(b"\n")[:-1], first)

    def text_lines(self) -> Iterator[str]:
        r"""Yield lines of text, each with its ``\n``."""
        for first, chunk in self.chunks():
            for line in self.decode(first, chunk).split("\n")[:-1]:
                yield line + "\n"

    def decode(self, first: int, chunk: bytes) -> str:
        """Return the text of a chunk that begins at line `first`."""
        try:
            return chunk.decode("utf-8")
        except UnicodeDecodeError as odd:
            line = first + chunk.count(b"\n", 0, odd.start)
            raise self.error(
                line, f"the text must be UTF-8; got byte {chunk[odd.start]:#04x}"
            ) from None

    def read_text(self) -> str:
        """Return the whole file as text; for formats that cannot be read line by line."""
        return "".join(self.decode(first, chunk) for first, chunk in self.chunks())


class _Bytes(io.RawIOBase):
    """An open file of text or bytes, read as bytes and never closed."""

    def __init__(self, file: Any):
        self._inner = file
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            piece = self._inner.read(len(buffer))
            self._rest = piece.encode("utf-8") if isinstance(piece, str) else bytes(piece or b"")
        taken = self._rest[: len(buffer)]
        self._rest = self._rest[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _decompressed(raw: Any) -> Any:
    buffered = raw if hasattr(raw, "peek") else io.BufferedReader(raw, CHUNK_BYTES)
    return gzip.GzipFile(fileobj=buffered) if buffered.peek(2)[:2] == b"\x1f\x8b" else buffered


def _unix(chunk: bytes) -> bytes:
    return chunk.replace(b"\r\n", b"\n") if b"\r" in chunk else chunk
