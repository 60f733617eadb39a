"""Measures of rankings with their standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnae import metrics

DEPTHS = (1, 3, 5)


@dataclass(frozen=True)
class Measure:
    """One measure at one depth, with the standard error over rows."""

    name: str
    depth: int
    value: float
    error: float

    def percent(self) -> str:
        """Return the value and its error in per cent."""
        return f"{100 * self.value:.1f} ± {100 * self.error:.1f}"


def precision(Y: Any, ranking: Any, depth: int) -> Measure:
    """Measure precision at one depth."""
    return _mean("precision", metrics.precision_per_row(Y, ranking, depth), depth)


def ndcg(Y: Any, ranking: Any, depth: int) -> Measure:
    """Measure nDCG at one depth."""
    return _mean("ndcg", metrics.ndcg_per_row(Y, ranking, depth), depth)


def recall(Y: Any, ranking: Any, depth: int) -> Measure:
    """Measure recall at one depth."""
    return _mean("recall", metrics.recall_per_row(Y, ranking, depth), depth)


def psp(Y: Any, ranking: Any, depth: int, propensity: Any) -> Measure:
    """Measure propensity-scored precision at one depth."""
    gained, best = metrics.psp_per_row(Y, ranking, depth, propensity)
    value = metrics.psp_at_k(Y, ranking, depth, propensity)
    error = metrics.standard_error(gained, best) if Y.shape[0] > 1 else float("nan")
    return Measure("psp", depth, value, error)


def by_depth(measures: list[Measure]) -> dict[str, float]:
    """Return the values of one measure as JSON wants them."""
    return {str(measure.depth): measure.value for measure in measures}


def _mean(name: str, rows: Any, depth: int) -> Measure:
    error = metrics.standard_error(rows) if len(rows) > 1 else float("nan")
    return Measure(name, depth, float(np.mean(rows)), error)
