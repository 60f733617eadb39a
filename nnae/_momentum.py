"""Momentum on the weights of a factorisation, with a guard: the objective never rises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnae import _core
from nnae._factors import Array, Factors, floor_of

#: Share of the last step of the weights that is taken again, at first and at most.
FIRST, MOST = 0.5, 1.0
#: Growth of the share after a success and of its ceiling; division of the share after a failure.
GROWTH, RELIEF, SETBACK = 1.05, 1.01, 1.5


class Momentum:
    r"""Starts each sweep from weights a little ahead of where the last one ended.

    .. math:: \tilde W = \max(0, W_t + \beta (W_t - W_{t-1}))

    The schedule of :math:`\beta` is that of Ang and Gillis (2019). Only the weights are moved
    ahead: the codes follow them within the sweep, and there are fewer weights to keep. A sweep
    after which the objective is higher than before is undone and done again without momentum, which
    cannot raise it.

    Parameters
    ----------
    factors : Factors
        Its objective must be cheap; for Frobenius it comes with the descent. One more copy of the
        codes and two of the weights are held.
    """

    def __init__(self, factors: Factors) -> None:
        self.factors = factors
        self.share, self.ceiling = FIRST, MOST
        self.before: Array | None = None
        self.codes = np.empty_like(factors.Z)

    def improve(self, descend: Callable[[], None]) -> None:
        """Run one descent of codes and weights, from weights moved ahead where that helps."""
        factors = self.factors
        weights = factors.Wt.copy()
        if self.before is None:
            descend()
        elif not self._ahead(weights, weights - self.before, descend):
            _core.copy_rows(self.codes, factors.Z, factors.n_threads)
            factors.Wt[...] = weights
            factors.codes_changed()
            factors.weights_changed()
            self.ceiling = self.share
            self.share /= SETBACK
            descend()
        self.before = weights

    def _ahead(self, weights: Array, step: Array, descend: Callable[[], None]) -> bool:
        """Descend from weights moved ahead; tell whether that ended below the start."""
        factors, start = self.factors, self.factors.objective()
        _core.copy_rows(factors.Z, self.codes, factors.n_threads)
        lowest = 0.0 if factors.loss == "frobenius" else floor_of(weights.dtype)
        np.multiply(step, weights.dtype.type(self.share), out=factors.Wt)
        factors.Wt += weights
        np.maximum(factors.Wt, weights.dtype.type(lowest), out=factors.Wt)
        factors.weights_changed()
        descend()
        if not factors.objective() <= start:
            return False
        self.share = min(self.ceiling, GROWTH * self.share)
        self.ceiling = min(MOST, RELIEF * self.ceiling)
        return True
