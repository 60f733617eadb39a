"""How near the kernels come to this machine's own speed, on one thread.

Dense ones are set against a product of two 1,500 x 1,500 matrices by numpy's BLAS on one thread,
sparse ones against a copy of 200 MB: what they read and write, over the time, in GB/s; a factor
that stays in a cache may be read faster than a copy. Processor time, the least of several runs.
"""

import time

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

HEADER = ("kernel", "rank", "work", "unit", "speed", "of machine", "share")


def least(function, repeats=9, seconds=0.4):
    """Return the least of several runs, short ones over as long a time as long ones take."""
    passed = []
    while len(passed) < repeats or sum(passed) < seconds:
        begin = time.process_time()
        function()
        passed.append(time.process_time() - begin)
    return min(passed)


def dense(k, n=20_000):
    """Return name -> (function, operations) of the dense parts of a sweep."""
    from nnae import _core

    A = np.random.default_rng(0).random((n, k), np.float32)
    gram = _core.gram(A, 1)
    out, square, codes, sides = A.copy(), np.empty_like(gram), A.copy(), 1000 * A
    whole = 2 * n * k * k
    return {
        "A G": (lambda: _core.multiply(A, gram, out, 1), whole),
        "A'B": (lambda: _core.multiply_transposed(A, out, square, 1), whole),
        "A'A": (lambda: _core.gram(A, 1), whole // 2),
        "a pass of descent": (
            lambda: _core.coordinate_step_dense(sides, gram, codes, 1, 0.0, 1),
            whole,
        ),
    }


def sparse(k):
    """Return name -> (function, bytes) of the sparse parts of a sweep."""
    from nnae import _core
    from nnae.datasets import make_zipf_labels

    Y = sp.csr_matrix(make_zipf_labels(20_000, 1_000, 20, 8.0, random_state=0).Y)
    indptr, indices = Y.indptr, Y.indices
    random = np.random.default_rng(0)
    F, H = (random.random((rows, k), np.float32) for rows in Y.shape)
    out = np.empty_like(F)
    read = Y.nnz * (4 * k + 4)
    product = lambda: _core.spmm(indptr, indices, None, H, out, 1)  # noqa: E731
    terms = lambda: _core.objective_at_nonzeros(  # noqa: E731
        "kullback-leibler", indptr, indices, None, F, H, None, 1
    )
    return {"Y H": (product, read + out.nbytes), "loss at non-zeros": (terms, read + F.nbytes)}


def run(*, ranks=(32, 64, 256)):
    """Yield one row of the table after the other, HEADER first."""
    yield HEADER
    with threadpool_limits(1):
        square = np.random.default_rng(0).random((1500, 1500), np.float32)
        flops = 2 * 1500**3 / least(lambda: square @ square)
        source = np.ones(25_000_000, np.float32)
        target = np.empty_like(source)
        copied = 2 * source.nbytes / least(lambda: np.copyto(target, source))
        for kernels, unit, machine in ((dense, "Gflop/s", flops), (sparse, "GB/s", copied)):
            for k in ranks:
                for name, (function, work) in kernels(k).items():
                    speed = work / least(function)
                    yield (name, k, work, unit, speed / 1e9, machine / 1e9, speed / machine)
