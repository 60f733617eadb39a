"""The command `nnae audit`."""

import csv
import json

import numpy as np
import pytest

import nnae
from nnae.cli import main
from nnae.datasets import make_label_hierarchy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Hold a saved hierarchy, baskets of labels and a taxonomy."""
    folder = tmp_path_factory.mktemp("audit")
    data = make_label_hierarchy(3000, test_size=0.5, random_state=0)
    W1 = (np.arange(12)[:, None] == data.groups).astype(float)
    layers = [W1, data.group_parents.T.astype(float)]
    names = data.label_names
    nnae.save(nnae.LabelHierarchy.from_weights(layers, label_names=names), folder / "tree.nnae")
    for part in ("train", "test"):
        rows = [",".join(names[j] for j in row.indices) for row in data[f"Y_{part}"]]
        (folder / f"{part}.csv").write_text("\n".join(rows) + "\n")
    lines = [f"{name}\tgroup {g}" for name, g in zip(names, data.groups, strict=True)]
    (folder / "groups.tsv").write_text("\n".join(lines) + "\n")
    (folder / "broken.csv").write_text("a,b,c\n")
    return folder


def run(capsys, *words):
    capsys.readouterr()
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def given(folder, *words):
    return ["audit", folder / "tree.nnae", folder / "test.csv", "--permutations", 19, *words]


def test_table_and_page(folder, capsys, tmp_path):
    page = tmp_path / "audit.html"
    words = given(folder, "--train", folder / "train.csv", "--html", page)
    status, out, err = run(capsys, *words)
    assert status == 0
    assert "spearman npmi" in out
    assert "npmi linkage" in out
    assert "can be trusted" in out
    assert "audit.html" in err
    assert "can be trusted" in page.read_text()


def test_json(folder, capsys):
    words = given(folder, "--taxonomy", folder / "groups.tsv", "--json", "--quiet")
    status, out, err = run(capsys, *words)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["trustworthy"] is True
    values = {row["metric"]: row["value"] for row in found["metrics"]}
    assert values["dendrogram_purity"] == 1
    assert values["rows"] == 1500
    assert run(capsys, *words)[1] == out


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--evidence", "faith"], 2, "--evidence must be one of labels, features"),
        (["--permutations", "3"], 2, "permutations"),
        (["--taxonomy", "{folder}/broken.csv"], 1, "line 1: must have 2 fields; got 3"),
        (["--taxonomy", "{folder}/none.csv"], 1, "none.csv"),
    ],
)
def test_mistakes_are_one_line(folder, capsys, words, status, message):
    words = [word.format(folder=folder) for word in words]
    found = run(capsys, *given(folder, *words))
    assert found[0] == status
    assert message in found[2]
    assert len(found[2].strip().splitlines()) == 1


def test_dependencies_as_table_and_json(folder, capsys):
    words = ["hierarchy", folder / "tree.nnae", "--dependencies", folder / "train.csv"]
    status, out, _ = run(capsys, *words, "--top", 3)
    assert status == 0
    assert "pairs tested depend" in out
    assert "concept" in out
    status, out, _ = run(capsys, *words, "--json")
    found = json.loads(out)
    assert found["n_significant"] == len(found["dependencies"]) > 100
    assert {row["tie"] for row in found["dependencies"]} <= {"concept", "direct", "unknown"}
    assert run(capsys, *words[:3], folder / "none.csv")[0] == 1


def test_hierarchy_as_a_page(folder, capsys, tmp_path):
    page = tmp_path / "tree.html"
    status, _, err = run(capsys, "hierarchy", folder / "tree.nnae", "--html", page)
    assert status == 0
    assert "tree.html" in err
    text = page.read_text()
    assert text.count("<details") == text.count("</details>") == 15
    assert text.count("<li>") == 72
    assert "<script" not in text


def test_refits_tell_which_edges_recur(folder, capsys, tmp_path):
    data = make_label_hierarchy(600, test_size=0, random_state=0)
    model = nnae.NNAE((12, 3), max_iter=20, tol=1e-2, random_state=0, n_threads=1)
    names = data.label_names
    rows = [[str(names[j]) for j in row.indices] for row in data.Y]
    nnae.save(model.fit(rows), tmp_path / "model.nnae")
    (tmp_path / "rows.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    page, words = tmp_path / "tree.html", ["hierarchy", tmp_path / "model.nnae", "--bootstrap", 2]
    assert run(capsys, *words)[0] == 2
    words += ["--train", tmp_path / "rows.csv"]
    status, out, err = run(capsys, *words, "--format", "csv")
    assert status == 0
    assert "refitting 2 times" in err
    known = {row["frequency"] for row in csv.DictReader(out.splitlines())}
    assert known <= {"", "0.0", "0.5", "1.0"}
    assert "1.0" in known
    assert run(capsys, *words, "--html", page)[0] == 0
    text = page.read_text()
    assert 'class="measured"' in text
    assert "of refits" in text
    status, _, err = run(capsys, "hierarchy", folder / "tree.nnae", *words[2:])
    assert status == 1
    assert len(err.strip().splitlines()) == 1
