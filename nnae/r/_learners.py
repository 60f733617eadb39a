"""R's learners in an R inside this process."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from nnae.r._conversion import from_r, to_r
from nnae.r._session import LEARNERS, errors_of_r, start


@cache
def rpy2_session() -> Rpy2Session:
    """Return the session, with R started and the learners read, once."""
    return Rpy2Session()


class Rpy2Session:
    """Fits and predicts with the functions of ``learners.R``."""

    def __init__(self) -> None:
        robjects = start()
        with errors_of_r():
            self._place = robjects.r["new.env"]()
            robjects.r["sys.source"](str(LEARNERS), envir=self._place)
        self._robjects = robjects

    def fit(
        self, task: str, learner: Any, X: Any, z: Any, weights: Any, seed: Any, settings: Any
    ) -> Any:
        """Return the serialised model."""
        r = self._robjects
        with errors_of_r():
            target = to_r(np.asarray(z))
            if task == "classifier":
                levels = to_r(np.arange(int(np.max(z)) + 1, dtype=np.int32))
                target = r.r["factor"](target, levels=levels)
            given = {name: to_r(_scalar(value)) for name, value in settings.items()}
            fitted = self._place["fit_learner"](
                task,
                to_r(learner),
                to_r(X),
                target,
                r.NULL if weights is None else to_r(np.asarray(weights, np.float64)),
                r.NULL if seed is None else int(seed),
                r.r["list"](**given),
            )
            return np.asarray(from_r(r.r["serialize"](fitted, r.NULL)), np.uint8)

    def predict(self, key: str, model: Any, X: Any) -> Any:
        """Return predictions (n x m)."""
        r = self._robjects
        with errors_of_r():
            if not self._place["knows"](key)[0]:
                self._place["remember"](key, r.r["unserialize"](to_r(model)))
            return from_r(self._place["predict_known"](key, to_r(X)))


def _scalar(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
