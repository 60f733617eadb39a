"""Shuffles keep both margins, reach every table equally often, and do not depend on threads."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given as draw
from hypothesis import settings
from hypothesis import strategies as st
from reference import curveball
from scipy.stats import chisquare

from nnae import _core


def shuffled(Y, rounds, seed, index=np.int32, n_threads=1):
    matrix = sp.csr_matrix(Y)
    matrix.sort_indices()
    indptr, indices = matrix.indptr.astype(index), matrix.indices.astype(index)
    _core.curveball(indptr, indices, matrix.shape[1], rounds, seed, n_threads)
    found = sp.csr_matrix((np.ones(len(indices)), indices, indptr), shape=matrix.shape)
    assert found.has_sorted_indices
    return found.toarray()


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(("n", "L"), [(0, 3), (1, 4), (2, 5), (7, 1), (40, 12), (301, 30)])
def test_margins_are_kept_and_the_rest_changes(n, L, index):
    draws = np.random.default_rng(n)
    Y = (draws.random((n, L)) < draws.uniform(0, 0.6, L)).astype(float)
    Y[::5] = 0
    found = shuffled(Y, 6, 1, index)
    np.testing.assert_array_equal(found.sum(axis=0), Y.sum(axis=0))
    np.testing.assert_array_equal(found.sum(axis=1), Y.sum(axis=1))
    assert set(np.unique(found)) <= {0, 1}
    np.testing.assert_array_equal(shuffled(Y, 0, 1, index), Y)
    if n > 10:
        assert (found != Y).mean() > 0.1
        assert (shuffled(Y, 6, 2, index) != found).any()


@settings(deadline=None, max_examples=40)
@draw(st.integers(0, 30), st.integers(1, 12), st.integers(0, 2**64 - 1), st.integers(0, 4))
def test_the_oracle_trades_the_same(n, L, seed, rounds):
    Y = (np.random.default_rng(seed % 997).random((n, L)) < 0.4).astype(float)
    np.testing.assert_array_equal(shuffled(Y, rounds, seed), curveball(Y, rounds, seed))


def test_threads_change_nothing():
    Y = (np.random.default_rng(0).random((3000, 40)) < 0.1).astype(float)
    one, two, seven = (shuffled(Y, 4, 9, n_threads=threads) for threads in (1, 2, 7))
    assert (one == two).all()
    assert (one == seven).all()


def test_every_table_comes_equally_often():
    Y = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1]], float)
    rows, columns = Y.sum(axis=1), Y.sum(axis=0)
    tables = [
        table
        for table in product((0, 1), repeat=16)
        if (np.reshape(table, (4, 4)).sum(axis=1) == rows).all()
        and (np.reshape(table, (4, 4)).sum(axis=0) == columns).all()
    ]
    n = 200 * len(tables)
    seen = Counter(tuple(shuffled(Y, 40, seed).astype(int).ravel()) for seed in range(n))
    assert set(seen) == set(tables)
    assert chisquare([seen[table] for table in tables]).pvalue > 0.001


@pytest.mark.parametrize(
    ("indptr", "indices", "message"),
    [([0, 2], [1, 1], "sorted"), ([0, 2], [2, 1], "sorted"), ([0, 1], [9], "columns")],
)
def test_unsafe_input_is_refused(indptr, indices, message):
    with pytest.raises(ValueError, match=message):
        _core.curveball(np.array(indptr, np.int32), np.array(indices, np.int32), 3, 1, 0, 1)
