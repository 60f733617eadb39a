"""Which of the model's decisions fall when a concept is taken out of the codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae._codes import concepts_of
from nnae._decisions import ranking_to_csr
from nnae.decoders import Query
from nnae.simulate._questions import Integers, Questions, gather

#: Labels that stand for a concept, its heaviest.
NAMED = 3
#: A concept to remove is drawn among that many of a row's strongest.
STRONGEST = 3


@dataclass(frozen=True)
class Concepts:
    """Concepts of one level that can be taken out.

    Attributes
    ----------
    members : list of ndarray of int
        Rows of W_1 below each concept.
    named : list of ndarray of int
        Columns of the labels that name it.
    level : int
    """

    members: list[Integers]
    named: list[Integers]
    level: int


def removable_concepts(classifier: Any, hierarchy: Any, level: int) -> Concepts | None:
    """Return the concepts of a level, or None when the tree is not of the classifier's codes."""
    try:
        weights = concepts_of(classifier.compressor_)[0]
    except TypeError:
        return None
    nodes = hierarchy.graph.nodes
    column = {label: j for j, label in enumerate(hierarchy.labels)}
    below: dict[str, list[int]] = {}
    for node, known in nodes(data=True):
        if known["kind"] != "concept" or known["level"] != 1:
            continue
        row, top = known["index"], known["top_by_weight"]
        if row >= len(weights) or not top:
            return None
        share = weights[row, column[top[0]["label"]]]
        if not np.isclose(share, top[0]["weight"] * weights[row].sum(), rtol=1e-3):
            return None
        above = node
        while nodes[above]["kind"] == "concept" and nodes[above]["level"] < level:
            above = hierarchy.parents(above)[0]
        if nodes[above]["kind"] == "concept":
            below.setdefault(above, []).append(row)
    named = [
        np.array([column[entry["label"]] for entry in nodes[node]["top_by_weight"][:NAMED]])
        for node in below
    ]
    return Concepts([np.array(rows) for rows in below.values()], named, level)


def ask_about_removals(
    classifier: Any,
    X: Any,
    concepts: Concepts,
    top_k: int | None,
    draws: np.random.Generator,
) -> Questions:
    """Take one strong concept out of every row's codes and ask whether decisions fall.

    The codes of level 1 below the concept are set to zero and decoded as before. The reader is
    shown the labels that name the concept; the answer is yes where the label is not decided any
    more.
    """
    query, _ = classifier._query(X, 1)
    codes = classifier.scale_.level(query.targets, 1)
    strength = np.column_stack([codes[:, rows].sum(axis=1) for rows in concepts.members])
    some = min(STRONGEST, strength.shape[1])
    strongest = np.argsort(-strength, axis=1, kind="stable")[:, :some]
    chosen = strongest[np.arange(len(codes)), draws.integers(some, size=len(codes))]
    targets = query.targets.copy()
    for i, p in enumerate(chosen):
        targets[i, concepts.members[p]] = 0
    before = decided(classifier, query, top_k)
    after = decided(classifier, Query(query.X, targets), top_k)
    example: list[int] = []
    label: list[int] = []
    answer: list[bool] = []
    shown: list[Integers] = []
    for i, p in enumerate(chosen):
        if strength[i, p] <= 0:
            continue
        still = set(after.indices[after.indptr[i] : after.indptr[i + 1]].tolist())
        for j in before.indices[before.indptr[i] : before.indptr[i + 1]].tolist():
            example.append(i)
            label.append(j)
            answer.append(j not in still)
            shown.append(concepts.named[p])
    return gather(example, label, shown, answer, before.shape[1])


def decided(classifier: Any, query: Query, top_k: int | None) -> sp.csr_matrix:
    """Return the labels that the model decides on for rows and codes (n x L, csr of 0/1)."""
    if top_k is None:
        return sp.csr_matrix(classifier._choose(query), dtype=np.float64)
    indices, _ = classifier._rank(query, top_k, 1)
    n_labels = len(classifier.label_names_)
    return ranking_to_csr(indices, np.ones_like(indices, np.float64), n_labels)
