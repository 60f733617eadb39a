"""Fits over blocks of rows give what fits of the same rows in memory give."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import SGDRegressor
from sklearn.multioutput import MultiOutputRegressor

import nnae
from nnae import _block_sums
from nnae.io import row_blocks


@pytest.fixture(scope="module")
def data():
    planted = nnae.datasets.make_label_hierarchy(2000, random_state=0)
    random = np.random.default_rng(1)
    Y = planted.Y.astype(np.float32)
    X = Y @ random.normal(size=(Y.shape[1], 30)) + random.normal(size=(Y.shape[0], 30))
    return X.astype(np.float32), Y


@pytest.mark.parametrize("rows", [150, 2000])
def test_a_compressor_is_the_same_to_the_bit(data, rows):
    _, Y = data
    whole = nnae.NNAE((20, 4), encoder="linear", random_state=0).fit(Y)
    blocks = nnae.NNAE((20, 4), encoder="linear", random_state=0).fit(
        row_blocks((None, Y), rows=rows)
    )
    for one, other in zip(whole.weights_, blocks.weights_, strict=True):
        assert np.array_equal(one, other)
    assert whole.loss_curve_ == blocks.loss_curve_
    for codes, totals in zip(whole.codes_, blocks.codes_, strict=True):
        np.testing.assert_allclose(codes.sum(0), totals[0], rtol=1e-3)
    trees = [nnae.LabelHierarchy.from_compressor(model).to_text() for model in (whole, blocks)]
    assert trees[0] == trees[1]


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("small", [512, 5])
def test_a_classifier_agrees_with_the_one_in_memory(data, sparse, small, monkeypatch):
    monkeypatch.setattr("nnae._moment_ridge.SMALL", small)
    X, Y = data
    X = sp.csr_matrix(X) if sparse else X
    whole = nnae.TwoStepClassifier(random_state=0, decoder="linear", profile="fast").fit(X, Y)
    model = nnae.TwoStepClassifier(random_state=0).fit(row_blocks((X, Y), rows=130))
    if small == 512:
        np.testing.assert_allclose(model.estimator_.alpha_, whole.estimator_.alpha_, rtol=1e-4)
        np.testing.assert_allclose(model.estimator_.coef_, whole.estimator_.coef_, atol=1e-5)
    else:  # the trace is estimated: one step of the candidates, at most, beside the exact one
        step = model.estimator_.alphas_[1] / model.estimator_.alphas_[0]
        ratio = model.estimator_.alpha_ / whole.estimator_.alpha_
        assert 1 / step < ratio * 1.01 and ratio < step * 1.01
    truth = [nnae.metrics.precision_at_k(Y, m.predict_topk(X)[0], 3) for m in (whole, model)]
    assert abs(truth[0] - truth[1]) < 0.005
    assert np.array_equal(model.label_counts_, whole.label_counts_)
    np.testing.assert_allclose(model.propensities_, whole.propensities_)
    np.testing.assert_allclose(model.threshold_, whole.threshold_, rtol=0.02)


def test_predictions_come_block_by_block(data):
    X, Y = data
    blocks = row_blocks((X, Y), rows=700)
    model = nnae.TwoStepClassifier(random_state=0).fit(blocks)
    parts = list(model.predict_topk(blocks, k=4))
    assert [len(labels) for labels, _ in parts] == [700, 700, 600]
    assert np.array_equal(np.vstack([labels for labels, _ in parts]), model.predict_topk(X, 4)[0])


def test_a_path_is_enough_and_the_model_can_be_saved(data, tmp_path):
    X, Y = data
    nnae.io.write_blocks(tmp_path / "rows", (X, Y))
    model = nnae.TwoStepClassifier(random_state=0).fit(tmp_path / "rows")
    nnae.save(model, tmp_path / "model.nnae")
    again = nnae.load(tmp_path / "model.nnae")
    assert np.array_equal(again.predict_topk(X)[1], model.predict_topk(X)[1])


def test_groups_of_blocks_are_added_in_one_order(data, monkeypatch):
    X, Y = data
    blocks = row_blocks((X, Y), rows=97)
    first = _block_sums.add_up(blocks, _block_sums.MeasureRows(1, True), "counting")
    again = _block_sums.add_up(blocks, _block_sums.MeasureRows(2, True), "counting")
    assert np.array_equal(first.gram, again.gram)
    np.testing.assert_allclose(first.gram, X.T.astype(float) @ X, rtol=1e-10)
    assert (first.pairs != Y.T @ Y).nnz == 0


def test_a_second_step_with_partial_fit(data):
    X, Y = data
    X, Y = X[:600], Y[:600, :12]
    step = MultiOutputRegressor(SGDRegressor(random_state=0, eta0=0.001))
    step_one = nnae.NNAE((6,), encoder="linear", random_state=0)
    model = nnae.TwoStepClassifier(step_one, step, random_state=0)
    model.fit(row_blocks((X, Y), rows=100))
    assert nnae.metrics.precision_at_k(Y, model.predict_topk(X)[0], 1) > 0.2


def test_a_compressor_of_a_sample_serves_all_rows(data):
    X, Y = data
    compressor = nnae.NMF(20, random_state=0, tol=1e-2).fit(Y[:500])
    model = nnae.TwoStepClassifier(compressor, prefit=True, random_state=0)
    model.fit(row_blocks((X, Y), rows=300))
    whole = nnae.TwoStepClassifier(
        compressor, decoder="linear", profile="fast", prefit=True, random_state=0
    ).fit(X, Y)
    np.testing.assert_allclose(model.estimator_.coef_, whole.estimator_.coef_, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nnae.NNAE(encoder="relu"), "encoder='linear'"),
        (nnae.NNAE(encoder="linear", feature_weight=1.0), "feature_weight=0"),
        (nnae.TwoStepClassifier(decoder="stack"), "decoder='linear'"),
        (nnae.TwoStepClassifier(nnae.NNAE(encoder="relu")), "NNAE"),
    ],
)
def test_what_does_not_stream_says_so(data, model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(row_blocks(data, rows=500))


def test_a_second_step_that_needs_all_rows_says_so(data):
    from sklearn.linear_model import Lasso

    with pytest.raises(ValueError, match="partial_fit"):
        nnae.TwoStepClassifier(estimator=Lasso()).fit(row_blocks(data, rows=500))
    with pytest.raises(ValueError, match="Y must be None"):
        nnae.TwoStepClassifier().fit(row_blocks(data, rows=500), data[1])
    with pytest.raises(ValueError, match="labels only"):
        nnae.TwoStepClassifier().fit(row_blocks((None, data[1]), rows=500))


def test_labels_of_sgd_are_refused_as_one_output(data):
    with pytest.raises(ValueError):
        nnae.TwoStepClassifier(estimator=SGDRegressor()).fit(row_blocks(data, rows=500))


SCRIPT = """
import resource, sys
import numpy as np, scipy.sparse as sp, nnae
from nnae.io import row_blocks

