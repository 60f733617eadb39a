"""Trees over labels, read from a compressor's concepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae.decoders._forest import LabelTree
from nnae.hierarchy._contributions import build_levels
from nnae.hierarchy._tree import tree_parents

Array = npt.NDArray[Any]

#: A node with more labels is split.
LARGEST_LEAF = 100
#: Concepts with less of their level's mass are passed over, as a hierarchy does by default.
LEAST_MASS = 1e-4
#: No concept is passed over because a label spreads over many: each needs a place.
VAGUE = 1.0
#: Rounds of a balanced split into two.
ROUNDS = 30


@dataclass
class ConceptChain:
    """Where every label belongs at each level, and what describes it.

    Attributes
    ----------
    places : list of ndarray of int
        Concept of each label (L) at level 1, 2, ...; -1 where none stands out.
    vectors : ndarray of shape (L, k)
        Mean code of each label's examples, rows of norm one.
    """

    places: list[Array]
    vectors: Array

    @classmethod
    def of(cls, weights: Sequence[Any], codes: Sequence[Array], Y: Any) -> ConceptChain:
        """Follow each label to the concept that contributes most, and on to its parents.

        ``codes`` are those of the rows of Y at every level. Labels are described at level 2,
        where there is one.
        """
        masses = [np.asarray(Z.sum(axis=0), np.float64) for Z in codes]
        levels, _ = build_levels(list(weights), masses, LEAST_MASS)
        places = [tree_parents(levels[0], VAGUE)]
        for level in levels[1:]:
            above = np.append(tree_parents(level, VAGUE), -1)
            places.append(above[places[-1]])
        total = np.asarray(Y.T @ codes[min(1, len(codes) - 1)], np.float64)
        norms = np.sqrt(np.square(total).sum(1, keepdims=True))
        return cls(places, total / np.where(norms > 0, norms, 1))


class _Growth:
    """Nodes of a tree that is being built, parents first."""

    def __init__(self, n_labels: int) -> None:
        self.parents: list[int] = []
        self.homes = np.full(n_labels, -1, np.int64)

    def node(self, parent: int) -> int:
        self.parents.append(parent)
        return len(self.parents) - 1

    def tree(self) -> LabelTree:
        return LabelTree(np.array(self.parents, np.int64), self.homes)


def concept_tree(chain: ConceptChain, labels: Array, seed: int) -> LabelTree:
    """Return the tree of concepts, from the widest down to leaves of at most 100 labels.

    A concept of so few labels is a leaf; a larger one of level 1 is halved. Labels without a
    concept hang from where they lose it.
    """
    growth = _Growth(len(chain.vectors))
    random = np.random.RandomState(seed % 2**32)
    todo = [(labels, len(chain.places), -1)]
    while todo:
        inside, level, parent = todo.pop()
        node = growth.node(parent)
        while level and len(inside) > LARGEST_LEAF and _together(chain, level, inside):
            level -= 1
        if len(inside) <= LARGEST_LEAF:
            growth.homes[inside] = node
        elif level:
            parts = _concepts(chain, level, inside)
            growth.homes[inside] = node  # of those that are in no part
            todo += [(part, level - 1, node) for part in parts[::-1]]
        else:
            first = halve(chain.vectors[inside], random)
            todo += [(inside[~first], 0, node), (inside[first], 0, node)]
    return growth.tree()


def cut_tree(chain: ConceptChain, labels: Array, lowest: int) -> LabelTree:
    """Return the tree of concepts down to level ``lowest``, where all labels hang."""
    growth = _Growth(len(chain.vectors))
    todo = [(labels, len(chain.places), -1)]
    while todo:
        inside, level, parent = todo.pop()
        node = growth.node(parent)
        growth.homes[inside] = node
        while level >= lowest and _together(chain, level, inside):
            level -= 1
        if level >= lowest:
            parts = _concepts(chain, level, inside)
            todo += [(part, level - 1, node) for part in parts[::-1]]
    return growth.tree()


def balanced_tree(chain: ConceptChain, labels: Array, seed: int) -> LabelTree:
    """Return a tree that halves labels by the codes of their examples."""
    return concept_tree(ConceptChain([], chain.vectors), labels, seed)


def _together(chain: ConceptChain, level: int, inside: Array) -> bool:
    """Tell whether labels have one place at a level; no labels have."""
    place = chain.places[level - 1][inside]
    return bool((place == place[:1]).all())


def _concepts(chain: ConceptChain, level: int, inside: Array) -> list[Array]:
    """Part labels by their concept; those without one are in no part."""
    place = chain.places[level - 1][inside]
    return [inside[place == concept] for concept in np.unique(place[place >= 0])]


def halve(vectors: Array, random: np.random.RandomState) -> Array:
    """Mark one half of at least two labels: two means of equal size on the sphere."""
    n = len(vectors)
    a, b = vectors[random.choice(n, 2, replace=False)]
    best = -np.inf
    first = np.arange(n) < (n + 1) // 2
    for _ in range(ROUNDS):
        side = vectors @ (a - b)
        first = np.zeros(n, bool)
        first[np.argsort(-side, kind="stable")[: (n + 1) // 2]] = True
        gain = float(side[first].sum() - side[~first].sum())
        if gain <= best + 1e-9 * abs(best):
            break
        best = gain
        a, b = (_direction(vectors[part].sum(0)) for part in (first, ~first))
    return first


def _direction(total: Array) -> Array:
    norm = float(np.sqrt(np.square(total).sum()))
    return np.asarray(total / norm if norm > 0 else total)
