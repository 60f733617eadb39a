"""The feature spaces of training rows in which ridges are solved, shared by folds and parts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._gram_ridge import GramRidge
from nnae._landmarks import Landmarks

Array = npt.NDArray[Any]

#: Landmarks among the training rows.
LANDMARKS = 1000
#: γ of the kernel of features, and the penalty of ridges on it: kernels have a diagonal of one.
FEATURE_GAMMA = 1.0
LANDMARK_PENALTY = 0.3


class Spaces:
    """Features as they are, and features of a kernel: both know nothing of labels.

    Parameters
    ----------
    X : csr_matrix or ndarray of shape (n, d)
    folds : ndarray of int, shape (n,)
    weights : ndarray of shape (n,) or None
    seed, n_threads : int
    """

    def __init__(
        self, X: Any, folds: Array, weights: Array | None, seed: int, n_threads: int
    ) -> None:
        self.X = X
        self.folds = folds
        self.weights = weights
        self.seed = seed
        self.n_threads = n_threads

    @classmethod
    def whole(cls, X: Any, weights: Array | None, seed: int, n_threads: int) -> Spaces:
        """Return the spaces of rows that are not folded."""
        return cls(X, np.zeros(X.shape[0], np.int64), weights, seed, n_threads)

    @cached_property
    def linear(self) -> GramRidge:
        """Features as they are."""
        return GramRidge(self.X, self.folds, self.weights, self.n_threads)

    @cached_property
    def landmarks(self) -> Landmarks:
        """Landmarks of the kernel of features."""
        return Landmarks.of(self.X, LANDMARKS, FEATURE_GAMMA, self.seed)

    @cached_property
    def kernel(self) -> GramRidge:
        """Features of the kernel."""
        F = self.landmarks.features(self.X, self.n_threads)
        return GramRidge(F, self.folds, self.weights, self.n_threads)