def blocks():
    for number in range(int(sys.argv[1])):
        random = np.random.default_rng(number)
        X = random.random((6000, 200), np.float32)
        columns = random.integers(0, 30, 12000)
        Y = sp.csr_matrix((np.ones(12000, np.float32), columns, np.arange(0, 12001, 2)), (6000, 30))
        Y.sum_duplicates()
        Y.data[:] = 1
        yield X, Y

step_one = nnae.NNAE((8,), encoder="linear", random_state=0, tol=0.01)
model = nnae.TwoStepClassifier(step_one, random_state=0, n_threads=1).fit(row_blocks(blocks))
for labels, _ in model.predict_topk(row_blocks(blocks)):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows():
    peaks = [
        int(subprocess.run([sys.executable, "-c", SCRIPT, count], capture_output=True, text=True,
                           check=True).stdout)
        for count in ("4", "24")
    ]  # fmt: skip
    rows = 20 * 6000 * 200 * 4 / 1024  # of float32, in kilobytes
    assert peaks[1] - peaks[0] < 0.2 * rows


def test_rankings_of_blocks_are_measured_as_those_in_memory(data, tmp_path):
    X, Y = data
    model = nnae.TwoStepClassifier(random_state=0).fit(row_blocks((X, Y), rows=500))
    whole = model.evaluate(X, Y, at=(5, 1))
    assert list(whole["k"].unique()) == [1, 5]
    ranking, _ = model.predict_topk(X, 5)
    assert whole["value"][1] == pytest.approx(nnae.metrics.precision_at_k(Y, ranking, 5))
    psp = nnae.metrics.psp_at_k(Y, ranking, 5, model.propensities_)
    assert whole["value"].iloc[-1] == pytest.approx(psp)
    nnae.io.write_blocks(tmp_path / "rows", (X, Y))
    for blocks in (row_blocks((X, Y), rows=130), tmp_path / "rows"):
        found = model.evaluate(blocks, at=(1, 5))
        assert found[["measure", "k"]].equals(whole[["measure", "k"]])
        np.testing.assert_allclose(found["value"], whole["value"], rtol=1e-12)
        np.testing.assert_allclose(found["standard_error"], whole["standard_error"], rtol=1e-9)


def test_rankings_of_other_labels_are_not_measured(data):
    X, Y = data
    names = [f"label {j}" for j in range(Y.shape[1])]
    model = nnae.TwoStepClassifier(random_state=0).fit(row_blocks((X, Y), label_names=names))
    model.evaluate(row_blocks((X, Y), label_names=names))
    with pytest.raises(ValueError, match="label 0 is 'label 0' in the model"):
        model.evaluate(row_blocks((X, Y), label_names=names[::-1]))
    with pytest.raises(ValueError, match="Y has 3 labels, the model has"):
        model.evaluate(row_blocks((X, Y[:, :3])))
    with pytest.raises(ValueError, match="Y must be given"):
        model.evaluate(X)
    with pytest.raises(ValueError, match="at must"):
        model.evaluate(X, Y, at=(0,))
