"""The race of two starts of level 1."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

import nnae
from nnae._factors import Factors
from nnae._initialise import initial_factors
from nnae._solvers import SOLVERS
from nnae._starts import better_start, cluster_start
from nnae._target import Target


def grouped(seed=0, **given):
    data = nnae.datasets.make_label_hierarchy(500, test_size=0, random_state=seed, **given)
    return sp.csr_matrix(data.Y, dtype=np.float64), np.asarray(data.groups)


def race(Y, k, seed=0):
    start = initial_factors(Y, k, "auto", np.random.RandomState(seed))
    target = Target.of(Y)

    def make(Z, Wt):
        return Factors(target, Z, Wt, "kullback-leibler", 1)

    return start, better_start(start, Y, SOLVERS["cd"], make), make


def test_a_start_from_clusters_describes_each_cluster_by_its_labels():
    Y, groups = grouped()
    Z, Wt = cluster_start(Y, 12)
    assert Z.shape == (500, 12) and Wt.shape == (72, 12)
    np.testing.assert_allclose(Wt.sum(axis=0), 1)
    assert (Z > 0).all() and (Wt > 0).all()
    assert adjusted_rand_score(groups, Wt.argmax(axis=1)) > 0.95
    own = Wt.argmax(axis=1)
    counts = Y @ np.eye(12)[own]
    np.testing.assert_allclose(Z, counts + 0.01)


def test_the_start_that_leads_further_is_taken():
    Y, _ = grouped(seed=2)
    start, taken, make = race(Y, 12)
    ends = []
    for Z, Wt in (start, cluster_start(Y, 12)):
        factors = make(Z.copy(), Wt.copy())
        sweeps = SOLVERS["cd"](factors)
        for number in range(1, 11):
            sweeps.sweep(number)
        ends.append(factors.objective())
    wanted = (start, cluster_start(Y, 12))[int(np.argmin(ends))]
    assert np.array_equal(taken[1], wanted[1])
    noise = sp.csr_matrix((np.random.default_rng(0).random((300, 40)) < 0.1).astype(float))
    before, after, _ = race(noise, 4)
    assert after[1].shape == before[1].shape


def test_many_concepts_or_one_leave_the_start_alone():
    Y, _ = grouped()
    for k in (1, 19, 40):
        start, taken, _ = race(Y, k)
        assert taken is start


@pytest.mark.parametrize("flip", [0.0, 0.01, 0.03])
def test_planted_groups_are_found_by_every_seed(flip):
    found = []
    for seed in range(5):
        Y, groups = grouped(seed, flip_probability=flip)
        model = nnae.NNAE((12, 3), random_state=seed).fit(Y)
        hierarchy = nnae.LabelHierarchy.from_compressor(model)
        found.append(adjusted_rand_score(groups, hierarchy.clusters(1)))
    assert np.median(found) >= 0.95
    assert min(found) >= 0.85


def test_groups_with_two_parents_have_them_in_the_graph():
    scores = []
    for seed in range(5):
        data = nnae.datasets.make_label_hierarchy(
            3000, n_topics=4, groups_per_topic=5, double_parents=0.2, random_state=seed
        )
        model = nnae.NNAE((20, 4), random_state=seed).fit(data.Y)
        hierarchy = nnae.LabelHierarchy.from_compressor(model)
        cluster = hierarchy.clusters(1)
        nodes = hierarchy.graph.nodes
        found = {
            nodes[node]["index"]
            for node in hierarchy.graph
            if nodes[node]["level"] == 1
            and sum(nodes[p]["level"] == 2 for p in hierarchy.graph.predecessors(node)) > 1
        }
        of_group = [np.bincount(cluster[data.groups == g]).argmax() for g in range(20)]
        double = {g for g in range(20) if data.group_parents[g].sum() > 1}
        said = {g for g in range(20) if of_group[g] in found}
        scores.append(2 * len(double & said) / (len(double) + len(said)))
    assert np.median(scores) >= 0.8
