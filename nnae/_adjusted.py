"""Dependencies of labels that remain when columns of features are held fixed."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp
from scipy.stats import norm
from statsmodels.discrete.discrete_model import Logit
from statsmodels.tools.sm_exceptions import PerfectSeparationError

from nnae._contingency import Floats, Integers
from nnae._threads import one_blas_thread

_FARTHEST = 20.0  # a log odds ratio beyond it says that the likelihood has no maximum


def adjusted_odds(
    Y: sp.csr_matrix, covariates: Floats, a: Integers, b: Integers, alpha: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Regress label b on label a and the covariates by logistic regression, a pair at a time.

    Returns
    -------
    odds_ratio, low, high, p_value : ndarray, (m,)
        Of label a, with Wald's interval and test; NaN where the likelihood has no maximum.
    """
    spread = covariates.std(axis=0)
    scaled = (covariates - covariates.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scaled = scaled[:, spread > 0]
    design = np.column_stack([np.zeros(Y.shape[0]), np.ones(Y.shape[0]), scaled])
    columns = Y.tocsc()
    found = np.full((4, len(a)), np.nan)
    reach = float(norm.isf(alpha / 2))
    for number, (first, second) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        design[:, 0] = columns[:, [first]].toarray().ravel() != 0
        target = (columns[:, [second]].toarray().ravel() != 0).astype(np.float64)
        with one_blas_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fit = Logit(target, design).fit(disp=0, maxiter=100)
            except (PerfectSeparationError, np.linalg.LinAlgError):
                continue
        beta, error = float(fit.params[0]), float(fit.bse[0])
        if fit.mle_retvals["converged"] and abs(beta) < _FARTHEST and np.isfinite(error):
            ends = beta - reach * error, beta + reach * error
            found[:, number] = *np.exp([beta, *ends]), float(fit.pvalues[0])
    return found[0], found[1], found[2], found[3]
