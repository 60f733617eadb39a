"""The command `nnae explain`."""

import json

import numpy as np
import pytest

import nnae
from nnae.cli import main
from nnae.io import read_xmc, write_xmc


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    data = nnae.datasets.make_label_hierarchy(160, random_state=0)
    write_xmc(folder / "test.txt", data.Y[:, ::2], data.Y[:, 1::2])
    names = "".join(f"label {j}\n" for j in range(36))
    (folder / "names.txt").write_text(names)
    given = ["test.txt", "--label-names", "names.txt", "--output", "model.nnae"]
    words = [str(folder / word) if "." in word else word for word in given]
    assert main(["fit", *words, "--profile", "fast", "--quiet"]) == 0
    (folder / "texts.csv").write_text(
        "text,labels\n" + 12 * "egg milk flour,cake\nrice soy,dinner\nrice egg soy,dinner\n"
    )
    words = ["fit", str(folder / "texts.csv"), "-o", str(folder / "texts.nnae")]
    assert main([*words, "--text-column", "text", "--layers", "2", "-q"]) == 0
    return folder


def run(capsys, *words):
    capsys.readouterr()
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def test_json_adds_up_to_what_predict_prints(folder, capsys):
    files = folder / "model.nnae", folder / "test.txt"
    status, out, err = run(capsys, "predict", *files, "--top", 2, "--json", "--quiet")
    assert (status, err) == (0, "")
    first, second = json.loads(out)["rows"][3]["labels"]
    status, out, err = run(capsys, "explain", *files, "--row", 3, "--json", "--quiet")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["label"] == first["label"]
    assert found["score"] == pytest.approx(first["score"], rel=1e-5)
    assert sum(line["contribution"] for line in found["lines"]) == pytest.approx(found["score"])
    words = ("--row", 3, "--label", second["label"], "--against", first["label"], "--json")
    status, out, _ = run(capsys, "explain", *files, *words)
    difference = second["score"] - first["score"]
    assert json.loads(out)["score"] == pytest.approx(difference, rel=1e-4)


def test_text_file_and_picture(folder, capsys, tmp_path):
    files = folder / "model.nnae", folder / "test.txt"
    status, out, _ = run(capsys, "explain", *files, "--label", "label 7")
    assert status == 0
    assert out.startswith("label 7: score ")
    words = ("--picture", tmp_path / "why.png", "-o", tmp_path / "why.txt", "--label", "label 7")
    status, nothing, err = run(capsys, "explain", *files, *words)
    assert (status, nothing) == (0, "")
    assert "why.png" in err
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "why.txt").read_text().splitlines()[0] == out.splitlines()[0]


def test_compact_models_explain_the_same_score(folder, capsys):
    model = nnae.load(folder / "model.nnae")
    nnae.save(model, folder / "compact.nnae", compact=True)
    scores = []
    for name in ("model.nnae", "compact.nnae"):
        status, out, err = run(capsys, "explain", folder / name, folder / "test.txt", "--json")
        assert status == 0, err
        scores.append(json.loads(out)["score"])
    assert scores[0] == pytest.approx(scores[1], rel=1e-2)


def test_words_are_features_of_texts(folder, capsys):
    files = folder / "texts.nnae", folder / "texts.csv"
    status, out, _ = run(capsys, "explain", *files, "--label", "cake", "--json")
    assert status == 0
    found = json.loads(out)
    named = {row["name"] for row in found["features"] if row["kind"] == "feature"}
    assert named == {"egg", "milk", "flour"}
    model = nnae.load(files[0])
    same = nnae.explain(model, "egg milk flour", "cake")
    assert same.score == pytest.approx(found["score"])


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--label", "label 77"], 1, "near to it: 'label 7'"),
        (["--row", "160"], 1, "--row must be below the 160 rows"),
        (["--method", "magic"], 2, "--method must be one of auto, linear"),
        (["--picture", "why.xyz"], 2, "a picture must end in one of"),
    ],
)
def test_mistakes_are_one_line(folder, capsys, words, status, message):
    found = run(capsys, "explain", folder / "model.nnae", folder / "test.txt", *words)
    assert found[0] == status
    assert message in found[2]
    assert len(found[2].strip().splitlines()) == 1


def test_a_compressor_cannot_explain(folder, capsys):
    Y = read_xmc(folder / "test.txt").Y
    nnae.save(nnae.NMF(3, tol=1e-2, random_state=0).fit(np.asarray(Y.todense())), folder / "c.nnae")
    status, _, err = run(capsys, "explain", folder / "c.nnae", folder / "test.txt")
    assert status == 1
    assert "holds a NMF, which cannot predict labels" in err
