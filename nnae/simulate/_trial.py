"""Readers answer under five conditions; accuracies and gains with paired intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from nnae._threads import one_blas_thread
from nnae.auditing._trees import AuditedTree
from nnae.simulate._evidence import Floats, base_rates, from_revealed, from_tree
from nnae.simulate._questions import Integers, Questions
from nnae.simulate._readers import answers

CONDITIONS = ("base_rates", "revealed", "tree", "shuffled_tree", "npmi_tree")
DIFFERENCES = {
    "gain_tree": ("tree", "revealed"),
    "gain_shuffled_tree": ("shuffled_tree", "revealed"),
    "gain_npmi_tree": ("npmi_tree", "revealed"),
    "tree_over_shuffled": ("tree", "shuffled_tree"),
    "tree_over_npmi": ("tree", "npmi_tree"),
}
COVERAGE = 0.95
_CELLS = 2_000_000  # weights of bootstrap draws held at once


@dataclass(frozen=True)
class Form:
    """One kind of question: those about examples to explain, and those of the test."""

    name: str
    seen: Questions
    asked: Questions
    not_asked: int

    def can_be_asked(self) -> bool:
        """Tell whether there is something to learn from and something to ask."""
        return len(np.unique(self.seen.example)) >= 2 and len(np.unique(self.asked.example)) >= 2

    def count(self, n_explained: int, tally: Tally) -> dict[str, Any]:
        """Return the row of the report's counts."""
        return {
            "form": self.name,
            "test_examples": len(np.unique(self.asked.example)),
            "test_questions": len(self.asked),
            "explained_examples": min(n_explained, len(np.unique(self.seen.example))),
            "explained_questions": tally.told,
            "not_asked": self.not_asked,
        }


@dataclass(frozen=True)
class Room:
    """What all readers share: the model's decisions, the rows to explain, the trees."""

    decisions: sp.csr_matrix
    pool: Integers
    tree: AuditedTree
    rival: AuditedTree
    placed: Integers

    @property
    def counts(self) -> Integers:
        """Decisions on the rows to explain, a label."""
        chosen = self.decisions[self.pool].indices
        return np.asarray(np.bincount(chosen, minlength=self.decisions.shape[1]), np.int64)

    def shuffled(self, draws: np.random.Generator) -> AuditedTree:
        """Return the tree with its labels in each other's places."""
        source = np.arange(self.decisions.shape[1])
        source[self.placed] = draws.permutation(self.placed)
        return self.tree.relabelled(source)


@dataclass(frozen=True)
class Tally:
    """Right answers: conditions x readers x repeats x units, and questions a unit."""

    right: Floats
    size: Floats
    readers: tuple[str, ...]
    told: float


def run(
    form: Form,
    room: Room,
    unit: Integers,
    readers: Sequence[str],
    n_explained: int,
    n_repeats: int,
    draws: np.random.Generator,
) -> Tally:
    """Let every reader learn from explained examples and answer, under every condition."""
    asked, candidates = form.asked, np.unique(form.seen.example)
    units, of_question = np.unique(unit[asked.example], return_inverse=True)
    right = np.zeros((len(CONDITIONS), len(readers), n_repeats, len(units)))
    counts, told = room.counts, 0
    fixed = {name: from_tree(asked, tree) for name, tree in _trees(room).items()}
    for repeat in range(n_repeats):
        some = min(n_explained, len(candidates))
        explained = np.sort(draws.choice(candidates, some, replace=False))
        seen = form.seen.of_examples(explained)
        told += len(seen)
        trees = {**_trees(room), "shuffled_tree": room.shuffled(draws)}
        sides: list[dict[str, Floats]] = []
        for questions in (seen, asked):
            rates = base_rates(counts, len(room.pool), questions)
            revealed = np.hstack([rates, from_revealed(questions, room.decisions, explained)])
            side = {"base_rates": rates, "revealed": revealed}
            for name, tree in trees.items():
                known = fixed[name] if questions is asked and name in fixed else None
                near = from_tree(questions, tree) if known is None else known
                side[name] = np.hstack([revealed, near])
            sides.append(side)
        for c, condition in enumerate(CONDITIONS):
            for r, reader in enumerate(readers):
                said = answers(reader, sides[0][condition], seen.answer, sides[1][condition])
                hits = (said == asked.answer).astype(np.float64)
                right[c, r, repeat] = np.bincount(of_question, hits, len(units))
    size = np.bincount(of_question, minlength=len(units)).astype(np.float64)
    return Tally(right, size, tuple(readers), told / n_repeats)


def _trees(room: Room) -> dict[str, AuditedTree]:
    return {"tree": room.tree, "npmi_tree": room.rival}


def summarise(tally: Tally, n_draws: int, draws: np.random.Generator) -> pd.DataFrame:
    """Return accuracies and gains of every reader and of their mean.

    Intervals are percentiles over draws, with replacement, of units and of repeats; all
    conditions share a draw.
    """
    whole = tally.right.sum(axis=3).mean(axis=2) / tally.size.sum()
    drawn = _resampled(tally, n_draws, draws)
    rows = []
    for r, reader in enumerate([*tally.readers, "mean"]):
        own = whole.mean(axis=1) if reader == "mean" else whole[:, r]
        spread = drawn.mean(axis=2) if reader == "mean" else drawn[:, :, r]
        value = dict(zip(CONDITIONS, own.tolist(), strict=True))
        around: dict[str, npt.NDArray[Any]] = dict(zip(CONDITIONS, spread.T, strict=True))
        for name, (one, other) in DIFFERENCES.items():
            value[name] = value[one] - value[other]
            around[name] = around[one] - around[other]
        for name, known in value.items():
            low, high = np.quantile(around[name], [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
            rows.append((reader, name, known, float(low), float(high)))
    return pd.DataFrame(rows, columns=["reader", "quantity", "value", "ci_low", "ci_high"])


def _resampled(tally: Tally, n_draws: int, draws: np.random.Generator) -> Floats:
    """Return accuracies (draws x conditions x readers) of units and repeats drawn anew."""
    n_conditions, n_readers, n_repeats, n_units = tally.right.shape
    flat = tally.right.reshape(-1, n_units).T
    parts = []
    with one_blas_thread():
        for start in range(0, n_draws, max(1, _CELLS // n_units)):
            some = min(n_draws - start, max(1, _CELLS // n_units))
            units = draws.multinomial(n_units, np.full(n_units, 1 / n_units), some)
            repeats = draws.multinomial(n_repeats, np.full(n_repeats, 1 / n_repeats), some)
            hits = (units @ flat).reshape(some, n_conditions, n_readers, n_repeats)
            kept = np.einsum("bcrp,bp->bcr", hits, repeats / n_repeats)
            parts.append(kept / (units @ tally.size)[:, None, None])
    return np.concatenate(parts)
