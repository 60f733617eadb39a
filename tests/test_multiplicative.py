"""Multiplicative updates of any factor against the dense oracle."""

import numpy as np
import pytest
import scipy.sparse as sp
from cases import FLOOR, NAMES, at_any_threads, case, denominator, sides
from hypothesis import given as draw
from hypothesis import settings
from hypothesis import strategies as st
from reference import (
    LOSSES,
    RATE_LOSSES,
    divergence_from_above,
    loss,
    multiplicative,
    multiplicative_codes,
    multiplicative_codes_towards,
    ratio,
    simplex_weights,
)
from scipy import special

from nnae import _core
from nnae._chain import ChainSweeps
from nnae._factors import Factors
from nnae._target import Target

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
losses = pytest.mark.parametrize("loss_name", LOSSES)


def step(loss_name, given, above=None, weight=0.0, *, index=np.int32, n_threads=1, **options):
    F = given.F.copy()
    _core.multiplicative_step(
        loss_name, *sides(given.P, index, **options), given.H, denominator(loss_name, given.H), F,
        given.floor, above, weight, n_threads,
    )  # fmt: skip
    return F


@dtypes
@losses
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("name", NAMES)
def test_steps_match_the_oracle(name, index, loss_name, dtype):
    given = case(name, dtype, binary=loss_name == "bernoulli")
    got = at_any_threads(lambda n: step(loss_name, given, index=index, n_threads=n))
    np.testing.assert_array_equal(step(loss_name, given, index=index, keep_values=True), got)
    wanted = multiplicative_codes(loss_name, *given.double(), given.floor)
    np.testing.assert_allclose(got, wanted, rtol=given.rtol)
    assert (got >= dtype(given.floor)).all()
    assert (got[given.P.sum(axis=1) == 0] == dtype(given.floor)).all()


@dtypes
@losses
@pytest.mark.parametrize("name", ["small", "middle", "one row", "one label", "all zero"])
@pytest.mark.parametrize("weight", [1e-3, 0.7, 40.0])
def test_steps_towards_the_level_above_match_the_oracle(weight, name, loss_name, dtype):
    given = case(name, dtype, binary=loss_name == "bernoulli")
    rng = np.random.default_rng(1)
    above = (0.01 + rng.gamma(1.0, size=given.F.shape)).astype(dtype)
    got = at_any_threads(lambda n: step(loss_name, given, above, weight, n_threads=n))
    wanted = multiplicative_codes_towards(
        loss_name, *given.double(), above.astype(float), weight, given.floor
    )
    np.testing.assert_allclose(got, wanted, rtol=max(given.rtol, 1e-9))


@losses
def test_a_target_of_zeros_from_above_draws_codes_down_and_stays_finite(loss_name):
    given = case("middle")
    got = step(loss_name, given, np.zeros_like(given.F), 1.0)
    assert np.isfinite(got).all()
    assert (got <= step(loss_name, given)).all()


def test_a_target_of_another_shape_or_without_weight_is_refused():
    given = case("small")
    with pytest.raises(ValueError, match="shape of the factor"):
        step("frobenius", given, np.ones((1, 1)), 1.0)
    with pytest.raises(ValueError, match="must be positive"):
        step("frobenius", given, np.ones_like(given.F), 0.0)


@dtypes
@losses
@pytest.mark.parametrize("name", NAMES)
def test_numerators_match_the_oracle(name, loss_name, dtype):
    given = case(name, dtype, binary=loss_name == "bernoulli")

    def numerator(n_threads):
        out = np.full_like(given.F, np.nan)
        _core.ratio_product(loss_name, *sides(given.P), given.F, given.H, out, n_threads)
        return out

    P, F, H = given.double()
    wanted = ratio(loss_name, P, F @ H.T) @ H
    np.testing.assert_allclose(at_any_threads(numerator), wanted, rtol=given.rtol)


@losses
def test_any_factor_of_a_chain_matches_the_oracle(loss_name):
    rng = np.random.default_rng(3)
    Y = (rng.random((30, 14)) < 0.3).astype(float)
    Z, weights = rng.random((30, 2)), [rng.random((8, 14)), rng.random((4, 8)), rng.random((2, 4))]
    chain = ChainSweeps(Target.of(sp.csr_matrix(Y)), Z, weights, loss_name, 1)
    chain.sweep(1)
    W1, W2, W3 = weights
    Z = multiplicative(loss_name, Y, np.eye(30), Z, W3 @ W2 @ W1)
    W3 = multiplicative(loss_name, Y, Z, W3, W2 @ W1)
    W2 = multiplicative(loss_name, Y, Z @ W3, W2, W1)
    W1 = multiplicative(loss_name, Y, Z @ W3 @ W2, W1, np.eye(14))
    for got, wanted in zip([chain.Z, *chain.weights], [Z, W1, W2, W3], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10)
    assert chain.objective() == pytest.approx(loss(loss_name, Y, Z @ W3 @ W2 @ W1), rel=1e-10)


