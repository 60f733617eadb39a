"""Benchmarks of what is large: ``python tests/benchmarks/large.py NAME``.

memory   rows streamed from disk: peak memory of n rows beside a tenth of them
cluster  counting and step two on Dask, two workers of one thread beside one
workers  a worker killed at random moments, again and again
costs    processor seconds of the parts of a streamed fit
kills    fits and saves killed with SIGKILL at random moments, then resumed
leaks    resident memory after 100 and after 1,000 small fits
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import nnae
from nnae.io import row_blocks, write_blocks

LABELS, TOPICS, FEATURES = 13_330, 100, 1_000
BLOCK = 65_536


def generated(number, rows, d=FEATURES):
    """Return block ``number``: four labels of one topic a row, seldom one of another, sparse X.

    Labels of a topic are used by rank (Zipf). So pairs that occur together become few and then no
    more as rows come, as in real tags; with labels at random, counts would fill an L x L matrix.
    """
    random = np.random.default_rng(number)
    size = LABELS // TOPICS
    topic = random.integers(TOPICS, size=rows)
    chance = 1 / np.arange(1, size + 1)
    ranks = random.choice(size, size=(rows, 4), p=chance / chance.sum())
    columns = topic[:, None] * size + ranks
    stray = np.flatnonzero(random.random(rows) < 0.02)
    at = np.concatenate([np.repeat(np.arange(rows), 4), stray])
    columns = np.concatenate([columns.ravel(), random.integers(LABELS, size=len(stray))])
    Y = sp.csr_matrix((np.ones(len(at), np.float32), (at, columns)), (rows, LABELS))
    Y.data[:] = 1
    words = np.where(
        random.random((rows, 15)) < 0.5,
        (topic[:, None] * 7 + random.integers(8, size=(rows, 15))) % d,
        random.integers(d, size=(rows, 15)),
    )
    indptr = np.arange(0, rows * 15 + 1, 15)
    X = sp.csr_matrix((np.ones(rows * 15, np.float32), words.ravel(), indptr), (rows, d))
    X.sum_duplicates()
    return X, Y


def blocks_of(rows, d=FEATURES):
    def make():
        for number, start in enumerate(range(0, rows, BLOCK)):
            yield generated(number, min(BLOCK, rows - start), d)

    return row_blocks(make)


def compressor():
    return nnae.NNAE((32, 6), encoder="linear", random_state=0, pretrain_iter=30, tol=0)


def stream(folder, threads):
    """Fit and predict; runs in a process of its own and prints what it took."""
    start = time.perf_counter()
    model = nnae.TwoStepClassifier(compressor(), random_state=0, n_threads=threads)
    blocks = row_blocks(folder)
    model.fit(blocks)
    fitted = time.perf_counter()
    hits = rows = 0
    for (labels, _), block in zip(model.predict_topk(blocks, k=1), row_blocks(folder), strict=True):
        hits += np.asarray(block.Y[np.arange(len(labels)), labels[:, 0]]).sum()
        rows += len(labels)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "rows": rows,
                "peak MB": used.ru_maxrss / 1024,
                "pairs": int(model.compressor_.counts_.nnz),
                "fit s": fitted - start,
                "predict s": time.perf_counter() - fitted,
                "cpu s": used.ru_utime + used.ru_stime,
                "P@1": float(hits / rows),
            }
        )
    )


def memory(options):
    peaks = []
    for rows in (options.rows // 10, options.rows):
        folder = Path(tempfile.mkdtemp(dir=options.folder)) / "rows"
        try:
            write_blocks(folder, blocks_of(rows))
            size = sum(file.stat().st_size for file in folder.iterdir())
            command = [sys.executable, __file__, "stream", str(folder)]
            command += ["--threads", str(options.threads)]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        finally:
            shutil.rmtree(folder.parent)
        print({**found, "disk MB": size / 2**20}, flush=True)
        peaks.append(found["peak MB"])
    print(f"peak memory of ten times the rows: {peaks[1] / peaks[0]:.2f} times")


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


def cluster(options):
    import distributed
    from dask import delayed

    rows = options.rows
    make = delayed(lambda number: generated(number, rows))
    times, path, results = {}, {}, []
    for count in (1, 2) * options.times:
        with (
            distributed.LocalCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=None
            ) as workers,
            distributed.Client(workers) as client,
        ):
            pieces = [make(number) for number in range(options.blocks)]
            client.run(lambda: __import__("nnae").TwoStepClassifier)
            before, here = client.run(time.process_time), time.process_time()
            start = time.perf_counter()
            model = nnae.TwoStepClassifier(compressor(), random_state=0, n_threads=1)
            model.fit(row_blocks(pieces, client=client))
            times.setdefault(count, []).append(time.perf_counter() - start)
            here = time.process_time() - here
            used = [now - before[name] for name, now in client.run(time.process_time).items()]
            path.setdefault(count, []).append(here + max(used))
            results.append(model.estimator_.coef_)
            listed = ", ".join(f"{seconds:.1f}" for seconds in used)
            print(
                f"{count} workers: {times[count][-1]:.1f} s; processor seconds of the client "
                f"{here:.1f}, of workers {listed}",
                flush=True,
            )
    alike = all(np.array_equal(results[0], other) for other in results)
    gain = min(times[1]) / min(times[2])
    busy = min(path[1]) / min(path[2])
    print(
        f"two workers beside one: {gain:.2f} times faster; the same bits: {alike}; by processor "
        f"time of the client and its busiest worker {busy:.2f} times"
    )


def workers(options):
    import dask
    import distributed
    from dask import delayed

    random = np.random.default_rng(0)
    make = delayed(lambda number: generated(number, 2048))
    pieces = [make(number) for number in range(options.blocks)]
    parts = [generated(number, 2048) for number in range(options.blocks)]
    alone = nnae.TwoStepClassifier(compressor(), random_state=0).fit(row_blocks(parts))
    good = 0
    dask.config.set({"distributed.scheduler.allowed-failures": 20})
    for _ in range(options.times):
        # a cluster for every kill: a nanny does not always bring back the second worker it loses
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None
            ) as local,
            distributed.Client(local) as client,
        ):
            client.wait_for_workers(2, timeout=120)
            pids = sorted(client.run(os.getpid).values())
            moment = float(random.uniform(0, options.seconds))
            killer = threading.Timer(moment, os.kill, (pids[random.integers(2)], signal.SIGKILL))
            killer.start()
            start = time.perf_counter()
            model = nnae.TwoStepClassifier(compressor(), random_state=0).fit(
                row_blocks(pieces, client=client)
            )
            took = time.perf_counter() - start
            killer.join()
        same = np.array_equal(model.estimator_.coef_, alone.estimator_.coef_)
        good += same
        late = " (the run was over)" if took < moment else ""
        print(f"killed after {moment:.2f} s{late}, done after {took:.1f} s, {same=}", flush=True)
    print(f"{good} of {options.times} runs with a killed worker gave the same bits")


FIT = """
import sys, nnae
Y = nnae.datasets.make_label_hierarchy(600, random_state=0).Y
model = nnae.NNAE((12, 3), random_state=0, pretrain_iter=60, max_iter=40, tol=0, n_threads=1,
                  checkpoint=nnae.Checkpoint(sys.argv[1] + ".part", every=0))
