"""Label matrices that benchmarks share: bundled ones, generated ones, and those of NNAE_DATA."""

import os
from pathlib import Path

import numpy as np
import scipy.sparse as sp


def data_sets():
    """Return name -> function that gives labels (csr, float64): bundled ones, then found ones."""
    found = {"debian tags": debian_tags, "zipf labels": zipf_labels}
    if (food := data_folder() / "bbc_food" / "Y.npz").is_file():
        found["bbc food"] = lambda: sp.csr_matrix(sp.load_npz(food), dtype=np.float64)
    return found


def data_folder():
    root = Path(__file__).resolve().parents[2]
    return Path(os.environ.get("NNAE_DATA", root.parent / "shared" / "data"))


def debian_tags():
    from nnae.datasets import load_debian_tags

    return sp.csr_matrix(load_debian_tags().Y_train, dtype=np.float64)


def zipf_labels(n_samples=10_000, n_labels=1_000, labels_per_row=5.0):
    from nnae.datasets import make_zipf_labels

    data = make_zipf_labels(n_samples, n_labels, 20, labels_per_row, random_state=0)
    return sp.csr_matrix(data.Y, dtype=np.float64)


def starting_factors(Y, rank, seed):
    """Return W (n x k) and H (k x L) as scikit-learn's random initialisation draws them."""
    random = np.random.RandomState(seed)
    scale = np.sqrt(Y.mean() / rank)
    W = np.abs(scale * random.randn(Y.shape[0], rank)).astype(np.float32)
    return W, np.abs(scale * random.randn(rank, Y.shape[1])).astype(np.float32)


def objective(Y, W, H, loss):
    """Return the objective in double precision, the constant parts as in nnae."""
    W, H = W.astype(np.float64), H.astype(np.float64)
    rows = np.repeat(np.arange(Y.shape[0]), np.diff(Y.indptr))
    rates = np.empty(Y.nnz)
    for at in range(0, Y.nnz, 1 << 16):
        part = slice(at, at + (1 << 16))
        rates[part] = np.einsum("ij,ij->i", W[rows[part]], H.T[Y.indices[part]])
    y = Y.data.astype(np.float64)
    if loss == "frobenius":
        return float((y * y - 2 * y * rates).sum() + np.sum((W.T @ W) * (H @ H.T)))
    return float((y * np.log(y / np.maximum(rates, 1e-30)) - y).sum() + W.sum(0) @ H.sum(1))
