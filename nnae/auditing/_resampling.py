"""Nulls and intervals: labels shuffled over the tree's places, labels drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta
from statsmodels.stats.proportion import proportion_confint

from nnae.auditing._agreement import SMALLER_IS_BETTER, Evidence
from nnae.auditing._groups import Taxonomy
from nnae.auditing._taxonomy import taxonomy_values
from nnae.auditing._trees import AuditedTree, Floats, Integers

Values = dict[str, float]
COVERAGE = 0.95
_RANGES = {
    "spearman_npmi": (-1.0, 1.0),
    "spearman_log_odds": (-1.0, 1.0),
    "sibling_npmi_gain": (-2.0, 2.0),
    "contradiction_ratio": (0.0, np.inf),
    "cophenetic_correlation": (-1.0, 1.0),
    "cooccurrence_ratio": (0.0, np.inf),
    "cooccurrence_slope": (-np.inf, np.inf),
    "cooccurrence_explained": (-np.inf, 1.0),
}  # the others lie between 0 and 1
#: Shares of few pairs of different labels: draws of labels do not raise them, and are too skewed
#: to be moved.
_UNBIASED = frozenset({"contradiction_ratio"})


@dataclass(frozen=True)
class Fold:
    """Rivals, and evidence from rows that did not make them."""

    rivals: list[AuditedTree]
    evidence: Evidence


def summary_rows(
    observed: Values, null: list[Values], resampled: list[Values]
) -> dict[str, dict[str, float]]:
    """Return value, interval, mean under the null and p-value of every metric."""
    rows = {}
    for metric, value in observed.items():
        drawn = _of(resampled, metric)
        centre = value if metric not in _UNBIASED else float(np.median(drawn)) if len(drawn) else 0
        low, high = _interval(drawn, value, centre, *_RANGES.get(metric, (0.0, 1.0)))
        shuffled = _of(null, metric)
        p = np.nan
        if len(shuffled) and np.isfinite(value):
            sign = -1 if metric in SMALLER_IS_BETTER else 1
            as_good = (sign * shuffled >= sign * value - 1e-12).sum()
            p = (1.0 + float(as_good)) / (1.0 + len(shuffled))
        rows[metric] = {
            "value": value,
            "ci_low": low,
            "ci_high": high,
            "null_mean": float(shuffled.mean()) if len(shuffled) else np.nan,
            "p_value": p,
        }
    return rows


def shuffled_agreement(
    evidence: Evidence, tree: AuditedTree, repeats: int, draws: np.random.Generator
) -> list[Values]:
    """Return the metrics of trees whose audited labels changed places at random."""
    labels = evidence.labels
    found = []
    for _ in range(repeats):
        source = np.arange(len(tree.parents))
        source[labels] = draws.permutation(labels)
        found.append(evidence.values(tree.relabelled(source)))
    return found


def add_independent(rows: dict[str, dict[str, float]], null: list[Values]) -> None:
    """Add what the tree shows on labels that are independent, their margins kept."""
    for metric in null[0] if null else ():
        shuffled, value = _of(null, metric), rows[metric]["value"]
        if len(shuffled) and np.isfinite(value):
            sign = -1 if metric in SMALLER_IS_BETTER else 1
            as_good = float((sign * shuffled >= sign * value - 1e-12).sum())
            rows[metric]["independent_mean"] = float(shuffled.mean())
            rows[metric]["independent_p_value"] = (1.0 + as_good) / (1.0 + len(shuffled))


def shuffled_taxonomy(
    tree: AuditedTree, taxonomy: Taxonomy, repeats: int, draws: np.random.Generator
) -> list[Values]:
    """Return the taxonomy metrics after the groups changed labels at random."""
    return [taxonomy_values(tree, taxonomy.shuffled(draws)) for _ in range(repeats)]


def paired_permutation(
    gain: Floats, pairs: Floats, repeats: int, draws: np.random.Generator
) -> float:
    """Test the mean difference of two trees' purity by exchanging them group by group.

    `gain` is the summed difference of each group's pairs, `pairs` their number. If neither tree
    were better, either could have been called the first in any group. Two-sided.
    """
    if not pairs.sum() > 0:
        return np.nan
    signs = draws.integers(0, 2, (repeats, len(gain))) * 2 - 1
    found = np.abs(signs @ gain)
    return (1.0 + float((found >= abs(gain.sum()) - 1e-12).sum())) / (1.0 + repeats)


def label_draws(
    labels: Integers, n_labels: int, repeats: int, draws: np.random.Generator
) -> Iterable[Floats]:
    """Yield how often each label was drawn, with replacement."""
    for _ in range(repeats if len(labels) else 0):
        drawn = draws.choice(labels, len(labels))
        yield np.bincount(drawn, minlength=n_labels).astype(np.float64)


def mean_values(parts: list[Values]) -> Values:
    """Average each metric over folds."""
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}


def compare(
    name: str,
    rival: Values,
    tree: Values,
    resampled: list[Values],
) -> dict[str, dict[str, float]]:
    """Return a rival's columns: value, difference, p-value.

    `resampled` holds differences under labels drawn with replacement; the p-value is the share of
    them that lie as far from their mean as the difference lies from zero.
    """
    rows = {}
    for metric, value in rival.items():
        spread = _of(resampled, metric)
        p = np.nan
        difference = tree[metric] - value
        if len(spread) and np.isfinite(difference):
            as_far = np.abs(spread - spread.mean()) >= abs(difference) - 1e-12
            p = (1.0 + float(as_far.sum())) / (1.0 + len(spread))
        rows[metric] = {name: value, f"{name}_difference": difference, f"{name}_p_value": p}
    return rows


def disjoint_pairs(a: Integers, b: Integers) -> int:
    """Return how many of the pairs, taken in turn, have no label in common with those taken."""
    taken: set[int] = set()
    for one, other in zip(a.tolist(), b.tolist(), strict=True):
        if one not in taken and other not in taken:
            taken |= {one, other}
    return len(taken) // 2


def zero_bound(n_pairs: float, base_rate: float) -> float:
    """Return the upper bound of the ratio when none of the pairs is negative (Clopper-Pearson).

    The pairs must be disjoint: one label out of place makes all of its pairs negative, so that
    pairs that share a label are hardly more evidence than one of them.
    """
    if n_pairs <= 0 or base_rate <= 0:
        return np.nan
    return float(beta.isf((1 - COVERAGE) / 2, 1, n_pairs)) / base_rate


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of n labels."""
    if n <= 0 or not np.isfinite(share):
        return np.nan, np.nan
    low, high = proportion_confint(round(share * n), n, 1 - COVERAGE, "wilson")
    return float(low), float(high)


def _of(values: list[Values], metric: str) -> Floats:
    found = np.array([value[metric] for value in values], np.float64)
    return found[np.isfinite(found)]


def _interval(
    values: Floats, value: float, centre: float, least: float, most: float
) -> tuple[float, float]:
    """Return the percentile interval, its median moved to the centre; it holds the value.

    Repeated labels bias matches upwards: drawn anew, a tree seems a little better than it is.
    """
    if not len(values) or not np.isfinite(value):
        return np.nan, np.nan
    ends = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    low, high = np.clip(ends + (centre - np.median(values)), least, most)
    return min(float(low), value), max(float(high), value)
