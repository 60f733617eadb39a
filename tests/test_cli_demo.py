import json
from pathlib import Path

import numpy as np
import pytest
from test_report import blocks

import nnae
from nnae.cli import main
from nnae.cli._baselines import ceiling, popularity
from nnae.cli._demo import excerpt, new_folder, show_scores
from nnae.cli._scores import ndcg, precision, psp
from nnae.cli._screen import Screen


def test_demo_json_has_the_agreed_fields(capsys, monkeypatch, tmp_path):
    capsys.readouterr()
    monkeypatch.chdir(tmp_path)
    words = ["demo", "--dataset", "emoji", "--report", "emoji.html", "--json", "--quiet"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == "" and out.count("\n") == 1
    assert list(found) == [
        "dataset", "n_train", "n_test", "n_labels", "seconds", "precision", "ndcg", "psp",
        "baselines", "decoder_ceiling", "files",
    ]  # fmt: skip
    data = nnae.datasets.load_emoji()
    assert found["dataset"] == "emoji" and found["n_labels"] == data.Y_train.shape[1]
    assert (found["n_train"], found["n_test"]) == (data.Y_train.shape[0], data.Y_test.shape[0])
    for scores in (found["precision"], found["ndcg"], found["psp"], found["decoder_ceiling"],
                   *found["baselines"].values()):  # fmt: skip
        assert list(scores) == ["1", "3", "5"] and all(0 <= s <= 1 for s in scores.values())
    assert list(found["baselines"]) == ["popularity", "one_vs_rest"]
    assert found["precision"]["1"] >= 4 * found["baselines"]["popularity"]["1"]
    assert found["precision"]["1"] <= found["decoder_ceiling"]["1"]
    assert all(Path(path).is_file() for path in found["files"])
    assert Path(found["files"][0]).parent == tmp_path / "nnae-demo"
    model = nnae.load(found["files"][0])
    ranking = model.predict_topk(data.X_test, k=5)[0]
    assert found["precision"]["5"] == nnae.metrics.precision_at_k(data.Y_test, ranking, 5)
    budget = model.error_budget(data.X_test, data.Y_test).loc["ceiling"]
    assert found["decoder_ceiling"]["3"] == pytest.approx(budget["P@3"], abs=1e-3)
    assert nnae.load(found["files"][1]).labels == data.label_names.tolist()
    assert str(tmp_path / "emoji.html") in found["files"]
    core = blocks(tmp_path / "emoji.html")["core"]
    assert all(example["image"].startswith("data:image/png") for example in core["examples"])
    assert core["audit"] is not None


def test_demo_makes_a_new_folder(tmp_path):
    assert new_folder(tmp_path / "demo") == tmp_path / "demo"
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo-2").mkdir()
    assert new_folder(tmp_path / "demo") == tmp_path / "demo-3"


def test_excerpt_fits_the_screen():
    model = nnae.NNAE((12, 3), encoder="linear", random_state=0)
    tree = nnae.LabelHierarchy.from_compressor(
        model.fit(nnae.datasets.make_label_hierarchy(160, random_state=0).Y)
    )
    whole = tree.to_text()
    for lines in (4, 10, 20, 400):
        text = excerpt(tree, lines, 60)
        assert len(text.splitlines()) <= lines
        assert max(map(len, text.splitlines())) <= 60
    assert len(excerpt(tree, 400, 100).splitlines()) == len(whole.splitlines())


def test_popularity_ranks_by_frequency():
    Y = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1]])
    assert popularity(Y, 2, 2).tolist() == [[2, 0], [2, 0]]


def test_ceiling_of_a_wide_code_is_perfect():
    Y = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]]
    model = nnae.NMF(4, loss="frobenius", tol=0, max_iter=400, random_state=0).fit(Y)
    model.weights_ = [model.components_]
    assert ceiling(model, Y, 1, 1).ravel().tolist() == [0, 1, 2, 3, 0, 1]


def test_the_table_shows_values_and_errors(capsys):
    Y = np.array([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 0, 1]])
    ranking = popularity(Y, 4, 5)
    rare = np.full(5, 0.5)
    scores = {
        "precision": [precision(Y, ranking, k) for k in (1, 3, 5)],
        "ndcg": [ndcg(Y, ranking, k) for k in (1, 3, 5)],
        "psp": [psp(Y, ranking, k, rare) for k in (1, 3, 5)],
    }
    names = ("model", "one_vs_rest", "popularity", "ceiling")
    show_scores(Screen(), "toy", dict.fromkeys(names, scores))
    out = capsys.readouterr().out
    assert "75.0 ± 25.0" in out  # three of four rows; sqrt(3 / 16 * 4 / 3 / 4) = 0.25
    assert "PSP@5" in out and out.count("100.0 ± 0.0") == len(names)
