"""Names of columns: given in memory, in a file with one a line, or found while reading."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnae.io._source import Source

Names: TypeAlias = "Sequence[str] | NDArray[Any] | str | os.PathLike[str] | None"


def as_names(names: Names, what: str = "label") -> NDArray[Any] | None:
    """Return unique names as an object array; a path is a file with one name a line."""
    if names is None:
        return None
    if isinstance(names, (str, os.PathLike)):
        source = Source(names)
        listed = [line.rstrip("\n") for line in source.text_lines()]
        origin = f"{source.name}: "
    else:
        listed, origin = [str(name) for name in names], ""
    if len(set(listed)) != len(listed):
        seen: set[str] = set()
        twice = next(name for name in listed if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"{origin}{what} names must be unique; {twice!r} occurs more than once")
    return np.array(listed, dtype=object)


def check_count(names: NDArray[Any] | None, count: int, what: str, where: str) -> None:
    """Refuse names that are not one a column."""
    if names is not None and len(names) != count:
        raise ValueError(f"{where} has {count} {what}s, {what}_names has {len(names)}")


class Vocabulary:
    """Numbers for names, in the order they come; fixed when names were given.

    Parameters
    ----------
    fixed : ndarray of str or None
        The only names that count; others are dropped and counted in `unknown`.
    """

    def __init__(self, fixed: NDArray[Any] | None = None):
        self.fixed = fixed is not None
        self._number: dict[str, int] = {}
        self.unknown: set[str] = set()
        if fixed is not None:
            self._number = {name: j for j, name in enumerate(fixed)}

    def __len__(self) -> int:
        return len(self._number)

    def numbers(self, names: Iterable[str]) -> list[int]:
        """Return the number of each different name."""
        found: dict[int, None] = {}
        for name in names:
            j = self._number.get(name)
            if j is None:
                if self.fixed:
                    self.unknown.add(name)
                    continue
                j = self._number[name] = len(self._number)
            found[j] = None
        return list(found)

    def names(self) -> NDArray[Any]:
        """Return the names: as given, or sorted."""
        listed = list(self._number)
        return np.array(listed if self.fixed else sorted(listed), dtype=object)

    def order(self) -> NDArray[Any] | None:
        """Return each number's place in `names`."""
        if self.fixed:
            return None
        listed = list(self._number)
        order = np.empty(len(listed), np.int64)
        order[sorted(range(len(listed)), key=listed.__getitem__)] = np.arange(len(listed))
        return order

    def warn(self, what: str) -> None:
        """Say which names were dropped."""
        if self.unknown:
            warnings.warn(
                f"{what}: {len(self.unknown)} labels are not in label_names and are ignored, "
                f"such as {min(self.unknown)!r}",
                UserWarning,
                stacklevel=5,
            )
            self.unknown = set()
