"""Settings of all tests: hypothesis keeps its notes outside the source tree."""

import os
import tempfile

import hypothesis

_NOTES = tempfile.TemporaryDirectory(prefix="nnae-hypothesis-")
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", _NOTES.name)

hypothesis.settings.register_profile("nnae", deadline=None, database=None)
hypothesis.settings.load_profile("nnae")


def pytest_unconfigure() -> None:
    _NOTES.cleanup()
