"""R has what Python has: names, help pages, and the list of what it lacks."""

import re
from pathlib import Path

import pytest
from r_counterparts import NO_COUNTERPART, OTHER_NAMES

import nnae

BRIDGE = Path(__file__).resolve().parents[1] / "r_bridge"
if not BRIDGE.exists():
    pytest.skip("there is no r_bridge beside these tests", allow_module_level=True)
EXPORTS = set(re.findall(r"^export\((\w+)\)$", (BRIDGE / "NAMESPACE").read_text(), re.MULTILINE))
PUBLIC = sorted(
    {
        *nnae._PUBLIC,
        *(f"metrics.{name}" for name in nnae.metrics.__all__),
        *(f"io.{name}" for name in nnae.io.__all__),
    }
)


def counterpart(name):
    return OTHER_NAMES.get(name, f"nnae_{name.rpartition('.')[2]}")


def test_there_are_names_to_compare():
    assert len(EXPORTS) > 20 and len(PUBLIC) > 40


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_has_a_counterpart_in_r(name):
    assert name in NO_COUNTERPART or counterpart(name) in EXPORTS, (
        f"nnae.{name} is public: export {counterpart(name)} from r_bridge, or give the name its "
        f"line in tests/r_counterparts.py (OTHER_NAMES, or NO_COUNTERPART with the reason)"
    )


def test_lists_name_what_exists_once():
    assert set(OTHER_NAMES) | set(NO_COUNTERPART) <= set(PUBLIC)
    assert not set(OTHER_NAMES) & set(NO_COUNTERPART)
    needless = {name for name in NO_COUNTERPART if counterpart(name) in EXPORTS}
    assert not needless, "these have a counterpart after all"
    assert all(len(reason) > 10 for reason in NO_COUNTERPART.values())


def test_every_export_has_a_help_page_with_an_example():
    pages = [path.read_text("utf-8") for path in sorted((BRIDGE / "man").glob("*.Rd"))]
    described = {alias for page in pages for alias in re.findall(r"\\alias\{([^}]+)\}", page)}
    assert described >= EXPORTS
    for page in pages:
        if re.search(r"\\usage\{", page) and "\\docType{import}" not in page:
            assert "\\examples{" in page, re.search(r"\\name\{([^}]+)\}", page).group(1)
