"""No test row decides anything: with test labels of noise every fitted array is the same."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features
from sklearn.base import BaseEstimator

import nnae

sys.path.insert(0, str(Path(__file__).resolve().parent / "benchmarks"))
classify_data = pytest.importorskip("classify_data")
classify_methods = pytest.importorskip("classify_methods")
classify_trial = pytest.importorskip("classify_trial")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")


def arrays_of(value, place="model"):
    """Yield all numbers that a model holds, with their places."""
    if sp.issparse(value):
        value = value.tocsr()
        yield from ((f"{place}.{name}", getattr(value, name)) for name in ("data", "indices"))
    elif isinstance(value, (np.ndarray, int, float, bool, str, np.generic)):
        yield place, np.asarray(value)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from arrays_of(part, f"{place}.{name}")
    elif isinstance(value, (list, tuple)):
        for at, part in enumerate(value):
            yield from arrays_of(part, f"{place}[{at}]")
    elif isinstance(value, BaseEstimator) or dataclasses.is_dataclass(value):
        for name, part in vars(value).items():
            if name != "history_":  # has the seconds of the fit
                yield from arrays_of(part, f"{place}.{name}")


@pytest.fixture
def trial(monkeypatch, tmp_path):
    """Run the benchmark's own trial on a split; return the model's arrays and the rankings."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # the trial sets them: they are put back

    def run(method, split):
        made, make = [], classify_methods.METHODS[method]
        with monkeypatch.context() as patch:
            patch.setattr(classify_data, "split", lambda name, seed: split)
            patch.setitem(
                classify_methods.METHODS, method, lambda *args: made.append(make(*args)) or made[-1]
            )
            classify_trial.main("planted", method, "0", "1", str(tmp_path / "out.npz"))
        with np.load(tmp_path / "out.npz") as out:
            return dict(arrays_of(made[-1].model)), dict(out)

    return run


def split_with(Y=None, Y_test=None):
    X, labels, Xt, truth = planted_features()
    labels, truth = labels if Y is None else Y, truth if Y_test is None else Y_test
    return classify_data._split(np.maximum(X, 0), labels, np.maximum(Xt, 0), truth)


def noise(Y):
    random = np.random.default_rng(1)
    return sp.csr_matrix((random.random(Y.shape) < 0.3).astype(np.float32))


@pytest.mark.parametrize("method", ["fast", "best"])
def test_test_labels_of_noise_change_no_array(trial, method):
    plain = split_with()
    arrays, out = trial(method, plain)
    assert len(arrays) > 40 and any("threshold_" in place for place in arrays)
    others, found = trial(method, split_with(Y_test=noise(plain.Y_test)))
    assert arrays.keys() == others.keys()
    for place, array in arrays.items():
        if "seconds" not in place:
            np.testing.assert_array_equal(others[place], array, err_msg=place)
    for name, array in out.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    # the comparison sees what labels of training rows change
    taught, _ = trial(method, split_with(Y=noise(plain.Y)))
    assert any(
        array.shape != taught[place].shape or (array != taught[place]).any()
        for place, array in arrays.items()
        if place in taught
    )


def test_looking_at_test_labels_changes_no_array():
    split = split_with()
    model = nnae.TwoStepClassifier(random_state=0, n_threads=1).fit(split.X, split.Y)
    before = {place: array.copy() for place, array in arrays_of(model)}
    truth = noise(split.Y_test)
    model.score(split.X_test, truth)
    model.error_budget(split.X_test, truth)
    after = dict(arrays_of(model))
    for place, array in before.items():
        np.testing.assert_array_equal(after[place], array, err_msg=place)
