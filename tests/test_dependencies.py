"""Dependencies of labels: exact tests, effect sizes, and a false-discovery rate that holds."""

import doctest
import time

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import fisher_exact, hypergeom
from sklearn.exceptions import NotFittedError
from statsmodels.stats.multitest import multipletests

import nnae
from nnae import _contingency, _label_pairs, dependencies
from nnae.datasets import make_label_hierarchy, make_zipf_labels
from nnae.dependencies import dependencies_graph, label_dependencies


def tables(seed, n=300, m=250):
    draws = np.random.default_rng(seed)
    a, b = draws.integers(1, n, m), draws.integers(1, n, m)
    low, high = np.maximum(0, a + b - n), np.minimum(a, b)
    near = np.clip(draws.binomial(n, a * b / n**2), low, high)
    x = np.where(draws.random(m) < 0.5, draws.integers(low, high + 1), near)
    return x, a, b, n


def independent_labels(seed, n=2000, L=120):
    draws = np.random.default_rng(seed)
    rates = draws.uniform(0.02, 0.3, L)
    return sp.csr_matrix((draws.random((n, L)) < rates).astype(float))


@pytest.mark.parametrize("seed", range(3))
def test_fisher_equals_scipy(seed):
    x, a, b, n = tables(seed)
    for alternative in ("two-sided", "less", "greater"):
        expected = [
            fisher_exact([[k, i - k], [j - k, n - i - j + k]], alternative=alternative).pvalue
            for k, i, j in zip(x, a, b, strict=True)
        ]
        found = _contingency.fisher(x, a, b, n, alternative)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-14)


def test_fisher_far_out_and_in_large_tables():
    n = 1_000_000
    a, b = np.array([30_000, 500]), np.array([20_000, 900])
    found = _contingency.fisher([900, 20], a, b, n, "greater")
    np.testing.assert_allclose(found, hypergeom.sf([899, 19], n, a, b), rtol=1e-5)
    less = _contingency.fisher([500, 0], a, b, n, "less")
    np.testing.assert_allclose(less, hypergeom.cdf([500, 0], n, a, b), rtol=1e-5)


def test_one_sided_tests_hold_on_the_wrong_side_of_a_large_table():
    n, a, b = 6000, np.full(2, 2900), np.full(2, 2800)
    x = np.array([2700, 5])
    for side, law in (
        ("less", hypergeom.cdf(x, n, a, b)),
        ("greater", hypergeom.sf(x - 1, n, a, b)),
    ):
        found = _contingency.fisher(x, a, b, n, side)
        np.testing.assert_allclose(found, law, rtol=1e-5, atol=1e-12)


def test_g_test_approaches_fisher_where_counts_are_large():
    n = 200_000
    count = np.array([4000, 4100, 3880])
    a, b = np.full(3, 20_000), np.full(3, 40_000)
    exact, g = _contingency.fisher(count, a, b, n), _contingency.g_test(count, a, b, n)
    np.testing.assert_allclose(g, exact, rtol=0.05, atol=0.02)


def test_two_rare_labels_never_together_say_nothing():
    """Half a row in each cell would give them an odds ratio of 816."""
    half = 0.5 * (20_000 - 6 + 0.5) / 3.5**2
    assert half == pytest.approx(816, abs=1)
    ratio, low, high = _contingency.odds_ratio([0], [3], [3], 20_000)
    assert 0.3 < ratio[0] <= 1
    assert low[0] < 1 < high[0]
    assert abs(_contingency.shrunk_npmi([0], [3], [3], 20_000)[0]) < 0.1
    Y = sp.lil_matrix((20_000, 2))
    Y[:3, 0] = 1
    Y[3:6, 1] = 1
    assert len(label_dependencies(Y.tocsr())) == 0


def test_effect_sizes_approach_the_plain_ones():
    x, a, b, n = np.array([3000]), np.array([8000]), np.array([9000]), 50_000
    plain = 3000 * (n - 8000 - 9000 + 3000) / (5000 * 6000)
    ratio, low, high = _contingency.odds_ratio(x, a, b, n)
    assert ratio[0] == pytest.approx(plain, rel=1e-3)
    width = 1.959964 * np.sqrt(1 / 3000 + 1 / 5000 + 1 / 6000 + 1 / 36000)
    assert np.log(high[0] / low[0]) / 2 == pytest.approx(width, rel=1e-3)
    npmi = np.log(3000 * n / (8000 * 9000)) / -np.log(3000 / n)
    assert _contingency.shrunk_npmi(x, a, b, n)[0] == pytest.approx(npmi, rel=1e-2)


