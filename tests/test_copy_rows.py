"""Copies of dense matrices by several threads."""

import numpy as np
import pytest

from nnae import _core


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (700, 5), (2_000, 64)])
@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_a_copy_has_the_bits_of_what_it_is_of(dtype, shape, n_threads):
    given = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    found = np.full_like(given, np.nan)
    _core.copy_rows(given, found, n_threads)
    np.testing.assert_array_equal(found, given)


def test_shapes_must_be_equal():
    with pytest.raises(ValueError, match="shape"):
        _core.copy_rows(np.zeros((2, 3)), np.zeros((3, 2)), 1)
