"""Fit the linear encoder on a generated million rows, and look at what it found.

Labels have Zipf's frequencies and fall into 60 planted groups. A fit has default stopping: seconds
by the clock and of all threads, peak memory of the process (labels, count, fit and tree; the
generator runs elsewhere), adjusted Rand index of the clusters of level 2 with the planted groups.
The rows below time a sweep after the count on some rows and on the same rows ten times over.
"""

import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from peak_memory import peak_megabytes

HEADER = ("work", "rows", "non-zeros", "of C", "widths", "sweeps", "seconds", "cpu", "peak MB",
          "ARI")  # fmt: skip
WIDTHS = (256, 64, 16)


def generate(path, n_samples, n_labels):
    from nnae.datasets import make_zipf_labels

    data = make_zipf_labels(n_samples, n_labels, 60, 5.1, random_state=0)
    sp.save_npz(path / "Y.npz", sp.csr_matrix(data.Y, dtype=np.float32), compressed=False)
    np.save(path / "groups.npy", data.groups)


def fit(path, n_threads, seed):
    """Return the first row of the table."""
    from sklearn.metrics import adjusted_rand_score

    import nnae

    begin, cpu = time.perf_counter(), time.process_time()
    Y = sp.load_npz(path / "Y.npz")
    model = nnae.NNAE(WIDTHS, encoder="linear", random_state=seed, n_threads=n_threads).fit(Y)
    passed = time.perf_counter() - begin, time.process_time() - cpu
    clusters = nnae.LabelHierarchy.from_compressor(model).clusters(2)
    peak = peak_megabytes(resource.RUSAGE_SELF)
    found = adjusted_rand_score(np.load(path / "groups.npy"), clusters)
    sweeps = sum(len(curve) for curve in model.pretraining_curves_)
    counted, widths = model.counts_.nnz, "-".join(map(str, WIDTHS))
    return (f"fit, seed {seed}", Y.shape[0], Y.nnz, counted, widths, sweeps, *passed, peak, found)


def sweep(path, times, n_threads, sweeps=4):
    """Return a row for one sweep over level 1, the count left out."""
    from nnae._linear_encoder import Counts, LinearLevel

    Y = sp.load_npz(path / "Y.npz")[:100_000]
    Y = sp.csr_matrix(sp.vstack([Y] * times))
    counts = Counts.of_labels(Y, n_threads)
    Bt = np.random.default_rng(0).random((Y.shape[1], WIDTHS[0])).astype(np.float32)
    level = LinearLevel(counts, Bt)
    level.sweep(1)
    passed = []
    for number in range(2, 2 + sweeps):
        begin, cpu = time.perf_counter(), time.process_time()
        level.sweep(number)
        passed.append((time.perf_counter() - begin, time.process_time() - cpu))
    least = [min(column) for column in zip(*passed, strict=True)]
    peak = peak_megabytes(resource.RUSAGE_SELF)
    width = str(WIDTHS[0])
    return (
        f"a sweep, {times} x",
        Y.shape[0],
        Y.nnz,
        counts.matrix.nnz,
        width,
        1,
        *least,
        peak,
        None,
    )


def run(*, n_samples=1_186_239, n_labels=13_330, n_threads=None, seeds=1):
    """Yield one row of the table after the other, HEADER first."""
    yield HEADER
    context = multiprocessing.get_context("spawn")  # a fresh process: its peak memory is its own
    with tempfile.TemporaryDirectory() as folder:
        work = [(generate, (n_samples, n_labels))]
        work += [(fit, (n_threads, seed)) for seed in range(seeds)]
        work += [(sweep, (times, n_threads)) for times in (1, 10)]
        for function, options in work:
            with context.Pool(1) as pool:
                row = pool.apply(function, (Path(folder), *options))
            if row is not None:
                yield row
