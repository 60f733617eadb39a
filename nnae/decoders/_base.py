"""What every decoder does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._codes import CodeScale

Array = npt.NDArray[Any]


@dataclass
class Evidence:
    """All that a decoder may learn from; training rows only.

    Attributes
    ----------
    concepts : list of ndarray
        B_1 (k_1 x L), B_2 (k_2 x L), ...
    scale : CodeScale
        How codes were scaled to targets.
    Y : csr_matrix
        Training labels (n x L).
    predict : callable
        Returns the targets that step two predicts for the training rows (n x sum of widths).
    dtype : numpy dtype
        Of weights and scores.
    n_threads : int
    """

    concepts: list[Array]
    scale: CodeScale
    Y: Any
    predict: Callable[[], Array]
    dtype: Any
    n_threads: int


class Decoder(ABC):
    """Turns predicted targets (n x sum of widths) into scores of labels.

    Implementations are dataclasses of arrays and numbers, so that models can be saved.
    """

    @classmethod
    @abstractmethod
    def fit(cls, evidence: Evidence) -> Decoder:
        """Learn from training rows."""

    @property
    @abstractmethod
    def levels(self) -> int:
        """Number of levels that can be decoded."""

    @abstractmethod
    def scores(self, targets: Array, level: int, n_threads: int) -> Array:
        """Return the scores of all labels (n x L, dense): call it on blocks of rows."""

    def topk(
        self, targets: Array, k: int, level: int, n_threads: int, prior: Array | None = None
    ) -> tuple[Array, Array]:
        """Return the k best labels (int64, n x k) and their scores, -1 and -inf where none is left.

        ``prior`` multiplies the score of each label.
        """
        indices = np.empty((len(targets), k), np.int64)
        best: list[Array] = []
        step = 1024
        for start in range(0, max(len(targets), 1), step):
            block = self.scores(targets[start : start + step], level, n_threads)
            if prior is not None:
                block = np.ascontiguousarray(block * prior, block.dtype)
            found, values = _core.topk_dense(block, k, n_threads)
            indices[start : start + step] = found
            best.append(values)
        return indices, np.vstack(best)

    @abstractmethod
    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return probabilities of scores, in [0, 1] and in the same order."""
