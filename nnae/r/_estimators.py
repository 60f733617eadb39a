"""R's learners as estimators of scikit-learn."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from nnae._features import check_features
from nnae._validation import check_sample_weight
from nnae.r import _session

Array = npt.NDArray[Any]


class RLearner(BaseEstimator):  # type: ignore[misc]
    """What the estimators of R share: settings, the serialised model, fitting and predicting."""

    #: A model file that holds one is loaded on this word alone: predictions run code of R.
    needs_trust = "nnae.r"
    task = ""

    def __init__(self, learner: Any, *, random_state: Any = None, **settings: Any) -> None:
        self.learner = learner
        self.random_state = random_state
        self.settings = settings

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return learner, seed and all settings."""
        return {"learner": self.learner, "random_state": self.random_state, **self.settings}

    def set_params(self, **params: Any) -> RLearner:
        """Set learner, seed or any setting of the learner."""
        for name, value in params.items():
            if name in ("learner", "random_state"):
                setattr(self, name, value)
            else:
                self.settings = {**self.settings, name: value}
        return self

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: several targets, sparse features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = self.task == "regressor"
        tags.target_tags.required = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # scikit-learn < 1.6
        return {"multioutput": self.task == "regressor", "requires_y": True}

    def __sklearn_is_fitted__(self) -> bool:
        """Tell whether there is a model."""
        return hasattr(self, "model_")

    def _fit(self, X: Any, z: Array, sample_weight: Any) -> None:
        weights = check_sample_weight(sample_weight, X.shape[0])
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model = _session.current().fit(
            self.task, self.learner, X, z, weights, seed, dict(self.settings)
        )
        self.model_ = np.frombuffer(bytes(model), np.uint8)
        self._key = ""

    def _predict(self, X: Any) -> Array:
        check_is_fitted(self)
        X = check_features(self, X, reset=False)
        if not getattr(self, "_key", ""):
            self._key = hashlib.blake2b(self.model_.tobytes(), digest_size=16).hexdigest()
        return np.array(_session.current().predict(self._key, self.model_, X), np.float64)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what names the model in this process."""
        return {name: value for name, value in vars(self).items() if name != "_key"}


class RRegressor(RegressorMixin, RLearner):  # type: ignore[misc]
    """Regress on features with a learner of R, for one target or several.

    Parameters
    ----------
    learner : {"glmnet", "lm", "ranger"} or str
        A ready learner, or the source of a function of R: ``function(x, z) -> model`` with x a
        matrix (``dgCMatrix`` where X is sparse), z a matrix of targets, and a predict method for
        the model's class; or ``list(fit = function(x, z), predict = function(model, x))``.
    random_state : int, RandomState or None
        Seed of R's generator during the fit, which is left as it was.
    **settings
        Arguments of the learner in R: ``num_trees=200`` is ranger's ``num.trees``. glmnet takes
        ``alpha`` and others; a number as ``lambda_`` fixes its penalty, which cross-validation
        chooses otherwise (``nfolds``, 5 by default).

    Attributes
    ----------
    model_ : ndarray of uint8
        The model as R serialised it: the estimator can be pickled, cloned and saved.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ImportError
        When R, rpy2 or the package of R is missing, with the command that installs it.
    ValueError
        What R says, in one line.

    Notes
    -----
    Features cross to R as they are, sparse ones without becoming dense; "lm" makes them dense. R
    runs in one thread of this process at a time; ``n_jobs`` above 1 starts an R in every worker.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.r import RRegressor, r_available
    >>> X = np.arange(20.0)[:, None] ** [1, 2]
    >>> if r_available():
    ...     model = RRegressor("lm").fit(X, 3 * X + 1)
    ...     assert np.allclose(model.predict(X[:2]), 3 * X[:2] + 1)
    """

    task = "regressor"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RRegressor:
        """Fit the learner in R.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d)
        y : array of shape (n,) or (n, m)
        sample_weight : array of shape (n,), optional
            For learners that take weights.
        """
        X = check_features(self, X, reset=True)
        z = _finite(y, X)
        self.single_ = z.ndim == 1
        self._fit(X, z.reshape(len(z), -1), sample_weight)
        return self

    def predict(self, X: Any) -> Array:
        """Return predicted targets, (n,) or (n, m) as in fit."""
        found = self._predict(X)
        return found[:, 0] if self.single_ else found


class RClassifier(ClassifierMixin, RLearner):  # type: ignore[misc]
    """Classify with a learner of R.

    Parameters
    ----------
    learner : {"glmnet", "ranger"} or str
        A ready learner, or the source of a function of R as for :class:`RRegressor`, with z a
        factor and predictions n x K probabilities in the order of its levels.
    random_state : int, RandomState or None
        Seed of R's generator during the fit, which is left as it was.
    **settings
        Arguments of the learner in R, as for :class:`RRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (K,)
    model_ : ndarray of uint8
        The model as R serialised it.

    Raises
    ------
    ImportError, ValueError
        As :class:`RRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.r import RClassifier, r_available
    >>> X = np.arange(40.0)[:, None] ** [1, 2]
    >>> learner = "list(fit = function(x, z) mean(x[, 1]), predict = function(model, x) {" + (
    ...     "p <- as.numeric(x[, 1] > model); cbind(1 - p, p)})")
    >>> if r_available():
    ...     found = RClassifier(learner).fit(X, X[:, 0] > 19).predict(X)
    ...     assert found.sum() == 20
    """

    task = "classifier"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RClassifier:
        """Fit the learner in R; y holds one class a row."""
        X = check_features(self, X, reset=True)
        y = np.asarray(y)
        if y.ndim != 1 or len(y) != X.shape[0]:
            raise ValueError(f"y must hold one class for each of {X.shape[0]} rows; got {y.shape}")
        self.classes_, z = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least two classes; got {len(self.classes_)}")
        self._fit(X, z.astype(np.int32), sample_weight)
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities of the classes (n x K)."""
        return self._predict(X)

    def predict(self, X: Any) -> Array:
        """Return the most likely class of each row."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def _finite(y: Any, X: Any) -> Array:
    z = np.asarray(y, np.float64)
    if z.ndim not in (1, 2) or len(z) != X.shape[0]:
        raise ValueError(f"y must have {X.shape[0]} rows, as X has; got shape {z.shape}")
    if not np.isfinite(z).all():
        raise ValueError("y must be finite; it holds NaN or infinity")
    return z
