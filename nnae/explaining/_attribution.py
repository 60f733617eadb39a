r"""How features make the codes that step two predicts: ``z = base + sum_f A_f + residual``.

Exact where step two is linear. Any other step two is asked again with features taken away: by
occlusion, one feature at a time, what features do together is left as a stated residual; by
Shapley's values, sampled over orders of the features, there is none; LIME fits a weighted linear
model to random subsets. Sources: Zeiler and Fergus (2014); Strumbelj and Kononenko (2010);
Ribeiro, Singh and Guestrin (2016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._step_two import predict_codes
from nnae._validation import check_choice

Array = npt.NDArray[Any]

#: Rows that step two predicts at a time.
ROWS = 256
#: Orders of the features that Shapley's values are drawn from, each with its reverse.
ORDERS = 16
#: Random subsets per feature that LIME learns from, and the fewest in all.
SUBSETS_PER_FEATURE, FEWEST_SUBSETS = 4, 256


@dataclass(frozen=True)
class Attribution:
    """What each feature of a row gives each code.

    Attributes
    ----------
    method : str
    columns : ndarray of int, (m,)
        Features that may matter: the non-zero ones of a sparse row, all of a dense one.
    values : ndarray, (m,)
        Their values.
    parts : ndarray, (m, K)
        What they give each code, in double precision.
    base : ndarray, (K,)
        What the codes are without any of them: the intercept, or codes of the background.
    residual : ndarray, (K,)
        What is left; ``base + parts.sum(0) + residual`` are the predicted codes before clipping.
    """

    method: str
    columns: Array
    values: Array
    parts: Array
    base: Array
    residual: Array


def attribute(
    estimator: Any, row: Any, targets: Array, method: str, background: Any, seed: int
) -> Attribution:
    """Attribute the codes (1 x K) that a fitted step two predicts for a row (1 x d)."""
    check_choice("method", method, ("auto", *METHODS))
    found = np.asarray(targets[0], np.float64)
    if method in ("auto", "linear"):
        exact = _linear(estimator, row, found)
        if exact is not None:
            return exact
        if method == "linear":
            raise ValueError(
                "method='linear' needs a step two that is linear in the features; "
                f"{type(estimator).__name__} is not"
            )
        method = "occlusion"
    return METHODS[method](Without(estimator, row, found, background), seed)


def linear_map(estimator: Any) -> tuple[Array, Array] | None:
    """Return coefficients (K x d) and intercepts (K) of a linear regression, None for others."""
    parts = getattr(estimator, "estimators_", None)
    if parts is not None and type(estimator).__name__ == "MultiOutputRegressor":
        maps = [linear_map(part) for part in parts]
        if any(found is None for found in maps):
            return None
        known = [found for found in maps if found is not None]
        return np.vstack([coef for coef, _ in known]), np.concatenate([b for _, b in known])
    coef, intercept = getattr(estimator, "coef_", None), getattr(estimator, "intercept_", None)
    if coef is None or intercept is None:
        return None
    coef = coef.toarray() if hasattr(coef, "toarray") else np.asarray(coef)
    coef = np.atleast_2d(coef)
    return coef, np.broadcast_to(np.atleast_1d(np.asarray(intercept)), len(coef))


def _linear(estimator: Any, row: Any, found: Array) -> Attribution | None:
    known = linear_map(estimator)
    if known is None or known[0].shape != (len(found), row.shape[1]):
        return None
    columns, values = active(row)
    parts = (known[0][:, columns].astype(np.float64) * values).T
    base = np.asarray(known[1], np.float64).copy()
    # single precision sums in another order; a model with a link of its own is off by far more
    size = np.abs(parts).sum(0) + np.abs(base) + 1e-300
    precision = 1e-9 if found.dtype == row.dtype == known[0].dtype else 1e-4
    if (np.abs(parts.sum(0) + base - found) > precision * size).any():
        return None
    parts = np.ascontiguousarray(parts)
    return Attribution("linear", columns, values, parts, base, np.zeros(len(found)))


def active(row: Any) -> tuple[Array, Array]:
    """Return the features of a row (1 x d) that may matter, and their values."""
    if hasattr(row, "indptr"):
        order = np.argsort(row.indices, kind="stable")
        columns, values = row.indices[order].astype(np.int64), row.data[order].astype(np.float64)
        kept = values != 0
        return columns[kept], values[kept]
    return np.arange(row.shape[1]), np.asarray(row[0], np.float64)


class Without:
    """Asks step two for the codes of a row that has only some of its features."""

    def __init__(self, estimator: Any, row: Any, found: Array, background: Any) -> None:
        self.estimator, self.row, self.found = estimator, row, found
        self.sparse = hasattr(row, "indptr")
        width = row.shape[1]
        if background is None:
            background = np.zeros(width)
        self.background = np.asarray(background, row.dtype).ravel()
        if len(self.background) != width:
            raise ValueError(
                f"background must have a value a feature ({width}); got {len(self.background)}"
            )
        self.columns, self.values = active(row)
        if self.background.any():
            full = row.toarray()[0] if self.sparse else row[0]
            self.columns = np.flatnonzero(full != self.background)
            self.values = np.asarray(full[self.columns], np.float64)

    def codes(self, kept: Array) -> Array:
        """Return the codes of rows that keep the marked features (rows x m of bool)."""
        out = np.empty((len(kept), len(self.found)))
        for start in range(0, len(kept), ROWS):
            some = kept[start : start + ROWS]
            rows = np.tile(self.background, (len(some), 1))
            own = self.values.astype(rows.dtype)
            rows[:, self.columns] = np.where(some, own, self.background[self.columns])
            X = sp.csr_matrix(rows) if self.sparse else rows
            out[start : start + ROWS] = predict_codes(self.estimator, X, len(self.found))
        return out

    def attribution(self, method: str, parts: Array, base: Array) -> Attribution:
        """Return the parts with what they leave unexplained."""
        residual = self.found - base - parts.sum(0)
        return Attribution(method, self.columns, self.values, parts, base, residual)


def _occlusion(ask: Without, seed: int) -> Attribution:
    m = len(ask.columns)
    nothing = ask.codes(np.zeros((1, m), bool))[0]
    parts = np.empty((m, len(ask.found)))
    for start in range(0, m, ROWS):
        places = np.arange(start, min(start + ROWS, m))
        kept = np.ones((len(places), m), bool)
        kept[np.arange(len(places)), places] = False
        parts[places] = ask.found - ask.codes(kept)
    return ask.attribution("occlusion", parts, nothing)


def _shapley(ask: Without, seed: int) -> Attribution:
    m = len(ask.columns)
    random = np.random.RandomState(seed)
    parts = np.zeros((m, len(ask.found)))
    nothing = ask.codes(np.zeros((1, m), bool))[0]
    for _ in range(ORDERS):
        order = random.permutation(m)
        for path in (order, order[::-1]):
            place = np.empty(m, np.int64)
            place[path] = np.arange(m)
            before = nothing
            for start in range(0, m, ROWS):
                stop = min(start + ROWS, m)
                steps = np.arange(start, stop)
                codes = ask.codes(place[None, :] <= steps[:, None])
                parts[path[start:stop]] += np.diff(codes, axis=0, prepend=before[None])
                before = codes[-1]
    return ask.attribution("shapley", parts / (2 * ORDERS), nothing)


def _lime(ask: Without, seed: int) -> Attribution:
    m = len(ask.columns)
    random = np.random.RandomState(seed)
    kept = random.random_sample((max(FEWEST_SUBSETS, SUBSETS_PER_FEATURE * m), m)) < 0.5
    kept[0] = True
    distance = 1 - np.sqrt(kept.mean(1)) if m else np.zeros(len(kept))  # cosine, as LIME's
    weights = np.exp(-((distance / 0.25) ** 2))
    design = np.hstack([np.ones((len(kept), 1)), kept])
    gram = design.T @ (design * weights[:, None])
    penalty = np.full(m + 1, 1e-3 * weights.sum() / len(kept))
    penalty[0] = 0
    answer = np.linalg.solve(
        gram + np.diag(penalty), design.T @ (ask.codes(kept) * weights[:, None])
    )
    return ask.attribution("lime", np.ascontiguousarray(answer[1:]), answer[0])


METHODS: dict[str, Callable[[Without, int], Attribution]] = {
    "linear": _occlusion,  # never called: `attribute` takes the exact map or refuses
    "occlusion": _occlusion,
    "shapley": _shapley,
    "lime": _lime,
}
