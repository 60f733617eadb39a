"""One linear classifier a label, against scikit-learn's liblinear."""

import inspect

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from nnae.one_vs_rest import OneVsRestLinear

THEIRS = {
    "squared_hinge": LinearSVC(C=0.8, tol=1e-10, max_iter=100000),
    "logistic": LogisticRegression(C=0.8, tol=1e-10, max_iter=10000, solver="liblinear"),
}


def example(n=150, d=30, n_labels=20, *, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.random((n, d)) < 0.3) * rng.random((n, d))
    Y = X @ rng.normal(size=(d, n_labels)) > 0.5 + rng.random(n_labels)
    Y[:, 0] = False
    Y[:, 1] = True
    return X.astype(dtype), Y.astype(np.uint8)


@pytest.mark.parametrize("loss", list(THEIRS))
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_classifiers_are_those_of_liblinear(loss, kind):
    X, Y = example()
    model = OneVsRestLinear(loss, C=0.8, tol=1e-8, max_iter=5000).fit(kind(X), Y)
    assert model.coef_.shape == (20, 30)
    assert model.coef_.dtype == np.float32
    for label in (2, 7, 19):
        theirs = clone(THEIRS[loss]).fit(normalize(X), Y[:, label])
        np.testing.assert_allclose(
            model.coef_[label].toarray(), theirs.coef_, atol=1e-5 * np.abs(theirs.coef_).max()
        )
        wanted = theirs.decision_function(normalize(X))
        np.testing.assert_allclose(model.decision_function(kind(X))[:, label], wanted, atol=1e-4)
    raw = OneVsRestLinear(loss, C=0.8, tol=1e-8, max_iter=5000, normalize=False).fit(kind(X), Y)
    theirs = clone(THEIRS[loss]).fit(X, Y[:, 7])
    np.testing.assert_allclose(raw.coef_[7].toarray(), theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("loss", list(THEIRS))
def test_ranking_sets_and_probabilities_follow_the_margins(loss):
    X, Y = example()
    model = OneVsRestLinear(loss).fit(X, Y)
    scores = model.decision_function(X)
    indices, best = model.predict_topk(X, 6)
    np.testing.assert_array_equal(best, np.take_along_axis(scores, indices, 1))
    np.testing.assert_array_equal(best, -np.sort(-scores, axis=1)[:, :6])
    np.testing.assert_array_equal(model.predict(X).toarray(), scores > 0)
    shares = model.predict_proba(X)
    order = np.argsort(scores, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(shares, order, 1), axis=1) >= 0).all()
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert (scores[:, 0] < 0).all()  # a label that no row has
    assert (scores[:, 1] > 0).all()  # a label that every row has
    indices, best = model.predict_topk(X, 22)
    assert (indices[:, 20:] == -1).all()
    assert (best[:, 20:] == -np.inf).all()


def test_dense_sparse_and_threads_agree_to_the_bit():
    X, Y = example(dtype=np.float32, n_labels=40)
    model = OneVsRestLinear(n_threads=1).fit(X, Y)
    scores = model.decision_function(X)
    assert scores.dtype == np.float32
    for n_threads in (2, 7):
        again = clone(model).set_params(n_threads=n_threads).fit(sp.csr_matrix(X), sp.csr_matrix(Y))
        assert (again.coef_ != model.coef_).nnz == 0
        np.testing.assert_array_equal(again.decision_function(sp.csr_matrix(X)), scores)
        np.testing.assert_array_equal(again.decision_function(X[3:4])[0], scores[3])


def test_weights_of_rows():
    X, Y = example()
    w = np.random.default_rng(0).integers(0, 3, len(X))
    exact = OneVsRestLinear(tol=1e-8, max_iter=5000)
    weighted = clone(exact).fit(X, Y, sample_weight=w)
    repeated = clone(exact).fit(np.repeat(X, w, axis=0), np.repeat(Y, w, axis=0))
    np.testing.assert_allclose(weighted.coef_.toarray(), repeated.coef_.toarray(), atol=1e-5)


def test_names_travel():
    X, Y = example(n_labels=3)
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(30)])
    model = OneVsRestLinear().fit(frame, pd.DataFrame(Y, columns=["a", "b", "c"]))
    assert list(model.label_names_) == ["a", "b", "c"]
    assert list(model.feature_names_in_) == list(frame.columns)
    sets = OneVsRestLinear().fit(X[:2], [{"x"}, {"y", "x"}])
    assert list(sets.label_names_) == ["x", "y"]


def test_mistakes_are_told():
    X, Y = example()
    with pytest.raises(ValueError, match="loss must be one of squared_hinge, logistic; got"):
        OneVsRestLinear("hinge").fit(X, Y)
    with pytest.raises(ValueError, match="C must be above 0; got 0"):
        OneVsRestLinear(C=0).fit(X, Y)
    with pytest.raises(ValueError, match="Y has 3 rows, X has 150"):
        OneVsRestLinear().fit(X, Y[:3])
    with pytest.raises(ValueError, match="NaN"):
        OneVsRestLinear().fit(np.full_like(X, np.nan), Y)
    with pytest.raises(NotFittedError):
        OneVsRestLinear().predict_topk(X)
    with pytest.raises(ValueError, match="29 features"):
        OneVsRestLinear().fit(X, Y).decision_function(X[:, :29])


WEIGHTS = "rows are visited in another order, and tol is loose"
SHAPE = "the check expects two columns of predict_proba for one label; ours has a column a label"
#: Checks of scikit-learn that cannot hold, with the reason.
EXPECTED_TO_FAIL = {
    "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
    "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
    "check_estimator_sparse_array": SHAPE,
    "check_estimator_sparse_matrix": SHAPE,
    # names of the same checks in older releases
    "check_sample_weights_invariance": WEIGHTS,
    "check_estimator_sparse_data": SHAPE,
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks():
    from sklearn.utils.estimator_checks import check_estimator

    model = OneVsRestLinear()
    if "expected_failed_checks" in inspect.signature(check_estimator).parameters:
        check_estimator(model, expected_failed_checks=EXPECTED_TO_FAIL)
    else:
        for estimator, check in check_estimator(model, generate_only=True):
            if check.func.__name__ not in EXPECTED_TO_FAIL:
                check(estimator)


def test_the_score_is_the_precision_of_the_best_label():
    X, Y = example()
    model = OneVsRestLinear().fit(X, Y)
    best = model.decision_function(X).argmax(1)
    assert model.score(X, Y) == pytest.approx(Y[np.arange(len(X)), best].mean())
