"""One pass over rows in blocks: codes are updated, and what weights need of them is added up.

Given all weights, rows have nothing to do with each other: blocks of them may be cut anywhere.
Weights are changed between passes. So a sweep is one pass, and each half-step of it lowers the same
objective as in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core
from nnae._block_factors import BlockFactors, CodeSums
from nnae._code_files import CodeFiles
from nnae._factors import Factors, floor_of, negligible
from nnae._rows import codes_of_rows

Array = npt.NDArray[Any]

#: Cells of codes that are read at a time where there are no labels to go with them.
CELLS = 1 << 21

#: Updates the codes of some rows at one level, drawn towards what the level above makes of them.
Update = Callable[[Factors, int, "Array | None"], None]


class BlockLevels:
    """Levels of rows in blocks: weights in memory, codes in files.

    Parameters
    ----------
    labels : callable
        Returns an iterable over the labels of blocks (csr), the same ones every time.
    files : CodeFiles
    factors : list of BlockFactors
        One a level, the first nearest the labels.
    """

    def __init__(
        self, labels: Callable[[], Iterable[Any]], files: CodeFiles, factors: list[BlockFactors]
    ) -> None:
        self._labels, self.files, self.factors = labels, files, factors

    def solve(self, first: int, last: int) -> None:
        """Find the codes of least loss of some levels (counted from 0), one after the other."""
        self._pass(first, last, _Solved(self))

    def update(self, first: int, last: int, update: Update) -> None:
        """Update the codes of some levels, from the lowest upwards."""
        self._pass(first, last, _Updated(self, update, last))

    def _pass(self, first: int, last: int, step: _Step) -> None:
        levels = range(first, last + 1)
        sums = [self._no_sums(level) for level in levels]
        writers = [self.files.writer(level) for level in levels]
        whole = False
        try:
            for rows, below in self._below(first):
                modelled = below
                for level, total, writer in zip(levels, sums, writers, strict=True):
                    part = step(level, modelled, rows)
                    total.add(part)
                    writer.write(part.Z)
                    modelled = self._sparse(level, part.Z)
            if not sums[0].n_rows == self.files.n_rows:
                raise ValueError(
                    f"the blocks had {self.files.n_rows} rows before and {sums[0].n_rows} now"
                )
            whole = True
        finally:
            for writer in writers:
                writer.close(whole)
        for level, total in zip(levels, sums, strict=True):
            self.factors[level].take(total)

    def _no_sums(self, level: int) -> CodeSums:
        factors = self.factors[level]
        m, k = factors.Wt.shape
        return CodeSums.nothing(m, k, factors.loss)

    def _below(self, first: int) -> Iterator[tuple[slice, Any]]:
        """Yield what the lowest level of a pass models: labels, or the codes below it."""
        if first:
            for rows, codes in self.files.blocks(first - 1, self.rows_at_once):
                yield rows, self._sparse(first - 1, codes)
            return
        start = 0
        for Y in self._labels():
            stop = start + Y.shape[0]
            if stop > self.files.n_rows:
                raise ValueError(f"the blocks had {self.files.n_rows} rows before, there are more")
            yield slice(start, stop), Y
            start = stop

    @property
    def rows_at_once(self) -> int:
        """Rows of codes that are read where there are no blocks of labels."""
        return max(1, CELLS // max(self.files.widths))

    def _sparse(self, level: int, codes: Array) -> Any:
        """Return codes as CSR without what is negligible in its column, as of the last pass."""
        sums = self.factors[level].sums
        least = negligible(codes.dtype) * sums.peaks if sums.n_rows else np.zeros(codes.shape[1])
        rows, columns = np.nonzero(codes > least.astype(codes.dtype))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(codes)))])
        shape = codes.shape
        return sp.csr_matrix((codes[rows, columns], columns.astype(np.int32), indptr), shape=shape)


class _Step(Protocol):
    def __call__(self, level: int, below: Any, rows: slice) -> Factors:
        """Return the factors of some rows with new codes."""


class _Solved:
    def __init__(self, levels: BlockLevels) -> None:
        self.factors = levels.factors

    def __call__(self, level: int, below: Any, rows: slice) -> Factors:
        of = self.factors[level]
        Z = codes_of_rows(below, of.Wt, of.loss, of.n_threads, of.penalty, l2=of.l2)
        of.bound(Z)
        return of.of_rows(below, Z)


class _Updated:
    def __init__(self, levels: BlockLevels, update: Update, last: int) -> None:
        self.factors, self.files, self.update, self.last = (
            levels.factors, levels.files, update, last,
        )  # fmt: skip

    def __call__(self, level: int, below: Any, rows: slice) -> Factors:
        of, before = self.factors[level], self.files.read(level, rows.start, rows.stop)
        part = of.of_rows(below, before.copy())
        self.update(part, level, self._above(level, rows))
        of.bound(part.Z, before)
        part.codes_changed()
        return part

    def _above(self, level: int, rows: slice) -> Array | None:
        if level == self.last:
            return None
        of = self.factors[level + 1]
        Z = self.files.read(level + 1, rows.start, rows.stop)
        np.maximum(Z, floor_of(Z.dtype), out=Z)  # a pull to nothing would have no end
        out = np.empty((len(Z), of.Wt.shape[0]), Z.dtype)
        _core.multiply(Z, np.ascontiguousarray(of.Wt.T), out, of.n_threads)
        return out
