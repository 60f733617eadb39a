"""Step two, from features to codes: the built-in ridge, and any estimator of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin, clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from nnae.ridge import MultiOutputRidge

Array = npt.NDArray[Any]


class PseudoLabelClassifier(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Predict codes by a classifier of pseudo labels :math:`1[z_k > t_k]`.

    The threshold :math:`t_k` is half the mean of the positive values of code k. A predicted code is
    its expectation, :math:`m_{k0} + p_k (m_{k1} - m_{k0})`, where :math:`p_k` is the classifier's
    probability and m are the means of the code below and above the threshold. Codes that never or
    always pass their threshold need no classifier and are predicted by their mean.

    Parameters
    ----------
    classifier : estimator
        Cloned once for each code, unless it takes several labels at once. Without
        ``predict_proba`` its ``decision_function`` is turned to probabilities by a logistic
        regression on the training rows; with neither, its decision counts as 0 or 1.

    Attributes
    ----------
    estimators_ : list of estimators
        One for each code in ``columns_``, or a single one for all.
    columns_ : ndarray of int
        Codes whose pseudo labels vary.
    sigmoids_ : list of LogisticRegression
        From decisions to probabilities, one for each of ``columns_``; empty where not needed.
    thresholds_, low_, high_ : ndarray of shape (m,)
        t and the means m.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from nnae._step_two import PseudoLabelClassifier
    >>> X = np.arange(20.0)[:, None]
    >>> codes = np.hstack([X > 9, X < 5]) * 2.0
    >>> PseudoLabelClassifier(LogisticRegression()).fit(X, codes).predict(X).shape
    (20, 2)
    """

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, X: Any, T: Any, sample_weight: Any = None) -> PseudoLabelClassifier:
        """Fit the classifier to the pseudo labels of codes T (n x m)."""
        T = np.asarray(T)
        positive = T > 0
        count = positive.sum(0)
        mean = np.divide(np.where(positive, T, 0).sum(0), count, where=count > 0, out=0.0 * T[0])
        self.thresholds_ = mean / 2
        labels = self.thresholds_ < T
        on = labels.sum(0)
        self.columns_ = np.flatnonzero((on > 0) & (on < len(T)))
        total = np.where(labels, T, 0).sum(0)
        self.high_ = np.divide(total, on, where=on > 0, out=0.0 * T[0])
        rest = len(T) - on
        self.low_ = np.divide(T.sum(0) - total, rest, where=rest > 0, out=0.0 * T[0])
        self.always_ = on == len(T)
        extra = {} if sample_weight is None else {"sample_weight": sample_weight}
        targets = labels[:, self.columns_].astype(np.int64)
        self.joint_ = len(self.columns_) > 1 and _takes_several(self.classifier, "multi_label")
        if self.joint_:
            self.estimators_ = [clone(self.classifier).fit(X, targets, **extra)]
        else:
            self.estimators_ = [clone(self.classifier).fit(X, y, **extra) for y in targets.T]
        self.sigmoids_: list[Any] = []
        if self.estimators_ and _has_margins(self.estimators_[0]):
            margins = self._outputs(X)
            self.sigmoids_ = [
                LogisticRegression().fit(margin[:, None], y, **extra)
                for margin, y in zip(margins.T, targets.T, strict=True)
            ]
        return self

    def predict(self, X: Any) -> Array:
        """Return expected codes (n x m)."""
        check_is_fitted(self, "estimators_")
        share = np.tile(self.always_.astype(np.float64), (X.shape[0], 1))
        found = self._outputs(X)
        for at, sigmoid in enumerate(self.sigmoids_):
            found[:, at] = sigmoid.predict_proba(found[:, at : at + 1])[:, 1]
        share[:, self.columns_] = found
        return np.asarray(self.low_ + share * (self.high_ - self.low_))

    def _outputs(self, X: Any) -> Array:
        """Return probabilities, or margins, of the pseudo labels in ``columns_``."""
        if self.joint_:
            return _joint_outputs(self.estimators_[0], X)
        found = np.empty((X.shape[0], len(self.columns_)))
        for at, estimator in enumerate(self.estimators_):
            found[:, at] = _output(estimator, X)
        return found


def _has_margins(estimator: Any) -> bool:
    return not hasattr(estimator, "predict_proba") and hasattr(estimator, "decision_function")


def _output(estimator: Any, X: Any) -> Array:
    if hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X)[:, -1])
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X))
    return np.asarray(estimator.predict(X), dtype=np.float64)


def _joint_outputs(estimator: Any, X: Any) -> Array:
    if hasattr(estimator, "predict_proba"):
        found = estimator.predict_proba(X)
        if isinstance(found, list):  # one n x 2 array a label
            return np.stack([np.asarray(p)[:, -1] for p in found], axis=1)
        return np.array(found, dtype=np.float64)
    if hasattr(estimator, "decision_function"):
        return np.array(estimator.decision_function(X), dtype=np.float64)
    return np.array(estimator.predict(X), dtype=np.float64)


def _takes_several(estimator: Any, what: str) -> bool:
    """Tell whether an estimator takes several outputs ("multi_output") or labels at once."""
    try:
        from sklearn.utils import get_tags
    except ImportError:  # scikit-learn < 1.6
        from sklearn.utils._tags import _safe_tags

        return bool(_safe_tags(estimator, "multilabel" if what == "multi_label" else "multioutput"))
    tags = get_tags(estimator)
    if what == "multi_label":
        return bool(tags.classifier_tags is not None and tags.classifier_tags.multi_label)
    return bool(tags.target_tags.multi_output)


def adapt(estimator: Any) -> Any:
    """Return an unfitted estimator that learns codes (n x m), from any regressor or classifier."""
    if not hasattr(estimator, "fit") or not hasattr(estimator, "predict"):
        raise TypeError(f"estimator must have fit and predict; got {type(estimator).__name__}")
    if isinstance(estimator, (PseudoLabelClassifier, MultiOutputRidge)):
        return clone(estimator)
    if is_classifier(estimator):
        return PseudoLabelClassifier(clone(estimator))
    if _takes_several(estimator, "multi_output"):
        return clone(estimator)
    return MultiOutputRegressor(clone(estimator))


def fit_step_two(estimator: Any, X: Any, T: Array, sample_weight: Array | None = None) -> Any:
    """Fit an adapted estimator; a single code is passed as a vector where that is expected."""
    single = T.shape[1] == 1 and not isinstance(
        estimator, (PseudoLabelClassifier, MultiOutputRegressor)
    )
    extra: dict[str, Any] = {}
    if sample_weight is not None:
        if not has_fit_parameter(estimator, "sample_weight"):
            raise ValueError(f"{type(estimator).__name__} does not take sample_weight")
        extra["sample_weight"] = sample_weight
    return estimator.fit(X, T[:, 0] if single else T, **extra)


def predict_codes(estimator: Any, X: Any, n_codes: int) -> Array:
    """Return predicted codes (n x m) of a fitted step two, for features that have been checked."""
    if type(estimator) is MultiOutputRidge:
        return estimator.outputs(X).reshape(X.shape[0], n_codes)
    return np.asarray(estimator.predict(X)).reshape(X.shape[0], n_codes)
