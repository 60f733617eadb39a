"""Race to the loss that scikit-learn reaches: both start from copies of the same factors.

scikit-learn takes its fixed number of sweeps (40 of `cd` for Frobenius, 100 of `mu` for
Kullback-Leibler, float32); nnae runs until its objective is at most the loss that came out. Each is
warmed up once, then they run in turn, several seeds. RcppML, where R has it, starts by itself and
is asked for the fewest of some numbers of sweeps that reach the loss. Seconds pass by the clock;
"cpu" are seconds of all threads together, which a busy machine disturbs less.
"""

import time
import warnings

import numpy as np
import rcppml
from label_data import data_sets, objective, starting_factors

HEADER = ("data", "loss", "seed", "rival", "its sweeps", "its seconds", "its cpu", "our sweeps",
          "our seconds", "our cpu", "ratio", "cpu ratio")  # fmt: skip
RACES = {"frobenius": ("cd", 40), "kullback-leibler": ("mu", 100)}


class Arrived(Exception):
    """The loss to beat has been reached."""


def theirs(Y, loss, start):
    """Return scikit-learn's loss, and its sweeps and seconds."""
    from sklearn.decomposition import NMF

    solver, sweeps = RACES[loss]
    model = NMF(len(start[1]), beta_loss=loss, solver=solver, init="custom", max_iter=sweeps, tol=0)
    W, H = start[0].copy(), start[1].copy()
    clock = Clock()
    W = model.fit_transform(Y, W=W, H=H)
    return objective(Y, W, model.components_, loss), (sweeps, *clock.read())


class Clock:
    """Seconds by the clock and of all threads together."""

    def __init__(self):
        self.begin, self.cpu = time.perf_counter(), time.process_time()

    def read(self):
        return time.perf_counter() - self.begin, time.process_time() - self.cpu


def ours(Y, loss, start, to_beat, n_threads, sweeps=400):
    """Return nnae's sweeps and seconds to the loss, three times None where it got stuck."""
    from nnae import NMF

    def look(sweep, value):
        if value <= to_beat:
            raise Arrived(sweep)

    model = NMF(
        len(start[1]), loss=loss, solver="cd", init=(start[0].copy(), start[1].copy()),
        max_iter=sweeps, tol=0, n_threads=n_threads, callback=look,
    )  # fmt: skip
    clock = Clock()
    try:
        model.fit(Y)
    except Arrived as arrived:
        return arrived.args[0], *clock.read()
    return None, None, None


def run(*, rank=64, seeds=5, n_threads=None, only=None, r_seeds=1):
    """Yield one row of the table after the other, HEADER first; a median closes each race."""
    yield HEADER
    warnings.simplefilter("ignore")  # both stop where they are told to, not where they converge
    for name in ("bbc food", "debian tags") if only is None else [only]:
        if name not in data_sets():
            continue
        Y = data_sets()[name]().astype(np.float32)
        for loss in RACES:
            to_beat, _ = theirs(Y, loss, starting_factors(Y, rank, 99))
            ours(Y, loss, starting_factors(Y, rank, 99), to_beat, n_threads)
            ratios = {}
            for seed in range(seeds):
                start = starting_factors(Y, rank, seed)
                to_beat, seconds = theirs(Y, loss, start)
                found = ours(Y, loss, start, to_beat, n_threads)
                rivals = {"scikit-learn": seconds}
                if loss == "frobenius" and seed < r_seeds and rcppml.is_there():
                    rivals["RcppML"] = rcppml.race(Y, rank, seed, to_beat, n_threads)
                for rival, its in rivals.items():
                    both = zip(its[1:], found[1:], strict=True)
                    pair = [x / y if x and y else None for x, y in both]
                    ratios.setdefault(rival, []).append(pair)
                    yield (name, loss, seed, rival, *its, *found, *pair)
            for rival, pairs in ratios.items():
                middle = [float(np.median([p[i] or 0 for p in pairs])) for i in (0, 1)]
                yield (name, loss, "median", rival, *[None] * 6, *middle)
