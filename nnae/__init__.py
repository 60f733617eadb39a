"""Interpretable extreme multi-label learning with deep non-negative autoencoders.

Public names are imported when they are first used, so that ``import nnae`` is quick.
"""

import importlib
from typing import Any

from nnae._version import __version__

# name -> module that defines it; a module's own name stands for the module itself
_PUBLIC = {
    "AuditReport": "auditing",
    "Checkpoint": "_checkpoint",
    "Explanation": "explaining",
    "LabelHierarchy": "hierarchy",
    "NMF": "factorise",
    "NNAE": "autoencoder",
    "TwoStepClassifier": "classify",
    "audit": "auditing",
    "RankReport": "choosing",
    "choose_rank": "choosing",
    "compare_hierarchies": "hierarchy",
    "explain": "explaining",
    "label_dependencies": "dependencies",
    "load": "persist",
    "report": "reporting",
    "save": "persist",
    "SimulationReport": "simulate",
    "simulate_reader": "simulate",
    "StudyReport": "study",
    "analyse_study": "study",
    "power_study": "study",
    "reader_study": "study",
    "show_versions": "_versions",
    "StabilityReport": "stabilising",
    "stability": "stabilising",
    "datasets": "datasets",
    "images": "images",
    "io": "io",
    "metrics": "metrics",
    "model_selection": "model_selection",
}

__all__ = [*sorted(_PUBLIC), "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'nnae' has no attribute {name!r}")
    module = importlib.import_module(f"nnae.{_PUBLIC[name]}")
    value = module if _PUBLIC[name] == name else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
