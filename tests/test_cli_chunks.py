"""``--chunk-rows`` and ``--checkpoint``: the commands give what they give with all rows held."""

import json

import numpy as np
import pytest

import nnae
from nnae.cli import main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chunks")
    data = nnae.datasets.make_label_hierarchy(600, n_topics=2, random_state=0)
    Y = data.Y
    X = np.maximum(Y @ np.random.default_rng(0).normal(size=(Y.shape[1], 12)), 0).round(3)
    nnae.io.write_xmc(folder / "rows.txt", X, Y)
    return folder


def run(capsys, *words):
    status = main([str(word) for word in words])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    return json.loads(printed.out)


def test_fit_evaluate_and_predict(files, capsys):
    rows, whole, chunks = files / "rows.txt", files / "whole.nnae", files / "chunks.nnae"
    options = ["--layers", "12,3", "--json", "--quiet", "--threads", "1"]
    first = run(capsys, "fit", rows, "-o", whole, "--profile", "fast", *options)
    again = run(capsys, "fit", rows, "-o", chunks, "--chunk-rows", 70, *options)
    assert {**first, "seconds": 0, "file": ""} == {**again, "seconds": 0, "file": ""}
    one, other = (
        run(capsys, "evaluate", chunks, rows, "--json", "--quiet", *more)
        for more in ([], ["--chunk-rows", "64"])
    )
    assert one["n_test"] == other["n_test"] > 400
    for name in ("precision", "ndcg", "recall", "psp"):
        for depth, value in one[name].items():
            np.testing.assert_allclose(other[name][depth], value, rtol=1e-9)
            np.testing.assert_allclose(
                other["standard_errors"][name][depth], one["standard_errors"][name][depth],
                rtol=1e-6,
            )  # fmt: skip
    for form in ("csv", "xmc"):
        outputs = [files / f"held.{form}", files / f"chunks.{form}"]
        for output, more in zip(outputs, ([], ["--chunk-rows", "64"]), strict=True):
            assert main(["predict", str(chunks), str(rows), "-q", "--to", form, "-o", str(output),
                         *more]) == 0  # fmt: skip
        assert outputs[0].read_text() == outputs[1].read_text()


def test_progress_tells_pass_share_and_time_left(files, monkeypatch):
    from nnae.cli import _chunks

    blocks, notes = nnae.io.row_blocks(files / "rows.txt", rows=100), []

    class Step:
        def note(self, text):
            notes.append(text)

    _chunks.follow_rows(Step(), blocks, 2)
    for _ in range(2):
        list(blocks)
    assert notes[0].startswith("pass 1 of 2, 100 rows, ") and "left" in notes[0]
    assert len(notes) == 2 * 6
    assert notes[-1].startswith("pass 2 of 2, ") and notes[-1].endswith("100 %, about 0:00 left")
    assert _chunks.clock(3725) == "1:02:05"


def test_time_left_is_that_of_the_pace(files, monkeypatch):
    from nnae.cli import _chunks

    now, notes = [1000.0], []
    monkeypatch.setattr(_chunks.time, "perf_counter", lambda: now[0])

    class Step:
        def note(self, text):
            notes.append(text)

    blocks = nnae.io.row_blocks((None, np.ones((100, 2))), rows=25)
    _chunks.follow_rows(Step(), blocks, 3, "at most")
    for _ in range(2):
        for _ in blocks:
            now[0] += 60  # a minute a block, four blocks a pass
        now[0] += 500  # what is done between passes is no pace of theirs
    assert notes[0] == "pass 1 of at most 3, 25 rows, 25 %, at most 11:00 left"
    assert notes[4] == "pass 2 of at most 3, 25 rows, 25 %, at most 7:00 left"
    assert notes[-1] == "pass 2 of at most 3, 100 rows, 100 %, at most 4:00 left"
    _chunks.follow_rows(Step(), blocks, None)
    for _ in blocks:
        now[0] += 30
    assert notes[-3] == "pass 1, 50 rows, 50 %, about 1:00 left of this pass"


def test_other_encoders_and_losses_in_chunks(files, capsys):
    rows, model = files / "rows.txt", files / "nnls.nnae"
    words = ["fit", rows, "-o", model, "--chunk-rows", 100, "--encoder", "nnls", "--layers", "8,2"]
    assert main([*map(str, words), "--loss", "bernoulli", "--threads", "1"]) == 0
    said = capsys.readouterr().err
    assert " of at most 254, 600 rows, 100 %, at most " in said
    fitted = nnae.load(model)
    assert fitted.compressor_.loss_name_ == "bernoulli" and fitted.compressor_.encoder == "nnls"
    found = run(capsys, "evaluate", model, rows, "--json", "--quiet", "--chunk-rows", 100)
    assert found["precision"]["1"] > 0.3


def test_a_checkpoint_is_gone_on_from(files, capsys):
    words = ["fit", files / "rows.txt", "-o", files / "noted.nnae", "--chunk-rows", "50",
             "--checkpoint", files / "fit.part", "--json", "--quiet", "--layers", "6"]  # fmt: skip
    run(capsys, *words)
    size = (files / "fit.part").stat().st_size
    run(capsys, *words)
    assert (files / "fit.part").stat().st_size == size
    assert main([*map(str, words[:-1]), "5"]) == 1
    assert "of another fit" in capsys.readouterr().err


def test_mistakes_are_one_line(files, capsys):
    (files / "posts.csv").write_text("text,labels\na b,x\n")
    for words, status, message in (
        (["fit", files / "posts.csv", "--chunk-rows", "5"], 2, "no tables of texts"),
        (["fit", files / "rows.txt", "--chunk-rows", "5", "--decoder", "tree"], 2, "linear"),
        (["fit", files / "rows.txt", "--chunk-rows", "5", "--encoder", "relu"], 1, "linear"),
    ):
        assert main([str(word) for word in words]) == status
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
