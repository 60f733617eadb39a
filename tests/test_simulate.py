"""Simulated readers profit from a true tree, not from a shuffled one, and are told no answers."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import nnae
from nnae.auditing._trees import AuditedTree
from nnae.simulate._evidence import base_rates, from_revealed, from_tree
from nnae.simulate._questions import (
    ask_about_decisions,
    balanced,
    frequency_strata,
    gather,
)
from nnae.simulate._readers import READERS, answers
from nnae.simulate._removal import ask_about_removals, decided, removable_concepts
from nnae.simulate._simulation import _halves, _units
from nnae.simulate._trial import CONDITIONS, Tally, summarise


@pytest.fixture(scope="module")
def data():
    return nnae.datasets.make_label_hierarchy(1600, test_size=0.5, random_state=0)


@pytest.fixture(scope="module")
def model(data):
    compressor = nnae.NNAE((12, 3), random_state=0, n_threads=1)
    fitted = nnae.TwoStepClassifier(compressor, profile="fast", random_state=0, n_threads=1)
    return fitted.fit(features(data.Y_train), data.Y_train, label_names=data.label_names)


@pytest.fixture(scope="module")
def tree(model):
    return nnae.LabelHierarchy.from_compressor(model.compressor_)


def features(Y):
    """A noisy view of the labels: each feature is the sum of two labels of different groups."""
    return (Y[:, :36] + Y[:, 36:]).toarray()


def shuffled(hierarchy, seed):
    """A hierarchy whose labels changed places; a graph without concepts cannot be removed from."""
    moved = dict(
        zip(
            hierarchy.labels,
            np.random.default_rng(seed).permutation(hierarchy.labels).tolist(),
            strict=True,
        )
    )
    other = nnae.LabelHierarchy.from_json(hierarchy.to_json())
    other._tree = nx.relabel_nodes(hierarchy.tree(), moved)
    return other


def simulate(model, tree, data, **given):
    options = {"n_repeats": 6, "n_draws": 200, "random_state": 0, "n_threads": 1, **given}
    return nnae.simulate_reader(model, tree, features(data.Y_test), data.Y_test, **options)


def test_a_true_tree_helps_and_a_shuffled_one_does_not(model, tree, data):
    report = simulate(model, tree, data)
    assert report.useful
    for form in ("decisions", "removals"):
        assert report.value("tree_over_shuffled", "ci_low", form=form) > 0
        # of decisions, the logistic reader learns most of the groups from the labels alone
        least = -0.01 if form == "decisions" else 0.02
        gains = [report.value("gain_tree", reader=reader, form=form) for reader in READERS]
        assert min(gains) > least
        assert np.mean(gains) > 0.02
        assert abs(report.value("gain_shuffled_tree", form=form)) < 0.03
        assert report.value("base_rates", form=form) == pytest.approx(0.5, abs=0.06)
    assert "the tree helps" in report.verdict
    lost = simulate(model, shuffled(tree, 1), data)
    assert not lost.useful
    assert "does not clearly help" in lost.verdict
    assert abs(lost.value("tree_over_shuffled")) < 0.03
    # the tree of linkage, which is not shuffled, still helps
    assert lost.value("tree_over_npmi", "ci_high") < 0
    assert "less than the tree that anyone can build" in lost.verdict


@pytest.mark.parametrize("name", ["emoji", "debian_tags"])
def test_the_tree_helps_on_bundled_data(name):
    data = getattr(nnae.datasets, f"load_{name}")()
    some = slice(0, 10_000)  # of Debian's packages; all of the emoji
    fitted = nnae.TwoStepClassifier(decoder="linear", profile="fast", random_state=0, n_threads=1)
    fitted.fit(data.X_train[some], data.Y_train[some], label_names=data.label_names)
    tree = nnae.LabelHierarchy.from_compressor(fitted.compressor_)
    report = nnae.simulate_reader(
        fitted,
        tree,
        data.X_test,
        data.Y_test,
        Y_train=data.Y_train[some],
        groups=data.get("sources_test", data.get("origins_test")),
        n_repeats=5,
        random_state=0,
    )
    assert report.useful
    assert report.value("tree_over_shuffled", "ci_low") > 0
    assert report.value("tree_over_shuffled", "ci_low", form="removals") > 0


def test_report_adds_up(model, tree, data):
    report = simulate(model, tree, data, readers=["logistic", "tree"])
    assert list(report.frame.columns) == [
        *("form", "reader", "quantity", "value", "ci_low", "ci_high")
    ]
    assert len(report.frame) == 2 * 3 * 10
    assert (report.frame["ci_low"] <= report.frame["value"] + 0.02).all()
    assert (report.frame["value"] <= report.frame["ci_high"] + 0.02).all()
    for reader in ("logistic", "tree", "mean"):
        tree_gain = report.value("tree", reader=reader) - report.value("revealed", reader=reader)
        assert report.value("gain_tree", reader=reader) == pytest.approx(tree_gain)
        over = report.value("gain_tree", reader=reader)
        over -= report.value("gain_shuffled_tree", reader=reader)
        assert report.value("tree_over_shuffled", reader=reader) == pytest.approx(over)
    two = [report.value("tree", reader=reader) for reader in ("logistic", "tree")]
    assert report.value("tree") == pytest.approx(np.mean(two))
    assert list(report.counts["form"]) == ["decisions", "removals"]
    assert (report.counts["test_questions"] > report.counts["test_examples"]).all()
    assert (report.counts["explained_examples"] == 30).all()
    with pytest.raises(ValueError, match="there must be such a row"):
        report.value("beauty")


def test_same_seed_same_report_any_threads(model, tree, data):
    one, two = (simulate(model, tree, data, n_threads=t, n_repeats=3) for t in (1, 2))
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.verdict == two.verdict
    other = simulate(model, tree, data, n_repeats=3, random_state=1)
    assert not other.frame["value"].equals(one.frame["value"])


def test_questions_are_balanced_in_every_stratum(data):
    decisions = sp.csr_matrix(data.Y_test)
    strata = frequency_strata(np.bincount(decisions.indices, minlength=72))
    asked, _ = ask_about_decisions(decisions, strata, 2, np.random.default_rng(0))
    assert len(asked) > 500
    dense = decisions.toarray() > 0
    np.testing.assert_array_equal(dense[asked.example, asked.label], asked.answer)
    shown = asked.revealed.toarray() > 0
    assert not shown[np.arange(len(asked)), asked.label].any()
    assert dense[asked.example][shown].all()
    assert set(shown.sum(axis=1)) <= {1, 2}
    for stratum in np.unique(strata):
        inside = asked.answer[strata[asked.label] == stratum]
        assert inside.sum() * 2 == len(inside)
    for i in np.unique(asked.example)[:50]:
        own = asked.example == i
        assert len(set(asked.label[own])) == own.sum()
        assert asked.answer[own].mean() == 0.5


def test_strata_hold_labels_of_like_frequency():
    counts = np.array([0, 1, 2, 3, 6, 7, 14, 15])
    np.testing.assert_array_equal(frequency_strata(counts), [0, 1, 1, 2, 2, 3, 3, 4])


def test_a_label_without_a_partner_is_not_asked_about():
    decisions = sp.csr_matrix(np.array([[1.0, 1, 0], [1, 1, 0]]))
    asked, dropped = ask_about_decisions(
        decisions, np.array([1, 1, 0]), 1, np.random.default_rng(0)
    )
    assert (len(asked), dropped) == (0, 2)
    rows = sp.csr_matrix(np.array([[1.0, 0, 0], [0, 0, 0]]))
    assert len(ask_about_decisions(rows, np.array([1, 1, 1]), 1, np.random.default_rng(0))[0]) == 0


def test_balanced_leaves_as_many_yes_as_no():
    answer = [True] * 7 + [False] * 3 + [True] * 2 + [False] * 5
    label = [0] * 10 + [1] * 7
    shown = [np.array([2])] * 17
    kept = balanced(
        gather(list(range(17)), label, shown, answer, 3),
        np.array([0, 5, 0]),
        np.random.default_rng(0),
    )
    assert [int((kept.label == j).sum()) for j in (0, 1)] == [6, 4]
    for j in (0, 1):
        assert kept.answer[kept.label == j].mean() == 0.5


def test_evidence_by_hand():
    decisions = sp.csr_matrix(
        np.array([[1.0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
    )
    shown = [np.array([0, 1]), np.array([0, 1]), np.array([3])]
    asked = gather([0, 4, 4], [2, 3, 3], shown, [True, False, False], 4)
    seen = from_revealed(asked, decisions, np.array([0, 1, 2, 3]))
    # row 0 does not vote on itself: shares 1/2, 1/2, 1 of rows 1, 2, 3; only row 3 has label 2
    np.testing.assert_allclose(seen[0], [0, 1 / 2, 1])
    # rows 0 to 3 with shares 1, 1/2, 1/2, 1; label 3 in the last three
    np.testing.assert_allclose(seen[1], [0, 2 / 3, 1])
    np.testing.assert_allclose(seen[2], [1, 1, 1])  # the label itself was shown
    rates = base_rates(np.array([3, 3, 2, 3]), 5, asked)
    np.testing.assert_allclose(rates.ravel(), np.log([2.5 / 3.5, 3.5 / 2.5, 3.5 / 2.5]))
    hierarchy = nnae.LabelHierarchy.from_weights(
        [np.array([[1.0, 1, 0, 0], [0, 0, 1, 1]])], label_names=list("abcd")
    )
    tree = AuditedTree.of_hierarchy(hierarchy)
    asked = gather([0, 0], [2, 1], [np.array([0, 3]), np.array([2])], [True, False], 4)
    np.testing.assert_allclose(from_tree(asked, tree), [[1, 1 / 2], [0, 0]])


def test_nothing_that_is_asked_about_leaks_into_the_evidence(data):
    decisions = sp.csr_matrix(data.Y_test)
    draws = np.random.default_rng(3)
    strata = frequency_strata(np.bincount(decisions.indices, minlength=72))
    asked, _ = ask_about_decisions(decisions, strata, 2, draws)
    pool, test = _halves(_units(None, decisions.shape[0]), draws)
    questions = asked.of_examples(test)
    explained = pool[:30]
    changed = decisions.tolil()
    changed[test] = 1 - changed[test].toarray()
    np.testing.assert_array_equal(
        from_revealed(questions, decisions, explained),
        from_revealed(questions, sp.csr_matrix(changed), explained),
    )
    # an explained example says nothing about itself either
    own = asked.of_examples(explained[:1])
    alone = from_revealed(own, decisions, explained[:1])
    assert not alone.any()


def test_groups_stay_on_one_side():
    unit = _units(np.array(["a", "b", "a", "c", "b", "d"]), 6)
    pool, test = _halves(unit, np.random.default_rng(0))
    assert sorted([*pool, *test]) == list(range(6))
    assert not set(unit[pool]) & set(unit[test])
    assert len(set(unit[pool])) == 2


def test_removed_concepts_fall_as_computed_by_hand(model, tree, data):
    X = features(data.Y_test)
    concepts = removable_concepts(model, tree, 2)
    assert sorted(np.concatenate(concepts.members)) == list(range(12))
    asked = ask_about_removals(model, X, concepts, None, np.random.default_rng(0))
    query, _ = model._query(X, 1)
    Z = model.scale_.level(query.targets, 1) / model.scale_.norms[:12]
    W = np.asarray(model.compressor_.concepts(1))
    some = np.unique(asked.example)[:60]
    for i in some:
        own = np.flatnonzero(asked.example == i)
        named = asked.revealed[own[0]].indices
        removed = next(p for p, n in enumerate(concepts.named) if set(n) == set(named))
        rest = Z[i].copy()
        rest[concepts.members[removed]] = 0
        np.testing.assert_array_equal(
            asked.answer[own], (rest @ W <= model.threshold_)[asked.label[own]]
        )
    assert 0.05 < asked.answer.mean() < 0.95


@pytest.mark.parametrize("decoder", ["linear", "neighbors"])
@pytest.mark.parametrize("rank_by", ["probability", "psp"])
def test_decisions_are_those_of_the_classifier(data, decoder, rank_by):
    X = features(data.Y_test)
    compressor = nnae.NNAE((12, 3), random_state=0, n_threads=1)
    other = nnae.TwoStepClassifier(
        compressor, decoder=decoder, rank_by=rank_by, random_state=0, n_threads=1
    ).fit(features(data.Y_train), data.Y_train, label_names=data.label_names)
    query, _ = other._query(X, 1)
    assert (decided(other, query, None) != sp.csr_matrix(other.predict(X), dtype=float)).nnz == 0
    best = decided(other, query, 4)
    np.testing.assert_array_equal(
        np.sort(best.indices.reshape(-1, 4)), np.sort(other.predict_topk(X, 4)[0])
    )
    tree = nnae.LabelHierarchy.from_compressor(other.compressor_)
    report = simulate(other, tree, data, n_repeats=2, readers=["tree"])
    assert set(report.frame["form"]) == {"decisions", "removals"}


def test_removals_need_the_tree_of_the_classifier(model, data):
    other = nnae.NMF(12, random_state=5, n_threads=1).fit(data.Y_train)
    tree = nnae.LabelHierarchy.from_compressor(other, label_names=data.label_names)
    report = simulate(model, tree, data, n_repeats=2)
    assert set(report.frame["form"]) == {"decisions"}
    assert report.value("gain_tree") > 0.02


def test_top_k_decisions(model, tree, data):
    report = simulate(model, tree, data, top_k=3, n_revealed=1, n_repeats=2)
    questions = report.counts.set_index("form").loc["decisions"]
    assert questions["test_questions"] <= 4 * questions["test_examples"]


def test_intervals_cover_what_was_drawn():
    draws = np.random.default_rng(0)
    right = np.zeros((len(CONDITIONS), 1, 4, 300))
    for c, chance in enumerate((0.5, 0.6, 0.8, 0.6, 0.7)):
        right[c, 0] = draws.binomial(4, chance, (4, 300))
    frame = summarise(Tally(right, np.full(300, 4.0), ("x",), 1.0), 400, draws)
    frame = frame[frame["reader"] == "mean"].set_index("quantity")
    assert frame.at["tree", "value"] == pytest.approx(right[2].mean() / 4)
    low, high = frame.loc["tree_over_shuffled", ["ci_low", "ci_high"]]
    assert low < 0.2 < high
    assert high - low < 0.1


def test_readers_answer_without_both_answers():
    seen, asked = np.zeros((3, 1)), np.zeros((2, 1))
    assert answers("tree", seen, np.ones(3, bool), asked).all()
    assert not answers("logistic", seen, np.zeros(3, bool), asked).any()
    assert not answers("neighbors", seen[:0], np.zeros(0, bool), asked).any()


def test_errors_say_what_must_hold(model, tree, data):
    with pytest.raises(TypeError, match="must be a LabelHierarchy"):
        simulate(model, {"a": 1}, data)
    with pytest.raises(ValueError, match="readers must be one of"):
        simulate(model, tree, data, readers=["oracle"])
    with pytest.raises(ValueError, match="readers must be a list"):
        simulate(model, tree, data, readers="tree")
    with pytest.raises(ValueError, match="top_k must be at least 2; got 1"):
        simulate(model, tree, data, top_k=1)
    with pytest.raises(ValueError, match="removal_level must be at most 2; got 3"):
        simulate(model, tree, data, removal_level=3)
    with pytest.raises(ValueError, match=r"groups must have one entry a row \(800\)"):
        simulate(model, tree, data, groups=[1, 2])
    with pytest.raises(ValueError, match="Y_heldout has 5 rows, X_heldout has 800"):
        nnae.simulate_reader(model, tree, features(data.Y_test), data.Y_test[:5])
    with pytest.raises(ValueError, match="rows with two decisions or more"):
        nnae.simulate_reader(model, tree, features(data.Y_test[:2]), data.Y_test[:2])
    other = nnae.LabelHierarchy.from_weights([np.eye(3)])
    with pytest.raises(ValueError, match="the same labels; got "):
        simulate(model, other, data)
