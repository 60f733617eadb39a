"""Which questions a study asks: as many yes as no, each about an example of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnae.simulate._questions import Integers, Questions


@dataclass(frozen=True)
class Item:
    """One question of a study.

    Attributes
    ----------
    example : int
        Row.
    label : int
        Column asked about.
    revealed : tuple of int
        Columns shown.
    answer : bool
        Whether the model decided the label.
    """

    example: int
    label: int
    revealed: tuple[int, ...]
    answer: bool


@dataclass(frozen=True)
class Choice:
    """Items to practise with, and sets of items to ask; no example is used twice."""

    practice: list[Item]
    sets: list[list[Item]]


def choose_items(
    questions: Questions,
    strata: Integers,
    n_items: int,
    n_practice: int,
    n_sets: int,
    draws: np.random.Generator,
) -> Choice:
    """Deal questions to sets so that each has, in every stratum, as many yes as no.

    `questions` come from `ask_about_decisions`: a yes and a no of one stratum and example side by
    side. A yes is taken from one example, the no of the same stratum from another, since two
    questions on one example would answer each other.

    Raises
    ------
    ValueError
        When there are not enough examples.
    """
    couples: list[tuple[Item, Item]] = []
    needed = n_items // 2 + -(-n_practice // 2)
    used: set[int] = set()
    waiting: dict[int, Item] = {}
    for pair in draws.permutation(len(questions) // 2).tolist():
        yes = 2 * pair
        example, stratum = int(questions.example[yes]), int(strata[questions.label[yes]])
        if example in used:
            continue
        used.add(example)
        if stratum in waiting:
            couples.append((waiting.pop(stratum), _item(questions, yes + 1)))
        else:
            waiting[stratum] = _item(questions, yes)
        if len(couples) == needed:
            break
    if len(couples) < needed:
        raise ValueError(
            f"{n_items} items and {n_practice} for practice need {2 * needed} examples with two "
            f"decisions or more; got enough for {2 * len(couples)}: give more examples or ask for "
            "fewer items"
        )
    sets: list[list[Item]] = [[] for _ in range(n_sets)]
    for number, couple in enumerate(couples[: n_items // 2]):
        sets[number % n_sets] += couple
    rest = [item for couple in couples[n_items // 2 :] for item in couple]
    order = draws.permutation(len(rest))[:n_practice]
    return Choice([rest[i] for i in order], sets)


def _item(questions: Questions, number: int) -> Item:
    revealed = questions.revealed
    shown = revealed.indices[revealed.indptr[number] : revealed.indptr[number + 1]]
    return Item(
        int(questions.example[number]),
        int(questions.label[number]),
        tuple(map(int, shown)),
        bool(questions.answer[number]),
    )
