"""Stability of hierarchies over seeds and bootstraps, and what each measure says."""

import doctest

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import is_valid_linkage

from nnae import NMF, stabilising, stability
from nnae.datasets import make_label_hierarchy

DATA = make_label_hierarchy(800, random_state=0)


class Planted:
    """A "model" whose weights are the planted ones, concepts in a random order, or noise."""

    def __init__(self, seed, noise):
        self.draws = np.random.default_rng(seed)
        self.noise = noise

    def fit(self, Y, X=None):
        groups = DATA.groups
        if self.noise:
            groups = self.draws.permutation(groups)
        W1 = (np.arange(12)[:, None] == groups).astype(float)
        W2 = DATA.group_parents.T.astype(float)
        first, second = self.draws.permutation(12), self.draws.permutation(3)
        scale = self.draws.uniform(0.5, 2, (12, 1))
        self.weights_ = [(scale * W1)[first], (W2 / scale.T)[second][:, first]]
        self.codes_ = [np.ones((Y.shape[0], 12)), np.ones((Y.shape[0], 3))]
        self.label_names_ = DATA.label_names
        return self


def test_same_concepts_in_another_order_are_perfectly_stable():
    report = stability(
        lambda seed: Planted(seed, False),
        DATA.Y,
        n_seeds=4,
        n_bootstraps=3,
        label_names=DATA.label_names,
    )
    for source in ("seeds", "bootstraps"):
        for metric in ("ari", "matched_cosine", "cophenetic", "dispersion"):
            assert report.value(metric, 1, source) == pytest.approx(1)
        assert report.value("ari", 2, source) == pytest.approx(1)
        assert report.value("amari", 1, source) == pytest.approx(0)
        assert report.recurring(1.0, source) == 1
    assert set(report.edges.parent_level) == {1, 2}
    assert set(report.edges.child) >= set(DATA.label_names)


def test_noise_is_not_stable():
    report = stability(
        lambda seed: Planted(seed, True), DATA.Y, n_seeds=6, n_bootstraps=0, random_state=0
    )
    assert abs(report.value("ari")) < 0.1
    assert report.value("matched_cosine") < 0.5
    assert report.value("amari") > 0.4
    assert report.value("cophenetic") < 0.9
    assert report.recurring(0.6, "seeds") < 0.3
    assert np.isnan(report.recurring())


def test_fits_of_planted_labels():
    def run(jobs):
        return stability(
            lambda seed: NMF(12, random_state=seed, max_iter=60, n_threads=1),
            DATA.Y,
            n_seeds=3,
            n_bootstraps=2,
            n_jobs=jobs,
            label_names=DATA.label_names,
            random_state=0,
        )

    report = run(1)
    assert report.value("ari") > 0.6
    assert report.value("matched_cosine") > 0.8
    assert is_valid_linkage(report.linkages["bootstraps", 1])
    assert len(report.linkages["seeds", 1]) == len(report.labels) - 1
    assert report.labels == list(DATA.label_names)
    assert report.edges.in_bootstraps.between(0, 1).all()
    assert (report.frame.low <= report.frame["mean"] + 1e-12).all()
    pd.testing.assert_frame_equal(run(1).frame, report.frame)


def test_consensus_by_hand():
    clusters = [np.array([0, 0, 1, -1]), np.array([2, 2, 2, -1])]
    np.testing.assert_allclose(stabilising._consensus(clusters), [1, 0.5, 0, 0.5, 0, 0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_seeds": 1}, "n_seeds"),
        ({"n_bootstraps": 1}, "n_bootstraps"),
        ({"X": np.ones((3, 2))}, "Y has 800 rows, X has 3"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        stability(lambda seed: NMF(3, random_state=seed), DATA.Y, **options)


def test_wrong_models_are_named():
    with pytest.raises(TypeError, match="make_model must take a seed"):
        stability(NMF(3), DATA.Y)
    with pytest.raises(TypeError, match="must return a model"):
        stability(lambda seed: seed, DATA.Y)
    sizes = iter([3, 4])
    models = {3: NMF(3, max_iter=2, tol=0), 4: Planted(0, False)}
    with pytest.raises(ValueError, match="same number of levels"):
        stability(lambda _: models[next(sizes)], DATA.Y, n_seeds=2, n_bootstraps=0)


def test_examples():
    assert doctest.testmod(stabilising).failed == 0
