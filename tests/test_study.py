"""Questionnaires are balanced, whole and inert."""

import base64
import hashlib
import io
import json
import re

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from PIL import Image

import nnae
from nnae.simulate._questions import ask_about_decisions, frequency_strata
from nnae.study._items import choose_items
from nnae.study._pictures import picture_uri

pytest.importorskip("jinja2", reason="questionnaires are written with jinja2")
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def data():
    return nnae.datasets.make_label_hierarchy(1200, test_size=0.5, random_state=0)


@pytest.fixture(scope="module")
def fitted(data):
    names = [EVIL, "</script><img src=x onerror=alert(2)>", '"quoted", and, commas']
    names += [f"label {j}" for j in range(3, 72)]
    model = nnae.TwoStepClassifier(
        nnae.NNAE((12, 3), random_state=0, n_threads=1), profile="fast", random_state=0, n_threads=1
    )
    model.fit(data.Y_train.toarray(), data.Y_train, label_names=names)
    return model, nnae.LabelHierarchy.from_compressor(model.compressor_, label_names=names)


@pytest.fixture
def write(fitted, data, tmp_path):
    def made(**given):
        path = tmp_path / "study.html"
        assert nnae.reader_study(*fitted, data.Y_test.toarray(), path, **given) == path
        return path.read_text("utf-8")

    return made


def document(page):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text.group(1))


def test_the_page_holds_a_balanced_study(write, fitted, data):
    page = write(n_items=24, n_practice=4)
    study = document(page)
    model, _ = fitted
    decisions = model.predict(data.Y_test.toarray()).toarray() > 0
    counts = np.bincount(np.nonzero(decisions)[1], minlength=72)
    strata = frequency_strata(counts)
    assert len(study["items"]) == 24
    assert len(study["practice"]) == 8
    asked = [*study["items"], *study["practice"]]
    assert len({item["example"] for item in asked}) == 32
    for item in asked:
        row = int(study["examples"][item["example"]]["name"])
        assert decisions[row, item["label"]] == item["answer"]
        assert decisions[row][item["revealed"]].all()
        assert item["label"] not in item["revealed"]
    for number in (0, 1):
        items = [item for item in study["items"] if item["set"] == number]
        assert len(items) == 12
        balance = {}
        for item in items:
            stratum = int(strata[item["label"]])
            balance[stratum] = balance.get(stratum, 0) + (1 if item["answer"] else -1)
        assert set(balance.values()) == {0}
    # the model's decisions are given away for practice examples alone
    known = {name for name, about in study["examples"].items() if "decisions" in about}
    assert known == {item["example"] for item in study["practice"]}


def test_the_page_needs_nothing_and_runs_nothing_else(write):
    page = write(title=f"Study {EVIL}", introduction=f"One {EVIL}.\n\nTwo.")
    assert EVIL not in page
    assert "<img src=x" not in page
    assert not re.search(r"https?:|//\w", page.replace("// ", ""))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.replace("&#39;", "'")
    assert document(page)["labels"][0] == EVIL
    assert page.count("<script") == 2


def test_same_seed_same_page(write):
    assert write(random_state=3) == write(random_state=3)
    assert write(random_state=3) != write(random_state=4)
    one, two = document(write(random_state=3)), document(write(random_state=4))
    assert one["study"] != two["study"]


def leaves(node):
    return [node] if isinstance(node, int) else [j for child in node["k"] for j in leaves(child)]


def concepts(node):
    """Return all nodes below that are concepts."""
    own = [child for child in node["k"] if not isinstance(child, int)]
    return own + [below for child in own for below in concepts(child)]


def shape(node):
    return 0 if isinstance(node, int) else [shape(child) for child in node["k"]]


