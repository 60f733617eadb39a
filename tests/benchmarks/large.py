"""Benchmarks of what is large: ``python tests/benchmarks/large.py NAME``.

memory   rows streamed from disk: peak memory of n rows beside a tenth of them
cluster  counting and step two on Dask, two workers of one thread beside one
workers  a worker killed at random moments, again and again
costs    processor seconds of the parts of a streamed fit
kills    fits and saves killed with SIGKILL at random moments, then resumed
leaks    resident memory after 100 and after 1,000 small fits

All but costs take ``--store FILE``, which adds what they found to a table, see stored.py; so does
``python tests/fuzz/run.py``.
"""

import argparse
import shlex
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import stored
from large_cluster import cluster, workers
from large_faults import kills, leaks
from large_memory import PARTS, memory, stream
from large_rows import LABELS, generated

import nnae
from nnae.io import row_blocks


def costs(options):
    """Print processor seconds of the parts of a streamed fit, for the page about limits."""
    from nnae._block_sums import MeasureRows, gram_of, transposed_product
    from nnae._linear_encoder import LinearLevel
    from nnae._streamed_fit import fit_counts, space_of

    rows, k = options.rows, options.width
    blocks = row_blocks(lambda: iter([generated(0, rows)]))

    def timed(name, work, per, unit):
        start = time.process_time()
        found = work()
        print(f"{name:34} {(time.process_time() - start) / per:9.3g} s {unit}", flush=True)
        return found

    block = timed("generate a block", lambda: next(iter(blocks)), rows, "a row")
    measure = MeasureRows(1, False)
    sums = timed("count labels that occur together", lambda: measure(block), rows, "a row")
    pairs = np.square(np.diff(block.X.indptr), dtype=float).sum()
    timed("X'X, a pair of features", lambda: gram_of(block.X, 1), pairs, "a pair")
    T = np.random.default_rng(0).random((rows, k))
    timed("X'T", lambda: transposed_product(block.X, T, 1), block.X.nnz * k, "a product")
    model = nnae.NNAE((k,), encoder="linear", random_state=0, pretrain_iter=1, tol=0, n_threads=1)
    model.take_counts(sums, space_of(blocks, sums))
    counts = fit_counts(model, sums)[0].counts
    level = LinearLevel(counts, np.ascontiguousarray(model.weights_[0].T))
    products = counts.matrix.nnz * k + LABELS * k * k
    timed("a sweep of the linear encoder", lambda: level.sweep(1), products, "a product")
    classifier = nnae.TwoStepClassifier(model, prefit=True, random_state=0, n_threads=1)
    classifier.fit(blocks)
    some = block.X[:8192]
    work = 8192 * k * LABELS
    timed("rank labels", lambda: classifier.predict_topk(some, 5), work, "a product")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)

    def command(name, run):
        own = commands.add_parser(name)
        own.set_defaults(run=run)
        if run not in (stream, costs):
            own.add_argument("--store", metavar="FILE", help="add what is found to a table")
        return own

    own = command("memory", memory)
    own.add_argument("--rows", type=int, default=12_000_000)
    own.add_argument("--folder", default=tempfile.gettempdir())
    own.add_argument("--threads", type=int, default=1)
    own.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    own = command("stream", stream)
    own.add_argument("folder")
    own.add_argument("part", choices=PARTS)
    own.add_argument("--threads", type=int, default=1)
    own = command("costs", costs)
    own.add_argument("--rows", type=int, default=65_536)
    own.add_argument("--width", type=int, default=100)
    own = command("cluster", cluster)
    own.add_argument("--blocks", type=int, default=64)
    own.add_argument("--rows", type=int, default=32_768)
    own.add_argument("--times", type=int, default=2)
    own = command("workers", workers)
    own.add_argument("--blocks", type=int, default=24)
    own.add_argument("--times", type=int, default=10)
    own.add_argument("--seconds", type=float, default=3.0)
    own = command("kills", kills)
    own.add_argument("--times", type=int, default=100)
    own.add_argument("--seconds", type=float, default=3.0)
    own = command("leaks", leaks)
    own.add_argument("--fits", type=int, default=1000)
    options = parser.parse_args()
    rows = list(options.run(options) or ())
    if getattr(options, "store", None):
        with stored.alone_in(Path(options.store).parent):
            stored.add(options.store, typed(sys.argv[1:]), stored.LARGE, rows)


def typed(words):
    """Return the command line as a reader may type it, without where things are kept."""
    kept, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        if word in ("--store", "--folder"):
            rest.pop(0)
        else:
            kept.append(shlex.quote(word))
    return " ".join(["python tests/benchmarks/large.py", *kept])


if __name__ == "__main__":
    main()
