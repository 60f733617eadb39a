"""Nulls and intervals: labels shuffled over the tree's places, labels drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from nnae.auditing._agreement import SMALLER_IS_BETTER, Evidence
from nnae.auditing._taxonomy import taxonomy_values
from nnae.auditing._trees import AuditedTree, Floats, Integers

Values = dict[str, float]
COVERAGE = 0.95


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
        low, high = _interval(_of(resampled, metric))
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


def shuffled_taxonomy(
    tree: AuditedTree, groups: Integers, repeats: int, draws: np.random.Generator
) -> list[Values]:
    """Return the taxonomy metrics after the groups changed labels at random."""
    known = np.flatnonzero(groups >= 0)
    found = []
    for _ in range(repeats):
        moved = groups.copy()
        moved[known] = draws.permutation(groups[known])
        found.append(taxonomy_values(tree, moved))
    return found


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
    """Return a rival's columns: value, difference, p-value; `resampled` holds differences."""
    rows = {}
    for metric, value in rival.items():
        spread = _of(resampled, metric)
        p = np.nan
        difference = tree[metric] - value
        if len(spread) and np.isfinite(difference):
            side = min(int((spread <= 0).sum()), int((spread >= 0).sum()))
            p = min(1.0, 2.0 * (1 + side) / (1 + len(spread)))
        rows[metric] = {name: value, f"{name}_difference": difference, f"{name}_p_value": p}
    return rows


def zero_bound(n_pairs: float, base_rate: float) -> float:
    """Return the upper bound of the ratio when no sibling pair is negative (Clopper-Pearson)."""
    if n_pairs <= 0 or base_rate <= 0:
        return np.nan
    return float(beta.isf((1 - COVERAGE) / 2, 1, n_pairs)) / base_rate


def _of(values: list[Values], metric: str) -> Floats:
    found = np.array([value[metric] for value in values], np.float64)
    return found[np.isfinite(found)]


def _interval(values: Floats) -> tuple[float, float]:
    if not len(values):
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
