"""Any estimator as step two, pseudo labels, thresholds."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features, popularity
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from nnae import NMF, TwoStepClassifier
from nnae._decisions import (
    Ranked,
    best_f1_threshold,
    cardinality_threshold,
    choose_threshold,
    ranking_to_csr,
)
from nnae._step_two import PseudoLabelClassifier
from nnae.metrics import f1


@pytest.fixture(scope="module")
def planted():
    return planted_features()


REGRESSORS = [
    Ridge(),
    LinearRegression(),
    RandomForestRegressor(5, random_state=0),
    LinearSVR(),
    make_pipeline(StandardScaler(), Ridge()),
    MultiOutputRegressor(Ridge()),
]
CLASSIFIERS = [
    LogisticRegression(),
    RandomForestClassifier(5, random_state=0),
    KNeighborsClassifier(),
    LinearSVC(),
    RidgeClassifier(),
    make_pipeline(StandardScaler(), LogisticRegression()),
]


@pytest.mark.parametrize("estimator", REGRESSORS + CLASSIFIERS, ids=lambda e: type(e).__name__)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_any_estimator_serves_as_step_two(planted, estimator):
    X, Y, Xt, Yt = planted
    model = TwoStepClassifier(NMF(12, random_state=0), estimator, profile="fast").fit(X, Y)
    assert isinstance(model.estimator_, PseudoLabelClassifier) == (estimator in CLASSIFIERS)
    assert model.score(Xt, Yt) > 3 * popularity(Y, Yt, 1)
    one = TwoStepClassifier(NMF(1, random_state=0), estimator, profile="fast").fit(X, Y)
    assert one.predict_topk(Xt, 2)[0].shape == (100, 2)


def test_pseudo_labels_that_do_not_vary_need_no_classifier():
    X = np.arange(6.0)[:, None]
    T = np.column_stack([[0, 0, 0, 1, 1, 2.0], np.zeros(6), np.full(6, 3.0)])
    model = PseudoLabelClassifier(LogisticRegression(C=1e6)).fit(X, T)
    assert model.columns_.tolist() == [0]
    found = model.predict(X)
    np.testing.assert_allclose(found[:, 1], 0)
    np.testing.assert_allclose(found[:, 2], 3)
    np.testing.assert_allclose(found[:, 0], [0, 0, 0, 4 / 3, 4 / 3, 4 / 3], atol=0.1)


def test_thresholds():
    Y = sp.csr_matrix(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]]))
    scores = np.array([[0.9, 0.2, 0.1], [0.8, 0.7, 0.3], [0.6, 0.5, 0.4]])
    order = np.tile(np.arange(3), (3, 1))
    hits = Y.toarray() > 0
    best = best_f1_threshold(scores.ravel(), hits.ravel(), 4)

    def micro(t):
        return f1(Y, sp.csr_matrix((scores > t).astype(int)), average="micro")

    assert micro(best) == max(micro(t) for t in np.linspace(0, 1, 201))
    assert (scores > cardinality_threshold(scores, 4)).sum() == 4
    assert choose_threshold(Ranked(Y, order, scores, True)) == best
    np.testing.assert_array_equal(Ranked(Y, order, scores, True).hits(), hits)
    flattered = Ranked(Y, order, scores, held_out=False)
    assert (scores > choose_threshold(flattered)).sum() == Y.nnz
    assert best_f1_threshold(scores.ravel(), np.zeros(9, bool), 0) >= scores.max()
    assert (scores > cardinality_threshold(scores, 0)).sum() == 0
    ranked = ranking_to_csr(np.array([[2, 0, -1]]), np.array([[5.0, 0.0, -np.inf]]), 4)
    assert ranked.indices.tolist() == [0, 2]
    assert ranked.data.tolist() == [0.0, 5.0]


def test_margins_become_probabilities():
    X = np.linspace(-1, 1, 200)[:, None]
    T = np.column_stack([X[:, 0] > 0, X[:, 0] < 0.5]) * 2.0
    model = PseudoLabelClassifier(RidgeClassifier()).fit(X, T)
    assert len(model.sigmoids_) == 2
    found = model.predict(X)
    assert (found[X[:, 0] < -0.5, 0] < 0.2).all()
    assert (found[X[:, 0] > 0.5, 0] > 1.8).all()
    assert PseudoLabelClassifier(LogisticRegression()).fit(X, T).sigmoids_ == []


class Decides(ClassifierMixin, BaseEstimator):
    """Has neither probabilities nor margins."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (X[:, 0] > 0).astype(int)


def test_decisions_count_as_zero_or_one():
    X = np.array([[-1.0], [1.0], [2.0]])
    model = PseudoLabelClassifier(Decides()).fit(X, np.array([[0.0], [3.0], [5.0]]))
    np.testing.assert_allclose(model.predict(X)[:, 0], [0, 4, 4])
