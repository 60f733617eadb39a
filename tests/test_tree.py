"""The decoder by label trees: their shape, their levels, and what it ranks."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features, popularity
from reference import LINKS, path_shares

import nnae
from nnae._linear_dual import DualOptions, unit_rows
from nnae.decoders import _label_trees
from nnae.decoders._forest import Learner, margin_of_share
from nnae.decoders._label_trees import (
    ConceptChain,
    balanced_tree,
    concept_tree,
    cut_tree,
    halve,
)
from nnae.metrics import precision_at_k


@pytest.fixture(scope="module")
def planted():
    return planted_features()


@pytest.fixture(scope="module")
def fitted(planted):
    return nnae.TwoStepClassifier(decoder="tree", random_state=0, n_threads=1).fit(*planted[:2])


def chain_of(places, seed=0):
    """Make a chain from the concept of each label at level 1, 2, ..."""
    vectors = np.random.default_rng(seed).random((len(places[0]), 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return ConceptChain([np.asarray(place) for place in places], vectors)


def sets_below(tree):
    """Return the labels below each node."""
    members = tree.members().toarray() > 0
    return [frozenset(np.flatnonzero(column).tolist()) for column in members.T]


def test_a_concept_tree_has_the_concepts_as_nodes(monkeypatch):
    monkeypatch.setattr(_label_trees, "LARGEST_LEAF", 3)
    low = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2, -1]
    high = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, -1]
    tree = concept_tree(chain_of([low, high]), np.arange(12), 0)
    found = sets_below(tree)
    assert found[0] == set(range(12))
    for wanted in ({0, 1, 2, 3, 4}, {0, 1, 2}, {3, 4}, set(range(5, 11))):
        assert frozenset(wanted) in found
    halves = [s for s in found if s < set(range(5, 11))]
    assert sorted(map(len, halves)) == [3, 3]  # a large concept of level 1 is halved
    assert len(found) == 7
    assert tree.homes[11] == 0  # a label without a concept hangs from the root
    sizes = np.bincount(tree.homes, minlength=len(found))
    assert sizes.max() <= 3
    assert (tree.parents[1:] < np.arange(1, len(found))).all()


def test_a_cut_tree_stops_at_its_level():
    low, high = [0, 0, 1, 1, 2, 3], [0, 0, 0, 0, 1, -1]
    chain = chain_of([low, high])
    found = sets_below(cut_tree(chain, np.arange(6), 2))
    assert found == [frozenset(range(6)), frozenset({0, 1, 2, 3}), frozenset({4})]
    fine = sets_below(cut_tree(chain, np.arange(6), 1))
    assert {frozenset({0, 1}), frozenset({2, 3})} < set(fine)
    left_out = cut_tree(chain, np.array([0, 2, 4]), 2)
    assert left_out.homes.tolist() == [1, -1, 1, -1, 2, -1]


def test_labels_are_parted_by_what_contributes_most():
    W = [np.array([[4.0, 4, 0, 0.1], [0, 0.1, 3, 3]]), np.array([[1.0, 0], [0, 1]])]
    Y = sp.csr_matrix(np.array([[1.0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 0]]))
    codes = [np.array([[1.0, 0], [0, 1], [0, 1]])] * 2
    chain = ConceptChain.of(W, codes, Y)
    for place in chain.places:
        assert place[0] == place[1] != place[2] == place[3]
    np.testing.assert_allclose(np.linalg.norm(chain.vectors, axis=1), 1)
    assert chain.vectors[0] @ chain.vectors[3] == 0


@pytest.mark.parametrize("n", [2, 3, 101, 230])
def test_halves_are_equal_and_alike(n):
    rng = np.random.default_rng(n)
    side = rng.permutation(np.arange(n) < n // 2)
    vectors = np.where(side[:, None], [1.0, 0.1, 0], [0.1, 1.0, 0]) + 0.05 * rng.random((n, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first = halve(vectors, np.random.RandomState(0))
    assert first.sum() == (n + 1) // 2
    if n > 3:
        agree = (first == side).mean()
        assert max(agree, 1 - agree) >= 1 - 1 / n
    same = halve(np.ones((n, 3)), np.random.RandomState(0))
    assert same.sum() == (n + 1) // 2


def test_no_leaf_is_large_and_seeds_differ():
    chain = chain_of([np.zeros(450, int)])
    trees = [balanced_tree(chain, np.arange(450), seed) for seed in (0, 1, 0)]
    for tree in trees:
        assert np.bincount(tree.homes, minlength=1).max() <= 100
        assert (tree.homes >= 0).all()
        assert len(tree.parents) == 15
    assert trees[0].homes.tolist() == trees[2].homes.tolist() != trees[1].homes.tolist()


@pytest.mark.parametrize("loss", list(LINKS))
def test_a_margin_stands_for_its_share(loss):
    shares = np.array([1e-6, 0.1, 0.5, 0.999, 1.0])
    with np.errstate(over="ignore"):
        back = LINKS[loss](margin_of_share(shares, loss).astype(float))
    np.testing.assert_allclose(back, shares, rtol=1e-4)


def test_it_ranks_far_better_than_popularity(planted, fitted):
    _, Y, Xt, Yt = planted
    indices, scores = fitted.predict_topk(Xt, 5)
    assert precision_at_k(Yt, indices, 1) > 3 * popularity(Y, Yt, 1)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert all(len(set(row)) == 5 for row in indices.tolist())
    every = fitted.decision_function(Xt)
    np.testing.assert_array_equal(np.take_along_axis(every, indices, 1), scores)
    np.testing.assert_array_equal(scores[:, 0], every.max(1))
    shares = fitted.predict_proba(Xt)
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert set(fitted.predict(Xt).data.tolist()) == {1}


def test_it_is_one_classifier_a_label_where_one_leaf_holds_all(planted, fitted):
    _X, _Y, Xt, _ = planted
    decoder = fitted.decoder_
    assert decoder.levels == 2
    assert decoder.forests[0].n_nodes == 1  # 72 labels
    star = path_shares(unit_rows(Xt).toarray(), decoder.forests[0], 0, LINKS["squared_hinge"])
    np.testing.assert_allclose(fitted.decision_function(Xt), star, atol=1e-6)


def test_higher_levels_share_a_concept_by_frequency(planted, fitted):
    _, Y, Xt, _ = planted
    forest = fitted.decoder_.forests[1]
    rows = unit_rows(Xt)
    scores = forest.scores(rows, 1000, 1)
    wanted = path_shares(rows.toarray(), forest, 0, LINKS["squared_hinge"])
    np.testing.assert_allclose(scores, wanted, atol=1e-6)
    chain = ConceptChain.of(
        fitted.compressor_.weights_, [fitted.compressor_.transform(Y, level) for level in (1, 2)], Y
    )
    place = chain.places[1]
    for concept in np.unique(place[place >= 0]):
        inside = np.flatnonzero(place == concept)
        reach = (np.asarray(Y[:, inside].sum(1)).ravel() > 0).sum()
        share = np.asarray(Y[:, inside].sum(0)).ravel() / reach
        ratio = scores[:, inside] / share
        np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones(len(inside)), rtol=1e-4)
    _indices, best = fitted.predict_topk(Xt, 3, level=2)
    np.testing.assert_array_equal(
        best[:, 0],
        fitted.decoder_.scores(nnae.decoders.Query(Xt, np.zeros((len(Xt), 1))), 2, 1).max(1),
    )


def test_trees_agree_with_one_leaf_and_sum_over_seeds(planted, monkeypatch):
    monkeypatch.setattr(_label_trees, "LARGEST_LEAF", 8)
    X, Y, Xt, Yt = planted
    model = nnae.TwoStepClassifier(decoder="tree", random_state=0).fit(X, Y)
    forest = model.decoder_.forests[0]
    assert len(forest.roots) == 3
    rows = unit_rows(Xt)
    every = [path_shares(rows.toarray(), forest, r, LINKS["squared_hinge"]) for r in forest.roots]
    np.testing.assert_allclose(forest.scores(rows, 1000, 1), np.mean(every, axis=0), atol=1e-6)
    indices, _ = model.predict_topk(Xt, 5)
    assert precision_at_k(Yt, indices, 1) > 3 * popularity(Y, Yt, 1)


def test_threads_never_change_a_bit(planted, fitted):
    X, Y, Xt, _ = planted
    for n_threads in (2, 7):
        again = nnae.TwoStepClassifier(decoder="tree", random_state=0, n_threads=n_threads)
        again.fit(sp.csr_matrix(X), Y)
        for level in (1, 2):
            for got, wanted in zip(
                again.predict_topk(Xt, 5, level=level),
                fitted.predict_topk(Xt, 5, level=level),
                strict=True,
            ):
                np.testing.assert_array_equal(got, wanted)


def test_rare_labels_come_up_by_propensity(planted, fitted):
    _, _, Xt, _Yt = planted
    by_psp = copy.deepcopy(fitted).set_params(rank_by="psp")
    scores = fitted.decision_function(Xt)
    indices, best = by_psp.predict_topk(Xt, 4)
    wanted = scores * fitted.propensities_**-fitted.psp_exponent_
    np.testing.assert_allclose(best, -np.sort(-wanted, axis=1)[:, :4], rtol=1e-6)
    plain, _ = fitted.predict_topk(Xt, 4)
    p = fitted.propensities_
    assert p[indices].mean() < p[plain].mean()


def test_it_comes_back_from_a_file_and_from_copies(planted, fitted, tmp_path):
    Xt = planted[2]
    nnae.save(fitted, tmp_path / "m.nnae")
    for again in (
        nnae.load(tmp_path / "m.nnae"),
        pickle.loads(pickle.dumps(fitted)),
        copy.deepcopy(fitted),
    ):
        for level in (1, 2):
            for got, wanted in zip(
                again.predict_topk(Xt, 5, level=level),
                fitted.predict_topk(Xt, 5, level=level),
                strict=True,
            ):
                np.testing.assert_array_equal(got, wanted)


def test_any_factorisation_gives_a_tree(planted):
    X, Y, Xt, Yt = planted
    model = nnae.TwoStepClassifier(nnae.NMF(6, random_state=0), decoder="tree", random_state=0)
    model.fit(X, Y)
    assert model.decoder_.levels == 1
    assert precision_at_k(Yt, model.predict_topk(Xt, 1)[0], 1) > 3 * popularity(Y, Yt, 1)


def test_edges_have_defined_answers():
    X, Y = np.eye(3), np.eye(3)
    model = nnae.TwoStepClassifier(decoder="tree", profile="fast", random_state=0).fit(X, Y)
    indices, scores = model.predict_topk(X, 5)
    assert (indices[:, 0] == np.arange(3)).all()
    assert (indices[:, 3:] == -1).all()
    assert np.isneginf(scores[:, 3:]).all()
    Y = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]])  # the last label has no positive
    model = nnae.TwoStepClassifier(decoder="tree", profile="fast", random_state=0).fit(X, Y)
    indices, scores = model.predict_topk(np.vstack([X, np.zeros((1, 3))]), 3)
    assert (np.sort(indices[:, :2], axis=1) == [0, 1]).all()
    assert (indices[:, 2] == -1).all()
    assert np.isfinite(scores[:, :2]).all()
    assert (model.decision_function(X)[:, 2] == 0).all()
    one = nnae.TwoStepClassifier(decoder="tree", profile="fast", random_state=0).fit(
        X[:1], [[1, 0]]
    )
    assert one.predict_topk(X, 2)[0][:, 0].tolist() == [0, 0, 0]


def test_rows_of_weight_zero_count_as_absent(planted):
    X, Y, Xt, _ = planted
    weights = (np.arange(300) % 3 > 0).astype(float)
    compressor = nnae.NNAE((12, 3), random_state=0).fit(Y)
    settings = {"decoder": "tree", "prefit": True, "profile": "fast", "random_state": 0}
    weighted = nnae.TwoStepClassifier(compressor, **settings).fit(X, Y, sample_weight=weights)
    kept = nnae.TwoStepClassifier(compressor, **settings).fit(X[weights > 0], Y[weights > 0])
    np.testing.assert_array_equal(weighted.decision_function(Xt), kept.decision_function(Xt))


def test_learners_leave_single_edges_alone(planted):
    X, Y, _, _ = planted
    chain = chain_of([np.zeros(72, int), np.zeros(72, int)])
    learner = Learner(unit_rows(X), DualOptions(), None, 1)
    forest = learner.upper_forest(Y, [cut_tree(chain, np.arange(72), 2)])
    assert forest.entry_weight.size == 0  # one concept: nothing to tell apart
    shares = forest.scores(unit_rows(X[:2]), 1, 1)
    np.testing.assert_allclose(shares[0], Y.toarray().mean(0), atol=1e-6)
