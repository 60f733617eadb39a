import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def test_begins_with_the_two_commands():
    assert blocks("sh")[:2] == [
        "pip install . && nnae demo\n",
        "pip install '.[test]' && pytest -n auto --dist loadfile\n",
    ]


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", README)
    inside = [link for link in links if "://" not in link]
    assert len(inside) >= 4
    assert [link for link in inside if not (TOP / link).exists()] == []


def test_example_has_about_ten_lines():
    (example,) = blocks("python")
    assert 8 <= len([line for line in example.splitlines() if line.strip()]) <= 12


@pytest.mark.slow
def test_example_prints_what_is_said(tmp_path):
    (example,), (printed,) = blocks("python"), blocks("text")
    found = subprocess.run(
        [sys.executable, "-c", example],
        capture_output=True, text=True, cwd=tmp_path, check=True, timeout=300,
    ).stdout.splitlines()  # fmt: skip
    said = printed.splitlines()
    assert abs(float(found[0]) - float(said[0])) < 0.003  # processors round differently
    assert len(found) == len(said) and found[1] == said[1]
    assert (tmp_path / "tags.nnae").stat().st_size > 1_000_000
