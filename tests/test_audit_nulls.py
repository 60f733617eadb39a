"""Independent labels as a null, calibration of implied counts, and the page."""

from html.parser import HTMLParser
from itertools import combinations

import numpy as np
import pytest
import statsmodels.api as sm

from nnae import NMF, LabelHierarchy, audit
from nnae._implied import implied_conditionals, implied_rates
from nnae._label_pairs import powered_pairs
from nnae.auditing._agreement import Evidence
from nnae.auditing._calibration import calibration, poisson_slope
from nnae.auditing._label_shuffles import shuffled_labels
from nnae.auditing._resampling import (
    compare,
    disjoint_pairs,
    label_draws,
    shuffled_agreement,
    summary_rows,
    zero_bound,
)
from nnae.auditing._trees import AuditedTree
from nnae.datasets import make_label_hierarchy

DATA = make_label_hierarchy(3000, test_size=0.5, random_state=0)
GIVEN = {"n_permutations": 19, "random_state": 0}


def tree():
    layers = [(np.arange(12)[:, None] == DATA.groups).astype(float), DATA.group_parents.T]
    return LabelHierarchy.from_weights(layers, label_names=DATA.label_names)


def test_dealt_labels_show_no_tree():
    report = audit(tree(), DATA.Y_test, **GIVEN)
    assert report.value("spearman_npmi", "independent_p_value") == pytest.approx(0.05)
    dealt = report.value("spearman_npmi", "independent_mean")
    assert abs(dealt) < 0.05 < report.value("spearman_npmi") / 2
    assert report.value("auc_positive_pairs") > 0.7
    assert "dealt out at random" in report.verdict


def test_p_values_against_dealt_labels_are_uniform_on_dealt_labels():
    draws = np.random.default_rng(0)
    dealt = list(shuffled_labels(DATA.Y_test, 30, draws, 1))
    p = [audit(tree(), Y, n_permutations=19, random_state=s).value("spearman_npmi",
         "independent_p_value") for s, Y in enumerate(dealt)]  # fmt: skip
    assert np.mean(p) == pytest.approx(0.5, abs=0.2)
    assert np.mean(np.array(p) <= 0.1) < 0.35


def test_p_values_of_random_trees_are_uniform_however_much_labels_depend():
    evidence = Evidence.of(powered_pairs(DATA.Y_test, 5, 1))
    right, p = AuditedTree.of_hierarchy(tree()), []
    for seed in range(100):
        draws = np.random.default_rng(seed)
        other = right.relabelled(draws.permutation(72))
        null = shuffled_agreement(evidence, other, 19, draws)
        p.append(summary_rows(evidence.values(other), null, [])["spearman_npmi"]["p_value"])
    assert np.mean(p) == pytest.approx(0.525, abs=0.09)
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 100)


@pytest.mark.slow
def test_intervals_and_comparisons_hold_for_trees_that_are_equally_bad():
    """Two copies of the planted tree, each with 30 % of its labels moved: neither is better."""
    values, ends, differ = [], [], []
    for seed in range(60):
        data = make_label_hierarchy(1000, test_size=0, random_state=seed)
        evidence = Evidence.of(powered_pairs(data.Y, 5, 1))
        draws = np.random.default_rng(seed)
        trees = []
        for _ in range(2):
            place = np.arange(72)
            some = draws.choice(72, 22, replace=False)
            place[some] = draws.permutation(some)
            trees.append(AuditedTree.of_hierarchy(tree()).relabelled(place))
        one, other = (evidence.resampler(each) for each in trees)
        drawn = [
            (one.values(w), other.values(w)) for w in label_draws(evidence.labels, 72, 99, draws)
        ]
        own = [evidence.values(each) for each in trees]
        gaps = [{name: a[name] - b[name] for name in a} for a, b in drawn]
        row = summary_rows(own[0], [], [a for a, _ in drawn])["spearman_npmi"]
        values.append(row["value"])
        ends.append((row["ci_low"], row["ci_high"]))
        p = compare("other", own[1], own[0], gaps)["spearman_npmi"]["other_p_value"]
        differ.append(p <= 0.05)
    low, high = np.array(ends).T
    assert np.mean((low <= np.mean(values)) & (np.mean(values) <= high)) >= 0.9
    assert np.mean(differ) <= 0.1


