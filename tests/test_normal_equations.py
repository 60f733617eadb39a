"""Conjugate gradients on centred sparse features, against dense algebra."""

import numpy as np
import pytest
import scipy.sparse as sp
from cases import at_any_threads, built_variants

SHAPES = [(1, 1, 1), (5, 3, 2), (40, 7, 33), (300, 60, 70), (30, 90, 5)]

variants = pytest.mark.parametrize("core", built_variants(), ids=lambda core: core.__name__)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
indices = pytest.mark.parametrize("index", [np.int32, np.int64])


def operator(n, d, dtype, index=np.int32):
    """Return the kernel's arguments and the centred matrix that they stand for; a row is empty."""
    rng = np.random.default_rng(n + d)
    dense = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.3)
    dense[0] = 0
    X = sp.csr_matrix(dense)
    roots = np.sqrt(rng.integers(1, 4, n))
    scaled = sp.csr_matrix(sp.diags(roots) @ X)
    mean = (roots @ scaled) / (roots**2).sum()
    parts = (scaled.indptr.astype(index), scaled.indices.astype(index), scaled.data, roots, mean)
    return tuple(M.astype(dtype) if M.dtype == float else M for M in parts), (
        scaled.toarray() - np.outer(roots, mean)
    )


def panels(M, dtype):
    width = 128 // np.dtype(dtype).itemsize
    count = -(-M.shape[1] // width)
    padded = np.zeros((len(M), count * width), dtype)
    padded[:, : M.shape[1]] = M
    return np.ascontiguousarray(padded.reshape(len(M), count, width).transpose(1, 0, 2))


def unpacked(P, m):
    return P.transpose(1, 0, 2).reshape(P.shape[1], -1)[:, :m]


@variants
@dtypes
@indices
@pytest.mark.parametrize(("n", "d", "m"), SHAPES)
def test_the_product_is_that_of_the_centred_matrix(core, dtype, index, n, d, m):
    arguments, A = operator(n, d, dtype, index)
    P = np.random.default_rng(m).normal(size=(d, m))

    def product(n_threads):
        out = np.full_like(panels(P, dtype), np.nan)
        core.normal_product(*arguments, panels(P, dtype), out, n_threads)
        return out

    found = unpacked(at_any_threads(product), m)
    scale = np.abs(A.T @ A @ P).max() + 1
    np.testing.assert_allclose(found, A.T @ A @ P, atol=scale * 20 * np.finfo(dtype).eps)


def start(A, right, penalty, dtype, goal):
    diagonal = np.square(A).sum(0)
    residual = panels(right, dtype)
    step = right / (diagonal[:, None] + penalty)
    columns = residual.shape[0] * residual.shape[2]
    wide = {
        name: np.full(columns, fill)
        for name, fill in (("penalty", 1.0), ("goal", 0.0), ("energy", -1.0))
    }
    m = right.shape[1]
    wide["penalty"][:m], wide["goal"][:m] = penalty, goal
    wide["energy"][:m] = np.maximum((step * right).sum(0), -1)
    wide["energy"][wide["energy"] == 0] = -1
    return diagonal, wide, np.zeros_like(residual), residual, panels(step, dtype)


def descend(core, arguments, state, steps, n_threads):
    diagonal, wide, solution, residual, direction = state
    return core.conjugate_descent(
        *arguments, diagonal, wide["penalty"], wide["goal"], solution, residual, direction,
        wide["energy"], steps, n_threads,
    )  # fmt: skip


@variants
@dtypes
@pytest.mark.parametrize(("n", "d", "m"), SHAPES)
def test_the_descent_ends_at_the_solution(core, dtype, n, d, m):
    arguments, A = operator(n, d, dtype)
    rng = np.random.default_rng(0)
    right, penalty = A.T @ rng.normal(size=(n, m)), rng.uniform(0.5, 4, m)
    right[:, 0] = 0  # solved before it starts
    goal = 1e-6 * np.linalg.norm(right, axis=0)

    def solve(n_threads):
        state = start(A, right, penalty, dtype, goal)
        steps = descend(core, arguments, state, 500, n_threads)
        assert steps < 500
        assert not (state[1]["energy"] > 0).any()
        return state[2]

    found = unpacked(at_any_threads(solve), m)
    gram = A.T @ A
    for column in range(m):
        wanted = np.linalg.solve(gram + penalty[column] * np.eye(d), right[:, column])
        np.testing.assert_allclose(found[:, column], wanted, atol=1e-4)


@variants
def test_the_descent_goes_on_where_it_stopped(core):
    arguments, A = operator(60, 30, np.float64)
    right, penalty = A.T @ np.random.default_rng(0).normal(size=(60, 20)), np.full(20, 0.1)
    goal = np.full(20, 1e-12)
    at_once, in_parts = (start(A, right, penalty, np.float64, goal) for _ in range(2))
    assert descend(core, arguments, at_once, 12, 2) == 12
    assert [descend(core, arguments, in_parts, steps, 2) for steps in (5, 0, 7)] == [5, 0, 7]
    for whole, part in zip(at_once[2:], in_parts[2:], strict=True):
        np.testing.assert_array_equal(whole, part)


@variants
def test_a_column_does_not_see_its_neighbours(core):
    arguments, A = operator(60, 30, np.float32)
    rng = np.random.default_rng(0)
    right = A.T @ rng.normal(size=(60, 40)) * rng.uniform(0.01, 100, 40)
    goal = 1e-3 * np.linalg.norm(right, axis=0)
    together = start(A, right, np.ones(40), np.float32, goal)
    alone = start(A, right[:, 7:8], np.ones(1), np.float32, goal[7:8])
    for state in (together, alone):
        descend(core, arguments, state, 100, 1)
    found = unpacked(together[2], 40)[:, 7]
    np.testing.assert_array_equal(found, unpacked(alone[2], 1)[:, 0])


@variants
def test_wrong_arrays_are_refused(core):
    arguments, A = operator(10, 4, np.float64)
    P = np.zeros((1, 4, 16))
    with pytest.raises(ValueError, match="128 bytes"):
        core.normal_product(*arguments, np.zeros((1, 4, 15)), P, 1)
    with pytest.raises(ValueError, match="shape of p"):
        core.normal_product(*arguments, P, np.zeros((2, 4, 16)), 1)
    with pytest.raises(ValueError, match="entry a row"):
        core.normal_product(*arguments[:3], np.ones(9), arguments[4], P, P.copy(), 1)
    diagonal, wide, *arrays = start(A, np.ones((4, 2)), np.ones(2), np.float64, np.zeros(2))
    short = {**wide, "goal": np.zeros(3)}
    with pytest.raises(ValueError, match="entry a column"):
        descend(core, arguments, (diagonal, short, *arrays), 1, 1)
    with pytest.raises(ValueError, match="entry a feature"):
        descend(core, arguments, (diagonal[:-1], wide, *arrays), 1, 1)
