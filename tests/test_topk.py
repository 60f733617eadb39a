"""The k best labels of every row, against a stable sort of the full scores."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import topk as reference

from nnae import _core


def assert_same(got: tuple, wanted: tuple) -> None:
    np.testing.assert_array_equal(got[0], wanted[0])
    np.testing.assert_array_equal(got[1], wanted[1])
    assert got[0].dtype == np.int64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "n_labels", "p", "k"),
    [(1, 1, 1, 1), (3, 2, 4, 5), (70, 33, 7, 4), (131, 300, 20, 300), (5, 64, 0, 3), (0, 4, 2, 2)],
)
def test_products_match_a_full_sort(dtype, n, n_labels, p, k):
    rng = np.random.default_rng(n + n_labels)
    # small integers: sums are exact in any order, and ties are many
    Z = rng.integers(-2, 3, (n, p)).astype(dtype)
    Wt = rng.integers(-2, 3, (n_labels, p)).astype(dtype)
    got = _core.topk_scores(Z, Wt, k, 1)
    assert_same(got, reference(Z @ Wt.T, k))
    assert got[1].dtype == dtype
    for threads in (2, 7):
        assert_same(_core.topk_scores(Z, Wt, k, threads), got)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_does_not_depend_on_its_neighbours_or_on_threads(dtype):
    rng = np.random.default_rng(3)
    Z = rng.normal(size=(201, 37)).astype(dtype)
    Wt = rng.normal(size=(150, 37)).astype(dtype)
    indices, scores = _core.topk_scores(Z, Wt, 9, 1)
    for threads in (2, 7):
        assert_same(_core.topk_scores(Z, Wt, 9, threads), (indices, scores))
    for i in (0, 63, 64, 200):
        assert_same(
            _core.topk_scores(Z[i : i + 1], Wt, 9, 1), (indices[i : i + 1], scores[i : i + 1])
        )
    full = Z.astype(np.float64) @ Wt.T.astype(np.float64)
    chosen = np.take_along_axis(full, indices, axis=1)
    np.testing.assert_allclose(scores, chosen, rtol=0, atol=1e-4 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(chosen, -np.sort(-full, axis=1)[:, :9], rtol=0, atol=1e-4)


def test_nan_and_minus_infinity_are_never_chosen():
    S = np.array([[np.nan, 1.0, -np.inf, np.inf], [np.nan] * 4, [2.0, np.nan, 2.0, 2.0]])
    indices, scores = _core.topk_dense(S, 3, 1)
    assert indices.tolist() == [[3, 1, -1], [-1, -1, -1], [0, 2, 3]]
    assert scores.tolist() == [[np.inf, 1.0, -np.inf], [-np.inf] * 3, [2.0] * 3]
    codes = np.array([[np.nan, 1.0], [0.0, 1.0]])
    indices, scores = _core.topk_scores(codes, np.eye(2), 2, 1)
    assert indices.tolist() == [[-1, -1], [1, 0]]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 90), st.integers(1, 40), st.integers(0, 12), st.integers(0, 10**6))
def test_dense_and_sparse_match_a_full_sort(n, m, k, seed):
    rng = np.random.default_rng(seed)
    S = rng.integers(-3, 4, (n, m)).astype(np.float32)
    assert_same(_core.topk_dense(S, k, 2), reference(S, k))
    keep = rng.random((n, m)) < 0.4
    rows, columns = np.nonzero(keep)
    order = rng.permutation(len(rows))  # stored entries of a row in any order
    order = order[np.argsort(rows[order], kind="stable")]
    indptr = np.concatenate([[0], np.cumsum(keep.sum(1))])
    stored = np.where(keep, S, -np.inf).astype(np.float32)
    for kind in (np.int32, np.int64):
        got = _core.topk_csr(
            indptr.astype(kind), columns[order].astype(kind), S[rows, columns][order], m, k, 2
        )
        assert_same(got, reference(stored, k))


def test_stored_zeros_are_scores_and_missing_values_are_ones():
    S = sp.csr_matrix((np.array([0.0, -1.0]), np.array([4, 2]), np.array([0, 2, 2])), shape=(2, 5))
    indices, scores = _core.topk_csr(S.indptr, S.indices, S.data, 5, 3, 1)
    assert indices.tolist() == [[4, 2, -1], [-1, -1, -1]]
    indices, scores = _core.topk_csr(S.indptr, S.indices, None, 5, 1, 1)
    assert indices.tolist() == [[2], [-1]]
    assert scores.tolist() == [[1.0], [-np.inf]]


def test_wrong_arrays_are_refused():
    Z = np.zeros((2, 3))
    with pytest.raises(ValueError, match="equally many columns"):
        _core.topk_scores(Z, np.zeros((4, 2)), 1, 1)
    with pytest.raises(ValueError, match="not be negative"):
        _core.topk_scores(Z, Z, -1, 1)
    with pytest.raises(ValueError, match="n_threads"):
        _core.topk_dense(Z, 1, 0)
    with pytest.raises(ValueError, match="columns"):
        _core.topk_csr(np.array([0, 1]), np.array([7]), np.ones(1), 5, 1, 1)
    with pytest.raises(TypeError):
        _core.topk_scores(Z.astype(np.float32), Z, 1, 1)
