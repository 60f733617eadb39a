"""Labels on their way in: matrices, DataFrames or lists of names become one sparse matrix."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae._sparse_input import check_indices


@dataclass(frozen=True)
class LabelSpace:
    """The labels of a model, in column order.

    Parameters
    ----------
    names : tuple of str
        One unique name a column.
    named : bool
        False when the user gave no names and the columns were numbered.
    """

    names: tuple[str, ...]
    named: bool = True

    @classmethod
    def of(cls, Y: Any, label_names: Sequence[str] | None = None) -> LabelSpace:
        """Find the labels of Y: given names first, a DataFrame's columns, then names in lists."""
        if _is_lists(Y):
            Y = list(Y)
            seen = {str(name) for row in Y for name in _row_names(row)}
            names = sorted(seen) if label_names is None else [str(name) for name in label_names]
            missing = seen.difference(names)
            if missing:
                raise ValueError(
                    f"label_names must hold every label of Y; {len(missing)} are missing, "
                    f"such as {sorted(missing)[0]!r}"
                )
            return cls._checked(names, named=True)
        columns = Y.shape[1] if getattr(Y, "ndim", 0) == 2 else None
        if columns is None:
            raise ValueError(
                "Y must be a matrix with one column a label, or a list of label sets; got "
                + (f"an array of shape {Y.shape}" if hasattr(Y, "shape") else type(Y).__name__)
            )
        if label_names is not None:
            names = [str(name) for name in label_names]
            if len(names) != columns:
                raise ValueError(f"Y has {columns} labels, label_names has {len(names)}")
            return cls._checked(names, named=True)
        if hasattr(Y, "columns"):
            return cls._checked([str(name) for name in Y.columns], named=True)
        return cls(tuple(str(j) for j in range(columns)), named=False)

    @classmethod
    def _checked(cls, names: list[str], *, named: bool) -> LabelSpace:
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"label names must be unique; {twice!r} occurs more than once")
        return cls(tuple(names), named)

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, Y: Any, dtype: Any = np.float64) -> sp.csr_matrix:
        """Return Y as canonical CSR (n x L) with finite, non-negative values and no stored zeros.

        Names that this space does not hold are dropped with a warning: a model cannot learn or
        score a label after it was fitted.
        """
        if _is_lists(Y):
            return self._encode_lists(list(Y), dtype)
        if getattr(Y, "ndim", 0) != 2:
            raise ValueError(
                "Y must be a matrix with one column a label, or a list of label sets; got "
                + (f"an array of shape {Y.shape}" if hasattr(Y, "shape") else type(Y).__name__)
            )
        if hasattr(Y, "columns"):
            Y = self._reorder(Y)
        if Y.shape[1] != len(self):
            raise ValueError(f"Y has {Y.shape[1]} labels, the model has {len(self)}")
        matrix = _as_csr(Y, dtype)
        return matrix

    def _encode_lists(self, Y: list[Any], dtype: Any) -> sp.csr_matrix:
        position = {name: j for j, name in enumerate(self.names)}
        indptr, indices = [0], []
        unknown: set[str] = set()
        for row in Y:
            names = {str(name) for name in _row_names(row)}
            unknown.update(name for name in names if name not in position)
            indices.extend(sorted(position[name] for name in names if name in position))
            indptr.append(len(indices))
        if unknown:
            warnings.warn(
                f"{len(unknown)} labels were not seen in training and are ignored, such as "
                f"{min(unknown)!r}",
                UserWarning,
                stacklevel=4,
            )
        return sp.csr_matrix(
            (np.ones(len(indices), dtype), np.asarray(indices, np.int32), np.asarray(indptr)),
            shape=(len(Y), len(self)),
        )

    def _reorder(self, Y: Any) -> Any:
        columns = [str(name) for name in Y.columns]
        if not self.named or columns == list(self.names):
            return Y
        if set(columns) != set(self.names):
            odd = sorted(set(columns).symmetric_difference(self.names))
            raise ValueError(
                f"the columns of Y must be the labels of the model; {len(odd)} differ, such as "
                f"{odd[0]!r}"
            )
        position = {name: j for j, name in enumerate(columns)}
        return Y.iloc[:, [position[name] for name in self.names]]


