"""Transactions: baskets of items, orders, recipes; labels without features."""

from __future__ import annotations

import csv
import io
import os
from abc import abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np

from nnae.io._atomic import atomic_write
from nnae.io._blocks import LabelData, Part, Rows, Stream, blocks, collect
from nnae.io._csv import Table, records
from nnae.io._names import Names, Vocabulary, as_names
from nnae.io._source import Source
from nnae.io._write_rows import as_labels

_ROWS_A_PART = 8192


class _ItemStream(Stream):
    """Rows of item names; columns are the given names, or all names sorted."""

    has_features = False

    def __init__(self, source: Source, label_names: Names = None):
        super().__init__(source)
        self.label_names = as_names(label_names, "label")
        self.n_labels = None if self.label_names is None else len(self.label_names)
        self._vocabulary = Vocabulary(self.label_names)

    @abstractmethod
    def rows(self) -> Iterator[tuple[str | None, list[str]]]:
        """Yield (id, items) of each row."""

    def parts(self) -> Iterator[Part]:
        self._vocabulary = Vocabulary(self.label_names)
        lengths, columns, ids = array("q"), array("i"), cast("list[str]", [])
        any_rows = False
        for name, items in self.rows():
            numbers = self._vocabulary.numbers(items)
            lengths.append(len(numbers))
            columns.extend(numbers)
            if name is not None:
                ids.append(name)
            if len(lengths) == _ROWS_A_PART:
                any_rows = True
                yield _part(lengths, columns, ids)
                lengths, columns, ids = array("q"), array("i"), []
        if len(lengths):
            any_rows = True
            yield _part(lengths, columns, ids)
        self._end(any_rows)

    def _end(self, any_rows: bool) -> None:
        if not any_rows:
            raise self.source.error(None, "there are no rows")
        if not len(self._vocabulary):
            raise self.source.error(None, "there are no items in any row")
        self._vocabulary.warn(self.source.name)
        if self.n_labels is None:
            self.label_names = self._vocabulary.names()
            self.n_labels = len(self._vocabulary)

    def label_order(self) -> Any:
        return self._vocabulary.order()


class ListStream(_ItemStream):
    """Baskets in memory."""

    def __init__(self, baskets: Any, label_names: Names = None):
        super().__init__(Source(io.BytesIO()), label_names)
        self.source.name = "the transactions"
        self._baskets: Any = baskets if isinstance(baskets, Mapping) else list(baskets)

    def rows(self) -> Iterator[tuple[str | None, list[str]]]:
        baskets = self._baskets
        named = isinstance(baskets, Mapping)
        pairs: Iterable[Any] = baskets.items() if named else enumerate(baskets)
        for name, basket in pairs:
            if isinstance(basket, (str, bytes)) or not isinstance(basket, Iterable):
                raise ValueError(
                    f"each transaction must be a list or set of items; got {basket!r} for "
                    f"{name if named else f'row {name}'}"
                )
            yield str(name) if named else None, [str(item) for item in basket]


class WideStream(_ItemStream):
    """One basket a line."""

    def __init__(self, source: Source, delimiter: str, with_ids: bool, label_names: Names = None):
        super().__init__(source, label_names)
        self._delimiter, self._with_ids = delimiter, with_ids

    def rows(self) -> Iterator[tuple[str | None, list[str]]]:
        for line, fields in records(self.source, self._delimiter):
            if self._with_ids and not fields:
                raise self.source.error(line, "the line must begin with the row's id; it is empty")
            items = [item.strip() for item in fields[self._with_ids :]]
            yield fields[0].strip() if self._with_ids else None, [item for item in items if item]


