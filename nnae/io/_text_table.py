"""Tables with a column of text and a column of labels."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae.io._blocks import LabelData, Part, Rows, Stream, blocks, collect
from nnae.io._csv import Table
from nnae.io._names import Names, Vocabulary, as_names
from nnae.io._source import FileLike, Source

_ROWS_A_PART = 4096


class TextStream(Stream):
    """One table; without a fitted vectoriser the whole table is one part."""

    def __init__(
        self,
        source: Source,
        text: str,
        labels: str,
        *,
        label_delimiter: str = ";",
        delimiter: str = ",",
        id_column: str | None = None,
        vectorizer: Any = "tfidf",
        label_names: Names = None,
        dtype: Any = np.float32,
    ):
        super().__init__(source, dtype)
        if not isinstance(label_delimiter, str) or not label_delimiter:
            raise ValueError(f"label_delimiter must be a string; got {label_delimiter!r}")
        self._text, self._labels, self._id = text, labels, id_column
        self._label_delimiter, self._delimiter = label_delimiter, delimiter
        self.label_names = as_names(label_names, "label")
        self.n_labels = None if self.label_names is None else len(self.label_names)
        self._vocabulary = Vocabulary(self.label_names)
        self.vectorizer, self._fitted = _as_vectorizer(vectorizer, self.dtype)

    @property
    def settled(self) -> bool:
        return self._fitted and self.n_labels is not None

    def settled_parts(self) -> Iterator[Part]:
        if not self.settled:
            self._settle()
        return self.parts()

    def _settle(self) -> None:
        y = _Collected()
        if self._fitted:
            for _ in self._texts(y):
                y.clear()
        else:
            self._call("fit", self._texts(y))
            self._fitted = True
        self._end()

    def parts(self) -> Iterator[Part]:
        y = _Collected()
        if not self._fitted:
            X = self._call("fit_transform", self._texts(y))
            self._fitted = True
            self._end()
            yield self._part(X, y)
            return
        batch: list[str] = []
        for text in self._texts(y):
            batch.append(text)
            if len(batch) == _ROWS_A_PART:
                yield self._part(self._call("transform", batch), y)
                batch = []
                y.clear()
        if batch:
            yield self._part(self._call("transform", batch), y)
        self._end()

    def label_order(self) -> Any:
        return self._vocabulary.order()

    def _texts(self, y: _Collected) -> Iterator[str]:
        self._vocabulary = Vocabulary(self.label_names)
        table = Table(self.source, self._delimiter)
        text, labels = table.column(self._text), table.column(self._labels)
        name = None if self._id is None else table.column(self._id)
        empty = True
        for _, fields in table:
            empty = False
            listed = [label.strip() for label in fields[labels].split(self._label_delimiter)]
            numbers = self._vocabulary.numbers(label for label in listed if label)
            y.lengths.append(len(numbers))
            y.columns.extend(numbers)
            if name is not None:
                y.ids.append(fields[name])
            yield fields[text]
        if empty:
            raise self.source.error(None, "the table has no rows")

    def _call(self, method: str, texts: Any) -> Any:
        try:
            return getattr(self.vectorizer, method)(texts)
        except ValueError as odd:
            if str(odd).startswith(self.source.name):
                raise
            raise self.source.error(
                None, f"column {self._text!r} could not be turned into features: {odd}"
            ) from odd

    def _part(self, X: Any, y: _Collected) -> Part:
        X = sp.csr_matrix(X)
        self.n_features = X.shape[1]
        if self.feature_names is None and hasattr(self.vectorizer, "get_feature_names_out"):
            self.feature_names = np.array(self.vectorizer.get_feature_names_out(), dtype=object)
        values = X.data.astype(self.dtype)
        if not np.isfinite(values).all():
            raise self.source.error(None, "the vectoriser must give finite values")
        return Part(
            Rows(np.array(y.lengths, np.int64), np.array(y.columns, np.int32)),
            Rows(np.diff(X.indptr).astype(np.int64), X.indices, values),
            list(y.ids) if self._id is not None else None,
        )

    def _end(self) -> None:
        if not len(self._vocabulary):
            raise self.source.error(None, f"column {self._labels!r} holds no labels")
        self._vocabulary.warn(self.source.name)
        if self.n_labels is None:
            self.label_names = self._vocabulary.names()
            self.n_labels = len(self._vocabulary)


class _Collected:
    """Labels and ids that were met while texts went to the vectoriser."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.lengths, self.columns = array("q"), array("i")
        self.ids: list[str] = []


