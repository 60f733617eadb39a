"""The compiled kernels, in the widest instruction set that this processor has.

``NNAE_CPU=baseline|avx2|avx512`` forces one (for tests, and for the same bits on unlike machines).
"""

import importlib
import os
from types import ModuleType

VARIANTS = ("avx512", "avx2", "baseline")


def _choose() -> ModuleType:
    baseline = importlib.import_module("nnae._core.baseline")
    forced = os.environ.get("NNAE_CPU")
    if forced:
        if forced not in VARIANTS:
            raise ImportError(f"NNAE_CPU must be one of {', '.join(VARIANTS)}; got {forced!r}")
        return importlib.import_module(f"nnae._core.{forced}")
    for name in VARIANTS:
        if name in baseline.supported_variants():
            try:
                return importlib.import_module(f"nnae._core.{name}")
            except ModuleNotFoundError:  # built for one instruction set only
                continue
    return baseline


try:
    _kernels = _choose()
except ModuleNotFoundError as error:
    raise ImportError(
        "nnae's compiled kernels are missing; build them with 'pip install .' in the source folder"
    ) from error

variant: str = _kernels.__name__.rsplit(".", 1)[-1]
globals().update({name: value for name, value in vars(_kernels).items() if name[0] != "_"})
