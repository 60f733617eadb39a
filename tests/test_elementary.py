"""Logarithm and 1 - e^-r of the kernels against those of the C library."""

import numpy as np
import pytest

from nnae import _core

ULP = np.finfo(float).eps


def numbers(low, high, seed=0):
    return np.exp(np.random.default_rng(seed).uniform(low, high, 200_000))


@pytest.mark.parametrize(("low", "high"), [(-300, -30), (-30, -1), (-1, 1), (1, 7)])
def test_one_minus_exp_is_exact_to_four_units(low, high):
    rates = numbers(low, high)
    wanted = -np.expm1(-rates)
    assert (np.abs(_core.one_minus_exp(rates) - wanted) <= 4 * ULP * wanted).all()


def test_one_minus_exp_at_its_ends():
    np.testing.assert_array_equal(
        _core.one_minus_exp(np.array([0.0, 1e-300, 800.0, np.inf])), [0.0, 1e-300, 1.0, 1.0]
    )


@pytest.mark.parametrize(("low", "high"), [(-700, -1), (-1, 1), (-1e-3, 1e-3), (1, 700)])
def test_the_logarithm_is_exact_to_four_units(low, high):
    x = numbers(low, high)
    wanted = np.log(x)
    assert (np.abs(_core.logarithm(x) - wanted) <= 4 * ULP * np.abs(wanted)).all()


def test_the_logarithm_at_its_ends():
    x = np.array([1.0, np.sqrt(0.5), np.sqrt(2), 2.0, 0.5, np.finfo(float).tiny])
    np.testing.assert_allclose(_core.logarithm(x), np.log(x), rtol=1e-15)
