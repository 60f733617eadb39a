"""Files on their way out: the new file appears whole, or the old one stays."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any


@contextmanager
def atomic_write(target: Any) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `target`; on success flush, fsync and rename it.

    Parameters
    ----------
    target : path, or open text or binary file
        A path that ends in ``.gz`` is compressed. An open file is written to as it is.

    Raises
    ------
    OSError
        When the file cannot be written (a full disk, say). The old file is then unchanged and
        the temporary file removed.

    Examples
    --------
    >>> import io
    >>> from nnae.io import atomic_write
    >>> out = io.StringIO()
    >>> with atomic_write(out) as file:
    ...     _ = file.write(b"whole")
    >>> out.getvalue()
    'whole'
    """
    if hasattr(target, "write"):
        yield _Encoder(target)  # type: ignore[misc]
        return
    path = os.path.realpath(os.fspath(target))
    folder = os.path.dirname(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".nnae-", suffix=".part", dir=folder)
        with os.fdopen(handle, "wb") as raw:
            if path.endswith(".gz"):
                with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield raw
            raw.flush()
            os.fchmod(raw.fileno(), _permissions(path))
            os.fsync(raw.fileno())
        os.replace(temporary, path)
        temporary = None
        _sync_folder(folder)
    except OSError as failed:
        raise OSError(
            failed.errno,
            f"could not be written ({failed.strerror or failed}); no existing file was changed",
            os.fspath(target),
        ) from failed
    finally:
        if temporary is not None:
            os.unlink(temporary)


def _permissions(path: str) -> int:
    """Return the bits of the file to be replaced, or those that a new file would get."""
    try:
        return os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _sync_folder(folder: str) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Encoder:
    """Writes bytes to an open file of text or bytes."""

    def __init__(self, file: Any):
        self._file = file
        self._text: bool | None = None

    def write(self, piece: bytes) -> int:
        if self._text is None:
            self._text = hasattr(self._file, "encoding") or not _takes_bytes(self._file)
        self._file.write(piece.decode("utf-8") if self._text else piece)
        return len(piece)


def _takes_bytes(file: Any) -> bool:
    try:
        file.write(b"")
    except TypeError:
        return False
    return True
