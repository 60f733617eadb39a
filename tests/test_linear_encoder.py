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

import nnae
from nnae._linear_codes import LinearCodes
from nnae._linear_encoder import Counts, ImplicitCounts, LinearLevel, count_labels


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


def test_counts_and_products_apply_the_same_matrix(monkeypatch):
    monkeypatch.setattr(ImplicitCounts, "rows_at_once", 7)
    Y, H = draw(4)
    weights = np.random.default_rng(5).random(Y.shape[0])
    for w in (None, weights):
        counted, multiplied = (count_labels(Y, how, 2, w) for how in ("explicit", "implicit"))
        np.testing.assert_allclose(multiplied.apply(H), counted.apply(H), rtol=1e-10)
        np.testing.assert_allclose(multiplied.totals, counted.totals, rtol=1e-12)
        assert multiplied.trace == pytest.approx(counted.trace)
    assert type(count_labels(Y, "auto", 1, None)) is Counts


def test_long_rows_are_not_counted():
    wide = sp.csr_matrix(np.ones((1, 5000), np.float32))
    assert isinstance(count_labels(wide, "auto", 1, None), ImplicitCounts)
    with pytest.raises(ValueError, match="cooccurrence must be one of"):
        count_labels(wide, "never", 1, None)


@pytest.mark.parametrize("how", ["explicit", "implicit"])
def test_models_of_counts_and_of_products_agree(how):
    Y, _ = draw(6, n=300, L=20)
    options = {"encoder": "linear", "init": "random", "random_state": 0}
    model = nnae.NNAE((5, 2), cooccurrence=how, **options).fit(Y)
    wanted = nnae.NNAE((5, 2), **options).fit(Y)
    assert model.loss_ == pytest.approx(wanted.loss_, rel=1e-2)
    assert [Z.shape for Z in model.codes_] == [(300, 5), (300, 2)]
    if how == "implicit":
        with pytest.raises(ValueError, match="cooccurrence='explicit'"):
            model.partial_fit(Y)
    else:
        np.testing.assert_array_equal(model.weights_[0], wanted.weights_[0])


def test_codes_that_are_too_many_are_worked_out_when_asked_for(monkeypatch, tmp_path):
    Y, _ = draw(7, n=200, L=20)
    options = {"encoder": "linear", "random_state": 0}
    held = nnae.NNAE((6, 3), **options).fit(Y)
    monkeypatch.setattr("nnae._linear_codes.MOST_CELLS", 100)
    model = nnae.NNAE((6, 3), **options).fit(Y)
    assert isinstance(model.codes_, LinearCodes)
    nnae.save(model, tmp_path / "model.nnae")
    for codes in (model.codes_, nnae.load(tmp_path / "model.nnae").codes_):
        assert len(codes) == 2
        for got, wanted in zip(codes, held.codes_, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-6)
        np.testing.assert_allclose(codes[-1], held.codes_[1], rtol=1e-6)
        with pytest.raises(IndexError):
            codes[2]
    trees = [nnae.LabelHierarchy.from_compressor(each, Y=Y) for each in (model, held)]
    for level in (1, 2):
        np.testing.assert_array_equal(*(tree.clusters(level) for tree in trees))
