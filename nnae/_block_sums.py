"""What is added up over blocks of rows: counts of labels, moments of features and of codes.

Blocks are added within groups of fixed size, then group after group: the order of summation, and
with it every bit, is the same wherever the groups are worked out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core
from nnae._checkpoint import next_stage
from nnae._linear_encoder import Counts
from nnae._target import Target

Array = npt.NDArray[Any]

#: Blocks that are added up before their sum meets that of others.
GROUP = 8
#: Features whose products are held as a dense matrix; of more, the squares alone.
MOST_FEATURES = 8192


class Sum(Protocol):
    """Something that can be added up."""

    def plus(self, other: Any) -> Any:
        """Return the sum of both."""


S_co = TypeVar("S_co", bound=Sum, covariant=True)


class Measure(Protocol[S_co]):
    """Takes the measure of one block; small enough to be sent to a worker."""

    @property
    def result(self) -> type[S_co]:
        """The class of what it returns."""

    def __call__(self, block: Any) -> S_co:
        """Return the sums over one block."""


def add_up(blocks: Any, measure: Measure[S_co], name: str) -> S_co:
    """Return the sum of a measure of all blocks, where they are: on this machine or on workers."""
    elsewhere = getattr(blocks, "add_up", None)
    if elsewhere is not None:
        return elsewhere(measure)  # type: ignore[no-any-return]
    stage = next_stage(name)
    total: S_co | None = measure.result(**stage.saved["total"]) if stage.saved else None
    done = stage.saved.get("groups", 0)
    for number, group in enumerate(() if stage.finished else _groups(blocks)):
        if number < done:
            continue
        part = add_group(group, measure)
        total = part if total is None else total.plus(part)
        stage.offer(lambda t=total, n=number + 1: {"total": vars(t), "groups": n})  # type: ignore
    assert total is not None
    stage.finish({"total": vars(total)})
    return total


def sum_of(blocks: Any, measure: Measure[S_co]) -> S_co:
    """Return the sum of a measure of all blocks, of which a checkpoint need not know."""
    elsewhere = getattr(blocks, "add_up", None)
    if elsewhere is not None:
        return elsewhere(measure)  # type: ignore[no-any-return]
    total: S_co | None = None
    for group in _groups(blocks):
        part = add_group(group, measure)
        total = part if total is None else total.plus(part)
    assert total is not None
    return total


def add_group(group: Iterable[Any], measure: Measure[S_co]) -> S_co:
    """Return the sum over one group of blocks, in order."""
    total: S_co | None = None
    for block in group:
        part = measure(block)
        total = part if total is None else total.plus(part)
    assert total is not None
    return total


def _groups(blocks: Iterable[Any]) -> Iterator[Iterator[Any]]:
    rows = iter(blocks)
    while True:
        first = next(rows, None)
        if first is None:
            return
        rest = islice(rows, GROUP - 1)
        group = _chained(first, rest)
        yield group
        for _ in group:
            pass


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


@dataclass
class RowSums:
    """Sums over rows that need no model.

    Attributes
    ----------
    n_rows : int
    pairs : csr_matrix of float64 (L x L)
        How often labels occur together.
    positives : ndarray of int64 (L)
    widest : int
        Most labels of a row.
    dtype : str
        Of the labels.
    gram, sums : ndarray of float64 (d x d and d), or None
        Of features: X'X and the sums of columns.
    squares : ndarray of float64 (d) or None
        Diagonal of X'X, where there are too many features to hold all of it.
    x_dtype : str or None
    """

    n_rows: int
    pairs: Any
    positives: Array
    widest: int
    dtype: str
    gram: Array | None = None
    sums: Array | None = None
    x_dtype: str | None = None
    squares: Array | None = None

    def plus(self, other: RowSums) -> RowSums:
        """Return the sums over both sets of rows; the features' arrays are changed in place."""
        widths = [
            (len(s.positives), None if s.sums is None else len(s.sums)) for s in (self, other)
        ]
        if widths[0] != widths[1]:
            raise ValueError(f"blocks must have equal numbers of labels and features; got {widths}")
        for name in ("gram", "sums", "squares"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not None:
                mine += theirs
        return RowSums(
            self.n_rows + other.n_rows,
            sp.csr_matrix(self.pairs + other.pairs),
            self.positives + other.positives,
            max(self.widest, other.widest),
            self.dtype,
            self.gram,
            self.sums,
            self.x_dtype,
            self.squares,
        )


@dataclass(frozen=True)
class MeasureRows:
    """Counts labels of a block and, where asked, multiplies its features with each other."""

    n_threads: int
    features: bool
    result = RowSums

    def __call__(self, block: Any) -> RowSums:
        """Return the sums over one block."""
        Y = block.Y
        counted = Counts.of_labels(Y.astype(np.float64), self.n_threads).matrix
        found = RowSums(
            n_rows=int(Y.shape[0]),
            pairs=sp.csr_matrix(counted, dtype=np.float64),
            positives=np.bincount(Y.indices, minlength=Y.shape[1]),
            widest=int(np.diff(Y.indptr).max(initial=0)),
            dtype=str(Y.dtype),
        )
        if self.features:
            X = block.X
            if X is None:
                raise ValueError("the blocks hold labels only; a classifier needs features too")
            if X.shape[1] > MOST_FEATURES:
                found.squares = column_squares(X, self.n_threads)
            else:
                found.gram = gram_of(X, self.n_threads)
            found.sums = column_sums(X, self.n_threads)
            found.x_dtype = str(X.dtype)
        return found


@dataclass
class CodeSums:
    """Sums over rows of features times scaled codes, and some of the rows.

    Attributes
    ----------
    cross : ndarray of float64 (d x m)
        X'T.
    sums : ndarray of float64 (m)
    squares : ndarray of float64 (m x m)
        T'T.
    some : list of (X, Y)
        Evenly spaced rows.
    """

    cross: Array
    sums: Array
    squares: Array
    some: list[Any] = field(default_factory=list)

    def plus(self, other: CodeSums) -> CodeSums:
        """Return the sums over both sets of rows; the arrays are changed in place."""
        self.cross += other.cross
        self.sums += other.sums
        self.squares += other.squares
        return CodeSums(self.cross, self.sums, self.squares, [*self.some, *other.some])


def gram_of(X: Any, n_threads: int) -> Array:
    """Return X'X (d x d) in double precision."""
    if not hasattr(X, "indptr"):
        return np.asarray(_core.gram(np.ascontiguousarray(X, np.float64), n_threads))
    target = Target.of(X.astype(np.float64))
    indptr, indices, values = _core.cooccurrence(*target.rows, *target.columns, n_threads)
    shape = (X.shape[1], X.shape[1])
    return np.asarray(sp.csr_matrix((values, indices, indptr), shape=shape).toarray())


def column_sums(X: Any, n_threads: int) -> Array:
    """Return the sums of columns in double precision."""
    if hasattr(X, "indptr"):
        return np.asarray(np.bincount(X.indices, X.data.astype(np.float64), X.shape[1]))
    return np.asarray(_core.column_sums(np.ascontiguousarray(X), None, n_threads))


def column_squares(X: Any, n_threads: int) -> Array:
    """Return the sums of squares of columns in double precision."""
    if hasattr(X, "indptr"):
        squares = np.square(X.data, dtype=np.float64)
        return np.asarray(np.bincount(X.indices, squares, X.shape[1]))
    return column_sums(np.square(X, dtype=np.float64), n_threads)


def transposed_product(X: Any, T: Array, n_threads: int) -> Array:
    """Return X'T (d x m) in double precision."""
    T = np.ascontiguousarray(T, np.float64)
    out = np.empty((X.shape[1], T.shape[1]))
    if not hasattr(X, "indptr"):
        _core.multiply_transposed(np.ascontiguousarray(X, np.float64), T, out, n_threads)
        return out
    columns = sp.csr_matrix(X.astype(np.float64).T)
    index = columns.indices.dtype
    _core.spmm(columns.indptr.astype(index), columns.indices, columns.data, T, out, n_threads)
    return out
