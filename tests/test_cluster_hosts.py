"""Clusters as they are elsewhere: workers on hosts of their own, and workers short of memory.

Hosts are network namespaces joined by a bridge, which takes root and iproute2; each has an address
and sees of the others what comes over the wire.
"""

import contextlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import nnae
from nnae.io import row_blocks

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SCRIPT = """
import sys
import dask, distributed, numpy as np, nnae
from nnae.io import row_blocks

def block(number):
    random = np.random.default_rng(number)
    Y = (random.random((400, 40)) < 0.1).astype(np.float32)
    Y[:, 20:] = Y[:, :20]
    return Y @ random.random((40, 30)).astype(np.float32), Y

def fit(blocks):
    step_one = nnae.NNAE((8, 3), encoder="linear", random_state=0)
    return nnae.TwoStepClassifier(step_one, random_state=0, n_threads=1).fit(blocks)

if __name__ == "__main__":
    with distributed.Client(sys.argv[1], timeout=60) as client:
        client.wait_for_workers(2, timeout=60)
        pieces = [dask.delayed(block)(number) for number in range(32)]
        model = fit(row_blocks(pieces, client=client))
        ranking = np.vstack([found for found, _ in model.predict_topk(pieces, k=3)])
        workers = client.scheduler_info(n_workers=-1)["workers"]
    alone = [block(number) for number in range(32)]
    here = fit(row_blocks(alone))
    assert np.array_equal(model.estimator_.coef_, here.estimator_.coef_)
    assert np.array_equal(ranking, np.vstack([here.predict_topk(X, 3)[0] for X, _ in alone]))
    print(*sorted({about["host"] for about in workers.values()}))
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextlib.contextmanager
def hosts(count):
    """Make namespaces on one bridge, which lies in the first; yield their names and addresses."""
    tag = f"nnae{os.getpid() % 10000}"
    names = [f"{tag}-{number}" for number in range(count)]
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        first = names[0]
        ip("-n", first, "link", "add", "bridge0", "type", "bridge")
        ip("-n", first, "addr", "add", "10.83.7.1/24", "dev", "bridge0")
        ip("-n", first, "link", "set", "bridge0", "up")
        for number, name in enumerate(names[1:], start=2):
            port = f"port{number}"
            ip("link", "add", port, "netns", first, "type", "veth", "peer", "eth0", "netns", name)
            ip("-n", first, "link", "set", port, "master", "bridge0", "up")
            ip("-n", name, "addr", "add", f"10.83.7.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield [(name, f"10.83.7.{number}") for number, name in enumerate(names, start=1)]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def may_make_hosts():
    if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    try:
        with hosts(2):
            return True
    except subprocess.CalledProcessError:
        return False


def on(name, *words, **more):
    command = ["ip", "netns", "exec", name, sys.executable, *words]
    return subprocess.Popen(command, **more)


def test_workers_on_other_hosts_give_the_same_bits(tmp_path):
    if not may_make_hosts():
        pytest.skip("network namespaces take root and iproute2")
    script = tmp_path / "fit.py"
    script.write_text(SCRIPT)
    running = []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    with hosts(3) as ((first, at), *others):
        try:
            scheduler = f"tcp://{at}:8786"
            running.append(
                on(first, "-m", "distributed.cli.dask_scheduler", "--host", at, "--port", "8786",
                   "--no-dashboard", **quiet)
            )  # fmt: skip
            for name, address in others:
                running.append(
                    on(name, "-m", "distributed.cli.dask_worker", scheduler, "--host", address,
                       "--nthreads", "1", "--no-dashboard", **quiet)
                )  # fmt: skip
            client = on(
                first, str(script), scheduler, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, cwd=tmp_path,
            )  # fmt: skip
            running.append(client)
            out, err = client.communicate(timeout=180)
            assert client.returncode == 0, err
            assert out.split() == [address for _, address in others]
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(30)


def test_workers_that_spill_give_the_same_bits(tmp_path):
    def block(number):
        random = np.random.default_rng(number)
        Y = (random.random((2000, 30)) < 0.1).astype(np.float32)
        return np.hstack([Y, random.random((2000, 370))]), Y

    few = {
        "distributed.worker.memory.target": 0.1,  # of what it was given: 40 MB of blocks
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
        "temporary-directory": str(tmp_path),
    }
    numbers = range(24)  # 6.4 MB each
    with (
        dask.config.set(few),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit="400MB", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pieces = client.persist([dask.delayed(block)(number) for number in numbers])
        distributed.wait(pieces)
        on_disk = client.run(lambda dask_worker: len(dask_worker.data.disk))
        model = nnae.TwoStepClassifier(random_state=0).fit(row_blocks(pieces, client=client))
    assert sum(on_disk.values()) > 8  # two workers keep six blocks each in memory
    alone = nnae.TwoStepClassifier(random_state=0).fit(row_blocks([block(n) for n in numbers]))
    assert np.array_equal(model.estimator_.coef_, alone.estimator_.coef_)
