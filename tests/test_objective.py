"""Losses at the non-zeros plus their dense parts, against the loss of every cell."""

import numpy as np
import pytest
from cases import NAMES, at_any_threads, case, denominator, sides
from reference import LOSSES, loss

from nnae import _core


def total(name, given, weights, index, n_threads, *, keep_values=False):
    P = sides(given.P, index, keep_values=keep_values)
    at_nonzeros = _core.objective_at_nonzeros(name, *P, given.F, given.H, weights, n_threads)
    F = given.F.astype(float)
    if weights is not None:
        F = F * (np.sqrt(weights) if name == "frobenius" else weights)[:, None]
    return at_nonzeros + float(np.sum(denominator(name, F) * denominator(name, given.H)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("name", NAMES)
def test_objectives_match_the_loss_of_every_cell(name, loss_name, index, dtype):
    given = case(name, dtype, binary=loss_name == "bernoulli")
    P, F, H = given.double()
    size = loss("frobenius", P, F @ H.T) + abs(loss(loss_name, P, F @ H.T))
    for weights in (None, np.random.default_rng(5).random(len(F)) * 3):
        got = at_any_threads(lambda n, w=weights: total(loss_name, given, w, index, n))
        wanted = loss(loss_name, P, F @ H.T, weights)
        np.testing.assert_allclose(got, wanted, rtol=given.rtol, atol=size * given.rtol)
        assert got == total(loss_name, given, weights, index, 1, keep_values=True)


@pytest.mark.parametrize("loss_name", LOSSES)
def test_a_rate_of_zero_at_a_label_is_costly_and_finite(loss_name):
    P, F, H = np.ones((1, 1)), np.zeros((1, 2)), np.ones((1, 2))
    value = _core.objective_at_nonzeros(loss_name, *sides(P), F, H, None, 1)
    assert np.isfinite(value)
    assert value == pytest.approx(loss(loss_name, P, F @ H.T))


@pytest.mark.parametrize("loss_name", ["kullback-leibler", "frobenius"])
def test_stored_zeros_count_nothing(loss_name):
    indptr, indices = np.array([0, 2], np.int32), np.array([0, 1], np.int32)
    F, H = np.full((1, 1), 0.5), np.full((2, 1), 0.7)
    stored = _core.objective_at_nonzeros(
        loss_name, indptr, indices, np.array([2.0, 0.0]), F, H, None, 1
    )
    left_out = _core.objective_at_nonzeros(
        loss_name, indptr // 2, indices[:1], np.array([2.0]), F, H, None, 1
    )
    assert stored == left_out


def test_weights_of_another_length_are_refused():
    given = case("small")
    with pytest.raises(ValueError, match="one entry a row"):
        total("frobenius", given, None, np.int32, 1)
        _core.objective_at_nonzeros("frobenius", *sides(given.P), given.F, given.H, np.ones(99), 1)
