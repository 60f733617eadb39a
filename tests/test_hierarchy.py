"""The extraction of label hierarchies from planted and from fitted weights."""

import json
import sys
from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, is_valid_linkage, to_tree
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score

from nnae import LabelHierarchy
from nnae.datasets import make_label_hierarchy
from nnae.hierarchy import _linkage, _saturation, compare_hierarchies

GROUPS, TOPICS = np.arange(72) // 6, np.arange(72) // 24


def planted(noise=0.02, seed=0):
    """3 topics, 12 groups, 72 labels, every weight different, a little of everything elsewhere."""
    draws = np.random.default_rng(seed)
    W1 = (np.arange(12)[:, None] == GROUPS) * draws.uniform(0.5, 1.5, (12, 72))
    W2 = (np.arange(3)[:, None] == np.arange(12) // 4) * draws.uniform(0.5, 1.5, (3, 12))
    W1 += noise * draws.random(W1.shape)
    W2 += noise * draws.random(W2.shape)
    masses = [draws.uniform(1, 3, 12), draws.uniform(1, 3, 3)]
    names = [f"label{j}" for j in range(72)]
    return [W1, W2], masses, names


def leaf_sets(hierarchy):
    """Map each concept of the tree to the set of labels below it."""
    tree = hierarchy.tree()
    return {
        node: frozenset(n for n in nx.descendants(tree, node) if tree.nodes[n]["kind"] == "label")
        for node in tree
        if tree.nodes[node]["kind"] == "concept"
    }


def clades(matrix):
    sets = set()
    _, nodes = to_tree(matrix, rd=True)
    for node in nodes:
        sets.add(frozenset(node.pre_order()))
    return sets


def assert_refines(hierarchy):
    """Check the linkage: valid, monotone, and every concept a clade of it."""
    matrix = hierarchy.to_linkage()
    assert matrix.shape == (len(hierarchy.labels) - 1, 4)
    assert is_valid_linkage(matrix)
    assert (np.diff(matrix[:, 2]) >= 0).all()
    column = {label: j for j, label in enumerate(hierarchy.labels)}
    found = clades(matrix)
    for members in leaf_sets(hierarchy).values():
        assert frozenset(column[label] for label in members) in found


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


NASTY = [
    "it's", 'say "hi"', "two\nlines", "two lines", "a,b;(c)", "<script>alert(1)</script>",
    "crème brûlée 🍮", "", "root", "x + y", "x", "under_score",
]  # fmt: skip


def test_awkward_names_survive():
    W = np.kron(np.eye(4), np.array([[3.0, 2.0, 1.0]]))
    hierarchy = LabelHierarchy.from_weights([W], label_names=NASTY)
    assert hierarchy.root != "root"
    assert hierarchy.labels == NASTY
    assert set(NASTY) <= set(hierarchy.tree())
    text = hierarchy.to_json()
    assert "<script>" not in text
    again = LabelHierarchy.from_json(text)
    assert again.labels == NASTY
    assert again.to_newick() == hierarchy.to_newick()
    newick = hierarchy.to_newick()
    assert "'it''s'" in newick
    assert "\n" not in newick
    assert "'two lines #2'" in newick or "'two lines'" in newick
    leaves = parse_newick(newick)
    assert len(leaves) == len(set(leaves)) == len(NASTY)
    assert 'say "hi"' in leaves
    # one line of text a line of the drawing
    assert all(line.strip() for line in hierarchy.to_text().split("\n"))


def parse_newick(text):
    """Return the leaves' names; read quotes as the format says."""
    leaves, i, after_close = [], 0, False
    while i < len(text):
        c = text[i]
        if c == "'":
            name, i = "", i + 1
            while text[i] != "'" or text[i + 1 : i + 2] == "'":
                i += 2 if text[i] == "'" else 1
                name += text[i - 1]
            i += 1
        elif c in "(),;:":
            if c == ":":
                while text[i + 1] not in "(),;":
                    i += 1
            after_close = c == ")" or (after_close and c == ":")
            i += 1
            continue
        else:
            name = ""
            while text[i] not in "(),;:'":
                name += text[i]
                i += 1
        if not after_close:
            leaves.append(name)
        after_close = False
    return leaves


def test_newick_branches_add_up_to_the_height_of_the_root():
    W1 = np.array([[2.0, 2, 0, 0], [0, 0, 3, 1]])
    text = LabelHierarchy.from_weights([W1], label_names=list("abcd")).to_newick()
    assert text == "((a:1,b:1)'a + b':1,(c:1,d:1)'c + d':1)root;"


def test_concepts_with_the_same_labels_get_different_names():
    W = np.array([[3.0, 2, 1, 0.1], [3.0, 2, 1, 0.1], [0.1, 1, 2, 3]])
    hierarchy = LabelHierarchy.from_weights([W, np.eye(3)], label_names=list("abcd"))
    names = [n for n, k in hierarchy.graph.nodes(data=True) if k["kind"] == "concept"]
    assert len(names) == len(set(names)) == 6


def test_concepts_are_named_by_special_labels_not_only_frequent_ones():
    W = np.array([[5.0, 4, 0, 0], [5, 0, 4, 0], [5, 0, 0, 4]])
    hierarchy = LabelHierarchy.from_weights([W], label_names=["all", "x", "y", "z"])
    known = {k["index"]: k for _, k in hierarchy.graph.nodes(data=True) if k["kind"] == "concept"}
    assert known[0]["top_by_weight"][0]["label"] == "all"
    assert known[0]["top_by_lift"][0] == {
        "label": "x", "weight": pytest.approx(4 / 9), "lift": pytest.approx(3.0)
    }  # fmt: skip
    assert known[1]["name"].startswith("y")


def test_hoyer_sparseness_of_concepts():
    W = np.array([[1.0, 1, 1, 1], [1.0, 0, 0, 0]])
    hierarchy = LabelHierarchy.from_weights([W])
    known = {k["index"]: k["hoyer"] for _, k in hierarchy.graph.nodes(data=True) if k["level"] == 1}
    assert known == {0: pytest.approx(0.0), 1: pytest.approx(1.0)}


def test_json_and_state_hold_everything():
    weights, masses, names = planted(noise=0.3)
    weights[0][:, 9] = 0
    first = LabelHierarchy.from_weights(weights, masses, names, label_counts=np.arange(72))
    for again in (
        LabelHierarchy.from_json(first.to_json()),
        LabelHierarchy.__nnae_restore__(first.__nnae_state__()),
    ):
        assert again.to_json() == first.to_json()
        assert again.to_text() == first.to_text()
        assert again.to_frame().equals(first.to_frame())
        np.testing.assert_array_equal(again.to_linkage(), first.to_linkage())
        np.testing.assert_array_equal(again.clusters(2), first.clusters(2))
        assert dict(again.graph.nodes(data=True)) == dict(first.graph.nodes(data=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format="other"), "format"),
        (lambda d: d.update(version=99), "version 1; got 99"),
        (lambda d: d.pop("nodes"), "must hold nodes"),
        (lambda d: d["tree_edges"].pop(0), "form no tree"),
        (lambda d: d["nodes"].pop(0), "damaged"),
        (lambda d: d["linkage"].pop(), "linkage of 72 labels must have 71 rows; got 70"),
        (lambda d: d["clusters"].pop(), "clusters must hold 2 arrays"),
    ],
)
def test_damaged_json_is_refused(change, message):
    weights, masses, names = planted()
    document = json.loads(LabelHierarchy.from_weights(weights, masses, names).to_json())
    change(document)
    with pytest.raises(ValueError, match=message):
        LabelHierarchy.from_json(json.dumps(document))
    with pytest.raises(ValueError, match="must be a JSON document"):
        LabelHierarchy.from_json("{")


