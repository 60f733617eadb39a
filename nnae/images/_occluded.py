"""One picture with regions taken away, as a classifier sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from nnae._features import check_features
from nnae._step_two import predict_codes
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count
from nnae.decoders import Query
from nnae.explaining._question import n_targets, priors
from nnae.images._image_features import ImageFeatures
from nnae.images._plan import PLANS, Plan
from nnae.images._regions import cut, filling

Array = npt.NDArray[Any]

#: Pictures that are made and described at a time.
PICTURES = 64


@dataclass(frozen=True)
class Occluded:
    """Answers to all pictures of a plan; labels and concepts are read off them.

    Attributes
    ----------
    classifier : TwoStepClassifier
    picture : ndarray of uint8, h x w x 3
        As the backbone sees it.
    regions : ndarray of int, h x w
    method : str
    plan : Plan
    X : ndarray, m x d
    targets : ndarray, m x K
        Codes that step two predicts.
    """

    classifier: Any
    picture: Array
    regions: Array
    method: str
    plan: Plan
    X: Any
    targets: Array

    @classmethod
    def of(
        cls,
        classifier: Any,
        features: Any,
        image: Any,
        *,
        regions: Any,
        n_regions: int,
        fill: Any,
        method: str,
        random_state: int,
    ) -> Occluded:
        """Take regions away from a picture and ask the classifier's step two."""
        if not hasattr(classifier, "predict_topk"):
            raise TypeError(
                f"classifier must be a fitted TwoStepClassifier; got {type(classifier).__name__}"
            )
        check_is_fitted(classifier, "decoder_")
        first, rest = split(features)
        check_choice("method", method, tuple(PLANS))
        picture = first.see(image)
        found = cut(picture, regions, n_regions)
        seed = check_count("random_state", random_state, 0)
        plan = PLANS[method](int(found.max()) + 1, seed)
        instead = filling(picture, fill)
        rows = []
        for start in range(0, len(plan.kept), PICTURES):
            stays = plan.kept[start : start + PICTURES, found, None]
            rows.append(rest(first.describe(np.where(stays, picture, instead))))
        X = check_features(classifier, np.concatenate(rows), reset=False)
        targets = predict_codes(classifier.estimator_, X, n_targets(classifier))
        return cls(classifier, picture, found, method, plan, X, targets)

    @property
    def row(self) -> Any:
        """Return the features of the whole picture (1 x d)."""
        return self.X[:1]

    @cached_property
    def _scores(self) -> dict[int, Array]:
        return {}

    def scores(self, label: int, level: int) -> Array:
        """Return a label's score of every picture (m)."""
        if level not in self._scores:
            threads = resolve_threads(self.classifier.n_threads)
            query = Query(self.X, self.targets)
            self._scores[level] = self.classifier.decoder_.scores(query, level, threads)
        plain = np.asarray(self._scores[level][:, label], np.float64)
        return plain * float(priors(self.classifier)[label])

    def codes(self, level: int) -> Array:
        """Return the codes of a level in the compressor's units, never negative (m x k)."""
        scale = self.classifier.scale_
        start = sum(scale.widths[: level - 1])
        columns = slice(start, start + scale.widths[level - 1])
        raw = np.asarray(self.targets[:, columns], np.float64)
        return np.asarray(np.maximum(raw, 0) / scale.norms[columns])


def split(features: Any) -> tuple[ImageFeatures, Callable[[Array], Array]]:
    """Return what reads pictures, and what the steps of a pipeline after it do to features."""
    steps = [step for _, step in getattr(features, "steps", [("", features)])]
    if not steps or not isinstance(steps[0], ImageFeatures):
        raise TypeError(
            "features must be an ImageFeatures, or a pipeline that begins with one; "
            f"got {type(features).__name__}"
        )
    later = [step for step in steps[1:] if step not in (None, "passthrough")]

    def rest(X: Array) -> Array:
        for step in later:
            X = step.transform(X)
        return X

    return steps[0], rest
