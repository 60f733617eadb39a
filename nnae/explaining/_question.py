"""One row and one label of a fitted classifier: what an explanation is asked for."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from nnae._features import check_features
from nnae._step_two import predict_codes
from nnae._threads import resolve_threads
from nnae._validation import check_count
from nnae.decoders import Query

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Question:
    """One row with its predicted codes, and the label asked about.

    Attributes
    ----------
    classifier : TwoStepClassifier
        Fitted.
    query : Query
        The row (1 x d) and its targets (1 x sum of widths).
    label, level : int
    score : float
        What ``predict_topk`` reports.
    rank : int
        Its place there, from 1.
    prior : float
        What the score of the label was multiplied by (1 but for ``rank_by="psp"``).
    n_threads : int
    """

    classifier: Any
    query: Query
    label: int
    level: int
    score: float
    rank: int
    prior: float
    n_threads: int

    @classmethod
    def of(cls, classifier: Any, x: Any, label: Any, level: Any) -> Question:
        """Check what was asked, and rank the labels of the row."""
        if not hasattr(classifier, "predict_topk"):
            raise TypeError(
                f"classifier must be a fitted TwoStepClassifier; got {type(classifier).__name__}"
            )
        check_is_fitted(classifier, "decoder_")
        number = check_count("level", level)
        deepest = classifier.decoder_.levels
        if number > deepest:
            raise ValueError(f"level must be at most {deepest}; got {number}")
        given = one_row(classifier, x)
        row = check_features(classifier, given, reset=False)
        j = read_label(classifier, label)
        query = Query(row, predict_codes(classifier.estimator_, row, n_targets(classifier)))
        score, rank = _ranked(classifier, given, j, number)
        prior = float(priors(classifier)[j])
        threads = resolve_threads(classifier.n_threads)
        return cls(classifier, query, j, number, score, rank, prior, threads)

    @property
    def name(self) -> str:
        """Return the label's name."""
        return str(self.classifier.label_names_[self.label])

    @property
    def codes(self) -> Array:
        """Return the scaled codes of the level (k), never negative, in double precision."""
        scale = self.classifier.scale_
        return np.asarray(scale.level(self.query.targets, self.level)[0], np.float64)

    @property
    def columns(self) -> slice:
        """Return which columns of the targets belong to the level."""
        widths = self.classifier.scale_.widths
        start = sum(widths[: self.level - 1])
        return slice(start, start + widths[self.level - 1])


def priors(classifier: Any) -> Array:
    """Return what ``predict_topk`` multiplies the scores of labels by (L)."""
    if classifier.rank_by == "psp":
        return np.asarray(classifier.propensities_**-classifier.psp_exponent_, np.float64)
    return np.ones(len(classifier.label_names_))


def probabilities(classifier: Any, scores: Array, labels: Array) -> Array:
    """Return what ``predict_proba`` makes of scores without a prior, of the given labels."""
    if classifier.calibration_ is not None:
        return np.asarray(classifier.calibration_.probabilities(scores, labels))
    return np.asarray(classifier.decoder_.probabilities(scores, classifier.loss_name_))


def n_targets(classifier: Any) -> int:
    """Return the number of codes of all levels."""
    return len(classifier.scale_.norms)


def one_row(classifier: Any, x: Any) -> Any:
    """Return what was given as a table of one row (1 x d)."""
    if isinstance(x, str):
        vectorizer = getattr(classifier, "text_vectorizer_", None)
        if vectorizer is None:
            raise TypeError("x must be a row of features; a text needs a model fitted on texts")
        x = sp.csr_matrix(vectorizer.transform([x]))
    if hasattr(x, "to_frame") and getattr(x, "ndim", 0) == 1:  # a row of a DataFrame
        x = x.to_frame().T.infer_objects()
    if not sp.issparse(x) and not hasattr(x, "iloc"):
        x = np.asarray(x)
    if getattr(x, "ndim", 2) == 1:
        x = x.reshape(1, -1)
    if x.shape[0] != 1:
        raise ValueError(f"x must be one row; got {x.shape[0]}")
    return x


def read_label(classifier: Any, label: Any) -> int:
    """Return the column of a label given by name or number."""
    names = [str(name) for name in classifier.label_names_]
    if isinstance(label, str):
        if label in names:
            return names.index(label)
        near = difflib.get_close_matches(label, names, 3)
        hint = f"; near to it: {', '.join(map(repr, near))}" if near else ""
        raise ValueError(f"label must be one of the {len(names)} labels; got {label!r}{hint}")
    if isinstance(label, bool) or not isinstance(label, numbers.Integral):
        raise TypeError(f"label must be a name or a column number; got {label!r}")
    column = int(label)
    if not 0 <= column < len(names):
        raise ValueError(f"label must be from 0 to {len(names) - 1}; got {column}")
    return column


def name_features(classifier: Any, given: Sequence[str] | None) -> list[str]:
    """Return names of all features: given ones, the classifier's, or "x0", "x1", ..."""
    width = int(classifier.n_features_in_)
    if given is not None:
        names = [str(name) for name in given]
        if len(names) != width:
            raise ValueError(f"feature_names has {len(names)} names, the model {width} features")
        return names
    known = getattr(classifier, "feature_names_in_", None)
    vectorizer: Any = getattr(classifier, "text_vectorizer_", None)
    if known is None and hasattr(vectorizer, "get_feature_names_out"):
        known = vectorizer.get_feature_names_out()
    if known is not None and len(known) == width:
        return [str(name) for name in known]
    return [f"x{place}" for place in range(width)]


def _ranked(classifier: Any, row: Any, label: int, level: int) -> tuple[float, int]:
    indices, scores = classifier.predict_topk(row, len(classifier.label_names_), level=level)
    place = np.flatnonzero(indices[0] == label)
    if len(place) == 0:
        name = str(classifier.label_names_[label])
        raise ValueError(f"label {name!r} has no score for this row, so there is none to explain")
    return float(scores[0, place[0]]), int(place[0]) + 1
