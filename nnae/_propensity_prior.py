r"""How strongly rare labels are lifted where propensity-scored precision counts.

Scores are multiplied by :math:`p_j^{-e}`, p the propensities of labels. With calibrated scores
e = 1 would be best; scores of rare labels are too low or too high by a part that e makes good.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae.metrics import psp_at_k

Array = npt.NDArray[Any]

#: Exponents that are tried; the first is taken where nothing can be tried.
EXPONENTS = (1.0, 0.5, 0.75, 1.25, 1.5, 1.75, 2.0)
#: Rows that the exponent is chosen on.
SAMPLE = 10_000


def choose_exponent(Y: Any, labels: Array, scores: Array, propensities: Array) -> float:
    """Return the exponent whose ranking has the largest mean of PSP@1, PSP@3 and PSP@5.

    Parameters
    ----------
    Y : csr_matrix of shape (n, L)
        True labels.
    labels, scores : ndarray of shape (n, c)
        Ranked labels of the same rows, by models that have not seen them; -1 where there is none.
    propensities : ndarray of shape (L,)
    """
    n = len(labels)
    if n == 0 or labels.shape[1] == 0:
        return EXPONENTS[0]
    rows = np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64)
    Y, labels = Y[rows], labels[rows]
    scores = np.where(labels >= 0, scores[rows], -np.inf)
    lift = propensities[np.maximum(labels, 0)]
    found = {}
    for exponent in EXPONENTS:
        order = np.argsort(-scores * lift**-exponent, axis=1, kind="stable")[:, :5]
        top = np.take_along_axis(labels, order, 1)
        places = [k for k in (1, 3, 5) if k <= top.shape[1]]
        found[exponent] = sum(psp_at_k(Y, top, k, propensities) for k in places)
    return max(EXPONENTS, key=lambda exponent: found[exponent])
