"""Every example in a docstring runs, and every public name has one."""

import doctest
import importlib
import importlib.util
import inspect
import pkgutil

import pytest

import nnae

EXPECTED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules():
    walked = (info.name for info in pkgutil.walk_packages(nnae.__path__, "nnae."))
    kept = (name for name in walked if not name.startswith("nnae._core"))
    return ["nnae", *(name for name in kept if not name.endswith(".__main__"))]


def imported(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        if (error.name or "nnae").split(".")[0] == "nnae":
            raise
        pytest.skip(f"{name} needs {error.name}, which is not installed")


@pytest.mark.parametrize("name", modules())
def test_examples_run(name, tmp_path, monkeypatch):
    module = imported(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    results = doctest.testmod(module, optionflags=EXPECTED)
    assert results.failed == 0
    assert not list(tmp_path.iterdir()), "an example leaves files behind"


def public_names():
    names = [name for name in nnae.__all__ if name != "__version__"]
    return [*names, *(f"{package}.{name}" for package in PACKAGES for name in listed(package))]


PACKAGES = ("datasets", "io", "metrics")


def listed(package):
    return importlib.import_module(f"nnae.{package}").__all__


@pytest.mark.parametrize("name", public_names())
def test_public_names_have_an_example(name):
    package, _, attribute = name.rpartition(".")
    module = f"nnae.{nnae._PUBLIC.get(name, package or name)}"
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not part of this build")
    value = getattr(imported(f"nnae.{package}") if package else nnae, attribute)
    text = inspect.getdoc(value)
    assert text, f"{name} has no docstring"
    assert text.splitlines()[0].endswith((".", ":")), f"{name}: the first line is a sentence"
    if callable(value):
        assert ">>> " in text, f"{name} has no example"
