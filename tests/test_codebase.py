"""The rules of the code itself: what may import what, how long a file may be, what lies where."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nnae

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nnae"

# Public modules, from the bottom up: one may import its own ring and those below. Private modules
# (_name) belong to whoever imports them: what they import counts for their importers.
RINGS = {
    "metrics": 0, "io": 1, "datasets": 1, "model_selection": 1,
    "factorise": 2, "autoencoder": 2, "ridge": 2, "one_vs_rest": 2, "hierarchy": 2,
    "dependencies": 2, "r": 2,
    "decoders": 3, "classify": 3,
    "persist": 4, "plot": 4, "explaining": 4, "auditing": 4, "stabilising": 4, "simulate": 4,
    "study": 4, "images": 4, "choosing": 4,
    "reporting": 5, "cli": 5, "__main__": 5,
}  # fmt: skip
TOP_LEVEL = {
    "pyproject.toml", "setup.py", "README.md", "csrc", "nnae", "tests", "r_bridge", "vignettes",
    ".ci", "LICENSE", "CHANGELOG.md", "MANIFEST.in",
}  # fmt: skip
MAX_LINES = 400


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def statements(node):
    for child in ast.iter_child_nodes(node):
        if not is_for_types(child):
            yield child
            yield from statements(child)


def imports_of(name):
    """Return the full names that a module imports, lazy imports included."""
    tree = ast.parse(FILES[name].read_text("utf-8"))
    found = set()
    for node in statements(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports by a relative path"
            found |= {target(node.module, alias.name) for alias in node.names}
    return found


def target(module, attribute):
    full = f"{module}.{attribute}"
    if module == "nnae" and full not in FILES and attribute in nnae._PUBLIC:
        return f"nnae.{nnae._PUBLIC[attribute]}"
    return full if full in FILES else module


GRAPH = {name: imports_of(name) for name in FILES}


def closure(noun):
    """Return every module that a public module or package needs, directly or not."""
    start = f"nnae.{noun}"
    todo = [name for name in FILES if name == start or name.startswith(f"{start}.")]
    seen = set(todo)
    while todo:
        new = {name for name in GRAPH[todo.pop()] if name in FILES} - seen - {"nnae"}
        seen |= new
        todo += new
    return seen


def nouns(names):
    return {name.split(".")[1] for name in names if "." in name}


PUBLIC = sorted(noun for noun in nouns(FILES) if noun == "__main__" or noun[0] != "_")


def test_there_are_modules_to_look_at():
    assert {"factorise", "metrics", "io"} <= set(PUBLIC)


@pytest.mark.parametrize("noun", PUBLIC)
def test_imports_point_downward(noun):
    assert noun in RINGS, f"give nnae.{noun} its place in RINGS"
    above = {other for other in nouns(closure(noun)) if RINGS.get(other, 0) > RINGS[noun]}
    assert not above, f"nnae.{noun} imports {sorted(above)}, which stand above it"


def test_hierarchies_are_built_of_matrices_not_of_estimators():
    estimators = {"factorise", "autoencoder", "classify", "decoders", "ridge"}
    assert not nouns(closure("hierarchy")) & estimators


def test_nothing_below_needs_a_front_end():
    for name in FILES:
        if not name.startswith(("nnae.cli", "nnae.__main__")):
            outside = {target.split(".")[0] for target in GRAPH[name]}
            assert "typer" not in outside, f"{name} imports typer"


def test_metrics_need_numpy_and_scipy_alone():
    needed = {target.split(".")[0] for name in closure("metrics") for target in GRAPH[name]}
    assert needed - set(sys.stdlib_module_names) == {"nnae", "numpy", "scipy"}
    assert {noun for noun in nouns(closure("metrics")) if noun[0] != "_"} == {"metrics"}


def test_the_reference_is_imported_by_tests_alone():
    for name, targets in GRAPH.items():
        assert not {target.split(".")[0] for target in targets} & {"reference", "tests"}, name


@pytest.mark.parametrize("folder", ["nnae", "csrc", "tests", "r_bridge/R"])
def test_files_are_short(folder):
    if not (ROOT / folder).exists():
        pytest.skip(f"there is no {folder} here")
    endings = {".py", ".pyi", ".hpp", ".cpp", ".R"}
    paths = [path for path in (ROOT / folder).rglob("*") if path.suffix in endings]
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in paths
    }
    assert lines
    assert not {path: count for path, count in lines.items() if count > MAX_LINES}


def test_one_header_alone_knows_openmp():
    kernels = [path for path in (ROOT / "csrc").rglob("*") if path.suffix in {".hpp", ".cpp"}]
    users = [
        path.name for path in kernels if re.search(r"#\s*include\s*[<\"]omp\.h", path.read_text())
    ]
    assert users == ["parallel.hpp"]


def test_the_top_level_holds_what_was_agreed():
    try:
        listed = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git and a checkout are needed to list the project's files")
    if "pyproject.toml" not in listed:
        pytest.skip("the project's files are not under git here")
    entries = {line.split("/")[0] for line in listed if line}
    dotfiles = {line for line in listed if line.startswith(".") and "/" not in line}
    assert entries <= TOP_LEVEL | dotfiles


def test_the_version_is_written_once():
    written = []
    for name, path in {**FILES, "setup": ROOT / "setup.py"}.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(ast.unparse(target) == "__version__" for target in targets):
                written.append(name)
            if isinstance(node, ast.keyword) and node.arg == "version":
                assert not isinstance(node.value, ast.Constant), f"{name} writes a version"
    assert written == ["nnae._version"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert not re.search(r"^version\s*=\s*[\"']", project, re.MULTILINE)
