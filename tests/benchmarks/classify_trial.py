"""One fit of one method in its own process: ``classify_trial.py DATA METHOD SEED THREADS OUT``.

A process of its own, so that peak memory is the method's and no thread pool meets another.
"""

import json
import os
import sys
import time

import numpy as np

WIDE = 100


def peak_megabytes():
    """Return the largest memory of this process so far."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def clocks():
    """Return the time, and the processor time that all threads of this process have taken."""
    return time.perf_counter(), time.process_time()


def main(name, method, seed, threads, out):
    os.environ.update(OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads)
    import classify_data
    import classify_methods
    import sklearn.linear_model  # noqa: F401  imports are not part of a fit

    import nnae

    nnae.TwoStepClassifier  # noqa: B018  loads the package's lazy parts
    nnae.NNAE  # noqa: B018
    split = classify_data.split(name, int(seed))
    model = classify_methods.METHODS[method](int(seed), int(threads))
    if hasattr(model, "prepare"):
        model.prepare(split)
    before = peak_megabytes()
    begin = clocks()
    model.fit(split.X, split.Y)
    fitted = clocks()
    narrow, _ = model.topk(split.X_test, 5)
    done = clocks()
    peak = peak_megabytes() - before
    wide, scores = model.topk(split.X_test, min(WIDE, split.Y.shape[1]))
    arrays = {"narrow": narrow, "wide": wide, "scores": scores}
    if hasattr(model, "sets"):
        sets = model.sets(split.X_test).tocsr()
        arrays |= {"set_labels": sets.indices, "set_ends": sets.indptr}
    if hasattr(model, "topk_by_propensity"):
        arrays["psp"] = model.topk_by_propensity(split.X_test, 5)
    np.savez(out, **arrays)
    numbers = {"peak_mb": peak, "model_mb": model.size() / 2**20}
    for step, start, stop in (("fit", begin, fitted), ("predict", fitted, done)):
        numbers[f"{step}_seconds"], numbers[f"{step}_cpu"] = stop[0] - start[0], stop[1] - start[1]
    print(json.dumps(numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
