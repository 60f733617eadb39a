"""The R that runs: one inside this process over rpy2, or the one that runs this Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol

#: Fitting and predicting in R, for both sides.
LEARNERS = Path(__file__).with_name("learners.R")


class Session(Protocol):
    """What fits and predicts with R's learners; models are bytes that R serialised."""

    def fit(
        self, task: str, learner: Any, X: Any, z: Any, weights: Any, seed: Any, settings: Any
    ) -> Any:
        """Return the serialised model."""

    def predict(self, key: str, model: Any, X: Any) -> Any:
        """Return predictions (n x m); `key` names the model while it is alive."""


_registered: list[Session] = []


class CalledBack:
    """The session of an R that runs this Python: functions that it hands over."""

    def __init__(self, fit: Callable[..., Any], predict: Callable[..., Any]) -> None:
        self.fit = fit
        self.predict = predict


def register(fit: Callable[..., Any], predict: Callable[..., Any]) -> None:
    """Take the functions of the R that runs this Python; called by the R package."""
    _registered[:] = [CalledBack(fit, predict)]


def current() -> Session:
    """Return the R package's session, or start R."""
    if _registered:
        return _registered[0]
    from nnae.r._learners import rpy2_session

    return rpy2_session()


@cache
def start() -> Any:
    """Start R once and return rpy2.robjects, or say what is missing."""
    if "rpytools" in sys.modules:
        raise ImportError("nnae.r cannot start a second R: this Python was started by R")
    try:
        import rpy2.robjects
    except ImportError as error:
        raise ImportError("nnae.r needs rpy2: install R and run pip install 'nnae[r]'") from error
    except Exception as error:  # rpy2 raises many kinds where R is not found or does not fit
        raise ImportError(
            f"nnae.r cannot start R; is it installed and on PATH? ({one_line(error)})"
        ) from error
    if not require(rpy2.robjects, "Matrix"):
        raise ImportError(missing("Matrix"))
    return rpy2.robjects


def r_available() -> bool:
    """Tell whether R, its package Matrix and rpy2 can be used; starts R.

    Examples
    --------
    >>> from nnae.r import r_available
    >>> r_available() in (True, False)
    True
    """
    try:
        start()
    except ImportError:
        return False
    return True


def require(robjects: Any, package: str) -> bool:
    """Tell whether R has a package, and load its namespace."""
    return bool(robjects.r["requireNamespace"](package, quietly=True)[0])


def need(package: str) -> Any:
    """Return rpy2.robjects after loading a package of R, or say how to get it."""
    robjects = start()
    if not require(robjects, package):
        raise ImportError(missing(package))
    return robjects


def missing(package: str) -> str:
    return f"R has no package '{package}': run install.packages(\"{package}\") in R"


def one_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason")


@contextmanager
def errors_of_r() -> Iterator[None]:
    """Turn an error of R into one line: ImportError for a package, else ValueError."""
    robjects = start()
    from rpy2.rinterface_lib.embedded import RRuntimeError
    from rpy2.rinterface_lib.openrlib import rlock

    del robjects
    with rlock:
        try:
            yield
        except RRuntimeError as error:
            text = " ".join(str(error).split())
            text = text.removeprefix("Error: ").partition(" : ")[2] or text.removeprefix("Error: ")
            if text.startswith("R has no package"):
                raise ImportError(text) from error
            raise ValueError(f"R: {text}") from error
