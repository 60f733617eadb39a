"""A given taxonomy of labels: groups, or paths of groups from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from nnae.auditing._trees import Floats, Integers

MOST_TRIPLES = 20_000
MOST_PAIRS = 200_000
_DRAWS = 40 * MOST_TRIPLES


@dataclass(frozen=True)
class Taxonomy:
    """What metrics need to know of a taxonomy.

    Attributes
    ----------
    groups : ndarray of int, (L,)
        Each label's own group, the last of its path; -1 for none.
    member : csr_matrix, (L, nodes)
        Labels below every group, finer and coarser ones.
    above : ndarray of int, (nodes,)
        The coarser group of each, -1 for none.
    triples : ndarray of int, (t, 3)
        Labels i, j, k: i and j share more of their paths than either does with k. A sample.
    pairs : ndarray of int, (p, 2)
        Labels with a group; a sample above 200,000.
    shared : ndarray, (p,)
        Groups that the paths of a pair share.
    """

    groups: Integers
    member: sp.csr_matrix
    above: Integers
    triples: Integers
    pairs: Integers
    shared: Floats

    @classmethod
    def read(cls, taxonomy: Any, labels: list[str]) -> Taxonomy:
        """Read one group or path a label; see `read_paths`."""
        numbers, above = _number(read_paths(taxonomy, labels))
        last = (numbers >= 0).sum(axis=1) - 1
        groups = np.where(last >= 0, numbers[np.arange(len(labels)), np.maximum(last, 0)], -1)
        rows, columns = np.nonzero(numbers >= 0)
        cells = (np.ones(len(rows)), (rows, numbers[rows, columns]))
        member = sp.csr_matrix(cells, shape=(len(labels), len(above)))
        draws = np.random.default_rng(0)  # samples are the same for every tree that is judged
        known = np.flatnonzero(groups >= 0)
        pairs = _pairs(known, draws)
        shared = _shared(numbers, pairs[:, 0], pairs[:, 1])
        return cls(groups, member, above, _triples(numbers, known, draws), pairs, shared)

    def shuffled(self, draws: np.random.Generator) -> Taxonomy:
        """Let the labels with a group change places."""
        known = np.flatnonzero(self.groups >= 0)
        source = draws.permutation(known)
        now = np.arange(len(self.groups))
        now[source] = known
        groups = self.groups.copy()
        groups[known] = self.groups[source]
        order = np.arange(len(groups))
        order[known] = source
        member = sp.csr_matrix(self.member[order])
        return Taxonomy(groups, member, self.above, now[self.triples], now[self.pairs], self.shared)


def read_paths(taxonomy: Any, labels: list[str]) -> list[tuple[Any, ...]]:
    """Return each label's path, coarse to fine, () for none (None, NaN, or not in a dict).

    A group may be any value, a path a tuple or list of groups; a two-dimensional array has a path
    in each row.
    """
    if isinstance(taxonomy, pd.Series):
        taxonomy = taxonomy.to_dict()
    if isinstance(taxonomy, pd.DataFrame):
        taxonomy = taxonomy.to_numpy()
    if isinstance(taxonomy, dict):
        if not any(label in taxonomy for label in labels):
            raise ValueError("taxonomy must name labels of the hierarchy; it names none of them")
        given = [taxonomy.get(label) for label in labels]
    else:
        if getattr(taxonomy, "ndim", 1) > 2 or not hasattr(taxonomy, "__len__"):
            raise ValueError(
                "taxonomy must give one group or path a label, as an array or a dict from name to "
                f"group; got {type(taxonomy).__name__} of shape {np.shape(taxonomy)}"
            )
        given = [row.tolist() if isinstance(row, np.ndarray) else row for row in taxonomy]
    if len(given) != len(labels):
        raise ValueError(f"the hierarchy has {len(labels)} labels, taxonomy has {len(given)}")
    paths = [_path(entry) for entry in given]
    sizes = pd.Series([path for path in paths if path], dtype=object).value_counts()
    if len(sizes) < 2 or sizes.max() < 2:
        raise ValueError(
            "taxonomy must have at least two groups and one with two labels; got "
            f"{len(sizes)} groups, the largest of {int(sizes.max()) if len(sizes) else 0}"
        )
    return paths


def _path(entry: Any) -> tuple[Any, ...]:
    parts = tuple(entry) if isinstance(entry, (tuple, list)) else (entry,)
    for depth, part in enumerate(parts):
        if pd.api.types.is_scalar(part) and pd.isna(part):
            return parts[:depth]
    return parts


def _number(paths: list[tuple[Any, ...]]) -> tuple[Integers, Integers]:
    """Number the groups: label by depth (-1 beyond a path's end), and the group above each."""
    known: dict[tuple[Any, ...], int] = {}
    above: list[int] = []
    numbers = np.full((len(paths), max(len(path) for path in paths)), -1)
    for j, path in enumerate(paths):
        for depth in range(len(path)):
            start = path[: depth + 1]
            if start not in known:
                known[start] = len(known)
                above.append(known[path[:depth]] if depth else -1)
            numbers[j, depth] = known[start]
    return numbers, np.array(above, np.int64)


def _shared(numbers: Integers, a: Integers, b: Integers) -> Floats:
    same = (numbers[a] == numbers[b]) & (numbers[a] >= 0)
    return np.asarray(same.sum(axis=1), np.float64)


def _pairs(known: Integers, draws: np.random.Generator) -> Integers:
    m = len(known)
    if m * (m - 1) // 2 <= MOST_PAIRS:
        return np.stack([known[part] for part in np.triu_indices(m, 1)], axis=1)
    return _different(known, 2, MOST_PAIRS, draws)


def _triples(numbers: Integers, known: Integers, draws: np.random.Generator) -> Integers:
    found = _different(known, 3, _DRAWS, draws)
    i, j, k = found.T
    ij, ik, jk = _shared(numbers, i, j), _shared(numbers, i, k), _shared(numbers, j, k)
    near: npt.NDArray[np.bool_]
    chosen = []
    for order, near in (
        ((0, 1, 2), ij > np.maximum(ik, jk)),
        ((0, 2, 1), ik > np.maximum(ij, jk)),
        ((1, 2, 0), jk > np.maximum(ij, ik)),
    ):
        chosen.append(found[near][:, order])
    triples = np.concatenate(chosen)
    keep = min(MOST_TRIPLES, len(triples))
    return triples[np.sort(draws.choice(len(triples), keep, replace=False))]


def _different(known: Integers, size: int, count: int, draws: np.random.Generator) -> Integers:
    """Draw rows of different labels."""
    rows = known[draws.integers(0, len(known), (count, size))]
    ordered = np.sort(rows, axis=1)
    return np.asarray(rows[(np.diff(ordered, axis=1) > 0).all(axis=1)], np.int64)
