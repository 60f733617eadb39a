"""The audit tells a planted tree from a damaged one, and says what it could not judge."""

import doctest
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.cluster.hierarchy import fcluster, is_valid_linkage, linkage, to_tree
from scipy.stats import spearmanr
from sklearn.metrics import fowlkes_mallows_score, roc_auc_score

import nnae
from nnae import AuditReport, LabelHierarchy, audit
from nnae._label_pairs import powered_pairs
from nnae.auditing import _audit, _report
from nnae.auditing._agreement import Evidence
from nnae.auditing._halving import balanced_kmeans
from nnae.auditing._resampling import compare
from nnae.auditing._rivals import feature_linkage, mean_features, npmi_linkage
from nnae.auditing._taxonomy import dendrogram_purity, fowlkes_mallows
from nnae.auditing._trees import AuditedTree, Dendrogram
from nnae.datasets import make_label_hierarchy


@pytest.fixture(scope="module")
def data():
    return make_label_hierarchy(6000, test_size=0.5, random_state=0)


def planted_tree(data, moved=0.0, seed=0):
    draws = np.random.default_rng(seed)
    L = len(data.groups)
    place = np.arange(L)
    some = draws.choice(L, round(moved * L), replace=False)
    place[some] = draws.permutation(some)
    W1 = (np.arange(data.groups.max() + 1)[:, None] == data.groups[place]).astype(float)
    W2 = data.group_parents.T.astype(float)
    return LabelHierarchy.from_weights([W1, W2], label_names=data.label_names)


