"""Rows as they are read: every format yields parts, parts become one matrix or many blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from nnae.io._source import Source

MAX_WIDTH = 2**31 - 1


@dataclass
class LabelData:
    r"""What every reader returns.

    Attributes
    ----------
    X : csr_matrix or None, shape (n, d)
        Features; None where the format holds labels only.
    Y : csr_matrix, shape (n, L)
        Labels, 0/1.
    label_names, feature_names : ndarray of str or None
        One name a column; None where the file numbers its columns.
    ids : ndarray of str or None, shape (n,)
        Names of the rows.
    groups : ndarray of str or None, shape (L,)
        The group of each label, where the format has groups.
    vectorizer : object or None
        The fitted vectoriser that made X from text.
    DESCR : str
        One line about the source.

    Examples
    --------
    >>> import io, nnae
    >>> data = nnae.io.read_xmc(io.StringIO("1 3 2\n1 0:0.5 2:1\n"))
    >>> data.X.shape, data.Y.shape
    ((1, 3), (1, 2))
    """

    X: Any
    Y: Any
    label_names: NDArray[Any] | None = None
    feature_names: NDArray[Any] | None = None
    ids: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None
    vectorizer: Any = None
    DESCR: str = ""


@dataclass
class Rows:
    """Sparse rows without a width: entries a row, their columns, their values (None: all 1)."""

    lengths: NDArray[np.int64]
    indices: NDArray[Any]
    values: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def slice(self, start: int, stop: int) -> Rows:
        begin = int(self.lengths[:start].sum())
        end = begin + int(self.lengths[start:stop].sum())
        values = None if self.values is None else self.values[begin:end]
        return Rows(self.lengths[start:stop], self.indices[begin:end], values)


@dataclass
class Part:
    """Consecutive rows of a file."""

    y: Rows
    x: Rows | None = None
    ids: list[str] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def slice(self, start: int, stop: int) -> Part:
        return Part(
            self.y.slice(start, stop),
            None if self.x is None else self.x.slice(start, stop),
            None if self.ids is None else self.ids[start:stop],
        )


class Stream(ABC):
    """One opened file of one format; `parts` may be called again and starts at the beginning.

    After `parts` is exhausted, `n_labels`, `n_features` and the names are known.
    """

    has_features = True
    allow_nan = False
    feature_offset = 0

    def __init__(self, source: Source, dtype: Any = np.float32):
        self.source = source
        self.dtype = np.dtype(dtype)
        if self.dtype.kind != "f":
            raise ValueError(f"dtype must be a floating-point type; got {self.dtype}")
        self.n_features: int | None = None
        self.n_labels: int | None = None
        self.label_names: NDArray[Any] | None = None
        self.feature_names: NDArray[Any] | None = None
        self.groups: NDArray[Any] | None = None
        self.vectorizer: Any = None

    @property
    def settled(self) -> bool:
        """Whether the widths are known before the rows are read."""
        return self.n_labels is not None and (not self.has_features or self.n_features is not None)

    @abstractmethod
    def parts(self) -> Iterator[Part]:
        """Yield all rows in order."""

    def settled_parts(self) -> Iterator[Part]:
        """Return the parts, after one pass to learn the widths unless the file begins with them."""
        parts = self.parts()
        first = next(parts, None)
        if self.settled:
            return chain(() if first is None else (first,), parts)
        for _ in parts:
            pass
        return self.parts()

    def label_order(self) -> NDArray[Any] | None:
        """Return the final column of each label number that `parts` gave; None: the same."""
        return None

    def finish(self, parts: Iterable[Part]) -> LabelData:
        """Put parts together; the widths must be settled."""
        held = deque(parts)
        ids = None
        if held and held[0].ids is not None:
            ids = np.array([name for part in held for name in part.ids or ()], dtype=object)
        ys = deque(part.y for part in held)
        xs = deque(part.x for part in held if part.x is not None)
        held.clear()
        assert self.n_labels is not None
        Y = self._matrix(ys, self.n_labels, np.dtype(np.float32), self.label_order())
        if Y.nnz:
            Y.data[:] = 1.0
        X = None
        if self.has_features:
            assert self.n_features is not None
            X = self._matrix(xs, self.n_features, self.dtype, None, self.feature_offset)
            if np.isinf(X.data).any() or (not self.allow_nan and np.isnan(X.data).any()):
                raise self.source.error(
                    None, f"the sum of repeated features must be finite in {self.dtype}"
                )
            X.eliminate_zeros()
        descr = f"{self.source.name}: {Y.shape[0]} rows, {Y.shape[1]} labels"
        descr += f", {X.shape[1]} features" if X is not None else ""
        return LabelData(
            X, Y, self.label_names, self.feature_names, ids, self.groups, self.vectorizer, descr
        )

    def _matrix(
        self,
        rows: deque[Rows],
        width: int,
        dtype: np.dtype[Any],
        order: NDArray[Any] | None = None,
        offset: int = 0,
    ) -> Any:
        total = sum(len(part.indices) for part in rows)
        index = np.int32 if total < 2**31 and width < 2**31 else np.int64
        n = sum(len(part) for part in rows)
        indptr: NDArray[Any] = np.zeros(n + 1, index)
        indices: NDArray[Any] = np.empty(total, index)
        data: NDArray[Any] = np.empty(total, dtype)
        row = at = 0
        while rows:
            part = rows.popleft()
            np.cumsum(part.lengths, out=indptr[row + 1 : row + 1 + len(part)], dtype=index)
            indptr[row + 1 : row + 1 + len(part)] += at
            stop = at + len(part.indices)
            indices[at:stop] = part.indices if order is None else order[part.indices]
            data[at:stop] = 1 if part.values is None else part.values
            row, at = row + len(part), stop
        if offset:
            indices -= offset
        matrix: Any = sp.csr_matrix((data, indices, indptr), shape=(n, width))
        with np.errstate(over="ignore"):
            matrix.sum_duplicates()
        return matrix


def collect(stream: Stream) -> LabelData:
    """Read the whole file."""
    parts = list(stream.parts())
    return stream.finish(parts)


def blocks(stream: Stream, rows: int) -> Iterator[LabelData]:
    """Read `rows` rows at a time; one extra pass first where the file does not state its widths."""
    if isinstance(rows, bool) or not isinstance(rows, (int, np.integer)) or rows < 1:
        raise ValueError(f"rows must be a whole number of at least 1; got {rows!r}")
    return _blocks(stream, int(rows))


def _blocks(stream: Stream, rows: int) -> Iterator[LabelData]:
    held: list[Part] = []
    count = 0
    for part in stream.settled_parts():
        start = 0
        while len(part) - start >= rows - count:
            stop = start + rows - count
            yield stream.finish([*held, part.slice(start, stop)])
            start, count, held = stop, 0, []
        if start < len(part):
            held.append(part.slice(start, len(part)))
            count += len(part) - start
    if held:
        yield stream.finish(held)