@pytest.mark.parametrize("least", [0.5, 5.0, 40.0])
def test_family_is_chosen_by_margins_alone(least):
    Y = independent_labels(0, 400, 60)
    m = np.asarray(Y.sum(axis=0)).ravel()
    dense = Y.toarray()
    want = {(i, j) for i in range(60) for j in range(i + 1, 60) if m[i] * m[j] >= least * 400}
    pairs = _label_pairs.powered_pairs(Y, least, 1)
    assert set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True)) == want
    assert pairs.total == len(want)
    np.testing.assert_array_equal(pairs.count, (dense.T @ dense)[pairs.a, pairs.b])
    np.testing.assert_allclose(pairs.expected, m[pairs.a] * m[pairs.b] / 400)
    if pairs.total > 50:
        some = _label_pairs.powered_pairs(Y, least, 1, limit=50)
        drawn = set(zip(some.a.tolist(), some.b.tolist(), strict=True))
        assert len(drawn) == 50
        assert drawn <= want
        assert some.total == len(want)


def test_frame_by_hand():
    Y = np.repeat([[1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], 30, axis=0)
    frame = label_dependencies(Y, label_names=["cat", "pet", "car"], method="fisher")
    columns = "label_a label_b count expected odds_ratio ci_low ci_high npmi p_value q_value"
    assert list(frame.columns) == [*columns.split(), "direction"]
    row = frame[(frame.label_a == "cat") & (frame.label_b == "pet")].iloc[0]
    assert (row["count"], row.expected, row.direction) == (30, 15, "a -> b")
    assert row.p_value == pytest.approx(fisher_exact([[30, 0], [30, 60]]).pvalue, rel=1e-6)
    apart = frame[(frame.label_a == "cat") & (frame.label_b == "car")].iloc[0]
    assert apart.odds_ratio < 1
    assert apart.npmi < 0
    assert apart.direction == "none"
    np.testing.assert_allclose(frame.q_value, multipletests(frame.p_value, method="fdr_bh")[1])
    assert frame.attrs["n_tests"] == 3


def test_independent_labels_keep_the_false_discovery_rate():
    """Under full independence every discovery is false: at most 5 % of data sets may have one."""
    found = {"margins": 0, "all": 0}
    for seed in range(40):
        Y = independent_labels(seed, 800, 60)
        for family in found:
            frame = label_dependencies(Y, family=family, n_threads=1)
            found[family] += int((frame.q_value <= 0.05).any())
    assert found["margins"] <= 6
    assert found["all"] <= 6


def test_choosing_pairs_because_they_co_occur_is_the_trap_avoided():
    draws = np.random.default_rng(0)
    rows = np.concatenate([draws.choice(2000, 3, replace=False) for _ in range(600)])
    Y = sp.csr_matrix((np.ones(1800), (rows, np.repeat(np.arange(600), 3))), shape=(2000, 600))
    frame = label_dependencies(Y, family="all")
    chosen = frame[frame["count"] > 0]
    naive = multipletests(chosen.p_value, method="fdr_bh")[1] <= 0.05
    assert len(chosen) > 500
    assert naive.all()
    assert (frame.q_value <= 0.05).sum() == 0
    assert len(label_dependencies(Y)) == 0


def test_planted_pairs_are_found_and_false_ones_are_few():
    draws = np.random.default_rng(3)
    Y = independent_labels(5, 3000, 100).toarray()
    planted = {(2 * j, 2 * j + 1) for j in range(20)}
    for i, j in planted:
        Y[:, j] = np.where(draws.random(3000) < 0.5, Y[:, i], Y[:, j])
    frame = label_dependencies(Y)
    hits = frame[frame.q_value <= 0.05]
    found = {(int(i), int(j)) for i, j in zip(hits.label_a, hits.label_b, strict=True)}
    assert planted <= found
    assert len(found - planted) <= 4


def test_all_pairs_as_family_counts_the_unlisted_tests():
    Y = independent_labels(1, 300, 30)
    frame = label_dependencies(Y, family="all", method="fisher")
    assert frame.attrs["n_tests"] == 435
    padded = np.concatenate([frame.p_value, np.ones(435 - len(frame))])
    want = multipletests(padded, method="fdr_bh")[1][: len(frame)]
    np.testing.assert_allclose(frame.q_value, want)
    assert set(frame.label_a) <= {str(j) for j in range(30)}


def test_constant_and_empty_labels_are_in_no_pair():
    Y = independent_labels(2, 300, 6).toarray()
    Y[:, 0], Y[:, 1] = 1, 0
    for family in ("margins", "all"):
        frame = label_dependencies(Y, family=family)
        assert not {"0", "1"} & (set(frame.label_a) | set(frame.label_b))
        assert np.isfinite(frame.drop(columns=["label_a", "label_b", "direction"])).all(axis=None)


def test_many_labels_take_seconds():
    data = make_zipf_labels(40_000, 14_000, 200, 6, random_state=0)
    start = time.perf_counter()
    frame = label_dependencies(data.Y)
    assert time.perf_counter() - start < 15
    assert frame.attrs["n_labels"] == 14_000
    assert len(frame) == frame.attrs["n_tests"] > 1000


def test_model_adds_what_it_implies():
    data = make_label_hierarchy(600, random_state=0)
    model = nnae.NMF(12, random_state=0, max_iter=50, n_threads=1).fit(data.Y)
    frame = label_dependencies(data.Y, model=model, label_names=model.label_names_)
    sure = frame[frame.q_value <= 0.05]
    P = 1 - np.exp(-(model.codes_ @ model.components_))
    a, b = sure.label_a.astype(int), sure.label_b.astype(int)
    implied = (P[:, a] * P[:, b]).sum(axis=0) / P[:, a].sum(axis=0)
    np.testing.assert_allclose(sure.model_b_given_a, implied, rtol=1e-6)
    seen = sure["count"] / data.Y.toarray()[:, a].sum(axis=0)
    assert np.corrcoef(seen, sure.model_b_given_a)[0, 1] > 0.7
    assert frame[frame.q_value > 0.05].model_b_given_a.isna().all()
    with pytest.raises(NotFittedError):
        label_dependencies(data.Y, model=nnae.NMF(3))
    with pytest.raises(TypeError, match="fitted NNAE or NMF"):
        label_dependencies(data.Y, model="nmf")
    with pytest.raises(ValueError, match="lacks 72"):
        label_dependencies(data.Y, model=model, label_names=[f"x{j}" for j in range(72)])


def test_forms_of_labels_agree():
    Y = independent_labels(4, 300, 10)
    names = [f"t{j}" for j in range(10)]
    first = label_dependencies(Y * 3.0, label_names=names)
    frame = pd.DataFrame(Y.toarray(), columns=names)
    pd.testing.assert_frame_equal(label_dependencies(frame), first)
    sets = [{names[j] for j in row.indices} for row in Y]
    pd.testing.assert_frame_equal(label_dependencies(sets, label_names=names), first)


def test_graph():
    Y = np.repeat([[1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], 30, axis=0)
    frame = label_dependencies(Y, label_names=["cat", "pet", "car"])
    graph = dependencies_graph(frame)
    assert isinstance(graph, nx.DiGraph)
    assert ("cat", "pet") in graph.edges
    assert ("pet", "cat") not in graph.edges
    assert graph.edges["cat", "car"]["sign"] == graph.edges["car", "cat"]["sign"] == -1
    assert len(dependencies_graph(frame, alpha=0.0).edges) == 0
    with pytest.raises(ValueError, match="lacks"):
        dependencies_graph(frame.drop(columns="npmi"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0}, "alpha"),
        ({"alpha": 1.0}, "alpha"),
        ({"min_expected": 0}, "min_expected"),
        ({"family": "some"}, "family"),
        ({"method": "chi"}, "method"),
        ({"subsumption": 0.3}, "subsumption"),
        ({"label_names": ["a"]}, "label_names has 1"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        label_dependencies(independent_labels(0, 50, 5), **options)


def test_too_many_pairs_are_refused_with_advice(monkeypatch):
    monkeypatch.setattr(dependencies, "_MOST_PAIRS", 20)
    for family in ("margins", "all"):
        with pytest.raises(ValueError, match="raise min_expected"):
            label_dependencies(independent_labels(0), family=family)


def test_examples():
    assert doctest.testmod(dependencies).failed == 0


@pytest.mark.parametrize("ratio", [0.3, 1.0, 5.0])
def test_intervals_hold_the_odds_ratio(ratio):
    """Of tables with enough expected joint counts; smoothing costs less than 1 % of coverage."""
    for n, p, q in ((400, 0.12, 0.12), (500, 0.3, 0.4), (5000, 0.1, 0.02)):
        a, b, c = ratio - 1, -(1 + (p + q) * (ratio - 1)), ratio * p * q
        both = c / -b if a == 0 else (-b - np.sqrt(b**2 - 4 * a * c)) / (2 * a)
        cells = np.random.default_rng(0).multinomial(
            n, [both, p - both, q - both, 1 - p - q + both], 4000
        )
        first, second = cells[:, 0] + cells[:, 1], cells[:, 0] + cells[:, 2]
        powered = first * second / n >= 5
        _, low, high = _contingency.odds_ratio(
            cells[powered, 0], first[powered], second[powered], n
        )
        assert 0.94 <= np.mean((low <= ratio) & (ratio <= high)) <= 0.98
