"""What benchmarks store, and the files that are kept."""

import datetime
import json
import multiprocessing
import platform
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
KEPT = sorted((ROOT / "vignettes" / "results").glob("*.json"))

sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
stored = pytest.importorskip("stored")
bench_classify = pytest.importorskip("bench_classify")
large = pytest.importorskip("large")


def test_a_stored_table_comes_back(tmp_path):
    path = tmp_path / "new" / "table.json"
    rows = [("a", np.int64(3), np.float32(0.5)), ("b", None, float("nan"))]
    stored.store(path, "python tests/benchmarks/run.py race", ("name", "count", "ratio"), rows)
    found = json.loads(path.read_text("utf-8"))
    assert found["rows"] == [["a", 3, 0.5], ["b", None, None]]
    assert found["header"] == ["name", "count", "ratio"]
    assert found["command"] == "python tests/benchmarks/run.py race"
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["versions"]["numpy"] == np.__version__
    assert [entry.name for entry in path.parent.iterdir()] == ["table.json"]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_kept_results_say_how_and_when_and_name_no_place(path):
    text = path.read_text("utf-8")
    found = json.loads(text)
    assert found["command"].startswith("python tests/benchmarks/")
    assert datetime.date.fromisoformat(found["date"])
    assert found["machine"]["cpu"]
    host = platform.node()
    assert not host or f'"{host}"' not in text
    assert not re.search(r"(?<![\w.])/\w", text), "an absolute path"
    if "rows" in found:
        assert {len(row) for row in found["rows"]} == {len(found["header"])}


def part_of(name, seconds):
    """Return what the classifiers' benchmark found on one data set, for two methods and seeds."""
    keys = (*bench_classify.SHOWN, *bench_classify.COSTS)
    rows = {
        method: [{"seed": seed, **dict.fromkeys(keys, seconds * factor)} for seed in (0, 1)]
        for method, factor in (("best", 3.0), ("omikuji parabel", 1.0))
    }
    found = {"shape": [5, 4, 3, 2], "rows": rows, "ratios": bench_classify.ratios(rows)}
    differences = [["best", "omikuji parabel", "P@1", 0.1, 0.0, 0.2]]
    return bench_classify.as_part(name, {**found, "differences": differences}) | {
        "command": f"python tests/benchmarks/run.py classify --data {name}", "threads": 1,
    }  # fmt: skip


def test_runs_on_other_data_keep_what_a_file_has(tmp_path):
    path = tmp_path / "classify.json"
    for name, seconds in (("bibtex", 1.0), ("cooking", 2.0), ("bibtex", 4.0)):
        bench_classify.add_part(path, part_of(name, seconds))
    found = json.loads(path.read_text("utf-8"))
    assert sorted(found["shapes"]) == ["bibtex", "cooking"]
    assert len(found["rows"]) == 8 and len(found["differences"]) == 2
    at = found["header"].index("fit_cpu")
    assert {row[at] for row in found["rows"] if row[0] == "bibtex"} == {4.0, 12.0}  # the later run
    assert ["cooking", "best", "omikuji parabel", "cpu", 3.0, 3.0, 3.0] in found["ratios"]
    assert {row[0] for row in found["published"]} >= {"bibtex", "delicious"}


def store_one(path, name):
    bench_classify.add_part(path, part_of(name, 1.0))


def test_processes_side_by_side_lose_nothing(tmp_path):
    path, names = tmp_path / "classify.json", [f"set{number}" for number in range(8)]
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        pool.starmap(store_one, [(path, name) for name in names])
    assert sorted(json.loads(path.read_text("utf-8"))["shapes"]) == names


def test_parts_of_a_table_replace_their_own_rows(tmp_path):
    path, header = tmp_path / "table.json", ("part", "data", "loss", "seconds")
    stored.add(
        path, "python run.py --parts a b", header, [("a", "x", None, 1.0), ("b", "x", "y", 2)]
    )
    stored.add(path, "python run.py --parts b", header, [("b", "x", "y", 3)])
    found = json.loads(path.read_text("utf-8"))
    assert found["rows"] == [["a", "x", None, 1.0], ["b", "x", "y", 3]]
    assert found["command"] == "python run.py --parts a b ; python run.py --parts b"
    with pytest.raises(SystemExit, match="another table"):
        stored.add(path, "python run.py", ("part",), [("a",)])


def test_commands_are_stored_without_where_things_are_kept():
    words = ["memory", "--rows", "10", "--folder", "x", "--parts", "codes in files", "--store", "y"]
    command = "python tests/benchmarks/large.py memory --rows 10 --parts 'codes in files'"
    assert large.typed(words) == command