def test_planted_tree_is_trusted_and_a_damaged_one_is_not(data):
    draws = np.random.default_rng(1)
    n = data.Y_test.shape[0]
    trusted = [
        audit(planted_tree(data), data.Y_test[draws.permutation(n)[: n // 2]], n_permutations=19)
        for _ in range(10)
    ]
    assert sum(report.trustworthy for report in trusted) >= 9
    damaged = [
        audit(planted_tree(data, 0.3, seed), data.Y_test, n_permutations=19, random_state=seed)
        for seed in range(20)
    ]
    assert sum(not report.trustworthy for report in damaged) >= 19
    assert all(not report.checks["placement"] for report in damaged if not report.trustworthy)
    shuffled = audit(planted_tree(data, 1.0), data.Y_test, n_permutations=50, random_state=0)
    assert not shuffled.trustworthy
    assert "should not be trusted" in shuffled.verdict


def test_report_holds_what_it_promises(data):
    report = audit(
        planted_tree(data),
        data.Y_test,
        Y_train=data.Y_train,
        taxonomy=data.groups,
        n_permutations=99,
        random_state=0,
    )
    assert isinstance(report, AuditReport)
    assert list(report.frame.columns[:6]) == [
        *("metric", "value", "ci_low", "ci_high", "null_mean", "p_value")
    ]
    for metric in ("spearman_npmi", "auc_positive_pairs", "placement", "dendrogram_purity"):
        assert report.value(metric, "p_value") == pytest.approx(0.01)
        assert report.value(metric, "ci_low") <= report.value(metric) + 1e-9
        assert report.value(metric) <= report.value(metric, "ci_high") + 1e-9
        assert report.value(metric, "null_mean") < report.value(metric)
        assert np.isfinite(report.value(metric, "npmi_linkage"))
    assert report.value("dendrogram_purity") == 1
    assert report.value("ancestor_f1") == 1
    assert report.value("fowlkes_mallows_level_1") == 1
    assert report.value("spearman_npmi", "null_mean") == pytest.approx(0, abs=0.02)
    assert report.value("powered_pairs") == powered_pairs(data.Y_test, 5, 1).total
    gap = report.value("placement") - report.value("placement", "npmi_linkage")
    assert report.value("placement", "npmi_linkage_difference") == pytest.approx(gap)
    page = report.to_html()
    assert "dendrogram purity" in page
    assert "http" not in page
    assert "trusted as far as" in report.verdict
    with pytest.raises(ValueError, match="metric must be one of"):
        report.value("beauty")


def test_rivals_are_compared_fairly():
    draws = np.random.default_rng(0)
    near_zero = [{"m": value} for value in draws.normal(0.01, 0.1, 199)]
    skewed = [{"m": value} for value in -draws.choice([0.0, 0.3], 199, p=[0.8, 0.2])]
    clear = [{"m": value} for value in draws.normal(0.5, 0.1, 199)]
    for resampled, difference, low, high in (
        (near_zero, 0.01, 0.7, 1.0),
        (skewed, -0.06, 0.1, 1.0),
        (clear, 0.5, 0.0, 0.01),
    ):
        row = compare("rival", {"m": 0.2}, {"m": 0.2 + difference}, resampled)["m"]
        assert row["rival_difference"] == pytest.approx(difference)
        assert low <= row["rival_p_value"] <= high


def test_same_seed_same_report_any_threads(data):
    one, two = (
        audit(planted_tree(data), data.Y_test, n_permutations=19, random_state=5, n_threads=t)
        for t in (1, 2)
    )
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.verdict == two.verdict


def test_metrics_equal_plain_ones(data):
    tree = AuditedTree.of_hierarchy(planted_tree(data, 0.4, 2))
    evidence = Evidence.of(powered_pairs(data.Y_test, 5, 1))
    a, b = evidence.pairs.a, evidence.pairs.b
    near, npmi = -tree.lca(a, b), evidence.columns[5]
    values = evidence.values(tree)
    assert values["spearman_npmi"] == pytest.approx(spearmanr(near, npmi).statistic)
    positive, negative = evidence.columns[6], evidence.columns[7]
    assert values["auc_positive_pairs"] == pytest.approx(roc_auc_score(positive, near))
    same = tree.parents[a] == tree.parents[b]
    assert values["sibling_npmi_gain"] == pytest.approx(npmi[same].mean() - npmi.mean())
    ratio = negative[same].mean() / negative.mean()
    assert values["contradiction_ratio"] == pytest.approx(ratio)
    np.testing.assert_array_equal(same, near == -1)
    again = evidence.resampler(tree).values(np.ones(len(tree.parents)))
    for name, value in values.items():
        assert again[name] == pytest.approx(value)


def test_placement_by_hand(data):
    tree = AuditedTree.of_hierarchy(planted_tree(data, 0.4, 2))
    evidence = Evidence.of(powered_pairs(data.Y_test, 5, 1))
    npmi = np.full((72, 72), np.nan)
    a, b = evidence.pairs.a, evidence.pairs.b
    npmi[a, b] = npmi[b, a] = evidence.columns[5]
    fits, tested = evidence.placements(tree)
    for j in range(72):
        others = np.flatnonzero(np.isfinite(npmi[j]))
        level = tree.lca(np.full(len(others), j), others)
        near = level == level.min()
        if level.min() < 3 and not near.all():
            assert tested[j]
            means = npmi[j, others[near]].mean(), npmi[j, others[~near]].mean()
            assert fits[j] == (means[0] > means[1])


def brute_purity(matrix, groups):
    nodes = to_tree(matrix, rd=True)[1]
    leaves = {node.id: set(node.pre_order()) for node in nodes}
    kept = {j for j in range(len(groups)) if groups[j] >= 0}
    purities = {}
    for i, j in combinations(sorted(kept), 2):
        if groups[i] == groups[j]:
            holding = [found & kept for found in leaves.values() if {i, j} <= found]
            below = min(holding, key=len)
            share = np.mean([groups[leaf] == groups[i] for leaf in below])
            purities.setdefault(groups[i], []).append(share)
    every = [share for shares in purities.values() for share in shares]
    return np.mean(every), np.mean([np.mean(shares) for shares in purities.values()])


@pytest.mark.parametrize("seed", range(6))
def test_purity_equals_brute_force(seed):
    draws = np.random.default_rng(seed)
    n = int(draws.integers(5, 40))
    method = "single" if seed % 2 else "average"
    matrix = linkage(draws.random((n, 3)), method)
    groups = draws.integers(-1, 4, n)
    groups[:2] = 0
    found = dendrogram_purity(Dendrogram.of(matrix), groups)
    np.testing.assert_allclose(found, brute_purity(matrix, groups))


def test_weighted_purity_equals_repeated_leaves():
    """A leaf of weight 2 counts in every pair and share twice, but makes no pair with itself."""
    matrix = linkage(np.array([[0.0], [1.0], [3.0], [10.0]]))
    groups = np.array([0, 1, 0, 1])
    weights = np.array([2.0, 1.0, 1.0, 1.0])
    # pairs: (0, 2) of weight 2 below {0, 1, 2}: 3 of 4; (1, 3) of weight 1 at the root: 2 of 5
    of_pairs, of_groups = dendrogram_purity(Dendrogram.of(matrix), groups, weights)
    assert of_pairs == pytest.approx((2 * 0.75 + 0.4) / 3)
    assert of_groups == pytest.approx((0.75 + 0.4) / 2)


def test_other_taxonomy_metrics():
    draws = np.random.default_rng(0)
    groups, clusters = draws.integers(0, 4, 60), draws.integers(0, 5, 60)
    assert fowlkes_mallows(clusters, groups) == pytest.approx(
        fowlkes_mallows_score(groups, clusters)
    )
    twice = np.repeat([1.0, 0.0], 30)
    assert fowlkes_mallows(clusters, groups, twice) == pytest.approx(
        fowlkes_mallows_score(groups[:30], clusters[:30])
    )


def test_rivals_find_planted_groups(data):
    draws = np.random.default_rng(0)
    X = data.row_groups @ draws.random((12, 40))
    for matrix in (npmi_linkage(data.Y_train, 1), feature_linkage(X[:3000], data.Y_train)):
        tree = AuditedTree.of_linkage("rival", matrix, [12, 3])
        assert fowlkes_mallows(tree.levels[0], data.groups) > 0.9
        assert tree.widths == [12, 3]
    halves = balanced_kmeans(mean_features(X[:3000], data.Y_train))
    assert is_valid_linkage(halves)
    tree = AuditedTree.of_linkage("rival", halves, [12, 3])
    assert fowlkes_mallows(tree.levels[0], data.groups) > 0.5
    for clusters in (fcluster(halves, 8, "maxclust"), fcluster(halves, 16, "maxclust")):
        sizes = np.bincount(clusters)[1:]
        assert sizes.max() - sizes.min() <= 1
    report = audit(planted_tree(data), data.Y_test, X=X[3000:], n_permutations=19, random_state=0)
    assert np.isfinite(report.value("spearman_npmi", "feature_linkage"))
    assert "both ways" in report.verdict


def test_features_are_judged_by_taxonomy_alone(data):
    given = {"n_permutations": 19, "random_state": 0, "evidence": "features"}
    assert not audit(planted_tree(data), data.Y_test, **given).trustworthy
    assert audit(planted_tree(data), data.Y_test, taxonomy=data.groups, **given).trustworthy
    other = np.random.default_rng(0).permutation(data.groups)
    assert not audit(planted_tree(data), data.Y_test, taxonomy=other, **given).trustworthy


def test_contradictions_count(data):
    """Siblings that exclude each other: near in the tree, never together."""
    draws = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 4)
    rows = np.zeros((3000, 40))
    for g in range(10):
        rows[np.arange(3000), 4 * g + draws.integers(0, 4, 3000)] = draws.random(3000) < 0.6
    W = (np.arange(10)[:, None] == groups).astype(float)
    report = audit(LabelHierarchy.from_weights([W]), rows, n_permutations=50, random_state=0)
    assert report.value("contradiction_ratio") > 5
    assert report.checks["contradictions"] is False
    assert not report.trustworthy


def test_too_little_evidence_is_said(data):
    report = audit(planted_tree(data), data.Y_test[:30], n_permutations=19, random_state=0)
    assert not report.trustworthy
    assert "too little to go by" in report.verdict
    empty = audit(planted_tree(data), sp.csr_matrix((50, 72)), n_permutations=19, random_state=0)
    assert empty.value("powered_pairs") == 0
    assert not empty.trustworthy
    assert "nan" not in empty.to_html().lower()
    assert "No two of the 72 labels are frequent enough in 50 held-out rows" in empty.verdict
    assert "The rivals" not in empty.verdict
    assert "nan" not in report.verdict


def test_pairs_are_sampled_above_the_limit(data):
    report = audit(
        planted_tree(data), data.Y_test, max_pairs=500, n_permutations=19, random_state=0
    )
    assert report.value("tested_pairs") == 500
    assert report.value("powered_pairs") > 500
    assert "drawn at random" in report.verdict
    full = audit(planted_tree(data), data.Y_test, n_permutations=19, random_state=0)
    gap = report.value("spearman_npmi") - full.value("spearman_npmi")
    assert abs(gap) < 0.1


@pytest.mark.slow
def test_two_thousand_labels_are_audited():
    data = make_label_hierarchy(
        4000, n_topics=10, groups_per_topic=20, labels_per_group=10, test_size=0.5, random_state=0
    )
    report = audit(planted_tree(data), data.Y_test, n_permutations=19, random_state=0)
    assert report.value("labels") == 2000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_permutations": 5}, "n_permutations"),
        ({"min_expected": 0}, "min_expected"),
        ({"max_pairs": 0}, "max_pairs"),
        ({"evidence": "faith"}, "evidence"),
        ({"X": np.ones((3, 2))}, "Y_heldout has 3000 rows, X has 3"),
        ({"Y_train": np.ones((5, 3))}, "Y_train has 3 labels, the hierarchy has 72"),
        ({"taxonomy": [1, 2]}, "72 labels, taxonomy has 2"),
        ({"taxonomy": 5}, "one group or path"),
    ],
)
def test_bad_input_is_named(data, options, message):
    with pytest.raises(ValueError, match=message):
        audit(planted_tree(data), data.Y_test, **options)


def test_wrong_objects_are_named(data):
    with pytest.raises(TypeError, match="must be a LabelHierarchy; got str"):
        audit("tree", data.Y_test)
    with pytest.raises(ValueError, match="Y_heldout has 10 labels"):
        audit(planted_tree(data), data.Y_test[:, :10])
    with pytest.raises(ValueError, match="X_train has 2"):
        audit(planted_tree(data), data.Y_test, Y_train=data.Y_train, X_train=np.ones((2, 2)))


def test_public_names_and_examples():
    assert callable(nnae.audit)
    for module in (_audit, _report):
        assert doctest.testmod(module).failed == 0
