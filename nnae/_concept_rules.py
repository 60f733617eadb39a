r"""What the weights of concepts must obey while they are learnt: rows of W, columns of Wt here.

Sum one always; beyond that a penalty on overlap, :math:`\gamma \sum_{p<q} w_p \cdot w_q`, or
Hoyer's sparseness of at least s, :math:`(\sqrt m - |w|_1 / |w|_2) / (\sqrt m - 1) \ge s`, which is
0 for equal weights and 1 for a single one. Hoyer (2004) for the projection.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nnae._factors import NEGLIGIBLE, Factors, floor_of, simplex_minimiser
from nnae._solvers import PlainDescent
from nnae._surrogates import simplex_rates

Array = npt.NDArray[Any]

#: Share of its largest weight that projection leaves a concept's others: much less, and a row whose
#: known labels it does not have would get an endless code. Half of what is reported as zero.
_LEAST = NEGLIGIBLE["float64"] / 2
#: Tries of a projected gradient step, each a quarter of the one before.
_TRIES = 8


class ConceptRule(Protocol):
    """Updates weights so that the objective and the penalty together do not rise."""

    def admit(self, Wt: Array) -> None:
        """Change weights of sum one, in place, into ones that the rule admits."""

    def update(self, factors: Factors) -> None:
        """Update the weights in place."""

    def penalty(self, factors: Factors) -> float:
        """Return what the weights cost by themselves."""


class SumToOne:
    """Weights of a concept sum to one."""

    def admit(self, Wt: Array) -> None:
        """Leave them."""

    def update(self, factors: Factors) -> None:
        """Update the weights multiplicatively."""
        factors.multiply_weights_on_simplex()

    def penalty(self, factors: Factors) -> float:
        """Return zero."""
        return 0.0


class Orthogonal:
    """Overlap of concepts costs ``weight`` for each pair's scalar product.

    The product of two weights of a label is bounded by squares that touch it at the present point:
    the surrogate stays separable, and its minimum lowers the penalised objective.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def admit(self, Wt: Array) -> None:
        """Leave them."""

    def update(self, factors: Factors) -> None:
        """Minimise the surrogate at sum one."""
        Wt = factors.Wt
        floor = floor_of(Wt.dtype)
        numerator, others = factors.numerator_of_weights(), others_of(Wt)
        down = factors.denominator_of_weights()
        if factors.loss == "frobenius":
            down = down + self.weight / 2 * others
            Wt[...] = simplex_minimiser(Wt, numerator, down, floor)
        else:
            exact = Wt.astype(np.float64)
            bend = self.weight * others / exact
            Wt[...] = np.maximum(simplex_rates(exact * numerator, down, bend), floor)
        factors.weights_changed()

    def penalty(self, factors: Factors) -> float:
        """Return the cost of overlap."""
        return self.weight / 2 * float(np.sum(factors.Wt * others_of(factors.Wt)))


class Sparse:
    """Every concept has at least this sparseness; other rules go first.

    A multiplicative update is projected and kept where the objective does not rise. Otherwise steps
    along the gradient are projected, shorter and shorter ones, and the first that does not raise it
    is kept: short enough ones never do.
    """

    def __init__(self, sparseness: float, inner: ConceptRule) -> None:
        self.sparseness = sparseness
        self.inner = inner

    def admit(self, Wt: Array) -> None:
        """Project every concept."""
        project_concepts(Wt, self.sparseness, floor_of(Wt.dtype))

    def update(self, factors: Factors) -> None:
        """Update by the inner rule and project, or take a projected gradient step."""
        before, old = self._value(factors), factors.Wt.copy()
        self.inner.update(factors)
        self._project(factors)
        if self._value(factors) <= before:
            return
        factors.Wt[...] = old
        factors.weights_changed()
        down = factors.denominator_of_weights()
        exact = old.astype(np.float64)
        slope = down - factors.numerator_of_weights()
        if isinstance(self.inner, Orthogonal):
            half = 0.5 if factors.loss == "frobenius" else 1.0
            slope = slope + half * self.inner.weight * others_of(old)
        reach = np.divide(exact * exact, down, out=np.zeros_like(exact), where=down > 0).sum(axis=0)
        for at in range(_TRIES):
            step = np.clip(exact - 0.25**at * reach * slope, -1e6, 1e6)
            factors.Wt[...] = np.maximum(step, 0)
            self._project(factors, step)
            if self._value(factors) <= before:
                return
        factors.Wt[...] = old
        factors.weights_changed()

    def penalty(self, factors: Factors) -> float:
        """Return that of the other rule."""
        return self.inner.penalty(factors)

    def _value(self, factors: Factors) -> float:
        return factors.objective() + self.inner.penalty(factors)

    def _project(self, factors: Factors, source: Array | None = None) -> None:
        floor = floor_of(factors.Wt.dtype)
        project_concepts(factors.Wt, self.sparseness, floor, source)
        factors.weights_changed()


