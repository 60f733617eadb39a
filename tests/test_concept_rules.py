"""Sparseness, overlap and penalties on codes: against generic solvers, and never a rise."""

import numpy as np
import pytest
import scipy.sparse as sp
from cases import at_any_threads
from hypothesis import given as draw
from hypothesis import settings
from hypothesis import strategies as st
from reference import LOSSES, RATE_LOSSES, least_squares_codes, loss, rate_codes
from scipy import optimize

from nnae import NNAE
from nnae._concept_rules import hoyer_sparseness, project_to_sparseness
from nnae._rows import codes_of_rows
from nnae._surrogates import shrunk_codes, simplex_rates
from nnae.datasets import make_label_hierarchy

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
losses = pytest.mark.parametrize("loss_name", LOSSES)


@pytest.fixture(scope="module")
def Y():
    return sp.csr_matrix(make_label_hierarchy(120, random_state=0).Y, dtype=float)


def fit(Y, sizes=(8, 3), **options):
    short = {"pretrain_iter": 12, "max_iter": 8, "tol": 0, "random_state": 0, "n_threads": 1}
    return NNAE(sizes, **(short | options)).fit(Y)


def never_rises(model):
    for curve in [model.loss_curve_, *model.pretraining_curves_]:
        assert (np.diff(curve) <= 1e-9 * abs(curve[0])).all()


@settings(max_examples=40, deadline=None)
@draw(st.integers(2, 9), st.floats(0.05, 0.95), st.integers(0, 10_000))
def test_projections_have_the_sparseness_asked_for(m, sparseness, seed):
    x = np.random.default_rng(seed).normal(0.2, 1, m)
    got = project_to_sparseness(x, sparseness)
    assert (got >= 0).all()
    assert got.sum() == pytest.approx(1, abs=1e-9)
    assert hoyer_sparseness(got[None])[0] == pytest.approx(sparseness, abs=1e-6)


def test_no_feasible_vector_is_nearer_than_the_projection():
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = rng.random(5)
        nearest = np.sum((project_to_sparseness(x, 0.6) - x) ** 2)
        tried = [project_to_sparseness(rng.random(5), 0.6) for _ in range(4000)]
        assert nearest <= min(np.sum((t - x) ** 2) for t in tried) + 1e-12


def test_equal_weights_are_projected_too():
    got = project_to_sparseness(np.full(6, 1 / 6), 0.7)
    assert hoyer_sparseness(got[None])[0] == pytest.approx(0.7, abs=1e-6)


def test_sparseness_of_known_rows():
    got = hoyer_sparseness(np.array([[1.0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]))
    np.testing.assert_allclose(got, [1, 0, 0], atol=1e-12)
    np.testing.assert_array_equal(hoyer_sparseness(np.ones((2, 1))), [1, 1])


@pytest.mark.parametrize("bent", [0.0, 2.0])
def test_simplex_rates_match_a_generic_solver(bent):
    rng = np.random.default_rng(1)
    b, slope = rng.gamma(1, 1, (6, 3)), rng.gamma(1, 2, (6, 3))
    b[2, 1] = 0
    a = bent * rng.random((6, 3))
    got = simplex_rates(b, slope, a if bent else None)
    np.testing.assert_allclose(got.sum(axis=0), 1, rtol=1e-9)
    for p in range(3):

        def value(w, p=p):
            return np.sum(a[:, p] * w**2 / 2 + slope[:, p] * w - b[:, p] * np.log(w))

        found = optimize.minimize(
            value, np.full(6, 1 / 6), method="SLSQP", bounds=[(1e-9, 1)] * 6,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-14, "maxiter": 500},
        )  # fmt: skip
        assert value(np.maximum(got[:, p], 1e-9)) <= found.fun + 1e-6
    np.testing.assert_array_equal(simplex_rates(np.zeros((4, 2)), np.ones((4, 2))), 0)


@pytest.mark.parametrize("weight", [0.0, 1.5])
def test_shrunk_codes_match_a_generic_solver(weight):
    rng = np.random.default_rng(2)
    b, slope, T = rng.random((4, 3)), rng.random((4, 3)), 0.1 + rng.random((4, 3))
    got = shrunk_codes(b, slope, 0.7, T if weight else None, weight)
    for cell in np.ndindex(b.shape):

        def value(u, cell=cell):
            f = np.exp(u)
            pull = weight * (f * np.log(f / T[cell]) - f)
            return slope[cell] * f + 0.35 * f**2 - b[cell] * np.log(f) + pull

        best = optimize.minimize_scalar(value, bounds=(-20, 5), method="bounded",
                                        options={"xatol": 1e-10})  # fmt: skip
        assert value(np.log(got[cell])) <= best.fun + 1e-9


@losses
@pytest.mark.parametrize("sparseness", [0.7, [0.85, 0.5]])
def test_every_concept_is_as_sparse_as_asked_and_the_objective_never_rises(
    Y, loss_name, sparseness
):
    model = fit(Y, loss=loss_name, sparseness=sparseness)
    never_rises(model)
    wanted = np.broadcast_to(sparseness, 2)
    for W, own, least in zip(model.weights_, model.sparseness_, wanted, strict=True):
        assert (own >= least - 1e-6).all()
        np.testing.assert_array_equal(own, hoyer_sparseness(W))
        np.testing.assert_allclose(W.sum(axis=1), 1)
    free = fit(Y, loss=loss_name)
    assert min(free.sparseness_[0]) < wanted[0], "the bound must bind for this test to tell"


@losses
def test_overlap_of_concepts_falls_with_its_price(Y, loss_name):
    overlap = []
    for price in (0.0, 0.05, 1.0):
        model = fit(Y, loss=loss_name, orthogonality=price, pretrain_iter=40)
        never_rises(model)
        W = model.weights_[0]
        overlap.append((np.square(W.sum(axis=0)).sum() - np.square(W).sum()) / 2)
    assert overlap[0] > overlap[1] > overlap[2]


