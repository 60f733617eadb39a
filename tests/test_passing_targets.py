"""Codes as targets, a block of rows at a time: against the whole laid out at once."""

import numpy as np
import pytest
import scipy.sparse as sp

from nnae import _row_views
from nnae._factors import Factors
from nnae._passing_targets import DenseRows, SparseRows, passing_target
from nnae._target import Target, above_floor

losses = pytest.mark.parametrize("loss_name", ["frobenius", "kullback-leibler"])


@pytest.fixture
def blocks(monkeypatch):
    monkeypatch.setattr(_row_views, "CELLS", 40)


def codes_of(share):
    random = np.random.default_rng(0)
    codes = random.gamma(1.0, size=(103, 7)) + 0.1
    codes[random.random(codes.shape) > share] = 1e-100
    return codes


def whole(side):
    indptr, indices, values = side
    values = np.ones(len(indices)) if values is None else values
    return sp.csr_matrix((values, indices, indptr), shape=(len(indptr) - 1, 103)).toarray()


@pytest.mark.parametrize(("share", "kind"), [(0.2, SparseRows), (0.9, DenseRows)])
@pytest.mark.parametrize("weighted", ["alike", "weighted"])
@pytest.mark.usefixtures("blocks")
def test_blocks_are_the_codes_and_their_transpose(share, kind, weighted):
    codes = codes_of(share)
    weights = np.arange(1.0, 104) if weighted == "weighted" else None
    target = passing_target(codes, 1e-12, weights)
    assert isinstance(target, kind)
    rows, columns = np.zeros(codes.shape), np.zeros((7, 103))
    places = []
    for place, side in target.row_blocks():
        rows[place] = whole(side)[:, :7]
        np.testing.assert_array_equal(whole(target.some_rows(place)), whole(side))
    for place, side in target.column_blocks():
        places.append(place)
        columns[:, place] = whole(side)[:, : place.stop - place.start]
    assert len(places) > 1
    np.testing.assert_allclose(rows, codes, atol=1e-90)
    weighed = codes if weights is None else codes * weights[:, None]
    np.testing.assert_allclose(columns, weighed.T, atol=1e-90)


@losses
@pytest.mark.parametrize("share", [0.2, 0.9])
@pytest.mark.usefixtures("blocks")
def test_updates_are_those_of_the_whole(loss_name, share):
    codes, random = codes_of(share), np.random.default_rng(1)
    start = random.random((103, 3)), random.random((7, 3))
    found = []
    for target in (Target.of(above_floor(codes, 1e-12)), passing_target(codes, 1e-12, None)):
        factors = Factors(target, start[0].copy(), start[1].copy(), loss_name, 1)
        factors.multiply_codes()
        factors.multiply_weights_on_simplex()
        found.append((factors.Z, factors.Wt, factors.objective()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)
