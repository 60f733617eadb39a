"""Explanations: every ledger adds up to the score that is reported."""

import numpy as np
import pytest
import scipy.sparse as sp
from explained import (
    DECODERS,
    DIRECT,
    LOSSES,
    assert_adds_up,
    best,
    fitted,
    planted_rows,
)
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression, PoissonRegressor, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor

from nnae import explain
from nnae._landmarks import Landmarks
from nnae.datasets import make_label_hierarchy
from nnae.explaining._attribution import METHODS, linear_map
from nnae.explaining._kernel import FeatureKernel


@pytest.fixture(scope="module")
def rows():
    return planted_rows()


@pytest.fixture(scope="module")
def model(rows):
    return fitted(rows)


@pytest.mark.parametrize(
    ("loss", "decoder"),
    [
        *((loss, decoder) for loss in LOSSES for decoder in (*DECODERS, "stack")),
        *(("bernoulli", decoder) for decoder in (*DIRECT, "tree", "pair", "residual")),
    ],
)
def test_ledgers_add_up_to_what_is_reported(rows, loss, decoder):
    model = fitted(rows, loss, decoder)
    assert model.scale_.norms.dtype == model.estimator_.coef_.dtype == np.float64
    for x in rows[2][:6]:
        for place in (0, 3, 40):
            label, score = best(model, x, place)
            for top in (2, 5, None):
                found = explain(model, x, label, top=top)
                assert found.score == score
                assert found.rank == place + 1
                assert_adds_up(found)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("level", [2, 3])
def test_higher_levels_have_ledgers_of_their_own(rows, decoder, level):
    model = fitted(rows, decoder=decoder)
    label, score = best(model, rows[2][0], level=level)
    found = explain(model, rows[2][0], label, level=level)
    assert found.score == score
    assert_adds_up(found)


@pytest.mark.parametrize("decoder", DECODERS)
def test_propensities_are_in_the_ledger(rows, decoder):
    model = fitted(rows, decoder=decoder, rank_by="psp")
    label, score = best(model, rows[2][1])
    found = explain(model, rows[2][1], label)
    assert found.score == score
    assert_adds_up(found)
    plain = explain(fitted(rows, decoder=decoder), rows[2][1], label)
    prior = model.propensities_[label] ** model.psp_exponent_
    assert found.score == pytest.approx(plain.score / prior)
    assert found.probability == pytest.approx(plain.probability)


def test_a_stack_is_its_weighted_parts(rows):
    X_test = rows[2]
    model = fitted(rows, decoder="stack")
    stack, x = model.decoder_, X_test[0]
    label, score = best(model, x)
    query = model._query(x[None], 1)[0]
    scores = [
        part.scores(stack.view(query, 1) if name.startswith("landmark") else query, 1, 1)[0, label]
        for name, part in zip(stack.names, stack.parts, strict=True)
    ]
    roots = np.sqrt(np.maximum(scores, 0)) * stack.weights[:, stack.bands[label]]
    found = explain(model, x, label)
    by_part = found.frame.groupby("part")["contribution"].sum()
    assert sum(roots) ** 2 == pytest.approx(score)
    for name, root in zip(stack.names, roots, strict=True):
        assert by_part.get(name, 0.0) == pytest.approx(root * sum(roots), rel=1e-5, abs=1e-9)
    assert len(by_part) >= 2
    assert_adds_up(explain(model, x, label, level=2))
    other = best(model, x, 1)[0]
    difference = explain(model, x, label, against=other)
    assert difference.score == pytest.approx(score - best(model, x, 1)[1])
    assert_adds_up(difference)
    assert len(found.counterfactuals) > 5


