"""What a decoder's score of one label is made of, and a registry of who can tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnae.explaining._attribution import Attribution
from nnae.explaining._question import Question

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Line:
    """An amount that no feature and no concept stands for."""

    kind: str
    name: str
    contribution: float


@dataclass(frozen=True)
class Seen:
    """A row's codes as one step two predicts them, and how its features make them.

    Attributes
    ----------
    raw : ndarray of shape (sum of widths,)
        Predicted codes of all levels, scaled, before decoding cuts off what is below zero.
    columns : slice
        Which of them belong to the level.
    attribution : Attribution
        Of all of them.
    """

    raw: Array
    columns: slice
    attribution: Attribution

    @classmethod
    def of(cls, question: Question, attribution: Attribution) -> Seen:
        """Take what the question's own step two predicts."""
        raw = np.asarray(question.query.targets[0], np.float64)
        return cls(raw, question.columns, attribution)

    @property
    def codes(self) -> Array:
        """Return the codes of the level (k), never negative."""
        return np.maximum(self.raw[self.columns], 0)

    @property
    def base_name(self) -> str:
        """Return what codes without features are called."""
        return "intercept" if self.is_exact else "background"

    @property
    def is_exact(self) -> bool:
        """Return whether features leave nothing unexplained by construction."""
        return self.attribution.method in ("linear", "kernel")


@dataclass(frozen=True)
class Direct:
    """What features give a label past all concepts: places (m) and amounts (m)."""

    columns: Array
    values: Array
    amounts: Array


@dataclass(frozen=True)
class Ledger:
    r"""A score as a sum, :math:`s = \sum_p g_p \max(0, z_p) + \sum_f d_f + \sum_c c`.

    Attributes
    ----------
    part : str
        Name of the decoder.
    gains : ndarray of shape (k,) or None
        g: what a unit of each scaled code of the level gives the label.
    seen : Seen or None
        z; given with gains.
    direct : Direct or None
        d.
    lines : tuple of Line
        c.
    details : dict of str to DataFrame
        The same amounts by what else carries them: training examples, nodes of a path.
    """

    part: str
    gains: Array | None = None
    seen: Seen | None = None
    direct: Direct | None = None
    lines: tuple[Line, ...] = ()
    details: dict[str, pd.DataFrame] = field(default_factory=dict)

    def times(self, factor: float) -> Ledger:
        """Return the ledger of the score times a number."""
        details = {}
        for name, frame in self.details.items():
            details[name] = frame.assign(contribution=frame["contribution"] * factor)
        direct = self.direct
        return replace(
            self,
            gains=None if self.gains is None else self.gains * factor,
            direct=None if direct is None else replace(direct, amounts=direct.amounts * factor),
            lines=tuple(replace(x, contribution=x.contribution * factor) for x in self.lines),
            details=details,
        )

    def plus(self, other: Ledger) -> Ledger:
        """Return the ledger of the sum of two labels' scores under one decoder."""
        details = dict(self.details)
        for name, frame in other.details.items():
            old = details.get(name)
            details[name] = frame if old is None else pd.concat([old, frame], ignore_index=True)
        gains, direct = self.gains, self.direct
        if other.gains is not None:
            gains = other.gains if gains is None else gains + other.gains
        if other.direct is not None:
            amounts = other.direct.amounts
            direct = replace(
                other.direct, amounts=amounts if direct is None else direct.amounts + amounts
            )
        return replace(
            self,
            gains=gains,
            seen=self.seen or other.seen,
            direct=direct,
            lines=self.lines + other.lines,
            details=details,
        )

    def by_concept(self) -> Array | None:
        """Return what each concept of the level gives (k)."""
        if self.gains is None or self.seen is None:
            return None
        return np.asarray(self.gains * self.seen.codes)

    def total(self) -> float:
        """Return the sum of everything."""
        total = sum(line.contribution for line in self.lines)
        amounts = self.by_concept()
        if amounts is not None:
            total += float(amounts.sum())
        return total + (0.0 if self.direct is None else float(self.direct.amounts.sum()))


def contrast(ledgers: list[Ledger], others: list[Ledger]) -> list[Ledger]:
    """Return the ledgers of the difference of two labels, part by part."""
    found = {ledger.part: ledger for ledger in ledgers}
    for other in others:
        negative = other.times(-1.0)
        own = found.get(other.part)
        found[other.part] = negative if own is None else own.plus(negative)
    return list(found.values())


#: Takes a fitted decoder, the question and the row's attribution; returns the ledgers of the
#: decoder's parts (one, but for decoders made of others).
LedgerMaker = Callable[[Any, Question, Attribution], list[Ledger]]
#: Name of a decoder's class -> who makes its ledger.
LEDGERS: dict[str, LedgerMaker] = {}


def ledger_of(name: str) -> Callable[[LedgerMaker], LedgerMaker]:
    """Register a function as the maker of ledgers for a class of decoders."""

    def register(maker: LedgerMaker) -> LedgerMaker:
        LEDGERS[name] = maker
        return maker

    return register


def make_ledgers(decoder: Any, question: Question, attribution: Attribution) -> list[Ledger]:
    """Return the ledgers of a decoder's score, its prior not yet in them."""
    name = type(decoder).__name__
    if name not in LEDGERS:
        raise TypeError(f"no ledger is known for {name}; there are {', '.join(sorted(LEDGERS))}")
    return LEDGERS[name](decoder, question, attribution)


def unit(vector: Array) -> Array:
    """Return a vector at length one, zeros as they are."""
    length = float(np.sqrt(vector @ vector))
    return np.asarray(vector / length if length > 0 else vector)
