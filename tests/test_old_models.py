"""Models saved by every version so far are loaded and say what they said then."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import nnae

FOLDER = Path(__file__).parent / "golden"
sys.path.insert(0, str(FOLDER))

from save_models import told  # noqa: E402

FILES = sorted((FOLDER / "models").glob("*.nnae"))


def test_there_are_models_of_every_kind():
    kinds = {path.name.split("-")[0] for path in FILES}
    assert {"nmf", "nnae", "hierarchy", "two_step_linear", "two_step_stack"} <= kinds


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_model_says_what_it_said(path):
    was = json.loads(path.with_suffix(".json").read_text())
    now = told(nnae.load(path))
    assert was.keys() == now.keys()
    if "newick" in was:
        assert was == now
        return
    for name, values in was.items():
        exact = name == "indices"
        np.testing.assert_allclose(now[name], values, rtol=0 if exact else 1e-5, atol=1e-7)


def test_a_file_of_a_later_format_says_what_to_do(tmp_path):
    data = FILES[0].read_bytes()
    assert data.count(b"nnae-model 1 sha256") == 1
    path = tmp_path / "later.nnae"
    path.write_bytes(data.replace(b"nnae-model 1 sha256", b"nnae-model 2 sha256"))
    with pytest.raises(nnae.persist.ModelFileError, match=r"file format 2 is unknown.*update nnae"):
        nnae.load(path)