@pytest.mark.parametrize("level", [1, 2])
def test_a_tree_loses_certainty_on_the_way_down(rows, level):
    model = fitted(rows, decoder="tree")
    x = rows[2][0]
    n_found = int((model.predict_topk(x[None], 72, level=level)[0] >= 0).sum())
    for place in range(0, n_found, max(1, n_found // 6)):
        label, score = best(model, x, place, level=level)
        found = explain(model, x, label, level=level)
        assert_adds_up(found)
        path = found.details["path"]
        forest = model.decoder_.forests[level - 1]
        assert set(path["tree"]) == set(range(1, len(forest.roots) + 1))
        by_tree = np.exp(path.groupby("tree")["log_term"].sum())
        aside = found.frame["kind"].eq("search").sum()
        if not aside:
            assert by_tree.mean() == pytest.approx(score, rel=1e-5, abs=1e-9)
        assert (path["contribution"] <= 0).all()
        ends = path.groupby("tree")["name"].last()
        assert set(ends) == {found.label}
        margins = found.details["margins"]
        assert set(margins["feature"]) <= set(range(30))


def test_labels_that_the_search_leaves_aside_cannot_be_explained(rows):
    model = fitted(rows, decoder="tree")
    model.decoder_.beam = 1
    indices, _ = model.predict_topk(rows[2][:1], 72, level=2)
    missing = sorted(set(range(72)) - set(indices[0].tolist()))
    assert missing
    with pytest.raises(ValueError, match="has no score for this row"):
        explain(model, rows[2][0], missing[0], level=2)
    assert_adds_up(explain(model, rows[2][0], int(indices[0, 0]), level=2))


def test_several_trees_have_a_path_each():
    data = make_label_hierarchy(700, labels_per_group=12, random_state=0)
    Y = sp.csr_matrix(data.Y, dtype=np.float64)
    X = Y @ np.random.default_rng(0).normal(size=(Y.shape[1], 40))
    model = fitted((X[:600], Y[:600], X[600:]), decoder="tree")
    assert len(model.decoder_.forests[0].roots) == 3
    kinds = set()
    for beam in (10, 1):
        model.decoder_.beam = beam
        for x in X[600:604]:
            indices, _ = model.predict_topk(x[None], 144)
            for label in indices[0, indices[0] >= 0][[0, 3, -1]].tolist():
                found = explain(model, x, label)
                assert_adds_up(found)
                assert set(found.details["path"]["tree"]) == {1, 2, 3}
                kinds |= set(found.frame["kind"])
    assert {"start", "path", "search"} <= kinds


def test_kernels_of_features_are_opened_exactly(rows):
    """Parts that see rows through landmarks lead back to features without a rest."""
    X, _, X_test = rows
    evidence = fitted(rows, decoder="stack").decoder_.view
    landmarks = Landmarks.of(X, 100, 0.5, 0) if evidence is None else evidence.landmarks
    for make in (np.asarray, sp.csr_matrix):
        opened = FeatureKernel.of(landmarks, make(X_test[:1]))
        expected = landmarks.features(X_test[:1], 1)[0]
        size = np.abs(opened.parts).sum(0) + np.abs(opened.base)
        assert (abs(opened.base + opened.parts.sum(0) - expected) <= 1e-9 * size).all()


def test_lines_are_products_of_features_weights_and_codes(rows, model):
    x = rows[2][2]
    label, _ = best(model, x)
    lines = explain(model, x, label, top=None).frame
    B = model.compressor_.concepts(1)
    k = len(B)
    coef = model.estimator_.coef_[:k] / model.scale_.norms[:k, None]
    z = coef @ x + model.estimator_.intercept_[:k] / model.scale_.norms[:k]
    for line in lines[lines["kind"] == "feature"].to_dict("records"):
        feature, p = int(line["name"][1:]), line["concept"]
        expected = x[feature] * coef[p, feature] * B[p, label]
        assert line["contribution"] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert line["value"] == x[feature]
    clipping = lines.loc[lines["kind"] == "clipping", "contribution"].sum()
    assert clipping == pytest.approx(-(np.minimum(z, 0) * B[:, label]).sum())
    levels = explain(model, x, label).levels
    first = levels[levels["level"] == 1].set_index("concept")["contribution"]
    for p, amount in first.items():
        assert amount == pytest.approx(z[p] * B[p, label])


def test_noisy_or_shares_multiply_to_the_probability(rows, model):
    label, _ = best(model, rows[2][0])
    found = explain(model, rows[2][0], label)
    first = found.levels[found.levels["level"] == 1]
    assert found.probability == pytest.approx(1 - np.prod(1 - first["share"]))
    assert found.probability == pytest.approx(model.predict_proba(rows[2][:1])[0, label])
    other = explain(fitted(rows, "frobenius"), rows[2][0], label)
    assert other.levels["share"].isna().all()


def test_probabilities_are_those_that_are_predicted(rows):
    model = fitted(rows, profile="best")
    x = rows[2][:1]
    assert model.calibration_ is not None
    for place in (0, 5):
        label, _ = best(model, x[0], place)
        expected = model.predict_proba(x)[0, label]
        assert explain(model, x[0], label).probability == pytest.approx(expected)


def test_higher_levels_compose_the_codes_below(rows, model):
    x = rows[2][0]
    label, _ = best(model, x)
    levels = explain(model, x, label).levels
    for level in (2, 3):
        rate = model.decision_function(x[None])  # level 1 alone: take the level's from topk
        indices, scores = model.predict_topk(x[None], rate.shape[1], level=level)
        expected = scores[0, list(indices[0]).index(label)]
        own = levels[(levels["level"] == level) & (levels["concept"] >= 0)]
        assert own["contribution"].sum() == pytest.approx(expected)


def test_votes_are_training_examples_that_have_the_label(rows):
    model = fitted(rows, decoder="neighbors")
    label, score = best(model, rows[2][0])
    found = explain(model, rows[2][0], label)
    votes = found.votes
    assert votes["contribution"].sum() == pytest.approx(score)
    have = rows[1][votes["example"].to_numpy()][:, [label]].toarray().ravel()
    assert (have == 1).all()
    assert (np.diff(votes["contribution"]) <= 0).all()
    assert (votes["cosine"] > 0).all()
    assert all(0 < sum(shares) <= 1 + 1e-9 for shares in votes["concept_shares"])


def test_a_row_whose_codes_are_zero_is_explained_by_frequencies(rows):
    X, Y, _ = rows
    model = fitted(rows, decoder="neighbors")
    model.estimator_.coef_ *= 0
    model.estimator_.intercept_ -= 1e9
    found = explain(model, X[0], 0)
    assert found.score == pytest.approx(Y[:, [0]].mean())
    assert found.frame["kind"].tolist() == ["frequency"]
    assert_adds_up(found)


@pytest.mark.parametrize(
    "estimator", [Ridge(), LinearRegression(), MultiOutputRegressor(Ridge(alpha=2.0))]
)
def test_other_linear_regressions_are_exact_too(rows, estimator):
    model = fitted(rows, estimator=estimator)
    found = explain(model, rows[2][0], best(model, rows[2][0])[0])
    assert found.method == "linear"
    assert_adds_up(found)


def test_coefficients_behind_a_link_are_no_linear_map(rows):
    model = fitted(rows, estimator=PoissonRegressor())
    assert linear_map(model.estimator_) is not None
    found = explain(model, rows[2][0], best(model, rows[2][0])[0])
    assert found.method == "occlusion"
    assert_adds_up(found)


@pytest.mark.parametrize("method", ["occlusion", "shapley", "lime"])
@pytest.mark.parametrize("sparse", [True, False])
def test_any_step_two_is_explained_with_its_residual(rows, method, sparse):
    X, Y, X_test = rows
    X, X_test = np.maximum(X, 0), np.maximum(X_test, 0)
    make = sp.csr_matrix if sparse else np.asarray
    estimator = ExtraTreesRegressor(5, random_state=0)
    model = fitted((make(X), Y, make(X_test)), estimator=estimator)
    x = X_test[:1]
    label = int(model.predict_topk(make(x), 1)[0][0, 0])
    found = explain(model, make(x), label, method=method)
    assert found.method == method
    assert_adds_up(found)
    again = explain(model, make(x), label, method=method)
    assert again.to_json() == found.to_json()
    together = found.features.set_index("kind")["contribution"]["interaction"]
    assert (abs(together) < 1e-9) == (method == "shapley")


def test_methods_agree_where_step_two_is_linear(rows, model):
    x = rows[2][0]
    label, _ = best(model, x)
    exact = explain(model, x, label).features.query("kind == 'feature'").set_index("feature")
    for method in METHODS:
        found = explain(model, x, label, method=method).features
        found = found.query("kind == 'feature'").set_index("feature")["contribution"]
        tolerance = 0.05 if method == "lime" else 1e-8
        size = exact["contribution"].abs().max()
        expected = exact["contribution"].reindex(found.index)
        np.testing.assert_allclose(found, expected, atol=tolerance * size)


def test_a_background_takes_the_place_of_zeros(rows):
    X, _, X_test = rows
    model = fitted(rows, estimator=KNeighborsRegressor(5))
    label, _ = best(model, X_test[0])
    found = explain(model, X_test[0], label, background=X_test[0])
    assert not len(found.favouring)
    assert not len(found.opposing)
    assert_adds_up(found)
    mean = explain(model, X_test[0], label, background=X.mean(0))
    assert len(mean.favouring)
    with pytest.raises(ValueError, match=r"background must have a value a feature \(30\); got 2"):
        explain(model, X_test[0], label, background=[0, 1])


def test_single_precision_states_its_rounding(rows):
    X, Y, X_test = rows
    model = fitted((X.astype(np.float32), Y.astype(np.float32), X_test))
    x = X_test[0].astype(np.float32)
    found = explain(model, x, best(model, x)[0])
    assert abs(found.residual) < 1e-4 * found.score
    assert found.frame["contribution"].sum() == pytest.approx(found.score, rel=1e-12)
    assert "rounding" in set(found.frame["kind"])
    assert "float32" not in found.to_text()
