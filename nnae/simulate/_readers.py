"""Simple learners that stand in for a reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from nnae.simulate._evidence import Floats

Answers = npt.NDArray[np.bool_]

#: Answers remembered by the reader that goes by similar questions.
NEIGHBOURS = 5
DEPTH = 3


def _neighbors(n: int) -> Any:
    return make_pipeline(StandardScaler(), KNeighborsClassifier(min(NEIGHBOURS, n)))


def _tree(n: int) -> Any:
    return DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=2, random_state=0)


def _logistic(n: int) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


#: Readers by name; each takes the number of questions it will learn from.
READERS: dict[str, Callable[[int], Any]] = {
    "neighbors": _neighbors,
    "tree": _tree,
    "logistic": _logistic,
}


def answers(reader: str, seen: Floats, told: Answers, asked: Floats) -> Answers:
    """Return a reader's answers to `asked` after it was told the answers to `seen`."""
    if told.all() or not told.any():
        return np.full(len(asked), bool(told[:1].all()) if len(told) else False)
    model = READERS[reader](len(told)).fit(seen, told)
    return np.asarray(model.predict(asked), bool)
