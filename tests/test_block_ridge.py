"""A ridge of many features over blocks is the one in memory, found by passes over the rows."""

import numpy as np
import pytest
import scipy.sparse as sp

import nnae
from nnae import _block_ridge, _block_sums
from nnae.io import row_blocks
from nnae.ridge import MultiOutputRidge


@pytest.fixture
def data():
    planted = nnae.datasets.make_label_hierarchy(900, random_state=0)
    random = np.random.default_rng(1)
    Y = planted.Y.astype(np.float64)
    X = np.maximum(Y @ random.normal(size=(Y.shape[1], 60)), 2) - 2
    return np.hstack([X, np.zeros((900, 1)), 5 * np.ones((900, 1))]), Y


@pytest.fixture(autouse=True)
def few_features(monkeypatch):
    monkeypatch.setattr(_block_sums, "MOST_FEATURES", 20)
    monkeypatch.setattr(_block_ridge, "SAMPLED", 200)


def step_one():
    return nnae.NNAE((20, 4), encoder="linear", random_state=0, n_threads=1)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_stated_penalty_gives_the_ridge_in_memory(data, sparse):
    X, Y = data
    X = sp.csr_matrix(X) if sparse else X
    ridge = MultiOutputRidge(30.0)
    blocks = nnae.TwoStepClassifier(step_one(), ridge, random_state=0, n_threads=1)
    blocks.fit(row_blocks((X, Y), rows=130))
    whole = nnae.TwoStepClassifier(
        step_one(), ridge, decoder="linear", profile="fast", random_state=0
    ).fit(X, Y)
    size = np.abs(whole.estimator_.coef_).max()
    np.testing.assert_allclose(
        blocks.estimator_.coef_, whole.estimator_.coef_, rtol=0, atol=1e-4 * size
    )
    np.testing.assert_allclose(blocks.estimator_.intercept_, whole.estimator_.intercept_, atol=1e-3)
    assert blocks.estimator_.alpha_ == 30.0
    assert (blocks.estimator_.coef_[:, 60] == 0).all()  # a feature that is never there


def test_the_penalty_is_that_of_least_gcv(data):
    X, Y = data
    blocks = nnae.TwoStepClassifier(step_one(), random_state=0, n_threads=1).fit(
        row_blocks((X, Y), rows=130)
    )
    whole = nnae.TwoStepClassifier(
        step_one(), decoder="linear", profile="fast", random_state=0
    ).fit(X, Y)
    step = blocks.estimator_.alphas_[1] / blocks.estimator_.alphas_[0]
    ratio = blocks.estimator_.alpha_ / whole.estimator_.alpha_
    assert 1 / step < ratio * 1.01 and ratio < step * 1.01
    found = [nnae.metrics.precision_at_k(Y, m.predict_topk(X)[0], 3) for m in (blocks, whole)]
    assert abs(found[0] - found[1]) < 0.005


def test_a_start_on_some_rows_saves_passes(data, monkeypatch):
    X, Y = data
    passes = []

    def fitted(sampled):
        monkeypatch.setattr(_block_ridge, "SAMPLED", sampled)
        blocks, count = row_blocks((X, Y), rows=450), []
        blocks.watch = lambda rows, share: count.append(rows) if not rows else None
        ridge = MultiOutputRidge(30.0)
        model = nnae.TwoStepClassifier(step_one(), ridge, random_state=0, n_threads=1).fit(blocks)
        passes.append(len(count))
        return model.estimator_.coef_

    one, other = fitted(1), fitted(900)
    np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(one).max())
    assert passes[1] == 3 < passes[0]  # all rows: they are counted, regressed, and looked at again


def test_it_goes_on_from_a_checkpoint(data, tmp_path, monkeypatch):
    X, Y = data
    blocks = row_blocks((X, Y), rows=300)
    every = []
    blocks.watch = lambda rows, share: every.append(rows)
    whole = nnae.TwoStepClassifier(step_one(), random_state=0, n_threads=1).fit(blocks)
    there = nnae.Checkpoint(tmp_path / "fit.part", every=0)
    count = []

    def die(rows, share):
        count.append(rows)
        if count.count(0) == 36:
            raise SystemError("died")

    dying = row_blocks((X, Y), rows=300)
    dying.watch = die
    with pytest.raises(SystemError):
        nnae.TwoStepClassifier(step_one(), random_state=0, checkpoint=there).fit(dying)
    more = []
    blocks.watch = lambda rows, share: more.append(rows)
    again = nnae.TwoStepClassifier(step_one(), random_state=0, checkpoint=there).fit(blocks)
    assert every.count(0) > 36 and more.count(0) < 12
    assert np.array_equal(again.estimator_.coef_, whole.estimator_.coef_)


def test_it_does_not_matter_where_rows_are_cut(data):
    X, Y = data
    found = [
        nnae.TwoStepClassifier(step_one(), MultiOutputRidge(30.0), random_state=0, n_threads=1)
        .fit(row_blocks((X, Y), rows=rows)).estimator_.coef_
        for rows in (97, 900)
    ]  # fmt: skip
    np.testing.assert_allclose(*found, atol=1e-4 * np.abs(found[0]).max())


def test_too_few_passes_are_told(data, monkeypatch):
    X, Y = data
    monkeypatch.setattr(_block_ridge, "MOST_PASSES", 2)
    with pytest.warns(match="not solved in 2 passes"):
        nnae.TwoStepClassifier(step_one(), MultiOutputRidge(1e-6), random_state=0, n_threads=1).fit(
            row_blocks((X, Y), rows=300)
        )
