"""Two starts of level 1, and a short race between them.

Where labels fall into groups that occur together, a factorisation that starts from singular vectors
often ends with two groups in one concept and one group in two, which no descent undoes. Clusters of
the labels start it in the right place. Where labels do not fall into groups the clusters are the
worse start by far. So both run a few sweeps, and the one with the lower objective starts the fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._factors import Factors
from nnae._label_evidence import company_distances
from nnae._label_pairs import presence
from nnae._resemblance import cut_tree, ward_tree
from nnae._row_views import row_ranges
from nnae._solvers import Solver

Array = npt.NDArray[Any]
Start = tuple[Array, Array]

#: Distances of more labels are not worth their cost here.
MOST_LABELS = 2000
#: Clusters say something only where a concept stands for several labels.
LABELS_A_CONCEPT = 4
TRIAL_SWEEPS = 10
_ELSEWHERE = 0.05
_LEAST_CODE = 0.01


def better_start(
    start: Start,
    Y: Any,
    solver: Callable[[Factors], Solver],
    make: Callable[[Array, Array], Factors],
    admit: Callable[[Array], object] = lambda weights: None,
) -> Start:
    """Return the given start (codes, weights), or that of label clusters if it leads further.

    Parameters
    ----------
    start : (ndarray of shape (n, k), ndarray of shape (L, k))
        What the fit would begin with.
    Y : csr_matrix of shape (n, L)
        Labels.
    solver : callable
        Makes the solver of the trial sweeps for factors.
    make : callable
        Makes `Factors` of codes and weights, which the trial changes.
    admit : callable, optional
        Changes weights of sum one into ones that the solver's rules admit.

    Notes
    -----
    Costs L^2 numbers and twice 10 sweeps; more than 2,000 labels, or fewer than four labels a
    concept, leave the start as it is.
    """
    k = start[1].shape[1]
    if Y.shape[1] > MOST_LABELS or Y.shape[1] < LABELS_A_CONCEPT * k or k < 2:
        return start

    def rival() -> Start:  # made twice: two starts and the copy on trial would be one too many
        Z, Wt = cluster_start(Y, k)
        admit(Wt)
        return Z, Wt

    def reached(factors: Factors) -> float:
        sweeps = solver(factors)
        for number in range(1, TRIAL_SWEEPS + 1):
            sweeps.sweep(number)
        return factors.objective()

    first = reached(make(start[0].copy(), start[1].copy()))
    return rival() if reached(make(*rival())) < first else start


def cluster_start(Y: Any, k: int) -> Start:
    """Return codes and weights (columns of sum one) of k clusters of labels.

    Labels are merged by Ward's method on the cosine of their positive NPMI with all labels, 1 with
    themselves. A concept has the frequencies of its cluster's labels and a little of all others; a
    code counts the cluster's labels of the row.
    """
    Y = sp.csr_matrix(Y)
    clusters = cut_tree(ward_tree(company_distances(presence(Y), 1, diagonal=1.0)), k)
    L = Y.shape[1]
    member = np.zeros((L, k))
    member[np.arange(L), clusters] = 1
    frequency = np.asarray(Y.sum(axis=0), np.float64).ravel() + 1e-9
    Wt = member * frequency[:, None]
    Wt /= np.maximum(Wt.sum(axis=0), 1e-300)
    Wt = (1 - _ELSEWHERE) * Wt + _ELSEWHERE / L
    Wt /= Wt.sum(axis=0)
    Z = np.empty((Y.shape[0], k), Y.dtype)
    for rows in row_ranges(*Z.shape):
        Z[rows] = np.asarray(Y[rows] @ member) + _LEAST_CODE
    return Z, Wt.astype(Y.dtype)
