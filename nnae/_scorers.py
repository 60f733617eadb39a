"""Scorers of rankings for scikit-learn's searches; public under nnae.metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nnae._labels import LabelSpace


@dataclass(frozen=True)
class TopKScorer:
    """Score an estimator that has ``predict_topk``, for scikit-learn's ``scoring=``.

    Parameters
    ----------
    metric : callable
        Such as :func:`precision_at_k`, called with (Y_true, topk_indices, k).
    k : int
        Labels asked for.

    Examples
    --------
    >>> from nnae.metrics import TopKScorer, recall_at_k
    >>> TopKScorer(recall_at_k, k=3).k
    3
    """

    metric: Callable[[Any, Any, int], float]
    k: int

    def __call__(self, estimator: Any, X: Any, Y: Any) -> float:
        """Return the metric of the estimator's ranking on X and Y."""
        names = getattr(estimator, "label_names_", None)
        if names is not None:
            Y = LabelSpace(tuple(str(name) for name in names)).encode(Y)
        return self.metric(Y, estimator.predict_topk(X, self.k)[0], self.k)
