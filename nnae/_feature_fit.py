"""A fit that may see features: the weight they get, level 1, and the tree of labels alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from nnae._encoders import ENCODERS
from nnae._feature_encoders import SHARED_ENCODERS, SharedFit
from nnae._feature_rows import FeatureRows
from nnae._feature_weight import check_feature_weight, choose_feature_weight
from nnae._plan import best_fit
from nnae._problem import Fitted, Problem
from nnae._resemblance import MOST_LABELS, resemblance

Array = npt.NDArray[Any]

#: What NNAE tells about features after a fit of labels alone.
NO_FEATURES: dict[str, Any] = {
    "feature_weight_": 0.0,
    "feature_weight_scores_": {},
    "feature_weights_": None,
    "feature_encoder_": None,
    "feature_split_": False,
    "label_linkage_": None,
    "label_counts_": None,
    "label_evidence_": {},
}


def features_of(feature_weight: Any, X: Any, Y: Any) -> FeatureRows | None:
    """Return the features, or None where labels alone are compressed."""
    if check_feature_weight(feature_weight) == 0:
        return None
    if X is None:
        raise ValueError(f"feature_weight={feature_weight!r} needs the rows' features: pass X=")
    return FeatureRows.of(X, Y.shape[0], Y.dtype)


def fit_with_features(
    problem: Problem,
    features: FeatureRows | None,
    encoder: str,
    feature_weight: Any,
    random_state: Any,
    n_init: int = 1,
) -> tuple[Fitted, dict[str, Any]]:
    """Fit all levels.

    Returns
    -------
    (Fitted, dict)
        The fit, and the fitted attributes of NNAE that are about features.
    """
    about = dict(NO_FEATURES)
    if features is None:
        fitted, errors = best_fit(ENCODERS[encoder].fit, problem, n_init)
        return fitted, about | {"init_losses_": np.array(errors)}
    n_threads = problem.schedule.n_threads
    seeds = check_random_state(random_state).randint(2**31 - 1, size=2).tolist()
    about["feature_split_"] = features.split
    weight = feature_weight
    if feature_weight == "auto":
        choice = choose_feature_weight(
            problem.Y, features.matrix, problem.loss, seeds[0], n_threads
        )
        weight = choice.weight
        about["feature_weight_scores_"] = {
            "candidates": choice.candidates,
            "log_likelihoods": choice.likelihoods,
        }
    about["feature_weight_"] = float(weight)
    if weight == 0:
        fitted, errors = best_fit(ENCODERS[encoder].fit, problem, n_init)
    else:
        found_shared: list[SharedFit] = []

        def fit(own: Problem) -> Fitted:
            found_shared.append(SHARED_ENCODERS[encoder].fit(own, features.matrix, float(weight)))
            return found_shared[-1].fitted

        fitted, errors = best_fit(fit, problem, n_init)
        shared = next(one for one in found_shared if one.fitted is fitted)
        about["feature_weights_"] = shared.feature_weights
        about["feature_encoder_"] = shared.feature_encoder
    if problem.Y.shape[1] <= MOST_LABELS:
        found = resemblance(problem.Y, features.matrix, seed=seeds[1], n_threads=n_threads)
        about["label_linkage_"], about["label_evidence_"] = found.linkage, found.evidence
        margins = np.bincount(problem.Y.indices, minlength=problem.Y.shape[1])
        about["label_counts_"] = margins.astype(np.float64)
    return fitted, about | {"init_losses_": np.array(errors)}
