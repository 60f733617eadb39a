"""A classifier to explain, and what every explanation must satisfy."""

import numpy as np
import scipy.sparse as sp
from planted_features import planted_features

from nnae import NNAE, TwoStepClassifier

TIGHT = 1e-6
LOSSES = ("bernoulli", "kullback-leibler", "frobenius")
DECODERS = ("linear", "neighbors", "kernel")
DIRECT = ("regression", "classification")
#: Classifiers of labels and of edges are kept in single precision, whatever the features are.
SINGLE = ("classification", "residual", "stack", "tree")


def planted_rows():
    """Return X, Y to fit and X of other rows, in double precision."""
    X, Y, X_test, _ = planted_features()
    return X, sp.csr_matrix(Y, dtype=np.float64), X_test


def fitted(rows, loss="bernoulli", decoder="linear", **options):
    X, Y, _ = rows
    compressor = NNAE((24, 8, 3), loss=loss, random_state=0, tol=1e-2)
    options = {"profile": "fast", "random_state": 0} | options
    return TwoStepClassifier(compressor, decoder=decoder, **options).fit(X, Y)


def best(model, x, place=0, **how):
    indices, scores = model.predict_topk(x[None], k=place + 1, **how)
    return int(indices[0, place]), float(scores[0, place])


def assert_adds_up(found):
    """Every table adds up to the score, to rounding, without a line that says so."""
    bound = TIGHT * max(abs(found.score), 1e-12)
    if found.decoder in SINGLE:
        assert abs(found.residual) <= 1e-5 * sum(abs(found.frame["contribution"]))
    else:
        assert abs(found.residual) <= bound
        assert "rounding" not in set(found.frame["kind"])
        assert abs(into(found) - found.score) <= bound
    assert abs(found.frame["contribution"].sum() - found.score) <= bound
    assert abs(found.features["contribution"].sum() - found.score) <= bound
    for _, level in found.levels.groupby("level"):
        assert abs(level["contribution"].sum() - found.score) <= bound
    for frame in found.details.values():
        assert "contribution" in frame


def into(found):
    """Return what flows into the label."""
    goal = next(at for at, node in enumerate(found.flow.nodes) if node["kind"] == "label")
    return sum(amount for _, at, amount in found.flow.links if at == goal)
