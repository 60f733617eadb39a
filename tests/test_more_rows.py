"""Step two goes on with new rows: as if they had been there, and what cannot go on."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import SGDRegressor
from sklearn.multioutput import MultiOutputRegressor

import nnae
from nnae import NNAE, TwoStepClassifier
from nnae.ridge import MultiOutputRidge


@pytest.fixture(scope="module")
def planted():
    X, Y, Xt, _ = planted_features()
    return np.asarray(X, np.float64), sp.csr_matrix(Y, dtype=np.float64), np.asarray(Xt, float)


@pytest.fixture(scope="module")
def compressor(planted):
    return NNAE((20, 4), encoder="linear", random_state=0, n_threads=1).fit(planted[1])


def model(compressor, alpha="gcv", decoder="linear"):
    ridge = MultiOutputRidge(alpha, keep_products=True, n_threads=1)
    options = {"prefit": True, "profile": "fast", "random_state": 0, "n_threads": 1}
    return TwoStepClassifier(compressor, ridge, decoder=decoder, **options)


@pytest.mark.parametrize(("alpha", "sparse"), [(2.5, False), (2.5, True), ("gcv", False)])
def test_rows_in_two_parts_are_rows_at_once(planted, compressor, alpha, sparse):
    X, Y, Xt = planted
    if sparse:
        X = sp.csr_matrix(np.where(np.abs(X) > 1, X, 0))
        Xt = sp.csr_matrix(Xt)
    whole = model(compressor, alpha).fit(X, Y)
    parts = model(compressor, alpha).fit(X[:170], Y[:170])
    assert parts.partial_refit(X[170:], Y[170:]) is parts
    np.testing.assert_allclose(parts.estimator_.alpha_, whole.estimator_.alpha_, rtol=1e-9)
    np.testing.assert_allclose(parts.estimator_.coef_, whole.estimator_.coef_, atol=1e-7)
    np.testing.assert_allclose(parts.decision_function(Xt), whole.decision_function(Xt), atol=1e-6)
    assert parts.compressor_ is compressor


def test_a_ridge_can_start_with_its_first_rows(planted):
    X, Y = planted[0], planted[1].toarray()[:, :5]
    ridge = MultiOutputRidge(1.5, keep_products=True, n_threads=1)
    for rows in (slice(0, 90), slice(90, 100), slice(100, None)):
        ridge.partial_fit(X[rows], Y[rows])
    whole = MultiOutputRidge(1.5, n_threads=1).fit(X, Y)
    np.testing.assert_allclose(ridge.predict(X), whole.predict(X), atol=1e-8)
    with pytest.raises(ValueError, match="y has 4 targets, earlier rows had 5"):
        ridge.partial_fit(X, Y[:, :4])
    assert not hasattr(whole, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        whole.partial_fit(X, Y)


def test_it_goes_on_from_a_file(planted, compressor, tmp_path):
    X, Y, Xt = planted
    first = model(compressor).fit(X[:170], Y[:170])
    nnae.save(first, tmp_path / "model.nnae")
    again = nnae.load(tmp_path / "model.nnae")
    for one in (first, again):
        one.partial_refit(X[170:], Y[170:])
    for ours, theirs in zip(first.predict_topk(Xt), again.predict_topk(Xt), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_estimators_of_others_go_on_too(planted, compressor):
    X, Y, _ = planted
    learner = MultiOutputRegressor(SGDRegressor(random_state=0))
    options = {"prefit": True, "decoder": "linear", "profile": "fast", "random_state": 0}
    one = TwoStepClassifier(compressor, learner, **options).fit(X[:200] / 10, Y[:200])
    before = one.estimator_.estimators_[0].coef_.copy()
    one.partial_refit(X[200:] / 10, Y[200:])
    assert (one.estimator_.estimators_[0].coef_ != before).any()


def test_what_cannot_go_on_says_so(planted, compressor):
    X, Y, _ = planted
    with pytest.raises(NotFittedError):
        model(compressor).partial_refit(X, Y)
    with pytest.raises(ValueError, match="needs decoder='linear'; NeighborsDecoder has rows"):
        model(compressor, decoder="neighbors").fit(X, Y).partial_refit(X, Y)
    plain = TwoStepClassifier(compressor, decoder="linear", profile="fast", prefit=True).fit(X, Y)
    with pytest.raises(ValueError, match="keep_products=True; this was not"):
        plain.partial_refit(X, Y)
    with pytest.raises(ValueError, match="Y has 9 rows, X has 10"):
        model(compressor).fit(X, Y).partial_refit(X[:10], Y[:9])
    with pytest.raises(ValueError, match="takes no sample_weight"):
        MultiOutputRidge(keep_products=True).fit(X, X[:, :2], np.ones(len(X)))
