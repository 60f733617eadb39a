"""Time a sweep of every loss and solver beside scikit-learn's, each in a process of its own."""

import multiprocessing
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

HEADER = ("data", "who", "loss", "solver", "rows", "non-zeros", "rank", "seconds/sweep", "peak MB")


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


def zipf_labels():
    from nnae.datasets import make_zipf_labels

    return sp.csr_matrix(make_zipf_labels(random_state=0).Y, dtype=np.float64)


def fits(rank, n_threads):
    """Return (who, loss, solver) -> function of the sweeps that gives an estimator."""
    from sklearn.decomposition import NMF as ScikitNMF

    from nnae import NMF

    def ours(loss, solver):
        return lambda sweeps: NMF(
            rank, loss=loss, solver=solver, init="random", max_iter=sweeps, tol=0, random_state=0,
            n_threads=n_threads,
        )  # fmt: skip

    def theirs(loss, solver):
        return lambda sweeps: ScikitNMF(
            rank, beta_loss=loss, solver=solver, init="random", max_iter=sweeps, tol=0,
            random_state=0,
        )  # fmt: skip

    table = {}
    for loss, solver in [("frobenius", "mu"), ("frobenius", "cd"), ("kullback-leibler", "mu")]:
        table["nnae", loss, solver] = ours(loss, solver)  # in turn: a busy machine slows both
        table["scikit-learn", loss, solver] = theirs(loss, solver)
    for loss, solver in [("kullback-leibler", "cd"), ("bernoulli", "mu"), ("bernoulli", "cd")]:
        table["nnae", loss, solver] = ours(loss, solver)
    return table


def measure(name, key, rank, sweeps, n_threads):
    """Fit for a few sweeps and for more: their difference leaves out the start."""
    Y = data_sets()[name]()
    make = fits(rank, n_threads)[key]
    few = 4  # nnae's coordinate descent begins with three multiplicative sweeps
    seconds = []
    for count in (few, few, few + sweeps):  # the first one warms up
        begin = time.perf_counter()
        make(count).fit(Y)
        seconds.append(time.perf_counter() - begin)
    each = (seconds[2] - seconds[1]) / sweeps
    return (name, *key, Y.shape[0], Y.nnz, rank, each, peak_megabytes(resource.RUSAGE_SELF))


def peak_megabytes(who):
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(who).ru_maxrss / unit


def run(*, rank=50, sweeps=5, n_threads=None, only=None):
    """Yield one row of the table after the other, HEADER first."""
    yield HEADER
    context = multiprocessing.get_context("spawn")  # a fresh process: its peak memory is its own
    for name in data_sets() if only is None else [only]:
        for key in fits(rank, n_threads):
            with context.Pool(1) as pool:
                yield pool.apply(measure, (name, key, rank, sweeps, n_threads))
