"""What turns pictures of one size into numbers: the contract of all backbones, and their names."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator

Array = npt.NDArray[Any]


class Backbone(BaseEstimator, ABC):  # type: ignore[misc]
    """Describe pictures by numbers.

    A backbone is its parameters: what it opens with them (a session, a network in memory) is left
    out of copies, pickles and model files, and opened again when it is needed.
    """

    @cached_property
    def opened(self) -> Any:
        """What it computes with, opened once."""
        return self.open()

    def open(self) -> Any:
        """Check the parameters and return what `describe` computes with."""
        return self

    @property
    @abstractmethod
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the pictures it takes."""

    @abstractmethod
    def describe(self, pictures: Array) -> Array:
        """Return the features (n x d, float32) of RGB pictures (n x h x w x 3, uint8)."""

    def identity(self) -> str:
        """Return a text that differs between backbones whose features differ."""
        return repr((type(self).__name__, sorted(self.get_params(deep=False).items())))

    def feature_names(self, width: int) -> list[str]:
        """Return names of the features."""
        return [f"{type(self).__name__.lower()}{place}" for place in range(width)]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("opened", None)
        return state


class FileBackbone(Backbone):
    """A network in a file, which is known by its content rather than by its name."""

    path: Any

    @cached_property
    def opened(self) -> Any:
        """The network, opened once its file is known to be the one that was fitted with."""
        name = os.fspath(self.path)
        if not Path(name).is_file():
            raise ValueError(f"backbone: there is no file {name!r}")
        digest = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        known = getattr(self, "sha256_", digest)
        if known != digest:
            raise ValueError(
                f"{name} is not the backbone that the model was fitted with: its SHA-256 begins "
                f"with {digest[:12]}, not {known[:12]}"
            )
        self.sha256_ = digest
        return self.open()

    def identity(self) -> str:
        """Return a text that differs between backbones whose features differ."""
        assert self.opened is not None  # the digest is known now
        params = {k: v for k, v in self.get_params(deep=False).items() if k not in _PLACES}
        return repr((type(self).__name__, self.sha256_, sorted(params.items())))


#: Parameters of files that change no feature.
_PLACES = ("path", "n_threads")


#: Axes of a network's output that are places of the picture, by where it has its channels.
PLACES = {"nchw": (2, 3), "nhwc": (1, 2)}


def single(rows: list[Array], layout: str, source: str) -> Array:
    """Return outputs as rows of float32 (n x d): what a network gives for places is averaged."""
    found = np.concatenate([np.asarray(row) for row in rows])
    if found.ndim == 4:
        found = found.mean(axis=PLACES[layout], dtype=np.float64)
    if found.ndim != 2:
        raise ValueError(f"{source} must give n x d numbers; got shape {found.shape}")
    found = np.ascontiguousarray(found, np.float32)
    if not np.isfinite(found).all():
        raise ValueError(f"{source} gave numbers that are not finite")
    return found
