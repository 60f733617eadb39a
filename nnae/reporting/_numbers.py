"""Numbers as a report stores them: short, finite or null."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def short(value: Any, digits: int = 4) -> float | int | None:
    """Round to significant digits; None for what is no finite number."""
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        return None
    rounded = float(f"{number:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def shorts(values: Iterable[Any], digits: int = 4) -> list[float | int | None]:
    """Round every value."""
    return [short(value, digits) for value in values]
