"""What nnae.show_versions tells."""

import io
import re
from pathlib import Path

import pytest

import nnae
from nnae import _core, _versions

ROOT = Path(__file__).resolve().parents[1]


def test_every_line_names_a_thing_and_its_version(capsys):
    out = io.StringIO()
    nnae.show_versions(out)
    rows = dict(line.split(maxsplit=1) for line in out.getvalue().splitlines())
    assert rows["nnae"] == nnae.__version__
    assert rows["kernels"] == _core.variant
    assert int(rows["threads"]) >= 1
    assert {"Python", "platform", "R", *_versions.DEPENDENCIES, *_versions.EXTRAS} <= set(rows)
    nnae.show_versions()
    assert capsys.readouterr().out == out.getvalue()


def test_it_lists_what_the_package_depends_on():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.match(r"[\w-]+", line)[0] for line in project["dependencies"]]
    assert set(names) == set(_versions.DEPENDENCIES)
    extras = project["optional-dependencies"]
    wanted = {
        re.match(r"[\w-]+", line)[0] for key in extras if key != "dev" for line in extras[key]
    }
    assert wanted <= set(_versions.EXTRAS)
