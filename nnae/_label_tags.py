"""What scikit-learn has to know of estimators of label matrices."""

from __future__ import annotations

from typing import Any


class LearnsLabels:
    """Declares sparse input and label matrices; stands left of ``BaseEstimator``."""

    def __sklearn_tags__(self) -> Any:
        """Declare it to scikit-learn 1.6 and later."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.target_tags.positive_only = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {
            "requires_y": True,
            "multioutput": True,
            "multioutput_only": True,
            "multilabel": True,
            "requires_positive_y": True,
        }
