"""How many threads a kernel may use."""

from __future__ import annotations

import numbers
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import scipy.linalg  # noqa: F401  loads all of BLAS that is ever called, before it is looked for
from threadpoolctl import ThreadpoolController

from nnae import _core


def resolve_threads(n_threads: int | None) -> int:
    """Return the number of threads for one call.

    Parameters
    ----------
    n_threads : int or None
        None takes what OpenMP would (``OMP_NUM_THREADS``, else the processors that this process
        may use); a forked child always gets one. The result of a fit does not depend on it.
    """
    if n_threads is None:
        return int(_core.max_threads())
    if isinstance(n_threads, bool) or not isinstance(n_threads, numbers.Integral):
        raise TypeError(f"n_threads must be a positive integer or None; got {n_threads!r}")
    if n_threads < 1:
        raise ValueError(f"n_threads must be at least 1; got {n_threads}")
    return int(n_threads)


def one_blas_thread() -> AbstractContextManager[Any]:
    """Return a context in which BLAS has one thread: another number would give other bits.

    Libraries are looked for once, which takes longer than many a product.
    """
    limit: AbstractContextManager[Any] = _controller().limit(limits=1)
    return limit


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
