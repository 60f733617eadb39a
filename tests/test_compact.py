"""Compact model files: much smaller, nearly the same scores, and what they no longer can."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features

import nnae
from nnae._compact import CompactEncoder


@pytest.fixture(scope="module")
def debian():
    data = nnae.datasets.load_debian_tags()
    rows = slice(0, 8000)
    model = nnae.TwoStepClassifier(decoder="linear", profile="fast", random_state=0, n_threads=1)
    return model.fit(data.X_train[rows], data.Y_train[rows]), data


def test_a_compact_file_is_small_and_predicts_alike(debian, tmp_path):
    model, data = debian
    whole, small = tmp_path / "whole.nnae", tmp_path / "small.nnae"
    nnae.save(model, whole)
    nnae.save(model, small, compact=True)
    assert os.path.getsize(small) < 0.45 * os.path.getsize(whole)
    assert os.path.getsize(small) < 6 * 2**20
    again = nnae.load(small)
    X = data.X_test
    a, b = model.decision_function(X), again.decision_function(X)
    assert b.dtype == a.dtype
    assert np.abs(a - b).max() < 1e-3
    first, second = model.predict_topk(X, 5)[0], again.predict_topk(X, 5)[0]
    assert (first[:, 0] == second[:, 0]).mean() > 0.995
    assert abs(model.score(X, data.Y_test) - again.score(X, data.Y_test)) < 1e-3
    assert again.estimator_.coef_.dtype == model.estimator_.coef_.dtype


def test_what_is_left_out_is_told(debian, tmp_path):
    model, _ = debian
    path = tmp_path / "small.nnae"
    nnae.save(model, path, compact=True)
    again = nnae.load(path)
    assert not hasattr(again.compressor_, "codes_")
    with pytest.raises(ValueError, match=r"saved with compact=True; build the hierarchy before"):
        nnae.LabelHierarchy.from_compressor(again.compressor_)
    nnae.LabelHierarchy.from_compressor(model.compressor_)  # the model itself keeps its codes


@pytest.mark.parametrize("compressor", [None, nnae.NMF(8, random_state=0)])
@pytest.mark.parametrize("decoder", ["linear", "neighbors"])
def test_a_compact_model_saved_again_is_the_same(compressor, decoder, tmp_path):
    X, Y, Xt, _ = planted_features()
    model = nnae.TwoStepClassifier(compressor, decoder=decoder, random_state=0).fit(X, Y)
    first, second = tmp_path / "first.nnae", tmp_path / "second.nnae"
    nnae.save(model, first, compact=True)
    once = nnae.load(first)
    nnae.save(once, second, compact=True)
    twice = nnae.load(second)
    np.testing.assert_allclose(twice.decision_function(Xt), once.decision_function(Xt), atol=2e-3)
    assert (twice.predict(Xt) != once.predict(Xt)).nnz < 0.01 * twice.predict(Xt).nnz + 2
    assert once.compressor_.transform(Y).shape[0] == Y.shape[0]


def rounded(value):
    encoder = CompactEncoder()
    kind = encoder.real_array(value)
    if kind["t"] == "array":
        return encoder.arrays[kind["id"]]
    halves, scale = encoder.arrays[kind["id"]], encoder.arrays[kind["scale"]]
    assert halves.dtype == np.float16
    return (halves.reshape(len(scale), -1) * scale[:, None]).reshape(value.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(64, 80), (5000,), (10, 20, 30)])
def test_numbers_are_off_by_a_2048th_at_most(dtype, shape):
    rng = np.random.default_rng(0)
    value = (rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3, shape)).astype(dtype)
    value.flat[::7] = 0
    value *= dtype(1e12)  # far outside of what half precision holds by itself
    found = rounded(value)
    scale = np.abs(value).reshape(len(value), -1).max(1) if len(shape) > 1 else np.abs(value).max()
    scale = np.broadcast_to(np.reshape(scale, (-1,) + (1,) * (len(shape) - 1)), shape)
    error = np.abs(found - value)
    assert (error <= np.maximum(np.abs(value) / 2048, 3.1e-8 * scale)).all()
    assert (found[value == 0] == 0).all()


def test_what_cannot_be_rounded_is_kept_bit_for_bit():
    small = np.linspace(0, 1, 4095)
    odd = np.full((70, 70), np.inf)
    tiny = np.full((70, 70), 1e-300)
    whole = np.arange(5000)
    for value in (small, odd, tiny, whole):
        assert rounded(value) is value


def test_sparse_parts_keep_their_bits(tmp_path):
    X, Y, Xt, _ = planted_features()
    model = nnae.TwoStepClassifier(decoder="neighbors", profile="fast", random_state=0)
    model.fit(sp.csr_matrix(X), sp.vstack([Y] * 1))
    path = Path(tmp_path) / "small.nnae"
    nnae.save(model, path, compact=True)
    again = nnae.load(path)
    assert (again.decoder_.labels != model.decoder_.labels).nnz == 0
    assert again.predict_topk(Xt, 3)[0].shape == (100, 3)
