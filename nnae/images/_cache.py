"""Features of pictures on disk, by what a picture and its backbone contain."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae.io import atomic_write

Array = npt.NDArray[Any]

#: Raised when features of the same backbone change.
VERSION = 1


def content_digest(content: Any) -> str:
    """Return the SHA-256 of a file's bytes, or of an array or PIL image."""
    digest = hashlib.sha256()
    if isinstance(content, bytes):
        digest.update(content)
    else:
        array = np.asarray(content)
        mode = getattr(content, "mode", "")  # the bytes of a palette picture are not its colours
        about = f"{mode} {_palette(content)} {array.dtype.str} {array.shape}"
        digest.update(about.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _palette(content: Any) -> Any:
    parts = getattr(content, "getpalette", lambda: None)(), getattr(content, "info", {})
    return parts[0], sorted((key, repr(value)) for key, value in parts[1].items())


class FeatureCache:
    """A folder with one small file a picture and backbone.

    A file appears whole or not at all, holds no pickle, and carries a checksum: one that is
    damaged, or of another width, counts as missing and is written anew. Several processes may
    share the folder.

    Parameters
    ----------
    folder : path
        Made when it is missing.
    backbone : str
        Identity of the backbone, and of what is done to pictures before it.
    """

    def __init__(self, folder: Any, backbone: str) -> None:
        name = hashlib.sha256(f"{VERSION} {backbone}".encode()).hexdigest()[:16]
        self.folder = Path(os.fspath(folder)) / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"cache must be a folder that can be written to; {folder}: {error.strerror}"
            ) from None

    def path(self, digest: str) -> Path:
        """Return where the features of a picture are."""
        return self.folder / digest[:2] / f"{digest[2:]}.npz"

    def get(self, digest: str, width: int) -> Array | None:
        """Return the features of a picture (d), or None."""
        try:
            with open(self.path(digest), "rb") as file, np.load(file, allow_pickle=False) as kept:
                row = kept["features"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return np.asarray(row) if row.shape == (width,) and row.dtype == np.float32 else None

    def put(self, digest: str, row: Array) -> None:
        """Keep the features of a picture."""
        path = self.path(digest)
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            np.savez(file, features=np.ascontiguousarray(row, np.float32))
