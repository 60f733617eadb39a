"""Singular vectors of large sparse matrices."""

import numpy as np
import pytest
import scipy.sparse as sp

from nnae import _singular_vectors
from nnae._singular_vectors import singular_vectors


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(90, 40), (40, 90), (8, 6)])
def test_they_are_those_of_a_dense_decomposition(shape, dtype, monkeypatch):
    monkeypatch.setattr(_singular_vectors, "LARGE", 0)
    rng = np.random.default_rng(0)
    low = rng.random((shape[0], 4)) @ np.diag([8, 4, 2, 1]) @ rng.random((4, shape[1]))
    Y = sp.csr_matrix(low, dtype=dtype)
    found = [singular_vectors(Y, 4, np.random.RandomState(0), n) for n in (1, 2, 7)]
    for other in found[1:]:
        for part, same in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(part, same)
    U, S, Vt = found[0]
    assert U.dtype == Vt.dtype == dtype
    wanted = np.linalg.svd(low, compute_uv=False)[:4]
    rtol = 1e-3 if dtype == np.float32 else 1e-8
    np.testing.assert_allclose(S, wanted, rtol=rtol, atol=rtol)
    np.testing.assert_allclose((U * S) @ Vt, low, atol=rtol * wanted[0])
