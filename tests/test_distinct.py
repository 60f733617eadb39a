"""Equal rows taken together."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import LOSSES, loss

from nnae import NMF
from nnae._distinct import Distinct, distinct_rows


@pytest.fixture(scope="module")
def repeated():
    rng = np.random.default_rng(0)
    kinds = (rng.random((25, 12)) < 0.25).astype(float)
    kinds[0] = 0
    return sp.csr_matrix(kinds[rng.integers(0, 25, 200)])


def test_kinds_are_those_of_numpy(repeated):
    first, kind = distinct_rows(repeated)
    dense = repeated.toarray()
    np.testing.assert_array_equal(dense[first[kind]], dense)
    assert len(first) == len(np.unique(dense, axis=0))
    assert (np.diff(first) > 0).all()


def test_values_and_places_both_count():
    Y = sp.csr_matrix(np.array([[1.0, 2], [2, 1], [1, 2], [0, 3], [3, 0], [0, 0]]))
    first, kind = distinct_rows(Y)
    assert list(first) == [0, 1, 3, 4, 5]
    assert list(kind) == [0, 1, 0, 2, 3, 4]


def test_rows_whose_sums_agree_by_chance_are_left_alone(repeated, monkeypatch):
    monkeypatch.setattr("nnae._distinct._MIX", np.uint64(0))
    first, kind = distinct_rows(repeated)
    np.testing.assert_array_equal(first, kind)


def test_few_repeats_are_not_worth_the_trouble():
    Y = sp.csr_matrix(np.eye(10))
    assert Distinct.of(Y, None).kind is None
    assert Distinct.of(Y, None).matrix is Y


def test_the_mean_code_of_a_kind_is_weighted(repeated):
    rng = np.random.default_rng(1)
    weights, codes = rng.random(200), rng.random((200, 3))
    weights[distinct_rows(repeated)[1] == 2] = 0
    merged = Distinct.of(repeated, weights)
    means = merged.mean(codes)
    for number in range(len(means)):
        rows = merged.kind == number
        wanted = codes[rows].mean(0) if number == 2 else weights[rows] @ codes[rows] / sum(
            weights[rows]
        )  # fmt: skip
        np.testing.assert_allclose(means[number], wanted)
        assert merged.weights[number] == pytest.approx(weights[rows].sum())
    assert merged.spread(means).shape == codes.shape


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_fit_of_kinds_is_the_fit_of_all_rows(repeated, loss_name, weighted, monkeypatch):
    rng = np.random.default_rng(2)
    weights = rng.integers(1, 4, 200).astype(float) if weighted else None
    how = {"loss": loss_name, "init": "nndsvda", "max_iter": 10, "tol": 0, "random_state": 0}
    merged = NMF(3, **how).fit(repeated, sample_weight=weights)
    monkeypatch.setattr("nnae._distinct.WORTHWHILE", 0)
    apart = NMF(3, **how).fit(repeated, sample_weight=weights)
    np.testing.assert_allclose(merged.loss_curve_, apart.loss_curve_, rtol=1e-8)
    np.testing.assert_allclose(merged.codes_, apart.codes_, atol=1e-5)
    np.testing.assert_allclose(merged.components_, apart.components_, atol=1e-5)
    _, kind = distinct_rows(repeated)
    np.testing.assert_array_equal(merged.codes_, merged.codes_[np.unique(kind, True)[1][kind]])
    if not weighted:
        rates = merged.codes_ @ merged.components_
        assert merged.loss_ == pytest.approx(loss(loss_name, repeated.toarray(), rates))


def test_rows_of_a_given_start_are_not_taken_together(repeated):
    rng = np.random.default_rng(3)
    W, H = rng.random((200, 3)), rng.random((3, 12))
    model = NMF(3, init=(W, H), max_iter=1, tol=0, loss="frobenius").fit(repeated)
    _, kind = distinct_rows(repeated)
    assert (model.codes_ != model.codes_[np.unique(kind, True)[1][kind]]).any()