def test_labels_that_projection_takes_away_give_no_endless_codes_under_a_mask():
    # a known label beside which nothing else of a concept is known costs its code nothing: with
    # weights at the floor codes were 1e100, and level 2 was fitted to nothing but those
    Y = sp.csr_matrix(make_label_hierarchy(100, random_state=1).Y, dtype=float)
    known = np.random.default_rng(0).random(Y.shape) < 0.1
    model = NNAE((8, 3), loss="kullback-leibler", sparseness=0.9, pretrain_iter=6, max_iter=6,
                 tol=0, random_state=0, n_threads=1)  # fmt: skip
    model.fit(Y, mask=known)
    never_rises(model)
    assert (np.array(model.pretraining_curves_[1]) > 0).all()
    assert (model.sparseness_[0] >= 0.9 - 1e-6).all()


@losses
def test_both_rules_together_and_over_a_mask(Y, loss_name):
    known = np.random.default_rng(0).random(Y.shape) < 0.9
    model = NNAE((6, 2), loss=loss_name, sparseness=0.8, orthogonality=0.1,
                 pretrain_iter=10, max_iter=6, tol=0, random_state=0)  # fmt: skip
    model.fit(Y, mask=known)
    never_rises(model)
    assert (model.sparseness_[0] >= 0.8 - 1e-6).all()


@losses
@pytest.mark.parametrize(("l1", "l2"), [(0.3, 0.0), (0.0, 0.4), (0.2, 0.5)])
def test_penalised_codes_are_those_of_a_generic_solver(Y, loss_name, l1, l2):
    H = np.random.default_rng(0).gamma(0.7, size=(72, 5)) + 0.01
    P = Y[:10].toarray()
    got = codes_of_rows(Y[:10], H, loss_name, 1, l1, l2=l2)
    half = 1.0

    def value(F):
        return loss(loss_name, P, F @ H.T) + half * (l1 * F.sum() + l2 / 2 * (F**2).sum())

    if loss_name == "frobenius":
        oracle = least_squares_codes(P, H, l1 / 2, l2 / 2)
    elif l2 == 0:
        oracle = rate_codes(loss_name, P, H, l1)
    else:

        def row(p):
            def cost(f):
                R = np.maximum(H @ f, 1e-150)
                return loss(loss_name, p[None], R[None]) + l1 * f.sum() + l2 / 2 * f @ f

            start = np.full(5, (p.sum() + 0.1) / H.sum())
            return optimize.minimize(cost, start, bounds=[(1e-12, None)] * 5, options={
                "maxiter": 2000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-9}).x  # fmt: skip

        oracle = np.array([row(p) for p in P])
    assert value(got) <= value(oracle) * (1 + 1e-5)


@losses
def test_penalties_on_codes_shrink_them_and_never_let_the_objective_rise(Y, loss_name):
    mass = []
    for how in (
        {"code_penalty": 0.0},
        {"code_penalty": 0.5},
        {"code_penalty": 0.5, "code_l2": 1.0},
    ):
        model = fit(Y, loss=loss_name, **how)
        never_rises(model)
        codes = model.transform(Y)
        np.testing.assert_allclose(codes, model.codes_[0], rtol=1e-5, atol=1e-6)
        mass.append(np.square(codes).sum())
    assert mass[0] > mass[1] > mass[2]


@losses
def test_threads_change_no_bit(Y, loss_name):
    def everything(n_threads):
        model = fit(Y, loss=loss_name, sparseness=0.7, orthogonality=0.1, code_l2=0.1,
                    pretrain_iter=5, max_iter=3, n_threads=n_threads)  # fmt: skip
        return np.concatenate([np.ravel(part) for part in (*model.weights_, *model.codes_)])

    at_any_threads(everything)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sparseness": 1.0}, "sparseness must be below 1"),
        ({"sparseness": -0.1}, "sparseness must be at least 0"),
        ({"sparseness": [0.5]}, r"one number or one a level \(2\); got 1"),
        ({"sparseness": float("nan")}, "sparseness must be at least 0"),
        ({"orthogonality": -1}, "orthogonality must be at least 0"),
        ({"code_l2": -1}, "code_l2 must be at least 0"),
        (
            {"sparseness": 0.5, "encoder": "relu"},
            "sparseness or orthogonality needs encoder='nnls'",
        ),
        ({"code_l2": 0.5, "encoder": "tied"}, "code_penalty or code_l2 needs encoder='nnls'"),
        (
            {"sparseness": 0.5, "objective": "chain"},
            "chain' cannot be had together with sparseness",
        ),
    ],
)
def test_bad_rules_are_refused(Y, options, message):
    with pytest.raises(ValueError, match=message):
        NNAE((8, 3), **options).fit(Y)


def test_three_rules_that_let_the_objective_rise_are_refused(Y):
    model = NNAE((8, 3), code_l2=0.1, sparseness=0.5)
    with pytest.raises(ValueError, match="code_l2 cannot be had together with a mask"):
        model.fit(Y, mask=np.ones(Y.shape))


@pytest.mark.parametrize("loss_name", RATE_LOSSES)
def test_rules_keep_planted_groups(loss_name):
    planted = make_label_hierarchy(400, random_state=0)
    model = NNAE((12, 3), loss=loss_name, sparseness=0.6, random_state=0).fit(planted.Y)
    found = model.concepts(1).argmax(axis=0)
    pairs = [(found[i] == found[j]) == (planted.groups[i] == planted.groups[j])
             for i in range(72) for j in range(i)]  # fmt: skip
    assert np.mean(pairs) > 0.97
