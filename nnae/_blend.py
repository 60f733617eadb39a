r"""How the parts of a stack are weighed: a ranking loss on rows that no part has seen.

A label's blended score is :math:`s_{ij} = \sum_p w_{p b(j)} \sqrt{\max(0, s^p_{ij})}`, with b(j)
the label's frequency band. Weights are non-negative and minimise, over held-out rows,

.. math:: -\frac{1}{n} \sum_i \frac{1}{|Y_i|} \sum_{j \in Y_i} \log
          \frac{e^{s_{ij}}}{\sum_{l \in C_i} e^{s_{il}}}
          + \frac{\rho}{2} \sum_{p b} (w_{pb} - \bar w_p)^2 / \|\bar w\|^2

over the candidates :math:`C_i` of each row: convex, so that the weights are reproducible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from nnae._threads import one_blas_thread
from nnae.metrics import ndcg_at_k, precision_at_k

Array = npt.NDArray[Any]

#: Shrinkages between bands that are tried; infinity gives all bands the same weights.
SHRINKAGES = (np.inf, 1.0, 0.1)
#: Rows that weights are learnt from, and the best labels of each by the sum of all parts.
SAMPLE = 3000
BEST = 40
#: Scores start at about this scale: differences of 0.1 in a root then matter.
START = 10.0


@dataclass
class Candidates:
    """Scores that every part gives to some labels of held-out rows.

    Attributes
    ----------
    rows : ndarray of shape (n,)
        Positions among the training rows.
    labels : ndarray of shape (n, c)
        Candidates; -1 where there is none.
    scores : ndarray of shape (P, n, c)
        Roots of the scores of each part.
    """

    rows: Array
    labels: Array
    scores: Array

    def take(self, chosen: Array) -> Candidates:
        """Return some of the rows."""
        return Candidates(self.rows[chosen], self.labels[chosen], self.scores[:, chosen])

    def parts(self, chosen: list[int]) -> Candidates:
        """Return the scores of some parts."""
        return Candidates(self.rows, self.labels, self.scores[chosen])

    def blend(self, weights: Array, bands: Array) -> Array:
        """Return blended scores (n x c), -inf where there is no candidate."""
        found = np.zeros(self.labels.shape)
        at = bands[np.maximum(self.labels, 0)]
        for part, score in zip(weights, self.scores, strict=True):
            found += part[at] * score
        found[self.labels < 0] = -np.inf
        return found

    def ranking(self, weights: Array, bands: Array, k: int) -> Array:
        """Return the k best candidates of each row."""
        order = np.argsort(-self.blend(weights, bands), axis=1, kind="stable")[:, :k]
        return np.take_along_axis(self.labels, order, 1)


def join(found: list[Candidates]) -> Candidates:
    """Put the rows of several folds together."""
    width = min(part.labels.shape[1] for part in found)
    return Candidates(
        np.concatenate([part.rows for part in found]),
        np.vstack([part.labels[:, :width] for part in found]),
        np.concatenate([part.scores[:, :, :width] for part in found], axis=1),
    )


def common_weights(candidates: Candidates, Y: Any) -> Array:
    """Return one weight a part (P), of sum one: what they are worth, whatever the label."""
    candidates = _sample(candidates)
    with one_blas_thread():
        loss = SoftmaxLoss(candidates, Y[candidates.rows], np.zeros(Y.shape[1], np.int64))
        weights = loss.minimise(_start(len(candidates.scores)), 0.0)[:, 0]
    total = weights.sum()
    return np.asarray(weights / total if total > 0 else np.full_like(weights, 1 / len(weights)))


def learn_weights(candidates: Candidates, Y: Any, bands: Array) -> Array:
    """Return the weights of parts in each band (P x bands), of mean sum one.

    The shrinkage between bands is the one whose weights, learnt on one half of the rows, rank the
    other half best.
    """
    candidates = _sample(candidates)
    truth = Y[candidates.rows]
    half = np.arange(len(candidates.rows)) % 2 == 0
    with one_blas_thread():
        tried = dict.fromkeys(SHRINKAGES, 0.0)
        for side in (half, ~half):
            weights = _paths(candidates.take(side), truth[side], bands)
            for shrinkage, found in weights.items():
                tried[shrinkage] += rank_quality(candidates.take(~side), truth[~side], found, bands)
        chosen = max(SHRINKAGES, key=lambda shrinkage: tried[shrinkage])
        weights = _paths(candidates, truth, bands)
    total = weights[chosen].sum(axis=0).mean()
    if total <= 0:
        return np.full_like(weights[chosen], 1 / len(candidates.scores))
    return np.asarray(weights[chosen] / total)


def _sample(candidates: Candidates) -> Candidates:
    n = len(candidates.rows)
    chosen = np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64)
    labels, scores = candidates.labels[chosen, :BEST], candidates.scores[:, chosen, :BEST]
    return Candidates(candidates.rows[chosen], labels, scores)


def better_than_one(candidates: Candidates, Y: Any, bands: Array, weights: Array) -> Array:
    """Return the weights, or those of the best single part where that ranks as well."""
    truth = Y[candidates.rows]
    best, chosen = rank_quality(candidates, truth, weights, bands), weights
    for part in range(len(weights)):
        alone = np.zeros_like(weights)
        alone[part] = 1.0
        quality = rank_quality(candidates, truth, alone, bands)
        if quality >= best:
            best, chosen = quality, alone
    return chosen


def rank_quality(candidates: Candidates, truth: Any, weights: Array, bands: Array) -> float:
    """Return the mean of P@1 and nDCG@5: the first place counts most."""
    ranking = candidates.ranking(weights, bands, 5)
    gain = ndcg_at_k(truth, ranking, ranking.shape[1])
    return float(precision_at_k(truth, ranking, 1) + gain) / 2


def _start(n_parts: int) -> Array:
    return np.full((n_parts, 1), START / n_parts)


def _paths(candidates: Candidates, truth: Any, bands: Array) -> dict[float, Array]:
    """Return the weights of each shrinkage, from the same in all bands to free ones."""
    n_bands = int(bands.max(initial=0)) + 1
    loss = SoftmaxLoss(candidates, truth, np.zeros_like(bands))
    same = loss.minimise(_start(len(candidates.scores)), 0.0)
    found = {np.inf: np.repeat(same, n_bands, axis=1)}
    loss = SoftmaxLoss(candidates, truth, bands)
    weights = found[np.inf]
    size = max(float(np.square(same).sum()), 1e-12)
    for shrinkage in SHRINKAGES[1:]:
        weights = loss.minimise(weights, shrinkage / size)
        found[shrinkage] = weights
    return found


class SoftmaxLoss:
    """The loss of weights on candidates with known truth; rows without a hit do not count.

    Holds one column for each part and band, zero at labels of other bands.
    """

    def __init__(self, candidates: Candidates, truth: Any, bands: Array) -> None:
        labels = candidates.labels
        rows = np.repeat(np.arange(len(labels)), labels.shape[1])
        known = np.asarray(truth[rows, np.maximum(labels, 0).ravel()]).ravel() > 0
        hits = known.reshape(labels.shape) & (labels >= 0)
        use = hits.any(axis=1)
        labels, hits = labels[use], hits[use]
        self.n_bands = int(bands.max(initial=0)) + 1
        at = bands[np.maximum(labels, 0)].ravel()
        scores = candidates.scores[:, use].reshape(len(candidates.scores), at.size)
        inside = at == np.arange(self.n_bands)[:, None]
        columns = scores[:, None].astype(np.float64) * inside
        self.columns = columns.reshape(len(scores) * self.n_bands, at.size)
        self.target = hits / np.maximum(hits.sum(axis=1, keepdims=True), 1)
        self.pull = self.columns @ self.target.ravel()
        self.none = np.where(labels < 0, -np.inf, 0.0)

    def minimise(self, start: Array, penalty: float) -> Array:
        """Return the weights (P x bands) of least loss, from a start."""
        n = len(self.target)
        if n == 0:
            return start

        def value(flat: Array) -> tuple[float, Array]:
            scores = (flat @ self.columns).reshape(self.target.shape) + self.none
            top = scores.max(axis=1, keepdims=True)
            odds = np.exp(scores - top)
            total = odds.sum(axis=1, keepdims=True)
            loss = float((np.log(total) + top).sum() - flat @ self.pull) / n
            odds /= total
            gradient = (self.columns @ odds.ravel() - self.pull) / n
            weights = flat.reshape(-1, self.n_bands)
            away = (weights - weights.mean(axis=1, keepdims=True)).ravel()
            return loss + penalty / 2 * float(away @ away), gradient + penalty * away

        found = minimize(
            value,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * start.size,
            options={"maxiter": 60, "ftol": 1e-7},
        )
        return np.asarray(found.x.reshape(start.shape))


def frequency_bands(Y: Any) -> Array:
    """Return 0, 1, 2 for head, torso and tail labels.

    Labels by falling frequency: the head has half of all positives, the torso a further third.
    """
    counts = np.asarray((Y > 0).sum(axis=0)).ravel()
    order = np.argsort(-counts, kind="stable")
    share = np.cumsum(counts[order]) - counts[order]
    bands = np.zeros(len(counts), np.int64)
    total = max(1, int(counts.sum()))
    bands[order] = (share >= total / 2).astype(np.int64) + (share >= total * 5 / 6)
    return bands
