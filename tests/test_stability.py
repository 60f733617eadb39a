"""Stability of hierarchies over seeds and bootstraps, and what each measure says."""

import doctest
import json

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import is_valid_linkage
from sklearn.metrics import adjusted_rand_score

from nnae import NMF, LabelHierarchy, stabilising, stability
from nnae._consensus import consensus_of
from nnae._stability_fits import Fit
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
            lambda seed: NMF(12, random_state=seed, max_iter=60, tol=0, n_threads=1),
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
    np.testing.assert_allclose(consensus_of(clusters), [1, 0.5, 0, 0.5, 0, 0])


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


def test_consensus_hierarchy_is_what_fits_agree_on():
    """Half of the fits put everything elsewhere at random: the others' tree comes out."""
    report = stability(
        lambda seed: Planted(seed, seed % 3 == 0),
        DATA.Y,
        n_seeds=10,
        n_bootstraps=4,
        label_names=DATA.label_names,
        random_state=1,
    )
    assert report.value("ari") < 0.9
    tree = report.consensus
    assert tree.labels == list(DATA.label_names)
    assert adjusted_rand_score(tree.clusters(1), DATA.groups) == 1
    topics = DATA.group_parents.argmax(axis=1)[DATA.groups]
    assert adjusted_rand_score(tree.clusters(2), topics) == 1
    edges = report.consensus_edges
    shares = [tree.graph.edges[p, q]["frequency"] for p, q in edges[["parent", "child"]].to_numpy()]
    np.testing.assert_allclose(shares, edges.in_bootstraps)
    assert report.recurring(0.5, "seeds", edges=edges) > report.recurring(0.9, "seeds", edges=edges)


class Interrupted:
    """Fits as NMF does, a number of times."""

    def __init__(self, left):
        self.left = left

    def __call__(self, seed):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return NMF(6, random_state=seed, max_iter=10, tol=0, n_threads=1)


@pytest.mark.parametrize("seed", [0, None])
def test_an_interrupted_analysis_is_taken_up(tmp_path, seed):
    given = {"n_seeds": 4, "n_bootstraps": 3, "random_state": seed, "checkpoint": tmp_path / "fits"}
    with pytest.raises(KeyboardInterrupt):
        stability(Interrupted(3), DATA.Y, **given)
    assert len(list((tmp_path / "fits").glob("fit_*.npz"))) == 3
    after = stability(Interrupted(4), DATA.Y, **given)
    if seed is None:
        given["random_state"] = int(json.loads((tmp_path / "fits/plan.json").read_text())["seed"])
    whole = stability(Interrupted(7), DATA.Y, **given | {"checkpoint": None})
    for part in ("frame", "edges", "consensus_edges"):
        pd.testing.assert_frame_equal(getattr(after, part), getattr(whole, part))
    assert after.consensus.to_json() == whole.consensus.to_json()
    assert after.hierarchy.to_json() == whole.hierarchy.to_json()
    with pytest.raises(ValueError, match="other labels or features"):
        stability(Interrupted(0), DATA.Y[:700], **given)
    with pytest.raises(ValueError, match="numbers of fits"):
        stability(Interrupted(0), DATA.Y, **given | {"n_bootstraps": 2})
    with pytest.raises(ValueError, match="checkpoint has random_state"):
        stability(Interrupted(0), DATA.Y, **given | {"random_state": 9})


def test_a_fit_survives_its_file(tmp_path):
    weights = [np.eye(3)[:, [0, 0, 1, 2]], np.array([[1.0, 1, 0], [0, 0, 1]])]
    fit = Fit.of(LabelHierarchy.from_weights(weights, label_names=list("é😀cd")), weights)
    fit.write(tmp_path / "fit.npz")
    again = Fit.read(tmp_path / "fit.npz")
    assert again.document == fit.document
    np.testing.assert_array_equal(again.edges, fit.edges)
    for name in ("clusters", "concepts"):
        for one, two in zip(getattr(again, name), getattr(fit, name), strict=True):
            np.testing.assert_array_equal(one, two)


def test_processes_give_the_same_report_and_a_bar(capsys):
    def run(**options):
        return stability(
            lambda seed: NMF(6, random_state=seed, max_iter=10, tol=0, n_threads=1),
            DATA.Y,
            n_seeds=3,
            n_bootstraps=0,
            random_state=0,
            **options,
        )

    NMF(4, max_iter=2, tol=0, n_threads=2).fit(DATA.Y)  # OpenMP has run in this process
    one, two = run(), run(n_jobs=2, verbose=1)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.consensus.to_json() == two.consensus.to_json()
    assert "3/3" in capsys.readouterr().err


def test_examples():
    assert doctest.testmod(stabilising).failed == 0