def encode_labels(
    Y: Any, label_names: Sequence[str] | None = None, dtype: Any = np.float64
) -> tuple[sp.csr_matrix, LabelSpace]:
    """Read labels in any accepted form.

    Parameters
    ----------
    Y : sparse matrix or array, numpy array, DataFrame, or list of sets or lists of names
        n examples, L labels; non-negative.
    label_names : sequence of str, optional
        Overrides the names that Y carries.
    dtype : numpy dtype
        Of the values returned.

    Returns
    -------
    (csr_matrix, LabelSpace)
        The labels (n x L, canonical, no stored zeros) and their names.
    """
    if _is_lists(Y):
        Y = list(Y)
    space = LabelSpace.of(Y, label_names)
    if hasattr(Y, "columns") and label_names is not None:
        Y = Y.set_axis(list(space.names), axis=1)
    matrix = space.encode(Y, dtype)
    if matrix.shape[0] == 0 or matrix.shape[1] == 0:
        raise ValueError(f"Y must have at least one row and one label; got shape {matrix.shape}")
    return matrix, space


def _is_lists(Y: Any) -> bool:
    if sp.issparse(Y) or hasattr(Y, "columns") or isinstance(Y, (str, bytes)):
        return False
    if isinstance(Y, np.ndarray):
        return Y.ndim == 1 and Y.dtype == object
    if isinstance(Y, Sequence) or (hasattr(Y, "iloc") and Y.ndim == 1):
        first = next(iter(Y), None)
        return not isinstance(first, (int, float, np.number)) and (
            first is None or not _numeric_row(first)
        )
    return False


def _numeric_row(row: Any) -> bool:
    """Tell whether a row is a list of 0 and 1 (a dense matrix as lists) and not of names."""
    return isinstance(row, np.ndarray) and row.dtype != object


def _row_names(row: Any) -> Iterable[Any]:
    if row is None or isinstance(row, (str, bytes)) or not isinstance(row, Iterable):
        raise ValueError(
            "Y as a list must have one set or list of label names an example; got "
            f"{row!r} for one of them"
        )
    return row


def _as_csr(Y: Any, dtype: Any) -> sp.csr_matrix:
    matrix: Any
    is_sparse: bool = sp.issparse(Y)
    if is_sparse:
        check_indices(Y, "Y")
        matrix = sp.csr_matrix(Y)
        if matrix.dtype == object:
            raise TypeError("Y must hold numbers; got dtype object")
    else:
        if hasattr(Y, "columns"):
            sparse = getattr(Y, "sparse", None) if _all_sparse(Y) else None
            Y = sparse.to_coo() if sparse is not None else Y.to_numpy()
        values: Any = Y if sp.issparse(Y) else np.asarray(Y)
        if values.dtype == object or values.dtype.kind in "USM":
            try:
                values = values.astype(np.float64)
            except (TypeError, ValueError):
                raise TypeError(f"Y must hold numbers; got dtype {np.asarray(Y).dtype}") from None
        matrix = sp.csr_matrix(values)
    if matrix.dtype.kind == "c":
        raise TypeError(f"Y must hold real numbers; got dtype {matrix.dtype}")
    changed = matrix.astype(dtype)
    if changed is Y or np.shares_memory(changed.data, getattr(Y, "data", np.empty(0))):
        needs_change = not changed.has_canonical_format or bool((changed.data == 0).any())
        matrix = changed.copy() if needs_change else changed
    else:
        matrix = changed
    matrix.sum_duplicates()
    if matrix.nnz and not np.isfinite(matrix.data).all():
        row = int(np.searchsorted(matrix.indptr, np.argmin(np.isfinite(matrix.data)), "right")) - 1
        raise ValueError(f"Y must be finite; row {row} holds NaN or infinity")
    if matrix.nnz and matrix.data.min() < 0:
        row = int(np.searchsorted(matrix.indptr, np.argmin(matrix.data), "right")) - 1
        raise ValueError(f"Y must be non-negative; row {row} holds {matrix.data.min():g}")
    matrix.eliminate_zeros()
    result: sp.csr_matrix = matrix
    return result


def _all_sparse(frame: Any) -> bool:
    return all(str(dtype).startswith("Sparse") for dtype in frame.dtypes)
