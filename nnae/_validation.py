"""Checks of parameters that several estimators share: what must hold, and what came."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import numpy.typing as npt

LOSSES = ("bernoulli", "kullback-leibler", "frobenius")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}")
    return value


def check_count(name: str, value: Any, minimum: int = 1) -> int:
    """Return an integer of at least ``minimum``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer; got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}; got {value}")
    return int(value)


def check_tolerance(name: str, value: Any) -> float:
    """Return a finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number; got {value!r}")
    number = float(value)
    if not 0 <= number < np.inf:
        raise ValueError(f"{name} must be at least 0 and finite; got {value}")
    return number


def check_sample_weight(weights: Any, n_samples: int) -> npt.NDArray[np.float64] | None:
    """Return one finite, non-negative weight an example, or None."""
    if weights is None:
        return None
    weights = np.ascontiguousarray(weights, np.float64)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have one entry an example ({n_samples}); got shape {weights.shape}"
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight must be finite, non-negative and not all zero")
    return np.asarray(weights)


def choose_loss(loss: Any, Y: Any, *, linear: str | None = None) -> str:
    """Resolve ``loss="auto"`` and refuse values that the Bernoulli loss has no meaning for.

    ``linear`` names the encoder where it has the Frobenius loss alone.
    """
    check_choice("loss", loss, (*LOSSES, "auto"))
    binary = bool((Y.data == 1).all())
    if linear is not None:
        if loss not in ("auto", "frobenius"):
            raise ValueError(f"encoder={linear!r} needs loss='frobenius'; got {loss!r}")
        return "frobenius"
    if loss == "auto":
        return "bernoulli" if binary else "frobenius"
    if loss == "bernoulli" and not binary:
        odd = Y.data[Y.data != 1][0]
        raise ValueError(
            f"loss='bernoulli' needs labels that are 0 or 1; got {odd:g}; "
            "use loss='kullback-leibler' for counts or weights"
        )
    return str(loss)


def label_dtype(Y: Any) -> Any:
    """Return float32 for float32 input and float64 for everything else, as scikit-learn does."""
    dtype = getattr(Y, "dtype", None)
    return np.float32 if dtype == np.float32 else np.float64


def check_groups(groups: Any, n_rows: int) -> npt.NDArray[Any] | None:
    """Return the group of each row, numbered."""
    if groups is None:
        return None
    groups = np.asarray(groups)
    if groups.shape != (n_rows,):
        raise ValueError(f"groups must have shape ({n_rows},), one a row; got {groups.shape}")
    return np.asarray(np.unique(groups, return_inverse=True)[1]).ravel()
