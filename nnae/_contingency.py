"""Tests of independence and sizes of effect for many 2 x 2 tables at once.

A table has n rows of data, margins a and b and the joint count x: cells x, a - x, b - x and
n - a - b + x. Under independence x is hypergeometric with mean a b / n. Tails are summed from the
observed count outwards by the ratio of neighbouring probabilities, which falls by every step, so
that a tail costs some sqrt(a b / n) steps however far out it begins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, xlogy
from scipy.stats import chi2, norm

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TIE = 1e-7  # probabilities this close are equal, as in R's fisher.test
_PSEUDO = 0.5  # most that smoothing adds to the smallest expected cell
_TABLE = 20_000_000  # above so many rows logarithms of factorials are not kept in a table


class _Hypergeometric:
    """Counts of tables with margins a and b of n, one table an entry."""

    def __init__(self, a: Integers, b: Integers, n: int) -> None:
        self.a, self.b, self.n = a, b, n
        self.low = np.maximum(0, a + b - n)
        self.high = np.minimum(a, b)
        mode = (a + 1.0) * (b + 1.0) // (n + 2.0)
        self.mode = np.clip(mode.astype(np.int64), self.low, self.high)
        self._table = gammaln(np.arange(1.0, n + 2.0)) if n <= _TABLE else None
        fact = self._log_factorial
        self._constant = fact(a) + fact(n - a) + fact(b) + fact(n - b) - float(gammaln(n + 1.0))

    def _log_factorial(self, x: Integers) -> Floats:
        values = gammaln(x + 1.0) if self._table is None else self._table[x]
        return np.asarray(values, np.float64)

    def log_pmf(self, x: Integers) -> Floats:
        """Return log P(X = x); x must be possible."""
        fact = self._log_factorial
        cells = fact(x) + fact(self.a - x) + fact(self.b - x) + fact(self.n - self.a - self.b + x)
        return np.asarray(self._constant - cells, np.float64)

    def tail(self, x: Integers, step: int) -> Floats:
        """Return P(X <= x) for step -1 and P(X >= x) for +1, x on that side of the mode.

        An x that is out of range has an empty tail.
        """
        p = np.zeros(len(x))
        place = np.flatnonzero((x >= self.low) & (x <= self.high))
        inside = np.clip(x, self.low, self.high)
        p[place] = np.exp(np.minimum(self.log_pmf(inside)[place], 0.0))
        at, a, b = (part[place].astype(np.float64) for part in (x, self.a, self.b))
        rest = self.n - a - b
        total, term = np.ones(len(place)), np.ones(len(place))
        sums = np.ones(len(x))
        while len(place):
            for _ in range(8):
                if step > 0:
                    term = term * ((a - at) * (b - at) / ((at + 1) * (rest + at + 1)))
                else:
                    term = term * (at * (rest + at) / ((a - at + 1) * (b - at + 1)))
                total = total + term
                at = at + step
                term = np.where((at < 0) | (at > a) | (at > b) | (rest + at < 0), 0.0, term)
            sums[place] = total
            on = term > 1e-17 * total
            place, at, a, b, rest = place[on], at[on], a[on], b[on], rest[on]
            total, term = total[on], term[on]
        return np.minimum(p * sums, 1.0)

    def opposite(self, x: Integers, step: int) -> Integers:
        """Return the count nearest the mode on its `step` side that is no likelier than x.

        One beyond the range when there is none.
        """
        limit = self.log_pmf(x) + _TIE
        far = self.high + 1 if step > 0 else self.low - 1  # taken to be unlikely enough
        near = self.mode - step  # taken to be too likely
        inner, outer = near.copy(), far.copy()
        while (np.abs(outer - inner) > 1).any():
            middle = (inner + outer) // 2
            possible = np.clip(middle, self.low, self.high)
            unlikely = (self.log_pmf(possible) <= limit) | (middle != possible)
            moving = np.abs(outer - inner) > 1
            outer = np.where(moving & unlikely, middle, outer)
            inner = np.where(moving & ~unlikely, middle, inner)
        return np.asarray(outer, np.int64)


def fisher(
    x: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, n: int, alternative: str = "two-sided"
) -> Floats:
    """Return p-values of Fisher's exact test.

    Parameters
    ----------
    x, a, b : array-like of int, (m,)
        Joint counts and the two margins.
    n : int
        Rows.
    alternative : {"two-sided", "less", "greater"}
        "two-sided" adds up all counts no likelier than the one observed; "less" is
        P(X <= x), a negative association; "greater" P(X >= x).
    """
    count, first, second = (np.asarray(part, np.int64) for part in (x, a, b))
    law = _Hypergeometric(first, second, n)
    if alternative == "less":
        return _one_side(law, count, -1)
    if alternative == "greater":
        return _one_side(law, count, 1)
    below = count < law.mode
    p = np.ones(len(count))
    for side, step in ((below, -1), (count > law.mode, 1)):
        if side.any():
            part = _Hypergeometric(first[side], second[side], n)
            own = part.tail(count[side], step)
            other = part.tail(part.opposite(count[side], -step), -step)
            p[side] = np.minimum(own + other, 1.0)
    return p


def _one_side(law: _Hypergeometric, count: Integers, step: int) -> Floats:
    """Sum from the count outwards, or take what lies beyond it from one past the mode."""
    farther = step * (count - law.mode) >= 0
    own = law.tail(np.where(farther, count, law.mode), step)
    beyond = law.tail(np.where(farther, law.mode, count - step), -step)
    return np.where(farther, own, 1.0 - beyond)


def expected_cells(a: npt.ArrayLike, b: npt.ArrayLike, n: int) -> tuple[Floats, ...]:
    """Return the four expected cells: both, a alone, b alone, neither."""
    p, q = np.asarray(a, np.float64) / n, np.asarray(b, np.float64) / n
    return n * p * q, n * p * (1 - q), n * (1 - p) * q, n * (1 - p) * (1 - q)


def _cells(x: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, n: int) -> tuple[Floats, ...]:
    both, first, second = (np.asarray(part, np.float64) for part in (x, a, b))
    return both, first - both, second - both, n - first - second + both


def g_test(x: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, n: int) -> Floats:
    """Return p-values of the likelihood-ratio test, ``G = 2 sum O log(O / E)`` on one degree."""
    pairs = zip(_cells(x, a, b, n), expected_cells(a, b, n), strict=True)
    g = 2.0 * sum(xlogy(o, o / np.where(e > 0, e, 1.0)) for o, e in pairs)
    return np.asarray(chi2.sf(np.maximum(g, 0.0), 1), np.float64)


def _smoothing(a: npt.ArrayLike, b: npt.ArrayLike, n: int) -> Floats:
    """Return the part of the expected table that is added to the observed one.

    ``1 / 2 / (E + 1 / 2)`` with E the smallest expected cell: that cell gains less than 1/2, and a
    table that could not have shown anything is drawn half way to independence.
    """
    least = np.min(expected_cells(a, b, n), axis=0)
    return np.asarray(_PSEUDO / (least + _PSEUDO), np.float64)


def odds_ratio(
    x: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, n: int, alpha: float = 0.05
) -> tuple[Floats, Floats, Floats]:
    """Return odds ratios and their ``1 - alpha`` intervals (Wald, of the logarithm).

    Every cell gains a part of its own expected count, so that tables which say little come out
    near 1. (With 1/2 in each cell two labels seen 3 times in 20,000 rows and never together would
    have an odds ratio of 816.)
    """
    part = _smoothing(a, b, n)
    o = [c + part * e for c, e in zip(_cells(x, a, b, n), expected_cells(a, b, n), strict=True)]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        log_ratio = np.log(o[0]) + np.log(o[3]) - np.log(o[1]) - np.log(o[2])
        spread = float(norm.isf(alpha / 2)) * np.sqrt(sum(1.0 / cell for cell in o))
        low, high = np.exp(log_ratio - spread), np.exp(log_ratio + spread)
        return np.exp(log_ratio), low, high


def shrunk_npmi(x: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, n: int) -> Floats:
    """Return ``log(p_ab / (p_a p_b)) / -log p_ab`` of tables smoothed as in `odds_ratio`.

    Smoothing leaves the margins as they are and draws the joint rate towards ``p_a p_b``, so that
    no count is at -1 by being zero.
    """
    part = _smoothing(a, b, n)
    expected = expected_cells(a, b, n)[0]
    joint = (np.asarray(x, np.float64) + part * expected) / (n * (1 + part))
    rate = np.maximum(joint, np.finfo(np.float64).tiny)
    lift = np.log(rate) - np.log(np.maximum(expected / n, np.finfo(np.float64).tiny))
    below: Any = -np.log(np.minimum(rate, 1 - 1e-12))
    return np.asarray(np.clip(lift / below, -1.0, 1.0), np.float64)
