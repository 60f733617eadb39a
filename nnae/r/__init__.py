"""R from Python over rpy2: matrices, hierarchies and data frames both ways, R's learners.

Nothing of R is loaded before it is used: importing this package needs neither R nor rpy2. They come
with ``pip install 'nnae[r]'`` on a machine with R 4.2 or later (Debian: ``r-base-dev
r-cran-matrix``). The extra asks for rpy2 3.5, which R 4.2 needs; with a newer R a newer rpy2 can be
installed over it.
"""

import importlib
from typing import Any

_PUBLIC = {
    "RClassifier": "_estimators",
    "RRegressor": "_estimators",
    "as_data_frame": "_trees",
    "as_hclust": "_trees",
    "as_igraph": "_trees",
    "as_phylo": "_trees",
    "converter": "_conversion",
    "from_r": "_conversion",
    "r_available": "_session",
    "to_r": "_conversion",
}

__all__ = [*sorted(_PUBLIC)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'nnae.r' has no attribute {name!r}")
    return getattr(importlib.import_module(f"nnae.r.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
