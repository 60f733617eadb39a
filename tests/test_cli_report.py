"""The command `nnae report`."""

import json

import pytest
from test_report import blocks

import nnae
from nnae.cli import main
from nnae.io import write_xmc


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    write_xmc(folder / "train.txt", data.Y[:200, ::2], data.Y[:200, 1::2])
    write_xmc(folder / "test.txt", data.Y[200:, ::2], data.Y[200:, 1::2])
    words = ["fit", str(folder / "train.txt"), "-o", str(folder / "model.nnae")]
    assert main([*words, "--profile", "fast", "--quiet"]) == 0
    return folder


def run(capsys, *words):
    capsys.readouterr()
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_page_is_that_of_the_function(folder, capsys, tmp_path):
    files = folder / "model.nnae", folder / "test.txt"
    words = ("--output", tmp_path / "r.html", "--title", "A title", "--examples", 5)
    status, out, err = run(capsys, "report", *files, *words, "--json", "--quiet")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert found["bytes"] == (tmp_path / "r.html").stat().st_size
    assert found["n_heldout"] == 100
    core = blocks(tmp_path / "r.html")["core"]
    assert core["title"] == "A title"
    assert len(core["examples"]) == 5
    data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    model = nnae.load(files[0])
    rows = data.Y[200:, ::2].astype(float), data.Y[200:, 1::2]
    nnae.report(model, tmp_path / "same.html", examples=rows, title="A title", n_examples=5)
    assert blocks(tmp_path / "same.html")["core"]["tree"] == core["tree"]


def test_without_rows_there_is_a_tree(folder, capsys, tmp_path):
    status, out, _ = run(capsys, "report", folder / "model.nnae", "-o", tmp_path / "r.html")
    assert status == 0
    assert "open it in a browser" in out
    assert blocks(tmp_path / "r.html")["core"]["audit"] is None


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["{folder}/none.txt"], 1, "none.txt"),
        (["{folder}/test.txt", "--examples", "0"], 2, "--examples"),
        (["{folder}/test.txt", "--output", "{folder}/no/r.html"], 1, "no"),
        (
            ["{folder}/test.txt", "--hierarchy", "{folder}/model.nnae"],
            1,
            "must be a LabelHierarchy",
        ),
    ],
)
def test_mistakes_are_one_line(folder, capsys, words, status, message):
    words = [word.format(folder=folder) for word in words]
    found = run(capsys, "report", folder / "model.nnae", *words)
    assert found[0] == status, found
    assert message in found[2]
    assert len([line for line in found[2].splitlines() if "error" in line]) == 1
