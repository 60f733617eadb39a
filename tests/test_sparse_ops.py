"""Sparse products and column sums against numpy; what every sparse kernel refuses."""

import numpy as np
import pytest
import scipy.sparse as sp
from cases import NAMES, at_any_threads, case, denominator, sides

from nnae import _core

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dtypes
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_sparse_products_match_numpy(name, binary, index, dtype):
    given = case(name, dtype, binary=binary)

    def product(n_threads, *, keep_values=False):
        out = np.full_like(given.F, np.nan)
        P = sides(given.P, index, keep_values=keep_values)
        _core.spmm(*P, given.H, out, n_threads)
        return out

    got = at_any_threads(product)
    np.testing.assert_array_equal(product(1, keep_values=True), got)
    P, _, H = given.double()
    np.testing.assert_allclose(got, P @ H, rtol=given.rtol)


@dtypes
def test_a_factor_larger_than_a_cache_gives_the_bits_of_its_columns(dtype):
    rng = np.random.default_rng(0)
    P = (rng.random((500, 4001)) < 0.02) * rng.random((500, 4001))
    P[3] = 1  # a row that is longer than a block
    P = sp.csr_matrix(P, dtype=dtype)
    H = rng.random((4001, 150)).astype(dtype)

    def product(H):
        def run(n_threads):
            out = np.full((500, H.shape[1]), np.nan, dtype)
            _core.spmm(P.indptr, P.indices, P.data, np.ascontiguousarray(H), out, n_threads)
            return out

        return at_any_threads(run)

    got = product(H)
    np.testing.assert_allclose(got, P @ H, rtol=1e-5 if dtype == np.float32 else 1e-12)
    np.testing.assert_array_equal(product(H[:, :16]), got[:, :16])


@dtypes
@pytest.mark.parametrize("n", [0, 1, 100, 9000])
def test_column_sums_match_numpy(n, dtype):
    rng = np.random.default_rng(n)
    H, weights = rng.random((n, 5)).astype(dtype), rng.random(n)
    got = at_any_threads(lambda n_threads: _core.column_sums(H, None, n_threads))
    np.testing.assert_allclose(got, H.sum(axis=0, dtype=float), rtol=1e-12)
    got = at_any_threads(lambda n_threads: _core.column_sums(H, weights, n_threads))
    np.testing.assert_allclose(got, weights @ H.astype(float), rtol=1e-12)
    assert got.dtype == np.float64
    with pytest.raises(ValueError, match="one entry a row"):
        _core.column_sums(H, np.ones(n + 1), 1)


def kernels(dtype=np.float64):
    """Every kernel that reads a sparse matrix of two rows and three columns, as f(P)."""
    H, F = np.ones((3, 2), dtype), np.ones((2, 2), dtype)
    gram, sums = denominator("frobenius", H), denominator("bernoulli", H)
    transpose = sides(np.ones((3, 2), dtype), keep_values=True)
    return {
        "spmm": lambda P: _core.spmm(*P, H, F, 1),
        "ratio_product": lambda P: _core.ratio_product("bernoulli", *P, F, H, F.copy(), 1),
        "objective": lambda P: _core.objective_at_nonzeros("frobenius", *P, F, H, None, 1),
        "multiplicative": lambda P: _core.multiplicative_step(
            "bernoulli", *P, H, sums, F, 0.0, None, 0.0, 1
        ),
        "coordinate": lambda P: _core.coordinate_step(
            "frobenius", *P, H, gram, F, 0.0, 0.0, 1, 0.0, 0.0, 1
        ),
        "rates": lambda P: _core.coordinate_step(
            "kullback-leibler", *P, H, sums, F, 0.0, 0.0, 1, 0.0, 0.0, 1
        ),
        "cooccurrence": lambda P: _core.cooccurrence(*P, *transpose, 1),
        "topk": lambda P: _core.topk_csr(*P, 3, 2, 1),
    }


SOUND = ([0, 3, 6], [0, 1, 2, 0, 1, 2], np.ones(6))
UNSOUND = {
    "index too large": ([0, 3, 6], [0, 1, 3, 0, 1, 2], np.ones(6)),
    "negative index": ([0, 3, 6], [0, 1, -1, 0, 1, 2], np.ones(6)),
    "first not zero": ([1, 3, 6], [0, 1, 2, 0, 1, 2], np.ones(6)),
    "last not the end": ([0, 3, 7], [0, 1, 2, 0, 1, 2], np.ones(6)),
    "falling": ([0, 7, 6], [0, 1, 2, 0, 1, 2], np.ones(6)),
    "no indptr": ([], [], np.ones(0)),
    "values too short": ([0, 3, 6], [0, 1, 2, 0, 1, 2], np.ones(5)),
}


def arrays(P, index=np.int32):
    return np.array(P[0], index), np.array(P[1], index), P[2]


@pytest.mark.parametrize("kernel", kernels())
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("wrong", UNSOUND)
def test_unsound_indices_are_refused(wrong, index, kernel):
    if kernel != "cooccurrence" or index == np.int32:
        kernels()[kernel](arrays(SOUND, index))
    else:
        index = np.int32  # both of its sides need the same type
    with pytest.raises(ValueError, match=r"ind|equally"):
        kernels()[kernel](arrays(UNSOUND[wrong], index))


@pytest.mark.parametrize("kernel", kernels())
def test_unlike_types_are_refused(kernel):
    call = kernels()[kernel]
    if kernel == "topk":  # nothing to differ from
        return
    indptr, indices, values = arrays(SOUND)
    with pytest.raises(TypeError):
        call((indptr, indices, values.astype(np.float32)))
    with pytest.raises(TypeError):
        call((indptr, indices.astype(np.int64), values))
    with pytest.raises(TypeError):
        call((indptr, indices.astype(float), values))


@pytest.mark.parametrize("kernel", sorted(set(kernels()) - {"spmm", "cooccurrence", "topk"}))
def test_a_target_with_other_rows_is_refused(kernel):
    indptr, indices, values = arrays(([0, 3], [0, 1, 2], np.ones(3)))
    with pytest.raises(ValueError, match="one row for each row"):
        kernels()[kernel]((indptr, indices, values))


def test_factors_of_unlike_ranks_and_unknown_losses_are_refused():
    P, F, H = arrays(SOUND), np.ones((2, 2)), np.ones((3, 4))
    with pytest.raises(ValueError, match="same number of columns"):
        _core.objective_at_nonzeros("frobenius", *P, F, H, None, 1)
    with pytest.raises(ValueError, match="k x k"):
        _core.coordinate_step(
            "frobenius", *P, H[:, :2].copy(), np.ones((1, 2)), F, 0, 0, 1, 0, 0, 1
        )
    with pytest.raises(ValueError, match="hinge"):
        _core.objective_at_nonzeros("hinge", *P, F, np.ones((3, 2)), None, 1)
