"""Ledgers as tables of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnae.explaining._ledger import Direct, Seen

if TYPE_CHECKING:
    from nnae.explaining._explanation import Explanation

Array = npt.NDArray[Any]

COLUMNS = ("part", "concept", "concept_name", "kind", "name", "value", "contribution")


class Rows:
    """Collects the lines of a frame."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []

    def add(
        self, part: str, concept: tuple[int, str], kind: str, name: str, value: float, amount: float
    ) -> None:
        """Add a line."""
        self.rows.append((part, *concept, kind, name, float(value), float(amount)))

    def frame(self) -> pd.DataFrame:
        """Return all lines."""
        frame = pd.DataFrame(self.rows, columns=list(COLUMNS))
        return frame.astype({"concept": np.int64, "value": float, "contribution": float})


NONE = (-1, "")
#: An amount below this part of all amounts is not listed by itself, unless all are asked for.
LEAST = 1e-3


def ledger_frame(explanation: Explanation) -> pd.DataFrame:
    """Return the lines of `Explanation.frame`."""
    rows = Rows()
    for ledger in explanation.ledgers:
        if ledger.gains is not None and ledger.seen is not None:
            _through_concepts(rows, explanation, ledger.part, ledger.gains, ledger.seen)
        if ledger.direct is not None:
            _features(rows, explanation, ledger.part, NONE, ledger.direct)
        for line in ledger.lines:
            rows.add(ledger.part, NONE, line.kind, line.name, np.nan, line.contribution)
    if not explanation.is_sound:
        amount = explanation.score - sum(row[-1] for row in rows.rows)
        name = f"sums in {explanation.question.query.targets.dtype.name}"
        rows.add(explanation.decoder, NONE, "rounding", name, np.nan, amount)
    return rows.frame()


def largest(amounts: Array, top: int | None) -> Array:
    """Return the places of the `top` largest amounts that matter, the largest first.

    With no `top`, of all that are not zero.
    """
    sizes = np.abs(amounts)
    order = np.argsort(-sizes, kind="stable")
    least = 0.0 if top is None else LEAST * float(sizes.sum())
    return order[(sizes[order] > least)][:top]


def _through_concepts(
    rows: Rows, explanation: Explanation, part: str, gains: Array, seen: Seen
) -> None:
    names, attribution = explanation.concepts_named, seen.attribution
    raw = seen.raw[seen.columns]
    amounts = gains * seen.codes
    shown = largest(amounts, explanation.top)
    for p in shown.tolist():
        concept, at = (p, names.name(explanation.level, p)), seen.columns.start + p
        through = attribution.parts[:, at] * gains[p]
        direct = Direct(attribution.columns, attribution.values, through)
        _features(rows, explanation, part, concept, direct)
        kind, base = seen.base_name, attribution.base[at] * gains[p]
        rows.add(part, concept, kind, kind, np.nan, base)
        if not seen.is_exact:
            rest = attribution.residual[at] * gains[p]
            rows.add(part, concept, "interaction", "features together", np.nan, rest)
    listed = np.zeros(len(gains), bool)
    listed[shown] = True
    others = ~listed & (amounts != 0)
    if others.any():
        name = f"{int(others.sum())} other concepts"
        rows.add(part, NONE, "other concepts", name, np.nan, amounts[others].sum())
    cut = raw < 0
    below = float((gains * raw)[cut].sum())
    if below != 0:
        name = f"{int(cut.sum())} concepts below zero"
        rows.add(part, NONE, "clipped concepts", name, np.nan, below)
        rows.add(part, NONE, "clipping", "codes below zero count as zero", np.nan, -below)


def _features(
    rows: Rows, explanation: Explanation, part: str, concept: tuple[int, str], direct: Direct
) -> None:
    names, amounts = explanation.features_named, direct.amounts
    shown = largest(amounts, explanation.top)
    for place in shown.tolist():
        feature, value = int(direct.columns[place]), direct.values[place]
        rows.add(part, concept, "feature", names[feature], value, amounts[place])
    n_others = int(np.count_nonzero(amounts)) - len(shown)
    if n_others:
        rest = amounts.sum() - amounts[shown].sum()
        rows.add(part, concept, "other features", f"{n_others} other features", np.nan, rest)


class FeatureAmounts:
    """What each feature gives through all concepts of all parts, and past them.

    Attributes
    ----------
    amounts, values : ndarray of shape (d,)
    others : dict of str to float
        Intercepts or backgrounds, and what features do together.
    """

    def __init__(self, explanation: Explanation) -> None:
        width = len(explanation.features_named)
        self.amounts, self.values = np.zeros(width), np.zeros(width)
        self.others: dict[str, float] = {}
        for ledger in explanation.ledgers:
            if ledger.gains is not None and ledger.seen is not None:
                self._through(ledger.gains, ledger.seen)
            if ledger.direct is not None:
                self._add(ledger.direct)

    def _through(self, gains: Array, seen: Seen) -> None:
        attribution, columns = seen.attribution, seen.columns
        active = np.where(seen.codes > 0, gains, 0.0)
        through = attribution.parts[:, columns] @ active
        self._add(Direct(attribution.columns, attribution.values, through))
        kind = seen.base_name
        base = float(attribution.base[columns] @ active)
        self.others[kind] = self.others.get(kind, 0.0) + base
        if not seen.is_exact:
            rest = float(attribution.residual[columns] @ active)
            self.others["interaction"] = self.others.get("interaction", 0.0) + rest

    def _add(self, direct: Direct) -> None:
        self.amounts[direct.columns] += direct.amounts
        self.values[direct.columns] = direct.values


def feature_frame(explanation: Explanation) -> pd.DataFrame:
    """Return the table of `Explanation.features`."""
    names, found = explanation.features_named, FeatureAmounts(explanation)
    rows: list[tuple[Any, ...]] = []
    for place in largest(found.amounts, None).tolist():
        value, amount = float(found.values[place]), float(found.amounts[place])
        rows.append((place, "feature", names[place], value, amount))
    for kind, amount in found.others.items():
        name = "features together" if kind == "interaction" else kind
        rows.append((-1, kind, name, np.nan, amount))
    for ledger in explanation.ledgers:
        for line in ledger.lines:
            rows.append((-1, line.kind, line.name, np.nan, line.contribution))
    if not explanation.is_sound:
        rest = explanation.score - sum(row[-1] for row in rows)
        rows.append((-1, "rounding", "rounding", np.nan, rest))
    return pd.DataFrame(rows, columns=["feature", "kind", "name", "value", "contribution"])
