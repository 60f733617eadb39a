"""Fits that are killed, and fits again and again: what is lost, and what is not given back."""

import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import nnae

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
    yield (
        "kills", "SIGKILL at random moments of fit and save", f"{killed} kills",
        f"{unreadable} unreadable files", f"{same} of {round_}", "all",
    )  # fmt: skip


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
    yield (
        "leaks", "resident memory", f"{options.fits:,} fits beside a tenth",
        f"{first:.1f} MB, {last:.1f} MB", round(last / first, 3), "at most 1.05 times",
    )  # fmt: skip
