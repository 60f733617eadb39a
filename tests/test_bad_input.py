"""Odd input to every decoder: one clear line, or a defined result."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from planted_features import planted_features

from nnae import TwoStepClassifier
from nnae.decoders import DECODERS

NAMES = [name for name in DECODERS if name != "auto"]


@pytest.fixture(scope="module")
def planted():
    X, Y, Xt, Yt = planted_features()
    return np.where(X > 0, X, 0), Y, np.where(Xt > 0, Xt, 0), Yt


@pytest.fixture(scope="module", params=NAMES)
def model(request, planted):
    fitted = TwoStepClassifier(decoder=request.param, profile="fast", random_state=0, n_threads=1)
    return fitted.fit(*planted[:2])


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix, sp.coo_array])
@pytest.mark.parametrize("columns", [29, 31])
def test_other_numbers_of_columns_are_refused(model, planted, kind, columns):
    X = np.zeros((4, columns))
    for method in (model.predict_topk, model.predict, model.predict_proba):
        with pytest.raises(ValueError, match=rf"X has {columns} features.* 30 features") as caught:
            method(kind(X))
        assert "\n" not in str(caught.value).strip()


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(model, planted, kind, odd):
    X = planted[2].copy()
    X[3, 5] = odd
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        model.predict_topk(kind(X))
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        TwoStepClassifier().fit(kind(X), planted[3])


def test_unsorted_and_doubled_entries_count_as_their_sum(model, planted):
    X, Y, Xt, _ = planted
    for M, act in ((X, "fit"), (Xt, "predict")):
        odd = sp.csr_matrix(M)
        halves = sp.csr_matrix(
            (np.repeat(odd.data, 2) / 2, np.repeat(odd.indices, 2), 2 * odd.indptr), M.shape
        )
        for row in range(len(M)):  # back to front
            part = slice(halves.indptr[row], halves.indptr[row + 1])
            halves.indices[part] = halves.indices[part][::-1].copy()
            halves.data[part] = halves.data[part][::-1].copy()
        halves.has_sorted_indices = halves.has_canonical_format = False
        before = halves.indices.copy()
        if act == "fit":
            again = TwoStepClassifier(**model.get_params()).fit(halves, Y)
            plain = TwoStepClassifier(**model.get_params()).fit(odd, Y)
            np.testing.assert_allclose(
                again.decision_function(Xt), plain.decision_function(Xt), atol=1e-6
            )
        else:
            np.testing.assert_allclose(
                model.decision_function(halves), model.decision_function(Xt), atol=1e-8
            )
        np.testing.assert_array_equal(halves.indices, before)


def test_doubled_labels_are_one(planted):
    X, Y, Xt, _ = planted
    twice = sp.csr_matrix(
        (np.ones(2 * Y.nnz) / 2, np.repeat(Y.indices, 2), 2 * Y.indptr), shape=Y.shape
    )
    twice.has_canonical_format = False
    options = {"profile": "fast", "random_state": 0}
    a, b = (TwoStepClassifier(**options).fit(X, labels) for labels in (Y, twice))
    np.testing.assert_allclose(a.decision_function(Xt), b.decision_function(Xt), atol=1e-8)


def test_rows_of_zeros_and_no_rows_at_all(model):
    indices, scores = model.predict_topk(np.zeros((2, 30)), 3)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(indices[0], indices[1])
    sparse = model.predict_topk(sp.csr_matrix((2, 30)), 3)
    np.testing.assert_array_equal(sparse[0], indices)
    with pytest.raises(ValueError, match="0 sample"):
        model.predict_topk(np.zeros((0, 30)), 3)


def test_more_places_than_labels_stay_empty(model, planted):
    indices, scores = model.predict_topk(planted[2], 80)
    assert indices.shape == (100, 80)
    assert (indices[:, 72:] == -1).all()
    assert np.isneginf(scores[:, 72:]).all()
    assert (np.sort(indices[:, :72], axis=1) >= -1).all()
    wide = model.predict_proba(planted[2], top_k=500)
    assert wide.shape == (100, 72)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("profile", ["fast", "best"])
@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_a_handful_of_rows_is_enough(planted, name, profile, n_rows):
    X, Y, Xt, _ = planted
    model = TwoStepClassifier(decoder=name, profile=profile, random_state=0, n_threads=1)
    model.fit(X[:n_rows], Y[:n_rows])
    indices, scores = model.predict_topk(Xt, 3)
    assert indices.shape == (100, 3)
    assert np.isfinite(scores[indices >= 0]).all()
    assert model.predict(Xt).shape == (100, 72)
    p = model.predict_proba(Xt)
    assert ((p >= 0) & (p <= 1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_labels_without_a_positive_come_last(planted, name):
    X, Y, Xt, _ = planted
    Y = Y.toarray()
    Y[:, ::6] = 0
    model = TwoStepClassifier(decoder=name, profile="fast", random_state=0, n_threads=1).fit(X, Y)
    never = np.arange(72) % 6 == 0
    assert not never[model.predict_topk(Xt, 5)[0]].any()
    assert model.predict(Xt)[:, never].nnz == 0


def test_columns_of_frames_are_compared_by_name(planted):
    X, Y, Xt, _ = planted
    names = [f"f{j}" for j in range(30)]
    model = TwoStepClassifier(profile="fast", random_state=0).fit(pd.DataFrame(X, columns=names), Y)
    new = pd.DataFrame(Xt, columns=names)
    with pytest.raises(ValueError, match="feature names"):
        model.predict_topk(new.rename(columns={"f3": "g3"}))
    with pytest.raises(ValueError, match="feature names"):
        model.predict_topk(new[names[::-1]])
    with pytest.raises(ValueError, match="feature"):
        model.predict_topk(new.drop(columns="f3"))


def test_rows_that_differ_in_number_are_told(planted):
    X, Y, _, _ = planted
    with pytest.raises(ValueError, match="Y has 300 rows, X has 299"):
        TwoStepClassifier().fit(X[:-1], Y)
    with pytest.raises(ValueError, match="requires y"):
        TwoStepClassifier().fit(X, None)
