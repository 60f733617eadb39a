import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnae
from nnae.cli import main
from nnae.cli._app import COMMANDS
from nnae.io import read_svmlight, read_transactions, read_xmc, write_svmlight, write_xmc

WORDS = ("egg", "flour", "milk", "salt", "rice", "soy", "ginger", "leek", "oil", "bread")
TABLE = ("--text-column", "body", "--label-column", "tags", "--label-sep", "|")
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(
        [str(Path(nnae.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Small files of several formats, and models fitted on them through the command line."""
    folder = tmp_path_factory.mktemp("cli")
    data = nnae.datasets.make_label_hierarchy(160, random_state=0)
    X, Y = data.Y[:, ::2], data.Y[:, 1::2]
    names = [f"label {j}" for j in range(Y.shape[1])]
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in names))
    write_xmc(folder / "train.txt", X[:120], Y[:120])
    write_xmc(folder / "test.txt", X[120:], Y[120:])
    write_svmlight(folder / "train.svm", X[:120], Y[:120])
    draw = np.random.default_rng(0)
    with open(folder / "posts.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("title", "body", "tags"))
        for number in range(60):
            words = draw.choice(WORDS, 4, replace=False)
            table.writerow((number, " ".join(words), "|".join(sorted(words[:2]))))
    rows = [draw.choice(WORDS, 3, replace=False) for _ in range(50)]
    (folder / "baskets.csv").write_text("".join(",".join(row) + "\n" for row in rows))
    fits = (
        ["train.txt", "--label-names", folder / "names.txt", "-o", folder / "model.nnae"],
        ["baskets.csv", "--layers", "5,2", "-o", folder / "baskets.nnae"],
        ["posts.csv", *TABLE, "--layers", "6,2", "-o", folder / "posts.nnae"],
    )
    for name, *words in fits:
        command = ["fit", folder / name, *words, "--profile", "fast", "--quiet", "--threads", "1"]
        assert main([str(word) for word in command]) == 0
    return folder


def run(capsys, *words):
    """Return exit status, standard output and standard error of one command."""
    capsys.readouterr()
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def program(*words, cwd):
    """Run the command line as a program of its own."""
    return subprocess.run(
        [sys.executable, "-m", "nnae", *map(str, words)],
        capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, timeout=120, check=False,
    )  # fmt: skip


def shell(line, cwd):
    """Run a line with ``{nnae}`` in it through the shell."""
    return subprocess.run(
        line.format(nnae=f"{shlex.quote(sys.executable)} -m nnae"),
        shell=True, capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, timeout=120,
        check=False,
    )  # fmt: skip


def test_fit_says_what_it_made(folder, capsys, tmp_path):
    status, out, err = run(capsys, "fit", folder / "train.txt", "-o", tmp_path / "m.nnae",
                           "--layers", "8,3", "--profile", "fast")  # fmt: skip
    assert status == 0
    assert "TwoStepClassifier of 36 labels, levels of 8, 3 concepts" in out
    assert "compress" in err and "train" in err
    assert nnae.load(tmp_path / "m.nnae").compressor_.layer_sizes_ == (8, 3)


def test_fit_json(folder, capsys, tmp_path):
    status, out, err = run(capsys, "fit", folder / "baskets.csv", "-o", tmp_path / "m.nnae",
                           "--json", "--quiet", "--encoder", "nnls", "--layers", "4,2")  # fmt: skip
    found = json.loads(out)
    assert (status, err) == (0, "")
    assert found["model"] == "NNAE" and found["layer_sizes"] == [4, 2]
    assert found["n_train"] == 50 and found["n_labels"] == 10 and found["n_features"] is None
    assert Path(found["file"]) == tmp_path / "m.nnae"
    assert nnae.load(tmp_path / "m.nnae").label_names_.tolist() == sorted(WORDS)


def test_fit_is_the_same_for_any_number_of_threads(folder, capsys, tmp_path):
    scores = []
    for threads in (1, 2):
        path = tmp_path / f"{threads}.nnae"
        assert run(capsys, "fit", folder / "train.txt", "-o", path, "--threads", threads,
                   "--profile", "fast")[0] == 0  # fmt: skip
        scores.append(run(capsys, "predict", path, folder / "test.txt", "--threads", threads)[1])
    assert scores[0] == scores[1]


def test_labels_only_makes_a_compressor(folder, capsys, tmp_path):
    path = tmp_path / "m.nnae"
    assert run(capsys, "fit", folder / "train.txt", "--labels-only", "-o", path)[0] == 0
    assert isinstance(nnae.load(path), nnae.NNAE)


def test_predict_csv_names_labels_best_first(folder, capsys):
    status, out, err = run(
        capsys, "predict", folder / "model.nnae", folder / "test.txt", "-k", 3, "--quiet"
    )
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (status, err) == (0, "") and len(rows) == 40 * 3
    assert [row["rank"] for row in rows[:3]] == ["1", "2", "3"]
    model = nnae.load(folder / "model.nnae")
    best = model.predict_topk(read_xmc(folder / "test.txt").X, k=3)[0]
    assert [row["label"] for row in rows] == model.label_names_[best.ravel()].tolist()
    scores = np.array([float(row["score"]) for row in rows]).reshape(-1, 3)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_predict_jsonl_and_json_agree(folder, capsys, tmp_path):
    words = "predict", folder / "model.nnae", folder / "test.txt", "--top", 2
    assert run(capsys, *words, "--to", "jsonl", "-o", tmp_path / "best.jsonl")[:2] == (0, "")
    lines = [json.loads(line) for line in (tmp_path / "best.jsonl").read_text().splitlines()]
    found = json.loads(run(capsys, *words, "--json")[1])
    assert found["n_rows"] == 40 and found["top"] == 2 and found["rows"] == lines
    assert lines[7]["row"] == 7 and len(lines[7]["labels"]) == 2


def test_predict_xmc_has_a_line_a_row(folder, capsys):
    status, out, _ = run(
        capsys, "predict", folder / "model.nnae", folder / "test.txt", "--to", "xmc", "--top", 50
    )
    head, *lines = out.splitlines()
    assert status == 0 and head == "40 36" and len(lines) == 40
    pairs = [pair.split(":") for pair in lines[0].split()]
    assert sorted(int(label) for label, _ in pairs) == list(range(36))  # k above L: all, once


def test_predict_reads_new_texts_with_the_model_s_own_words(folder, capsys, tmp_path):
    (tmp_path / "new.csv").write_text("body\negg flour unheard\nrice soy\n")
    status, out, _ = run(
        capsys, "predict", folder / "posts.nnae", tmp_path / "new.csv", "--text-column", "body"
    )
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 0 and {row["row"] for row in rows} == {"0", "1"}
    assert {row["label"] for row in rows} <= set(WORDS)


def test_evaluate_prints_what_the_metrics_say(folder, capsys):
    words = "evaluate", folder / "model.nnae", folder / "test.txt", "--at", "1,2"
    names = ("--label-names", folder / "names.txt")
    found = json.loads(run(capsys, *words, *names, "--json", "--quiet")[1])
    data = read_xmc(folder / "test.txt")
    model = nnae.load(folder / "model.nnae")
    ranking = model.predict_topk(data.X, k=2)[0]
    for k in (1, 2):
        assert found["precision"][str(k)] == nnae.metrics.precision_at_k(data.Y, ranking, k)
        assert found["psp"][str(k)] == nnae.metrics.psp_at_k(
            data.Y, ranking, k, model.propensities_
        )
    assert found["n_test"] == 40 and found["standard_errors"]["ndcg"]["2"] > 0
    status, out, _ = run(capsys, *words)  # without names the file's labels count by number
    assert status == 0 and f"{100 * found['precision']['1']:.1f} ± " in out


def test_evaluate_matches_labels_by_name(folder, capsys):
    found = []
    for table in ("posts.csv", "turned.csv"):
        rows = list(csv.reader((folder / "posts.csv").read_text().splitlines()))
        with open(folder / "turned.csv", "w", newline="") as file:
            csv.writer(file).writerows([rows[0], *([a, b, f"caviar|{c}"] for a, b, c in rows[1:])])
        status, out, err = run(
            capsys, "evaluate", folder / "posts.nnae", folder / table, "--json", *TABLE
        )
        assert status == 0
        found.append(json.loads(out)["precision"])
    assert "1 labels were not seen in training" in err and "'caviar'" in err
    assert found[0] == found[1]


@pytest.mark.parametrize("model", ["model.nnae", "baskets.nnae"])
def test_hierarchy_formats(folder, capsys, tmp_path, model):
    names = nnae.load(folder / model).label_names_.tolist()
    for form in ("text", "newick", "json", "linkage", "csv"):
        status, out, _ = run(capsys, "hierarchy", folder / model, "--format", form)
        assert status == 0 and out.strip()
        target = tmp_path / f"tree.{form}"
        assert run(capsys, "hierarchy", folder / model, "-f", form, "-o", target)[:2] == (0, "")
        assert target.read_text() == out
    again = nnae.LabelHierarchy.from_json((tmp_path / "tree.json").read_text())
    assert again.labels == names
    linkage = list(csv.DictReader((tmp_path / "tree.linkage").read_text().splitlines()))
    assert len(linkage) == len(names) - 1 and linkage[-1]["size"] == str(len(names))
    text = run(capsys, "hierarchy", folder / model, "--children", 0)[1]
    assert all(name in text for name in names)


def test_hierarchy_draws_a_picture(folder, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "tree.png"
    assert run(capsys, "hierarchy", folder / "baskets.nnae", "-f", "picture", "-o", path)[0] == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    status, _, err = run(capsys, "hierarchy", folder / "baskets.nnae", "-f", "picture")
    assert status == 2 and "--output" in err


def test_convert_keeps_the_data(folder, capsys, tmp_path):
    there, back = tmp_path / "data.svm", tmp_path / "back.xmc.gz"
    assert run(capsys, "convert", folder / "train.txt", there)[:2] == (0, "")
    assert run(capsys, "convert", there, back, "--to", "xmc")[0] == 0
    before, after = read_xmc(folder / "train.txt"), read_xmc(back)
    assert (before.Y != after.Y).nnz == 0 and (before.X != after.X).nnz == 0
    assert (read_svmlight(there).Y != before.Y).nnz == 0


def test_convert_keeps_names(folder, capsys, tmp_path):
    names = tmp_path / "tags.txt"
    status, out, err = run(
        capsys, "convert", folder / "posts.csv", tmp_path / "posts.xmc", "--write-names", names,
        *TABLE, "--json",
    )  # fmt: skip
    found = json.loads(out)
    assert status == 0 and found["format"] == "xmc" and found["n_rows"] == 60
    assert names.read_text().split() == sorted(WORDS)
    assert read_xmc(tmp_path / "posts.xmc", label_names=names).Y.shape == (60, 10)
    status, _, err = run(
        capsys, "convert", tmp_path / "posts.xmc", tmp_path / "posts.csv", "--label-names", names
    )
    assert status == 0 and "no place for features" in err
    assert set(read_transactions(tmp_path / "posts.csv").label_names) == set(WORDS)


WRONG = [
    ([], 2, "a command is missing"),
    (["predictt"], 2, "predictt"),
    (["fit"], 2, "data"),
    (["fit", "x", "--layers", "5,a"], 2, "--layers"),
    (["fit", "x", "--loss", "cubic"], 2, "--loss"),
    (["fit", "x", "--encoder", "deep"], 2, "--encoder"),
    (["fit", "x", "--decoder", "deep"], 2, "--decoder"),
    (["fit", "x", "--format", "pdf"], 2, "--format"),
    (["fit", "x", "--threads", "0"], 2, "threads"),
    (["predict", "{model}", "{test}", "--to", "pdf"], 2, "--to"),
    (["evaluate", "{model}", "{test}", "--at", "0"], 2, "--at"),
    (["hierarchy", "{model}", "--format", "pdf"], 2, "--format"),
    (["convert", "{test}", "out.pdf"], 2, "--to"),
    (["demo", "--dataset", "mnist"], 2, "--dataset"),
    (["fit", "{folder}/none.txt"], 1, "none.txt: No such file"),
    (["fit", "{folder}"], 1, "{folder}"),
    (["fit", "{junk}"], 1, "junk"),
    (["fit", "{cut}"], 1, "line 3"),
    (["fit", "{train}", "-o", "{folder}/no/model.nnae"], 1, "No such file"),
    (["fit", "{train}", "--layers", "3,8"], 1, "decrease"),
    (["fit", "{posts}", "--text-column", "text", "--label-column", "tags"], 1, "text"),
    (["predict", "{folder}/none.nnae", "{test}"], 1, "none.nnae: No such file"),
    (["predict", "{test}", "{test}"], 1, "test.txt"),
    (["predict", "{baskets}", "{test}"], 1, "cannot predict"),
    (["predict", "{model}", "{folder}/baskets.csv"], 1, "labels only"),
    (["predict", "{folder}/posts.nnae", "{posts}"], 1, "--text-column"),
    (["predict", "{model}", "{wide}"], 1, "features"),
    (["evaluate", "{model}", "{test}", "--label-names", "{other}"], 1, "no label of the model"),
    (["evaluate", "{model}", "{folder}/baskets.csv"], 1, "labels only"),
    (["hierarchy", "{junk}"], 1, "junk"),
    (["hierarchy", "{folder}/cut.nnae"], 1, "cut.nnae"),
    (["convert", "{folder}/none.txt", "{folder}/out.svm"], 1, "none.txt"),
]


@pytest.mark.parametrize(("words", "status", "part"), WRONG, ids=lambda value: str(value)[:60])
def test_a_mistake_is_one_line(folder, capsys, words, status, part):
    (folder / "junk.bin").write_bytes(bytes(range(256)))
    (folder / "cut.txt").write_text("3 4 3\n0,2 1:0.5 3:2\n0 0:\n")
    (folder / "wide.txt").write_text("1 99 36\n0 98:1\n")
    (folder / "other.txt").write_text("".join(f"{j}\n" for j in range(36)))
    (folder / "cut.nnae").write_bytes((folder / "model.nnae").read_bytes()[:-500])
    where = {
        "folder": folder, "junk": folder / "junk.bin", "cut": folder / "cut.txt",
        "train": folder / "train.txt", "test": folder / "test.txt", "posts": folder / "posts.csv",
        "wide": folder / "wide.txt", "model": folder / "model.nnae",
        "baskets": folder / "baskets.nnae", "other": folder / "other.txt",
    }  # fmt: skip
    found, out, err = run(capsys, *(word.format(**where) for word in words), *["-q"][: len(words)])
    complaints = [line for line in err.splitlines() if line.startswith("nnae: error: ")]
    assert found == status and len(complaints) == 1 and err.splitlines() == complaints
    assert part.format(**where) in complaints[0]
    assert out == "" and "Traceback" not in err


def test_a_full_disk_is_one_line(folder):
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full, a disk that is always full, is Linux's")
    result = shell(f"{{nnae}} hierarchy {folder / 'model.nnae'} > /dev/full", folder)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert result.stderr.startswith("nnae: error: ")


def test_the_reader_of_a_pipe_may_stop(folder):
    words = f"-q {folder / 'model.nnae'} {folder / 'test.txt'} --top 36"
    result = shell(f"{{nnae}} predict {words} | head -1", folder)
    assert result.stdout == "row,rank,label,score\n" and "Traceback" not in result.stderr


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_help_has_an_example_and_all_options(capsys, command):
    status, out, err = run(capsys, command, "--help")
    assert (status, err) == (0, "")
    assert re.search(rf"Examples?:\n +nnae {command}", out)


def examples():
    """Return every example that a command's help gives."""
    found = []
    for command in COMMANDS:
        text = (command.__doc__ or "").split("\\b")[-1]
        found += [line.strip() for line in text.splitlines() if line.strip().startswith("nnae ")]
    return found


@pytest.mark.parametrize(
    "line",
    [line for line in examples() if not line.startswith("nnae demo") and "photographs" not in line],
)  # those of pictures: test_cli_pictures.py
def test_examples_of_the_help_run(folder, capsys, tmp_path, monkeypatch, line):
    if "--picture" in line:
        pytest.importorskip("matplotlib", reason="plots need matplotlib")
    for name in ("test.txt", "train.txt", "posts.csv", "baskets.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "train.txt", "--profile", "fast", "--quiet"]) == 0
    if line.startswith("nnae convert posts.csv"):
        text = (folder / "posts.csv").read_text().replace("title,body,tags", "title,text,labels")
        (tmp_path / "posts.csv").write_text(text)
    status, _, err = run(capsys, *shlex.split(line)[1:])
    assert status == 0, err


def test_versions(capsys):
    assert run(capsys, "--version") == (0, f"nnae {nnae.__version__}\n", "")
    status, out, _ = run(capsys, "versions")
    assert status == 0 and out.split()[:2] == ["nnae", nnae.__version__]
    assert json.loads(run(capsys, "versions", "--json")[1])["nnae"] == nnae.__version__


def test_a_program_of_its_own(tmp_path):
    result = program("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"nnae {nnae.__version__}\n")
    result = program("fit", "there-is-no-such-file.txt", cwd=tmp_path)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.splitlines() == [
        line for line in result.stderr.splitlines() if line.startswith("nnae: error:")
    ]
