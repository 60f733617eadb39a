"""Pairs of labels that can show a dependency at all, and how often each occurs together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from nnae._contingency import Floats, Integers
from nnae._linear_encoder import Counts


@dataclass(frozen=True)
class LabelPairs:
    """Pairs of columns with their joint counts.

    Attributes
    ----------
    n_rows : int
        Examples.
    margins : ndarray, (L,)
        Examples of each label.
    a, b : ndarray of int, (m,)
        Columns, a < b.
    count : ndarray of int, (m,)
        Examples with both.
    total : int
        Pairs that the rule admits; more than m when they were sampled.
    """

    n_rows: int
    margins: Integers
    a: Integers
    b: Integers
    count: Integers
    total: int

    @property
    def expected(self) -> Floats:
        """Joint counts under independence."""
        return np.asarray(1.0 * self.margins[self.a] * self.margins[self.b] / self.n_rows)


def presence(Y: sp.csr_matrix) -> sp.csr_matrix:
    """Return Y with every stored value one."""
    ones = np.ones(Y.nnz, np.float64)
    return sp.csr_matrix((ones, Y.indices, Y.indptr), shape=Y.shape)


class Margins:
    """Which pairs have an expected joint count of at least `min_expected`.

    Labels are sorted by falling margin; the partners of one are then a stretch of those after it,
    so that pairs can be counted, numbered and drawn without being listed. Labels of every row or
    of none are in no pair: nothing about them can be tested.
    """

    def __init__(self, margins: Integers, n_rows: int, min_expected: float) -> None:
        useful = np.flatnonzero((margins > 0) & (margins < n_rows))
        self.order = useful[np.argsort(-margins[useful], kind="stable")]
        falling = margins[self.order].astype(np.float64)
        needed = min_expected * n_rows / falling
        # the small slack keeps pairs whose expected count equals the bound but for rounding
        ends = np.searchsorted(-falling, -needed * (1 - 1e-12), side="right")
        here = np.arange(len(falling))
        self.partners = np.maximum(ends - here - 1, 0).astype(np.int64)
        self.total = int(self.partners.sum())

    def pairs(self, numbers: Integers | None = None) -> tuple[Integers, Integers]:
        """Return the columns of the pairs with these numbers (all without), the smaller first."""
        if numbers is None:
            first = np.repeat(np.arange(len(self.partners)), self.partners)
            numbers = np.arange(self.total)
        else:
            first = np.searchsorted(np.cumsum(self.partners), numbers, side="right")
        begin = np.cumsum(self.partners) - self.partners
        second = first + 1 + numbers - begin[first]
        one, two = self.order[first], self.order[second]
        return np.minimum(one, two), np.maximum(one, two)


def count_labels(Y: sp.csr_matrix) -> Integers:
    """Return the number of examples of every label."""
    return np.asarray(np.bincount(Y.indices, minlength=Y.shape[1]), np.int64)


def cooccurrence(Y: sp.csr_matrix, n_threads: int) -> sp.csr_matrix:
    """Return how often labels occur together (L x L, sparse, canonical)."""
    counts = sp.csr_matrix(Counts.of_labels(presence(Y), n_threads).matrix)
    counts.sum_duplicates()
    return counts


def lookup(counts: sp.csr_matrix, a: Integers, b: Integers) -> Integers:
    """Return the counts of pairs; zero where none is stored."""
    if not len(a):
        return np.zeros(0, np.int64)
    return np.asarray(np.rint(np.asarray(counts[a, b])).ravel(), np.int64)


def powered_pairs(
    Y: sp.csr_matrix,
    min_expected: float,
    n_threads: int,
    *,
    limit: int | None = None,
    random_state: np.random.Generator | None = None,
    among: Integers | None = None,
) -> LabelPairs:
    """Count the pairs with an expected joint count of at least `min_expected`.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L)
        Labels; presence counts.
    min_expected : float > 0
        Bound on ``m_a m_b / n``, which the margins alone decide.
    n_threads : int
        Threads of the counting.
    limit : int, optional
        Draw that many pairs with equal chances when there are more.
    random_state : Generator, optional
        For the draw.
    among : ndarray of int, optional
        Columns to consider; all without.
    """
    margins = count_labels(Y)
    considered = margins
    if among is not None:
        considered = np.zeros_like(margins)
        considered[among] = margins[among]
    rule = Margins(considered, Y.shape[0], min_expected)
    numbers = None
    if limit is not None and rule.total > limit:
        generator = np.random.default_rng(0) if random_state is None else random_state
        numbers = np.sort(generator.choice(rule.total, limit, replace=False, shuffle=False))
    a, b = rule.pairs(numbers)
    columns = np.union1d(a, b)
    place = np.zeros(Y.shape[1], np.int64)
    place[columns] = np.arange(len(columns))
    count = np.zeros(0, np.int64)
    if len(columns):
        part = sp.csr_matrix(Y[:, columns])
        part.sort_indices()
        count = lookup(cooccurrence(part, n_threads), place[a], place[b])
    return LabelPairs(int(Y.shape[0]), margins, a, b, count, rule.total)
