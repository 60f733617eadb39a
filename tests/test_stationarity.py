"""The projected gradient, and fits that end by it."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import LOSSES, loss, loss_of_cells
from sklearn.exceptions import ConvergenceWarning

from nnae import NMF
from nnae._cell_factors import factors_of
from nnae._cells import weigh_cells
from nnae._mask import check_mask
from nnae._stationarity import EVERY, projected_gradient
from nnae._target import Target
from nnae.datasets import make_label_hierarchy

losses = pytest.mark.parametrize("loss_name", LOSSES)


def drawn(seed=0, n=7, m=6, k=3):
    random = np.random.default_rng(seed)
    Y = (random.random((n, m)) < 0.4).astype(float)
    Z, W = random.random((n, k)) + 0.1, random.random((k, m)) + 0.1
    Z[0, 0] = W[1, 2] = 0.0
    return Y, Z, W


def norm_by_differences(value, Z, W):
    """Return the norm of the projected gradient of value(Z, W), by central differences."""
    total, step = 0.0, 1e-6
    for F in (Z, W):
        for at in np.ndindex(F.shape):
            old, ends = F[at], []
            for side in (1, -1):
                F[at] = old + side * step
                ends.append(value(Z, W))
            F[at] = old
            slope = (ends[0] - ends[1]) / (2 * step)
            total += min(slope, 0.0) ** 2 if old == 0 else slope**2
    return np.sqrt(total)


@losses
def test_it_is_that_of_the_reference(loss_name):
    Y, Z, W = drawn()
    factors = factors_of(Target.of(sp.csr_matrix(Y)), Z.copy(), W.T.copy(), loss_name, 1)
    wanted = norm_by_differences(lambda Z, W: loss(loss_name, Y, Z @ W), Z, W)
    assert projected_gradient(factors) == pytest.approx(wanted, rel=1e-5)


@losses
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_it_is_that_of_known_cells_with_weights_of_rows(loss_name, share):
    Y, Z, W = drawn(1)
    known = np.random.default_rng(2).random(Y.shape) < share
    weights = np.random.default_rng(3).random(len(Y)) + 0.5
    P, cells = weigh_cells(sp.csr_matrix(Y * known), loss_name, check_mask(known, Y.shape), None,
                           weights)  # fmt: skip
    target = Target.of(P, weights)
    factors = factors_of(target, Z.copy(), W.T.copy(), loss_name, 1, cells=cells)
    wanted = norm_by_differences(
        lambda Z, W: loss_of_cells(loss_name, Y, Z @ W, known, weights=weights), Z, W
    )
    assert projected_gradient(factors) == pytest.approx(wanted, rel=1e-5)


@losses
@pytest.mark.parametrize("solver", ["cd", "mu"])
def test_a_fit_ends_where_it_is_small(loss_name, solver):
    Y = sp.csr_matrix(make_label_hierarchy(100, random_state=0).Y, dtype=float)
    options = {"loss": loss_name, "solver": solver, "random_state": 0, "n_threads": 1}
    norms = []
    for tol in (0.1, 0.02):
        model = NMF(5, stopping="gradient", tol=tol, max_iter=2000, **options).fit(Y)
        assert model.n_iter_ % EVERY == 0
        ends = NMF(5, tol=0, max_iter=model.n_iter_, **options).fit(Y)
        np.testing.assert_array_equal(ends.components_, model.components_)
        norms.append(model.n_iter_)
    assert norms[0] <= norms[1] < 2000


def test_what_it_cannot_do_is_said():
    Y = make_label_hierarchy(60, random_state=0).Y
    with pytest.raises(ValueError, match=r"stopping must be .*gradient"):
        NMF(3, stopping="lin").fit(Y)
    with pytest.warns(ConvergenceWarning, match=r"projected gradient is .* tol is 1e-09"):
        NMF(3, stopping="gradient", tol=1e-9, max_iter=10, random_state=0).fit(Y)
