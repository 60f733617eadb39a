"""The state of a running fit: everything that its sweeps change, taken and put back.

A fit is an object of this package with arrays, numbers and further objects as attributes. What it
was made from (targets, counts, functions) is not taken: making it again gives the same.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae._passing_targets import DenseRows, SparseRows
from nnae._target import Target

_TARGETS = {kind.__name__: kind for kind in (Target, SparseRows, DenseRows)}
_PLAIN = (bool, int, float, str, type(None), np.generic)


class Snapshot:
    """Watches one object from its start, so that targets which sweeps replace are known."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._first = {id(t): t for t in _targets(root, {})}

    def take(self) -> dict[str, Any]:
        """Return copies of what may have changed, each array once, by plain values."""
        taken = _Taken(self._first)
        tree = taken.value(self.root)
        return {"arrays": taken.arrays, "tree": tree}

    def put(self, saved: dict[str, Any]) -> None:
        """Bring the object to a state that was taken from one made in the same way."""
        given = _Given(saved["arrays"])
        given.reserve(saved["tree"], self.root)
        given.put(saved["tree"], self.root)


def _ours(value: Any) -> bool:
    return (
        type(value).__module__.split(".")[0] == "nnae"
        and hasattr(value, "__dict__")
        and not isinstance(value, (type, Target))
    )


def _targets(value: Any, seen: dict[int, Any]) -> list[Target]:
    if isinstance(value, Target):
        return [value]
    if isinstance(value, (list, tuple)):
        return [t for item in value for t in _targets(item, seen)]
    if not _ours(value) or id(value) in seen:
        return []
    seen[id(value)] = value
    return [t for item in vars(value).values() for t in _targets(item, seen)]


class _Taken:
    def __init__(self, unchanged: dict[int, Target]) -> None:
        self.arrays: list[Any] = []
        self._unchanged = unchanged
        self._places: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # alive, so that no id is used twice

    def value(self, value: Any) -> Any:
        """Return a value as lists and dicts of plain values; None for what is not state."""
        if isinstance(value, _PLAIN):
            return {"plain": value}
        if isinstance(value, np.ndarray):
            return {"array": self._array(value)}
        if sp.issparse(value):
            return None
        if isinstance(value, (list, tuple)):
            return {"list": [self.value(v) for v in value], "tuple": isinstance(value, tuple)}
        if isinstance(value, Target):
            if id(value) in self._unchanged:
                return None
            parts = ((f.name, getattr(value, f.name)) for f in fields(value))
            kind = type(value).__name__
            return {"target": {name: self.value(v) for name, v in parts}, "kind": kind}
        if _ours(value):
            if id(value) in self._numbers:
                return {"same": self._numbers[id(value)]}
            number = self._numbers[id(value)] = len(self._numbers)
            self._kept.append(value)
            if hasattr(value, "settle"):  # what it has outside memory must last
                value.settle()
            found = {name: self.value(v) for name, v in vars(value).items()}
            kept = {name: v for name, v in found.items() if v is not None}
            return {"object": kept, "number": number}
        return {"plain": str(value), "dtype": True} if isinstance(value, np.dtype) else None

    def _array(self, value: Any) -> int:
        if id(value) not in self._places:
            self._places[id(value)] = len(self.arrays)
            self._kept.append(value)
            self.arrays.append(np.array(value, order="K"))
        return self._places[id(value)]


class _Given:
    def __init__(self, arrays: list[Any]) -> None:
        self._saved = arrays
        self._live: dict[int, Any] = {}
        self._objects: dict[int, Any] = {}

    def reserve(self, saved: Any, live: Any) -> None:
        """Find the live arrays that saved ones are copied into, so that their owners see them."""
        if "array" in saved:
            place, copy = saved["array"], self._saved[saved["array"]]
            fits = isinstance(live, np.ndarray) and live.flags.writeable
            taken = place in self._live or any(live is v for v in self._live.values())
            if fits and not taken and (live.shape, live.dtype) == (copy.shape, copy.dtype):
                self._live[place] = live
        elif "object" in saved and live is not None:
            self._objects[saved["number"]] = live
            for name, part in saved["object"].items():
                self.reserve(part, getattr(live, name, None))
        elif "list" in saved and isinstance(live, (list, tuple)):
            for part, item in zip(saved["list"], live, strict=False):
                if part is not None:
                    self.reserve(part, item)

    def put(self, saved: Any, live: Any) -> Any:
        """Return the live value that stands for a saved one."""
        if "plain" in saved:
            return np.dtype(saved["plain"]) if saved.get("dtype") else saved["plain"]
        if "array" in saved:
            return self._array(saved["array"])
        if "same" in saved:
            return self._objects[saved["same"]]
        if "target" in saved:
            parts = {name: self.put(v, None) for name, v in saved["target"].items()}
            return _TARGETS[saved["kind"]](**parts)
        if "list" in saved:
            old = live if isinstance(live, (list, tuple)) else []
            items = [
                self.put(part, old[i] if i < len(old) else None) if part is not None else old[i]
                for i, part in enumerate(saved["list"])
            ]
            return tuple(items) if saved["tuple"] else items
        for name, part in saved["object"].items():
            vars(live)[name] = self.put(part, getattr(live, name, None))
        return live

    def _array(self, place: int) -> Any:
        if place not in self._live:
            self._live[place] = np.array(self._saved[place], order="K")
        else:
            self._live[place][...] = self._saved[place]
        return self._live[place]
