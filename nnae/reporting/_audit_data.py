"""What an audit found, for the front of a report."""

from __future__ import annotations

import math
from typing import Any

from nnae.reporting._numbers import short

#: Words for the checks behind a verdict, and for metrics that a panel shows.
CHECKS = {
    "enough_evidence": "enough evidence",
    "agreement": "near labels occur together",
    "placement": "labels sit near their neighbours",
    "contradictions": "few contradictions",
    "taxonomy": "agrees with the taxonomy",
}


def audit_data(audit: Any) -> dict[str, Any] | None:
    """Return verdict, checks, metrics with intervals, and counts."""
    if audit is None:
        return None
    frame = audit.frame
    rivals = [
        str(column).removesuffix("_difference")
        for column in frame.columns
        if str(column).endswith("_difference")
    ]
    metrics, counts = [], []
    for row in frame.to_dict("records"):
        about: dict[str, Any] = {"name": _words(row["metric"]), "value": short(row["value"])}
        low, high = row.get("ci_low"), row.get("ci_high")
        if low is None or math.isnan(low):
            counts.append(about)
            continue
        about |= {
            "low": short(low),
            "high": short(high),
            "chance": short(row.get("null_mean")),
            "p": short(row.get("p_value"), 3),
            "rivals": [
                {
                    "name": _words(rival),
                    "value": short(row.get(rival)),
                    "difference": short(row.get(f"{rival}_difference")),
                    "p": short(row.get(f"{rival}_p_value"), 3),
                }
                for rival in rivals
                if short(row.get(rival)) is not None
            ],
        }
        metrics.append(about)
    return {
        "verdict": audit.verdict,
        "trustworthy": bool(audit.trustworthy),
        "checks": [
            {"name": CHECKS.get(name, _words(name)), "passed": bool(passed)}
            for name, passed in audit.checks.items()
        ],
        "metrics": metrics,
        "counts": counts,
    }


def _words(name: Any) -> str:
    return str(name).replace("_", " ")
