"""Dense products against numpy, in every instruction set that was built."""

import numpy as np
import pytest
from cases import at_any_threads, built_variants

SHAPES = [
    (0, 3, 2), (1, 1, 1), (1, 7, 5), (6, 16, 8), (7, 17, 9), (61, 40, 33), (300, 70, 131),
    (3000, 12, 5), (20_000, 9, 3), (0, 400, 350), (5, 370, 391), (700, 401, 350),
]  # fmt: skip
RTOL = {np.float32: 1e-5, np.float64: 1e-13}

variants = pytest.mark.parametrize("core", built_variants(), ids=lambda core: core.__name__)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def draw(rows, columns, dtype):
    return np.random.default_rng(rows + columns).random((rows, columns)).astype(dtype)


@variants
@dtypes
@pytest.mark.parametrize("shape", SHAPES)
def test_products_match_numpy(core, dtype, shape):
    n, p, m = shape
    A, B = draw(n, p, dtype), draw(p, m, dtype)

    def product(n_threads):
        out = np.full((n, m), np.nan, dtype)
        core.multiply(A, B, out, n_threads)
        return out

    wanted = A.astype(float) @ B.astype(float)
    np.testing.assert_allclose(at_any_threads(product), wanted, rtol=RTOL[dtype])


@variants
@dtypes
@pytest.mark.parametrize("shape", [(20, 1, 1), (20, 37, 16), (20, 300, 257), (20, 9, 64)])
def test_a_row_has_the_same_bits_whatever_is_beside_it(core, dtype, shape):
    n, p, m = shape
    A, B = draw(n, p, dtype), draw(p, m, dtype)
    whole = np.empty((n, m), dtype)
    core.multiply(A, B, whole, 1)
    for size in (1, 2, 5, 6, 7):
        out = np.full((size, m), np.nan, dtype)
        core.multiply(A[3 : 3 + size], B, out, 2)
        np.testing.assert_array_equal(out, whole[3 : 3 + size])


@variants
@dtypes
@pytest.mark.parametrize("shape", SHAPES)
def test_transposed_products_match_numpy(core, dtype, shape):
    n, k, m = shape
    A, B = draw(n, k, dtype), draw(n, m, dtype)

    def product(n_threads):
        out = np.full((k, m), np.nan, dtype)
        core.multiply_transposed(A, B, out, n_threads)
        return out

    wanted = A.T.astype(float) @ B.astype(float)
    np.testing.assert_allclose(at_any_threads(product), wanted, rtol=RTOL[dtype])
    gram = at_any_threads(lambda n_threads: core.gram(A, n_threads))
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_allclose(gram, A.T.astype(float) @ A.astype(float), rtol=RTOL[dtype])


@variants
def test_an_inner_dimension_of_zero_gives_zeros(core):
    out = np.full((3, 4), np.nan)
    core.multiply(np.empty((3, 0)), np.empty((0, 4)), out, 2)
    np.testing.assert_array_equal(out, np.zeros((3, 4)))
    core.multiply_transposed(np.empty((0, 3)), np.empty((0, 4)), out, 2)
    np.testing.assert_array_equal(out, np.zeros((3, 4)))


@variants
def test_wrong_arrays_are_refused(core):
    A, out = np.ones((2, 3)), np.empty((2, 2))
    with pytest.raises(ValueError, match="n x p, p x m and n x m"):
        core.multiply(A, A, out, 1)
    with pytest.raises(ValueError, match="n x k, n x m and k x m"):
        core.multiply_transposed(A, A, out, 1)
    with pytest.raises(ValueError, match="two dimensions"):
        core.gram(np.ones(3), 1)
    with pytest.raises(TypeError):
        core.multiply(A, np.ones((3, 2), np.float32), out, 1)
    with pytest.raises(TypeError):
        core.gram(np.ones((2, 3), np.int64), 1)
    with pytest.raises(TypeError, match="incompatible"):  # a copy would lose the result
        core.multiply(A, np.ones((3, 2)), np.empty((2, 4))[:, ::2], 1)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        core.multiply(A, np.ones((3, 2)), out, 1)