def test_trees_are_the_hierarchy_and_its_shuffled_copy(write, fitted):
    study = document(write(conditions=["none", "tree", "shuffled_tree"]))
    assert set(study["trees"]) == {"tree", "shuffled_tree"}
    true, other = study["trees"]["tree"], study["trees"]["shuffled_tree"]
    hierarchy = fitted[1]
    placed = [j for j, name in enumerate(hierarchy.labels) if name not in hierarchy.unplaced]
    assert sorted(leaves(true)) == sorted(leaves(other)) == placed
    assert shape(true) == shape(other)
    assert leaves(true) != leaves(other)
    tree = hierarchy.tree()
    column = {label: j for j, label in enumerate(hierarchy.labels)}
    expected = {
        frozenset(column[node] for node in nx.descendants(tree, concept) if node in column)
        for concept in tree
        if tree.nodes[concept]["kind"] == "concept"
    }
    assert {frozenset(leaves(node)) for node in concepts(true)} == expected
    assert {frozenset(leaves(node)) for node in concepts(other)} != expected
    # names of concepts move with the labels
    shown = {child["n"] for child in other["k"] if not isinstance(child, int)}
    assert shown != {child["n"] for child in true["k"] if not isinstance(child, int)}


def test_examples_are_shown_as_asked(write, data, tmp_path):
    n = data.Y_test.shape[0]
    words = document(write(feature_names=[f"word{j}" for j in range(72)]))
    about = next(iter(words["examples"].values()))
    row = data.Y_test.toarray()[int(about["name"])]
    expected = [f"word{j}" for j in np.flatnonzero(row)][:15]
    assert about["text"].split(", ") == expected
    texts = document(write(texts=[f"text {i}" for i in range(n)], example_names=range(n)))
    assert all(about["text"] == f"text {about['name']}" for about in texts["examples"].values())
    images = np.random.default_rng(0).integers(0, 256, (n, 5, 4, 3), dtype=np.uint8)
    shown = document(write(images=images))
    for about in shown["examples"].values():
        head, code = about["image"].split(",")
        assert head == "data:image/png;base64"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(code))))
        np.testing.assert_array_equal(pixels, images[int(about["name"])])


def test_pictures_of_any_kind(tmp_path):
    for pixels in (np.zeros((3, 2), np.uint8), np.full((3, 2, 4), 7, np.uint8)):
        code = picture_uri(pixels).split(",")[1]
        got = np.asarray(Image.open(io.BytesIO(base64.b64decode(code))))
        np.testing.assert_array_equal(got, pixels)
    path = tmp_path / "a.JPG"
    path.write_bytes(b"anything")
    assert picture_uri(path) == "data:image/jpeg;base64," + base64.b64encode(b"anything").decode()
    with pytest.raises(ValueError, match="arrays of uint8, h x w x 3; got float64"):
        picture_uri(np.zeros((2, 2, 3)))
    with pytest.raises(ValueError, match="must end in"):
        picture_uri("a.svg")
    with pytest.raises(ValueError, match="must have pixels"):
        picture_uri(np.zeros((0, 2, 3), np.uint8))


def test_study_errors(write, fitted, data, tmp_path, monkeypatch):
    for match, given in (
        ("n_items must be a multiple of 4; got 10", {"n_items": 10}),
        ("conditions must be one of", {"conditions": ["none", "oracle"]}),
        ("conditions must differ", {"conditions": ["tree", "tree"]}),
        ("conditions must be a list", {"conditions": "tree"}),
        ("design must be one of within, between", {"design": "both"}),
        (r"texts must have one entry an example \(600\); got 1", {"texts": ["a"]}),
        ("examples has 72 features, feature_names has 2", {"feature_names": ["a", "b"]}),
        ("1200 items and 4 for practice need 1204 examples", {"n_items": 1200}),
    ):
        with pytest.raises(ValueError, match=match):
            write(**given)
    with pytest.raises(TypeError, match="must be a LabelHierarchy"):
        nnae.reader_study(fitted[0], "tree", data.Y_test.toarray(), tmp_path / "a.html")
    import builtins

    known = builtins.__import__

    def without(name, *rest, **more):
        if name == "jinja2":
            raise ImportError("no jinja2")
        return known(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'nnae\[report\]'"):
        write()


def test_items_never_share_an_example():
    decisions = sp.csr_matrix(np.ones((9, 3)) * np.r_[1, 1, 0])
    asked, _ = ask_about_decisions(decisions, np.zeros(3, int), 1, np.random.default_rng(0))
    choice = choose_items(asked, np.zeros(3, int), 4, 3, 2, np.random.default_rng(0))
    items = [*choice.practice, *choice.sets[0], *choice.sets[1]]
    assert len({item.example for item in items}) == len(items) == 7
    assert [sum(item.answer for item in some) for some in choice.sets] == [1, 1]
