"""The share of misplaced labels: an exact test, uniform under chance, against a slow oracle."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import binomtest, kstest

from nnae import LabelHierarchy, audit
from nnae._label_pairs import cooccurrence
from nnae.auditing._misplaced import Misplaced, misplaced, place_ranks
from nnae.auditing._trees import AuditedTree
from nnae.datasets import make_label_hierarchy

DATA = make_label_hierarchy(3000, random_state=3)


def tree_of(place):
    """Return the planted tree with label j at the place of label place[j]."""
    W1 = (np.arange(12)[:, None] == DATA.groups[place]).astype(float)
    return AuditedTree.of_hierarchy(
        LabelHierarchy.from_weights([W1, DATA.group_parents.T.astype(float)])
    )


def ranks_of(place, rows=DATA.Y):
    counts = cooccurrence(sp.csr_matrix(rows), 1)
    return place_ranks(tree_of(place), counts, rows.shape[0], np.arange(72), 5.0)


def slow_rank(tree, Y, j, least):
    """Try label j in every place, by loops over a dense matrix."""
    Y = np.asarray(Y.todense())
    n, L = Y.shape
    for clusters in tree.levels:
        scores, slots = {}, {}
        for c in set(clusters.tolist()):
            members = [k for k in range(L) if clusters[k] == c]
            near = [k for k in members if k != j]
            expected = sum(Y[:, j].sum() * Y[:, k].sum() / n for k in near)
            if len(members) > 1 and expected >= least:
                seen = sum((Y[:, j] * Y[:, k]).sum() for k in near)
                scores[c], slots[c] = (seen + 0.5) / (expected + 0.5), len(members)
        own = clusters[j]
        everywhere = sum(np.sum(clusters == c) for c in set(clusters.tolist())
                         if np.sum(clusters == c) > 1)  # fmt: skip
        if own in scores and len(scores) > 1 and 2 * sum(slots.values()) >= everywhere:
            better = sum(slots[c] for c in scores if scores[c] > scores[own])
            level = sum(slots[c] for c in scores if scores[c] == scores[own])
            return (better + level / 2) / sum(slots.values())
    return np.nan


@pytest.mark.parametrize("seed", [0, 1])
def test_ranks_equal_slow_ones(seed):
    draws = np.random.default_rng(seed)
    place = np.arange(72)
    some = draws.choice(72, 30, replace=False)
    place[some] = draws.permutation(some)
    tree, rows = tree_of(place), DATA.Y[: 400 + 200 * seed]
    expected = [slow_rank(tree, rows, j, 5.0) for j in range(72)]
    assert np.isfinite(expected).sum() > 0
    np.testing.assert_allclose(ranks_of(place, rows), expected)


def test_ranks_at_random_places_are_uniform():
    """Whatever the labels do: nothing but the place is random."""
    ranks = np.concatenate(
        [ranks_of(np.random.default_rng(seed).permutation(72)) for seed in range(40)]
    )
    assert np.isfinite(ranks).mean() > 0.9
    jittered = ranks + np.random.default_rng(0).uniform(-1, 1, len(ranks)) / 24
    # the own place has one label less than others, so its score varies a little more
    assert kstest(jittered[np.isfinite(jittered)], "uniform").statistic < 0.05
    shares = [misplaced(part).share for part in ranks.reshape(40, 72)]
    assert np.mean(shares) == pytest.approx(1, abs=0.08)


def test_share_is_that_of_moved_labels():
    for moved in (0.0, 0.25, 0.5):
        found = []
        for seed in range(12):
            draws = np.random.default_rng(seed)
            place = np.arange(72)
            some = draws.choice(72, round(moved * 72), replace=False)
            place[some] = draws.choice(72, len(some))
            found.append(misplaced(ranks_of(place)).share)
        assert np.mean(found) == pytest.approx(moved, abs=0.07)


def test_error_of_the_test_is_kept_and_it_has_power():
    """With exactly 30 % at random it rules that share out in at most 5 % of draws."""
    wrong = 0
    for seed in range(120):
        draws = np.random.default_rng(seed)
        place = np.arange(72)
        place[draws.random(72) < 0.3] = -1
        place = np.where(place < 0, draws.integers(0, 72, 72), place)
        wrong += misplaced(ranks_of(place)).p_value(0.3) <= 0.05
    assert wrong <= 120 * 0.05 + 2 * np.sqrt(120 * 0.05 * 0.95)
    assert misplaced(ranks_of(np.arange(72))).p_value(0.3) <= 0.001


def test_numbers_of_the_test():
    found = Misplaced(40, 3)
    assert found.share == pytest.approx(0.15)
    assert found.p_value(0.3) == pytest.approx(binomtest(3, 40, 0.15, "less").pvalue)
    exact = binomtest(3, 40).proportion_ci(0.95, "exact")
    np.testing.assert_allclose(found.interval(), 2 * np.array([exact.low, exact.high]))
    assert misplaced(np.array([0.5, 0.5, 0.9, np.nan, 0.1])) == Misplaced(4, 2)
    assert Misplaced(0, 0).p_value(0.3) == 1
    assert np.isnan(Misplaced(0, 0).share)
    values = [Misplaced(40, above).p_value(0.3) for above in range(10)]
    assert all(low < high for low, high in pairwise(values))


def test_order_of_labels_changes_nothing():
    order = np.random.default_rng(0).permutation(72)
    W1 = (np.arange(12)[:, None] == DATA.groups).astype(float)
    W2 = DATA.group_parents.T.astype(float)
    names = np.array(DATA.label_names, dtype=object)
    one = LabelHierarchy.from_weights([W1, W2], label_names=names)
    two = LabelHierarchy.from_weights([W1[:, order], W2], label_names=names[order])
    given = {"n_permutations": 19, "random_state": 0}
    reports = [audit(one, DATA.Y, **given), audit(two, DATA.Y[:, order], **given)]
    for metric in ("misplaced_share", "ranked_labels", "spearman_npmi", "contradiction_ratio"):
        first, second = (report.value(metric) for report in reports)
        assert first == pytest.approx(second)
