"""Numbers of rankings, and paired bootstrap intervals over test rows."""

import numpy as np
import scipy.sparse as sp

from nnae import metrics

RESAMPLES = 2000
KS = (1, 3, 5)


def numbers(split, ranking, sets, p):
    """Return measures by name: of a ranking, and of label sets."""
    found = {f"P@{k}": metrics.precision_at_k(split.Y_test, ranking, k) for k in KS}
    found |= {f"nDCG@{k}": metrics.ndcg_at_k(split.Y_test, ranking, k) for k in KS[1:]}
    found |= {f"PSP@{k}": metrics.psp_at_k(split.Y_test, ranking, k, p) for k in KS}
    averages = ("micro", "macro", "examples")
    return found | {f"{kind} F1": metrics.f1(split.Y_test, sets, kind) for kind in averages}


def by_propensity(wide, scores, p):
    """Return a ranking by score over propensity of labels that were ranked by score."""
    value = np.where(wide >= 0, np.maximum(scores, 0) / p[np.maximum(wide, 0)], -np.inf)
    order = np.argsort(-value, axis=1, kind="stable")[:, :5]
    return np.take_along_axis(wide, order, 1)


def sets_of_equal_size(split, wide, scores):
    """Predict the best scored entries of all rows, as many a row as training rows have labels.

    One rule for methods that rank only; it looks at no test label.
    """
    wanted = round(split.Y.nnz / split.Y.shape[0] * len(wide))
    flat = np.where(wide >= 0, scores, -np.inf).ravel()
    best = np.argsort(-flat, kind="stable")[:wanted]
    best = best[np.isfinite(flat[best])]
    rows, columns = best // wide.shape[1], wide.ravel()[best]
    return sp.csr_matrix((np.ones(len(best)), (rows, columns)), split.Y_test.shape)


def per_row(split, ranking, p):
    """Return what a bootstrap adds up: for each measure gained (n) and attainable (n)."""
    ones = np.ones(len(ranking))
    found = {}
    for k in KS:
        found[f"P@{k}"] = metrics.precision_per_row(split.Y_test, ranking, k), ones
        found[f"PSP@{k}"] = metrics.psp_per_row(split.Y_test, ranking, k, p)
    return found


def difference(rows, ours, theirs):
    """Return mean and 95 % interval of the difference of two methods' measures.

    ``rows``, ``ours`` and ``theirs`` have one entry a seed: numbers of test rows, and (gained,
    attainable) of them. Rows are drawn with all their seeds, so that a row tested twice counts
    once.
    """
    known, at = np.unique(np.concatenate(rows), return_inverse=True)

    def summed(parts, which):
        return np.bincount(at, np.concatenate([part[which] for part in parts]), len(known))

    gain = summed(ours, 0) - summed(theirs, 0)
    total = summed(ours, 1)
    random = np.random.default_rng(0)
    drawn = [random.integers(0, len(known), len(known)) for _ in range(RESAMPLES)]
    means = [gain[rows].sum() / max(total[rows].sum(), 1e-12) for rows in drawn]
    low, high = np.quantile(means, [0.025, 0.975])
    return gain.sum() / max(total.sum(), 1e-12), low, high
