"""Names for concepts, from the labels that make them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nnae.hierarchy._contributions import Floats

NAME_LABELS = 3
NAME_LENGTH = 28


def one_line(text: str) -> str:
    """Replace runs of blanks, newlines and control characters by a single blank."""
    shown = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(shown.split())


def shorten(text: str, length: int) -> str:
    """Cut a text that is longer than `length` and say so with an ellipsis."""
    return text if len(text) <= length else text[: max(length - 1, 1)].rstrip() + "…"


def unique(name: str, taken: set[str], note: str = "") -> str:
    """Return the name, with `note` or a number when it is taken, and take it."""
    if name in taken and note:
        name = f"{name} {note}"
    candidate, number = name, 2
    while candidate in taken:
        candidate = f"{name} #{number}"
        number += 1
    taken.add(candidate)
    return candidate


def top_labels(
    weights: Floats, base: Floats, names: Sequence[str], top: int
) -> tuple[list[str], dict[str, Any]]:
    """Describe one concept by its labels.

    Parameters
    ----------
    weights : ndarray, (L,)
        The concept as a distribution over labels.
    base : ndarray, (L,)
        The distribution of labels over all concepts.
    names : sequence of str
        Names of the labels.
    top : int
        How many labels to keep in each list.

    Returns
    -------
    (list of str, dict)
        The labels that name the concept, best first, by ``w log(w / base)``, their part in the
        Kullback-Leibler divergence of the concept from the base rate (frequent *and* special);
        and the lists "top_by_weight" and "top_by_lift" of dicts with label, weight and lift.
        Lift is ranked among the labels that make up nine tenths of the concept, because the lift
        of a label with hardly any weight means nothing.
    """
    order = np.argsort(-weights, kind="stable")
    order = order[weights[order] > 0]
    lift = weights[order] / base[order]
    heavy = int(np.searchsorted(np.cumsum(weights[order]), 0.9 - 1e-9)) + 1
    by_lift = np.argsort(-lift[:heavy], kind="stable")[:top]

    def describe(places: Iterable[int]) -> list[dict[str, Any]]:
        return [
            {
                "label": names[order[i]],
                "weight": float(weights[order[i]]),
                "lift": float(lift[i]),
            }
            for i in places
        ]

    special = weights[order] * np.log(lift)
    naming = np.argsort(-special, kind="stable")[:NAME_LABELS]
    chosen = [i for i in naming if i == naming[0] or special[i] > 0.1 * special[naming[0]]]
    lists = {
        "top_by_weight": describe(range(min(top, len(order)))),
        "top_by_lift": describe(by_lift.tolist()),
    }
    return [names[order[i]] for i in chosen], lists


def distinct_name(labels: Sequence[str], spare: Sequence[str], taken: set[str], note: str) -> str:
    """Name a concept and take the name; one that is taken gets further labels, then `note`."""
    spare = [label for label in spare if label not in labels]
    for more in range(min(len(spare), NAME_LABELS) + 1):
        name = concept_name([*labels, *spare[:more]])
        if name not in taken:
            return unique(name, taken)
    return unique(concept_name(labels), taken, note)


def names_of_children(weights: Floats, base: Floats, namings: list[list[str]]) -> list[str]:
    """Name a concept of a higher level by the first labels of the children special to it.

    Children are ranked as `top_labels` ranks labels, so that the name speaks of the concept's
    parts and not of its largest part alone.
    """
    places = np.flatnonzero(weights > 0)
    special = weights[places] * np.log(weights[places] / base[places])
    order = places[np.argsort(-special, kind="stable")][:NAME_LABELS]
    best = float(special.max())
    known: dict[int, float] = dict(zip(places.tolist(), special.tolist(), strict=True))
    ranked: list[int] = order.tolist()
    chosen = [q for q in ranked if q == ranked[0] or known[q] > 0.1 * best]
    if len(chosen) == 1:
        return namings[chosen[0]]
    return list(dict.fromkeys(namings[q][0] for q in chosen))


def concept_name(labels: Sequence[str]) -> str:
    """Join labels to a name of one line; a prefix that all share is written once.

    Examples
    --------
    >>> concept_name(["role::program", "uitoolkit::gtk"])
    'role::program + uitoolkit::gtk'
    >>> concept_name(["uitoolkit::gtk", "uitoolkit::qt"])
    'uitoolkit::{gtk, qt}'
    """
    texts = [one_line(label) or "(blank)" for label in labels]
    same = 0
    while all(text[same : same + 1] == texts[0][same : same + 1] != "" for text in texts):
        same += 1
    prefix = re.match(r".*(::|[/:.|>])", texts[0][:same])
    if len(texts) > 1 and prefix is not None:
        rest = [text[prefix.end() :] for text in texts]
        if all(rest):
            inner = ", ".join(shorten(text, NAME_LENGTH) for text in rest)
            return f"{shorten(prefix.group(), NAME_LENGTH)}{{{inner}}}"
    return " + ".join(shorten(text, NAME_LENGTH) for text in texts)
