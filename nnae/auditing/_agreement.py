"""How well a tree agrees with which labels occur together in rows it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from statsmodels.stats.multitest import multipletests

from nnae._contingency import fisher, odds_ratio, shrunk_npmi
from nnae._label_pairs import LabelPairs
from nnae.auditing._trees import AuditedTree, Floats, Integers

Flags = npt.NDArray[np.bool_]

FALSE_DISCOVERY_RATE = 0.05
SMALLER_IS_BETTER = frozenset({"contradiction_ratio", "misplaced_share"})


@dataclass(frozen=True)
class Evidence:
    """Powered pairs of held-out labels and what was measured on each.

    ``columns`` (8 x m): one, ranks of NPMI and of log odds ratio (centred), their squares, NPMI,
    whether the pair is significantly positive, whether significantly negative.
    """

    pairs: LabelPairs
    columns: Floats

    @classmethod
    def of(cls, pairs: LabelPairs) -> Evidence:
        """Test every pair, the false-discovery rate kept over all of them."""
        first, second, n = pairs.margins[pairs.a], pairs.margins[pairs.b], pairs.n_rows
        npmi = shrunk_npmi(pairs.count, first, second, n)
        ratio = odds_ratio(pairs.count, first, second, n)[0]
        ranks = [rankdata(values) - (len(npmi) + 1) / 2 for values in (npmi, ratio)]
        flags = [
            _significant(fisher(pairs.count, first, second, n, side))
            for side in ("greater", "less")
        ]
        parts = [np.ones(len(npmi)), *ranks, *(r**2 for r in ranks), npmi, *flags]
        return cls(pairs, np.stack(parts).astype(np.float64))

    @property
    def labels(self) -> Integers:
        """Columns that are in at least one pair."""
        return np.union1d(self.pairs.a, self.pairs.b)

    def _keys(self, tree: AuditedTree, level: Integers) -> Integers:
        kin = tree.siblings(self.pairs.a, self.pairs.b)
        return np.asarray(2 * level + kin, np.int64)

    def _lca(self, tree: AuditedTree) -> Integers:
        return tree.lca(self.pairs.a, self.pairs.b)

    def values(self, tree: AuditedTree) -> dict[str, float]:
        """Return every metric of the tree."""
        level = self._lca(tree)
        key = self._keys(tree, level)
        sums = [np.bincount(key, part, 2 * (len(tree.levels) + 2)) for part in self.columns]
        fits, tested = self._placements(level, len(tree.levels) + 1)
        share = float(fits[tested].mean()) if tested.any() else np.nan
        return {**summarise(np.stack(sums, axis=1)), "placement": share}

    def placements(self, tree: AuditedTree) -> tuple[Flags, Flags]:
        """Return which labels are nearer to their neighbours in the tree than to the rest.

        Neighbours are the labels below the lowest ancestor under which a label has a powered
        pair; a label fits if its mean NPMI with them is above that with all others. The second
        array tells which labels could be judged: not those that meet others at the root only.
        """
        return self._placements(self._lca(tree), len(tree.levels) + 1)

    def _placements(self, level: Integers, top: int) -> tuple[Flags, Flags]:
        L, npmi = len(self.pairs.margins), self.columns[5]
        shape = (L, top + 1)
        counts, sums = np.zeros(shape), np.zeros(shape)
        for end in (self.pairs.a, self.pairs.b):
            key = end * (top + 1) + level
            counts += np.bincount(key, minlength=L * (top + 1)).reshape(shape)
            sums += np.bincount(key, npmi, L * (top + 1)).reshape(shape)
        nearest = np.argmax(counts > 0, axis=1)
        rows = np.arange(L)
        own, others = counts[rows, nearest], counts.sum(axis=1) - counts[rows, nearest]
        tested = (own > 0) & (others > 0) & (nearest < top)
        near = sums[rows, nearest] / np.maximum(own, 1)
        far = (sums.sum(axis=1) - sums[rows, nearest]) / np.maximum(others, 1)
        return tested & (near > far), tested

    def resampler(self, tree: AuditedTree) -> Resampler:
        """Prepare the metrics for many weightings of the labels."""
        return Resampler(self, tree)


class Resampler:
    """The metrics of one tree when labels are drawn with replacement.

    A pair counts as often as the product of its labels' draws, which keeps the dependence between
    pairs that share a label.
    """

    def __init__(self, evidence: Evidence, tree: AuditedTree) -> None:
        key = evidence._keys(tree, evidence._lca(tree))
        order = np.argsort(key, kind="stable")
        self.a, self.b = evidence.pairs.a[order], evidence.pairs.b[order]
        self.columns = evidence.columns[:, order]
        n_keys = 2 * (len(tree.levels) + 2)
        self.bounds = np.searchsorted(key[order], np.arange(n_keys + 1))
        self.fits, self.tested = evidence.placements(tree)

    def values(self, weights: Floats) -> dict[str, float]:
        """Return the metrics with a weight for every label."""
        pair = weights[self.a] * weights[self.b]
        slices = zip(self.bounds[:-1], self.bounds[1:], strict=True)
        sums = np.stack([self.columns[:, s:e] @ pair[s:e] for s, e in slices])
        judged = float(weights[self.tested].sum())
        share = float(weights[self.fits].sum()) / judged if judged > 0 else np.nan
        return {**summarise(sums), "placement": share}


def summarise(sums: Floats) -> dict[str, float]:
    """Return the metrics that follow from the columns' sums by level and kinship (a row each)."""
    by_level, siblings, total = sums[0::2] + sums[1::2], sums[1::2].sum(axis=0), sums.sum(axis=0)
    positive = by_level[:, 6]
    return {
        "spearman_npmi": _rank_correlation(by_level[:, 0], by_level[:, 1], total[3]),
        "spearman_log_odds": _rank_correlation(by_level[:, 0], by_level[:, 2], total[4]),
        "auc_positive_pairs": _auc(positive, by_level[:, 0] - positive),
        "sibling_npmi_gain": _ratio(siblings[5], siblings[0]) - _ratio(total[5], total[0]),
        "contradiction_ratio": _ratio(_ratio(siblings[7], siblings[0]), _ratio(total[7], total[0])),
    }


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else np.nan


def _rank_correlation(counts: Floats, ranks: Floats, squares: float) -> float:
    """Correlate the levels' mid-ranks, nearest first, with summed ranks of another variable."""
    n = counts.sum()
    if n <= 0:
        return np.nan
    near = (n - np.cumsum(counts)) + counts / 2
    near = near - (counts * near).sum() / n
    mean = ranks.sum() / n
    spread = (counts * near**2).sum() * (squares - n * mean**2)
    if spread <= 0:
        return np.nan
    return float((near * (ranks - counts * mean)).sum() / np.sqrt(spread))


def _auc(positive: Floats, others: Floats) -> float:
    """Return P(a positive pair is nearer than another), ties counting half."""
    farther = others.sum() - np.cumsum(others)
    return _ratio(float((positive * (farther + others / 2)).sum()), positive.sum() * others.sum())


def _significant(p: Floats) -> Flags:
    if not len(p):
        return np.zeros(0, np.bool_)
    return np.asarray(multipletests(p, FALSE_DISCOVERY_RATE, method="fdr_bh")[0], np.bool_)
