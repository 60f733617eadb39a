"""The score as every level of concepts tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from nnae.explaining._explanation import Explanation

Array = npt.NDArray[Any]


def level_codes(explanation: Explanation, level: int, raw: Array) -> Array:
    """Return the codes of a level in the compressor's units, never negative (k_l)."""
    scale = explanation.question.classifier.scale_
    start = sum(scale.widths[: level - 1])
    columns = slice(start, start + scale.widths[level - 1])
    return np.asarray(np.maximum(raw[columns], 0) / scale.norms[columns], np.float64)


def upper_weights(explanation: Explanation) -> list[tuple[int, Array]]:
    """Return the levels above the decoded one, each with its weights W_l (k_l x k_{l-1})."""
    weights = getattr(explanation.question.classifier.compressor_, "weights_", None)
    if not isinstance(weights, list):
        return []
    levels = range(explanation.level + 1, len(weights) + 1)
    return [(level, np.asarray(weights[level - 1], np.float64)) for level in levels]


def level_amounts(explanation: Explanation) -> dict[int, Array]:
    """Return what each concept gives the label, from the decoded level to the top."""
    scale = explanation.question.classifier.scale_
    widths = {explanation.level: scale.widths[explanation.level - 1]}
    uppers = upper_weights(explanation)
    widths |= {level: len(W) for level, W in uppers}
    found = {level: np.zeros(width) for level, width in widths.items()}
    for ledger in explanation.ledgers:
        if ledger.gains is None or ledger.seen is None:
            continue
        found[explanation.level] += ledger.gains * ledger.seen.codes
        gains = ledger.gains * scale.norms[ledger.seen.columns]
        for level, W in uppers:
            gains = W @ gains
            found[level] += gains * level_codes(explanation, level, ledger.seen.raw)
    return found


def level_frame(explanation: Explanation) -> pd.DataFrame:
    """Return the table of `Explanation.levels`."""
    question, names = explanation.question, explanation.concepts_named
    rows: list[tuple[Any, ...]] = []
    is_noisy_or = (
        question.classifier.loss_name_ == "bernoulli"
        and explanation.decoder == "linear"
        and explanation.probability is not None
    )
    raw = np.asarray(question.query.targets[0], np.float64)
    for level, amounts in level_amounts(explanation).items():
        codes = level_codes(explanation, level, raw)
        order = np.argsort(-np.abs(amounts), kind="stable")
        for p in order[amounts[order] != 0].tolist():
            share = -np.expm1(-amounts[p] / question.prior) if is_noisy_or else np.nan
            name = names.name(level, p)
            rows.append((level, p, "concept", name, codes[p], amounts[p], share))
        rest = explanation.score - float(amounts.sum())
        if level == explanation.level:
            for ledger in explanation.ledgers:
                if ledger.direct is not None:
                    amount = float(ledger.direct.amounts.sum())
                    name = f"features directly ({ledger.part})"
                    rows.append((level, -1, "direct", name, np.nan, amount, np.nan))
                    rest -= amount
                for line in ledger.lines:
                    amount = line.contribution
                    rows.append((level, -1, line.kind, line.name, np.nan, amount, np.nan))
                    rest -= amount
            if not explanation.is_sound:
                rows.append((level, -1, "rounding", "rounding", np.nan, rest, np.nan))
        else:
            name = f"not composed by level {level}"
            rows.append((level, -1, "unexplained", name, np.nan, rest, np.nan))
    columns = ["level", "concept", "kind", "name", "code", "contribution", "share"]
    return pd.DataFrame(rows, columns=columns)
