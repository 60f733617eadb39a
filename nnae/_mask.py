"""Which cells of a label matrix are known, and what a positive counts where labels go missing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Array = npt.NDArray[Any]

#: Cells that are looked at at a time while a sparse mask is turned over.
_CHUNK_CELLS = 1 << 24


@dataclass(frozen=True)
class Mask:
    """Known cells of an n x L matrix, by the shorter of two lists.

    Attributes
    ----------
    listed : csr_matrix of shape (n, L)
        Ones at the known cells (``share`` 0) or at the unknown ones (``share`` 1).
    share : float
        Share of a sum over all cells that the listed ones correct.
    """

    listed: sp.csr_matrix
    share: float

    @classmethod
    def hiding(cls, rows: Array, columns: Array, shape: tuple[int, int]) -> Mask:
        """Return the mask that knows every cell but these."""
        ones = np.ones(len(rows), np.int8)
        listed = sp.csr_matrix((ones, (rows, columns)), shape=shape)
        listed.data[:] = 1
        return cls(listed, 1.0)

    @property
    def n_known(self) -> int:
        """Number of known cells."""
        n, m = self.listed.shape
        return int(n * m - self.listed.nnz if self.share else self.listed.nnz)

    def known_in_columns(self) -> Array:
        """Return the number of known cells of every column."""
        listed = np.bincount(self.listed.indices, minlength=self.listed.shape[1])
        return self.listed.shape[0] - listed if self.share else listed

    def hide(self, Y: sp.csr_matrix) -> sp.csr_matrix:
        """Return Y without what it says of unknown cells."""
        listed = self.listed.astype(Y.dtype)
        seen = sp.csr_matrix(Y.multiply(listed))
        kept = sp.csr_matrix(Y - seen) if self.share else seen
        kept.eliminate_zeros()
        kept.sort_indices()
        return kept


def hide_unknown(
    Y: sp.csr_matrix, mask: Any, label_names: Sequence[str] | None = None
) -> tuple[sp.csr_matrix, Mask | None]:
    """Return Y without what it says of unknown cells, and the known ones.

    With names of the labels, those that have no known cell are warned of.
    """
    known = check_mask(mask, Y.shape)
    if known is None:
        return Y, None
    if label_names is not None and len(blind := np.flatnonzero(known.known_in_columns() == 0)):
        warnings.warn(
            f"{len(blind)} labels have no known cell and get no weights, such as "
            f"{label_names[int(blind[0])]!r}",
            UserWarning,
            stacklevel=3,
        )
    return known.hide(Y), known


def check_mask(mask: Any, shape: tuple[int, int]) -> Mask | None:
    """Return the known cells, nonzero in ``mask``.

    Raises
    ------
    ValueError
        When the mask is of another shape, holds NaN, or no cell is known.
    """
    if mask is None:
        return None
    known: Mask = mask if isinstance(mask, Mask) else _listed(mask, shape)
    if known.listed.shape != shape:
        raise ValueError(f"mask must have the shape of Y, {shape}; got {known.listed.shape}")
    if known.n_known == 0:
        raise ValueError("mask must leave at least one cell known (nonzero); all are zero")
    return known


def check_propensities(propensities: Any, n_labels: int) -> Array | None:
    """Return one probability a label in (0, 1], or None."""
    if propensities is None:
        return None
    try:
        found = np.ascontiguousarray(propensities, np.float64)
    except (TypeError, ValueError):
        raise TypeError(
            f"propensities must be numbers; got {type(propensities).__name__}"
        ) from None
    if found.shape != (n_labels,):
        raise ValueError(
            f"propensities must have one entry a label ({n_labels}); got shape {found.shape}"
        )
    if not ((found > 0) & (found <= 1)).all():
        raise ValueError("propensities must be above 0 and at most 1")
    return np.asarray(found)


def _listed(mask: Any, shape: tuple[int, int]) -> Mask:
    given: Any = mask
    is_sparse: bool = sp.issparse(given)
    if not is_sparse:
        given = np.asarray(given.to_numpy() if hasattr(given, "to_numpy") else given)
        if given.dtype.kind not in "biuf":
            raise TypeError(f"mask must hold numbers or truth values; got dtype {given.dtype}")
    if given.shape != shape:
        raise ValueError(f"mask must have the shape of Y, {shape}; got {given.shape}")
    values = given.data if is_sparse else given
    if values.dtype.kind == "f" and np.isnan(values).any():
        raise ValueError("mask must be nonzero at known cells and zero at others; got NaN")
    n_cells = shape[0] * shape[1]
    if not is_sparse:
        known = given != 0
        if 2 * int(known.sum()) <= n_cells:
            return Mask(_ones(sp.csr_matrix(known)), 0.0)
        return Mask(_ones(sp.csr_matrix(~known)), 1.0)
    matrix = sp.csr_matrix(given)
    if not matrix.has_canonical_format or (matrix.data == 0).any():
        matrix = sp.csr_matrix(matrix, dtype=bool, copy=True)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    if 2 * matrix.nnz <= n_cells:
        return Mask(_ones(matrix), 0.0)
    step = max(1, _CHUNK_CELLS // max(1, shape[1]))
    starts = range(0, shape[0], step)
    parts = [sp.csr_matrix(matrix[at : at + step].toarray() == 0) for at in starts]
    return Mask(_ones(sp.csr_matrix(sp.vstack(parts))), 1.0)


def _ones(matrix: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix(
        (np.ones(matrix.nnz, np.int8), matrix.indices, matrix.indptr), shape=matrix.shape
    )
