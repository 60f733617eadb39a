"""Settings of all tests: notes of hypothesis outside the source tree, no figure left open."""

import os
import sys
import tempfile
from collections.abc import Iterator

import hypothesis
import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # workers share the processors among them; threads that wait for each other would starve
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_NOTES = tempfile.TemporaryDirectory(prefix="nnae-hypothesis-")
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", _NOTES.name)

hypothesis.settings.register_profile("nnae", deadline=None, database=None)
hypothesis.settings.load_profile("nnae")


def pytest_unconfigure() -> None:
    _NOTES.cleanup()


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    """Close what a test drew: matplotlib warns of more than twenty figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
