"""Names, text, Newick, JSON and pictures of a hierarchy."""

import json
import sys

import numpy as np
import pytest
from planted_tree import planted

from nnae import LabelHierarchy
from nnae.hierarchy import compare_hierarchies

GROUPS, TOPICS = np.arange(72) // 6, np.arange(72) // 24


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
