"""Where accuracy is lost: in the decoder, on the way from features to codes, by the thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from nnae._bands import BANDS, frequency_bands
from nnae._decisions import ranking_to_csr
from nnae.metrics import f1, precision_at_k

Array = npt.NDArray[Any]
KS = (1, 3, 5)


def budget_frame(
    truth: Any, ceiling: Array, predicted: Array, kept: Array, counts: Any
) -> pd.DataFrame:
    """Return the losses of one model on rows with known labels.

    Parameters
    ----------
    truth : csr_matrix (n x L)
    ceiling, predicted : ndarray of int (n x k)
        Rankings from the codes of the true labels, and from predicted codes.
    kept : ndarray of int (n x k)
        ``predicted`` with -1 where a label was not predicted.
    counts : ndarray of int (L)
        Of labels in training.
    """
    bands = frequency_bands(counts)
    sizes = np.diff(truth.indptr)[:, None]
    rows = {}
    for name, ranking in (("ceiling", ceiling), ("predicted", predicted), ("decided", kept)):
        first = ranking if name == "decided" else _first(ranking, sizes)
        sets = ranking_to_csr(first, np.ones(first.shape), truth.shape[1])
        values = [float(precision_at_k(truth, _wide(ranking), k)) for k in KS]
        values.append(float(f1(truth, sets, "micro")))
        for band in range(len(BANDS)):
            columns = np.flatnonzero(bands == band)
            values.append(_f1_of(truth[:, columns], sets[:, columns]))
        rows[name] = values
    names = [*(f"P@{k}" for k in KS), "F1", *(f"F1 {band}" for band in BANDS)]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    frame.loc["lost"] = frame.loc["ceiling"] - frame.loc["predicted"]
    frame.loc["lost to thresholds"] = frame.loc["predicted"] - frame.loc["decided"]
    return frame.loc[["ceiling", "predicted", "lost", "decided", "lost to thresholds"]]


def _first(ranking: Array, sizes: Array) -> Array:
    """Return as many of the best labels of each row as it truly has."""
    return np.where(np.arange(ranking.shape[1]) < sizes, ranking, -1)


def _wide(ranking: Array) -> Array:
    """Return at least five columns."""
    missing = max(KS) - ranking.shape[1]
    return np.pad(ranking, ((0, 0), (0, max(0, missing))), constant_values=-1)


def _f1_of(truth: sp.csr_matrix, sets: sp.csr_matrix) -> float:
    """Return micro F1, 0 where there is no label."""
    return float(f1(truth, sets, "micro")) if truth.shape[1] else 0.0
