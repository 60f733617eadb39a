"""The rows of an ARFF file, dense ``v,v,v`` or sparse ``{i v,i v}``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nnae.io._arff_header import Attribute, scan_value
from nnae.io._blocks import Part, Rows
from nnae.io._numbers import Grammar
from nnae.io._rows_text import NUMBER, number_of
from nnae.io._source import Source

_INDEX, _VALUE = 1, 2
_DENSE = Grammar(
    b"\n,", dict.fromkeys((b"\n,", b",,", b",\n", b"\n\n"), _VALUE), gaps=(), decimals=(_VALUE,)
)
_SPARSE = Grammar(
    b"\n ,{}",
    {b"{ ": _INDEX, b", ": _INDEX, b" ,": _VALUE, b" }": _VALUE},
    gaps=(b"{}", b"}\n", b"\n{"),
    decimals=(_VALUE,),
)
_SPACES = re.compile(rb"[ \t]*([,{}\n])[ \t]*")
_LOOSE = (b", ", b" ,", b"{ ", b" }", b"} ", b" \n", b"\n ", b"\t")
LABEL, FEATURE, CATEGORY, ID, DROPPED = range(5)


class ArffRows:
    """Turns data lines into parts.

    Parameters
    ----------
    source : Source
    attributes : sequence of Attribute
    labels : sequence of int
        The attributes that are labels, in the order of the columns of Y.
    ids : int or None
        The attribute that names the rows.
    dropped : set of int
        Attributes to leave out.
    missing : float or None
        What stands for ``?``; None refuses it.
    dtype : numpy dtype
        Of the features.
    """

    def __init__(
        self,
        source: Source,
        attributes: Sequence[Attribute],
        labels: Sequence[int],
        ids: int | None,
        dropped: set[int],
        missing: float | None,
        dtype: Any,
    ):
        self.source, self.attributes = source, attributes
        self.missing, self.dtype = missing, dtype
        self.roles = np.full(len(attributes), FEATURE)
        self.columns = np.zeros(len(attributes), np.int64)
        self.roles[list(labels)] = LABEL
        self.columns[list(labels)] = np.arange(len(labels))
        self.feature_names: list[str] = []
        if ids is not None:
            self.roles[ids] = ID
        self.roles[[i for i in dropped if self.roles[i] == FEATURE]] = DROPPED
        for i, attribute in enumerate(attributes):
            self._place(i, attribute)
        self.binary = np.array([attribute.binary for attribute in attributes])
        self._plain = not bool(np.isin(self.roles, (CATEGORY, ID)).any())
        self._first_is_one = [a for a in attributes if a.binary and a.values[0] == "1"]
        self._categories = [i for i, role in enumerate(self.roles) if role == CATEGORY]

    def _place(self, i: int, attribute: Attribute) -> None:
        role = self.roles[i]
        if role == LABEL and not (attribute.kind == "numeric" or attribute.binary):
            raise self.source.error(
                attribute.line, f"label {attribute.name!r} must be declared {{0,1}} or numeric"
            )
        if role != FEATURE:
            return
        self.columns[i] = len(self.feature_names)
        if attribute.kind == "numeric" or attribute.binary:
            self.feature_names.append(attribute.name)
        elif attribute.kind == "nominal":
            self.roles[i] = CATEGORY
            self.feature_names.extend(f"{attribute.name}={value}" for value in attribute.values)
        else:
            raise self.source.error(
                attribute.line,
                f"attribute {attribute.name!r} of type {attribute.kind} cannot be a feature; name "
                "it in ids= or drop=",
            )

    def part(self, first: int, chunk: bytes) -> Part:
        """Return the rows of whole lines."""
        part = self._fast(chunk) if self._plain else None
        return self._slow(first, chunk) if part is None else part

    # Many rows at once ------------------------------------------------------------------------

    def _fast(self, chunk: bytes) -> Part | None:
        if any(loose in chunk for loose in _LOOSE):
            chunk = _SPACES.sub(rb"\1", chunk)
        if chunk[:1] == b"{":
            if self._first_is_one:
                return None
            tokens = _SPARSE.scan(chunk)
            if tokens is None:
                return None
            numbers = tokens.of(_INDEX)
            if numbers.size and numbers.max() >= len(self.attributes):
                return None
            index = numbers.astype(np.int64)
            values, lengths = tokens.of(_VALUE), tokens.counts(_INDEX)
            rows = np.repeat(np.arange(len(lengths)), lengths)
            return self._from_entries(len(lengths), rows, index, values)
        tokens = _DENSE.scan(chunk)
        width = len(self.attributes)
        if tokens is None or (tokens.counts(_VALUE) != width).any():
            return None
        table = tokens.of(_VALUE).reshape(-1, width)
        rows, index = np.nonzero(table)
        return self._from_entries(len(table), rows, index, table[rows, index])

    def _from_entries(
        self, n: int, rows: NDArray[Any], index: NDArray[Any], values: NDArray[Any]
    ) -> Part | None:
        roles = self.roles[index]
        as_label = roles == LABEL
        checked = values[as_label | self.binary[index]]
        if checked.size and not np.isin(checked, (0.0, 1.0)).all():
            return None
        as_feature = roles == FEATURE
        with np.errstate(over="ignore"):
            numbers = values[as_feature].astype(self.dtype)
        if not np.isfinite(numbers).all():
            return None
        as_label &= values != 0
        columns = self.columns[index].astype(np.int32)
        y = Rows(np.bincount(rows[as_label], minlength=n).astype(np.int64), columns[as_label])
        x_lengths = np.bincount(rows[as_feature], minlength=n).astype(np.int64)
        return Part(y, Rows(x_lengths, columns[as_feature], numbers))

    # One row at a time ------------------------------------------------------------------------

    def _slow(self, first: int, chunk: bytes) -> Part:
        y_lengths: list[int] = []
        x_lengths: list[int] = []
        y_columns: list[int] = []
        x_columns: list[int] = []
        x_values: list[float] = []
        ids: list[str] = []
        for line, raw in enumerate(self.source.decode(first, chunk).split("\n")[:-1], first):
            text = raw.strip(" \t")
            if not text or text.startswith("%"):
                continue
            cells = self._sparse(line, text) if text[0] == "{" else self._dense(line, text)
            before = len(y_columns), len(x_columns), len(ids)
            for i, value, quoted in cells:
                self._cell(line, i, value, quoted, y_columns, x_columns, x_values, ids)
            y_lengths.append(len(y_columns) - before[0])
            x_lengths.append(len(x_columns) - before[1])
            if len(ids) == before[2] and (self.roles == ID).any():
                raise self.source.error(line, "the row lacks the attribute that names it")
        return Part(
            Rows(np.array(y_lengths, np.int64), np.array(y_columns, np.int32)),
            Rows(
                np.array(x_lengths, np.int64),
                np.array(x_columns, np.int32),
                np.array(x_values, np.float64).astype(self.dtype),
            ),
            ids if (self.roles == ID).any() else None,
        )

    def _dense(self, line: int, text: str) -> list[tuple[int, str, bool]]:
        cells: list[tuple[int, str, bool]] = []
        at = 0
        while True:
            at = self._value(line, text, at, len(cells), cells)
            if at >= len(text):
                break
            at += 1
        if len(cells) != len(self.attributes):
            raise self.source.error(
                line,
                f"the row has {len(cells)} values, the header declares {len(self.attributes)} "
                "attributes",
            )
        return cells

    def _sparse(self, line: int, text: str) -> list[tuple[int, str, bool]]:
        if self._first_is_one:
            name = self._first_is_one[0].name
            raise self.source.error(
                line,
                f"attribute {name!r} is declared {{1,0}}: what a sparse row leaves out would "
                "mean 1; declare {0,1}",
            )
        if not text.endswith("}"):
            raise self.source.error(line, "a sparse row must end with a brace; the row is cut?")
        text = text[1:-1].strip(" \t")
        cells: list[tuple[int, str, bool]] = []
        at = 0
        while at < len(text) or (text and at == len(text)):
            stop = at
            while stop < len(text) and text[stop] not in " \t,":
                stop += 1
            name = text[at:stop]
            digits = name.lstrip("0") or "0"
            if not (name.isascii() and name.isdigit()):
                raise self.source.error(
                    line, f"an attribute's number and its value are needed; got {name[:40]!r}"
                )
            if len(digits) > 18 or int(digits) >= len(self.attributes):
                raise self.source.error(
                    line, f"attribute {digits[:40]} must be below {len(self.attributes)}"
                )
            at = self._value(line, text, stop, int(digits), cells)
            if at >= len(text):
                break
            at += 1
            while at < len(text) and text[at] in " \t":
                at += 1
        if self._categories:
            present = {i for i, _, _ in cells}
            for i in self._categories:
                if i not in present:
                    cells.append((i, self.attributes[i].values[0], True))
        return cells

    def _value(
        self, line: int, text: str, at: int, i: int, cells: list[tuple[int, str, bool]]
    ) -> int:
        """Read one value into `cells`; return the place of the comma or end behind it."""
        found = scan_value(text, at)
        if found is None:
            raise self.source.error(line, f"a quote is not closed in {text[at : at + 40]!r}")
        value, quoted, after = found
        if after < len(text) and text[after] != ",":
            if text[after] == "{":
                raise self.source.error(line, "weights of rows ({...} at the end) are not read")
            raise self.source.error(line, f"a comma must follow {value[:40]!r}")
        if not value and not quoted:
            raise self.source.error(line, "a value is empty; a missing one is '?'")
        cells.append((i, value, quoted))
        return after

    def _cell(
        self,
        line: int,
        i: int,
        value: str,
        quoted: bool,
        y_columns: list[int],
        x_columns: list[int],
        x_values: list[float],
        ids: list[str],
    ) -> None:
        attribute, role, column = self.attributes[i], self.roles[i], int(self.columns[i])

        def fail(message: str) -> NoReturn:
            raise self.source.error(line, f"attribute {attribute.name!r}: {message}")

        if role == DROPPED:
            return
        if role == ID:
            ids.append(value)
            return
        if value == "?" and not quoted:
            if role == LABEL:
                fail("a label must be 0 or 1; it is missing ('?')")
            if self.missing is None:
                fail("the value is missing ('?'); give missing= to put a number in its place")
            if role == FEATURE:
                x_columns.append(column)
                x_values.append(self.missing)
            return
        if role == CATEGORY:
            if value not in attribute.values:
                fail(f"{value[:40]!r} is not among the declared values")
            x_columns.append(column + attribute.values.index(value))
            x_values.append(1.0)
            return
        if role == LABEL or attribute.binary:
            if not NUMBER.fullmatch(value) or float(value) not in (0.0, 1.0):
                fail(f"the value must be 0 or 1; got {value[:40]!r}")
            number = float(value)
        else:
            number = number_of(value, self.dtype, fail)
        if role == LABEL:
            if number:
                y_columns.append(column)
        elif number:
            x_columns.append(column)
            x_values.append(number)
