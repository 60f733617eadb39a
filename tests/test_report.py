"""The report: what its page holds. What a browser makes of it is in test_report_browser.py."""

import base64
import gzip
import json
import re
from itertools import pairwise

import numpy as np
import pytest

import nnae
from nnae._png import png_address

EVIL = "<script>alert(1)</script>"
NAMES = [EVIL, "</title>&amp;", *(f"label {j}" for j in range(2, 72))]


@pytest.fixture(scope="module")
def made():
    data = nnae.datasets.make_label_hierarchy(1600, test_size=0.5, random_state=0)
    draws = np.random.default_rng(0)
    mixture = draws.normal(size=(72, 30))
    X, X_test = (
        np.asarray(Y @ mixture) + draws.normal(size=(Y.shape[0], 30))
        for Y in (data.Y_train.astype(float), data.Y_test.astype(float))
    )
    compressor = nnae.NNAE((24, 8, 3), random_state=0, tol=1e-2)
    model = nnae.TwoStepClassifier(compressor, profile="fast", random_state=0)
    model.fit(X, data.Y_train.astype(float), label_names=NAMES)
    return model, X_test, data.Y_test


@pytest.fixture(scope="module")
def path(made, tmp_path_factory):
    model, X_test, Y_test = made
    path = tmp_path_factory.mktemp("report") / "report.html"
    images = np.full((800, 8, 12, 3), (200, 40, 40), np.uint8)
    examples = {"X": X_test, "Y": Y_test, "images": images, "texts": 800 * [EVIL]}
    nnae.report(model, path, examples=examples, n_examples=12, title=f"Hello {EVIL}")
    return path


def blocks(path):
    text = path.read_text()
    found = re.findall(r'<script type="application/gzip" id="block-([^"]+)">([^<]*)<', text)
    return {name: json.loads(gzip.decompress(base64.b64decode(data))) for name, data in found}


def test_the_tree_is_all_there(made, path):
    tree = nnae.LabelHierarchy.from_compressor(made[0].compressor_, label_names=NAMES)
    found = blocks(path)["core"]["tree"]
    names, parents = found["nodes"]["name"], found["nodes"]["parent"]
    expected = tree.tree()
    assert {
        name for name, kind in zip(names, found["nodes"]["kind"], strict=True) if kind == 2
    } == {*NAMES}
    for name, parent in zip(names, parents, strict=True):
        if parent >= 0:
            assert expected.has_edge(names[parent], name)
    assert sum(parent >= 0 for parent in parents) == expected.number_of_edges()
    inner = [(p, c) for p, c in tree.graph.edges if p != tree.root]
    assert len(found["edges"]["parent"]) == len(inner)
    place = found["edges"]["child"][0]
    edge = tree.graph.edges[names[found["edges"]["parent"][0]], names[place]]
    assert found["edges"]["share"][0] == pytest.approx(edge["share"], rel=1e-2)


def test_the_flows_are_those_of_explain(made, path):
    model, X_test, _ = made
    found = blocks(path)
    examples, names = found["core"]["examples"], found["core"]["tree"]["nodes"]["name"]
    assert len(examples) == 12
    for at, example in enumerate(examples):
        reasons = found[f"reasons-{at // 10}"][at % 10]
        assert len(reasons) == 3
        indices, scores = model.predict_topk(X_test[[example["row"]]], 3)
        for place, reason in enumerate(reasons):
            assert names[reason["label"]] == NAMES[indices[0, place]]
            assert reason["score"] == scores[0, place]
            last = len(reason["columns"]) - 1
            goal = [n[0] for n in reason["nodes"]].index(last)
            into = sum(amount for _, target, amount in reason["links"] if target == goal)
            assert into == pytest.approx(reason["score"], rel=1e-6)
        right = explain_score(model, X_test, example, names[reasons[0]["label"]])
        assert reasons[0]["score"] == right


def test_what_would_change_is_told_of_the_best_label(made, path):
    model, X_test, _ = made
    found = blocks(path)
    names = found["core"]["tree"]["nodes"]["name"]
    example, (best, *others) = found["core"]["examples"][4], found["reasons-0"][4]
    assert not any("without" in reason for reason in others)
    x = X_test[example["row"]].copy()
    taken = next(one for one in best["without"] if one["kind"] == "feature")
    x[int(taken["name"][1:])] = 0
    scores = model.decision_function(x[None])[0]
    for label, _, after, _, to in taken["labels"]:
        column = NAMES.index(names[label])
        assert after == pytest.approx(scores[column], rel=1e-3, abs=1e-9)
        assert to == 1 + (scores > scores[column]).sum()
    assert taken["labels"][0][0] == best["label"]


def explain_score(model, X, example, label):
    return nnae.explain(model, X[example["row"]], label).score


def test_accuracy_is_that_of_the_metrics(made, path):
    model, X_test, Y_test = made
    found = blocks(path)["core"]["performance"]
    ranking = model.predict_topk(X_test, 5)[0]
    values = {row["name"]: row["value"] for row in found["measures"]}
    for k in (1, 3, 5):
        expected = nnae.metrics.precision_at_k(Y_test, ranking, k)
        assert values[f"P@{k}"] == pytest.approx(expected, rel=1e-3)
    rows = {row["name"]: row["values"] for row in found["budget"]["rows"]}
    assert rows["predicted"][0] == values["P@1"]
    bands = found["frequency"]["bands"]
    assert sum(band["positives"] for band in bands) == Y_test.sum()
    recalled = sum(band["positives"] * band["recall"] for band in bands)
    hits = sum(np.isin(ranking[i], Y_test[i].indices).sum() for i in range(len(ranking)))
    assert recalled == pytest.approx(hits, rel=1e-3)
    points = found["calibration"]
    assert sum(point["n"] for point in points) == 20 * X_test.shape[0]
    assert all(a["predicted"] <= b["predicted"] for a, b in pairwise(points))


