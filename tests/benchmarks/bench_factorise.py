"""nnae's factorisation beside its peers', and what a sweep costs.

Parts, each of which can be run by itself:

methods   time to the best loss that any method found, + 1 % and + 0.1 %, and memory
losses    seconds of a sweep of each loss beside Kullback-Leibler's
threads   seconds of a sweep on 1, 2, 4 .. threads, and in as many processes of one thread at once
growth    how a sweep grows with rows, labels, non-zeros and rank
memory    memory of a fit over input and factors
starts    how low named starts end, and when
layout    what a sparse Gram matrix and labels ordered by frequency would save

How near the kernels come to the machine's own speed is ``run.py kernels``, and the race to
scikit-learn's own loss ``run.py race``.
"""

import multiprocessing

import numpy as np
from factorise_costs import growth, losses, threads
from factorise_layout import layout
from factorise_memory import memory
from factorise_methods import methods as methods_of
from factorise_methods import race, seconds_to
from factorise_starts import starts
from label_data import data_sets, starting_factors
from peak_memory import peak_megabytes

HEADER = ("part", "data", "loss", "method", "fit", "what grows", "from", "to", "seed", "rows",
          "rank", "threads", "best loss", "loss over best", "seconds to + 1 %",
          "seconds to + 0.1 %", "ratio + 1 %", "ratio + 0.1 %", "peak MB", "seconds/sweep",
          "at the end", "power", "over kullback-leibler", "speed-up", "input MB", "factors MB",
          "used MB", "times", "seconds",
          "non-zero")  # fmt: skip
PARTS = ("methods", "losses", "threads", "growth", "memory", "starts", "layout")
#: Peers that take part with one seed: they are far behind, or take long.
SLOW = ("RcppML", "nimfa")
MARGINS = {"+ 1 %": 1.01, "+ 0.1 %": 1.001}


def methods(only, rank, n_threads, *, seeds, seconds, loss):
    """Yield a row for each method and seed, medians, and the memory of each method."""
    for name in [only] if only else ("bbc food", "debian tags"):
        if name not in data_sets():
            continue
        Y = data_sets()[name]().astype(np.float32)
        for each in [loss] if loss else ("frobenius", "kullback-leibler"):
            yield from race_of(name, Y, each, rank, n_threads, seeds, seconds)


def race_of(name, Y, loss, rank, n_threads, seeds, seconds):
    about = {"part": "methods", "data": name, "loss": loss, "rank": rank, "threads": n_threads}
    found = {}
    for seed in range(seeds):
        start = starting_factors(Y, rank, seed)
        traces = race(Y, start, loss, seconds, n_threads, seed, SLOW if seed else ())
        best = min(value for trace in traces.values() for _, value in trace)
        own = {margin: seconds_to(traces["nnae cd"], best * by) for margin, by in MARGINS.items()}
        for method, trace in traces.items():
            row = {"seed": seed, "method": method, "best loss": best,
                   "loss over best": min(value for _, value in trace) / best}  # fmt: skip
            for margin, by in MARGINS.items():
                at = row[f"seconds to {margin}"] = seconds_to(trace, best * by)
                row[f"ratio {margin}"] = at / own[margin] if at and own[margin] else None
            found.setdefault(method, []).append(row)
            yield about | row
    for method, rows in found.items():
        medians = {key: middle([row[key] for row in rows]) for key in rows[0] if is_time(key)}
        yield about | {"method": method, "seed": "median", **medians,
                       "peak MB": peak_of(name, method, loss, rank, n_threads)}  # fmt: skip


def is_time(key):
    return key.startswith(("seconds", "ratio", "loss over"))


def middle(values):
    """Return the median, with what was never reached as endless; None where that is the median."""
    value = float(np.median([np.inf if value is None else value for value in values]))
    return value if np.isfinite(value) else None


def peak_of(name, method, loss, rank, n_threads):
    """Return the peak memory of a process that makes a few sweeps; None for R's."""
    if method == "RcppML":
        return None
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(few_sweeps, (name, method, loss, rank, n_threads))


def few_sweeps(name, method, loss, rank, n_threads):
    Y = data_sets()[name]().astype(np.float32)
    methods_of(loss)[method](Y, starting_factors(Y, rank, 0), loss, 0.01, n_threads, 0)
    return peak_megabytes()


def run(*, parts=PARTS, rank=64, n_threads=2, only=None, seeds=3, seconds=8.0, loss=None):
    """Yield one row of the table after the other, HEADER first."""
    yield HEADER
    costs = {"losses": losses, "threads": threads, "growth": growth, "memory": memory,
             "starts": starts, "layout": layout}  # fmt: skip
    for part in parts:
        rows = (
            methods(only, rank, n_threads, seeds=seeds, seconds=seconds, loss=loss)
            if part == "methods"
            else costs[part](only, rank, n_threads)
        )
        for row in rows:
            yield tuple(row.get(name) for name in HEADER)
