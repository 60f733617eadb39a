"""Codes that the features take part in, from the fit of a classifier to its explanations."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features

import nnae


@pytest.fixture(scope="module")
def planted():
    X, Y, Xt, Yt = planted_features()
    return np.maximum(X, 0), Y, np.maximum(Xt, 0), Yt


@pytest.mark.parametrize(
    "options",
    [{"decoder": "linear", "profile": "fast"}, {"decoder": "neighbors"}, {"profile": "best"}],
    ids=lambda options: "-".join(options.values()),
)
def test_features_take_part_in_codes_of_the_whole_pipeline(planted, options, tmp_path):
    X, Y, Xt, _ = planted
    model = nnae.TwoStepClassifier(feature_weight=2.0, random_state=0, n_threads=1, **options)
    model.fit(X, Y)
    assert model.compressor_.feature_weight_ == 2.0
    assert model.compressor_.feature_weights_.shape == (72, 30)
    plain = nnae.TwoStepClassifier(random_state=0, n_threads=1, **options).fit(X, Y)
    assert not np.allclose(model.predict_topk(Xt, 3)[1], plain.predict_topk(Xt, 3)[1])
    np.testing.assert_allclose(
        model.decision_function(sp.csr_matrix(Xt)), model.decision_function(Xt), atol=1e-9
    )
    nnae.save(model, tmp_path / "model.nnae")
    loaded = nnae.load(tmp_path / "model.nnae")
    indices, scores = model.predict_topk(Xt, 3)
    np.testing.assert_array_equal(loaded.predict_topk(Xt, 3)[1], scores)
    found = nnae.explain(loaded, Xt[0], int(indices[0, 0]))
    assert found.score == pytest.approx(scores[0, 0])
    lines = found.frame["contribution"].sum()
    assert lines == pytest.approx(found.score, rel=1e-6)
    hierarchy = nnae.LabelHierarchy.from_compressor(loaded.compressor_)
    assert set(hierarchy.labels) == set(map(str, model.label_names_))


def test_features_without_their_place_are_refused(planted):
    X, Y, _, _ = planted
    with pytest.raises(ValueError, match="must be 0 with a compressor, which has its own"):
        nnae.TwoStepClassifier(nnae.NNAE(4), feature_weight=1.0).fit(X, Y)
    with pytest.raises(ValueError, match="feature_weight must be at least 0 and finite; got -1"):
        nnae.TwoStepClassifier(feature_weight=-1).fit(X, Y)
    with pytest.raises(ValueError, match="a fit over blocks needs feature_weight=0; got 1"):
        nnae.TwoStepClassifier(decoder="linear", feature_weight=1.0).fit(nnae.io.row_blocks((X, Y)))
