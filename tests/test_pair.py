"""The pair of rates and tree, at equal weights."""

import numpy as np
import pytest
from planted_features import planted_features

from nnae import TwoStepClassifier, load, save
from nnae.decoders import StackDecoder
from nnae.metrics import precision_at_k


@pytest.fixture(scope="module")
def models():
    X, Y, _, _ = planted_features()
    options = {"profile": "fast", "random_state": 0, "n_threads": 1}
    names = ("linear", "tree", "pair")
    return {name: TwoStepClassifier(decoder=name, **options).fit(X, Y) for name in names}


def test_scores_are_those_of_its_parts(models):
    Xt = planted_features()[2]
    rates, shares = (models[name].decision_function(Xt) for name in ("linear", "tree"))
    wanted = (np.sqrt(np.maximum(rates, 0)) + np.sqrt(shares)) ** 2 / 4
    np.testing.assert_allclose(models["pair"].decision_function(Xt), wanted, atol=1e-9)
    indices, scores = models["pair"].predict_topk(Xt, 4)
    np.testing.assert_allclose(scores, -np.sort(-wanted, axis=1)[:, :4], atol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(wanted, indices, 1), scores, atol=1e-9)


def test_fitted_it_is_a_stack(models):
    assert isinstance(models["pair"].decoder_, StackDecoder)
    assert models["pair"].decoder_.names == ["linear", "tree"]


def test_it_is_not_worse_than_both_parts(models):
    _, _, Xt, Yt = planted_features()
    value = {
        name: sum(precision_at_k(Yt, model.predict_topk(Xt)[0], k) for k in (1, 3, 5))
        for name, model in models.items()
    }
    assert value["pair"] >= min(value["linear"], value["tree"])
    assert value["pair"] >= max(value["linear"], value["tree"]) - 0.05


def test_it_is_calibrated_with_the_best_profile_and_saved(tmp_path):
    X, Y, Xt, _ = planted_features()
    model = TwoStepClassifier(decoder="pair", random_state=0, n_threads=1).fit(X, Y)
    assert model.calibration_ is not None
    save(model, tmp_path / "model.nnae")
    again = load(tmp_path / "model.nnae")
    np.testing.assert_array_equal(again.predict_proba(Xt), model.predict_proba(Xt))
    one = model.predict_topk(Xt[5:6])
    np.testing.assert_array_equal(one[0], model.predict_topk(Xt)[0][5:6])
