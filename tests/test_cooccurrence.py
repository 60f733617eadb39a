"""Counts of labels that occur together against Y'Y."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from cases import NAMES, case, sides
from hypothesis import given as draw
from hypothesis import settings
from hypothesis import strategies as st
from reference import cooccurrence

from nnae import _core


def count(P, index=np.int32, n_threads=1, *, weights=None, **options):
    weighted = P if weights is None else P * weights[:, None]
    columns = sp.csr_matrix(weighted.T)
    if weights is not None:  # keep the entries that weigh nothing, as the transpose does
        columns = sp.csr_matrix(P.T)
        columns.data = weighted.T[P.T != 0]
    transpose = columns.indptr.astype(index), columns.indices.astype(index), columns.data
    if weights is None:
        transpose = sides(P.T, index, **options)
    parts = _core.cooccurrence(*sides(P, index, **options), *transpose, n_threads)
    return parts, sp.csr_matrix((parts[2], parts[1], parts[0]), shape=(P.shape[1],) * 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_counts_match_the_oracle(name, binary, index, dtype):
    P = case(name, dtype, binary=binary).P
    parts, got = count(P, index)
    np.testing.assert_array_equal(got.toarray(), cooccurrence(P))
    all_ones = (P[P != 0] == 1).all()
    assert got.dtype == (np.float64 if all_ones else dtype)
    assert (got.data != 0).all()
    for again in (count(P, index, 2), count(P, index, 7), count(P, index, keep_values=True)):
        for one, other in zip(parts, again[0], strict=True):
            np.testing.assert_array_equal(one, other)


@settings(max_examples=60)
@draw(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 20))
def test_rows_are_sorted_unique_and_symmetric(seed, n, m):
    rng = np.random.default_rng(seed)
    P = (rng.random((n, m)) < 0.3).astype(float)
    weights = rng.integers(0, 3, n).astype(float)  # a row may weigh nothing
    (indptr, indices, _), got = count(P, weights=weights)
    for begin, end in itertools.pairwise(indptr):
        assert (np.diff(indices[begin:end]) > 0).all()
    np.testing.assert_array_equal(got.toarray(), cooccurrence(P, weights))
    np.testing.assert_array_equal(got.toarray(), got.toarray().T)


def test_a_transpose_of_another_size_is_refused():
    P = case("small").P
    with pytest.raises(ValueError, match="equally many entries"):
        _core.cooccurrence(*sides(np.ones((5, 4))), *sides(P.T), 1)
