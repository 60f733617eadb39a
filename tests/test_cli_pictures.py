"""The commands with pictures: a folder and COCO's JSON, from fit to report."""

import json
import shlex

import numpy as np
import pytest

import nnae
from nnae.cli import main

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("skimage")

# what the examples of the help call them
COLOURS = {"zebra": (220, 30, 30), "bus": (40, 40, 230)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "photographs").mkdir()
    draws, images, notes = np.random.default_rng(0), [], []
    for number in range(24):
        pixels = np.full((40, 56, 3), 235, np.uint8)
        for category, colour in enumerate(COLOURS.values()):
            if number % 3 != category:
                top, left = draws.integers(0, 26), 28 * category + draws.integers(0, 14)
                pixels[top : top + 14, left : left + 14] = colour
                notes.append({"image_id": number, "category_id": category})
        images.append({"id": number, "file_name": f"{number:02}.png"})
        Image.fromarray(pixels).save(folder / "photographs" / f"{number:02}.png")
    names = [{"id": j, "name": name} for j, name in enumerate(COLOURS)]
    document = {"images": images, "categories": names, "annotations": notes}
    (folder / "instances.json").write_text(json.dumps(document))
    words = ["fit", "instances.json", "--image-folder", "photographs", "-o", "model.nnae"]
    paths = [str(folder / w) if w in ("instances.json", "photographs", "model.nnae") else w
             for w in words]  # fmt: skip
    assert main([*paths, "--profile", "fast", "--layers", "2", "--quiet"]) == 0
    return folder


def run(capsys, *words):
    capsys.readouterr()
    status = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return status, out, err


def test_predict_takes_a_folder_a_picture_or_a_file_that_names_pictures(folder, capsys):
    model, photographs = folder / "model.nnae", folder / "photographs"
    status, out, err = run(capsys, "predict", model, photographs, "--json", "--quiet")
    assert (status, err) == (0, "")
    rows = json.loads(out)["rows"]
    assert [row["row"] for row in rows[:2]] == ["00.png", "01.png"] and len(rows) == 24
    status, out, _ = run(capsys, "predict", model, photographs / "01.png", "--json", "-q")
    assert json.loads(out)["rows"] == [rows[1]]
    named = (folder / "instances.json", "--image-folder", photographs)
    assert json.loads(run(capsys, "predict", model, *named, "--json", "-q")[1])["rows"] == rows
    status, out, err = run(capsys, "evaluate", model, *named, "--at", "1", "--json", "-q")
    assert (status, err) == (0, "")
    assert json.loads(out)["precision"]["1"] > 0.9


def test_explain_names_regions_and_draws_them(folder, capsys, tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    picture = folder / "photographs" / "02.png"
    words = ("explain", folder / "model.nnae", picture, "--label", "zebra")
    status, out, err = run(capsys, *words, "--json", "-q")
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert sum(line["contribution"] for line in found["lines"]) == pytest.approx(found["score"])
    best = next(line for line in found["lines"] if line["kind"] == "region")
    assert best["column"] < 0.6  # zebras are on the left here
    status, out, err = run(capsys, *words, "--picture", tmp_path / "where.png")
    assert status == 0 and out.startswith("zebra: score ") and "through concepts: " in out
    assert (tmp_path / "where.png").read_bytes().startswith(b"\x89PNG")
    whole = run(capsys, "explain", folder / "model.nnae", folder / "photographs", "--row", 99)
    assert whole[0] == 1 and "--row must be below the 24 rows" in whole[2]


def test_a_report_shows_the_regions(folder, capsys, tmp_path):
    pytest.importorskip("jinja2")
    words = ("report", folder / "model.nnae", folder / "instances.json", "-o", tmp_path / "r.html")
    status, _, err = run(
        capsys, *words, "--image-folder", folder / "photographs", "--examples", 2, "-q"
    )
    assert (status, err) == (0, "")
    from test_report import blocks

    (reasons, _), (example, _) = (
        blocks(tmp_path / "r.html")["reasons-0"],
        blocks(tmp_path / "r.html")["core"]["examples"],
    )
    assert example["image"].startswith("data:image/png")
    for reason in reasons:
        about = reason["regions"]
        assert about["image"].startswith("data:image/png") and about["columns"][0] == "regions"
        goal = next(at for at, node in enumerate(about["nodes"]) if node[1] == "label")
        into = sum(amount for _, target, amount in about["links"] if target == goal)
        assert into == pytest.approx(reason["score"], rel=1e-3)


def test_mistakes_are_one_line(folder, capsys, tmp_path):
    model, names = folder / "model.nnae", folder / "instances.json"
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "rows.csv").write_text("egg,milk\nrice\n")
    place = ("--image-folder", folder / "photographs")
    cases = (
        (("predict", model, tmp_path / "empty"), "holds no picture"),
        (("predict", model, tmp_path / "bad.png"), "bad.png: not a whole picture"),
        (("predict", model, names, "--image-folder", tmp_path), "has no picture '00.png' (row 0"),
        (("fit", tmp_path / "rows.csv", "--backbone", "hog"), "must name a picture a row"),
        (("fit", names, "--backbone", "gone.onnx", *place), "there is no file"),
        (("explain", model, names, "--method", "lime"), "--method must be one of auto, occlusion"),
    )
    for words, message in cases:
        status, out, err = run(capsys, *words, "-q")
        assert status in (1, 2) and out == ""
        assert err.startswith("nnae: error:") and message in err and err.count("\n") == 1


def test_examples_of_the_help_run(folder, capsys, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib").use("Agg")
    from test_cli import examples

    lines = [line for line in examples() if "photographs" in line]
    assert len(lines) == 3
    (tmp_path / "photographs").symlink_to(folder / "photographs")
    (tmp_path / "instances.json").write_bytes((folder / "instances.json").read_bytes())
    with Image.open(folder / "photographs" / "02.png") as image:
        image.save(folder / "photographs" / "zebra.jpg")  # last: others count the pictures
    monkeypatch.chdir(tmp_path)
    for line in lines:
        words = shlex.split(line)[1:]
        status, _, err = run(capsys, *words)
        assert status == 0, err


def test_what_describes_pictures_is_in_the_model_file(folder):
    features = nnae.load(folder / "model.nnae").image_features_
    assert features.backbone == "hog" and features.callback is None
