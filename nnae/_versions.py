"""What a report of an error should tell about a machine."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import IO

from nnae import _core
from nnae._threads import resolve_threads
from nnae._version import __version__

#: Distributions that the package needs, and those that its extras add.
DEPENDENCIES = (
    "numpy", "scipy", "scikit-learn", "networkx", "statsmodels", "pandas", "skops", "rich", "typer",
)  # fmt: skip
EXTRAS = (
    "matplotlib", "pillow", "scikit-image", "jinja2", "rpy2", "dask", "distributed",
    "pyarrow", "zarr", "ai-edge-litert", "onnxruntime", "faiss-cpu",
    "pytest", "pytest-xdist", "hypothesis", "selenium",
)  # fmt: skip


def show_versions(file: IO[str] | None = None) -> None:
    """Print the versions of everything that a result may depend on.

    Parameters
    ----------
    file : text file, optional
        Where to print; standard output by default.

    Notes
    -----
    The kernel variant is the widest instruction set that both the build and the processor have;
    results are the same to the bit for one variant, not across variants.

    Examples
    --------
    >>> import io, nnae
    >>> out = io.StringIO()
    >>> nnae.show_versions(out)
    >>> out.getvalue().splitlines()[0].split() == ["nnae", nnae.__version__]
    True
    """
    rows = [
        ("nnae", __version__),
        ("kernels", _core.variant),
        ("threads", str(resolve_threads(None))),
        ("Python", platform.python_version()),
        ("platform", platform.platform()),
        *((name, installed(name)) for name in DEPENDENCIES + EXTRAS),
        ("R", shutil.which("R") or "not on PATH"),
    ]
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        print(f"{name:<{width}}{value}", file=file or sys.stdout)


def installed(distribution: str) -> str:
    """Return the version of a distribution, or that there is none.

    Examples
    --------
    >>> installed("a-name-that-nobody-took")
    'not installed'
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
