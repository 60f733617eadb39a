"""Comma-separated records with the number of the line on which each begins."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from nnae.io._source import Source

_MAX_FIELD = 1 << 27


def records(source: Source, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which the record begins, fields); an empty line has no fields.

    Quotes are doubled inside quoted fields (RFC 4180), which may span lines.
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter must be one character; got {delimiter!r}")
    if csv.field_size_limit() < _MAX_FIELD:  # the module's own limit is too low for documents
        csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(source.text_lines(), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as odd:
            raise source.error(line, f"the record that begins here is broken: {odd}") from None
        yield line, fields


class Table:
    """A file whose first record names its columns.

    Parameters
    ----------
    source : Source
    delimiter : str
    """

    def __init__(self, source: Source, delimiter: str):
        self.source = source
        self._records = records(source, delimiter)
        self.header = [name.strip() for name in next(self._records, (1, []))[1]]
        if not self.header:
            raise source.error(None, "the file must begin with a line that names its columns")

    def column(self, name: str) -> int:
        """Return the place of a column."""
        if self.header.count(name) != 1:
            found = ", ".join(repr(column) for column in self.header[:10])
            how = "two columns named" if name in self.header else "no column"
            raise self.source.error(1, f"there is {how} {name!r}; the columns are {found}")
        return self.header.index(name)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line, fields), as many as there are columns; empty lines are skipped."""
        for line, fields in self._records:
            if not fields:
                continue
            if len(fields) != len(self.header):
                raise self.source.error(
                    line, f"the line has {len(fields)} fields, the header has {len(self.header)}"
                )
            yield line, fields
