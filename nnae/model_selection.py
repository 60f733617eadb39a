"""Cross-validation for label matrices: folds in which every label is spread evenly."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state

from nnae._labels import encode_labels
from nnae._validation import check_count

__all__ = ["MultilabelStratifiedKFold"]


class MultilabelStratifiedKFold(BaseCrossValidator):  # type: ignore[misc]
    r"""Split rows into folds that hold an equal share of every label, as far as that is possible.

    The label with the fewest rows left is dealt with first: each of its rows goes to the fold that
    wants most of this label still, :math:`\arg\max_f c_{fj}` with :math:`c_{fj} = N_j / K` less
    what it has got; ties go to the fold that wants most rows, then to chance. Rows without labels
    fill up the folds at the end.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds K, at least 2.
    random_state : int, RandomState or None, default=0
        Of ties.

    Notes
    -----
    Works with :class:`sklearn.model_selection.GridSearchCV` and ``cross_val_score`` as ``cv=`` (the
    latter refuses sparse labels by itself: give it an array or a DataFrame). Y may be anything that
    :class:`nnae.TwoStepClassifier` takes. Costs K operations for each positive
    of Y, and a heap of labels; nothing dense of n x L is made. Sechidis, Tsoumakas and Vlahavas
    (2011): On the stratification of multi-label data, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.model_selection import MultilabelStratifiedKFold
    >>> Y = np.repeat([[1, 0], [0, 1], [1, 1]], 4, axis=0)
    >>> folds = MultilabelStratifiedKFold(2).split(np.zeros((12, 1)), Y)
    >>> [Y[test].sum(axis=0).tolist() for train, test in folds]
    [[4, 4], [4, 4]]
    """

    def __init__(self, n_splits: int = 5, *, random_state: Any = 0) -> None:
        self.n_splits = n_splits
        self.random_state = random_state

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds."""
        n_splits = check_count("n_splits", self.n_splits)
        if n_splits < 2:
            raise ValueError(f"n_splits must be at least 2; got {n_splits}")
        return n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield the training rows and the test rows of each fold, both rising.

        Parameters
        ----------
        X : matrix, DataFrame or sequence with n rows
            Not looked at, but for its number of rows.
        y : sparse matrix, array, DataFrame, or list of label sets
            Labels of the rows.
        groups : None
            Not used.

        Raises
        ------
        ValueError
            Numbers of rows that differ, fewer rows than folds, fewer than two folds.
        """
        n_splits = self.get_n_splits()
        if y is None:
            raise ValueError("MultilabelStratifiedKFold needs the labels of the rows; y is None")
        labels, _ = encode_labels(y, None)
        n = labels.shape[0]
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if n_rows != n:
            raise ValueError(f"X has {n_rows} rows, y has {n}")
        if n < n_splits:
            raise ValueError(f"{n_splits} folds need as many rows at least; got {n}")
        fold = assign_folds(labels, n_splits, check_random_state(self.random_state))
        for number in range(n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)

    def _iter_test_indices(self, X: Any = None, y: Any = None, groups: Any = None) -> Any:
        return (test for _, test in self.split(X, y, groups))


def assign_folds(
    Y: sp.csr_matrix, n_folds: int, random: np.random.RandomState
) -> npt.NDArray[np.int64]:
    """Return the fold of each row of labels Y (n x L)."""
    n = Y.shape[0]
    Y = sp.csr_matrix(Y > 0)
    Y.sort_indices()
    columns = Y.tocsc()
    left = np.diff(columns.indptr)
    wanted = np.repeat(left[:, None] / n_folds, n_folds, axis=1)
    room = np.full(n_folds, n / n_folds)
    fold = np.full(n, -1, np.int64)
    chance = random.random_sample((n, n_folds)) * 1e-6
    heap = [(int(count), label) for label, count in enumerate(left) if count]
    heapq.heapify(heap)
    while heap:
        count, label = heapq.heappop(heap)
        if count != left[label]:  # an older count: the true one is in the heap as well
            continue
        rows = columns.indices[columns.indptr[label] : columns.indptr[label + 1]]
        touched: set[int] = set()
        for row in rows[fold[rows] < 0]:
            best = int(np.argmax(wanted[label] + 1e-3 * room / n + chance[row]))
            fold[row] = best
            room[best] -= 1
            mine = Y.indices[Y.indptr[row] : Y.indptr[row + 1]]
            wanted[mine, best] -= 1
            left[mine] -= 1
            touched.update(mine.tolist())
        for other in touched:
            if left[other]:
                heapq.heappush(heap, (int(left[other]), other))
    for row in np.flatnonzero(fold < 0):
        fold[row] = best = int(np.argmax(room + chance[row]))
        room[best] -= 1
    return fold
