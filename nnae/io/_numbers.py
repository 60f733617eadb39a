"""Many numbers at once: split a chunk of text into tokens with numpy.

Each token is known by the separators before and after it; a table says what such a token is.
Whatever does not fit gives None, and the caller reads the chunk line by line to find the error.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBER_CHARACTERS = b"0123456789+-.eE"
_KINDS = 8  # separators that one grammar may tell apart
BAD, SKIP = 0, 255
_DECIMAL = 1


@dataclass
class Tokens:
    """The tokens of a chunk, one entry a separator that ends one (or ends an allowed gap)."""

    roles: NDArray[np.uint8]
    values: NDArray[np.float64]  # of the entries whose role is not SKIP
    line_ends: NDArray[np.int64]  # entries that end a line

    def of(self, role: int) -> NDArray[np.float64]:
        """Return the values of the tokens of one role."""
        values: NDArray[np.float64] = self.values[self.roles[self.roles != SKIP] == role]
        return values

    def counts(self, role: int) -> NDArray[np.int64]:
        """Return the number of tokens of one role in each line."""
        running = np.cumsum(self.roles == role)[self.line_ends]
        return np.diff(running, prepend=0)


class Grammar:
    r"""Which token may stand between which separators.

    Parameters
    ----------
    separators : bytes
        Up to eight, newline first; a tab counts as a space where there is one.
    roles : mapping of two-character strings to int
        Keys are the separator before and after a token, values its role.
    gaps : sequence of two-character strings
        Neighbouring separators with nothing between them.
    decimals : set of int
        Roles that may hold more than digits.
    """

    def __init__(
        self,
        separators: bytes,
        roles: Mapping[bytes, int],
        gaps: tuple[bytes, ...],
        decimals: tuple[int, ...],
    ):
        self._separators = separators + (b"\t" if b" " in separators else b"")
        kind = {byte: k for k, byte in enumerate(separators)}
        classes = bytearray(256)
        for byte in b"+-.eE":
            classes[byte] = _DECIMAL
        for byte, k in kind.items():
            classes[byte] = 2 + k
        if b" " in separators:
            classes[ord("\t")] = classes[ord(" ")]
        self._classes = bytes(classes)
        blank = bytearray(range(256))
        for byte in self._separators:
            blank[byte] = ord(" ")
        self._blank = bytes(blank)
        self._roles = np.full(_KINDS * _KINDS, BAD, np.uint8)
        self._gaps = np.full(_KINDS * _KINDS, BAD, np.uint8)
        for (before, after), role in roles.items():
            self._roles[kind[before] * _KINDS + kind[after]] = role
        for before, after in gaps:
            self._gaps[kind[before] * _KINDS + kind[after]] = SKIP
        self._digits_only = np.ones(256, bool)
        self._digits_only[list(decimals)] = False

    def scan(self, chunk: bytes) -> Tokens | None:
        """Return the tokens of whole lines, or None when anything does not fit."""
        if chunk.translate(None, NUMBER_CHARACTERS + self._separators):
            return None
        classes = np.frombuffer(chunk.translate(self._classes), np.uint8)
        ends = np.flatnonzero(classes >= 2)
        after = classes[ends] - np.uint8(2)
        before = np.empty_like(after)
        before[:1] = 0
        before[1:] = after[:-1]
        pair = before * np.uint8(_KINDS) + after
        filled = np.diff(ends, prepend=-1) > 1
        roles = np.where(filled, self._roles[pair], self._gaps[pair])
        if not roles.all():
            return None
        decimal = np.flatnonzero(classes == _DECIMAL)
        if decimal.size and self._digits_only[roles[np.searchsorted(ends, decimal)]].any():
            return None
        values = _floats(chunk.translate(self._blank))
        if values is None or len(values) != np.count_nonzero(filled):
            return None
        return Tokens(roles, values, np.flatnonzero(after == 0))


def _floats(text: bytes) -> NDArray[np.float64] | None:
    if not text.strip():
        return np.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values: NDArray[Any] = np.fromstring(text, dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError):
            return None
    return values