print("begin", flush=True)
model.fit(Y)
for _ in range(20):
    nnae.save(model, sys.argv[1])
"""


def kills(options):
    random = np.random.default_rng(0)
    Y = nnae.datasets.make_label_hierarchy(600, random_state=0).Y
    whole = nnae.NNAE((12, 3), random_state=0, pretrain_iter=60, max_iter=40, tol=0).fit(Y)
    folder = Path(tempfile.mkdtemp())
    killed = same = unreadable = round_ = 0
    try:
        while killed < options.times:
            path = folder / f"{round_}.nnae"
            round_ += 1
            command = [sys.executable, "-c", FIT, str(path)]
            while True:
                process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
                process.stdout.readline()
                try:
                    process.wait(float(random.uniform(0, options.seconds)))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    killed += 1
                status = process.wait()
                process.stdout.close()
                if path.exists():
                    try:
                        nnae.load(path)
                    except ValueError:
                        unreadable += 1
                if status == 0:
                    break
            model = nnae.load(path)
            same += all(map(np.array_equal, model.weights_, whole.weights_))
            print(f"{killed} kills, {same} of {round_} fits the same, {unreadable} unreadable",
                  flush=True)  # fmt: skip
    finally:
        shutil.rmtree(folder)


def leaks(options):
    data = nnae.datasets.make_label_hierarchy(120, random_state=0)
    X = data.Y[:, ::2].toarray()

    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20

    first = None
    for number in range(1, options.fits + 1):
        nnae.NMF(4, random_state=number, max_iter=5, tol=0).fit(data.Y)
        nnae.TwoStepClassifier(
            nnae.NNAE((6, 2), encoder="linear", pretrain_iter=5, tol=0), decoder="linear",
            profile="fast", random_state=number,
        ).fit(X, data.Y).predict_topk(X, 3)  # fmt: skip
        if number == options.fits // 10:
            first = resident()
    last = resident()
    print(
        f"resident after {options.fits // 10} fits {first:.1f} MB, after {options.fits} "
        f"{last:.1f} MB: {100 * (last / first - 1):+.1f} %"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("memory")
    command.add_argument("--rows", type=int, default=12_000_000)
    command.add_argument("--folder", default=tempfile.gettempdir())
    command.add_argument("--threads", type=int, default=1)
    command.set_defaults(run=memory)
    command = commands.add_parser("stream")
    command.add_argument("folder")
    command.add_argument("--threads", type=int, default=1)
    command.set_defaults(run=lambda options: stream(options.folder, options.threads))
    command = commands.add_parser("costs")
    command.add_argument("--rows", type=int, default=65_536)
    command.add_argument("--width", type=int, default=100)
    command.set_defaults(run=costs)
    command = commands.add_parser("cluster")
    command.add_argument("--blocks", type=int, default=64)
    command.add_argument("--rows", type=int, default=32_768)
    command.add_argument("--times", type=int, default=2)
    command.set_defaults(run=cluster)
    command = commands.add_parser("workers")
    command.add_argument("--blocks", type=int, default=24)
    command.add_argument("--times", type=int, default=10)
    command.add_argument("--seconds", type=float, default=3.0)
    command.set_defaults(run=workers)
    command = commands.add_parser("kills")
    command.add_argument("--times", type=int, default=100)
    command.add_argument("--seconds", type=float, default=3.0)
    command.set_defaults(run=kills)
    command = commands.add_parser("leaks")
    command.add_argument("--fits", type=int, default=1000)
    command.set_defaults(run=leaks)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
