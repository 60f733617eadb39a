"""What a fit must bear: rows of a thousand labels, Ctrl-C, little memory."""

import os
import signal
import threading
import time
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse as sp

from nnae import NMF, NNAE
from nnae.datasets import make_zipf_labels

LOSSES = ("frobenius", "kullback-leibler", "bernoulli")


def with_long_rows():
    """Return labels of which most occur once, and three rows that have a thousand of them each."""
    random = np.random.default_rng(0)
    Y = sp.lil_matrix((400, 1_500), dtype=np.float32)
    for row in range(3):
        Y[row, random.choice(1_500, 1_000, replace=False)] = 1
    for row in range(3, 400):
        Y[row, row] = Y[row, row % 7] = 1
    return sp.csr_matrix(Y)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("init", ["auto", "random"])
def test_rows_of_a_thousand_labels_stay_finite_in_single_precision(loss, init):
    Y = with_long_rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NMF(8, loss=loss, init=init, max_iter=25, tol=0, random_state=0).fit(Y)
        codes = model.transform(Y)
    assert model.components_.dtype == np.float32
    assert np.isfinite(model.loss_curve_).all()
    assert (np.diff(model.loss_curve_) <= 1e-6 * abs(model.loss_curve_[0])).all()  # rounding
    for found in (model.codes_, model.components_, codes):
        assert np.isfinite(found).all()
        assert (found >= 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_concepts_that_rows_have_whole_leave_the_objective_its_digits(dtype):
    Y = make_zipf_labels(600, 120, 20, 5.0, random_state=0).Y.astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NMF(32, loss="bernoulli", max_iter=60, tol=0, random_state=0, n_threads=1).fit(Y)
    curve = np.array(model.loss_curve_)
    assert (np.diff(curve) <= 1e-7 * curve[0]).all()
    assert curve[-1] > 0  # minus the logarithm of probabilities


@pytest.fixture
def keyboard():
    """Let SIGINT interrupt, as in a terminal: workers that run tests side by side ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="needs signals of POSIX")
@pytest.mark.usefixtures("keyboard")
def test_ctrl_c_ends_a_long_fit_at_once_and_leaves_a_model():
    Y = make_zipf_labels(8_000, 500, 10, 5.0, random_state=0).Y
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    model = NMF(32, max_iter=20_000, tol=0, init="random", random_state=0, n_threads=2)
    timer = threading.Timer(0.7, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(Y)
    assert time.monotonic() - sent[0] < 5  # well below a second where the processors are free
    assert model.n_iter_ == len(model.loss_curve_) >= 1
    assert model.transform(Y[:5]).shape == (5, 32)


@pytest.mark.parametrize(
    ("model", "known", "most"),
    [
        (NMF(64, loss="frobenius", init="random", max_iter=7, tol=0), 1, 2.4),
        (NMF(64, loss="bernoulli", init="random", max_iter=5, tol=0), 1, 2.4),
        (NMF(64, loss="kullback-leibler", max_iter=3, tol=0), 1, 3.4),
        (NMF(64, loss="frobenius", init="random", max_iter=7, tol=0), 0.01, 2.6),
        (NMF(64, loss="kullback-leibler", init="random", max_iter=5, tol=0), 0.01, 2.6),
        # distances of a thousand labels are more than labels and factors together
        (NNAE((64, 16), loss="frobenius", pretrain_iter=3, max_iter=2, tol=0), 1, 5.2),
        (NNAE((64, 16), loss="frobenius", init="random", pretrain_iter=3, max_iter=2, tol=0), 1, 3),
    ],
    ids=["frobenius", "bernoulli", "singular vectors", "frobenius, mask", "mask", "clusters",
         "levels"],
)  # fmt: skip
def test_a_fit_holds_a_few_times_what_it_is_given_and_gives_back(model, known, most):
    Y = make_zipf_labels(20_000, 1_000, 20, 6.0, random_state=0).Y
    model.set_params(random_state=0, n_threads=1)
    cells = {}
    if known < 1:
        other = sp.random(*Y.shape, known, format="csr", dtype=np.float32, random_state=0)
        cells["mask"] = sp.csr_matrix((Y + other) > 0)
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(Y, **cells)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    given = sum(M.data.nbytes + M.indices.nbytes + M.indptr.nbytes for M in (Y, *cells.values()))
    factors = [model.components_, model.codes_] if isinstance(model, NMF) else [
        *model.weights_, *model.codes_
    ]  # fmt: skip
    assert peak + given < most * (given + sum(factor.nbytes for factor in factors))
