"""Rates with classifiers for what concepts cannot describe: ceilings, shares, scores, files."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features

import nnae
from nnae import NNAE, TwoStepClassifier
from nnae.metrics import precision_at_k
from nnae.one_vs_rest import OneVsRestLinear


@pytest.fixture(scope="module")
def planted():
    return planted_features()


def narrow(decoder, k=4):
    compressor = NNAE((k,), encoder="linear", random_state=0, n_threads=1)
    return TwoStepClassifier(
        compressor, decoder=decoder, profile="fast", random_state=0, n_threads=1
    )


@pytest.fixture(scope="module")
def fitted(planted):
    return narrow("residual").fit(*planted[:2])


def test_ceilings_are_what_true_codes_rank(planted, fitted):
    Y = planted[1].toarray() > 0
    decoder, compressor = fitted.decoder_, fitted.compressor_
    rates = compressor.transform(planted[1]) @ compressor.concepts(1)
    hits = np.zeros(Y.shape[1])
    for row, truth in zip(rates, Y, strict=True):
        best = np.argsort(-row, kind="stable")[: truth.sum()]
        hits[best[truth[best]]] += 1
    expected = hits / Y.sum(axis=0)
    expected[expected >= 0.9] = 1
    np.testing.assert_allclose(decoder.ceilings, expected, atol=1e-12)
    assert decoder.labels.tolist() == np.flatnonzero(expected < 1).tolist()
    assert len(decoder.labels) > 0


def test_scores_are_shares_of_rates_and_margins(planted, fitted):
    X, Y, Xt, _ = planted
    decoder = fitted.decoder_
    rates = narrow("linear").fit(X, Y).decision_function(Xt)
    own = OneVsRestLinear(prune=0.1, n_threads=1, random_state=fitted.seed_)
    margins = own.fit(X, sp.csr_matrix(Y[:, decoder.labels], dtype=X.dtype)).decision_function(Xt)
    c = decoder.ceilings[decoder.labels]
    rates[:, decoder.labels] = c * rates[:, decoder.labels] + (1 - c) * (1 + margins) / 2
    np.testing.assert_allclose(fitted.decision_function(Xt), rates, atol=1e-9)


def test_narrow_codes_gain_by_it(planted, fitted):
    X, Y, Xt, Yt = planted
    alone = narrow("linear").fit(X, Y)
    for k in (1, 5):
        found = [precision_at_k(Yt, m.predict_topk(Xt, k)[0], k) for m in (alone, fitted)]
        assert found[1] > found[0] + 0.03


def test_it_tells_what_concepts_do_not_explain(fitted):
    frame = fitted.decoder_.frame()
    assert frame.index.tolist() == ["head", "torso", "tail", "all"]
    assert frame["labels"].iloc[:3].sum() == frame.loc["all", "labels"] == 72
    assert frame.loc["all", "classifiers"] == len(fitted.decoder_.labels)
    np.testing.assert_allclose(frame["by_concepts"] + frame["by_classifiers"], 1)
    assert 0.02 < frame.loc["all", "by_classifiers"] < 0.98


def test_codes_that_describe_everything_need_no_classifier(planted):
    X = planted[0]
    Y = sp.csr_matrix(np.eye(3)[np.arange(len(X)) % 3])  # three labels, three concepts
    wide, rates = narrow("residual", 3).fit(X, Y), narrow("linear", 3).fit(X, Y)
    assert wide.decoder_.classifiers is None
    assert wide.decoder_.frame()["by_concepts"].tolist() == [1, 1, 1, 1]
    np.testing.assert_array_equal(wide.decision_function(X), rates.decision_function(X))


def test_threads_and_files_do_not_change_a_bit(planted, fitted, tmp_path):
    X, Y, Xt, _ = planted
    nnae.save(fitted, tmp_path / "model.nnae")
    again = nnae.load(tmp_path / "model.nnae")
    others = [again, narrow("residual").set_params(n_threads=2).fit(X, Y)]
    for other in others:
        for ours, theirs in zip(fitted.predict_topk(Xt), other.predict_topk(Xt), strict=True):
            assert (ours == theirs).all()
    assert again.decoder_.frame().equals(fitted.decoder_.frame())


def test_labels_without_positives_get_no_classifier(planted):
    X, Y, Xt, _ = planted
    labels = sp.csr_matrix(sp.hstack([Y, sp.csr_matrix((Y.shape[0], 1))]))
    model = narrow("residual").fit(X, labels)
    assert 72 not in model.decoder_.labels
    assert np.isfinite(model.decision_function(Xt)).all()
