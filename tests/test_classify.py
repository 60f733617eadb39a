"""The two-step classifier: its parts put together, any step two, edges, scikit-learn's rules."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from planted_features import planted_features, popularity
from sklearn.base import clone
from sklearn.decomposition import NMF as ScikitNMF
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from nnae import NMF, NNAE, TwoStepClassifier
from nnae._bands import frequency_bands
from nnae.decoders import DECODERS
from nnae.metrics import f1, precision_at_k, propensities, psp_at_k
from nnae.ridge import MultiOutputRidge


@pytest.fixture(scope="module")
def planted():
    return planted_features()


@pytest.fixture(scope="module")
def fitted(planted):
    return TwoStepClassifier(decoder="linear", random_state=0).fit(*planted[:2])


def test_it_ranks_far_better_than_popularity(planted, fitted):
    _, Y, Xt, Yt = planted
    indices, scores = fitted.predict_topk(Xt, 5)
    assert precision_at_k(Yt, indices, 1) > 3 * popularity(Y, Yt, 1)
    assert indices.dtype == np.int64
    assert (np.diff(scores, axis=1) <= 0).all()
    assert all(len(set(row)) == 5 for row in indices.tolist())
    assert fitted.score(Xt, Yt) == precision_at_k(Yt, indices, 1)


def test_scores_are_rates_of_predicted_codes(planted, fitted):
    _, _, Xt, _ = planted
    widths = [len(W) for W in fitted.compressor_.weights_]
    predicted = fitted.estimator_.predict(Xt) / fitted.scale_.norms
    start = 0
    for level, width in enumerate(widths, start=1):
        Z = np.maximum(predicted[:, start : start + width], 0)
        rates = Z @ fitted.compressor_.concepts(level)
        indices, scores = fitted.predict_topk(Xt, 4, level=level)
        np.testing.assert_allclose(np.take_along_axis(rates, indices, 1), scores, atol=1e-10)
        np.testing.assert_allclose(scores[:, 0], rates.max(1), atol=1e-10)
        start += width
    assert start == predicted.shape[1]
    rates = np.maximum(predicted[:, : widths[0]], 0) @ fitted.compressor_.concepts(1)
    np.testing.assert_allclose(fitted.decision_function(Xt), rates, atol=1e-10)
    everything = np.tile(np.arange(72), (len(rates), 1))
    probabilities = fitted.calibration_.probabilities(rates, everything)
    np.testing.assert_allclose(fitted.predict_proba(Xt), probabilities, atol=1e-10)
    sets = fitted.label_sets_.keep(everything, rates)
    np.testing.assert_array_equal(fitted.predict(Xt).toarray(), sets)
    with pytest.raises(ValueError, match="level must be at most 2"):
        fitted.predict_topk(Xt, level=3)


def test_step_two_learns_the_codes_of_all_levels(planted, fitted):
    X = planted[0]
    codes = np.hstack(fitted.compressor_.codes_) * fitted.scale_.norms
    ridge = MultiOutputRidge(fitted.estimator_.alpha_).fit(X, codes)
    np.testing.assert_allclose(ridge.coef_, fitted.estimator_.coef_, atol=1e-8)


def test_probabilities_follow_the_link_of_the_loss(planted):
    X, Y, Xt, _ = planted
    compressor = NNAE((12, 3), tol=1e-2, random_state=0)
    model = TwoStepClassifier(compressor, decoder="linear", profile="fast", random_state=0)
    model.fit(X, Y)
    assert model.loss_name_ == "bernoulli"
    assert model.calibration_ is None
    rates = model.decision_function(Xt)
    np.testing.assert_allclose(model.predict_proba(Xt), 1 - np.exp(-rates), atol=1e-12)
    np.testing.assert_array_equal(model.predict(Xt).toarray(), rates > model.threshold_)


def test_endless_codes_of_the_bernoulli_loss_are_cut(planted):
    X, Y, Xt, Yt = planted
    compressor = NMF(12, random_state=0).fit(Y)
    peaks = compressor.components_.max(1)
    assert (compressor.codes_ * peaks).max() > 100  # rows that have every label of a concept
    model = TwoStepClassifier(compressor, prefit=True, random_state=0).fit(X, Y)
    np.testing.assert_allclose(model.scale_.caps, 7 / peaks)
    assert model.score(Xt, Yt) > 0.4


def test_sparse_output_holds_the_best_labels(planted, fitted):
    Xt = planted[2]
    dense = fitted.decision_function(Xt)
    best = fitted.decision_function(Xt, top_k=3)
    assert sp.issparse(best)
    assert best.has_sorted_indices
    assert (np.diff(best.indptr) == 3).all()
    indices, scores = fitted.predict_topk(Xt, 3)
    rows = np.arange(len(Xt))[:, None]
    np.testing.assert_allclose(best.toarray()[rows, indices], scores)
    np.testing.assert_allclose(dense[rows, indices], scores)
    proba = fitted.predict_proba(Xt, top_k=3)
    assert proba.nnz == best.nnz
    assert proba.data.max() <= 1


def test_large_outputs_become_sparse(planted, fitted, monkeypatch):
    monkeypatch.setattr("nnae._predictions.DENSE_LIMIT", 10)
    found = fitted.predict_proba(planted[2])
    assert sp.issparse(found)
    assert found.shape == planted[3].shape


def test_another_step_two_leaves_step_one_alone(planted):
    X, Y, Xt, _ = planted
    model = TwoStepClassifier(random_state=0).fit(X, Y)
    compressor, weights = model.compressor_, model.compressor_.weights_[0].copy()
    before = model.predict_topk(Xt)[1]
    assert model.refit_estimator(X, Y, Ridge(0.1)) is model
    assert model.compressor_ is compressor
    np.testing.assert_array_equal(compressor.weights_[0], weights)
    assert isinstance(model.estimator_, Ridge)
    assert (model.predict_topk(Xt)[1] != before).any()
    model.refit_estimator(X[:200], Y[:200])
    assert isinstance(model.estimator_, Ridge)


def test_a_fitted_compressor_is_taken_as_it_is(planted):
    X, Y, Xt, _ = planted
    compressor = NNAE((20, 4), encoder="linear", random_state=0).fit(Y.astype(float))
    model = TwoStepClassifier(compressor, prefit=True, profile="fast", random_state=0).fit(X, Y)
    assert model.compressor_ is compressor
    again = TwoStepClassifier(clone(compressor), profile="fast", random_state=0).fit(X, Y)
    np.testing.assert_array_equal(again.predict_topk(Xt)[1], model.predict_topk(Xt)[1])
    half = TwoStepClassifier(compressor, prefit=True, random_state=0).fit(X[:150], Y[:150])
    assert half.predict(Xt).shape == (100, 72)
    with pytest.raises(ValueError, match="Y has 70 labels, the compressor has 72"):
        TwoStepClassifier(compressor, prefit=True).fit(X, Y[:, :70])
    with pytest.raises(ValueError, match="prefit=True needs a fitted compressor"):
        TwoStepClassifier(prefit=True).fit(X, Y)
    with pytest.raises(NotFittedError):
        TwoStepClassifier(NNAE((4,)), prefit=True).fit(X, Y)


def test_a_factorisation_of_scikit_learn_can_compress(planted):
    X, Y, Xt, Yt = planted
    compressor = ScikitNMF(12, init="nndsvda", max_iter=300, tol=1e-3)
    model = TwoStepClassifier(compressor, random_state=0).fit(X, Y)
    assert model.score(Xt, Yt) > 1.5 * popularity(Y, Yt, 1)
    with pytest.raises(TypeError, match=r"weights_ and concepts\(level\), or components_"):
        TwoStepClassifier(StandardScaler(with_mean=False)).fit(X, Y)


def test_names_go_in_and_come_out(planted):
    X, Y, Xt, Yt = planted
    names = [f"label {j}" for j in range(72)]
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(30)])
    lists = [{names[j] for j in row.indices} for row in Y]
    model = TwoStepClassifier(random_state=0).fit(frame, lists, label_names=names)
    assert model.label_names_.tolist() == names
    assert model.compressor_.label_names_.tolist() == names
    assert model.feature_names_in_.tolist() == list(frame.columns)
    plain = TwoStepClassifier(random_state=0).fit(X, Y)
    new = pd.DataFrame(Xt, columns=frame.columns)
    np.testing.assert_array_equal(model.predict_topk(new)[0], plain.predict_topk(Xt)[0])
    assert model.score(new, [[names[j] for j in row.indices] for row in Yt]) == plain.score(Xt, Yt)
    with pytest.raises(ValueError, match="feature names"):
        model.predict_topk(new[new.columns[::-1]])
    with pytest.warns(UserWarning, match="not seen in training"):
        model.score(new, [{"unheard of"}] * 100)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_and_dense_features_agree(planted, dtype):
    X, Y, Xt, _ = planted
    X, Xt = (np.where(M > 0, M, 0).astype(dtype) for M in (X, Xt))
    dense = TwoStepClassifier(random_state=0).fit(X, Y)
    sparse = TwoStepClassifier(random_state=0).fit(sp.coo_array(X), Y)
    assert dense.predict_topk(Xt)[1].dtype == dtype
    tolerance = 1e-3 if dtype == np.float32 else 1e-8
    a, b = dense.decision_function(Xt), sparse.decision_function(sp.csc_matrix(Xt))
    np.testing.assert_allclose(a, b, atol=tolerance)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("profile", ["best", "fast"])
def test_threads_do_not_change_a_bit(planted, kind, profile):
    X, Y, Xt, _ = planted
    first, *others = (
        TwoStepClassifier(profile=profile, n_threads=t, random_state=0).fit(kind(X), Y)
        for t in (1, 2, 7)
    )
    for model in others:
        assert model.threshold_ == first.threshold_
        for got, wanted in zip(model.predict_topk(Xt), first.predict_topk(Xt), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_a_row_does_not_depend_on_the_rows_beside_it(planted, fitted):
    Xt = planted[2]
    indices, scores = fitted.predict_topk(Xt, 3)
    for i in (0, 63, 99):
        one = fitted.predict_topk(Xt[i : i + 1], 3)
        np.testing.assert_array_equal(one[0], indices[i : i + 1])
        np.testing.assert_array_equal(one[1], scores[i : i + 1])


def test_propensities_bring_rare_labels_up(planted):
    X, Y, Xt, Yt = planted
    keep = np.random.default_rng(1).random(Y.nnz) < 0.15
    rare = Y.tocoo()
    odd = (rare.col % 2 == 0) | keep  # every second label is seen seldom
    Y = sp.csr_matrix((rare.data[odd], (rare.row[odd], rare.col[odd])), shape=Y.shape)
    plain = TwoStepClassifier(random_state=0).fit(X, Y)
    rated = TwoStepClassifier(random_state=0, rank_by="psp").fit(X, Y)
    np.testing.assert_allclose(rated.propensities_, propensities(Y))
    count = np.asarray(Y.sum(0)).ravel()
    a, b = (model.predict_topk(Xt, 5)[0] for model in (plain, rated))
    assert count[b].mean() < count[a].mean()
    np.testing.assert_array_equal(plain.predict(Xt).toarray(), rated.predict(Xt).toarray())
    scores = rated.predict_topk(Xt, 72)
    rates = plain.decision_function(Xt) / rated.propensities_**rated.psp_exponent_
    np.testing.assert_allclose(np.take_along_axis(rates, scores[0], 1), scores[1], atol=1e-9)
    gain = [np.atleast_1d(psp_at_k(Yt, r, 5, rated.propensities_))[0] for r in (a, b)]
    assert gain[1] > gain[0]


def test_weights_of_rows(planted):
    X, Y, Xt, _ = planted
    w = (np.arange(300) % 3 > 0).astype(float)
    model = TwoStepClassifier(NMF(8, random_state=0), profile="fast", random_state=0)
    compressor = NMF(8, random_state=0).fit(Y)
    kept = TwoStepClassifier(compressor, prefit=True, profile="fast")
    a = clone(kept).set_params(compressor=compressor).fit(X, Y, sample_weight=w)
    b = clone(kept).set_params(compressor=compressor).fit(X[w > 0], Y[w > 0])
    np.testing.assert_allclose(a.decision_function(Xt), b.decision_function(Xt), atol=1e-8)
    model.fit(X, Y, sample_weight=w + 0.5)
    plain = clone(model).fit(X, Y)
    assert (model.decision_function(Xt) != plain.decision_function(Xt)).any()
    with pytest.raises(ValueError, match="KNeighborsRegressor does not take sample_weight"):
        from sklearn.neighbors import KNeighborsRegressor

        clone(model).set_params(estimator=KNeighborsRegressor()).fit(X, Y, sample_weight=w)
    with pytest.raises(ValueError, match="sample_weight must have one entry"):
        model.fit(X, Y, sample_weight=w[:-1])


def test_the_error_budget_adds_up(planted, fitted):
    _, Y, Xt, Yt = planted
    budget = fitted.error_budget(Xt, Yt)
    assert budget.index.tolist() == [
        "ceiling",
        "predicted",
        "lost",
        "decided",
        "lost to thresholds",
    ]
    ranks, bands = ["P@1", "P@3", "P@5"], ["F1 head", "F1 torso", "F1 tail"]
    assert budget.columns.tolist() == [*ranks, "F1", *bands]
    for k in (1, 3, 5):
        value = precision_at_k(Yt, fitted.predict_topk(Xt, 5)[0], k)
        assert budget.loc["predicted", f"P@{k}"] == value
    rows = budget.T
    np.testing.assert_allclose(rows["lost"], rows["ceiling"] - rows["predicted"])
    np.testing.assert_allclose(rows["lost to thresholds"], rows["predicted"] - rows["decided"])
    assert (rows["lost"][ranks] > 0).all()
    sets = fitted.predict(Xt)
    assert budget.loc["decided", "F1"] == f1(Yt, sets)
    counts = np.asarray(Y.sum(0)).ravel()
    np.testing.assert_array_equal(fitted.label_counts_, counts)
    head = frequency_bands(counts) == 0
    assert 0.45 < counts[head].sum() / counts.sum() < 0.56
    assert counts[head].min() >= counts[~head].max()
    assert budget.loc["decided", "F1 head"] == f1(Yt[:, head], sets[:, head])
    assert budget.loc["predicted", "F1"] > 0.5 * budget.loc["predicted", "P@1"]


EDGES = {
    "rows of zeros": (np.r_[np.zeros((5, 3)), np.eye(3).repeat(8, 0)], None),
    "one row": (np.ones((1, 3)), np.array([[1, 0, 1]])),
    "two rows": (np.eye(2, 3), np.array([[1, 0], [0, 1]])),
    "a single label": (np.arange(24.0).reshape(-1, 1), (np.arange(24) > 11)[:, None] * 1),
    "a constant label": (np.arange(24.0).reshape(-1, 1), np.ones((24, 1), int)),
    "no label ever": (np.arange(24.0).reshape(-1, 1), np.zeros((24, 2), int)),
}


@pytest.mark.parametrize("profile", ["best", "fast"])
@pytest.mark.parametrize("case", EDGES)
def test_edges_have_defined_results(case, profile):
    X, Y = EDGES[case]
    if Y is None:
        Y = np.r_[np.zeros((5, 4), int), np.tile([1, 0, 1, 0], (24, 1))]
        Y[7:15, 1] = 1
    model = TwoStepClassifier(profile=profile, random_state=0).fit(X, Y)
    n_labels = Y.shape[1]
    indices, scores = model.predict_topk(X, n_labels + 2)
    assert (indices[:, n_labels:] == -1).all()
    assert np.isneginf(scores[:, n_labels:]).all()
    assert (np.sort(indices[:, :n_labels], axis=1) == np.arange(n_labels)).all()
    assert np.isfinite(scores[:, :n_labels]).all()
    positive = Y.any(0)
    never = np.isin(indices[:, :n_labels], np.flatnonzero(~positive))
    assert (scores[:, :n_labels][never] < 1e-6).all()
    assert model.predict(X)[:, ~positive].nnz == 0
    proba = model.predict_proba(X)
    assert ((proba >= 0) & (proba <= 1)).all()
    assert model.predict(X).shape == Y.shape
    assert np.isfinite(model.error_budget(X, Y).to_numpy()).all()
    if case == "a constant label":
        np.testing.assert_allclose(scores[:, 0], 1, atol=1e-5)
    empty = model.predict_topk(X[:1] * 0, 1)  # a row of zeros: the intercept
    assert np.isfinite(empty[1]).all()


def test_mistakes_are_told_in_one_line(planted):
    X, Y, Xt, _ = planted
    with pytest.raises(ValueError, match="Y has 299 rows, X has 300"):
        TwoStepClassifier().fit(X, Y[:-1])
    with pytest.raises(ValueError, match="Y must be non-negative"):
        TwoStepClassifier().fit(X, -Y)
    with pytest.raises(ValueError, match="NaN"):
        TwoStepClassifier().fit(np.full_like(X, np.nan), Y)
    with pytest.raises(
        ValueError, match=f"decoder must be one of auto, {', '.join(DECODERS)}; got"
    ):
        TwoStepClassifier(decoder="oracle").fit(X, Y)
    with pytest.raises(ValueError, match="profile must be one of best, fast"):
        TwoStepClassifier(profile="good").fit(X, Y)
    with pytest.raises(ValueError, match="rank_by must be one of"):
        TwoStepClassifier(rank_by="fame").fit(X, Y)
    with pytest.raises(TypeError, match="estimator must have fit and predict; got str"):
        TwoStepClassifier(estimator="ridge").fit(X, Y)
    with pytest.raises(NotFittedError):
        TwoStepClassifier().predict_topk(X)
    model = TwoStepClassifier(profile="fast", random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="29 features"):
        model.predict_topk(Xt[:, :29])
    with pytest.raises(ValueError, match="k must be at least 1"):
        model.predict_topk(Xt, 0)
    with pytest.raises(ValueError, match="Y has 99 rows, X has 100"):
        model.error_budget(Xt, planted[3][:99])


def test_unsorted_and_doubled_entries_of_features_are_summed(planted):
    X, Y, Xt, _ = planted
    model = TwoStepClassifier(profile="fast", random_state=0).fit(sp.csr_matrix(X), Y)
    rows, columns = np.nonzero(Xt)
    order = np.random.default_rng(0).permutation(len(rows))
    order = np.r_[order, order][np.argsort(np.r_[rows[order], rows[order]], kind="stable")]
    values = Xt[rows, columns][order] / 2
    indptr = np.r_[0, np.cumsum(2 * (Xt != 0).sum(1))]
    odd = sp.csr_matrix((values, columns[order], indptr), shape=Xt.shape)
    before = odd.indices.copy()
    np.testing.assert_allclose(model.decision_function(odd), model.decision_function(Xt), atol=1e-9)
    np.testing.assert_array_equal(odd.indices, before)


def test_labels_of_test_rows_touch_nothing(planted):
    X, Y, Xt, Yt = planted
    model = TwoStepClassifier(random_state=0).fit(X, Y)
    before = (model.estimator_.coef_.copy(), model.threshold_, model.decoder_.weights[0].copy())
    model.score(Xt, Yt)
    model.error_budget(Xt, Yt[::-1])
    again = TwoStepClassifier(random_state=0).fit(X, Y)
    np.testing.assert_array_equal(model.estimator_.coef_, before[0])
    np.testing.assert_array_equal(again.estimator_.coef_, before[0])
    np.testing.assert_array_equal(model.decoder_.weights[0], before[2])
    assert model.threshold_ == again.threshold_ == before[1]
