"""Memory of whole fits, each in a process of its own, over what they are given and give back.

The labels are counted as 0/1 data in float32 with 32-bit indices, as the process holds them; codes
and weights as the fitted model holds them. A small fit before it loads what a first fit loads.
"""

import multiprocessing
import tempfile
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from label_data import zipf_labels
from peak_memory import held_megabytes, peak_megabytes

RANK, WIDTHS = 64, (64, 16)


def fits():
    """Return name -> function of labels and threads that gives (model, bytes given besides)."""

    def nmf(loss, init="auto", **given):
        from nnae import NMF

        return lambda Y, n: (
            NMF(RANK, loss=loss, init=init, max_iter=6, tol=0, random_state=0, n_threads=n).fit(Y),
            0,
        )

    def masked(loss):
        from nnae import NMF

        def fit(Y, n):
            hidden = known_cells(Y)
            model = NMF(RANK, loss=loss, max_iter=3, tol=0, random_state=0, n_threads=n)
            return model.fit(Y, mask=hidden), bytes_of(hidden)

        return fit

    def deep(loss, encoder="nnls"):
        from nnae import NNAE

        return lambda Y, n: (
            NNAE(WIDTHS, loss=loss, encoder=encoder, pretrain_iter=4, max_iter=3, tol=0,
                 random_state=0, n_threads=n).fit(Y),
            0,
        )  # fmt: skip

    def not_held(fit):
        from nnae import _linear_codes

        def counted(Y, n):
            _linear_codes.MOST_CELLS = 0  # as with many more rows
            return fit(Y, n)

        return counted

    return {
        "NMF, frobenius": nmf("frobenius"),
        "NMF, frobenius, random start": nmf("frobenius", "random"),
        "NMF, kullback-leibler": nmf("kullback-leibler"),
        "NMF, bernoulli": nmf("bernoulli"),
        "NMF, bernoulli, random start": nmf("bernoulli", "random"),
        "NMF, frobenius, one cell of two a row known": masked("frobenius"),
        "NMF, kullback-leibler, one cell of two a row known": masked("kullback-leibler"),
        "NNAE, bernoulli": deep("bernoulli"),
        "NNAE, frobenius": deep("frobenius"),
        "NNAE, linear encoder": deep("auto", "linear"),
        "NNAE, linear encoder, codes not held": not_held(deep("auto", "linear")),
    }


def known_cells(Y):
    """Return a mask that knows the positives, and as many other cells."""
    random = np.random.default_rng(0)
    rows = np.repeat(np.arange(Y.shape[0]), np.diff(Y.indptr))
    other = sp.csr_matrix(
        (np.ones(Y.nnz, np.float32), (rows, random.integers(0, Y.shape[1], Y.nnz))), shape=Y.shape
    )
    known = sp.csr_matrix(Y + other)
    known.data[:] = 1
    return known


def bytes_of(matrix):
    return matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes


def bytes_of_factors(model):
    if hasattr(model, "components_"):
        return model.components_.nbytes + model.codes_.nbytes
    own = [*model.weights_, *(model.encoder_weights_ or [])]
    counted = 0 if model.counts_ is None else bytes_of(model.counts_)
    # codes of the linear encoder are worked out when they are asked for, where they are many
    held = sum(Z.nbytes for Z in model.codes_) if isinstance(model.codes_, list) else 0
    return sum(W.nbytes for W in own) + held + counted


def measure(name, path, n_threads):
    fit = fits()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(zipf_labels(300, 100, 5.0).astype(np.float32), n_threads)
        before = held_megabytes()
        Y = sp.csr_matrix(sp.load_npz(path))
        model, besides = fit(Y, n_threads)
    size = (bytes_of(Y) + besides) / 2**20
    factors = bytes_of_factors(model) / 2**20
    used = peak_megabytes() - before
    return {
        "part": "memory", "data": "zipf labels", "fit": name, "rows": Y.shape[0],
        "input MB": size, "factors MB": factors, "used MB": used,
        "times": used / (size + factors),
    }  # fmt: skip


def memory(only, rank, n_threads):
    """Yield rows: memory that a fit used, the input included, over input and factors."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Y.npz"
        sp.save_npz(path, zipf_labels(200_000, 5_000, 6.0).astype(np.float32), compressed=False)
        for name in fits():
            with context.Pool(1) as pool:
                yield pool.apply(measure, (name, path, n_threads))