W = np.ones((2, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": []}, "at least one matrix"),
        ({"weights": [-W]}, "W_1 must be non-negative; it holds -1"),
        ({"weights": [W * np.nan]}, "W_1 must be finite"),
        ({"weights": [W, np.ones((1, 3))]}, r"got shapes \(1, 3\) and \(2, 3\)"),
        ({"weights": [np.ones(3)]}, r"must be a matrix .* got shape \(3,\)"),
        ({"weights": [np.ones((0, 3))]}, r"got shape \(0, 3\)"),
        ({"masses": [[1.0]]}, r"got shapes \(1,\) and \(2, 3\)"),
        ({"masses": [[1.0, 1], [1.0]]}, "1 levels, masses has 2"),
        ({"masses": [[1.0, -1]]}, "non-negative"),
        ({"label_names": ["a", "b"]}, "3 labels, label_names has 2"),
        ({"label_names": ["a", "b", "a"]}, "'a' occurs more than once"),
        ({"label_codes": np.ones((2, 2))}, r"shape \(3, 2\).* got \(2, 2\)"),
        ({"label_counts": [1, 2]}, r"shape \(3,\).* got \(2,\)"),
        ({"min_share": 1.5}, "min_share must be between 0 and 1; got 1.5"),
        ({"max_entropy": -1}, "max_entropy"),
        ({"min_mass": np.nan}, "min_mass"),
        ({"n_top": 0}, "n_top must be at least 1"),
        ({"edge_frequencies": []}, "1 levels, edge_frequencies has 0"),
        ({"edge_frequencies": [np.ones((3, 2))]}, r"got \(3, 2\)"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LabelHierarchy.from_weights(**{"weights": [W], **arguments})


def test_questions_about_what_is_not_there():
    hierarchy = LabelHierarchy.from_weights([W])
    with pytest.raises(ValueError, match="no node 'x'"):
        hierarchy.parents("x")
    with pytest.raises(ValueError, match="level must be between 1 and 1; got 2"):
        hierarchy.clusters(2)
    with pytest.raises(ValueError, match="max_depth"):
        hierarchy.to_text(max_depth=0)
    with pytest.raises(TypeError, match="must hold numbers"):
        LabelHierarchy.from_weights([[["a"]]])


def test_text_is_short_and_counts_what_it_leaves_out():
    draws = np.random.default_rng(0)
    W1 = np.kron(np.eye(30), np.ones((1, 20))) * draws.uniform(0.5, 1.5, (30, 600))
    W2 = np.kron(np.eye(2), np.ones((1, 15)))
    hierarchy = LabelHierarchy.from_weights(
        [W1, W2], label_names=[f"some label {j}" for j in range(600)]
    )
    text = hierarchy.to_text(max_children=5, width=80)
    assert max(map(len, text.split("\n"))) <= 80
    assert "… 15 more" in text
    assert "… 10 more concepts (200 labels)" in text
    assert len(text.split("\n")) < 60
    assert len(hierarchy.to_text(max_depth=1).split("\n")) == 3
    everything = hierarchy.to_text(max_children=None)
    assert all(f"some label {j}" in everything for j in range(600))


def test_comparison_finds_the_labels_that_moved():
    weights, masses, names = planted(noise=0.0)
    a = LabelHierarchy.from_weights(weights, masses, names)
    weights[0][:, 0] = 0
    weights[0][11, 0] = 1.0
    b = LabelHierarchy.from_weights(weights, masses, names)
    same = compare_hierarchies(a, a)
    assert same.agreement == 1.0
    assert (same.concepts["jaccard"] == 1.0).all()
    change = compare_hierarchies(a, b)
    assert change.moved["label"].tolist() == ["label0"]
    assert change.agreement == pytest.approx(71 / 72)
    assert change.n_compared == 72
    other = LabelHierarchy.from_weights([W], label_names=["p", "q", "r"])
    with pytest.raises(ValueError, match="in common"):
        compare_hierarchies(a, other)


def test_plot_draws_every_concept():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    weights, masses, names = planted()
    names[5] = "cost $x$ & $"
    ax = LabelHierarchy.from_weights(weights, masses, names).plot()
    ax.figure.canvas.draw()
    assert len(ax.patches) == 72 + 12 + 3
    assert any("cost $x$" in text.get_text() for text in ax.texts)
    plt.close(ax.figure)


def test_plot_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'nnae\[plot\]'"):
        LabelHierarchy.from_weights([W]).plot()


@pytest.fixture(scope="module")
def fitted():
    from nnae import NNAE

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
    data, model = fitted
    with pytest.raises(ValueError, match="pass Y="):
        LabelHierarchy.from_compressor(model, bootstrap=2)
    hierarchy = LabelHierarchy.from_compressor(model, Y=data.Y, bootstrap=4, random_state=0)
    again = LabelHierarchy.from_compressor(model, Y=data.Y, bootstrap=4, random_state=0)
    frame = hierarchy.to_frame()
    assert frame.equals(again.to_frame())
    known = frame[frame["parent"] != hierarchy.root]
    assert set(known["frequency"]) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    # edges that share a planted group recur more often than those that do not
    group = {name: data.groups[j] for j, name in enumerate(hierarchy.labels)}
    cluster = {k["index"]: n for n, k in hierarchy.graph.nodes(data=True) if k["level"] == 1}
    best = {
        cluster[p]: np.bincount(
            np.unique(data.groups, return_inverse=True)[1][hierarchy.clusters(1) == p]
        ).argmax()
        for p in np.unique(hierarchy.clusters(1))
    }
    numbers = {g: i for i, g in enumerate(np.unique(data.groups))}
    edges = known[known["child_kind"] == "label"]
    right = [
        best[p] == numbers[group[c]] for p, c in zip(edges["parent"], edges["child"], strict=True)
    ]
    right = np.array(right)
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
