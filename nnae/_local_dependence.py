"""Is it the concept, or a tie between two labels? A latent-class test for siblings in a tree.

Two labels under one concept occur together because the concept brings both. Whether they do so
more than that is asked in two steps. First the concept is taken to be off or on in every example
and its labels to be independent given that; EM finds how often it is on and the labels' rates q_z.
Then for a pair the table (a, b, r) is looked at, r the number of *other* labels of the concept that
an example has (0, 1, 2, 3 or more), whose law under off and on follows from their rates:

    H0   P(a, b, r) = sum_z pi_z P(a | z) P(b | z) P(r | z)        z: off or on
    H1   the same, but P(a, b | on) is free

Both are fitted by EM with P(r | z) given, and twice the gain in log-likelihood is set against
chi-squared on one degree. The odds ratio of P(a, b | on) is the size of the tie. Stratifying by r
itself would call nearly every pair tied, because examples of one r are still a mixture of off and
on; leaving P(r | z) free would let the classes explain the pair in place of the concept.

Cost: some 16 numbers a pair and step of EM. Sources: Dempster, Laird and Rubin (1977); Hagenaars
(1988) for local dependence in latent-class models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import xlogy
from scipy.stats import chi2

from nnae._contingency import Floats, Integers
from nnae._label_pairs import presence

LEVELS = 4  # values of r that are told apart
LEAST_OTHERS = 2  # siblings beside the pair: fewer cannot show a concept
_MOST_STEPS = 500
_TOLERANCE = 1e-5  # of the log-likelihood in one step, in units that chi-squared has
_BLOCK = 20_000
_PRIOR = 1e-3  # observations spread over each table, so that no rate runs into 0 or 1
_SMOOTH = 0.5  # added to the cells of the odds ratio


@dataclass(frozen=True)
class LocalDependence:
    """For each pair the concept, the odds ratio while it is on and the p-value; NaN unjudged."""

    concept: list[str]
    odds_ratio: Floats
    p_value: Floats


def local_dependence(
    Y: sp.csr_matrix, hierarchy: Any, names: list[str], a: Integers, b: Integers
) -> LocalDependence:
    """Test the pairs that have a common parent below the root and at least two more siblings."""
    tree, root = hierarchy.tree(), hierarchy.root
    parent = [next(iter(tree.predecessors(name)), root) if name in tree else root for name in names]
    known = sorted(set(parent) - {root})
    number = {node: p for p, node in enumerate(known)}
    code = np.array([number.get(node, -1) for node in parent], np.int64)
    same = (code[a] == code[b]) & (code[a] >= 0)
    concept = [known[p] if p >= 0 else "" for p in np.where(same, code[a], -1).tolist()]
    tables = np.zeros((len(a), 2, 2, LEVELS))
    laws = np.ones((len(a), 2, LEVELS))
    sizes = np.bincount(code[code >= 0], minlength=len(known))
    judged = np.zeros(len(a), np.bool_)
    place = np.zeros(len(names), np.int64)
    ones = presence(Y).tocsc()
    order = np.argsort(np.where(same, code[a], -1), kind="stable")
    bounds = np.searchsorted(np.where(same, code[a], -1)[order], np.arange(len(known) + 1))
    for p in np.flatnonzero(sizes >= LEAST_OTHERS + 2):
        pairs = order[bounds[p] : bounds[p + 1]]
        if len(pairs):
            columns = np.flatnonzero(code == p)
            place[columns] = np.arange(len(columns))
            part = sp.csr_matrix(ones[:, columns])
            at = place[a[pairs]], place[b[pairs]]
            tables[pairs] = sibling_tables(part, *at)
            laws[pairs] = np.stack([count_law(rates, *at) for rates in concept_rates(part)], axis=1)
            judged[pairs] = True
    ratio, p_value = np.full(len(a), np.nan), np.full(len(a), np.nan)
    which = np.flatnonzero(judged)
    for start in range(0, len(which), _BLOCK):
        some = which[start : start + _BLOCK]
        ratio[some], p_value[some] = test_tables(tables[some], laws[some])
    return LocalDependence(concept, ratio, p_value)


def sibling_tables(Y: sp.csr_matrix, a: Integers, b: Integers) -> Floats:
    """Count (a, b, other labels of Y that the row has) for pairs of columns.

    Returns
    -------
    ndarray, (m, 2, 2, 4)
        Rows; the last axis is 0, 1, 2, 3 or more others.
    """
    size = np.asarray(Y.sum(axis=1)).ravel().astype(np.int64)
    top = LEVELS + 1
    size = np.minimum(size, top)
    m = len(a)
    both, first, second = np.zeros((top + 1, m)), np.zeros((top + 1, m)), np.zeros((top + 1, m))
    rows = np.bincount(size, minlength=top + 1).astype(np.float64)
    for s in range(1, top + 1):
        part = Y[size == s]
        counts = np.asarray(part.sum(axis=0)).ravel()
        first[s], second[s] = counts[a], counts[b]
        both[s] = np.asarray((part.T @ part).tocsr()[a, b]).ravel() if part.shape[0] else 0
    table = np.zeros((m, 2, 2, LEVELS))
    for s in range(top + 1):  # s labels in all: s - 2, s - 1 or s others
        for i, j, count in (
            (1, 1, both[s]),
            (1, 0, first[s] - both[s]),
            (0, 1, second[s] - both[s]),
            (0, 0, rows[s] - first[s] - second[s] + both[s]),
        ):
            if s >= i + j:
                table[:, i, j, min(s - i - j, LEVELS - 1)] += count
    return table


def concept_rates(Y: sp.csr_matrix) -> tuple[Floats, Floats]:
    """Return the labels' rates while the concept is off and while it is on."""
    n, size = Y.shape[0], np.asarray(Y.sum(axis=1)).ravel()
    rows = np.flatnonzero(size)
    part, empty = Y[rows], n - len(rows)
    on = np.where(size[rows] > 1, 0.9, 0.3)
    blank = 0.02  # chance that an example with none of the labels is on
    totals = np.asarray(Y.sum(axis=0)).ravel()
    off_rates = on_rates = totals / n
    level = -np.inf
    for _ in range(_MOST_STEPS):
        mass = on.sum() + empty * blank
        seen = part.T @ on
        on_rates = _inside((seen + _PRIOR * totals / n) / (mass + _PRIOR))
        off_rates = _inside((totals - seen + _PRIOR * totals / n) / (n - mass + _PRIOR))
        share = _inside(np.float64(mass / n))
        base_on = np.log(share) + np.log1p(-on_rates).sum()
        base_off = np.log1p(-share) + np.log1p(-off_rates).sum()
        log_on = base_on + part @ (np.log(on_rates) - np.log1p(-on_rates))
        log_off = base_off + part @ (np.log(off_rates) - np.log1p(-off_rates))
        both = np.logaddexp(log_on, log_off)
        on, blank = np.exp(log_on - both), np.exp(base_on - np.logaddexp(base_on, base_off))
        now = both.sum() + empty * np.logaddexp(base_on, base_off)
        if now - level < _TOLERANCE:
            break
        level = now
    return off_rates, on_rates


