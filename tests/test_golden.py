"""Results that must not change unnoticed, the same file for Python and for R.

A change that is meant is taken over by ``python tests/golden/rewrite.py``, in a commit that says
why.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "golden"
GOLDEN = json.loads((FOLDER / "results.json").read_text("utf-8"))
SPEC = importlib.util.spec_from_file_location("rewrite", FOLDER / "rewrite.py")
REWRITE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(REWRITE)


@pytest.fixture(scope="module")
def found():
    data = GOLDEN["data"]
    return REWRITE.compute(data["labels"], data["rows"], data["features"])


CASES = [(part, name) for part, results in GOLDEN["results"].items() for name in results]


def test_the_file_is_of_these_settings():
    assert GOLDEN["settings"] == REWRITE.SETTINGS and GOLDEN["tolerance"] == REWRITE.TOLERANCE
    assert len(CASES) == 15


@pytest.mark.parametrize(("part", "name"), CASES)
def test_results_are_those_of_the_golden_file(found, part, name):
    expected, value = GOLDEN["results"][part][name], found[part][name]
    flat = np.ravel(np.asarray(expected))
    if flat.dtype.kind in "US":
        assert value == expected
        return
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(
        value, expected, rtol=GOLDEN["tolerance"], atol=GOLDEN["tolerance"] * 1e-2
    )
