"""What would change: a row's labels without one of its concepts or features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from nnae._step_two import predict_codes
from nnae.decoders import Query
from nnae.explaining._question import n_targets, priors

if TYPE_CHECKING:
    from nnae.explaining._explanation import Explanation

Array = npt.NDArray[Any]

COLUMNS = ("removed", "kind", "label", "before", "after", "change", "rank_before", "rank_after")


def without(
    explanation: Explanation, *, concept: int | None, feature: int | str | None, top: int
) -> pd.DataFrame:
    """Return the table of `Explanation.without`."""
    question = explanation.question
    if concept is None and feature is None:
        return pd.DataFrame([], columns=list(COLUMNS))
    if concept is not None and feature is not None:
        raise ValueError("take away a concept or a feature, not both at once")
    if concept is not None:
        width = len(question.codes)
        if not 0 <= concept < width:
            raise ValueError(f"concept must be from 0 to {width - 1}; got {concept}")
        name, kind = explanation.concepts_named.name(question.level, concept), "concept"
        targets = question.query.targets.copy()
        targets[:, question.columns.start + concept] = 0
        query = Query(question.query.X, targets)
    else:
        place = _feature(explanation, feature)
        name, kind = explanation.features_named[place], "feature"
        row = _blank(question.query.X, place)
        classifier = question.classifier
        query = Query(row, predict_codes(classifier.estimator_, row, n_targets(classifier)))
    before, after = _scores(explanation, question.query), _scores(explanation, query)
    return _table(explanation, name, kind, before, after, top)


def _feature(explanation: Explanation, feature: int | str | None) -> int:
    names = explanation.features_named
    if isinstance(feature, str):
        if feature not in names:
            raise ValueError(f"feature must be one of the {len(names)} features; got {feature!r}")
        return list(names).index(feature)
    assert feature is not None
    if not 0 <= feature < len(names):
        raise ValueError(f"feature must be from 0 to {len(names) - 1}; got {feature}")
    return int(feature)


def _blank(row: Any, place: int) -> Any:
    if hasattr(row, "indptr"):
        kept = row.indices != place
        indptr = np.array([0, int(kept.sum())], row.indptr.dtype)
        return sp.csr_matrix((row.data[kept], row.indices[kept], indptr), shape=row.shape)
    row = row.copy()
    row[0, place] = 0
    return row


def _scores(explanation: Explanation, query: Query) -> Array:
    question, classifier = explanation.question, explanation.question.classifier
    scores = classifier.decoder_.scores(query, question.level, question.n_threads)[0]
    return np.asarray(scores, np.float64) * priors(classifier)


def _ranks(scores: Array) -> Array:
    ranks = np.empty(len(scores), np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks


def _table(
    explanation: Explanation, name: str, kind: str, before: Array, after: Array, top: int
) -> pd.DataFrame:
    change = after - before
    ranks = _ranks(before), _ranks(after)
    fall = np.argsort(change, kind="stable")
    # where no score rises, what rises is the rank of what was near the front
    front = np.flatnonzero(np.minimum(*ranks) <= max(10, 2 * top))
    climb = front[np.argsort(-(ranks[0] - ranks[1])[front], kind="stable")]
    rise = np.argsort(-change, kind="stable")
    rise = np.concatenate([rise[change[rise] > 0], climb[(ranks[0] > ranks[1])[climb]]])
    chosen = [explanation.question.label]
    for found in (fall[change[fall] < 0], rise):
        chosen += [j for j in dict.fromkeys(found.tolist()) if j not in chosen][:top]
    labels = explanation.question.classifier.label_names_
    rows = [
        (
            *(name, kind, str(labels[j]), float(before[j]), float(after[j]), float(change[j])),
            *(int(ranks[0][j]), int(ranks[1][j])),
        )
        for j in chosen
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
