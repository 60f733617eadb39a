"""How much features count beside labels, chosen on held-out rows.

Every candidate is fitted on three quarters of the rows. The codes of the other quarter are inferred
from their features alone, and judge how likely their labels are: each label of a row is one draw
from ``(1 - e) R / sum(R) + e q`` with R the row's rates and q the base rates. That likelihood has
the same meaning for every candidate, which that of labels and features together has not. e, one
number, is the best for the candidate. Candidate 0 fits labels alone; its features' weights are
those of least squares given the codes. No grouping of the labels is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._cofactors import SharedFactors, joint_loss, stack, stacking_scale
from nnae._factors import Factors
from nnae._initialise import initial_factors
from nnae._rows import codes_of_rows
from nnae._solvers import PlainDescent
from nnae._target import Target

Array = npt.NDArray[Any]

CANDIDATES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
MOST_ROWS = 8000
MOST_CONCEPTS = 64
SWEEPS = 20
_BLEND_ROUNDS = 50


@dataclass(frozen=True)
class FeatureWeightChoice:
    """The weight, and the mean log-likelihood of a held-out label under every candidate."""

    weight: float
    candidates: Array
    likelihoods: Array


def check_feature_weight(value: Any) -> float | str:
    """Return "auto" or a finite number of at least 0."""
    if isinstance(value, str):
        if value != "auto":
            raise ValueError(f"feature_weight must be 'auto' or a number; got {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"feature_weight must be 'auto' or a number; got {value!r}")
    if not 0 <= float(value) < np.inf:
        raise ValueError(f"feature_weight must be at least 0 and finite; got {value}")
    return float(value)


def choose_feature_weight(
    Y: Any,
    X: Any,
    loss: str,
    seed: int,
    n_threads: int,
    candidates: tuple[float, ...] = CANDIDATES,
) -> FeatureWeightChoice:
    """Return the candidate under which held-out labels are likeliest, given features alone.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L)
    X : csr_matrix of shape (n, d)
        Non-negative, rows of length one.
    loss : str
        Of the labels; "bernoulli" is judged by Kullback-Leibler fits, which are close and quick.
    seed : int
        Of rows and starts.
    n_threads : int
    candidates : tuple of float

    Notes
    -----
    Costs for each candidate a narrow fit (at most 64 concepts, 20 sweeps) of at most 8,000 rows.
    Ties go to the smaller weight. Where nothing can be held out the weight is 1.
    """
    draws = np.random.RandomState(seed)
    rows = np.flatnonzero(np.diff(Y.indptr) > 0)
    rows = draws.permutation(rows)[:MOST_ROWS]
    n_held = len(rows) // 4
    names = np.array(candidates, np.float64)
    if n_held < 2 or X.nnz == 0:
        return FeatureWeightChoice(1.0, names, np.full(len(names), np.nan))
    kept, held = np.sort(rows[n_held:]), np.sort(rows[:n_held])
    Y_fit, X_fit = sp.csr_matrix(Y[kept]), sp.csr_matrix(X[kept])
    Y_held, X_held = sp.csr_matrix(Y[held]), sp.csr_matrix(X[held])
    k = max(1, min(MOST_CONCEPTS, Y.shape[1] // 2, len(kept) // 2))
    base = np.asarray(Y_fit.sum(axis=0), np.float64).ravel() + 0.5
    base /= base.sum()
    likelihoods = []
    for weight in candidates:
        W, U = _narrow_fit(Y_fit, X_fit, loss, weight, k, seed, n_threads)
        Z = codes_of_rows(X_held, np.ascontiguousarray(U.T), joint_loss(loss), n_threads)
        likelihoods.append(label_likelihood(Y_held, Z, W, base))
    found = np.array(likelihoods)
    return FeatureWeightChoice(float(names[int(np.argmax(found))]), names, found)


def _narrow_fit(
    Y: Any, X: Any, loss: str, weight: float, k: int, seed: int, n_threads: int
) -> tuple[Array, Array]:
    """Return W (k x L) and U (k x d), at one scale."""
    loss = joint_loss(loss)
    scale = stacking_scale(loss, weight)
    draws = np.random.RandomState(seed)
    factors: Factors
    if weight == 0:
        Z, Wt = initial_factors(Y, k, "auto", draws)
        factors = Factors(Target.of(Y), Z, Wt, loss, n_threads)
    else:
        Z, Wt = initial_factors(stack(Y, X, scale), k, "auto", draws)
        factors = SharedFactors(Y, X, scale, Z, Wt, loss, n_threads)
    solver = PlainDescent(factors)
    for number in range(1, SWEEPS + 1):
        solver.sweep(number)
    if weight == 0:
        of_features = sp.csr_matrix(X.T)
        return Wt.T, codes_of_rows(of_features, np.ascontiguousarray(Z), loss, n_threads).T
    n_labels = Y.shape[1]
    return Wt[:n_labels].T, (Wt[n_labels:] / Wt.dtype.type(scale)).T


def label_likelihood(Y: Any, Z: Array, W: Array, base: Array) -> float:
    """Return the mean log-likelihood of a label, blended with the base rates as is best."""
    total = Z @ W.sum(axis=1)
    row = np.repeat(np.arange(Y.shape[0]), np.diff(Y.indptr))
    rate = np.empty(Y.nnz)
    Wt = np.ascontiguousarray(W.T)
    for start in range(0, Y.nnz, 1 << 16):
        part = slice(start, start + (1 << 16))
        rate[part] = np.einsum("ij,ij->i", Z[row[part]], Wt[Y.indices[part]], dtype=np.float64)
    share = rate / np.where(total > 0, total, 1.0)[row]
    common = base[Y.indices]
    blend = 0.5
    for _ in range(_BLEND_ROUNDS):  # EM of one mixing proportion
        mixed = (1 - blend) * share + blend * common
        blend = float(np.mean(blend * common / mixed))
    return float(np.mean(np.log((1 - blend) * share + blend * common)))