def _as_vectorizer(vectorizer: Any, dtype: Any) -> tuple[Any, bool]:
    """Return a vectoriser and whether it is fitted; an unfitted one is copied first."""
    from sklearn.base import clone
    from sklearn.exceptions import NotFittedError
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.utils.validation import check_is_fitted

    if isinstance(vectorizer, str):
        known = {"tfidf": TfidfVectorizer, "count": CountVectorizer}
        if vectorizer not in known:
            raise ValueError(
                f"vectorizer must be 'tfidf', 'count' or an object; got {vectorizer!r}"
            )
        return known[vectorizer](dtype=dtype), False
    if not hasattr(vectorizer, "transform") or not hasattr(vectorizer, "fit"):
        raise TypeError(f"vectorizer must have fit and transform; got {type(vectorizer).__name__}")
    try:
        check_is_fitted(vectorizer)
    except NotFittedError:
        return clone(vectorizer), False
    return vectorizer, True


def read_text_table(
    source: FileLike,
    text: str = "text",
    labels: str = "labels",
    *,
    label_delimiter: str = ";",
    delimiter: str = ",",
    id_column: str | None = None,
    vectorizer: Any = "tfidf",
    label_names: Names = None,
    dtype: Any = np.float32,
) -> LabelData:
    r"""Read a CSV table with a column of text and a column of labels.

    Parameters
    ----------
    source : path, or open text or binary file
        The first line names the columns.
    text, labels : str, default "text" and "labels"
        Names of the two columns; others are ignored.
    label_delimiter : str, default ";"
        Between the labels of a row. Spaces around labels are dropped.
    delimiter : str, default ","
        Between fields, one character.
    id_column : str, optional
        The column that names the rows.
    vectorizer : "tfidf", "count" or object, default "tfidf"
        scikit-learn's ``TfidfVectorizer`` or ``CountVectorizer``, or an object with ``fit`` and
        ``transform``. A fitted one is used as it is (give the ``vectorizer`` of the training
        table to read test tables); an unfitted one is copied and fitted to this table.
    label_names : sequence of str, or path of a file with one a line, optional
        The columns of Y; by default all labels, sorted. Others are ignored with a warning.
    dtype : floating-point type, default float32
        Of X.

    Returns
    -------
    LabelData
        With X, Y, `label_names`, `feature_names`, `ids` and the fitted `vectorizer`.

    Raises
    ------
    ValueError
        Naming the line: a line with too few or too many fields, an open quote, a column that is
        missing; no rows, no labels or no words at all.

    Notes
    -----
    Texts stream through the vectoriser and are not kept.

    Examples
    --------
    >>> import io
    >>> from nnae.io import read_text_table
    >>> table = "text,labels\na red apple,fruit;red\na red car,red\n"
    >>> train = read_text_table(io.StringIO(table))
    >>> train.label_names.tolist(), train.feature_names.tolist()
    (['fruit', 'red'], ['apple', 'car', 'red'])
    >>> test = read_text_table(
    ...     io.StringIO("text,labels\none apple,fruit\n"),
    ...     vectorizer=train.vectorizer,
    ...     label_names=train.label_names,
    ... )
    >>> test.X.shape, test.Y.toarray().tolist()
    ((1, 3), [[1.0, 0.0]])
    """
    return collect(
        TextStream(
            Source(source),
            text,
            labels,
            label_delimiter=label_delimiter,
            delimiter=delimiter,
            id_column=id_column,
            vectorizer=vectorizer,
            label_names=label_names,
            dtype=dtype,
        )
    )


def iter_text_table(
    source: FileLike,
    text: str = "text",
    labels: str = "labels",
    *,
    rows: int = 8192,
    **options: Any,
) -> Iterator[LabelData]:
    r"""Read a table of texts in blocks of rows.

    Parameters
    ----------
    source : path, or open file
        Read twice unless a fitted ``vectorizer`` and ``label_names`` are given.
    text, labels : str
        Names of the two columns.
    rows : int, default 8192
        Rows a block; the last may have fewer.
    **options
        As for `read_text_table`.

    Yields
    ------
    LabelData

    Examples
    --------
    >>> import io
    >>> from nnae.io import iter_text_table
    >>> table = io.StringIO("text,labels\nred apple,fruit\nred car,car\nblue car,car\n")
    >>> [block.X.shape for block in iter_text_table(table, rows=2)]
    [(2, 4), (1, 4)]
    """
    return blocks(TextStream(Source(source), text, labels, **options), rows)
