"""Whether to trust the tree, and why, in plain words.

The bounds are stated here and nowhere else, and none was fitted to data: `MOST_MISPLACED` is the
damage that a user should hear of, and an exact test says whether that much can be ruled out;
`LEAST_JUDGED` is the fewest labels with which the test could.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_PAIRS = 50
LEAST_JUDGED = 20
MOST_MISPLACED = 0.3
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
    if "cooccurrence_explained" in rows:
        said.append(_calibration_sentence(rows))
    if "dendrogram_purity" in rows:
        said.append(_taxonomy_sentence(rows["dendrogram_purity"]))
    compared = _rival_sentences(rows, rivals, evidence)
    said += compared
    if compared and halved:
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
    labels, audited = counts["labels"], counts["audited_labels"]
    if not audited:
        return (
            f"No two of the {labels:,.0f} labels are frequent enough in {counts['rows']:,.0f} "
            "held-out rows to show whether they depend on each other."
        )
    text = (
        f"Of {labels:,.0f} labels in {counts['rows']:,.0f} held-out rows, "
        f"{audited:,.0f} are in the {counts['powered_pairs']:,.0f} pairs frequent "
        "enough to show a dependency"
    )
    if counts["tested_pairs"] < counts["powered_pairs"]:
        text += f" ({counts['tested_pairs']:,.0f} of them, drawn at random, were tested)"
    return text + ("; about the others nothing is known." if audited < labels else ".")


def _judge_labels(rows: Rows, counts: dict[str, float], checks: dict[str, bool]) -> list[str]:
    judged, pairs = int(counts["ranked_labels"]), int(counts["tested_pairs"])
    checks["enough_evidence"] = pairs >= LEAST_PAIRS and judged >= LEAST_JUDGED
    if not checks["enough_evidence"]:
        return [
            f"With {pairs:,} pairs tested and {judged:,} labels that can be judged there is too "
            f"little to go by (at least {LEAST_PAIRS} and {LEAST_JUDGED} are needed): take more "
            "rows, or fewer, more frequent labels."
        ]
    said = []
    rank = rows["spearman_npmi"]
    dealt = rank.get("independent_mean", np.nan)
    checks["agreement"] = rank["value"] > 0 and rank["p_value"] <= SIGNIFICANT
    said.append(
        "Labels that are near in the tree "
        + ("do" if checks["agreement"] else "do not clearly")
        + f" occur together more often (rank correlation {rank['value']:.2f}, shuffled trees "
        f"{rank['null_mean']:.2f}, p = {rank['p_value']:.3g}"
        + (f"; labels dealt out at random {dealt:.2f})." if np.isfinite(dealt) else ").")
    )
    place = rows["misplaced_share"]
    ranked, badly = int(counts["ranked_labels"]), int(counts["badly_ranked_labels"])
    checks["placement"] = bool(place["p_value"] <= SIGNIFICANT)
    said.append(
        f"{badly:,} of {ranked:,} labels would sit better in most other places of the tree, as if "
        f"{place['value']:.0%} of all had been put anywhere (shuffled trees "
        f"{place['null_mean']:.0%}); that {MOST_MISPLACED:.0%} or more are misplaced "
        + ("is ruled out" if checks["placement"] else "cannot be ruled out")
        + f" (p = {place['p_value']:.3g})."
    )
    said.append(_contradictions(rows["contradiction_ratio"], counts, checks))
    return said


def _contradictions(
    row: dict[str, float], counts: dict[str, float], checks: dict[str, bool]
) -> str:
    found = counts["sibling_pairs"] * counts["negative_rate"] * row["value"]
    by_chance = counts["disjoint_sibling_pairs"] * counts["negative_rate"]
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


def _calibration_sentence(rows: Rows) -> str:
    ratio, slope, explained = (
        rows[f"cooccurrence_{name}"] for name in ("ratio", "slope", "explained")
    )
    calibrated = slope["ci_low"] <= 1 <= slope["ci_high"]
    return (
        f"The model explains {explained['value']:.0%} of how far joint counts are from "
        f"independence; pairs occur together {ratio['value']:.2f} times as often as it implies, "
        f"and its counts are {'calibrated' if calibrated else 'not calibrated'} (slope "
        f"{slope['value']:.2f}, interval {slope['ci_low']:.2f} to {slope['ci_high']:.2f})."
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
