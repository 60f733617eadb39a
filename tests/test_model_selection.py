"""Stratified folds of label matrices, and searches and scores of scikit-learn over them."""

import time

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from planted_features import planted_features
from sklearn.dummy import DummyRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline

from nnae import TwoStepClassifier
from nnae.datasets import load_debian_tags, make_zipf_labels
from nnae.metrics import ndcg_at_k_scorer, precision_at_k_scorer
from nnae.model_selection import MultilabelStratifiedKFold


@pytest.fixture(scope="module")
def labels():
    return sp.csr_matrix(load_debian_tags().Y_train)[::4]


def spread(Y, folds):
    """Return the mean deviation of label counts from equal shares, and labels that a fold lacks."""
    counts = np.array([np.asarray(Y[test].sum(0)).ravel() for _, test in folds])
    enough = counts.sum(0) >= len(counts)
    share = counts[:, enough] / counts[:, enough].sum(0)
    return np.abs(share - 1 / len(counts)).mean(), int((counts[:, enough] == 0).any(0).sum())


@pytest.mark.parametrize("n_splits", [2, 5])
def test_every_row_is_tested_once_and_folds_are_even(labels, n_splits):
    folds = list(MultilabelStratifiedKFold(n_splits).split(labels, labels))
    assert len(folds) == n_splits
    tested = np.concatenate([test for _, test in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(labels.shape[0]))
    for train, test in folds:
        assert not set(train) & set(test)
        assert len(train) + len(test) == labels.shape[0]
        assert abs(len(test) - labels.shape[0] / n_splits) < 0.02 * labels.shape[0]


def test_labels_are_spread_far_more_evenly_than_by_chance(labels):
    ours = spread(labels, MultilabelStratifiedKFold(5).split(labels, labels))
    plain = spread(labels, KFold(5, shuffle=True, random_state=0).split(labels))
    assert ours[0] < 0.5 * plain[0]
    assert ours[1] < 0.2 * plain[1]


def test_it_is_the_same_for_every_kind_of_labels(labels):
    Y = labels[:400]
    names = [f"tag {j}" for j in range(Y.shape[1])]
    kinds = [Y, Y.tocoo(), Y.toarray(), pd.DataFrame(Y.toarray(), columns=names)]
    found = [
        [test.tolist() for _, test in MultilabelStratifiedKFold(3).split(np.empty((400, 1)), kind)]
        for kind in kinds
    ]
    assert all(folds == found[0] for folds in found)
    lists = [[names[j] for j in row.indices] for row in Y]
    tested = [test for _, test in MultilabelStratifiedKFold(3).split(lists, lists)]
    assert sorted(np.concatenate(tested)) == list(range(400))


def test_chance_is_repeatable():
    Y = sp.random(200, 5, 0.3, format="csr", random_state=0)

    def tested(state):
        return [t.tolist() for _, t in MultilabelStratifiedKFold(random_state=state).split(Y, Y)]

    assert tested(0) == tested(0)
    assert tested(0) != tested(1)


def test_rows_and_labels_without_anything_are_no_obstacle():
    Y = np.zeros((10, 3), int)
    Y[:2, 1] = 1
    folds = list(MultilabelStratifiedKFold(5).split(Y, Y))
    assert [len(test) for _, test in folds] == [2] * 5
    assert sorted(Y[test, 1].sum() for _, test in folds) == [0, 0, 0, 1, 1]


def test_it_costs_little_on_many_rows():
    Y = make_zipf_labels(random_state=0).Y
    begin = time.perf_counter()
    next(MultilabelStratifiedKFold().split(Y, Y))
    assert time.perf_counter() - begin < 2e-4 * Y.nnz  # about a tenth of it on an idle core


def test_mistakes_are_told():
    Y = np.ones((4, 2), int)
    with pytest.raises(ValueError, match="5 folds need as many rows at least; got 4"):
        next(MultilabelStratifiedKFold().split(Y, Y))
    with pytest.raises(ValueError, match="X has 3 rows, y has 4"):
        next(MultilabelStratifiedKFold(2).split(Y[:3], Y))
    with pytest.raises(ValueError, match="y is None"):
        next(MultilabelStratifiedKFold(2).split(Y))
    with pytest.raises(ValueError, match="n_splits must be at least 2; got 1"):
        next(MultilabelStratifiedKFold(1).split(Y, Y))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix, pd.DataFrame])
def test_searches_and_scores_of_scikit_learn(kind):
    X, Y, Xt, Yt = planted_features()
    X = kind(X)
    model = TwoStepClassifier(profile="fast", random_state=0)
    scores = cross_val_score(
        model, X, Y.toarray(), cv=MultilabelStratifiedKFold(3), scoring=precision_at_k_scorer(3)
    )
    assert scores.shape == (3,)
    assert scores.min() > 0.4
    search = GridSearchCV(
        model,
        {"estimator": [DummyRegressor(), Ridge(), None], "decoder": ["linear", "neighbors"]},
        scoring={"P@1": precision_at_k_scorer(1), "nDCG@5": ndcg_at_k_scorer(5)},
        refit="nDCG@5",
        cv=MultilabelStratifiedKFold(3),
        error_score="raise",
    ).fit(X, Y)
    assert not isinstance(search.best_params_["estimator"], DummyRegressor)
    means = search.cv_results_["mean_test_nDCG@5"]
    assert search.best_score_ == means.max()
    assert search.score(kind(Xt), Yt) > 0.4


def test_predictions_across_folds_keep_their_rows():
    X, Y, _, _ = planted_features()
    model = TwoStepClassifier(profile="fast", random_state=0)
    cv = MultilabelStratifiedKFold(3)
    found = cross_val_predict(model, X, Y.toarray(), cv=cv)
    train, test = next(cv.split(X, Y))
    alone = model.fit(X[train], Y.toarray()[train])
    assert (found[test] != alone.predict(X[test])).nnz == 0


def test_text_goes_through_a_pipeline():
    data = load_debian_tags()
    words = np.array(data.feature_names)
    rows = sp.csr_matrix(data.X_train)[:600]
    texts = [" ".join(words[row.indices].astype(str)) for row in rows]
    Y = data.Y_train[:600].toarray()
    pipeline = make_pipeline(
        TfidfVectorizer(token_pattern=r"\S+"), TwoStepClassifier(profile="fast", random_state=0)
    )
    scores = cross_val_score(pipeline, texts, Y, cv=MultilabelStratifiedKFold(2))
    assert scores.min() > 0.5


def test_step_two_learns_new_rows_without_step_one():
    X, Y, Xt, Yt = planted_features()
    model = TwoStepClassifier(decoder="linear", random_state=0).fit(X[:60], Y[:60])
    weights = model.compressor_.weights_[0].copy()
    first = model.score(Xt, Yt)
    model.refit_estimator(X, Y)
    np.testing.assert_array_equal(model.compressor_.weights_[0], weights)
    assert model.score(Xt, Yt) > first
    names = model.label_names_.copy()
    model.refit_estimator(X[:, ::-1], Y)  # features may mean something else now
    np.testing.assert_array_equal(model.label_names_, names)
    assert model.score(Xt[:, ::-1], Yt) > first
