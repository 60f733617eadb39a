"""Hierarchies of fitted models."""

from itertools import combinations

import numpy as np
import pytest
from planted_tree import assert_refines, planted
from scipy.cluster.hierarchy import fcluster
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score

from nnae import NNAE, LabelHierarchy
from nnae.datasets import make_label_hierarchy
from nnae.hierarchy import _saturation

GROUPS, TOPICS = np.arange(72) // 6, np.arange(72) // 24


@pytest.fixture(scope="module")
def fitted():

    data = make_label_hierarchy(random_state=0)
    return data, NNAE((12, 3), random_state=0, n_threads=1).fit(data.Y)


def test_fitted_autoencoder_end_to_end(fitted):
    data, model = fitted
    hierarchy = LabelHierarchy.from_compressor(model, label_names=data.label_names, Y=data.Y)
    assert hierarchy.widths == [12, 3]
    assert adjusted_rand_score(data.topics, hierarchy.clusters(2)) >= 0.9
    assert adjusted_rand_score(data.groups, hierarchy.clusters(1)) >= 0.6
    counts = np.asarray(data.Y.sum(axis=0)).ravel()
    assert [hierarchy.graph.nodes[n]["count"] for n in hierarchy.labels] == counts.tolist()
    assert_refines(hierarchy)
    assert_refines(LabelHierarchy.from_compressor(model))


def test_fitted_nmf_has_one_level():
    from nnae import NMF

    data = make_label_hierarchy(random_state=1)
    model = NMF(12, random_state=0, n_threads=1).fit(data.Y)
    hierarchy = LabelHierarchy.from_compressor(model, mass="rate", min_mass=0.0)
    assert hierarchy.widths == [12]
    flow = model.codes_.sum(axis=0)[:, None] * model.components_
    np.testing.assert_array_equal(hierarchy.clusters(1), flow.argmax(axis=0))
    with pytest.raises(NotFittedError, match="NMF must be fitted"):
        LabelHierarchy.from_compressor(NMF(3))


def test_codes_that_ran_off_do_not_outweigh_the_rest():
    class Model:
        components_ = np.kron(np.eye(3), np.full((1, 4), 0.25))
        loss_name_ = "bernoulli"
        label_names_ = None
        codes_ = np.kron(np.eye(3), np.full((20, 1), 0.5))

    calm = LabelHierarchy.from_compressor(Model())
    Model.codes_[0, 0] = 1e9
    wild = LabelHierarchy.from_compressor(Model())
    rate = LabelHierarchy.from_compressor(Model(), mass="rate")
    expected = LabelHierarchy.from_compressor(Model(), mass="labels")
    assert calm.clusters(1).tolist() == wild.clusters(1).tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert rate.clusters(1).tolist() == [0] * 4 + [-1] * 8
    masses = sorted(k["mass"] for _, k in expected.graph.nodes(data=True) if k["level"] == 1)
    one = 4 * -np.expm1(-0.125)
    assert masses == pytest.approx([20 * one, 20 * one, 19 * one + 4])
    with pytest.raises(ValueError, match="mass must be"):
        LabelHierarchy.from_compressor(Model(), mass="heavy")


def test_expected_labels_of_a_sample_of_rows_are_close(monkeypatch):
    draws = np.random.default_rng(0)
    codes, weights = draws.gamma(1.0, 2.0, (400, 5)), draws.random((5, 30)) / 15
    exact = _saturation.expected_label_factors(codes, weights)
    rates = codes @ weights
    np.testing.assert_allclose(exact, -np.expm1(-rates).sum(axis=1) / rates.sum(axis=1))
    monkeypatch.setattr(_saturation, "BUDGET", 400 * 30 * 5 / 4)
    np.testing.assert_allclose(_saturation.expected_label_factors(codes, weights), exact, rtol=0.1)


def test_bootstrap_gives_edges_their_frequency(fitted):
    data, _ = fitted
    # a start that leaves two groups in one concept, so that there are wrong edges to compare with
    model = NNAE((12, 3), init="random", random_state=2, n_threads=1).fit(data.Y)
    with pytest.raises(ValueError, match="pass Y="):
        LabelHierarchy.from_compressor(model, bootstrap=2)
    hierarchy = LabelHierarchy.from_compressor(model, Y=data.Y, bootstrap=4, random_state=0)
    again = LabelHierarchy.from_compressor(model, Y=data.Y, bootstrap=4, random_state=0)
    frame = hierarchy.to_frame()
    assert frame.equals(again.to_frame())
    known = frame[frame["parent"] != hierarchy.root]
    assert set(known["frequency"]) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    # edges to a concept that holds half of the label's planted group recur more often than others
    group = dict(zip(hierarchy.labels, data.groups, strict=True))
    concept = {
        name: node["index"] for name, node in hierarchy.graph.nodes(data=True) if node["level"] == 1
    }
    edges = known[(known["child_kind"] == "label") & known["parent"].isin(list(concept))]
    right = np.array(
        [
            np.sum((data.groups == group[label]) & (hierarchy.clusters(1) == concept[parent])) >= 3
            for parent, label in zip(edges["parent"], edges["child"], strict=True)
        ]
    )
    assert edges["frequency"][right].mean() > edges["frequency"][~right].mean()
    assert "recurs" in hierarchy.to_text()


def test_wrong_models_and_rows_are_refused(fitted):
    data, model = fitted
    with pytest.raises(TypeError, match="must be a compressor"):
        LabelHierarchy.from_compressor(object())
    with pytest.raises(ValueError, match="Y has 10 rows, the model's codes have 500"):
        LabelHierarchy.from_compressor(model, Y=data.Y[:10])
    with pytest.raises(ValueError, match="bootstrap must be at least 0"):
        LabelHierarchy.from_compressor(model, bootstrap=-1)


def test_every_pair_of_siblings_merges_below_its_concept():
    weights, masses, names = planted()
    hierarchy = LabelHierarchy.from_weights(weights, masses, names)
    matrix = hierarchy.to_linkage()
    cut = fcluster(matrix, 1.0, "distance")
    for a, b in combinations(range(12), 2):
        assert (cut[a] == cut[b]) == (GROUPS[a] == GROUPS[b])
