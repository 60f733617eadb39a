"""What benchmarks store, and the files that are kept."""

import datetime
import json
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
