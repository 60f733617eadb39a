"""Measures of rankings from sums over rows: means, ratios and their standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import metrics

Array = npt.NDArray[Any]

_MEANS = {
    "precision": metrics.precision_per_row,
    "ndcg": metrics.ndcg_per_row,
    "recall": metrics.recall_per_row,
}


class RankingScores:
    """Adds up what rankings of blocks of rows are worth.

    Parameters
    ----------
    depths : sequence of int
    propensities : ndarray of shape (L,)
    """

    def __init__(self, depths: Sequence[int], propensities: Array) -> None:
        self.depths, self.propensities = tuple(depths), propensities
        self.n_rows = 0
        # of gained and best in each row: sums of both, of their squares and of their product
        self._sums = {(name, k): np.zeros(5) for name in (*_MEANS, "psp") for k in self.depths}

    def add(self, Y: Any, ranking: Array) -> None:
        """Add rows with their true labels (n x L) and best-ranked labels (n x k)."""
        self.n_rows += len(ranking)
        for k in self.depths:
            for name, measure in _MEANS.items():
                self._add(name, k, measure(Y, ranking, k), np.ones(len(ranking)))
            self._add("psp", k, *metrics.psp_per_row(Y, ranking, k, self.propensities))

    def _add(self, name: str, k: int, gained: Array, best: Array) -> None:
        self._sums[name, k] += [
            gained.sum(),
            best.sum(),
            gained @ gained,
            best @ best,
            gained @ best,
        ]

    def value(self, name: str, k: int) -> tuple[float, float]:
        """Return a measure and its standard error, by the delta method where it is a ratio."""
        gained, best, gained_2, best_2, both = self._sums[name, k]
        if best <= 0:
            return 0.0, 0.0
        ratio = gained / best
        if self.n_rows < 2:
            return float(ratio), float("nan")
        square = max(gained_2 - 2 * ratio * both + ratio**2 * best_2, 0.0)
        error = np.sqrt(square / (self.n_rows - 1) / self.n_rows) / (best / self.n_rows)
        return float(ratio), float(error)

    def rows(self) -> list[tuple[str, int, float, float]]:
        """Return measure, depth, value and standard error."""
        return [(name, k, *self.value(name, k)) for name, k in self._sums]
