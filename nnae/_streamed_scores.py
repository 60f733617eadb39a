"""Measures of rankings from sums over rows: means, ratios and their standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

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

    def plus(self, other: RankingScores) -> RankingScores:
        """Return the sums over both sets of rows."""
        total = RankingScores(self.depths, self.propensities)
        total.n_rows = self.n_rows + other.n_rows
        total._sums = {key: sums + other._sums[key] for key, sums in self._sums.items()}
        return total

    def frame(self) -> pd.DataFrame:
        """Return one row a measure and depth."""
        return pd.DataFrame(self.rows(), columns=["measure", "k", "value", "standard_error"])

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


@dataclass(frozen=True)
class ScoreRankings:
    """Ranks the labels of one block and tells what that is worth; goes to workers as it is."""

    model: Any
    depths: tuple[int, ...]
    level: int

    def __call__(self, block: Any) -> RankingScores:
        """Return the scores of one block."""
        width = len(self.model.label_names_)
        if block.Y.shape[1] != width:
            raise ValueError(f"Y has {block.Y.shape[1]} labels, the model has {width}")
        ranking, _ = self.model.predict_topk(block.X, max(self.depths), level=self.level)
        scores = RankingScores(self.depths, self.model.propensities_)
        scores.add(block.Y, ranking)
        return scores


def check_same_labels(names: Any, expected: Any) -> None:
    """Refuse blocks whose columns of Y have other names than those of a model; numbers are none."""
    given, wanted = [] if names is None else list(map(str, names)), list(map(str, expected))
    if given in ([], wanted, [str(j) for j in range(len(wanted))]):
        return
    odd = next(j for j, name in enumerate(wanted) if j >= len(given) or given[j] != name)
    raise ValueError(
        "the labels of the blocks must be those of the model, in its order; "
        f"label {odd} is {wanted[odd]!r} in the model"
    )
