"""Features that are noisy mixtures of the groups of planted labels, and a baseline."""

import numpy as np
import scipy.sparse as sp

from nnae.datasets import make_label_hierarchy
from nnae.metrics import precision_at_k


def planted_features():
    """Return X, Y of 300 training rows and of 100 others."""
    Y = sp.csr_matrix(make_label_hierarchy(400, random_state=0).Y)
    rng = np.random.default_rng(0)
    groups = np.repeat(np.eye(12), 6, axis=0)
    X = Y @ groups @ rng.normal(size=(12, 30)) + 0.5 * rng.normal(size=(400, 30))
    return X[:300], Y[:300], X[300:], Y[300:]


def popularity(Y, Y_test, k):
    """Return P@k of the labels that are most frequent in training."""
    order = np.argsort(-np.asarray(Y.sum(0)).ravel(), kind="stable")[:k]
    return precision_at_k(Y_test, np.tile(order, (Y_test.shape[0], 1)), k)
