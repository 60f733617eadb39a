"""Race to the loss that scikit-learn reaches: both start from copies of the same factors.

scikit-learn takes its fixed number of sweeps (40 of `cd` for Frobenius, 100 of `mu` for
Kullback-Leibler, float32); nnae runs until its objective is at most the loss that came out. Each is
warmed up once, then they run in turn, several seeds. The work of one sweep is compared apart, in
bench_factorise.py.
"""

import time
import warnings

import numpy as np
from bench_factorise import data_sets

HEADER = ("data", "loss", "seed", "their sweeps", "seconds", "our sweeps", "seconds", "ratio")
RACES = {"frobenius": ("cd", 40), "kullback-leibler": ("mu", 100)}


class Arrived(Exception):
    """The loss to beat has been reached."""


def theirs(Y, loss, start):
    """Return scikit-learn's loss and seconds."""
    from sklearn.decomposition import NMF

    solver, sweeps = RACES[loss]
    model = NMF(len(start[1]), beta_loss=loss, solver=solver, init="custom", max_iter=sweeps, tol=0)
    W, H = start[0].copy(), start[1].copy()
    begin = time.perf_counter()
    W = model.fit_transform(Y, W=W, H=H)
    seconds = time.perf_counter() - begin
    return objective(Y, W, model.components_, loss), seconds


def objective(Y, W, H, loss):
    """Return the objective in double precision, the constant parts as in method.md."""
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


def ours(Y, loss, start, to_beat, n_threads, sweeps=400):
    """Return nnae's sweeps and seconds to the loss, or None where it never got there."""
    from nnae import NMF

    def look(sweep, value):
        if value <= to_beat:
            raise Arrived(sweep)

    model = NMF(
        len(start[1]), loss=loss, solver="cd", init=(start[0].copy(), start[1].copy()),
        max_iter=sweeps, tol=0, n_threads=n_threads, callback=look,
    )  # fmt: skip
    begin = time.perf_counter()
    try:
        model.fit(Y)
    except Arrived as arrived:
        return arrived.args[0], time.perf_counter() - begin
    return None


def starting_factors(Y, rank, seed):
    """Return W (n x k) and H (k x L) as scikit-learn's random initialisation draws them."""
    random = np.random.RandomState(seed)
    scale = np.sqrt(Y.mean() / rank)
    W = np.abs(scale * random.randn(Y.shape[0], rank)).astype(np.float32)
    return W, np.abs(scale * random.randn(rank, Y.shape[1])).astype(np.float32)


def run(*, rank=64, seeds=5, n_threads=None, only=None):
    """Yield one row of the table after the other, HEADER first; a median closes each race."""
    yield HEADER
    warnings.simplefilter("ignore")  # both stop where they are told to, not where they converge
    for name in ("bbc food", "debian tags") if only is None else [only]:
        if name not in data_sets():
            continue
        Y = data_sets()[name]().astype(np.float32)
        for loss, (_, sweeps) in RACES.items():
            theirs(Y, loss, starting_factors(Y, rank, 99))
            ratios = []
            for seed in range(seeds):
                start = starting_factors(Y, rank, seed)
                to_beat, seconds = theirs(Y, loss, start)
                found = ours(Y, loss, start, to_beat, n_threads)
                ratios.append(seconds / found[1] if found else 0.0)
                yield (name, loss, seed, sweeps, seconds, *(found or ("-", "-")), ratios[-1])
            yield (name, loss, "median", sweeps, "", "", "", float(np.median(ratios)))