def test_audit_and_dependencies_come_from_the_examples(made, path):
    model, _, Y_test = made
    found = blocks(path)
    tree = nnae.LabelHierarchy.from_compressor(model.compressor_, label_names=NAMES)
    audit = nnae.audit(tree, Y_test, random_state=0)
    assert found["core"]["audit"]["verdict"] == audit.verdict
    assert found["core"]["audit"]["trustworthy"] == audit.trustworthy
    table = nnae.label_dependencies(Y_test, label_names=NAMES)
    significant = table[table["q_value"] <= 0.05]
    names = found["core"]["tree"]["nodes"]["name"]
    kept = {
        frozenset((names[a], names[b]))
        for a, b in zip(found["links"]["a"], found["links"]["b"], strict=True)
    }
    strongest = significant.iloc[significant["npmi"].abs().argmax()]
    assert frozenset((strongest["label_a"], strongest["label_b"])) in kept
    assert len(kept) <= len(significant)


def test_names_are_never_markup(path):
    text = path.read_text()
    assert text.count("<script>") == 1  # the page's own
    assert "alert(1)" not in re.sub(r"&lt;script&gt;alert\(1\)&lt;/script&gt;", "", text)
    assert "<title>Hello &lt;script&gt;" in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert "default-src 'none'" in text


def test_the_same_bytes_every_time(made, path, tmp_path):
    model, X_test, Y_test = made
    images = np.full((800, 8, 12, 3), (200, 40, 40), np.uint8)
    examples = {"X": X_test, "Y": Y_test, "images": images, "texts": 800 * [EVIL]}
    again = tmp_path / "again.html"
    nnae.report(model, again, examples=examples, n_examples=12, title=f"Hello {EVIL}")
    assert again.read_bytes() == path.read_bytes()


def test_without_examples_nothing_vouches(made, tmp_path):
    nnae.report(made[0], tmp_path / "r.html")
    core = blocks(tmp_path / "r.html")["core"]
    assert core["audit"] is None
    assert core["performance"] is None
    assert core["examples"] == []


@pytest.mark.parametrize("n_rows", [1, 3, 4])
def test_a_few_examples_are_enough_for_a_page(made, tmp_path, n_rows):
    model, X_test, Y_test = made
    nnae.report(model, tmp_path / "r.html", examples=(X_test[:n_rows], Y_test[:n_rows]))
    core = blocks(tmp_path / "r.html")["core"]
    assert len(core["examples"]) == n_rows
    assert (core["audit"] is not None) == (n_rows == 4)


def test_what_is_given_is_used(made, tmp_path):
    model, X_test, Y_test = made
    tree = nnae.LabelHierarchy.from_compressor(model.compressor_, label_names=NAMES)
    audit = nnae.AuditReport(
        nnae.audit(tree, Y_test, random_state=1, n_permutations=19).frame,
        "No.",
        False,
        {"a_b": False},
    )
    nnae.report(
        model, tmp_path / "r.html", hierarchy=tree, audit=audit,
        examples=(X_test, Y_test, [f"row {i}" for i in range(800)]), n_examples=2,
    )  # fmt: skip
    core = blocks(tmp_path / "r.html")["core"]
    assert core["audit"]["verdict"] == "No."
    assert core["audit"]["checks"] == [{"name": "a b", "passed": False}]
    assert [example["name"] for example in core["examples"]] == ["row 0", "row 799"]


def test_mistakes_leave_no_file(made, tmp_path):
    model, X_test, Y_test = made
    tree = nnae.LabelHierarchy.from_compressor(model.compressor_, label_names=NAMES[::-1])
    cases = [
        (nnae.NMF(2), {}, TypeError, "must be a fitted TwoStepClassifier; got NMF"),
        (model, {"hierarchy": tree}, ValueError, "the classifier's labels in its order"),
        (model, {"hierarchy": 3}, TypeError, "must be a LabelHierarchy; got int"),
        (model, {"examples": (X_test,)}, ValueError, "got 1 parts"),
        (model, {"examples": {"X": X_test}}, ValueError, "Y missing"),
        (model, {"examples": {"X": X_test, "Y": Y_test, "z": 1}}, ValueError, "got 'z'"),
        (model, {"examples": (X_test[:2], Y_test)}, ValueError, "Y has 800 rows, X has 2"),
        (model, {"examples": (X_test, Y_test, ["a"])}, ValueError, "names has 1 entries"),
        (model, {"n_examples": 0}, ValueError, "n_examples must be at least 1"),
    ]
    for classifier, options, error, message in cases:
        with pytest.raises(error, match=re.escape(message)):
            nnae.report(classifier, tmp_path / "r.html", **options)
    assert not list(tmp_path.iterdir())


def test_pictures_are_png():
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    data = base64.b64decode(png_address(pixels).partition(",")[2])
    assert data.startswith(b"\x89PNG")
    image = pytest.importorskip("PIL.Image")
    import io

    np.testing.assert_array_equal(np.asarray(image.open(io.BytesIO(data))), pixels)
    assert image.open(
        io.BytesIO(base64.b64decode(png_address(np.zeros((900, 10), np.uint8))[22:]))
    ).size
    with pytest.raises(ValueError, match="images must be uint8"):
        png_address(np.zeros((2, 2, 3)))