@losses
@pytest.mark.parametrize("seed", range(4))
def test_weights_on_the_simplex_match_a_generic_solver(seed, loss_name):
    rng = np.random.default_rng(seed)
    Y = (rng.random((20, 6)) < 0.4).astype(float)
    Z, Wt = 0.05 + rng.gamma(0.5, size=(20, 3)), rng.dirichlet(np.full(6, 0.7), 3).T + 1e-3
    Wt /= Wt.sum(axis=0)
    R = Z @ Wt.T
    numerator = ratio(loss_name, Y, R).T @ Z
    down = R.T @ Z if loss_name == "frobenius" else np.ones_like(Wt) * Z.sum(axis=0)
    wanted = simplex_weights(loss_name, Wt, numerator, down)
    factors = Factors(Target.of(sp.csr_matrix(Y)), Z, Wt.copy(), loss_name, 1)
    factors.multiply_weights_on_simplex()
    np.testing.assert_allclose(factors.Wt, wanted, atol=2e-5)
    np.testing.assert_allclose(factors.Wt.sum(axis=0), 1)


def problem(seed, n, m, k, binary):
    rng = np.random.default_rng(seed)
    P = (rng.random((n, m)) < rng.choice([0.05, 0.3, 0.9])).astype(float)
    if not binary:
        P *= rng.gamma(2.0, size=P.shape)
    spread = rng.choice([0.05, 1.0])
    F, H = rng.gamma(spread, size=(n, k)), rng.gamma(spread, size=(m, k))
    return P, np.maximum(F, FLOOR["float64"]), np.maximum(H, FLOOR["float64"])


sizes = (st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 9), st.integers(1, 5))


@losses
@settings(max_examples=80)
@draw(*sizes, st.sampled_from([0.0, 0.01, 1.0, 30.0]))
def test_the_objective_never_rises(loss_name, seed, n, m, k, weight):
    P, F, H = problem(seed, n, m, k, loss_name == "bernoulli")
    above = np.random.default_rng(seed + 1).gamma(0.5, size=F.shape) + 1e-6 if weight else None

    def objective(F):
        extra = weight * divergence_from_above(loss_name, F, above) if weight else 0.0
        return loss(loss_name, P, F @ H.T) + extra

    before = objective(F)
    floor, den = FLOOR["float64"], denominator(loss_name, H)
    for _ in range(3):
        _core.multiplicative_step(loss_name, *sides(P), H, den, F, floor, above, weight, 1)
        after = objective(F)
        assert after <= before + 1e-9 * (abs(before) + (P**2).sum()) + 1e-25
        before = after


@losses
@settings(max_examples=60)
@draw(*sizes)
def test_the_objective_never_rises_on_the_simplex(loss_name, seed, n, m, k):
    P, Z, Wt = problem(seed, n, m, k, loss_name == "bernoulli")
    Wt = Wt / Wt.sum(axis=0)
    factors = Factors(Target.of(sp.csr_matrix(P)), Z, Wt, loss_name, 1)
    before = factors.objective()
    for _ in range(3):
        factors.multiply_weights_on_simplex()
        after = factors.objective()
        size = abs(before) + (P**2).sum()
        assert after <= before + 1e-9 * size
        before = after


@dtypes
@pytest.mark.parametrize("loss_name", RATE_LOSSES)
def test_labels_without_weights_leave_codes_finite(loss_name, dtype):
    H = np.array([[0.0, 0.0], [1.0, 0.0]], dtype)
    F = np.ones((1, 2), dtype)
    den = denominator(loss_name, H)
    P = sides(np.ones((1, 2), dtype))
    _core.multiplicative_step(loss_name, *P, H, den, F, 1e-10, None, 0.0, 1)
    assert np.isfinite(F).all()
    assert F[0, 0] > 0.5


def test_wright_omega_matches_scipy():
    x = np.concatenate([np.linspace(-700, 700, 20_001), np.linspace(-3, 3, 20_001), [1e4, 1e9]])
    wanted = special.wrightomega(x)
    np.testing.assert_allclose(_core.wright_omega(x), wanted, rtol=1e-14)
    assert _core.wright_omega(-800.0) == 0.0
