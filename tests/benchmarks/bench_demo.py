"""Time the first command of the README as a whole process."""

import json
import resource
import subprocess
import sys
import tempfile
import time

from peak_memory import peak_megabytes

HEADER = ("data", "rows", "non-zeros", "labels", "rank", "seconds", "peak MB", "P@1")


def run(*, dataset="debian-tags"):
    """Yield HEADER and one row; the demo writes into a folder that is gone afterwards."""
    from nnae import datasets
    from nnae._widths import automatic_widths

    yield HEADER
    Y = getattr(datasets, f"load_{dataset.replace('-', '_')}")().Y_train
    command = [sys.executable, "-m", "nnae", "demo", "--json", "--dataset", dataset]
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    found = json.loads(done.stdout)
    rank = "-".join(map(str, automatic_widths(*Y.shape)))
    peak = peak_megabytes(resource.RUSAGE_CHILDREN)
    precision = found["precision"]["1"]
    yield (dataset, Y.shape[0], Y.nnz, Y.shape[1], rank, seconds, peak, precision)