class LongStream(_ItemStream):
    """One pair of id and item a line; an id's lines stand together when read in blocks."""

    def __init__(
        self,
        source: Source,
        delimiter: str,
        id_column: str,
        item_column: str,
        label_names: Names = None,
        *,
        together: bool = False,
    ):
        super().__init__(source, label_names)
        self._delimiter, self._together = delimiter, together
        self._id_column, self._item_column = id_column, item_column

    def _pairs(self) -> Iterator[tuple[int, str, str]]:
        table = Table(self.source, self._delimiter)
        row, item = table.column(self._id_column), table.column(self._item_column)
        for line, fields in table:
            name = fields[row].strip()
            if not name:
                raise self.source.error(line, f"column {self._id_column!r} must not be empty")
            yield line, name, fields[item].strip()

    def rows(self) -> Iterator[tuple[str | None, list[str]]]:
        current: str | None = None
        items: list[str] = []
        done: set[str] = set()
        for line, name, item in self._pairs():
            if name != current:
                if current is not None:
                    yield current, items
                    done.add(current)
                if name in done:
                    raise self.source.error(
                        line, f"id {name!r} returns; to be read in blocks its lines must adjoin"
                    )
                current, items = name, []
            if item:
                items.append(item)
        if current is not None:
            yield current, items

    def parts(self) -> Iterator[Part]:
        if self._together:
            yield from super().parts()
            return
        self._vocabulary = Vocabulary(self.label_names)
        number: dict[str, int] = {}
        rows, columns = array("q"), array("i")
        for _, name, item in self._pairs():
            row = number.setdefault(name, len(number))
            if item:
                for column in self._vocabulary.numbers((item,)):
                    rows.append(row)
                    columns.append(column)
        self._end(bool(number))
        where = np.array(rows, np.int64)
        order = np.argsort(where, kind="stable")
        lengths = np.bincount(where, minlength=len(number)).astype(np.int64)
        yield Part(Rows(lengths, np.array(columns, np.int32)[order]), None, list(number))


def _part(lengths: Any, columns: Any, ids: list[str]) -> Part:
    return Part(
        Rows(np.array(lengths, np.int64), np.array(columns, np.int32)), None, ids if ids else None
    )


def transaction_stream(
    source: Any,
    *,
    layout: str = "auto",
    delimiter: str = ",",
    id_column: str = "id",
    item_column: str = "item",
    with_ids: bool = False,
    label_names: Names = None,
    together: bool = False,
) -> Stream:
    """Choose the stream for a layout."""
    if layout not in ("auto", "lists", "long", "wide"):
        raise ValueError(f"layout must be 'auto', 'lists', 'long' or 'wide'; got {layout!r}")
    is_file = isinstance(source, (str, os.PathLike)) or hasattr(source, "read")
    if layout == "lists" or (layout == "auto" and not is_file):
        if is_file:
            raise ValueError("layout='lists' reads lists in memory; a file is 'long' or 'wide'")
        return ListStream(source, label_names)
    file = Source(source)
    if layout == "auto":
        first = {name.strip() for name in next(records(file, delimiter), (1, []))[1]}
        layout = "long" if {id_column, item_column} <= first else "wide"
        if file.path is None and not file.rewindable:
            raise ValueError(f"layout must be 'long' or 'wide': {file.name} cannot be read twice")
    if layout == "wide":
        return WideStream(file, delimiter, with_ids, label_names)
    return LongStream(file, delimiter, id_column, item_column, label_names, together=together)


def read_transactions(
    source: Any,
    *,
    layout: str = "auto",
    delimiter: str = ",",
    id_column: str = "id",
    item_column: str = "item",
    with_ids: bool = False,
    label_names: Names = None,
) -> LabelData:
    r"""Read transactions: which items each row holds.

    Parameters
    ----------
    source : list of lists or sets of items, mapping of id to items, path, or open file
    layout : "auto", "lists", "long" or "wide", default "auto"
        "long": CSV with a header and one (id, item) a line; an id's lines may stand anywhere, an
        empty item makes a row without items. "wide": one row a line, items between delimiters,
        no header; an empty line is a row without items. "auto": a file is "long" when its first
        line names both columns.
    delimiter : str, default ","
        One character. Fields may be quoted.
    id_column, item_column : str, default "id" and "item"
        Columns of the long layout; others are ignored.
    with_ids : bool, default False
        Whether the first field of a wide line is the row's id.
    label_names : sequence of str, or path of a file with one a line, optional
        The columns; by default all items, sorted. Other items are ignored with a warning.

    Returns
    -------
    LabelData
        Y (n x L) with `label_names`, the items, and `ids` where there are any, in order of first
        appearance; X is None. An item that a row repeats counts once; spaces around items are
        dropped.

    Raises
    ------
    ValueError
        Naming the line: a line with too few fields, an open quote, a column that is missing, an
        empty id; no rows or no items at all.

    Notes
    -----
    Cost: linear in the size of the file.

    Examples
    --------
    >>> import io
    >>> from nnae.io import read_transactions
    >>> data = read_transactions([["milk", "bread"], ["bread"]])
    >>> data.label_names.tolist(), data.Y.toarray().tolist()
    (['bread', 'milk'], [[1.0, 1.0], [1.0, 0.0]])
    >>> read_transactions(io.StringIO("id,item\n7,milk\n8,bread\n7,bread\n")).ids.tolist()
    ['7', '8']
    """
    return collect(
        transaction_stream(
            source,
            layout=layout,
            delimiter=delimiter,
            id_column=id_column,
            item_column=item_column,
            with_ids=with_ids,
            label_names=label_names,
        )
    )


