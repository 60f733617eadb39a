"""Models on disk: one file, no pickle, whole or not at all."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from nnae._compact import CompactEncoder
from nnae._model_file import FORMAT, Contents, ModelFileError, one_line, read_contents
from nnae._model_file import write_contents as _write
from nnae._model_tree import Decoder, Encoder, is_ours
from nnae._version import __version__

__all__ = ["ModelFileError", "load", "save"]


def save(model: Any, path: str | os.PathLike[str], *, compact: bool = False) -> None:
    """Save a model to one file, which appears whole or not at all.

    The file is a zip archive: parameters and attributes as JSON, arrays in numpy's own format,
    estimators of scikit-learn through skops, and the SHA-256 checksum of every part. It holds no
    pickle: loading it runs no code that it brings.

    Parameters
    ----------
    model : NMF, NNAE, TwoStepClassifier, LabelHierarchy or another model of this package
        Fitted or not. Callbacks are not saved; a random generator is saved as None, with a
        warning.
    path : str or path
        A file that exists is replaced. Any ending but ``.gz``.
    compact : bool, default=False
        True makes a file to predict with, several times smaller: real arrays of 4,096 numbers or
        more are kept in half precision, as shares of the largest number in their row, so that a
        number is off by at most 1/2048 of itself and what is below 3e-8 of the largest is lost; the
        codes of the training rows, ``codes_`` of the compressor, are left out, and with them what
        reads them: hierarchies must be built before. Scores of the linear decoder move by less than
        a thousandth; a vote of neighbours may change where two are as near. False keeps every bit.

    Raises
    ------
    TypeError
        When the model holds something that no file can hold, named by its attribute. Nothing is
        written.
    OSError
        When the disk is full or the folder cannot be written. The old file stays as it was.

    Notes
    -----
    Costs one pass over the arrays and, unless compact, no copy of them.

    Examples
    --------
    >>> import os, tempfile, nnae
    >>> model = nnae.NMF(2, random_state=0).fit([{"egg"}, {"egg", "leek"}, {"leek"}])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "soup.nnae")
    ...     nnae.save(model, path)
    ...     again = nnae.load(path)
    >>> bool((again.components_ == model.components_).all()), list(again.label_names_)
    (True, ['egg', 'leek'])
    """
    name = os.fspath(path)
    if not is_ours(type(model)):
        raise TypeError(f"model must be a model of nnae; got {type(model).__name__}")
    if name.endswith(".gz"):
        raise ValueError(f"path must not end in .gz, model files are packed already; got {name!r}")
    encoder = CompactEncoder() if compact else Encoder()
    try:
        encoder.model(model, type(model).__name__)
    except RecursionError:
        raise TypeError(
            f"{type(model).__name__} holds lists or dicts that are nested too deeply, or in a "
            f"circle; nothing was written"
        ) from None
    libraries = ("numpy", "scipy", "scikit-learn", "skops")
    manifest = {
        "format": FORMAT,
        "versions": {
            "nnae": __version__,
            "python": platform.python_version(),
            **{library: version(library) for library in libraries},
        },
        "class": encoder.objects[-1]["class"],
        "objects": encoder.objects,
    }
    _write(name, Contents(manifest, encoder.arrays, encoder.archives))


def load(path: str | os.PathLike[str], trusted: Sequence[str | type] | None = None) -> Any:
    """Load a model that :func:`save` wrote.

    Parameters
    ----------
    path : str or path
        The file.
    trusted : sequence of str or type, optional
        Types inside nested estimators that may be built beyond scikit-learn's and numpy's, by full
        name. The trees of scikit-learn's forests and gradient boosting always are.

    Returns
    -------
    model
        With the same parameters and the same bits in every fitted attribute, unless it was saved
        with ``compact=True``.

    Raises
    ------
    ModelFileError
        A ValueError of one line: the file was cut or altered, is of another kind, of an unknown
        format, holds a type that is not trusted, or unfolds to more than a model can be.
    OSError
        When there is no such file, or it may not be read.

    Notes
    -----
    Costs one pass over the file. Checksums tell of accidents, not of intent: a stranger's file can
    hold a wrong model, yet runs no code of its own.

    Examples
    --------
    >>> import os, tempfile, nnae
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "plan.nnae")
    ...     nnae.save(nnae.NNAE((20, 4), max_iter=5), path)
    ...     nnae.load(path)
    NNAE(layer_sizes=(20, 4), max_iter=5)
    """
    name = os.fspath(path)
    if isinstance(trusted, (str, bytes, bool)):
        raise TypeError(f"trusted must be a list of types or of their full names; got {trusted!r}")
    contents = read_contents(name)
    names = list(trusted or ())
    try:
        return Decoder(contents.arrays, contents.archives, names).model(
            contents.manifest["objects"]
        )
    except ModelFileError as error:
        raise ModelFileError(f"{name}: {error}") from error
    except Exception as error:  # constructors raise what they like on values they never wrote
        raise ModelFileError(
            f"{name}: the model cannot be built by nnae {__version__} ({one_line(error)})"
        ) from error
