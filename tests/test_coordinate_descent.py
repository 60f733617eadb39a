"""Coordinate descent under the three losses against generic solvers."""

import numpy as np
import pytest
from cases import FLOOR, NAMES, at_any_threads, case, denominator, sides
from hypothesis import given as draw
from hypothesis import settings
from hypothesis import strategies as st
from reference import LOSSES, RATE_LOSSES, least_squares_codes, loss, rate_codes

from nnae import _core

SMALL = [name for name in NAMES if name != "large"]


def descend(loss_name, P, H, F, *, l1=0.0, l2=0.0, repeats=1, tolerance=0.0, n_threads=1, **how):
    """Return the updated factor and what the kernel returned."""
    F = F.copy()
    floor = 0.0 if loss_name == "frobenius" else FLOOR[F.dtype.name]
    sums = None if loss_name == "frobenius" else H.sum(axis=0, dtype=float)
    cross = _core.coordinate_step(
        loss_name, *sides(P, **how), H, denominator(loss_name, H), F, l1, l2, repeats, tolerance,
        floor, n_threads, sums,
    )  # fmt: skip
    return F, cross


def objective(loss_name, P, F, H, l1=0.0, l2=0.0):
    half = 0.5 if loss_name == "frobenius" else 1.0
    return half * loss(loss_name, P, F @ H.T) + l1 * F.sum() + l2 / 2 * (F**2).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.5)])
@pytest.mark.parametrize("name", SMALL)
def test_least_squares_codes_match_nnls(name, l1, l2, dtype):
    given = case(name, dtype, binary=False)
    P, _, H = given.double()
    how = {"l1": l1, "l2": l2}
    F, cross = descend("frobenius", given.P, given.H, given.F, repeats=3000, tolerance=1e-9, **how)
    wanted = objective("frobenius", P, least_squares_codes(P, H, **how), H, **how)
    got = objective("frobenius", P, F.astype(float), H, **how)
    rtol = 1e-4 if dtype == np.float32 else 1e-7
    size = 1e-3 + (P**2).sum()
    assert wanted - 1e-9 * size <= got <= wanted + rtol * size
    np.testing.assert_allclose(cross, np.sum(P @ H * F), rtol=given.rtol, atol=given.rtol)
    assert (F >= 0).all()
    F[:, H.sum(axis=0) == 0] = 0  # these change nothing
    np.testing.assert_allclose(F[given.P.sum(axis=1) == 0], 0, atol=1e-2 * rtol)


@pytest.mark.parametrize("loss_name", RATE_LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.2, 0.0), (0.1, 0.7)])
@pytest.mark.parametrize("name", [name for name in SMALL if name != "middle"])
def test_rate_codes_match_a_generic_solver(name, l1, l2, dtype, loss_name):
    given = case(name, dtype, binary=loss_name == "bernoulli")
    P, _, H = given.double()
    if name == "every cell" and loss_name == "bernoulli" and l1 == 0:
        l1 = 0.05  # complete label sets have endless codes without a penalty
    how = {"l1": l1, "l2": l2}
    F, _ = descend(loss_name, given.P, given.H, given.F, repeats=2000, tolerance=1e-9, **how)
    wanted = objective(loss_name, P, rate_codes(loss_name, P, H, **how), H, **how)
    got = objective(loss_name, P, F.astype(float), H, **how)
    rtol = 1e-4 if dtype == np.float32 else 1e-6
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol)
    assert (dtype(given.floor) <= F).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("name", NAMES)
def test_threads_index_types_and_stored_ones_change_no_bit(name, loss_name, dtype):
    given = case(name, dtype)
    got = at_any_threads(
        lambda n: descend(loss_name, given.P, given.H, given.F, repeats=3, n_threads=n)[0]
    )
    assert np.isfinite(got).all()
    for how in ({"index": np.int64}, {"keep_values": True}):
        again, _ = descend(loss_name, given.P, given.H, given.F, repeats=3, **how)
        np.testing.assert_array_equal(again, got)


@pytest.mark.parametrize("loss_name", LOSSES)
def test_rows_do_not_depend_on_their_neighbours(loss_name):
    given = case("middle")
    whole, _ = descend(loss_name, given.P, given.H, given.F, repeats=50, tolerance=1e-6)
    for i in (0, 31, 66):
        F = given.F[i : i + 1]
        alone, _ = descend(loss_name, given.P[i : i + 1], given.H, F, repeats=50, tolerance=1e-6)
        np.testing.assert_array_equal(alone[0], whole[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_dense_right_hand_sides_give_what_the_sparse_target_gives(name, dtype):
    given = case(name, dtype, binary=False)
    wanted, cross = descend("frobenius", given.P, given.H, given.F, repeats=4)
    right_sides = np.empty_like(given.F)
    _core.spmm(*sides(given.P), given.H, right_sides, 1)
    gram = denominator("frobenius", given.H)

    def dense(n_threads):
        F = given.F.copy()
        got = _core.coordinate_step_dense(right_sides, gram, F, 4, 0.0, n_threads)
        assert got == cross
        return F

    np.testing.assert_array_equal(at_any_threads(dense), wanted)
    with pytest.raises(ValueError, match="shape of the factor"):
        _core.coordinate_step_dense(np.ones((1, 99), dtype), gram, given.F.copy(), 1, 0.0, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (15, 3), (16, 4), (17, 5), (40, 70), (65, 8)])
def test_rows_in_lanes_are_descended_as_rows_one_by_one(n, k, dtype):
    rng = np.random.default_rng(n)
    P = (rng.random((n, 30)) < 0.2).astype(dtype)
    H, F = rng.random((30, k)).astype(dtype), rng.random((n, k)).astype(dtype)
    F[rng.random(F.shape) < 0.6] = 0
    got, _ = descend("frobenius", P, H, F, l1=0.1, l2=0.2, repeats=2)
    wanted = F.astype(float)
    G, B = (H.T @ H).astype(float), (P @ H).astype(float)
    for _ in range(2):
        for p in range(k):
            slope = wanted @ G[p] + 0.2 * wanted[:, p] - B[:, p] + 0.1
            wanted[:, p] = np.maximum(0, wanted[:, p] - slope / (G[p, p] + 0.2))
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-5)


