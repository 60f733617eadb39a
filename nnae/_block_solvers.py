"""Sweeps over rows in blocks: weights from the sums of the last pass, then a pass for the codes.

The objective is that after the codes, which the pass has measured; in memory, where weights can be
looked at again for nothing, it is that after the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._block_levels import BlockLevels, Update
from nnae._concept_rules import ConceptRule
from nnae._factors import Factors, floor_of
from nnae._momentum import FIRST, GROWTH, MOST, RELIEF, SETBACK

Array = npt.NDArray[Any]

#: Passes of coordinate descent over the codes of a block, and over weights under Frobenius: both
#: are at hand, and reading rows costs more.
PASSES = 2
#: Largest ratio of a weight to the one before that is taken again.
FURTHEST = 10.0


def multiplied(rows: Factors, level: int, above: Array | None) -> None:
    """Update codes multiplicatively."""
    rows.multiply_codes()


def descended(rows: Factors, level: int, above: Array | None) -> None:
    """Update codes by coordinate descent."""
    rows.descend_codes(PASSES)


#: How the codes of one level are updated under each solver.
UPDATES: dict[str, Update] = {"mu": multiplied, "cd": descended}


class BlockMultiplicative:
    """Multiplicative updates of one level."""

    update: Update = staticmethod(multiplied)

    def __init__(self, levels: BlockLevels, level: int = 0) -> None:
        self.levels, self.level = levels, level
        self.factors = levels.factors[level]

    def objective(self) -> float:
        """Return the objective of the level."""
        return self.factors.objective()

    def sweep(self, number: int) -> None:
        """Update the weights, then the codes."""
        if self.factors.sums.n_rows:
            self.factors.multiply_weights()
        self._pass()

    def _pass(self) -> None:
        if self.levels.files.current[self.level] < 0:
            self.levels.solve(self.level, self.level)
        else:
            self.levels.update(self.level, self.level, self.update)


class BlockDescent(BlockMultiplicative):
    """Coordinate descent of one level, weights with momentum.

    Weights are moved ahead of where the sums of the last pass take them. A pass that ends above the
    last one is undone and made again without: then it cannot.
    """

    update: Update = staticmethod(descended)

    def __init__(self, levels: BlockLevels, level: int = 0) -> None:
        super().__init__(levels, level)
        self.share, self.ceiling = FIRST, MOST
        self.before: Array | None = None

    def sweep(self, number: int) -> None:
        """Update the weights, then the codes."""
        of, start = self.factors, self.factors.objective()
        if of.sums.n_rows:
            of.descend_weights(PASSES)
        weights = of.Wt.copy()
        if self.before is None or not self._ahead(start, weights, self.before):
            self._pass()
        self.before = weights

    def _ahead(self, start: float, weights: Array, before: Array) -> bool:
        """Pass with weights moved ahead; tell whether that ended below the start."""
        of, files = self.factors, self.levels.files
        sums, slot = of.sums, files.current[self.level]
        self._move(weights, before)
        of.weights_changed()
        self._pass()
        if abs(of.objective()) <= start:  # no loss is negative: what seems so is beyond rounding
            self.share = min(self.ceiling, GROWTH * self.share)
            self.ceiling = min(MOST, RELIEF * self.ceiling)
            return True
        files.current[self.level] = slot
        of.take(sums)
        of.Wt[...] = weights
        of.weights_changed()
        self.ceiling = self.share
        self.share /= SETBACK
        return False

    def _move(self, weights: Array, before: Array) -> None:
        """Put the weights ahead: by their step, or by their ratio where steps are ratios."""
        share = weights.dtype.type(self.share)
        if self.factors.loss == "frobenius":
            moved = np.maximum(weights + share * (weights - before), 0)
        else:  # a step taken twice can end a concept; a ratio cannot
            floor = floor_of(weights.dtype)
            ratio = np.maximum(weights, floor) / np.maximum(before, floor)
            moved = np.maximum(weights * np.clip(ratio, 1 / FURTHEST, FURTHEST) ** share, floor)
        self.factors.Wt[...] = moved


BLOCK_SOLVERS: dict[str, type[BlockMultiplicative]] = {
    "mu": BlockMultiplicative,
    "cd": BlockDescent,
}


class BlockSimplex:
    """One level whose weights follow a rule, sum one at least."""

    def __init__(self, levels: BlockLevels, level: int, rule: ConceptRule, solver: str) -> None:
        self.levels, self.level, self.rule = levels, level, rule
        self.factors, self._update = levels.factors[level], UPDATES[solver]

    def objective(self) -> float:
        """Return the objective of the level with the cost of its weights."""
        return self.factors.objective() + self.rule.penalty(self.factors)

    def sweep(self, number: int) -> None:
        """Update the weights, then the codes."""
        if self.factors.sums.n_rows:
            self.rule.update(self.factors)
            self.levels.update(self.level, self.level, self._update)
        else:
            self.levels.solve(self.level, self.level)


class BlockJoint:
    """All levels at once: weights of every level, then codes from the labels upwards.

    Sum of the objectives of the levels, each by one over what it is to begin with. Codes are drawn
    to what the level above made of them in the last pass.
    """

    def __init__(self, levels: BlockLevels, rules: list[ConceptRule]) -> None:
        self.levels, self.rules = levels, rules
        errors = self._errors()
        self.scales = [1 / error if error > 0 else 1.0 for error in errors]

    def objective(self) -> float:
        """Return sum_l lambda_l D(Z_{l-1}, Z_l W_l)."""
        return sum(scale * error for scale, error in zip(self.scales, self._errors(), strict=True))

    def sweep(self, number: int) -> None:
        """Update the weights, then the codes."""
        for rule, factors in zip(self.rules, self.levels.factors, strict=True):
            rule.update(factors)
        self.levels.update(0, len(self.rules) - 1, self._towards)

    def _towards(self, rows: Factors, level: int, above: Array | None) -> None:
        np.maximum(rows.Z, floor_of(rows.Z.dtype), out=rows.Z)  # solved codes have zeros
        if above is None:
            rows.multiply_codes()
        else:
            rows.multiply_codes(above.__getitem__, self.scales[level + 1] / self.scales[level])

    def _errors(self) -> list[float]:
        pairs = zip(self.levels.factors, self.rules, strict=True)
        return [factors.objective() + rule.penalty(factors) for factors, rule in pairs]
