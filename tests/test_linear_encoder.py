"""The linear encoder, fitted on counts alone, against formulas on the rows."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import (
    cooccurrence,
    least_squares_codes,
    linear_decoder_step,
    linear_encoder_step,
    linear_objective,
)

from nnae._linear_encoder import Counts, LinearLevel


def draw(seed, n=40, L=9, k=3, dtype=np.float64):
    rng = np.random.default_rng(seed)
    Y = sp.csr_matrix((rng.random((n, L)) < 0.3).astype(dtype))
    return Y, (0.1 + rng.random((L, k))).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_keep_the_type_of_the_labels_and_add_up(dtype):
    Y, _ = draw(0, dtype=dtype)
    whole = Counts.of_labels(Y, 2)
    assert whole.matrix.dtype == dtype
    assert whole.trace == Y.nnz
    halves = Counts.of_labels(Y[:15], 1).plus(Counts.of_labels(Y[15:], 1))
    np.testing.assert_array_equal(halves.matrix.toarray(), whole.matrix.toarray())
    weights = np.random.default_rng(1).random(40)
    weighted = Counts.of_labels(Y, 1, weights).matrix.toarray()
    np.testing.assert_allclose(weighted, cooccurrence(Y.toarray(), weights), rtol=1e-5)


def test_the_objective_is_that_of_the_rows():
    Y, Bt = draw(2)
    level = LinearLevel(Counts.of_labels(Y, 1), Bt.copy())
    wanted = linear_objective(Y.toarray(), level.V, level.Bt.T)
    assert level.objective() == pytest.approx(wanted, rel=1e-10)
    level.sweep(1)
    wanted = linear_objective(Y.toarray(), level.V, level.Bt.T)
    assert level.objective() == pytest.approx(wanted, rel=1e-10)


def test_a_sweep_solves_for_the_decoder_and_multiplies_the_encoder():
    Y, Bt = draw(3)
    C = cooccurrence(Y.toarray())
    level = LinearLevel(Counts.of_labels(Y, 1), Bt.copy(), repeats=5000)
    V, B = level.V.copy(), level.Bt.T.copy()
    level.sweep(1)
    solved = least_squares_codes(Y.toarray().T, Y.toarray() @ V).T
    np.testing.assert_allclose(level.Bt.T, solved, atol=1e-8)
    np.testing.assert_allclose(
        level.V, linear_encoder_step(C, V, np.ascontiguousarray(level.Bt.T), 1e-100), rtol=1e-8
    )
    multiplied = linear_objective(Y.toarray(), V, linear_decoder_step(C, V, B))
    assert linear_objective(Y.toarray(), V, level.Bt.T) <= multiplied


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 12), st.integers(1, 5))
def test_the_objective_never_rises_on_labels_and_on_codes(seed, n, L, k):
    Y, Bt = draw(seed, n, L, k)
    counts = Counts.of_labels(Y, 1)
    for width in (k, 1):
        level = LinearLevel(counts, Bt[: counts.matrix.shape[0], :width].copy())
        before = level.objective()
        for number in range(1, 6):
            level.sweep(number)
            after = level.objective()
            assert after <= before + 1e-9 * max(counts.trace, 1e-9)
            before = after
        V, B = level.normal_form()
        product = level.V @ level.Bt.T
        np.testing.assert_allclose(V @ B, product, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(B.sum(axis=1), np.where(B.any(axis=1), 1, 0))
        counts, Bt = counts.through(V), Bt[:1].repeat(V.shape[1], axis=0)