def test_a_zero_on_the_gram_diagonal_leaves_a_coordinate_or_gives_zero():
    given = case("dead concept")
    F, _ = descend("frobenius", given.P, given.H, given.F, repeats=5)
    np.testing.assert_array_equal(F[:, 1], given.F[:, 1])  # so that the concept can come back
    F, _ = descend("frobenius", given.P, given.H, given.F, l1=0.1, repeats=5)
    assert (F[:, 1] == 0).all()
    for loss_name in RATE_LOSSES:
        F, _ = descend(loss_name, given.P, given.H, given.F, repeats=5)
        wanted = np.where(given.P.any(axis=1), given.F[:, 1], given.floor)
        np.testing.assert_array_equal(F[:, 1], wanted)
        F, _ = descend(loss_name, given.P, given.H, given.F, l1=0.1, repeats=5)
        assert (F[:, 1] == given.floor).all()


@pytest.mark.parametrize("loss_name", RATE_LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_label_without_weights_does_not_spoil_the_other_labels(dtype, loss_name):
    H = np.array([[0.0, 0.0], [0.7, 0.1], [0.1, 0.6]], dtype)
    known = np.array([[0.0, 1.0, 0.0]], dtype)
    wanted, _ = descend(loss_name, known, H, np.zeros((1, 2), dtype), l1=0.1, repeats=200)
    known[0, 0] = 1
    got, _ = descend(loss_name, known, H, wanted, l1=0.1, repeats=200)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-9)
    assert got[0, 0] > 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_complete_label_sets_do_not_send_codes_to_infinity(dtype):
    given = case("every cell", dtype)
    F = given.F
    for repeats in (50, 500):
        F, _ = descend("bernoulli", given.P, given.H, F, repeats=repeats)
        P, _, H = given.double()
        assert objective("bernoulli", P, F.astype(float), H) < 1e-2
        assert F.max() < 1e4


def test_stored_zeros_count_nothing():
    rng = np.random.default_rng(0)
    P, H, F = np.array([[2.0, 1.0, 0.0]]), rng.random((3, 4)), rng.random((1, 4))
    wanted, _ = descend("kullback-leibler", P, H, F, repeats=3)
    indptr, indices = np.array([0, 3], np.int32), np.arange(3, dtype=np.int32)
    got = F.copy()
    _core.coordinate_step(
        "kullback-leibler", indptr, indices, P[0].copy(), H, denominator("kullback-leibler", H),
        got, 0.0, 0.0, 3, 0.0, FLOOR["float64"], 1,
    )  # fmt: skip
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


@pytest.mark.parametrize("loss_name", RATE_LOSSES)
def test_rows_at_the_floor_start_anew(loss_name):
    given = case("small")
    F, _ = descend(loss_name, given.P, given.H, np.zeros_like(given.F), repeats=500, tolerance=1e-9)
    other, _ = descend(loss_name, given.P, given.H, given.F, repeats=500, tolerance=1e-9)
    P, _, H = given.double()
    wanted = objective(loss_name, P, other, H)
    assert objective(loss_name, P, F, H) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("loss_name", LOSSES)
@settings(max_examples=100)
@draw(
    st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 9), st.integers(1, 5),
    st.sampled_from([0.0, 0.1, 3.0]), st.sampled_from([0.0, 0.2, 20.0]),
)  # fmt: skip
def test_the_objective_never_rises(loss_name, seed, n, m, k, l1, l2):
    rng = np.random.default_rng(seed)
    P = (rng.random((n, m)) < rng.choice([0.05, 0.3, 0.9])).astype(float)
    if loss_name != "bernoulli":
        P *= rng.gamma(2.0, size=P.shape)
    spread = rng.choice([0.05, 1.0])
    F, H = rng.gamma(spread, size=(n, k)), rng.gamma(spread, size=(m, k))
    if loss_name != "frobenius":
        F, H = np.maximum(F, FLOOR["float64"]), np.maximum(H, FLOOR["float64"])
        empty = (FLOOR["float64"] >= F).all(axis=1)
        F[empty] = 1e-3  # rows at the floor start anew: that is no descent step
    before = objective(loss_name, P, F, H, l1, l2)
    for _ in range(3):
        F, _ = descend(loss_name, P, H, F, l1=l1, l2=l2)
        after = objective(loss_name, P, F, H, l1, l2)
        assert after <= before + 1e-9 * (abs(before) + (P**2).sum())
        before = after
