"""Which labels depend on each other, the strongest few of each label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nnae.reporting._numbers import shorts

#: Pairs kept of each label.
PER_LABEL = 14
DIRECTIONS = {"none": 0, "a -> b": 1, "b -> a": 2, "a <-> b": 3}


def dependency_data(frame: pd.DataFrame | None, number: dict[str, int]) -> dict[str, Any]:
    """Return columns of the significant pairs that are among the strongest of either label."""
    if frame is None or not len(frame):
        return {"a": [], "b": []}
    alpha = float(frame.attrs.get("alpha", 0.05))
    found = frame[frame["q_value"] <= alpha]
    found = found[found["label_a"].isin(number.keys()) & found["label_b"].isin(number.keys())]
    order = np.argsort(-found["npmi"].abs().to_numpy(float), kind="stable")
    found = found.iloc[order].reset_index(drop=True)
    keep = np.zeros(len(found), bool)
    for column in ("label_a", "label_b"):
        keep |= (found.groupby(column, sort=False).cumcount() < PER_LABEL).to_numpy()
    found = found[keep]
    return {
        "alpha": alpha,
        "a": [number[name] for name in found["label_a"]],
        "b": [number[name] for name in found["label_b"]],
        "count": shorts(found["count"], 7),
        "expected": shorts(found["expected"], 3),
        "odds": shorts(found["odds_ratio"], 3),
        "low": shorts(found["ci_low"], 3),
        "high": shorts(found["ci_high"], 3),
        "npmi": shorts(found["npmi"], 3),
        "q": shorts(found["q_value"], 2),
        "direction": [DIRECTIONS[name] for name in found["direction"]],
    }
