"""Small fits, again and again, leave nothing behind; a thousand of them: benchmarks/large.py."""

import gc
import resource
import sys

import numpy as np
import pytest

import nnae

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/statm")


def resident():
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_fits_leave_nothing_behind():
    Y = nnae.datasets.make_label_hierarchy(3000, random_state=0).Y
    X = np.asarray(Y[:, :20].todense())

    def fit(number):
        nnae.NMF(16, random_state=number, max_iter=1, tol=0).fit(Y)
        step_one = nnae.NNAE((8,), encoder="linear", pretrain_iter=1, tol=0, random_state=0)
        model = nnae.TwoStepClassifier(step_one, decoder="linear", profile="fast", random_state=0)
        model.fit(X, Y).predict_topk(X, 3)

    for number in range(4):
        fit(number)
    before = resident()
    for number in range(14):
        fit(number)
    grown = resident() - before
    codes = 14 * Y.shape[0] * 16 * 8  # had every fit kept the codes alone
    assert grown < 0.5 * codes, f"{grown / 2**20:.1f} MB more after 14 fits"
