"""The extraction of label hierarchies from planted and from fitted weights."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_tree import assert_refines, clades, leaf_sets, planted
from scipy.cluster.hierarchy import fcluster
from sklearn.metrics import adjusted_rand_score

from nnae import LabelHierarchy
from nnae.hierarchy import _linkage

GROUPS, TOPICS = np.arange(72) // 6, np.arange(72) // 24


def test_planted_tree_is_found():
    weights, masses, names = planted()
    hierarchy = LabelHierarchy.from_weights(weights, masses, names)
    np.testing.assert_array_equal(hierarchy.clusters(1), GROUPS)
    np.testing.assert_array_equal(hierarchy.clusters(2), TOPICS)
    expected = {frozenset(np.array(names)[part == k]) for part in (GROUPS, TOPICS) for k in part}
    assert set(leaf_sets(hierarchy).values()) == expected
    assert nx.is_arborescence(hierarchy.tree())
    assert nx.is_directed_acyclic_graph(hierarchy.graph)
    assert_refines(hierarchy)


def test_planted_tree_is_the_same_without_masses():
    weights, _, names = planted()
    hierarchy = LabelHierarchy.from_weights(weights, label_names=names)
    np.testing.assert_array_equal(hierarchy.clusters(2), TOPICS)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_scale_and_order_of_concepts_change_nothing(seed):
    weights, masses, names = planted(noise=0.1, seed=seed)
    draws = np.random.default_rng(seed + 1)
    codes = draws.random((72, 12))
    first = LabelHierarchy.from_weights(weights, masses, names, label_codes=codes)
    (W1, W2), (m1, m2) = weights, masses
    order1, order2 = draws.permutation(12), draws.permutation(3)
    d1, d2 = np.exp(draws.uniform(-3, 3, 12)), np.exp(draws.uniform(-3, 3, 3))
    # Z_1 -> Z_1 / d_1, so W_1 -> d_1 W_1 and the target of level 2 shrinks with Z_1
    scaled = [
        (d1[:, None] * W1)[order1],
        (d2[:, None] * W2 / d1)[order2][:, order1],
    ]
    second = LabelHierarchy.from_weights(
        scaled,
        [(m1 / d1)[order1], (m2 / d2)[order2]],
        names,
        label_codes=(codes / d1)[:, order1],
    )
    a, b = first.tree(), second.tree()
    assert set(a) == set(b)
    assert set(a.edges) == set(b.edges)
    assert set(first.graph.edges) == set(second.graph.edges)
    for edge in a.edges:
        for key in ("share", "lift", "contribution"):
            assert a.edges[edge][key] == pytest.approx(b.edges[edge][key], rel=1e-9)
    for node in a:
        assert a.nodes[node]["mass"] == pytest.approx(b.nodes[node]["mass"], rel=1e-9)
    assert first.to_text() == second.to_text()
    np.testing.assert_allclose(first.to_linkage(), second.to_linkage(), rtol=1e-7)
    np.testing.assert_array_equal(order1[second.clusters(1)], first.clusters(1))


def test_shares_lifts_and_contributions_by_hand():
    W = np.array([[3.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    hierarchy = LabelHierarchy.from_weights([W], [[2.0, 3.0]], ["a", "b", "c"])
    tree = hierarchy.tree()
    # t = [[6, 2, 0], [0, 3, 3]]; b belongs to the second concept by 3/5
    frame = hierarchy.to_frame().set_index("child")
    b = frame[frame["in_graph"]].loc[["b"]]
    assert b["share"].tolist() == pytest.approx([0.6])  # 2/5 has lift 0.4 / (8/14) < 1
    assert b["lift"].tolist() == pytest.approx([0.6 / (6 / 14)])
    assert b["contribution"].tolist() == pytest.approx([3.0])
    # the shares 0.4 and 0.6 are too even for the tree
    assert list(tree.predecessors("b")) == [hierarchy.root]
    strict = LabelHierarchy.from_weights([W], [[2.0, 3.0]], ["a", "b", "c"], max_entropy=1.0)
    (parent,) = strict.tree().predecessors("b")
    assert parent == next(iter(strict.tree().predecessors("c")))
    assert parent != strict.root
    assert strict.parents("b") == [parent]
    assert strict.children(parent) == ["b", "c"]


def test_spread_label_hangs_at_the_root():
    W = np.array([[1.0, 1, 0, 0, 0, 0, 1], [0, 0, 1, 1, 0, 0, 1], [0, 0, 0, 0, 1, 1, 1]])
    hierarchy = LabelHierarchy.from_weights([W], label_names=list("abcdefg"))
    assert list(hierarchy.tree().predecessors("g")) == [hierarchy.root]
    assert "in no single concept: g" in hierarchy.to_text()
    assert_refines(hierarchy)


def test_double_parent_shows_in_the_graph():
    weights, masses, names = planted(noise=0.0)
    weights[1][1, 0] = weights[1][0, 0] * masses[1][0] / masses[1][1]
    hierarchy = LabelHierarchy.from_weights(weights, masses, names)
    group = next(node for node, s in leaf_sets(hierarchy).items() if "label0" in s and len(s) == 6)
    assert len(hierarchy.parents(group)) == 2


def test_single_children_collapse():
    W1 = np.array([[1.0, 1, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 1]])
    W2 = np.array([[1.0, 0, 0], [0, 1, 1]])
    W3 = np.array([[1.0, 0], [0, 1]])
    hierarchy = LabelHierarchy.from_weights([W1, W2, W3], label_names=list("abcde"))
    tree = hierarchy.tree()
    for node in tree:
        if tree.nodes[node]["kind"] == "concept":
            assert tree.out_degree(node) > 1
    assert sorted(map(sorted, leaf_sets(hierarchy).values())) == [
        ["a", "b"],
        ["c", "d"],
        list("cde"),
    ]
    edge = tree.edges[
        hierarchy.root, next(iter(n for n, s in leaf_sets(hierarchy).items() if "a" in s))
    ]
    assert edge["share"] == 1.0
    assert_refines(hierarchy)


def test_labels_without_positives_are_listed_and_join_last():
    weights, masses, names = planted(noise=0.0)
    weights[0][:, [3, 50]] = 0.0
    hierarchy = LabelHierarchy.from_weights(weights, masses, names)
    assert hierarchy.unplaced == ["label3", "label50"]
    assert hierarchy.clusters(1)[[3, 50]].tolist() == [-1, -1]
    assert hierarchy.clusters(2)[[3, 50]].tolist() == [-1, -1]
    assert "label3" not in hierarchy.tree()
    assert "label3" in hierarchy.graph
    assert "without positives: label3 · label50" in hierarchy.to_text()
    assert {3, 50} == {int(row[0]) for row in hierarchy.to_linkage()[-2:]}
    assert "'without positives'" in hierarchy.to_newick()
    assert_refines(hierarchy)


def test_counts_decide_when_they_are_known():
    weights, masses, names = planted()
    counts = np.full(72, 4.0)
    counts[7] = 0
    hierarchy = LabelHierarchy.from_weights(weights, masses, names, label_counts=counts)
    assert hierarchy.unplaced == ["label7"]
    assert hierarchy.graph.nodes["label8"]["count"] == 4.0


def test_dead_and_tiny_concepts_go():
    weights, masses, names = planted(noise=0.0)
    W1 = np.vstack([weights[0], np.zeros(72), np.ones(72)])
    W2 = np.hstack([weights[1], np.ones((3, 2))])
    m1 = np.append(masses[0], [5.0, 1e-9])
    hierarchy = LabelHierarchy.from_weights([W1, W2], [m1, masses[1]], names)
    assert not {12, 13} & {
        known["index"] for _, known in hierarchy.graph.nodes(data=True) if known["level"] == 1
    }
    np.testing.assert_array_equal(hierarchy.clusters(1), GROUPS)
    np.testing.assert_array_equal(hierarchy.clusters(2), TOPICS)


def test_nothing_at_all_is_still_a_hierarchy():
    hierarchy = LabelHierarchy.from_weights([np.zeros((2, 3))], label_names=["a", "b", "c"])
    assert hierarchy.unplaced == ["a", "b", "c"]
    assert hierarchy.clusters(1).tolist() == [-1, -1, -1]
    assert hierarchy.to_linkage().shape == (2, 4)
    assert "without positives: a · b · c" in hierarchy.to_text()
    assert LabelHierarchy.from_json(hierarchy.to_json()).unplaced == ["a", "b", "c"]


def test_one_label_one_concept():
    hierarchy = LabelHierarchy.from_weights([[[2.0]]], label_names=["only"])
    assert list(hierarchy.tree().edges) == [("root", "only")]
    assert hierarchy.to_linkage().shape == (0, 4)
    assert hierarchy.clusters(1).tolist() == [0]
    assert hierarchy.to_newick() == "(only:2)root;"
    assert LabelHierarchy.from_json(hierarchy.to_json()).to_text() == hierarchy.to_text()


def test_three_levels_and_cuts_of_the_linkage():
    draws = np.random.default_rng(3)
    W3 = np.kron(np.eye(2), np.ones((1, 2))) + 0.01 * draws.random((2, 4))
    W2 = np.kron(np.eye(4), np.ones((1, 3))) + 0.01 * draws.random((4, 12))
    W1 = np.kron(np.eye(12), np.ones((1, 5))) + 0.01 * draws.random((12, 60))
    hierarchy = LabelHierarchy.from_weights([W1, W2, W3])
    assert_refines(hierarchy)
    for level, width in ((1, 5), (2, 15), (3, 30)):
        truth = np.arange(60) // width
        assert adjusted_rand_score(truth, hierarchy.clusters(level)) == 1.0
        cut = fcluster(hierarchy.to_linkage(), level, "distance")
        assert adjusted_rand_score(truth, cut) == 1.0


def test_mean_codes_order_the_merges_inside_a_concept():
    W = np.ones((2, 4)) * [[1.0], [0.01]]
    codes = np.array([[1.0, 0], [0, 1], [1, 0.1], [0.1, 1]])
    hierarchy = LabelHierarchy.from_weights([W], label_codes=codes / [4.0, 0.04])
    assert {frozenset({0, 2}), frozenset({1, 3})} <= clades(hierarchy.to_linkage())


def test_large_concepts_are_halved_first(monkeypatch):
    monkeypatch.setattr(_linkage, "LIMIT", 10)
    draws = np.random.default_rng(0)
    W = draws.random((3, 70))
    W[0] += 3
    hierarchy = LabelHierarchy.from_weights([W])
    assert_refines(hierarchy)
