"""One entrance to every readable format."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from nnae.io._arff import iter_arff, read_arff
from nnae.io._blocks import LabelData
from nnae.io._coco import read_coco
from nnae.io._npz import read_npz
from nnae.io._source import Source
from nnae.io._svmlight import iter_svmlight, read_svmlight
from nnae.io._text_table import iter_text_table, read_text_table
from nnae.io._transactions import iter_transactions, read_transactions
from nnae.io._xmc import iter_xmc, read_xmc

_ROW = re.compile(rb"[ \t]*[0-9]+([ \t]+[0-9]+){2}[ \t]*|[0-9,]*([ \t]+[0-9]+:[^ \t:]+)+[ \t]*")
_OF_TEXTS = {"text", "labels", "label_delimiter", "vectorizer"}
_ENDINGS = {
    ".arff": "arff",
    ".json": "coco",
    ".npz": "npz",
    ".libsvm": "svmlight",
    ".svm": "svmlight",
    ".svmlight": "svmlight",
    ".xmc": "xmc",
}


def _read_npz(source: Any, *, x_path: Any = None, **options: Any) -> LabelData:
    return read_npz(x_path, source, **options)


READERS: dict[str, Callable[..., LabelData]] = {
    "arff": read_arff,
    "coco": read_coco,
    "npz": _read_npz,
    "svmlight": read_svmlight,
    "text_table": read_text_table,
    "transactions": read_transactions,
    "xmc": read_xmc,
}
ITERATORS: dict[str, Callable[..., Iterator[LabelData]]] = {
    "arff": iter_arff,
    "svmlight": iter_svmlight,
    "text_table": iter_text_table,
    "transactions": iter_transactions,
    "xmc": iter_xmc,
}


def detect_format(source: Any) -> str:
    r"""Tell the format of a file by its ending, else by its first line.

    Parameters
    ----------
    source : path, open file that can be rewound, or lists in memory

    Returns
    -------
    str
        "arff", "coco", "npz", "svmlight", "text_table", "transactions" or "xmc". CSV is a
        "text_table" when its columns ``text`` and ``labels`` are there, else "transactions".

    Raises
    ------
    ValueError
        When the file is empty or looks like none of the formats.

    Examples
    --------
    >>> import io
    >>> from nnae.io import detect_format
    >>> detect_format(io.StringIO("2 4 3\n0,2 1:0.5 3:2\n 0:1\n"))
    'xmc'
    """
    if not isinstance(source, (str, os.PathLike)) and not hasattr(source, "read"):
        return "transactions"
    file = Source(source)
    stem = file.name.lower().removesuffix(".gz")
    ending = os.path.splitext(stem)[1]
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if not file.rewindable:
        raise ValueError(f"{file.name} cannot be rewound, so its format must be given")
    lines = (line.strip(b" \t") for _, line in file.lines())
    first = next((line for line in lines if line and line[:1] not in b"%#"), None)
    if hasattr(source, "seek"):
        file.rewind()
    if first is None:
        raise file.error(None, "the file is empty")
    if first.lower().startswith(b"@relation"):
        return "arff"
    if first[:1] == b"{":
        return "coco"
    if ending in (".csv", ".tsv") or b"," in first or b"\t" in first:
        fields = {field.strip(b' "') for field in re.split(rb"[,;\t]", first)}
        if {b"text", b"labels"} <= fields:
            return "text_table"
        if not _ROW.fullmatch(first):
            return "transactions"
    if _ROW.fullmatch(first):
        return "xmc"
    raise file.error(
        None, f"the format is not recognised; give format=, one of {', '.join(sorted(READERS))}"
    )


def read(source: Any, format: str = "auto", **options: Any) -> LabelData:
    r"""Read a file of any readable format.

    Parameters
    ----------
    source : path, open file, or lists in memory
        For "npz" the path of the labels.
    format : str, default "auto"
        "arff", "coco", "npz", "svmlight", "text_table", "transactions" or "xmc"; "auto" goes by
        the file's ending, then by its first line (see `detect_format`); a CSV is a "text_table"
        also when one of its options is given. A ``.tsv`` is delimited by tabs.
    **options
        For the reader of the format: `read_arff`, `read_coco`, `read_svmlight`,
        `read_text_table`, `read_transactions`, `read_xmc`; for "npz" those of `read_npz`, with
        ``x_path`` for the features.

    Returns
    -------
    LabelData

    Raises
    ------
    ValueError
        When the format is unknown, or as the reader says.
    TypeError
        When the format's reader has no such option.

    Examples
    --------
    >>> import io
    >>> from nnae.io import read
    >>> read(io.StringIO("2 4 3\n0,2 1:0.5 3:2\n 0:1\n")).Y.shape
    (2, 3)
    >>> read(io.StringIO("id,item\n1,milk\n2,bread\n")).label_names.tolist()
    ['bread', 'milk']
    """
    name = _format(source, format, options)
    return READERS[name](source, **options)


def iter_read(
    source: Any, format: str = "auto", *, rows: int = 65536, **options: Any
) -> Iterator[LabelData]:
    r"""Read a file of any readable format in blocks of rows.

    Parameters
    ----------
    source, format, **options
        As for `read`. "coco" and "npz" are read as a whole and then cut.
    rows : int, default 65536
        Rows a block; the last may have fewer.

    Yields
    ------
    LabelData

    Examples
    --------
    >>> import io
    >>> from nnae.io import iter_read
    >>> text = io.StringIO("3 4 3\n0,2 1:0.5 3:2\n 0:1\n1 2:1\n")
    >>> [block.X.shape for block in iter_read(text, rows=2)]
    [(2, 4), (1, 4)]
    """
    name = _format(source, format, options)
    if name in ITERATORS:
        return ITERATORS[name](source, rows=rows, **options)
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise ValueError(f"rows must be a whole number of at least 1; got {rows!r}")
    return _cut(READERS[name](source, **options), rows)


def _cut(data: LabelData, rows: int) -> Iterator[LabelData]:
    for start in range(0, data.Y.shape[0], rows):
        which = slice(start, start + rows)
        yield LabelData(
            None if data.X is None else data.X[which],
            data.Y[which],
            data.label_names,
            data.feature_names,
            None if data.ids is None else data.ids[which],
            data.groups,
            data.vectorizer,
            data.DESCR,
        )


def _format(source: Any, name: str, options: dict[str, Any]) -> str:
    """Settle the format, check that it has these options, and set the delimiter of a .tsv."""
    if name != "auto" and name not in READERS:
        raise ValueError(f"format must be 'auto' or one of {sorted(READERS)}; got {name!r}")
    is_path = isinstance(source, (str, os.PathLike))
    stem = os.fspath(source).lower().removesuffix(".gz") if is_path else ""
    if name == "auto":
        tabular = stem.endswith((".csv", ".tsv"))
        asked = tabular and not _OF_TEXTS.isdisjoint(options)
        name = "text_table" if asked else detect_format(source)
    if stem.endswith(".tsv") and name in ("text_table", "transactions"):
        options.setdefault("delimiter", "\t")
    _check_options(name, options)
    return name


def _check_options(name: str, options: dict[str, Any]) -> None:
    reader = read_npz if name == "npz" else READERS[name]
    parameters = inspect.signature(reader).parameters
    known = [option for option in parameters if option not in ("source", "y_path")]
    for option in options:
        if option not in known:
            raise TypeError(
                f"format {name!r} has no option {option!r}; it has {', '.join(known) or 'none'}"
            )
