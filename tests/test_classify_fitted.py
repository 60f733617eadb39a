"""The classifier under scikit-learn's rules and on real data."""

import inspect
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from planted_features import planted_features, popularity
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from nnae import NMF, TwoStepClassifier
from nnae.datasets import load_debian_tags
from nnae.metrics import TopKScorer, precision_at_k, recall_at_k
from nnae.model_selection import MultilabelStratifiedKFold


@pytest.fixture(scope="module")
def planted():
    return planted_features()


def test_it_works_in_pipelines_and_searches(planted):
    X, Y, Xt, Yt = planted
    pipeline = make_pipeline(StandardScaler(), TwoStepClassifier(profile="fast", random_state=0))
    pipeline.fit(X, Y)
    assert pipeline.score(Xt, Yt) > 1.5 * popularity(Y, Yt, 1)
    search = GridSearchCV(
        TwoStepClassifier(NMF(8, random_state=0), profile="fast", random_state=0),
        {"estimator": [DummyRegressor(), Ridge()], "compressor__n_components": [2, 12]},
        cv=3,
    ).fit(X, Y)
    assert isinstance(search.best_params_["estimator"], Ridge)
    assert search.best_params_["compressor__n_components"] == 12
    copy = clone(search.best_estimator_)
    assert not hasattr(copy, "decoder_")


def test_searches_take_our_scorers_and_folds(planted):
    X, Y, Xt, Yt = planted
    search = GridSearchCV(
        TwoStepClassifier(NMF(8, random_state=0), profile="fast", random_state=0),
        {"compressor__n_components": [2, 12], "rank_by": ["probability", "psp"]},
        scoring={"P@1": TopKScorer(precision_at_k, 1), "R@5": TopKScorer(recall_at_k, 5)},
        refit="R@5",
        cv=MultilabelStratifiedKFold(3),
    ).fit(X, Y)
    assert search.best_params_["compressor__n_components"] == 12
    assert {"mean_test_P@1", "mean_test_R@5"} <= set(search.cv_results_)
    wanted = recall_at_k(Yt, search.best_estimator_.predict_topk(Xt, 5)[0], 5)
    assert search.score(Xt, Yt) == wanted
    names = [f"label {j}" for j in range(Y.shape[1])]
    frame = pd.DataFrame(Y.toarray(), columns=names)
    model = TwoStepClassifier(profile="fast", random_state=0)
    scores = cross_val_score(
        model, X, frame, scoring=TopKScorer(precision_at_k, 1), cv=MultilabelStratifiedKFold(3)
    )
    assert scores.min() > popularity(Y, Yt, 1)


WEIGHTS = (
    "a row of weight 2 is one row of the split, of the penalty's choice and of step one's mean"
)
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

    model = TwoStepClassifier(random_state=0)
    if "expected_failed_checks" in inspect.signature(check_estimator).parameters:
        check_estimator(model, expected_failed_checks=EXPECTED_TO_FAIL)
    else:
        for estimator, check in check_estimator(model, generate_only=True):
            if check.func.__name__ not in EXPECTED_TO_FAIL:
                check(estimator)


def test_debian_tags_reach_the_prototype_of_the_paper():
    data = load_debian_tags()
    model = TwoStepClassifier(profile="fast", random_state=0).fit(data.X_train, data.Y_train)
    indices, _ = model.predict_topk(data.X_test, 5)
    for k, wanted in ((1, 90.8), (3, 62.0), (5, 46.2)):
        assert 100 * precision_at_k(data.Y_test, indices, k) > wanted - 0.35


ROOT = Path(os.environ.get("NNAE_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


@pytest.mark.skipif(not (ROOT / "bibtex").is_dir(), reason="needs bibtex in $NNAE_DATA")
def test_bibtex_reaches_the_linear_row():
    X, Xt = (
        normalize(sp.load_npz(ROOT / "bibtex" / f"X_{part}.npz")) for part in ("train", "test")
    )
    Y, Yt = (sp.load_npz(ROOT / "bibtex" / f"Y_{part}.npz") for part in ("train", "test"))
    model = TwoStepClassifier(random_state=0).fit(X.astype(np.float32), Y)
    indices, _ = model.predict_topk(Xt.astype(np.float32), 5)
    for k, wanted in ((1, 65.0), (3, 39.7), (5, 29.1)):
        assert 100 * precision_at_k(Yt, indices, k) > wanted - 1.5
