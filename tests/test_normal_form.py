"""The normal form: concepts at sum one, ordered by mass, with unchanged rates."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import normal_form

from nnae._normal_form import concepts_by_label, normalise


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 8), st.integers(1, 5))
def test_rates_stay_and_concepts_sum_to_one(seed, n, m, k):
    rng = np.random.default_rng(seed)
    Z, Wt = rng.gamma(0.5, size=(n, k)), rng.gamma(0.5, size=(m, k))
    if k > 1:
        Wt[:, rng.integers(k)] = 0  # a concept without weights stays without
    new_Z, new_Wt, order = normalise(Z.copy(), Wt)
    np.testing.assert_allclose(new_Z @ new_Wt.T, Z @ Wt.T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(new_Wt.sum(axis=0), np.where(Wt[:, order].any(axis=0), 1, 0))
    assert (np.diff(new_Z.sum(axis=0)) <= 1e-12).all()
    wanted_Z, wanted_W = normal_form(Z, Wt.T)
    np.testing.assert_allclose(new_Z, wanted_Z, rtol=1e-12)
    np.testing.assert_allclose(new_Wt.T, wanted_W, rtol=1e-12)


def test_concepts_of_a_higher_level_are_distributions_over_labels():
    rng = np.random.default_rng(0)
    weights = [rng.dirichlet(np.ones(7), 4), rng.dirichlet(np.ones(4), 2)]
    np.testing.assert_allclose(concepts_by_label(weights, 1), weights[0])
    np.testing.assert_allclose(concepts_by_label(weights, 2), weights[1] @ weights[0])
    np.testing.assert_allclose(concepts_by_label(weights, 2).sum(axis=1), 1)
