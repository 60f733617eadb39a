"""What the questionnaire knows, as one JSON document; trees as nested lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np

from nnae.hierarchy._document import dump
from nnae.hierarchy._formats import children_in_order
from nnae.hierarchy._names import NAME_LABELS, concept_name
from nnae.simulate._questions import Integers
from nnae.study._items import Choice, Item

#: Words shown of an example.
MOST_WORDS = 15

NOTICES = {
    "none": [
        "For each example you see a few labels that the model chose. Decide whether it also chose "
        "one more label, going by the labels you see and by what you know.",
    ],
    "tree": [
        "In this part a tree is shown beside each question. It sorts all labels into groups and "
        "groups of groups; the labels you see and the one you are asked about are marked in it.",
        "Labels under one group are meant to be often chosen together. Open and close groups as "
        "you like.",
    ],
}


def nested_tree(hierarchy: Any, place: Integers) -> dict[str, Any]:
    """Return the tree as ``{"n": name, "k": children}`` with labels as numbers.

    Label ``place[j]`` stands where label j was. Concepts are named by their heaviest labels, as
    those stand after the move, so that a shuffled tree is as neat to the eye as the true one.
    """
    tree: nx.DiGraph[str] = hierarchy.tree()
    labels = list(hierarchy.labels)
    column = {label: j for j, label in enumerate(labels)}

    def name(node: str) -> str:
        top = tree.nodes[node]["top_by_weight"][:NAME_LABELS]
        return concept_name([labels[place[column[entry["label"]]]] for entry in top])

    def below(node: str) -> list[Any]:
        return [
            int(place[column[child]])
            if tree.nodes[child]["kind"] == "label"
            else {"n": name(child), "k": below(child)}
            for child in children_in_order(tree, node)
        ]

    return {"n": "", "k": below(hierarchy.root)}


def shuffled_places(hierarchy: Any, draws: np.random.Generator) -> Integers:
    """Return a permutation of the labels that are in the tree."""
    labels = list(hierarchy.labels)
    place = np.arange(len(labels))
    placed = np.flatnonzero(~np.isin(labels, list(hierarchy.unplaced)))
    place[placed] = draws.permutation(placed)
    return place


def study_document(
    choice: Choice,
    labels: Sequence[str],
    trees: dict[str, dict[str, Any]],
    examples: dict[int, dict[str, Any]],
    about: dict[str, Any],
) -> str:
    """Return the JSON document, safe inside a script element, with an identifier of its own."""
    numbers = {row: str(number) for number, row in enumerate(sorted(examples))}

    def write(item: Item, name: str, more: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": name,
            "example": numbers[item.example],
            "label": item.label,
            "revealed": list(item.revealed),
            "answer": item.answer,
            **more,
        }

    asked = [(item, number) for number, items in enumerate(choice.sets) for item in items]
    document = {
        **about,
        "notices": NOTICES,
        "labels": list(labels),
        "trees": trees,
        "practice": [write(item, f"p{i}", {}) for i, item in enumerate(choice.practice, start=1)],
        "items": [
            write(item, str(i), {"set": number}) for i, (item, number) in enumerate(asked, start=1)
        ],
        "examples": {numbers[row]: known for row, known in examples.items()},
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=False)
    document["study"] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return dump(document)


def largest_words(row: Any, names: Sequence[str]) -> str:
    """Return the names of a row's largest positive features, the largest first."""
    values = np.asarray(row.todense() if hasattr(row, "todense") else row, np.float64).ravel()
    order = np.argsort(-values, kind="stable")[:MOST_WORDS]
    return ", ".join(str(names[j]) for j in order if values[j] > 0)
