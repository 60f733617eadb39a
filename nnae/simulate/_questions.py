"""Questions put to a reader: some labels are revealed, one is asked about.

Answers are balanced within strata of label frequency: knowing how frequent a label is then tells
hardly more than a coin does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: Most labels of one example that are asked about with the answer yes.
MOST_ASKED = 5


@dataclass(frozen=True)
class Questions:
    """Questions with their answers.

    Attributes
    ----------
    example : ndarray of int, (m,)
        Row that each question is about.
    label : ndarray of int, (m,)
        Column asked about.
    revealed : csr_matrix of 0/1, (m, L)
        Labels that the reader is shown.
    answer : ndarray of bool, (m,)
        What the model decided.
    """

    example: Integers
    label: Integers
    revealed: sp.csr_matrix
    answer: Booleans

    def __len__(self) -> int:
        return len(self.label)

    def of_examples(self, examples: Integers) -> Questions:
        """Return the questions about some rows."""
        return self.take(np.flatnonzero(np.isin(self.example, examples)))

    def take(self, chosen: Integers) -> Questions:
        """Return the questions with these numbers."""
        return Questions(
            self.example[chosen], self.label[chosen], self.revealed[chosen], self.answer[chosen]
        )


def frequency_strata(counts: Integers) -> Integers:
    """Return a stratum a label: counts that differ by less than a factor of two share one."""
    return np.asarray(np.floor(np.log2(counts + 1.0)), np.int64)


def ask_about_decisions(
    decisions: sp.csr_matrix, strata: Integers, n_revealed: int, draws: np.random.Generator
) -> tuple[Questions, int]:
    """Ask of every row about labels it was given, and about as many others of the same strata.

    Parameters
    ----------
    decisions : csr_matrix of 0/1, (n, L)
        What the model decided.
    strata : ndarray of int, (L,)
        From `frequency_strata`.
    n_revealed : int
        Labels of a row that are shown, drawn at random; at least one is left to ask about.
    draws : Generator

    Returns
    -------
    (Questions, int)
        And how many labels were not asked about because their stratum had no other to set beside.
    """
    members = {int(s): np.flatnonzero(strata == s) for s in np.unique(strata)}
    example: list[int] = []
    label: list[int] = []
    answer: list[bool] = []
    shown: list[Integers] = []
    dropped = 0
    for i in range(decisions.shape[0]):
        decided = decisions.indices[decisions.indptr[i] : decisions.indptr[i + 1]]
        if len(decided) < 2:
            continue
        mixed = draws.permutation(decided)
        keep = min(n_revealed, len(decided) - 1)
        taken = set(decided.tolist())
        for j in mixed[keep : keep + MOST_ASKED].tolist():
            others = [other for other in members[int(strata[j])].tolist() if other not in taken]
            if not others:
                dropped += 1
                continue
            other = others[int(draws.integers(len(others)))]
            taken.add(other)
            example += [i, i]
            label += [j, other]
            answer += [True, False]
            shown += [mixed[:keep], mixed[:keep]]
    return gather(example, label, shown, answer, decisions.shape[1]), dropped


def balanced(questions: Questions, strata: Integers, draws: np.random.Generator) -> Questions:
    """Leave out questions at random until every stratum has as many yes as no."""
    kept: list[Integers] = []
    stratum = strata[questions.label]
    for s in np.unique(stratum):
        sides = [np.flatnonzero((stratum == s) & (questions.answer == side)) for side in (0, 1)]
        size = min(map(len, sides))
        kept += [draws.permutation(side)[:size] for side in sides]
    if not kept:
        return questions
    return questions.take(np.sort(np.concatenate(kept)))


def gather(
    example: list[int], label: list[int], shown: list[Integers], answer: list[bool], n_labels: int
) -> Questions:
    """Make questions of lists; `shown` holds the revealed columns of each."""
    indptr = np.cumsum([0, *map(len, shown)])
    indices = np.concatenate([np.zeros(0, np.int64), *shown])
    revealed = sp.csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(label), n_labels))
    return Questions(
        np.asarray(example, np.int64),
        np.asarray(label, np.int64),
        revealed,
        np.asarray(answer, bool),
    )
