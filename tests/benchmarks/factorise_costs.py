"""What a sweep of nnae costs: by loss, by number of threads, and as the data grow."""

import multiprocessing
import os
import time
import warnings

import numpy as np
from label_data import data_sets, starting_factors, zipf_labels

LOSSES = ("frobenius", "kullback-leibler", "bernoulli")
#: Sweeps that are not counted: the first are multiplicative, the next find most codes moving.
SETTLING = 8


def sweep_seconds(Y, rank, loss, n_threads, sweeps=12):
    """Return the seconds of each settled sweep of coordinate descent, its objective included."""
    from nnae import NMF

    passed = []
    model = NMF(
        rank, loss=loss, solver="cd", init=starting_factors(Y, rank, 0), tol=0,
        max_iter=SETTLING + sweeps, n_threads=n_threads,
        callback=lambda sweep, value: passed.append(time.perf_counter()),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(Y)
    return np.diff(passed)[SETTLING - 1 :].tolist()


def in_turn(cases, repeats=3):
    """Return the median of the seconds of every case, all of them measured in turn."""
    found = [[] for _ in cases]
    for _ in range(repeats):
        for at, case in enumerate(cases):
            found[at] += sweep_seconds(*case)
    return [float(np.median(each)) for each in found]


def losses(only, rank, n_threads):
    """Yield rows: seconds of a sweep of every loss, and their ratio to Kullback-Leibler's."""
    for name in [only] if only else ("bbc food", "debian tags"):
        if name not in data_sets():
            continue
        Y = data_sets()[name]().astype(np.float32)
        each = in_turn([(Y, rank, loss, n_threads) for loss in LOSSES])
        for loss, seconds in zip(LOSSES, each, strict=True):
            yield {
                "part": "losses", "data": name, "loss": loss, "rank": rank, "threads": n_threads,
                "seconds/sweep": seconds, "over kullback-leibler": seconds / each[1],
            }  # fmt: skip


def at_once(case, count, repeats=3):
    """Return the median seconds of a sweep in ``count`` processes that work at the same time."""
    spawned = multiprocessing.get_context("spawn")
    with spawned.Manager() as manager, spawned.Pool(count) as pool:
        together = manager.Barrier(count)
        found = pool.starmap(sweeps_together, [(together, case, repeats)] * count, chunksize=1)
    return float(np.median([seconds for each in found for seconds in each]))


def sweeps_together(together, case, repeats):
    found = sweep_seconds(*case, sweeps=1)  # warms up
    found.clear()
    for _ in range(repeats):
        together.wait()
        found += sweep_seconds(*case)
    return found


def threads(only, rank, n_threads):
    """Yield rows: seconds of a sweep on 1, 2, 4 .. threads, and how many times faster than 1.

    What the machine allows stands beside each number of threads: as many processes, of one thread
    and the same work each, at the same time. They share nothing but caches, memory and clock.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    counts = [1 << power for power in range(10) if 1 << power <= max(cores, n_threads or 1)]
    for name in [only] if only else ("bbc food", "debian tags"):
        if name not in data_sets():
            continue
        Y = data_sets()[name]().astype(np.float32)
        for loss in LOSSES:
            each = in_turn([(Y, rank, loss, count) for count in counts])
            for count, seconds in zip(counts, each, strict=True):
                yield {
                    "part": "threads", "data": name, "loss": loss, "rank": rank, "threads": count,
                    "seconds/sweep": seconds, "speed-up": each[0] / seconds,
                }  # fmt: skip
            for count in counts[1:]:
                seconds = at_once((Y, rank, loss, 1), count)
                yield {
                    "part": "threads", "data": name, "loss": loss, "rank": rank, "threads": 1,
                    "fit": f"{count} processes at once", "seconds/sweep": seconds,
                    "speed-up": count * each[0] / seconds,
                }  # fmt: skip


#: What grows, and the generated matrices (rows, labels, labels a row, rank) that it grows over.
GROWTH = {
    "rows": [(n, 1_000, 5.0, 32) for n in (10_000, 20_000, 40_000, 80_000)],
    "labels": [(10_000, m, 5.0, 32) for m in (1_000, 2_000, 4_000, 8_000)],
    "labels a row": [(10_000, 1_000, each, 32) for each in (2.5, 5.0, 10.0, 20.0)],
    "rank": [(10_000, 1_000, 5.0, k) for k in (16, 32, 64, 128)],
}


def growth(only, rank, n_threads):
    """Yield rows: by which power of what grows a sweep grows, from a line through logarithms."""
    for loss in LOSSES:
        for what, sizes in GROWTH.items():
            cases = [
                (zipf_labels(n, m, each).astype(np.float32), k, loss, n_threads)
                for n, m, each, k in sizes
            ]
            grown = [case[0].nnz for case in cases] if what == "labels a row" else [
                size[{"rows": 0, "labels": 1, "rank": 3}[what]] for size in sizes
            ]  # fmt: skip
            seconds = in_turn(cases, repeats=2)
            power = float(np.polyfit(np.log(grown), np.log(seconds), 1)[0])
            yield {
                "part": "growth", "loss": loss, "threads": n_threads,
                "what grows": "non-zeros" if what == "labels a row" else what,
                "from": grown[0], "to": grown[-1], "seconds/sweep": seconds[0],
                "at the end": seconds[-1], "power": power,
            }  # fmt: skip
