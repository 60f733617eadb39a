"""What fits over blocks begin with: facts of all rows, and a fit to some of them.

A fit to evenly spaced rows, in memory, starts the sweeps over all. So few passes are needed, a
start of any name is what it is in memory, and where the sample is all rows the sweeps begin where
the fit in memory ended.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from nnae._labels import LabelSpace
from nnae.io._row_blocks import RowBlocks, sample_labels

Array = npt.NDArray[Any]

#: Rows that a fit in memory starts from, at most.
SAMPLED = 50_000
#: As many rows as options are checked against: beyond these no number of rows changes them.
LIKE = 1000
#: Share of every concept that is spread over what is modelled by how often it comes: a label that
#: the sample missed could not come in from a weight of nothing.
SPREAD = 0.01


@dataclass
class RowFacts:
    """What one pass over the labels of all rows tells.

    Attributes
    ----------
    n_rows : int
    sums : ndarray of float64 (L)
        Of the columns of Y.
    squares : float
        Sum of the squares of Y.
    odd : float or None
        A value that is not 1.
    dtype : dtype
    sample : csr_matrix
        Evenly spaced rows.
    space : LabelSpace
    """

    n_rows: int
    sums: Array
    squares: float
    odd: float | None
    dtype: Any
    sample: Any
    space: LabelSpace

    @property
    def like(self) -> Any:
        """A matrix that options can be checked against as against Y."""
        shape = (min(self.n_rows, LIKE), len(self.sums))
        value = np.array([1.0 if self.odd is None else self.odd], self.dtype)
        return sp.csr_matrix((value, ([0], [0])), shape=shape)


def look_at(blocks: RowBlocks, most: int | None = None) -> RowFacts:
    """Return the facts of all rows, in one pass over their labels."""
    seen = _Seen(blocks)
    sample = sample_labels(seen, SAMPLED if most is None else most)  # type: ignore[arg-type]
    if not seen.squares:
        raise ValueError(f"{blocks.name} must hold at least one label; there is none")
    assert seen.sums is not None
    if blocks.label_names is not None:
        space = LabelSpace(tuple(map(str, blocks.label_names)))
    else:
        space = LabelSpace(tuple(str(j) for j in range(len(seen.sums))), named=False)
    return RowFacts(seen.n_rows, seen.sums, seen.squares, seen.odd, sample.dtype, sample, space)


class _Seen:
    """Blocks on their way to the sample."""

    def __init__(self, blocks: RowBlocks) -> None:
        self.blocks = blocks
        self.n_rows, self.squares = 0, 0.0
        self.sums: Array | None = None
        self.odd: float | None = None

    def __iter__(self) -> Iterator[Any]:
        for block in self.blocks.labels():
            Y = block.Y
            values = Y.data.astype(np.float64)
            found = np.bincount(Y.indices, values, Y.shape[1])
            self.sums = found if self.sums is None else self.sums + found
            self.squares += float(values @ values)
            if self.odd is None and (values != 1).any():
                self.odd = float(values[values != 1][0])
            self.n_rows += Y.shape[0]
            yield block


def fit_to_sample(model: Any, facts: RowFacts, **changed: Any) -> Any:
    """Return the same model, fitted to the sample in memory."""
    own = clone(model).set_params(
        callback=None, checkpoint=None, codes_folder=None, verbose=0, **changed
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # its sweeps are not the last
        own.fit(facts.sample)
    own.label_names_ = np.array(facts.space.names, dtype=object)
    return own


def spread_out(W: Array, base: Array) -> Array:
    """Return weights (m x k, columns of sum one) of concepts (k x m) and a little of the base.

    ``base`` (m) says how often each of the m comes.
    """
    total = W.sum(axis=1, keepdims=True, dtype=np.float64)
    shares = W / np.where(total > 0, total, 1)
    flat = base / max(float(base.sum()), 1e-300)
    shares = np.where(total > 0, (1 - SPREAD) * shares + SPREAD * flat, flat)
    return np.ascontiguousarray(shares.T, W.dtype)
