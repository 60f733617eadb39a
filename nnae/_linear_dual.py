r"""Many linear classifiers that share rows: what they learn from, and how they are trained.

Problem p is :math:`\min_w \|w\|^2 / 2 + C \sum_{i \in g(p)} c_i \, loss(y_i (w'x_i + w_0))`, its
rows those of its group g(p). Training returns to Python about once a second, so that it can be
stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae import _core

Array = npt.NDArray[Any]

#: Entries of X that one call visits, summed over its panels: about a second of one thread.
CALL = 4_000_000


@dataclass
class Problems:
    """Binary problems over groups of rows.

    Attributes
    ----------
    group_indptr, group_rows : ndarray of int64
        Rows of each group, rising.
    group : ndarray of int64
        Group of each problem; problems of one group are neighbours.
    positive_indptr, positive_rows : ndarray of int64
        Positive rows of each problem, rising; the other rows of its group are negative.
    """

    group_indptr: Array
    group_rows: Array
    group: Array
    positive_indptr: Array
    positive_rows: Array

    def __len__(self) -> int:
        return len(self.group)

    @classmethod
    def one_vs_rest(cls, Y: Any) -> Problems:
        """Pose one problem a label (column of Y, n x L csr) over all rows."""
        by_label = sp.csc_matrix(Y)
        by_label.sort_indices()
        n, n_labels = Y.shape
        return cls(
            np.array([0, n], np.int64),
            np.arange(n, dtype=np.int64),
            np.zeros(n_labels, np.int64),
            by_label.indptr.astype(np.int64),
            by_label.indices.astype(np.int64),
        )

    def panels(self) -> Array:
        """Return the first problem of each panel that the kernel solves at once, and their end."""
        place = np.arange(len(self))
        starts = np.flatnonzero(np.diff(self.group, prepend=-1))
        within = place - np.repeat(starts, np.diff(np.append(starts, len(self))))
        return np.append(np.flatnonzero(within % _core.dual_lanes == 0), len(self))


@dataclass
class DualOptions:
    """How classifiers are trained; see :class:`nnae.one_vs_rest.OneVsRestLinear`."""

    loss: str = "squared_hinge"
    C: float = 1.0
    bias: float = 1.0
    tol: float = 0.1
    prune: float = 0.0
    max_iter: int = 20
    seed: int = 0


def unit_rows(X: Any) -> sp.csr_matrix:
    """Return rows of X (n x d, sparse or dense) over their Euclidean norms, as csr; zeros stay."""
    X = X if isinstance(X, sp.csr_matrix) else sp.csr_matrix(X)
    lengths = np.diff(X.indptr)
    squares = np.square(X.data, dtype=np.float64)
    rows = np.repeat(np.arange(X.shape[0]), lengths)
    norms = np.sqrt(np.bincount(rows, squares, minlength=X.shape[0]))
    norms[norms == 0] = 1
    data = (X.data / norms[rows]).astype(X.dtype)
    return sp.csr_matrix((data, X.indices, X.indptr), shape=X.shape)


def train(
    X: sp.csr_matrix,
    problems: Problems,
    options: DualOptions,
    weights: Array | None,
    n_threads: int,
) -> tuple[sp.csr_matrix, Array]:
    """Return weights (problems x d, csr of float32) and biases (float32) of all problems.

    ``weights`` are positive factors of the losses of rows of X. The result is the same, to the bit,
    for any number of threads.
    """
    indptr, indices = same_index(X)
    sizes = np.add.reduceat(
        np.append(np.diff(indptr)[problems.group_rows], 0).astype(np.int64),
        np.minimum(problems.group_indptr[:-1], len(problems.group_rows)),
    )
    sizes[np.diff(problems.group_indptr) == 0] = 0
    panels = problems.panels()
    done = np.cumsum(sizes[problems.group[panels[:-1]]]) if len(panels) > 1 else np.zeros(0)
    calls = (done // (CALL * n_threads)).astype(np.int64)
    cuts = np.append(panels[:-1][np.diff(calls, prepend=-1) != 0], len(problems))
    lengths, columns, values, biases = [], [], [], []
    for start, stop in pairwise(cuts):
        inside = problems.positive_indptr[start : stop + 1]
        rows = problems.positive_rows[inside[0] : inside[-1]]
        found, features, data, bias = _core.linear_dual(
            indptr,
            indices,
            X.data,
            X.shape[1],
            weights,
            problems.group_indptr,
            problems.group_rows,
            np.ascontiguousarray(problems.group[start:stop]),
            np.ascontiguousarray(inside - inside[0]),
            np.ascontiguousarray(rows),
            options.loss,
            options.C,
            options.bias,
            options.tol,
            options.prune,
            options.max_iter,
            options.seed,
            n_threads,
        )
        lengths.append(np.diff(found))
        columns.append(features)
        values.append(data)
        biases.append(bias)
    if not lengths:
        return sp.csr_matrix(np.zeros((0, X.shape[1]), np.float32)), np.zeros(0, np.float32)
    starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    kind = np.int32 if max(starts[-1], X.shape[1]) < 2**31 else np.int64
    W = sp.csr_matrix(
        (np.concatenate(values), np.concatenate(columns).astype(kind), starts.astype(kind)),
        shape=(len(problems), X.shape[1]),
    )
    return W, np.concatenate(biases)


def same_index(X: sp.csr_matrix) -> tuple[Array, Array]:
    """Return indptr and indices of csr in one type, as the kernels want them."""
    if X.indptr.dtype == X.indices.dtype:
        return X.indptr, X.indices
    return X.indptr.astype(np.int64), X.indices.astype(np.int64)


def margins(X: sp.csr_matrix, Wt: sp.csr_matrix, bias: Array, n_threads: int) -> Array:
    """Return X W' + b (n x m, dense, of X's type) for W' (d x m, csr)."""
    indptr, indices = same_index(X)
    w_indptr, w_indices = same_index(Wt)
    kind = np.result_type(indices.dtype, w_indices.dtype)
    out = np.empty((X.shape[0], Wt.shape[1]), X.dtype)
    _core.sparse_scores(
        indptr.astype(kind, copy=False),
        indices.astype(kind, copy=False),
        X.data,
        w_indptr.astype(kind, copy=False),
        w_indices.astype(kind, copy=False),
        Wt.data.astype(X.dtype, copy=False),
        np.ascontiguousarray(bias, X.dtype),
        out,
        n_threads,
    )
    return out
