"""Whether labels occur together as often as the model that the tree was read from implies."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import xlogy

from nnae._implied import implied_rates
from nnae._label_pairs import LabelPairs
from nnae.auditing import _resampling as resampling
from nnae.auditing._trees import Floats

_MOST_PAIRS = 50_000
_STEPS = 50
_LEAST = 1e-9  # of an implied count


def calibration_rows(
    model: Any, names: list[str], pairs: LabelPairs, repeats: int, draws: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Return ratio, slope and explained deviance with intervals (labels drawn anew)."""
    m = len(pairs.a)
    some = np.arange(m)
    if m > _MOST_PAIRS:
        some = np.sort(draws.choice(m, _MOST_PAIRS, replace=False))
    a, b, seen = pairs.a[some], pairs.b[some], pairs.count[some].astype(np.float64)
    joint, first, second = implied_rates(model, names, a, b)
    implied = np.maximum(joint * pairs.n_rows, _LEAST)
    alone = np.maximum(first * second * pairs.n_rows, _LEAST)
    observed = calibration(seen, implied, alone, np.ones(len(some)))
    drawn = resampling.label_draws(np.union1d(a, b), len(names), repeats, draws)
    resampled = [calibration(seen, implied, alone, w[a] * w[b]) for w in drawn]
    return resampling.summary_rows(observed, [], resampled)


def calibration(seen: Floats, implied: Floats, alone: Floats, weights: Floats) -> dict[str, float]:
    """Compare joint counts with those that a model implies.

    Parameters
    ----------
    seen, implied, alone : ndarray, (m,)
        Counts observed, implied by the model, and implied by its margins without dependence.
    weights : ndarray, (m,)
        Of the pairs.
    """
    total = float((weights * implied).sum())
    apart = float((weights * _deviance(seen, alone)).sum())
    left = float((weights * _deviance(seen, implied)).sum())
    return {
        "cooccurrence_ratio": float((weights * seen).sum()) / total if total > 0 else np.nan,
        "cooccurrence_slope": poisson_slope(np.log(implied), seen, weights),
        "cooccurrence_explained": 1.0 - left / apart if apart > 0 else np.nan,
    }


def _deviance(seen: Floats, mean: Floats) -> Floats:
    return np.asarray(2.0 * (xlogy(seen, seen / mean) - (seen - mean)), np.float64)


def poisson_slope(x: Floats, counts: Floats, weights: Floats) -> float:
    """Return the slope of a Poisson regression of counts on x, by Newton's method."""
    mass = weights.sum()
    if mass <= 0 or (weights * counts).sum() <= 0:
        return np.nan
    x = x - np.average(x, weights=weights)
    if (weights * x**2).sum() <= 1e-12 * mass:
        return np.nan
    level, slope = float(np.log(np.average(counts, weights=weights))), 0.0
    for _ in range(_STEPS):
        mean = weights * np.exp(np.clip(level + slope * x, -50, 50))
        score = (weights * counts - mean).sum(), ((weights * counts - mean) * x).sum()
        aa, ab, bb = mean.sum(), (mean * x).sum(), (mean * x**2).sum()
        below = aa * bb - ab**2
        if below <= 0:
            return np.nan
        step = (bb * score[0] - ab * score[1]) / below, (aa * score[1] - ab * score[0]) / below
        damp = min(1.0, 1.0 / max(abs(step[0]), abs(step[1]), 1e-300))
        level, slope = level + damp * step[0], slope + damp * step[1]
        if max(abs(step[0]), abs(step[1])) < 1e-10:
            break
    return float(slope)
