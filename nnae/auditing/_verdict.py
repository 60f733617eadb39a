"""Whether to trust the tree, and why, in plain words.

The bounds are stated here and nowhere else. They were set on planted trees and on Debian's tags by
one question: does the bound tell a tree from the same tree with 30 % of its labels moved?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.stats.proportion import proportion_confint

LEAST_PAIRS = 50
LEAST_JUDGED = 20
LEAST_PLACEMENT = 0.87
LEAST_NEGATIVE = 5.0
SIGNIFICANT = 0.05

Rows = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Verdict:
    """The paragraph, the decision and the checks behind it."""

    text: str
    trustworthy: bool
    checks: dict[str, bool]


def decide(
    rows: Rows, counts: dict[str, float], rivals: list[str], evidence: str, halved: bool
) -> Verdict:
    """Judge the rows of the frame."""
    checks: dict[str, bool] = {}
    said = [_powered(counts)]
    if evidence == "labels":
        said += _judge_labels(rows, counts, checks)
    else:
        said.append(
            "The tree was made from features, so that it need not show which labels occur "
            "together: it is judged by the taxonomy alone."
        )
        if "dendrogram_purity" not in rows:
            said.append("None was given, so nothing supports it.")
        checks["taxonomy"] = rows.get("dendrogram_purity", {}).get("p_value", 1) <= SIGNIFICANT
    if "dendrogram_purity" in rows:
        said.append(_taxonomy_sentence(rows["dendrogram_purity"]))
    said += _rival_sentences(rows, rivals, evidence)
    if rivals and halved:
        said.append(
            "The rivals were built on one half of these rows and compared on the other, both ways "
            "round; give Y_train to build them on as many rows as the tree had."
        )
    trustworthy = bool(checks) and all(checks.values())
    opening = (
        "This tree can be trusted as far as these rows show."
        if trustworthy
        else "This tree should not be trusted on this evidence."
    )
    return Verdict(" ".join([opening, *said]), trustworthy, checks)


def _powered(counts: dict[str, float]) -> str:
    text = (
        f"Of {counts['labels']:,.0f} labels in {counts['rows']:,.0f} held-out rows, "
        f"{counts['audited_labels']:,.0f} are in the {counts['powered_pairs']:,.0f} pairs frequent "
        "enough to show a dependency"
    )
    if counts["tested_pairs"] < counts["powered_pairs"]:
        text += f" ({counts['tested_pairs']:,.0f} of them, drawn at random, were tested)"
    return text + "; about the others nothing is known."


def _judge_labels(rows: Rows, counts: dict[str, float], checks: dict[str, bool]) -> list[str]:
    judged, pairs = int(counts["judged_labels"]), int(counts["tested_pairs"])
    checks["enough_evidence"] = pairs >= LEAST_PAIRS and judged >= LEAST_JUDGED
    if not checks["enough_evidence"]:
        return [
            f"With {pairs:,} pairs tested and {judged:,} labels that can be judged there is too "
            f"little to go by (at least {LEAST_PAIRS} and {LEAST_JUDGED} are needed): take more "
            "rows, or fewer, more frequent labels."
        ]
    said = []
    rank = rows["spearman_npmi"]
    checks["agreement"] = rank["value"] > 0 and rank["p_value"] <= SIGNIFICANT
    said.append(
        "Labels that are near in the tree "
        + ("do" if checks["agreement"] else "do not clearly")
        + f" occur together more often (rank correlation {rank['value']:.2f}, shuffled trees "
        f"{rank['null_mean']:.2f}, p = {rank['p_value']:.3g})."
    )
    place = rows["placement"]
    fitting = round(place["value"] * judged)
    low = proportion_confint(fitting, judged, alpha=2 * SIGNIFICANT, method="wilson")[0]
    checks["placement"] = bool(low >= LEAST_PLACEMENT)
    said.append(
        f"{fitting:,} of {judged:,} labels that can be judged are nearer to their neighbours in "
        f"the tree than to the rest ({place['value']:.0%}; shuffled trees "
        f"{place['null_mean']:.0%}), "
        + ("which is" if checks["placement"] else "which is not")
        + f" enough to say that {LEAST_PLACEMENT:.0%} or more of all are."
    )
    said.append(_contradictions(rows["contradiction_ratio"], counts, checks))
    return said


def _contradictions(
    row: dict[str, float], counts: dict[str, float], checks: dict[str, bool]
) -> str:
    by_chance = counts["sibling_pairs"] * counts["negative_rate"]
    found = by_chance * row["value"]
    if not np.isfinite(found) or max(by_chance, found) < LEAST_NEGATIVE:
        return (
            f"Too few of the {counts['sibling_pairs']:,.0f} tested sibling pairs could have shown "
            "that they avoid each other to count contradictions."
        )
    checks["contradictions"] = row["ci_high"] < 1
    return (
        f"Siblings avoid each other {row['value']:.2f} times as often as in shuffled trees "
        f"(interval {row['ci_low']:.2f} to {row['ci_high']:.2f}), "
        + (
            "fewer contradictions than chance."
            if checks["contradictions"]
            else "not clearly fewer contradictions than chance."
        )
    )


def _taxonomy_sentence(row: dict[str, float]) -> str:
    matches = row["p_value"] <= SIGNIFICANT
    return (
        f"It {'matches' if matches else 'does not match'} the given taxonomy better than chance "
        f"(dendrogram purity {row['value']:.2f}, chance {row['null_mean']:.2f}, "
        f"p = {row['p_value']:.3g})."
    )


def _rival_sentences(rows: Rows, rivals: list[str], evidence: str) -> list[str]:
    said = []
    words = {"dendrogram_purity": "purity"}
    if evidence == "labels":
        words = {"spearman_npmi": "agreement with held-out labels", **words}
    for rival in rivals:
        for metric, meaning in words.items():
            row = rows.get(metric, {})
            difference = row.get(f"{rival}_difference", np.nan)
            if not np.isfinite(difference):
                continue
            clear = row[f"{rival}_p_value"] <= SIGNIFICANT
            relation = (
                ("better than" if difference > 0 else "worse than") if clear else "level with"
            )
            said.append(
                f"In {meaning} it is {relation} {rival.replace('_', ' ')} "
                f"({difference:+.2f}, p = {row[f'{rival}_p_value']:.3g})."
            )
    return said
