"""Checkpoints of long fits: what a killed process has done, another goes on from.

A fit is a row of stages (sweeps of one level, sums over blocks of rows), always in the same order.
The file holds how each finished stage ended and where the present one stands. Going on, finished
stages are put back instead of run, and the present one is brought to where it stood.
"""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae._version import __version__

State = dict[str, Any]

#: A file is written at most for this share of the time.
MOST_SHARE = 0.05


class Checkpoint:
    """Where, and how often, a fit is to write down how far it is.

    Parameters
    ----------
    path : str or path
        A file, written whole and synchronised or not at all. It stays when the fit is complete;
        the same fit is then done at once.
    every : float, default=60.0
        Seconds between two writings, at least; 0 writes after every sweep. Longer where writing
        takes more than a twentieth of the time.

    Examples
    --------
    >>> import os, tempfile, nnae
    >>> Y = [{"egg"}, {"egg", "leek"}, {"leek"}]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     there = nnae.Checkpoint(os.path.join(folder, "fit.part"), every=0)
    ...     first = nnae.NMF(2, random_state=0, checkpoint=there).fit(Y)
    ...     again = nnae.NMF(2, random_state=0, checkpoint=there).fit(Y)
    >>> bool((first.components_ == again.components_).all())
    True
    """

    def __init__(self, path: str | os.PathLike[str], every: float = 60.0) -> None:
        if isinstance(every, bool) or not isinstance(every, (int, float)) or not every >= 0:
            raise ValueError(f"every must be a number of seconds of at least 0; got {every!r}")
        self.path = os.fspath(path)
        self.every = float(every)

    def __repr__(self) -> str:
        return f"Checkpoint({self.path!r}, every={self.every:g})"


class _Progress:
    """One fit under way."""

    def __init__(self, checkpoint: Checkpoint, identity: str) -> None:
        self.checkpoint, self.identity = checkpoint, identity
        self.finished: list[State] = []
        self.present: State | None = None
        self.at = 0
        self._written, self._took = time.monotonic(), 0.0
        if os.path.exists(checkpoint.path):
            self._read()

    def _read(self) -> None:
        from nnae._model_file import ModelFileError, read_contents
        from nnae._model_tree import Decoder

        path = self.checkpoint.path
        contents = read_contents(path)
        known = contents.manifest.get("checkpoint")
        if known is None:
            raise ModelFileError(f"{path}: holds a model, not a checkpoint; give another path")
        if contents.manifest.get("identity") != self.identity:
            raise ValueError(
                f"{path}: a checkpoint of another fit (other data, parameters or version of nnae); "
                "remove it or give another path"
            )
        decoder = Decoder(contents.arrays, [], [])
        if contents.manifest["objects"]:
            decoder.model(contents.manifest["objects"])
        state = decoder.value(known)
        self.finished, self.present = state["finished"], state["present"]

    def write(self, present: State | None) -> None:
        from nnae._model_file import FORMAT, Contents, write_contents
        from nnae._model_tree import Encoder

        start = time.monotonic()
        encoder = Encoder()
        value = encoder.value({"finished": self.finished, "present": present}, "the checkpoint")
        manifest = {
            "format": FORMAT,
            "checkpoint": value,
            "identity": self.identity,
            "objects": encoder.objects,
        }
        write_contents(self.checkpoint.path, Contents(manifest, encoder.arrays, []))
        self._written = time.monotonic()
        self._took = self._written - start

    def due(self) -> bool:
        wait = self.checkpoint.every
        if wait > 0:
            wait = max(wait, self._took / MOST_SHARE)
        return time.monotonic() - self._written >= wait


_current: ContextVar[_Progress | None] = ContextVar("nnae_checkpoint", default=None)


