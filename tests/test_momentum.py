"""Momentum on the weights, and the descents under it."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import LOSSES
from sklearn.decomposition import NMF as ScikitNMF

from nnae import NMF
from nnae._factors import Factors
from nnae._solvers import PlainDescent
from nnae._target import Target
from nnae.datasets import make_label_hierarchy


@pytest.fixture(scope="module")
def counts():
    Y = sp.csr_matrix(make_label_hierarchy(150, random_state=0).Y, dtype=float)
    values = np.random.default_rng(1).integers(1, 5, Y.nnz).astype(float)
    return sp.csr_matrix((values, Y.indices, Y.indptr), shape=Y.shape)


def start(Y, k=6, seed=0):
    rng = np.random.default_rng(seed)
    scale = np.sqrt(Y.mean() / k)
    return (scale * (0.1 + rng.random(shape)) for shape in ((Y.shape[0], k), (k, Y.shape[1])))


def factors_of(Y, W, H, loss, weights=None):
    return Factors(Target.of(Y, weights), W.copy(), np.ascontiguousarray(H.T), loss, 1)


@pytest.mark.parametrize("max_iter", [1, 2, 25, 200])
def test_plain_coordinate_descent_follows_scikit_learn(counts, max_iter):
    W, H = start(counts)
    factors = Factors(Target.of(counts), W.copy(), np.ascontiguousarray(H.T), "frobenius", 1)
    for _ in range(max_iter):
        factors.descend_codes()
        factors.descend_weights()
    theirs = ScikitNMF(6, init="custom", solver="cd", max_iter=max_iter, tol=0)
    codes = theirs.fit_transform(counts, W=W, H=H)
    assert factors.objective() == pytest.approx(theirs.reconstruction_err_**2, rel=1e-6)
    product = codes @ theirs.components_
    np.testing.assert_allclose(factors.Z @ factors.Wt.T, product, atol=1e-6 * product.max())


@pytest.mark.parametrize("loss_name", ["frobenius", "kullback-leibler"])
def test_momentum_is_ahead_after_ten_sweeps(counts, loss_name):
    with_it, without = [], []
    for seed in range(5):
        W, H = start(counts, k=12, seed=seed)
        plain = factors_of(counts, W, H, loss_name)
        sweeps = PlainDescent(plain)
        for number in range(1, 11):
            sweeps.sweep(number)
        without.append(plain.objective())
        model = NMF(12, loss=loss_name, solver="cd", init=(W, H), max_iter=10, tol=0).fit(counts)
        with_it.append(model.loss_)
    assert np.mean(with_it) < np.mean(without)


@pytest.mark.parametrize("loss_name", LOSSES)
def test_an_overshoot_is_undone(counts, loss_name, monkeypatch):
    Y = counts.sign() if loss_name == "bernoulli" else counts
    monkeypatch.setattr("nnae._momentum.FIRST", 50.0)
    monkeypatch.setattr("nnae._momentum.MOST", 50.0)
    model = NMF(6, loss=loss_name, solver="cd", max_iter=30, tol=0, random_state=0).fit(Y)
    assert (np.diff(model.loss_curve_) <= 1e-9 * model.loss_curve_[0]).all()
    assert model.loss_curve_[-1] < model.loss_curve_[4]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_objective_that_comes_with_a_descent_is_the_objective(counts, weighted):
    W, H = start(counts)
    weights = np.linspace(0.5, 2, counts.shape[0]) if weighted else None
    factors = Factors(Target.of(counts, weights), W, np.ascontiguousarray(H.T), "frobenius", 1)
    for descend in (factors.descend_codes, factors.descend_weights, factors.multiply_codes):
        descend()
        error = np.square(counts.toarray() - factors.Z @ factors.Wt.T).sum(axis=1)
        wanted = error.sum() if weights is None else weights @ error
        assert factors.objective() == pytest.approx(wanted, rel=1e-9)