def test_no_contradiction_at_all_proves_no_more_than_disjoint_pairs_do():
    """One label out of place spoils all of its pairs: 12 pairs of 4 triples are not 12 draws.

    Each of 12 labels is out of place with chance q, and its pairs are negative. Whatever q is, an
    upper bound from no negative pair may miss the share of negative pairs in 2.5 % of draws.
    """
    a, b = np.array(list(combinations(range(3), 2))).T
    a, b = (np.concatenate([part + 3 * g for g in range(4)]) for part in (a, b))
    assert disjoint_pairs(a, b) == 4
    bound = zero_bound(disjoint_pairs(a, b), 1.0)
    q = np.linspace(0, 1, 201)
    share, none = 1 - (1 - q) ** 2, (1 - q) ** 12
    assert none[share > bound].max() <= 0.025
    assert none[share > zero_bound(len(a), 1.0)].max() > 0.1  # what taking all pairs would do
    assert disjoint_pairs(np.array([0, 0, 0]), np.array([1, 2, 3])) == 1
    assert disjoint_pairs(np.zeros(0, int), np.zeros(0, int)) == 0


def test_implied_rates_by_hand():
    model = NMF(4, random_state=0, max_iter=20, tol=0, loss="bernoulli").fit(DATA.Y_train)
    P = -np.expm1(-model.codes_ @ model.components_)
    names = [str(j) for j in range(72)]
    a, b = np.triu_indices(72, 1)
    joint, first, second = implied_rates(model, names, a, b)
    np.testing.assert_allclose(joint, (P.T @ P / len(P))[a, b], rtol=1e-4)
    np.testing.assert_allclose(first, P.mean(axis=0)[a], rtol=1e-4)
    np.testing.assert_allclose(second, P.mean(axis=0)[b], rtol=1e-4)
    np.testing.assert_allclose(implied_conditionals(model, names, a, b)[0], joint / first)


def test_slope_equals_statsmodels():
    draws = np.random.default_rng(0)
    x, weights = draws.normal(2, 1, 400), draws.integers(0, 4, 400).astype(float)
    counts = draws.poisson(np.exp(0.3 + 0.7 * x)).astype(float)
    model = sm.GLM(counts, sm.add_constant(x), sm.families.Poisson(), freq_weights=weights)
    assert poisson_slope(x, counts, weights) == pytest.approx(model.fit().params[1], rel=1e-6)
    assert np.isnan(poisson_slope(np.ones(5), np.ones(5), np.ones(5)))
    assert np.isnan(poisson_slope(np.arange(5.0), np.zeros(5), np.ones(5)))


def test_calibration_tells_the_right_model_from_wrong_ones():
    draws = np.random.default_rng(0)
    implied = draws.uniform(5, 200, 3000)
    alone, seen = implied * draws.uniform(0.3, 1.5, 3000), draws.poisson(implied).astype(float)
    right = calibration(seen, implied, alone, np.ones(3000))
    assert right["cooccurrence_ratio"] == pytest.approx(1, abs=0.02)
    assert right["cooccurrence_slope"] == pytest.approx(1, abs=0.02)
    assert right["cooccurrence_explained"] > 0.9
    half = calibration(seen, implied / 2, alone, np.ones(3000))
    assert half["cooccurrence_ratio"] == pytest.approx(2, abs=0.04)
    steep = calibration(seen, implied**2 / 100, alone, np.ones(3000))
    assert steep["cooccurrence_slope"] == pytest.approx(0.5, abs=0.02)
    assert calibration(seen, alone, alone, np.ones(3000))["cooccurrence_explained"] == 0


def test_a_fitted_model_is_calibrated_better_than_independence():
    model = NMF(12, random_state=0, loss="bernoulli").fit(DATA.Y_train)
    found = LabelHierarchy.from_compressor(model)
    report = audit(found, DATA.Y_test, model=model, **GIVEN)
    assert report.value("cooccurrence_explained") > 0.5
    low, high = (report.value("cooccurrence_ratio", end) for end in ("ci_low", "ci_high"))
    assert low <= report.value("cooccurrence_ratio") <= high
    assert "of how far joint counts are from independence" in report.verdict
    small = NMF(2, random_state=0, loss="bernoulli").fit(DATA.Y_train)
    other = audit(found, DATA.Y_test, model=small, **GIVEN)
    assert other.value("cooccurrence_explained") < report.value("cooccurrence_explained")


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "line", "circle", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in {"line", "circle", "rect"}:
            assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing():
    groups = dict(zip(DATA.label_names, DATA.groups, strict=True))
    report = audit(tree(), DATA.Y_test, taxonomy=groups, **GIVEN)
    page = report.to_html()
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    names = [name for name, _ in tags.seen]
    assert names.count("svg") > 8
    assert not {"script", "link", "img", "iframe"} & set(names)
    assert not any("src" in attributes or "href" in attributes for _, attributes in tags.seen)
    for word in ("misplaced share", "balanced kmeans", "powered pairs", "placement: passed"):
        assert word in page
    assert "nan" not in page