@contextmanager
def checkpointing(where: Any, identity: Callable[[], str]) -> Iterator[None]:
    """Let the fit inside go on from a checkpoint and write it; None does neither.

    A fit inside another one that has a checkpoint is a part of that one.
    """
    if where is None or _current.get() is not None:
        yield
        return
    if isinstance(where, (str, os.PathLike)):
        where = Checkpoint(where)
    if not isinstance(where, Checkpoint):
        raise TypeError(f"checkpoint must be a path, a Checkpoint or None; got {where!r}")
    token = _current.set(_Progress(where, identity()))
    try:
        yield
    finally:
        _current.reset(token)


class Stage:
    """One stage of a fit with a checkpoint.

    Attributes
    ----------
    saved : dict
        The state that it was left in; empty where it begins.
    finished : bool
        Whether that was its end.
    """

    def __init__(self, progress: _Progress | None, name: str) -> None:
        self._progress, self.name = progress, name
        self.saved: State = {}
        self.finished = False
        if progress is None:
            return
        self.finished = progress.at < len(progress.finished)
        if self.finished:
            self.saved = progress.finished[progress.at]
        elif progress.present is not None:
            self.saved = progress.present
            progress.present = None
        if self.saved and self.saved["name"] != name:
            raise ValueError(
                f"{progress.checkpoint.path}: the checkpoint is at {self.saved['name']!r} where "
                f"this fit is at {name!r}; remove it or give another path"
            )
        progress.at += 1

    @property
    def watched(self) -> bool:
        """Whether there is a checkpoint at all."""
        return self._progress is not None

    def offer(self, state: Callable[[], State]) -> None:
        """Write the present state down if it is time to."""
        if self._progress is not None and not self.finished and self._progress.due():
            self._progress.write({**state(), "name": self.name})

    def finish(self, state: State) -> None:
        """Remember how the stage ended, and write it down."""
        if self._progress is not None and not self.finished:
            self._progress.finished.append({**state, "name": self.name})
            self._progress.write(None)
            self.finished = True


def present_path() -> str | None:
    """Return the file of the checkpoint of the fit under way, None where there is none."""
    progress = _current.get()
    return None if progress is None else progress.checkpoint.path


def next_stage(name: str) -> Stage:
    """Return the next stage of the fit, one without effect where there is no checkpoint."""
    return Stage(_current.get(), name)


#: Parameters that say where a fit keeps what it needs while it runs.
_PLACES = ("checkpoint", "codes_folder")


def lasting_parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters that belong to a saved model; where its fit was noted does not."""
    parameters: dict[str, Any] = estimator.get_params(deep=False)
    return {**parameters, **{name: None for name in _PLACES if name in parameters}}


def _that_matter(estimator: Any) -> dict[str, Any]:
    """Return the parameters that a fit's result depends on."""
    beside = (*_PLACES, "callback", "verbose", "n_threads")
    return {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if name not in beside
    }


def identity_of(estimator: Any, *data: Any) -> str:
    """Return a digest of an estimator's parameters and of data, for fits that give the same."""
    digest = hashlib.sha256(f"{__version__} {type(estimator).__name__}".encode())
    parameters = _that_matter(estimator)
    _feed(digest, sorted(parameters.items()))
    for part in data:
        _feed(digest, part)
    if parameters.get("random_state", 0) is None:
        warnings.warn(
            "a fit with a checkpoint and random_state=None cannot be repeated; give a seed",
            UserWarning,
            stacklevel=4,
        )
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    is_sparse: bool = sp.issparse(value)
    if is_sparse:
        digest.update(f"{value.shape}".encode())
        for part in (value.indptr, value.indices, value.data):
            _feed(digest, part)
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.shape}{value.dtype}".encode())
        if value.dtype.hasobject:
            digest.update(repr(value.tolist()).encode())
        else:
            digest.update(memoryview(np.ascontiguousarray(value)).cast("B"))
    elif isinstance(value, (list, tuple)):
        for item in value:
            _feed(digest, item)
    elif isinstance(value, np.random.RandomState):
        _feed(digest, value.get_state(legacy=True))
    elif hasattr(value, "get_params"):
        _feed(digest, [type(value).__name__, *sorted(_that_matter(value).items())])
    else:
        digest.update(f"{type(value).__name__}={value!r};".encode())
