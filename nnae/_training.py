"""Fits step two and its decoder on training rows, and chooses what needs held-out rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone

from nnae._codes import Array, CodeScale
from nnae._decisions import best_f1_threshold, cardinality_threshold
from nnae._step_two import adapt, fit_step_two, predict_codes, refine_penalty
from nnae.decoders import Decoder, Evidence
from nnae.metrics import ndcg_at_k, precision_at_k
from nnae.ridge import MultiOutputRidge

#: Fewer rows than this are not split to choose a threshold and a penalty.
SMALLEST_SPLIT = 20
#: Most labels of a row that a threshold is chosen from, or that are predicted for a row.
LARGEST_SET = 1000


@dataclass
class Training:
    """Training rows with the targets of their labels, and what is to be learnt from them.

    Attributes
    ----------
    X, Y : matrices
        Features (n x d) and labels (n x L, csr).
    T : ndarray
        Targets (n x sum of widths).
    weights : ndarray of shape (n,) or None
    concepts, scale : list of ndarray, CodeScale
        Of the compressor.
    decoder : type of Decoder
    n_threads : int
    """

    X: Any
    Y: Any
    T: Array
    weights: Array | None
    concepts: list[Array]
    scale: CodeScale
    decoder: type[Decoder]
    n_threads: int

    def take(self, rows: Array) -> Training:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, X=self.X[rows], Y=self.Y[rows], T=self.T[rows], weights=weights)

    def learn(self, step_two: Any) -> Any:
        """Fit a clone of an adapted estimator to the targets."""
        return fit_step_two(clone(step_two), self.X, self.T, self.weights)

    def decode(self, fitted: Any) -> Decoder:
        """Fit the decoder that goes with a fitted step two."""
        evidence = Evidence(
            concepts=self.concepts,
            scale=self.scale,
            Y=self.Y,
            predict=lambda: predict_codes(fitted, self.X, self.T.shape[1]),
            dtype=self.X.dtype,
            n_threads=self.n_threads,
        )
        return self.decoder.fit(evidence)

    def rank(self, fitted: Any, decoder: Decoder, k: int) -> tuple[Array, Array]:
        """Rank the labels of these rows by a model that was fitted on these or others."""
        codes = predict_codes(fitted, self.X, self.T.shape[1])
        return decoder.topk(codes, k, 1, self.n_threads)

    @property
    def longest(self) -> int:
        """Labels a row that are enough to choose a threshold from."""
        most = int(np.diff(self.Y.indptr).max(initial=0))
        return int(min(self.Y.shape[1], max(20, 3 * most), LARGEST_SET))

    def fit_once(self, estimator: Any) -> tuple[Any, Decoder, float]:
        """Return step two, decoder and the threshold that predicts as many labels as there are."""
        fitted = self.learn(self._step_two(estimator))
        decoder = self.decode(fitted)
        scores = self.rank(fitted, decoder, self.longest)[1]
        return fitted, decoder, cardinality_threshold(scores, self.Y.nnz)

    def fit_with_split(self, estimator: Any, random: np.random.RandomState) -> Any:
        """Return the same, with penalty and threshold chosen on rows that step two did not see.

        The compressor has seen the labels of these rows, never which features go with them.
        """
        n = len(self.T)
        if n < SMALLEST_SPLIT:
            return self.fit_once(estimator)
        order = random.permutation(n)
        out, kept = self.take(np.sort(order[: n // 5])), self.take(np.sort(order[n // 5 :]))
        step_two = self._step_two(estimator)
        if estimator is None:
            trial = refine_penalty(step_two, kept.learn, lambda model: kept._quality(model, out))
            step_two.set_params(alpha=float(trial.alpha_))
        else:
            trial = kept.learn(step_two)
        ranking = out.rank(trial, kept.decode(trial), self.longest)
        fitted = self.learn(step_two)
        return fitted, self.decode(fitted), best_f1_threshold(out.Y, *ranking)

    def _quality(self, model: Any, out: Training) -> float:
        """Return the mean of P@1 and nDCG@5 on other rows: the first place counts most."""
        ranking = out.rank(model, self.decode(model), 5)[0]
        return float(precision_at_k(out.Y, ranking, 1) + ndcg_at_k(out.Y, ranking, 5)) / 2

    def _step_two(self, estimator: Any) -> Any:
        if estimator is None:
            return MultiOutputRidge(n_threads=self.n_threads)
        return adapt(estimator)
