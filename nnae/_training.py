"""Fits step two and its decoder on training rows, and ranks those rows out of fold.

Out of fold means that the whole pipeline is fitted without the labels of a fold: the compressor,
the penalty, step two and the decoder. A compressor that is given fitted has seen all labels; then
only what comes after it is out of fold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import clone

from nnae._codes import Array, CodeScale, concepts_of, encode
from nnae._decisions import Ranked
from nnae._gram_ridge import NOTHING, LinearMap
from nnae._propensity_prior import EXPONENTS, choose_exponent
from nnae._spaces import Spaces
from nnae._step_two import adapt, fit_step_two, predict_codes
from nnae.decoders import Decoder, Evidence, Fold, Query
from nnae.decoders._base import FEWEST_RANKED, most_ranked
from nnae.ridge import MultiOutputRidge, least_gcv

#: Folds, and how many rows there must be for them.
FOLDS = 3
#: Folds are held out one after the other until so many rows have been: a blend learns from no more.
ENOUGH_HELD = 3000
#: Rows of a fold that are ranked: once they are held out, more rows cost little.
MOST_OF_FOLD = 4000
SMALLEST_SPLIT = 20
#: The penalty that ranks best is below the one that predicts codes best: this share of it.
PENALTY_SHARE = 0.5
#: Scores that label sets and probabilities are learnt from: of fewer rows, where there are more.
MOST_SCORES = 2_000_000
FEWEST_ROWS = 500
#: Rows that tell how many labels to predict where nothing is held out.
COUNTED_ROWS = 2000
#: Labels of a row that are ranked where nothing is held out: this many times the largest label set.
WIDER = 4


@dataclass
class Fitted:
    """What is learnt from training rows: step two, its decoder, ranked rows, how to lift labels."""

    estimator: Any
    decoder: Decoder
    ranked: Ranked
    exponent: float


@dataclass
class Training:
    """Training rows, and what is to be learnt from them.

    Attributes
    ----------
    X, Y : matrices
        Features (n x d) and labels (n x L, csr).
    weights : ndarray of shape (n,) or None
        Positive.
    compressor : estimator
        Step one, fitted on all rows.
    compress : callable
        Returns a step one for features, labels and weights of some rows: a fitted clone, or the
        given one.
    estimator : estimator or None
        Step two; None takes ridges.
    decoder : type of Decoder
    propensities : ndarray of shape (L,)
    loss : str
        Of step one.
    seed, n_threads : int
    groups : ndarray of shape (n,) or None
        Rows of one group are held out together.
    neighbor_search : str
        How decoders find nearest rows.
    """

    X: Any
    Y: Any
    weights: Array | None
    compressor: Any
    compress: Callable[[Any, Any, Array | None], Any]
    estimator: Any
    decoder: type[Decoder]
    propensities: Array
    loss: str
    seed: int
    n_threads: int
    groups: Array | None = None
    neighbor_search: str = "exact"

    def fit(self, n_folds: int) -> Fitted:
        """Return step two and the decoder of all rows; rank the rows of at most so many folds."""
        n, n_labels = self.Y.shape
        n_folds = n_folds if n >= SMALLEST_SPLIT else 0
        folds = self._folds() if n_folds else np.zeros(n, np.int64)
        n_folds = min(n_folds, enough_folds(folds)) if folds.any() else 0
        spaces = Spaces(self.X, folds, self.weights, self.seed, self.n_threads)
        estimator, evidence = self._learn(self.compressor, spaces, NOTHING)
        if not n_folds:
            decoder = self.decoder.fit(evidence)
            widest = int(np.diff(self.Y.indptr).max(initial=0))
            k = min(most_ranked(n, n_labels), max(FEWEST_RANKED, WIDER * widest))
            rows = evenly_spaced(n, COUNTED_ROWS)
            X = self.X[rows]
            query = Query(X, predict_codes(estimator, X, len(evidence.scale.norms)))
            ranking = decoder.topk(query, k, 1, self.n_threads)
            return Fitted(
                estimator, decoder, Ranked(self.Y[rows], *ranking, held_out=False), EXPONENTS[0]
            )
        held = (self._hold_out(spaces, fold) for fold in range(n_folds))
        decoder, (rows, labels, scores) = self.decoder.fit_with_folds(evidence, held)
        some = evenly(*labels.shape)
        ranked = Ranked(self.Y[rows[some]], labels[some], scores[some], held_out=True)
        exponent = choose_exponent(self.Y[rows], labels, scores, self.propensities)
        return Fitted(estimator, decoder, ranked, exponent)

    def _folds(self) -> Array:
        """Deal rows, or groups of rows, to folds at random, the fold with the fewest rows next."""
        n = self.X.shape[0]
        random = np.random.RandomState(self.seed)
        folds = np.zeros(n, np.int64)
        if self.groups is None:
            folds[random.permutation(n)] = np.arange(n) % FOLDS
            return folds
        _, group, sizes = np.unique(self.groups, return_inverse=True, return_counts=True)
        taken, place = np.zeros(FOLDS, np.int64), np.zeros(len(sizes), np.int64)
        for at in random.permutation(len(sizes)):
            place[at] = np.argmin(taken)
            taken[place[at]] += sizes[at]
        return np.asarray(place[group.ravel()])

    def _hold_out(self, spaces: Spaces, fold: int) -> Fold:
        """Learn from the rows outside a fold, and predict the codes of those inside."""
        rows = np.flatnonzero(spaces.folds != fold)
        weights = None if self.weights is None else self.weights[rows]
        compressor = self.compress(self.X[rows], self.Y[rows], weights)
        estimator, evidence = self._learn(compressor, spaces, fold)
        out = np.flatnonzero(spaces.folds == fold)
        out = out[evenly_spaced(len(out), MOST_OF_FOLD)]
        X = self.X[out]
        targets = predict_codes(estimator, X, len(evidence.scale.norms))
        return Fold(out, Query(X, targets), evidence)

    def _learn(self, compressor: Any, spaces: Spaces, fold: int) -> tuple[Any, Evidence]:
        """Fit step two on the rows outside a fold; return it with what a decoder may use."""
        rows = np.flatnonzero(spaces.folds != fold)
        whole = len(rows) == self.X.shape[0]
        X, Y = (self.X, self.Y) if whole else (self.X[rows], self.Y[rows])
        weights = None if self.weights is None else self.weights[rows]
        concepts = concepts_of(compressor)
        scale = CodeScale.of(concepts, self.loss)
        T = scale.join(encode(compressor, Y, X), X.dtype)
        labels: LinearMap | None = None
        if self.estimator is None or self.decoder.needs_folds:
            alpha, alphas, curve = least_gcv(X, T, weights, self.seed, self.n_threads)
            alpha *= PENALTY_SHARE
        else:
            alpha = 1.0
        if self.estimator is None:
            targets = [T, Y] if self.decoder.needs_folds else [T]
            both = spaces.linear.solve(targets, alpha, fold)
            labels = both.columns(T.shape[1]) if self.decoder.needs_folds else None
            estimator: Any = MultiOutputRidge(alpha, n_threads=self.n_threads)
            codes = both.columns(0, T.shape[1])
            estimator.take_solution(codes.coef, codes.intercept, alphas, curve)
        else:
            estimator = fit_step_two(clone(adapt(self.estimator)), X, T, weights)
        evidence = Evidence(
            X=X,
            Y=Y,
            compressor=compressor,
            concepts=concepts,
            scale=scale,
            predict=cache(lambda: predict_codes(estimator, X, T.shape[1])),
            dtype=X.dtype,
            n_threads=self.n_threads,
            weights=weights,
            seed=self.seed,
            T=T,
            alpha=alpha,
            labels=labels,
            spaces=spaces,
            fold=fold,
            neighbor_search=self.neighbor_search,
        )
        return estimator, evidence


def enough_folds(folds: Array) -> int:
    """Return how many folds, the first ones, hold enough rows to choose by."""
    held = np.cumsum(np.bincount(folds))
    return min(len(held), int(np.searchsorted(held, ENOUGH_HELD)) + 1)


def evenly(n: int, k: int) -> Array:
    """Return evenly spaced ones of n rows with k scores each, as many as are learnt from."""
    return evenly_spaced(n, max(FEWEST_ROWS, MOST_SCORES // max(1, k)))


def evenly_spaced(n: int, most: int) -> Array:
    """Return numbers below n, evenly spaced where there are more than ``most``."""
    return np.linspace(0, n - 1, most).astype(np.int64) if most < n else np.arange(n)
