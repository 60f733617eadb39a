"""Two conditions compared, answers of one participant taken as one observation.

With an independence working correlation the estimating equations of a logistic model with one
treatment have the closed solution ``logit(p_1) - logit(p_0)``; its robust variance is the sum over
participants of the squared influence ``sum_i (y_i - p_c) (+1 | -1) / (n_c p_c q_c)``, times
G / (G - 1) for G participants, and intervals take Student's t with G - 1 degrees of freedom (Liang
and Zeger 1986). Without the logit, ``p_1 - p_0`` and n_c in place of n_c p_c q_c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contrast:
    """Estimates with standard errors, one a study.

    Attributes
    ----------
    difference, difference_error : ndarray, (s,)
        Of the accuracies.
    log_odds, log_odds_error : ndarray, (s,)
        Of the odds of being right; NaN where a condition is all right or all wrong.
    n_participants : int
    """

    difference: Floats
    difference_error: Floats
    log_odds: Floats
    log_odds_error: Floats
    n_participants: int

    def reach(self, confidence: float = 0.95) -> float:
        """Return how many standard errors an interval reaches to each side."""
        return float(student.ppf((1 + confidence) / 2, self.n_participants - 1))

    def p_values(self) -> Floats:
        """Return two-sided p-values of the log odds."""
        z = np.abs(self.log_odds) / self.log_odds_error
        return np.asarray(2 * student.sf(z, self.n_participants - 1))


def contrast(right: Any, asked: Any, right_with: Any, asked_with: Any) -> Contrast:
    """Compare conditions by counts a participant (each s x G): right and asked, without and with.

    Participants who were not asked under a condition count zero there.
    """
    arrays = (
        np.atleast_2d(np.asarray(part, np.float64))
        for part in (right, asked, right_with, asked_with)
    )
    y0, n0, y1, n1 = arrays
    G = y0.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        p0, p1 = (
            y.sum(1, keepdims=True) / n.sum(1, keepdims=True) for y, n in ((y0, n0), (y1, n1))
        )
        pull0 = (y0 - p0 * n0) / n0.sum(1, keepdims=True)
        pull1 = (y1 - p1 * n1) / n1.sum(1, keepdims=True)
        spread = G / (G - 1) if G > 1 else np.nan
        plain = np.sqrt(((pull1 - pull0) ** 2).sum(1) * spread)
        v0, v1 = p0 * (1 - p0), p1 * (1 - p1)
        error = np.sqrt(((pull1 / v1 - pull0 / v0) ** 2).sum(1) * spread)
        effect = (np.log(p1 / (1 - p1)) - np.log(p0 / (1 - p0)))[:, 0]
    known = np.isfinite(effect) & np.isfinite(error)
    return Contrast(
        (p1 - p0)[:, 0],
        plain,
        np.where(known, effect, np.nan),
        np.where(known, error, np.nan),
        G,
    )
