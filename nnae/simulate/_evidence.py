"""What a reader can see of a question, as a few numbers.

Nothing here depends on the answer. From base rates: log odds that the model decides the label.
From revealed labels and explained examples: is the label itself among those shown; a vote of the
explained examples that share revealed labels, ``sum_e s_e d_ej / sum_e s_e`` with s_e the share of
the revealed labels that example e was given, and the largest s_e among those given label j. From a
tree: the nearness (share of levels on which two labels are under one concept) of the label to the
nearest revealed one, and its mean over all of them. An explained example never votes on itself.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae.auditing._trees import AuditedTree
from nnae.simulate._questions import Integers, Questions

Floats = npt.NDArray[np.float64]


def base_rates(counts: Integers, n: int, questions: Questions) -> Floats:
    """Return the log odds of the label in the model's decisions (m x 1)."""
    odds = (counts + 0.5) / (n - counts + 0.5)
    return np.asarray(np.log(odds)[questions.label][:, None])


def from_revealed(questions: Questions, decisions: sp.csr_matrix, explained: Integers) -> Floats:
    """Return what revealed labels and explained examples say (m x 3)."""
    known = sp.csr_matrix(decisions[explained], dtype=np.float64)
    revealed = questions.revealed
    size = np.maximum(np.diff(revealed.indptr), 1)[:, None]
    shared = np.asarray((revealed @ known.T).todense()) / size
    shared[questions.example[:, None] == explained[None, :]] = 0.0
    given = np.asarray(known.T[questions.label].todense())
    total = shared.sum(axis=1)
    vote = (shared * given).sum(axis=1) / np.maximum(total, 1e-12)
    best = (shared * given).max(axis=1, initial=0.0)
    itself = np.asarray(revealed[np.arange(len(questions)), questions.label]).ravel()
    return np.column_stack([itself, vote, best])


def from_tree(questions: Questions, tree: AuditedTree) -> Floats:
    """Return the nearness of the label to the revealed ones (m x 2: the nearest, the mean)."""
    revealed = questions.revealed
    sizes = np.diff(revealed.indptr)
    asked = np.repeat(questions.label, sizes)
    depth = len(tree.levels)
    shown = revealed.indices.astype(np.int64)
    near = (depth + 1.0 - tree.lca(asked, shown)) / depth
    rows = np.repeat(np.arange(len(questions)), sizes)
    nearest = np.zeros(len(questions))
    np.maximum.at(nearest, rows, near)
    mean = np.bincount(rows, near, len(questions)) / np.maximum(sizes, 1)
    return np.column_stack([nearest, mean])