class Constrained:
    """Coordinate descent for the codes, a rule for the weights."""

    def __init__(self, factors: Factors, rule: ConceptRule) -> None:
        self.factors = factors
        self.rule = rule

    def sweep(self, number: int) -> None:
        """Update the codes, then the weights."""
        if number <= PlainDescent.warm_up:
            self.factors.multiply_codes()
        else:
            self.factors.descend_codes()
        self.rule.update(self.factors)


def rule_of(sparseness: float, orthogonality: float) -> ConceptRule:
    """Return the rule of one level; ``orthogonality`` is in the unit of its objective."""
    rule: ConceptRule = Orthogonal(orthogonality) if orthogonality else SumToOne()
    return Sparse(sparseness, rule) if sparseness else rule


def others_of(Wt: Array) -> Array:
    """Return for every concept the sum of all others' weights (m x k), in double."""
    exact = Wt.astype(np.float64)
    return np.asarray(exact.sum(axis=1, keepdims=True) - exact)


def hoyer_sparseness(W: Array) -> Array:
    """Return Hoyer's sparseness of every row (0 for rows of zeros, 1 where there is one column)."""
    exact = np.asarray(W, np.float64)
    root = np.sqrt(exact.shape[1])
    length = np.sqrt(np.square(exact).sum(axis=1))
    share = exact.sum(axis=1) / np.where(length > 0, length, 1)
    found = (root - share) / (root - 1) if root > 1 else np.ones(len(exact))
    return np.where(length > 0, found, 0.0)


def project_concepts(
    Wt: Array, sparseness: float, floor: float, source: Array | None = None
) -> None:
    """Project the columns of ``source`` (or Wt) that are too dense, in place; sum one for all."""
    given = np.asarray(Wt if source is None else source, np.float64)
    m = len(given)
    for p in range(given.shape[1]):
        x = given[:, p]
        if source is not None:
            x = _on_simplex(x)
        total = x.sum()
        x = x / total if total > 0 else np.full(m, 1 / m)
        if m > 1 and hoyer_sparseness(x[None])[0] < sparseness - 1e-12:
            x = project_to_sparseness(given[:, p], sparseness)
        Wt[:, p] = np.maximum(x, max(floor, _LEAST * x.max()))


def project_to_sparseness(x: Array, sparseness: float) -> Array:
    """Return the nearest non-negative vector of sum one and the given sparseness (Hoyer 2004)."""
    m = len(x)
    length2 = 1 / (np.sqrt(m) - sparseness * (np.sqrt(m) - 1)) ** 2
    free = np.ones(m, bool)
    s = x + (1 - x.sum()) / m
    for _ in range(m):
        middle = np.where(free, 1 / free.sum(), 0.0)
        away = s - middle
        if away @ away < 1e-24:  # no direction: break the tie by place
            away = np.where(free, np.linspace(1, 0, m), 0.0)
            away[free] -= away[free].mean()
        a, b, c = away @ away, 2 * middle @ away, middle @ middle - length2
        alpha = (-b + np.sqrt(max(b * b - 4 * a * c, 0.0))) / (2 * a) if a > 0 else 0.0
        s = middle + alpha * away
        if (s >= 0).all() or free.sum() == 1:
            break
        free &= s > 0
        s = np.where(free, s, 0.0)
        s = np.where(free, s - (s.sum() - 1) / free.sum(), 0.0)
    return np.asarray(np.maximum(s, 0))


def _on_simplex(x: Array) -> Array:
    """Return the nearest non-negative vector of sum one."""
    x = np.clip(x, -1e6, 1e6)  # a label without any rate pulls without bound
    ordered = np.sort(x)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(x) + 1)
    last = int(np.flatnonzero(ordered > excess)[-1])
    return np.asarray(np.maximum(x - excess[last], 0))
