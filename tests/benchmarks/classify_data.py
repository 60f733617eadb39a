"""Data of the classification benchmark: name -> splits, features of norm one in every row.

Given splits are kept; where there is none, each seed draws one, a quarter of the rows for testing.
All methods get the same matrices. Rows without features or labels stay where they are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from label_data import data_folder

TEST_SHARE = 0.25


@dataclass
class Split:
    """Training and test rows; ``rows`` tells apart the test rows of different splits.

    ``groups`` are origins of training rows (None: all differ), where the split is by origin too.
    """

    X: Any
    Y: Any
    X_test: Any
    Y_test: Any
    rows: Any
    groups: Any = None


def names():
    """Return the data sets that are present."""
    folder = data_folder()
    found = [name for name in GIVEN if (folder / name / "Y_train.npz").is_file()]
    found += ["debian-tags", "emoji"]
    return found + [name for name, load in DRAWN.items() if load(folder) is not None]


def is_drawn(name):
    """Tell whether each seed has a split of its own."""
    return name in DRAWN


def split(name, seed):
    """Return the split of a data set for a seed."""
    folder = data_folder()
    if name in DRAWN:
        X, Y = DRAWN[name](folder)
        order = np.random.default_rng(seed).permutation(X.shape[0])
        cut = int(TEST_SHARE * len(order))
        test, train = np.sort(order[:cut]), np.sort(order[cut:])
        return _split(X[train], Y[train], X[test], Y[test], test)
    if name in GIVEN:
        parts = (sp.load_npz(folder / name / f"{part}.npz") for part in PARTS)
        return _split(*parts)
    import nnae.datasets

    data = getattr(nnae.datasets, f"load_{name.replace('-', '_')}")()
    found = _split(data.X_train, data.Y_train, data.X_test, data.Y_test)
    found.groups = data.get("sources_train")
    return found


def _split(X, Y, X_test, Y_test, rows=None):
    Y, Y_test = (sp.csr_matrix(M, dtype=np.float32) for M in (Y, Y_test))
    rows = np.arange(Y_test.shape[0]) if rows is None else rows
    return Split(unit_rows(X), Y, unit_rows(X_test), Y_test, rows)


def unit_rows(X):
    X = sp.csr_matrix(X, dtype=np.float32)
    norms = np.sqrt(np.asarray(X.multiply(X).sum(1)).ravel())
    scaled = sp.csr_matrix(sp.diags(1 / np.where(norms > 0, norms, 1)) @ X, dtype=np.float32)
    scaled.sort_indices()
    return scaled


def _cooking(folder):
    X, Y = (folder / "stackex_cooking" / f"stackex_cooking_{part}.npz" for part in "XY")
    return (sp.load_npz(X).tocsr(), sp.load_npz(Y).tocsr()) if X.is_file() else None


def _corel5k(folder):
    if not (folder / "corel5k" / "Y_train.npz").is_file():
        return None
    X, Y, X_test, Y_test = (sp.load_npz(folder / "corel5k" / f"{part}.npz") for part in PARTS)
    return sp.vstack([X, X_test], "csr"), sp.vstack([Y, Y_test], "csr")


PARTS = ("X_train", "Y_train", "X_test", "Y_test")
GIVEN = ("bibtex", "delicious")
DRAWN = {"cooking": _cooking, "corel5k": _corel5k}
