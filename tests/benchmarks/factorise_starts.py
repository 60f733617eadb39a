"""Named starts of a factorisation: how low each ends, and after how many seconds."""

import time
import warnings

import numpy as np
from factorise_costs import LOSSES
from label_data import data_sets

STARTS = ("nndsvda", "nndsvdar", "nndsvd", "random")
SEEDS = 5
TOLERANCE = 1e-6


def starts(only, rank, n_threads):
    """Yield a row for each start: the median loss over seeds, beside that of the best start."""
    for name in [only] if only else ("bbc food", "debian tags"):
        if name not in data_sets():
            continue
        Y = data_sets()[name]().astype(np.float32)
        for loss in LOSSES:
            found = {start: ends(Y, rank, loss, start, n_threads) for start in STARTS}
            best = min(np.median(values) for values, _ in found.values())
            for start, (values, seconds) in found.items():
                yield {
                    "part": "starts", "data": name, "loss": loss, "fit": start, "rank": rank,
                    "threads": n_threads, "seed": "median", "best loss": min(values),
                    "loss over best": float(np.median(values)) / best, "seconds": seconds,
                }  # fmt: skip


def ends(Y, rank, loss, start, n_threads):
    """Return the last objective of every seed, and the median of processor seconds."""
    from nnae import NMF

    values, seconds = [], []
    for seed in range(SEEDS):
        model = NMF(
            rank, loss=loss, init=start, tol=TOLERANCE, max_iter=2000, random_state=seed,
            n_threads=n_threads,
        )  # fmt: skip
        begin = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values.append(float(model.fit(Y).loss_))
        seconds.append(time.process_time() - begin)
    return values, float(np.median(seconds))
