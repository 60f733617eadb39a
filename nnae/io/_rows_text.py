"""Lines of the form ``label,label feature:value feature:value``.

The grammar that the Extreme Classification format and svmlight's multi-label form share. A chunk
of lines is split by numpy; a chunk that does not fit is read line by line, which finds either the
error and its line or a spelling that only the slow way understands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from nnae.io._blocks import MAX_WIDTH, Part, Rows
from nnae.io._numbers import Grammar
from nnae.io._source import Source

LABEL, INDEX, VALUE = 1, 2, 3
_GRAMMAR = Grammar(
    b"\n ,:",
    {
        **dict.fromkeys((b"\n,", b"\n ", b"\n\n", b",,", b", ", b",\n"), LABEL),
        **dict.fromkeys((b"\n:", b" :"), INDEX),
        **dict.fromkeys((b": ", b":\n"), VALUE),
    },
    gaps=(b"  ", b" \n", b"\n "),
    decimals=(VALUE,),
)
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = re.compile(r"[0-9]+")
_COMMENT_LINE = re.compile(rb"(?m)^[ \t]*#.*\n|^\n")
_COMMENT = re.compile(rb"#[^\n]*")


@dataclass
class RowFormat:
    """How one file writes its rows.

    Parameters
    ----------
    blank : "row", "refuse" or "skip"
        What an entirely empty line is.
    comments : bool
        Whether ``#`` begins a comment.
    n_rows, n_features, n_labels : int or None
        What the header declares.
    """

    blank: str
    comments: bool = False
    n_rows: int | None = None
    n_features: int | None = None
    n_labels: int | None = None
    header_line: int = 1
    dtype: Any = np.float32


class RowReader:
    """Reads the rows of one file and remembers the largest and smallest columns.

    Parameters
    ----------
    source : Source
    form : RowFormat
    """

    def __init__(self, source: Source, form: RowFormat):
        self.source, self.form = source, form
        self.rows = 0
        self.largest_label = self.largest_feature = -1
        self.smallest_feature: int | None = None
        self._blank_lines: list[int] = []
        self._last_line = form.header_line

    def parts(self, chunks: Iterator[tuple[int, bytes]]) -> Iterator[Part]:
        """Yield the rows of all chunks, then check that none is missing."""
        for first, chunk in chunks:
            part = self._fast(chunk)
            if part is None:
                part = self._slow(first, chunk)
            self._last_line = first + chunk.count(b"\n")
            if len(part):
                self._measure(part)
                yield part
        declared = self.form.n_rows
        if declared is not None and self.rows < declared:
            blank = min(len(self._blank_lines), declared - self.rows)
            if blank:
                self.rows += blank
                yield _part([[]] * blank, [[]] * blank, [[]] * blank, self.form.dtype)
            if self.rows < declared:
                raise self.source.error(
                    self._last_line,
                    f"the file ends after {self.rows} of the {declared} rows that line "
                    f"{self.form.header_line} declares",
                )

    def _measure(self, part: Part) -> None:
        assert part.x is not None
        self.rows += len(part)
        if part.y.indices.size:
            self.largest_label = max(self.largest_label, int(part.y.indices.max()))
        if part.x.indices.size:
            self.largest_feature = max(self.largest_feature, int(part.x.indices.max()))
            low = int(part.x.indices.min())
            if self.smallest_feature is None or low < self.smallest_feature:
                self.smallest_feature = low

    def _fast(self, chunk: bytes) -> Part | None:
        form = self.form
        if self._blank_lines:
            return None
        if form.comments:
            if b"#" in chunk:
                chunk = _COMMENT.sub(b"", _COMMENT_LINE.sub(b"", chunk))
            elif b"\n\n" in chunk or chunk[:1] == b"\n":
                chunk = re.sub(rb"(?m)^\n", b"", chunk)
        tokens = _GRAMMAR.scan(chunk)
        if tokens is None:
            return None
        labels, indices = tokens.of(LABEL), tokens.of(INDEX)
        for columns, bound in ((labels, form.n_labels), (indices, form.n_features)):
            if columns.size and columns.max() >= (MAX_WIDTH if bound is None else bound):
                return None
        y = Rows(tokens.counts(LABEL), labels.astype(np.int32))
        if form.n_rows is not None and self.rows + len(y) > form.n_rows:
            return None
        with np.errstate(over="ignore"):
            values = tokens.of(VALUE).astype(form.dtype)
        if not np.isfinite(values).all():
            return None
        return Part(y, Rows(tokens.counts(INDEX), indices.astype(np.int32), values))

    def _slow(self, first: int, chunk: bytes) -> Part:
        labels: list[Any] = []
        indices: list[Any] = []
        values: list[Any] = []
        form = self.form
        for number, text in enumerate(self.source.decode(first, chunk).split("\n")[:-1], first):
            line = text
            if form.comments and "#" in line:
                line = line.partition("#")[0]
                if not line.strip(" \t"):
                    continue
            if not line and form.blank == "skip":
                continue
            if not line:
                self._blank_lines.append(number)
                continue
            if self._blank_lines:
                if form.blank == "refuse":
                    raise self.source.error(
                        self._blank_lines[0],
                        "the line is empty; a row without labels and features is one space",
                    )
                for rows in (labels, indices, values):
                    rows.extend([] for _ in self._blank_lines)
                self._blank_lines = []
            if form.n_rows is not None and self.rows + len(labels) >= form.n_rows:
                if not line.strip(" \t"):
                    continue
                raise self.source.error(
                    number,
                    f"a row too many; line {form.header_line} declares {form.n_rows} rows",
                )
            one = self._line(number, line)
            for rows, row in zip((labels, indices, values), one, strict=True):
                rows.append(row)
        return _part(labels, indices, values, form.dtype)

    def _line(self, number: int, line: str) -> tuple[list[int], list[int], list[float]]:
        def fail(message: str) -> NoReturn:
            raise self.source.error(number, message)

        fields = line.replace("\t", " ").split(" ")
        labels: list[int] = []
        start = 0
        if ":" not in fields[0]:
            start = 1
            if fields[0]:
                labels = [
                    column(name, "label", self.form.n_labels, fail) for name in fields[0].split(",")
                ]
        indices, values = [], []
        for field in fields[start:]:
            if not field:
                continue
            name, colon, value = field.partition(":")
            if not colon:
                fail(f"feature:value is needed; got {_short(field)}")
            if name == "qid" and self.form.comments:
                fail("query numbers (qid) have no place in multi-label data; remove them")
            indices.append(column(name, "feature", self.form.n_features, fail))
            values.append(number_of(value, self.form.dtype, fail))
        return labels, indices, values


def column(name: str, what: str, bound: int | None, fail: Callable[[str], NoReturn]) -> int:
    """Return the number of a column, or fail with what must hold."""
    if not _DIGITS.fullmatch(name):
        if name[:1] == "-" and _DIGITS.fullmatch(name[1:]):
            fail(f"{what} index {_short(name, quote=False)} must not be negative")
        fail(f"{what} index must be a whole number; got {_short(name)}")
    limit = MAX_WIDTH if bound is None else bound
    digits = name.lstrip("0") or "0"
    if len(digits) > 18 or int(digits) >= limit:
        fail(f"{what} index {_short(digits, quote=False)} must be below {limit}")
    return int(digits)


def number_of(text: str, dtype: Any, fail: Callable[[str], NoReturn]) -> float:
    """Return a finite number that fits `dtype`, or fail with what must hold."""
    if not NUMBER.fullmatch(text):
        if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
            fail(f"values must be finite; got {text}")
        fail(f"a value must be a number; got {_short(text)}")
    value = float(text)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.dtype(dtype).type(value)):
            fail(f"value {_short(text, quote=False)} does not fit {np.dtype(dtype)}")
    return value


def _short(text: str, *, quote: bool = True) -> str:
    text = text if len(text) <= 40 else text[:37] + "..."
    return repr(text) if quote else text


def _part(
    labels: list[list[int]], indices: list[list[int]], values: list[list[float]], dtype: Any
) -> Part:
    def flat(rows: list[Any], kind: Any) -> Any:
        return np.array([entry for row in rows for entry in row], dtype=kind)

    def lengths(rows: list[Any]) -> Any:
        return np.array([len(row) for row in rows], dtype=np.int64)

    return Part(
        Rows(lengths(labels), flat(labels, np.int32)),
        Rows(lengths(indices), flat(indices, np.int32), flat(values, np.float64).astype(dtype)),
    )
