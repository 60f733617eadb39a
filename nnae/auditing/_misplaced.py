"""What share of the labels is placed no better than at random.

Every label is tried in all places of the tree. Its score at a place is how often it occurs with the
labels there, over what independence lets one expect; its *rank* is the share of places that would
suit it better than its own, its own counting half. Places are compared where margins alone let one
expect enough joint occurrences, so that a label too rare for any single pair is still judged. A
label that was put anywhere at random has a rank that is uniform on [0, 1] whatever the tree and the
data look like, so ranks above 1/2 count half of such labels:

    misplaced share = (labels with a rank above 1/2) / (labels / 2)

(uniform but for this: in its own place a label misses itself, which widens the score a little on
both sides of the middle). This is Storey's estimate of the part of true nulls with lambda = 1/2.
Well-placed labels with an unlucky rank can only add to it. Whether the share is below `bound` is an
exact binomial test of "at least that share was placed at random": then a rank is above 1/2 with
probability at least bound / 2.

Cost: the co-occurrence counts times the levels, and labels times clusters. Source: Storey (2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from nnae.auditing._trees import AuditedTree, Floats, Integers

MIDDLE = 0.5
_CELLS = 20_000_000  # numbers held at once
_SHRINK = 0.5  # added to observed and expected counts


@dataclass(frozen=True)
class Misplaced:
    """How many of the labels that can be judged have a rank above the middle."""

    judged: int
    above: int

    @property
    def share(self) -> float:
        """Estimate the share of labels placed at random, at most 1."""
        return min(1.0, self.above / (self.judged * MIDDLE)) if self.judged else np.nan

    def interval(self, coverage: float = 0.95) -> tuple[float, float]:
        """Return Clopper and Pearson's interval of the share."""
        if not self.judged:
            return np.nan, np.nan
        low, high = proportion_confint(self.above, self.judged, 1 - coverage, "beta")
        return float(min(1.0, low / MIDDLE)), float(min(1.0, high / MIDDLE))

    def p_value(self, bound: float) -> float:
        """Test that at least a share `bound` was placed at random (small: it was less)."""
        if not self.judged:
            return 1.0
        return float(binom.cdf(self.above, self.judged, bound * MIDDLE))


def place_ranks(
    tree: AuditedTree, counts: sp.csr_matrix, n_rows: int, placed: Integers, least: float
) -> Floats:
    """Return the rank of every label's place, NaN where it cannot be judged.

    Parameters
    ----------
    tree : AuditedTree
        Of L labels.
    counts : csr_matrix, (L, L)
        How often labels occur together; the diagonal is their frequency.
    n_rows : int
        Examples.
    placed : ndarray of int
        Labels that the tree has.
    least : float
        Joint count of a label and a place, under independence, that makes them comparable.

    Notes
    -----
    A label is judged at the finest level where its own place and others, half of all slots at
    least, are comparable with it. A cluster of n labels offers n slots.
    """
    L = tree.levels.shape[1]
    ranks = np.full(L, np.nan)
    margins = np.asarray(counts.diagonal(), np.float64)
    todo = placed[(margins[placed] > 0) & (margins[placed] < n_rows)]
    for clusters in tree.levels:
        number = np.zeros(L, np.int64)
        number[placed] = np.unique(clusters[placed], return_inverse=True)[1]
        sizes = np.bincount(number[placed]).astype(np.float64)
        shape = (L, len(sizes))
        member = sp.csr_matrix((np.ones(len(placed)), (placed, number[placed])), shape=shape)
        mass = np.bincount(number[placed], margins[placed])
        block = max(1, _CELLS // len(sizes))
        for start in range(0, len(todo), block):
            some = todo[start : start + block]
            joint = np.asarray((counts[some] @ member).todense())
            expected = margins[some, None] * mass / n_rows
            own = (np.arange(len(some)), number[some])
            joint[own] -= margins[some]
            expected[own] -= margins[some] ** 2 / n_rows
            ranks[some] = _ranks(joint, expected, own, sizes, least)
        todo = todo[np.isnan(ranks[todo])]
    return ranks


def _ranks(
    joint: Floats, expected: Floats, own: tuple[Any, Any], sizes: Floats, least: float
) -> Floats:
    # a cluster of one label is nobody's neighbourhood; the slack keeps counts at the bound
    known = (expected >= least * (1 - 1e-12)) & (sizes > 1)
    scores = np.where(known, (joint + _SHRINK) / (expected + _SHRINK), -np.inf)
    mine = scores[own]
    slots = known * sizes
    total, same = slots.sum(axis=1), slots[own]
    higher = ((scores > mine[:, None]) * slots).sum(axis=1)
    level = ((scores == mine[:, None]) * slots).sum(axis=1)
    judged = known[own] & (total > same) & (2 * total >= sizes[sizes > 1].sum())
    return np.where(judged, (higher + level / 2) / np.where(total > 0, total, 1.0), np.nan)


def misplaced(ranks: Floats) -> Misplaced:
    """Count the ranks above the middle; one at the middle counts half, rounded up."""
    judged = ranks[np.isfinite(ranks)]
    above = float((judged > MIDDLE).sum() + (judged == MIDDLE).sum() / 2)
    return Misplaced(len(judged), int(np.ceil(above)))
