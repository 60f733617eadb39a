"""Feature-aware models where others use them: the classifier, the command line, stability."""

import json

import numpy as np
import pytest
import scipy.sparse as sp
from test_resemblance import brothers

import nnae
from nnae.cli import main


def test_the_classifier_hands_features_to_a_feature_aware_compressor():
    Y, X, _ = brothers(400)
    compressor = nnae.NNAE(12, encoder="linear", feature_weight=2.0, random_state=0)
    model = nnae.TwoStepClassifier(compressor, random_state=0).fit(X[:300], Y[:300])
    assert model.compressor_.feature_weight_ == 2.0
    assert model.compressor_.feature_weights_.shape == (12, X.shape[1])
    alone = nnae.NNAE(12, encoder="linear", random_state=0)
    plain = nnae.TwoStepClassifier(alone, random_state=0).fit(X[:300], Y[:300])
    one, two = (m.predict_topk(X[300:], 5)[0] for m in (model, plain))
    chance = nnae.metrics.precision_at_k(Y[300:], np.tile(np.arange(5), (len(one), 1)), 5)
    for ranking in (one, two):
        assert nnae.metrics.precision_at_k(Y[300:], ranking, 5) > 1.5 * chance
    assert not np.array_equal(one, two)


def test_stability_refits_with_features():
    Y, X, _ = brothers(300)
    report = nnae.stability(
        lambda seed: nnae.NNAE(8, encoder="linear", feature_weight=1.0, random_state=seed),
        Y,
        X=X,
        n_seeds=3,
        n_bootstraps=0,
        random_state=0,
    )
    assert report.value("ari") > 0.8  # several starts side by side vary little


def written(tmp_path):
    Y, X, _ = brothers(200)
    path = tmp_path / "train.txt"
    nnae.io.write_xmc(path, sp.csr_matrix(X, dtype=np.float32), Y)
    return path


def run(capsys, *words):
    capsys.readouterr()
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_command_line_fits_with_features_and_shows_both_trees(tmp_path, capsys):
    path, model = written(tmp_path), tmp_path / "model.nnae"
    fit = ["fit", path, "-o", model, "--layers", "12,4", "--feature-weight", "auto", "--quiet"]
    status, _, err = run(capsys, *fit)
    assert status == 0, err
    assert nnae.load(model).compressor_.feature_weight == "auto"
    trees = {}
    for basis in ("auto", "weights", "resemblance"):
        status, out, err = run(capsys, "hierarchy", model, "--basis", basis, "--json", "--quiet")
        assert status == 0, err
        trees[basis] = json.loads(out)
    assert trees["auto"] == trees["resemblance"] != trees["weights"]
    assert set(trees["auto"]["evidence"]) == {"company", "codes", "features"}


@pytest.mark.parametrize("weight", ["-1", "much", "inf"])
def test_a_wrong_weight_is_wrong_usage(tmp_path, capsys, weight):
    status, _, err = run(capsys, "fit", written(tmp_path), f"--feature-weight={weight}")
    assert status == 2
    assert "--feature-weight must be auto or a number of at least 0" in " ".join(err.split())
