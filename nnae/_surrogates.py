"""Minimisers of the separable surrogates that multiplicative updates lower."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_ROUNDS = 60
#: Columns that are minimised at a time, so that temporaries stay small.
_PANEL = 16


def by_panels(minimise: Callable[..., Array], W: Array, *others: Any) -> Array:
    """Return a minimiser over columns, some columns at a time; ``others`` are as wide, or numbers.

    The result is in the dtype of W.
    """
    out = np.empty_like(W)
    for start in range(0, W.shape[1], _PANEL):
        own = slice(start, start + _PANEL)
        parts = [each[:, own] if isinstance(each, np.ndarray) else each for each in others]
        out[:, own] = minimise(W[:, own], *parts)
    return out


def simplex_rates(b: Array, slope: Array, bend: Array | None = None) -> Array:
    r"""Minimise :math:`\sum_j a_j w_j^2 / 2 + s_j w_j - b_j \log w_j` over columns of sum one.

    Parameters
    ----------
    b, slope : ndarray of shape (m, k)
        Non-negative: the weight of the logarithm, and s.
    bend : ndarray of shape (m, k), optional
        a, non-negative; None is zero.

    Returns
    -------
    ndarray of shape (m, k)
        Columns without any b are zero.

    Notes
    -----
    With a multiplier :math:`\mu` a column is the root of :math:`a w^2 + (s + \mu) w = b`, which
    falls with :math:`\mu` and is convex in it: Newton's steps from the left never overshoot. They
    begin where one entry alone makes up the sum.
    """
    a = np.zeros_like(b) if bend is None else bend
    alive = b > 0
    some = alive.any(axis=0)
    start = np.where(alive, b - slope - a, -np.inf).max(axis=0, initial=-np.inf)
    mu = np.where(some, start, 0.0)
    for _ in range(_ROUNDS):
        w, fall = _root(b, slope + mu, a, alive)
        excess = np.where(some, w.sum(axis=0) - 1, 0.0)
        if (excess <= 1e-13).all():
            break
        steep = fall.sum(axis=0)
        mu = mu + np.where(steep > 0, np.maximum(excess, 0) / np.where(steep > 0, steep, 1), 0.0)
    total = w.sum(axis=0)
    return np.asarray(w / np.where(total > 0, total, 1.0))


def _root(b: Array, slope: Array, a: Array, alive: Array) -> tuple[Array, Array]:
    """Return the positive root of a w^2 + s w = b and how fast it falls with s."""
    spread = np.sqrt(slope**2 + 4 * a * b)
    down = slope + spread  # 2 b / down is the root without cancellation where s >= 0
    up = spread - slope
    use = alive & (slope >= 0) & (down > 0)
    w = np.divide(2 * b, down, out=np.zeros_like(b), where=use)
    other = alive & ~use & (a > 0)
    w = np.where(other, np.divide(up, 2 * a, out=np.zeros_like(b), where=other), w)
    fall = np.divide(w, spread, out=np.zeros_like(b), where=alive & (spread > 0))
    return w, fall


def shrunk_codes(
    b: Array, slope: Array, l2: float, above: Array | None = None, weight: float = 0.0
) -> Array:
    r"""Minimise :math:`s f + l f^2 / 2 - b \log f + w (f \log(f / T) - f + T)` in every entry.

    Parameters
    ----------
    b, slope : ndarray, equal shapes or broadcast
        Non-negative, and s.
    l2 : float
        l, at least 0.
    above, weight : ndarray and float
        T, positive, and w; None leaves the last term out.
    """
    spread = np.sqrt(slope**2 + 4 * l2 * b)
    down = slope + spread
    free = np.divide(2 * b, down, out=np.zeros_like(b), where=down > 0)
    if above is None:
        return np.asarray(free)
    goal = np.log(np.maximum(above, 1e-200))
    alone = np.log(np.maximum(free, 1e-200))
    low, high = np.minimum(goal, alone), np.maximum(goal, alone)  # the root lies between
    u = alone.copy()
    for _ in range(_ROUNDS):
        f = np.exp(u)
        pull = np.divide(b, f)
        excess = l2 * f + slope + weight * (u - goal) - pull
        low, high = np.where(excess > 0, low, u), np.where(excess > 0, u, high)
        newton = u - excess / (l2 * f + weight + pull)
        inside = (newton > low) & (newton < high)
        moved = np.where(inside, newton, (low + high) / 2)
        still = np.abs(moved - u).max(initial=0.0) < 1e-13
        u = moved
        if still:
            break
    return np.asarray(np.exp(u))
