"""Starts: what they are, several of them, and given ones."""

import numpy as np
import pytest
import scipy.sparse as sp

from nnae import NMF, NNAE
from nnae._initialise import initial_factors
from nnae.datasets import make_label_hierarchy

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def planted():
    return sp.csr_matrix(make_label_hierarchy(150, random_state=0).Y, dtype=float)


def test_starts_from_singular_vectors_differ_in_what_fills_their_zeros(planted):
    plain, mean, small = (
        initial_factors(planted, 6, name, np.random.RandomState(0))
        for name in ("nndsvd", "nndsvda", "nndsvdar")
    )
    for at in (0, 1):
        empty = plain[at] == 0
        assert empty.any()
        np.testing.assert_array_equal(plain[at][~empty], mean[at][~empty])
        np.testing.assert_array_equal(plain[at][~empty], small[at][~empty])
        assert len(np.unique(mean[at][empty])) == 1
        assert 0 < small[at][empty].max() < mean[at][empty].max()


def test_several_fits_report_their_losses_and_the_best_is_kept(planted):
    how = {"max_iter": 15, "tol": 0, "random_state": 0, "n_threads": 1}
    one = NMF(8, **how).fit(planted)
    many = NMF(8, n_init=3, **how).fit(planted)
    assert many.init_losses_.shape == (3,)
    assert many.init_losses_[0] == one.loss_ == one.init_losses_[0]
    assert len(np.unique(many.init_losses_)) == 3
    assert many.loss_ == many.init_losses_.min() == many.loss_curve_[-1]
    how = {"pretrain_iter": 8, "max_iter": 3, "tol": 0, "random_state": 0, "n_threads": 1}
    for options in ({}, {"encoder": "linear"}, {"encoder": "relu"}, {"objective": "chain"}):
        model = NNAE((6, 2), n_init=2, **how, **options).fit(planted)
        assert model.init_losses_.shape == (2, 1 if options.get("objective") == "chain" else 2)
        first = NNAE((6, 2), **how, **options).fit(planted)
        np.testing.assert_array_equal(first.init_losses_[0], model.init_losses_[0])
        assert model.init_losses_[:, 0].min() <= first.init_losses_[0, 0]


def test_an_interrupted_series_keeps_the_best_fit_so_far(planted):
    sweeps = []

    def stop(sweep, objective):
        sweeps.append(objective)
        if len(sweeps) == 9:
            raise KeyboardInterrupt

    model = NMF(6, n_init=3, max_iter=6, tol=0, random_state=0, callback=stop)
    with pytest.raises(KeyboardInterrupt):
        model.fit(planted)
    assert len(model.init_losses_) == 2
    assert model.loss_ == min(model.init_losses_)
    assert model.transform(planted).shape == (150, 6)


def test_every_level_starts_from_what_is_given(planted):
    rng = np.random.default_rng(0)
    pairs = [
        (0.1 + rng.random((150, 6)), 0.1 + rng.random((6, 72))),
        (0.1 + rng.random((150, 2)), 0.1 + rng.random((2, 6))),
    ]
    how = {"loss": "kullback-leibler", "pretrain_iter": 1, "max_iter": 1, "solver": "mu", "tol": 0}
    model = NNAE((6, 2), init=pairs, random_state=0, **how).fit(planted)
    again = NNAE((6, 2), init=[list(pair) for pair in pairs], random_state=9, **how).fit(planted)
    np.testing.assert_array_equal(model.weights_[1], again.weights_[1])
    order = rng.permutation(6)  # the same start with the concepts of level 1 in another order
    moved = [(pairs[0][0][:, order], pairs[0][1][order]), (pairs[1][0], pairs[1][1][:, order])]
    other = NNAE((6, 2), init=moved, random_state=0, **how).fit(planted)
    for one, two in zip(model.weights_, other.weights_, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"init": [(1, 2)]}, r"one pair \(W, H\) a level \(2\); got list of 1"),
        ({"init": [(np.ones((150, 6)), np.ones((6, 72)))] * 2}, r"shapes \(150, 2\) and \(2, 6\)"),
        ({"init": 3}, r"one pair \(W, H\) a level \(2\); got int"),
        ({"init": [(np.ones((150, 6)), np.ones((6, 72))), (np.ones((150, 2)), -np.ones((2, 6)))]},
         "H must be finite and non-negative"),
        ({"n_init": 0}, "n_init must be at least 1"),
    ],
)  # fmt: skip
def test_bad_starts_are_refused(planted, options, message):
    with pytest.raises(ValueError, match=message):
        NNAE((6, 2), **options).fit(planted)
    pair = (np.ones((150, 6)), np.ones((6, 72)))
    with pytest.raises(ValueError, match="n_init must be 1 where init gives the start; got 2"):
        NMF(6, init=pair, n_init=2).fit(planted)