def iter_transactions(source: Any, *, rows: int = 65536, **options: Any) -> Iterator[LabelData]:
    r"""Read transactions in blocks of rows.

    Parameters
    ----------
    source : as for `read_transactions`
        Read twice unless ``label_names`` is given. In the long layout the lines of an id must
        stand together; the ids are kept to check it.
    rows : int, default 65536
        Rows a block; the last may have fewer.
    **options
        As for `read_transactions`.

    Yields
    ------
    LabelData

    Examples
    --------
    >>> import io
    >>> from nnae.io import iter_transactions
    >>> [b.Y.shape for b in iter_transactions(io.StringIO("milk\nbread,milk\neggs\n"), rows=2)]
    [(2, 3), (1, 3)]
    """
    return blocks(transaction_stream(source, together=True, **options), rows)


def write_transactions(
    target: Any,
    Y: Any,
    *,
    layout: str = "long",
    delimiter: str = ",",
    ids: Iterable[Any] | None = None,
    label_names: Names = None,
) -> None:
    r"""Write transactions as CSV.

    Parameters
    ----------
    target : path or open file
        A path is replaced as a whole or not at all; ``.gz`` is compressed.
    Y : any label input, n x L
        0/1.
    layout : "long" or "wide", default "long"
        See `read_transactions`.
    delimiter : str, default ","
    ids : iterable, optional
        One different name a row; by default the long layout counts rows from 0 and the wide one
        has none.
    label_names : sequence of str, optional
        Overrides the names that Y carries.

    Raises
    ------
    ValueError
        When Y is not 0/1, `ids` are not one a row and different, or a name is empty or has
        spaces around it or a carriage return in it, which reading would change.
    OSError
        When the file cannot be written; the old file is unchanged.

    Examples
    --------
    >>> import io
    >>> from nnae.io import write_transactions
    >>> out = io.StringIO()
    >>> write_transactions(out, [["milk", "bread"], []], layout="wide")
    >>> out.getvalue()
    'bread,milk\n\n'
    """
    if layout not in ("long", "wide"):
        raise ValueError(f"layout must be 'long' or 'wide'; got {layout!r}")
    Y, names = as_labels(Y, as_names(label_names))
    rows = None if ids is None else [str(name) for name in ids]
    if rows is None and layout == "long":
        rows = [str(i) for i in range(Y.shape[0])]
    if rows is not None and (len(rows) != Y.shape[0] or len(set(rows)) != len(rows)):
        raise ValueError(
            f"ids must be {Y.shape[0]} different names; got {len(rows)}, {len(set(rows))} different"
        )
    for name in (*names, *(rows or ())):
        if name != name.strip() or not name or "\r" in name:
            raise ValueError(
                "names must not be empty, have spaces around them or carriage returns in them; "
                f"got {name!r}"
            )
    with atomic_write(target) as file:
        for start in range(0, Y.shape[0] or 1, _ROWS_A_PART):
            text = io.StringIO()
            writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
            if start == 0 and layout == "long":
                writer.writerow(["id", "item"])
            for i in range(start, min(start + _ROWS_A_PART, Y.shape[0])):
                items = [names[j] for j in Y.indices[Y.indptr[i] : Y.indptr[i + 1]]]
                if layout == "wide":
                    writer.writerow([rows[i], *items] if rows else items)
                else:
                    assert rows is not None
                    writer.writerows([rows[i], item] for item in items or [""])
            file.write(text.getvalue().encode())
