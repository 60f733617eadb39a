"""Models on disk: one file, no pickle, whole or not at all."""

from __future__ import annotations

import io
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import IO, Any

from nnae._compact import CompactEncoder
from nnae._model_bytes import read_block, write_block
from nnae._model_file import FORMAT, Contents, ModelFileError, one_line, read_contents
from nnae._model_file import write_contents as _write
from nnae._model_tree import Decoder, Encoder, is_ours
from nnae._version import __version__

__all__ = ["ModelFileError", "dump", "dumps", "load", "loads", "save"]


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
    _check_model(model)
    if name.endswith(".gz"):
        raise ValueError(f"path must not end in .gz, model files are packed already; got {name!r}")
    _write(name, _contents(model, CompactEncoder() if compact else Encoder()))


def dump(model: Any, file: IO[bytes]) -> None:
    """Write a model as bytes that another process can make it from.

    Parameters
    ----------
    model : NMF, NNAE, TwoStepClassifier, LabelHierarchy or another model of this package
        As :func:`save` takes.
    file : binary file
        Every bit of the model is written, unpacked and without checksums: for a message or a store
        that has its own. R's objects keep their models in this form.

    Raises
    ------
    TypeError
        When the model holds something that cannot be written, named by its attribute.

    Notes
    -----
    Costs one pass over the arrays, a small part of what :func:`save` costs.

    Examples
    --------
    >>> import io, nnae
    >>> from nnae import persist
    >>> file = io.BytesIO()
    >>> persist.dump(nnae.NNAE((20, 4), max_iter=5), file)
    >>> persist.loads(file.getvalue())
    NNAE(layer_sizes=(20, 4), max_iter=5)
    """
    _check_model(model)
    write_block(_contents(model, Encoder()), file)


def dumps(model: Any) -> bytes:
    """Return the bytes that :func:`dump` writes.

    Parameters
    ----------
    model : NMF, NNAE, TwoStepClassifier, LabelHierarchy or another model of this package
        As :func:`save` takes.

    Returns
    -------
    data : bytes
        What :func:`loads` makes the model from.

    Raises
    ------
    TypeError
        As :func:`dump`.

    Examples
    --------
    >>> import nnae
    >>> from nnae import persist
    >>> data = persist.dumps(nnae.NNAE((20, 4), max_iter=5))
    >>> persist.loads(data)
    NNAE(layer_sizes=(20, 4), max_iter=5)
    """
    file = io.BytesIO()
    dump(model, file)
    return file.getvalue()


def loads(data: bytes | bytearray | memoryview, trusted: Sequence[str | type] | None = None) -> Any:
    """Make a model from the bytes of :func:`dumps`.

    Parameters
    ----------
    data : bytes, bytearray or memoryview
        The arrays of the model are views of it: do not change a bytearray afterwards.
    trusted : sequence of str or type, optional
        As in :func:`load`.

    Returns
    -------
    model
        With the same parameters and the same bits in every fitted attribute.

    Raises
    ------
    ModelFileError
        A ValueError of one line, as of :func:`load`.
    TypeError
        When `data` is not bytes.

    Examples
    --------
    >>> import nnae
    >>> from nnae import persist
    >>> model = nnae.NMF(2, random_state=0).fit([{"egg"}, {"egg", "leek"}, {"leek"}])
    >>> again = persist.loads(persist.dumps(model))
    >>> bool((again.components_ == model.components_).all())
    True
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"data must be bytes; got {type(data).__name__}")
    _check_trusted(trusted)
    return _build(read_block(data), trusted, "")


def _check_model(model: Any) -> None:
    if not is_ours(type(model)):
        raise TypeError(f"model must be a model of nnae; got {type(model).__name__}")


def _contents(model: Any, encoder: Encoder) -> Contents:
    """Return the parts of a model, with what made them."""
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
    return Contents(manifest, encoder.arrays, encoder.archives)


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
    _check_trusted(trusted)
    return _build(read_contents(name), trusted, f"{name}: ")


def _check_trusted(trusted: Sequence[str | type] | None) -> None:
    if isinstance(trusted, (str, bytes, bool)):
        raise TypeError(f"trusted must be a list of types or of their full names; got {trusted!r}")


def _build(contents: Contents, trusted: Sequence[str | type] | None, where: str) -> Any:
    names = list(trusted or ())
    try:
        return Decoder(contents.arrays, contents.archives, names).model(
            contents.manifest["objects"]
        )
    except ModelFileError as error:
        raise ModelFileError(f"{where}{error}") from error
    except Exception as error:  # constructors raise what they like on values they never wrote
        raise ModelFileError(
            f"{where}the model cannot be built by nnae {__version__} ({one_line(error)})"
        ) from error