def count_law(rates: Floats, a: Integers, b: Integers) -> Floats:
    """Return P(r), r other labels than a and b at independent rates (m x 4)."""
    law = np.zeros((len(a), LEVELS))
    law[:, 0] = 1.0
    for k, rate in enumerate(rates.tolist()):
        moved = np.roll(law, 1, axis=1)
        moved[:, 0] = 0.0
        moved[:, -1] += law[:, -1]
        other = ((a != k) & (b != k))[:, None]
        law = np.where(other, (1 - rate) * law + rate * moved, law)
    return law


def test_tables(tables: Floats, laws: Floats) -> tuple[Floats, Floats]:
    """Test tables (m, 2, 2, 4) with P(r | off) and P(r | on) given (m, 2, 4).

    Returns
    -------
    odds_ratio, p_value : ndarray, (m,)
        The odds ratio while the concept is on, and the p-value of its being 1.
    """
    share = tables / tables.sum(axis=(1, 2, 3), keepdims=True)
    plain = share.sum(axis=(2, 3))[:, :, None] * share.sum(axis=(1, 3))[:, None, :]
    n = tables + _PRIOR * plain[..., None] * laws.mean(axis=1)[:, None, None, :]
    start = laws[:, 1] / (laws[:, 0] + laws[:, 1])
    start = np.broadcast_to(start[:, None, None, :], tables.shape)
    apart, split, _ = _climb(n, start, laws, _independent)
    tied, found = _best(n, (split, start), laws)
    cells = found + _SMOOTH
    ratio = cells[:, 1, 1] * cells[:, 0, 0] / (cells[:, 1, 0] * cells[:, 0, 1])
    gain = 2.0 * np.maximum(tied - apart, 0.0)
    return ratio, np.asarray(chi2.sf(gain, 1), np.float64)


def _best(n: Floats, starts: tuple[Floats, ...], laws: Floats) -> tuple[Floats, Floats]:
    """Return log-likelihood and (a, b) counts of "on" of the better climb."""
    level, _, found = _climb(n, starts[0], laws, _tied)
    for start in starts[1:]:
        other, _, pair = _climb(n, start, laws, _tied)
        better = other > level + _TOLERANCE
        level, found = np.where(better, other, level), np.where(better[:, None, None], pair, found)
    return level, found


def _independent(pair: Floats) -> Floats:
    """Return expected (a, b) counts of one class in which a and b are independent."""
    total = pair.sum(axis=(1, 2), keepdims=True)
    return np.asarray(pair.sum(2, keepdims=True) * pair.sum(1, keepdims=True) / total, np.float64)


def _tied(pair: Floats) -> Floats:
    return pair


def _climb(n: Floats, start: Floats, laws: Floats, shape: Any) -> tuple[Floats, Floats, Floats]:
    """Run EM from P(on | cell): log-likelihood, P(on | cell) and (a, b) counts of "on"."""
    on = np.array(start)
    level = np.full(len(n), -np.inf)
    pairs = np.zeros(n.shape[:3])
    todo = np.arange(len(n))
    total = n.sum(axis=(1, 2, 3), keepdims=True)
    for _ in range(_MOST_STEPS):
        here, law = n[todo], laws[todo]
        active = here * on[todo]
        pairs[todo] = shape(active.sum(axis=3))
        first = pairs[todo][..., None] * law[:, 1, None, None, :]
        second = _independent((here - active).sum(axis=3))[..., None] * law[:, 0, None, None, :]
        both = first + second
        on[todo] = first / both
        now = xlogy(here, both / total[todo]).sum(axis=(1, 2, 3))
        moving = now - level[todo] > _TOLERANCE
        level[todo] = now
        todo = todo[moving]
        if not len(todo):
            break
    return level, on, pairs


def _inside(rates: Any) -> Any:
    return np.clip(rates, 1e-9, 1 - 1e-9)
