"""Layouts that nnae does not use, beside those that it does: what they would save.

The Gram matrix of fitted codes as a sparse product (scipy's, the transpose at hand) beside the
dense one, and sweeps over labels as given, in a random order and by frequency. Processor time, one
thread, the least of several.
"""

import time
import warnings

import numpy as np
import scipy.sparse as sp
from bench_kernels import least
from factorise_costs import LOSSES, SETTLING
from label_data import data_sets, starting_factors


def layout(only, rank, n_threads):
    """Yield rows: seconds of each layout, and the density of the codes where it matters."""
    for name in [only] if only else ("bbc food", "debian tags"):
        if name not in data_sets():
            continue
        Y = data_sets()[name]().astype(np.float32)
        about = {"part": "layout", "data": name, "rank": rank, "threads": 1}
        for fit, seconds, share in gram_of_codes(Y, rank):
            yield about | {"loss": "frobenius", "fit": fit, "seconds": seconds, "non-zero": share}
        for loss in LOSSES:
            for order, seconds in orders(Y, rank, loss).items():
                yield about | {"loss": loss, "fit": order, "seconds/sweep": seconds}


def gram_of_codes(Y, rank):
    from nnae import NMF, _core

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = starting_factors(Y, rank, 0)
        codes = NMF(rank, loss="frobenius", init=start, max_iter=20, tol=0).fit(Y).codes_
    rows = sp.csr_matrix(codes)
    columns, share = sp.csr_matrix(rows.T), rows.nnz / codes.size
    yield "Gram matrix, dense", least(lambda: _core.gram(codes, 1)), share
    yield "Gram matrix, sparse", least(lambda: columns @ rows), share


def orders(Y, rank, loss, repeats=3):
    """Return order -> least seconds of a settled sweep; all orders in turn."""
    by_frequency = np.argsort(-np.asarray(Y.sum(axis=0)).ravel(), kind="stable")
    given = {
        "labels as given": np.arange(Y.shape[1]),
        "labels at random": np.random.default_rng(0).permutation(Y.shape[1]),
        "labels by frequency": by_frequency,
    }
    found = dict.fromkeys(given, np.inf)
    for _ in range(repeats):
        for name, order in given.items():
            found[name] = min(found[name], least_sweep(Y, order, rank, loss))
    return found


def least_sweep(Y, order, rank, loss):
    from nnae import NMF

    permuted, (W, H), passed = sp.csr_matrix(Y[:, order]), starting_factors(Y, rank, 0), []
    permuted.sort_indices()
    model = NMF(
        rank, loss=loss, init=(W, H[:, order]), max_iter=SETTLING + 6, tol=0, n_threads=1,
        callback=lambda sweep, value: passed.append(time.process_time()),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(permuted)
    return float(np.diff(passed)[SETTLING - 1 :].min())
