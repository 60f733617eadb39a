"""Fits on a cluster of processes on this machine: two workers beside one, and workers that die."""

import os
import signal
import threading
import time

import numpy as np
from large_rows import compressor, generated

import nnae
from nnae.io import row_blocks


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
    yield (
        "cluster", "two workers beside one", f"{options.blocks} blocks of {rows:,} rows",
        f"the same bits: {'yes' if alike else 'no'}; {busy:.2f} times by processor time",
        round(gain, 2), "at least 1.6 times",
    )  # fmt: skip


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
    yield (
        "workers", "killed at random moments", f"{options.blocks} blocks", "the same bits",
        f"{good} of {options.times}", "all",
    )  # fmt: skip
