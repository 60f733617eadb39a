"""The text format of the Extreme Classification repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnae.io._atomic import atomic_write
from nnae.io._blocks import MAX_WIDTH, LabelData, Part, Stream, blocks, collect
from nnae.io._names import Names, as_names, check_count
from nnae.io._rows_text import RowFormat, RowReader
from nnae.io._source import FileLike, Source
from nnae.io._write_rows import as_pair, write_lines

_HEADER = re.compile(rb"[ \t]*([0-9]{1,19})[ \t]+([0-9]{1,19})[ \t]+([0-9]{1,19})[ \t]*")


class XmcStream(Stream):
    """One file of the format, with or without its header."""

    def __init__(
        self,
        source: Source,
        *,
        n_features: int | None = None,
        n_labels: int | None = None,
        label_names: Names = None,
        feature_names: Names = None,
        dtype: Any = np.float32,
    ):
        super().__init__(source, dtype)
        self.label_names = as_names(label_names, "label")
        self.feature_names = as_names(feature_names, "feature")
        self.n_features, self.n_labels = n_features, n_labels

    def parts(self) -> Iterator[Part]:
        chunks = self.source.chunks()
        first = next(chunks, None)
        if first is None:
            raise self.source.error(None, "the file is empty")
        form = RowFormat("refuse", dtype=self.dtype)
        head, _, rest = first[1].partition(b"\n")
        match = _HEADER.fullmatch(head)
        line = first[0]
        if match:
            n, d, n_labels = (int(number) for number in match.groups())
            for what, declared, given in (
                ("features", d, self.n_features),
                ("labels", n_labels, self.n_labels),
            ):
                if declared > MAX_WIDTH:
                    raise self.source.error(
                        1, f"at most {MAX_WIDTH} {what} can be read; the header declares {declared}"
                    )
                if given is not None and given != declared:
                    raise self.source.error(
                        1, f"the header declares {declared} {what}, n_{what} is {given}"
                    )
            form = RowFormat("row", False, n, d, n_labels, dtype=self.dtype)
            self.n_features, self.n_labels = d, n_labels
            self._check_names()
            line, body = line + 1, rest
        else:
            form.n_features, form.n_labels = self.n_features, self.n_labels
            body = first[1]
        reader = RowReader(self.source, form)
        yield from reader.parts(_chain((line, body), chunks))
        if self.n_features is None:
            self.n_features = reader.largest_feature + 1
            if self.feature_names is not None:
                self.n_features = max(self.n_features, len(self.feature_names))
        if self.n_labels is None:
            self.n_labels = reader.largest_label + 1
            if self.label_names is not None:
                self.n_labels = max(self.n_labels, len(self.label_names))
        self._check_names()

    def _check_names(self) -> None:
        assert self.n_labels is not None and self.n_features is not None
        check_count(self.label_names, self.n_labels, "label", self.source.name)
        check_count(self.feature_names, self.n_features, "feature", self.source.name)


def _chain(first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]) -> Any:
    if first[1]:
        yield first
    yield from rest


def read_xmc(
    source: FileLike,
    *,
    n_features: int | None = None,
    n_labels: int | None = None,
    label_names: Names = None,
    feature_names: Names = None,
    dtype: Any = np.float32,
) -> LabelData:
    r"""Read the text format of the Extreme Classification repository.

    The first line is ``n d L``; each further line is a row, ``label,label feature:value ...``,
    with columns counted from 0. A row without labels begins with a space. Without the header,
    three numbers alone on the first line, the widths are the largest column plus one.

    Parameters
    ----------
    source : path, or open text or binary file
        Plain or gzip; UTF-8 with or without byte order mark; LF or CRLF.
    n_features, n_labels : int, optional
        The widths, for a file without header.
    label_names, feature_names : sequence of str, or path of a file with one a line, optional
    dtype : floating-point type, default float32
        Of X.

    Returns
    -------
    LabelData
        X (n x d) and Y (n x L). A label that a row repeats counts once, values of a feature that
        a row repeats are added, explicit zeros are dropped.

    Raises
    ------
    ValueError
        Naming the line: columns out of range, values that are not finite, more or fewer rows than
        the header declares, anything that is not the format. An empty line is a row without
        labels and features under a header and an error without one, except at the end.

    Notes
    -----
    Cost: linear in the size of the file; the memory of the result and one megabyte of text.

    References
    ----------
    K. Bhatia et al., The extreme classification repository, 2016,
    http://manikvarma.org/downloads/XC/XMLRepository.html

    Examples
    --------
    >>> import io
    >>> from nnae.io import read_xmc
    >>> data = read_xmc(io.StringIO("2 4 3\n0,2 1:0.5 3:2\n 0:1\n"))
    >>> data.Y.toarray()
    array([[1., 0., 1.],
           [0., 0., 0.]], dtype=float32)
    >>> data.X.shape
    (2, 4)
    """
    return collect(
        XmcStream(
            Source(source),
            n_features=n_features,
            n_labels=n_labels,
            label_names=label_names,
            feature_names=feature_names,
            dtype=dtype,
        )
    )


def iter_xmc(source: FileLike, *, rows: int = 65536, **options: Any) -> Iterator[LabelData]:
    r"""Read a file of the Extreme Classification repository in blocks of rows.

    Parameters
    ----------
    source : path, or open file
        A file without header is read twice unless ``n_features`` and ``n_labels`` are given.
    rows : int, default 65536
        Rows a block; the last may have fewer.
    **options
        As for `read_xmc`.

    Yields
    ------
    LabelData
        Blocks of equal widths; together they are what `read_xmc` returns.

    Examples
    --------
    >>> import io
    >>> from nnae.io import iter_xmc
    >>> text = io.StringIO("3 4 3\n0,2 1:0.5 3:2\n 0:1\n1 2:1\n")
    >>> [block.Y.shape for block in iter_xmc(text, rows=2)]
    [(2, 3), (1, 3)]
    """
    return blocks(XmcStream(Source(source), **options), rows)


def write_xmc(
    target: Any,
    X: Any,
    Y: Any,
    *,
    label_names: Names = None,
    label_path: str | os.PathLike[str] | None = None,
    header: bool = True,
) -> None:
    """Write the text format of the Extreme Classification repository.

    Parameters
    ----------
    target : path or open file
        A path is replaced as a whole or not at all; ``.gz`` is compressed.
    X : sparse or dense, n x d, or None
        Finite features; written so that reading gives the same bits.
    Y : any label input, n x L
        0/1; the format has no place for weights.
    label_names : sequence of str, optional
        Overrides the names that Y carries.
    label_path : path, optional
        Where to write the names, one a line.
    header : bool, default True
        Whether the first line is ``n d L``.

    Raises
    ------
    ValueError
        When X and Y differ in rows, X is not finite, Y is not 0/1, or a name has a line end.
    OSError
        When the file cannot be written; the old file is unchanged.

    Examples
    --------
    >>> import io
    >>> from nnae.io import write_xmc
    >>> out = io.StringIO()
    >>> write_xmc(out, [[0, 0.5], [1, 0]], [{"dog", "cat"}, set()])
    >>> print(out.getvalue(), end="")
    2 2 2
    0,1 1:0.5
     0:1
    """
    given = as_names(label_names)
    X, Y, names = as_pair(X, Y, given)
    head = f"{Y.shape[0]} {X.shape[1]} {Y.shape[1]}\n" if header else ""
    if label_path is not None:
        if any("\n" in name or "\r" in name for name in names):
            raise ValueError("label names must not hold line ends, to be written one a line")
        with atomic_write(label_path) as file:
            file.write("".join(f"{name}\n" for name in names).encode())
    with atomic_write(target) as file:
        file.write(head.encode())
        write_lines(file, X, Y)
