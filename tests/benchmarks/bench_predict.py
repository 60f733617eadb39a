"""Time predictions of the Debian tags models, and weigh their files: one row, 10,000 rows."""

import tempfile
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp

HEADER = ("profile", "features", "labels", "one row ms", "rows a second", "compact MB", "full MB",
          "same first label")  # fmt: skip
ROWS = 10_000
SINGLE = 500
PROFILES = ("fast", "best")


def run(*, profiles=PROFILES, n_threads=1):
    """Yield HEADER and one row a profile.

    "one row ms" is the median over 500 test rows, each in a call of its own; "rows a second" is of
    one call with 10,000 test rows, the second of two. "same first label" is the share of test rows
    on which the model from the compact file, in half precision, has the full one's first label.
    """
    import nnae

    yield HEADER
    data = nnae.datasets.load_debian_tags()
    test = sp.csr_matrix(data.X_test)
    many = test[np.arange(ROWS) % test.shape[0]]
    for profile in profiles:
        model = nnae.TwoStepClassifier(profile=profile, random_state=0, n_threads=n_threads)
        model.fit(data.X_train, data.Y_train, groups=data.sources_train)
        with tempfile.TemporaryDirectory() as folder:
            compact, full = Path(folder) / "compact.nnae", Path(folder) / "full.nnae"
            nnae.save(model, compact, compact=True)
            nnae.save(model, full)
            sizes = [path.stat().st_size / 2**20 for path in (compact, full)]
            small = nnae.load(compact)
        single = one_by_one(model, [test[at] for at in range(SINGLE)])
        model.predict_topk(many, 5)
        begin = time.perf_counter()
        found, _ = model.predict_topk(many, 5)
        rate = ROWS / (time.perf_counter() - begin)
        again, _ = small.predict_topk(many[: test.shape[0]], 1)
        same = float(np.mean(again[:, 0] == found[: len(again), 0]))
        yield (profile, test.shape[1], data.Y_train.shape[1], single, rate, *sizes, same)


def one_by_one(model, rows):
    """Return the median milliseconds of a call with one row."""
    taken = []
    for row in rows:
        begin = time.perf_counter()
        model.predict_topk(row, 5)
        taken.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(taken))
