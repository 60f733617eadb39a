"""The first singular vectors of a sparse matrix, by random projections."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import eigh, svd
from sklearn.utils.extmath import randomized_svd

from nnae import _core
from nnae._factors import gram_of
from nnae._row_views import row_ranges
from nnae._target import side_of
from nnae._threads import one_blas_thread

Array = npt.NDArray[Any]

#: Multiplications of one product with a block of vectors, above which threads are worth having.
LARGE = 1 << 27
#: Entries of U above which the three copies that scikit-learn holds are too much.
MANY = 12_000_000
EXTRA = 10
ROUNDS = 2


def singular_vectors(
    Y: Any, rank: int, random_state: np.random.RandomState, n_threads: int
) -> tuple[Array, Array, Array]:
    """Return U (n x rank), singular values and V' (rank x L) of a CSR matrix.

    Large matrices are multiplied by this package's kernels, two rounds of subspace iteration each;
    others go to scikit-learn, four rounds. The number of threads changes no bit: BLAS gets one.
    Halko, Martinsson and Tropp (2011).
    """
    with one_blas_thread():  # another number of BLAS threads would give other bits
        if Y.nnz * rank <= LARGE and Y.shape[0] * rank <= MANY:
            U, S, Vt = randomized_svd(Y, rank, random_state=random_state, n_iter=4, flip_sign=False)
            if Y.shape[0] < Y.shape[1]:
                _flip(Vt.T, U.T)
            else:
                _flip(U, Vt)
            return U, S, Vt
        width = min(rank + EXTRA, *Y.shape)
        rows, columns = _Product(Y, n_threads), _Product(sp.csr_matrix(Y.T), n_threads)
        basis = random_state.standard_normal((Y.shape[1], width)).astype(Y.dtype)
        for _ in range(ROUNDS):
            basis = _orthonormal(columns(_orthonormal(rows(basis), n_threads)), n_threads)
        basis = _orthonormal(rows(basis), n_threads)
        left, S, right = svd(columns(basis).T, full_matrices=False, check_finite=False)
        U = _turn(basis, left[:, :rank], n_threads)
        Vt = right[:rank]
        _flip(U, Vt)
    return U, S[:rank], Vt


def _flip(columns: Array, rows: Array) -> None:
    """Make the largest entry of every column positive, in place, and the rows go with them."""
    for p in range(columns.shape[1]):
        column = columns[:, p]
        if column[np.argmax(np.abs(column))] < 0:
            column *= -1
            rows[p] *= -1


class _Product:
    def __init__(self, matrix: Any, n_threads: int) -> None:
        self.rows, self.side, self.n_threads = matrix.shape[0], side_of(matrix), n_threads

    def __call__(self, H: Array) -> Array:
        """Return the matrix times H."""
        out = np.empty((self.rows, H.shape[1]), H.dtype)
        _core.spmm(*self.side, np.ascontiguousarray(H), out, self.n_threads)
        return out


def _orthonormal(vectors: Array, n_threads: int) -> Array:
    """Return an orthonormal basis of what columns span, in their place.

    From the eigenvectors of their Gram matrix in double precision, twice: the second time takes
    away what rounding left. Directions that are not there become zero.
    """
    for _ in range(2):
        gram = gram_of(vectors, None, np.float64, n_threads)
        size, directions = eigh(gram, check_finite=False)
        found = size > len(size) * np.finfo(np.float64).eps * max(size[-1], 0.0)
        lengths = np.sqrt(np.where(found, size, 1.0))
        _turn(vectors, directions * np.where(found, 1 / lengths, 0.0), n_threads)
    return vectors


def _turn(vectors: Array, by: Array, n_threads: int) -> Array:
    """Multiply vectors by a square or narrower matrix, in their place."""
    n, width = len(vectors), by.shape[1]
    turn = np.ascontiguousarray(by, vectors.dtype)
    kept = vectors.reshape(-1)[: n * width].reshape(n, width)  # written behind what is read
    for rows in row_ranges(*vectors.shape):
        out = np.empty((rows.stop - rows.start, width), vectors.dtype)
        _core.multiply(vectors[rows], turn, out, n_threads)
        kept[rows] = out
    del kept
    vectors.resize((n, width), refcheck=False)  # gives back the end; nothing else looks at it
    return vectors
