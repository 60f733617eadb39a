"""Unknown cells and labels that go missing: against dense formulas, and on what must be refused."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cases import NAMES, at_any_threads, case, sides
from reference import LOSSES, least_squares_codes, loss_of_cells, rate_codes

from nnae import NMF, NNAE, _core
from nnae._mask import check_mask
from nnae.datasets import make_label_hierarchy

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
losses = pytest.mark.parametrize("loss_name", LOSSES)
solvers = pytest.mark.parametrize("solver", ["mu", "cd"])
#: Many unknown cells are listed by those that are known, few by themselves.
shares = pytest.mark.parametrize("share", [0.3, 0.9])


@pytest.fixture(scope="module")
def Y():
    return sp.csr_matrix(make_label_hierarchy(120, random_state=0).Y, dtype=float)


def known_cells(shape, share, seed=0):
    known = np.random.default_rng(seed).random(shape) < share
    known[0] = False  # a whole row
    return known


def fit(Y, k=5, **options):
    how = {name: options.pop(name) for name in ("mask", "propensities", "sample_weight")
           if name in options}  # fmt: skip
    options = {"max_iter": 25, "tol": 0, "random_state": 0, "n_threads": 1} | options
    return NMF(k, **options).fit(Y, **how)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0, 1])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "large"])
def test_listed_steps_find_the_least_squares_of_known_cells(name, share, dtype):
    given = case(name, dtype, binary=False)
    P, _, H = given.double()
    known = np.random.default_rng(1).random(P.shape) < 0.6
    seen = sides(np.where(known, given.P, 0).astype(dtype))
    listed = np.where(known, 1 - share, -share).astype(dtype)
    F = given.F.copy()
    _core.listed_step(*seen, *sides(listed), given.H, H.T @ H, F, share, 0.0, 0.0, 5000, 1e-10, 1)
    assert (F >= 0).all()
    for i, row in enumerate(known):
        wanted = least_squares_codes(P[i : i + 1, row], H[row])[0] if row.any() else 0 * F[i]
        best = np.sum((P[i, row] - H[row] @ wanted) ** 2)
        got = np.sum((P[i, row] - H[row] @ F[i].astype(float)) ** 2)
        size = 1e-3 + np.sum(P[i, row] ** 2)
        assert got <= best + (1e-3 if dtype == np.float32 else 1e-6) * size
        if not row.any() and (H.sum(axis=0) > 0).all():
            np.testing.assert_array_equal(F[i], 0)
    product = np.empty(F.shape)
    _core.listed_product(*sides(listed), F, given.H, share, product, 1)
    rates = F.astype(float) @ H.T
    np.testing.assert_allclose(product, (listed * rates) @ H, rtol=1e-6, atol=1e-9)
    indptr, indices, _ = sides(listed)  # a list without values means the same
    for values in (None, listed[listed != 0].astype(float)):
        sums = np.empty(F.shape)
        _core.listed_sums(indptr, indices, values, given.H, share, sums, 1)
        np.testing.assert_allclose(sums, listed @ H, rtol=1e-6, atol=1e-9)
    same, bare = given.F.copy(), given.F.copy()
    for out, cells in ((same, sides(listed)), (bare, (indptr, indices, None))):
        _core.listed_step(*seen, *cells, given.H, H.T @ H, out, share, 0.0, 0.0, 3, 0.0, 1)
    np.testing.assert_array_equal(bare, same)

    def with_threads(n_threads):
        F = given.F.copy()
        _core.listed_step(
            *seen, *sides(listed), given.H, H.T @ H, F, share, 0.1, 0.2, 3, 0.0, n_threads
        )
        return F

    at_any_threads(with_threads)


@losses
@solvers
@shares
def test_the_objective_is_that_of_known_cells_and_never_rises(Y, loss_name, solver, share):
    known = known_cells(Y.shape, share)
    weights = np.random.default_rng(2).integers(1, 4, Y.shape[0])
    model = fit(Y, loss=loss_name, solver=solver, mask=known, sample_weight=weights)
    assert (np.diff(model.loss_curve_) <= 1e-9 * model.loss_curve_[0]).all()
    rates = model.codes_ @ model.components_
    wanted = loss_of_cells(loss_name, Y.toarray(), rates, known, weights=weights)
    assert model.loss_ == pytest.approx(wanted, rel=1e-6)
    np.testing.assert_array_equal(model.codes_[0], 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("init", ["auto", "random"])
def test_codes_stay_finite_where_hardly_a_zero_is_known(Y, init, dtype):
    # a row whose known labels are all of one concept gains by any code: it must not be driven on by
    # weights at the floor, beside which sums over what is known are nothing but rounding
    known = known_cells(Y.shape, 0.3)
    model = fit(Y.astype(dtype), 12, loss="bernoulli", init=init, mask=known, max_iter=60)
    assert model.codes_.max() < 1e9
    assert model.components_.max() < 1e9
    curve = np.array(model.loss_curve_)
    assert (curve > 0).all()
    assert (np.diff(curve) <= 1e-9 * curve[0]).all()
    if dtype == np.float64:
        rates = model.codes_ @ model.components_
        wanted = loss_of_cells("bernoulli", Y.toarray(), rates, known)
        assert model.loss_ == pytest.approx(wanted, rel=1e-6)


@losses
@shares
def test_what_is_under_the_mask_changes_no_bit(Y, loss_name, share):
    known = known_cells(Y.shape, share)
    hidden = Y.toarray()
    hidden[~known] = 1 - hidden[~known]
    results = []
    for given in (Y, sp.csr_matrix(hidden)):
        model = fit(given, loss=loss_name, mask=known)
        deep = NNAE((6, 2), loss=loss_name, pretrain_iter=4, max_iter=2, tol=0, random_state=0)
        deep.set_params(init="nndsvda").fit(given, mask=known)
        parts = [model.codes_, model.components_, model.transform(given, mask=known)]
        parts += [*deep.weights_, *deep.codes_, deep.transform(given, level=2, mask=known)]
        results.append(parts)
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
    if loss_name != "bernoulli":  # not even values that no loss could take for labels
        hidden[~known] = 7
        np.testing.assert_array_equal(fit(hidden, loss=loss_name, mask=known).codes_, results[0][0])


def test_values_under_the_mask_do_not_choose_the_loss(Y):
    known = known_cells(Y.shape, 0.9)
    assert fit(np.where(known, Y.toarray(), 3), mask=known).loss_name_ == "bernoulli"


@losses
@solvers
def test_both_lists_of_a_mask_say_the_same(Y, loss_name, solver):
    known = known_cells(Y.shape, 0.5)
    whole = check_mask(known, Y.shape)
    other = type(whole)(sp.csr_matrix((known if whole.share else ~known).astype(np.int8)),
                        1.0 - whole.share)  # fmt: skip
    one, two = (fit(Y, loss=loss_name, solver=solver, mask=mask) for mask in (whole, other))
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-7)


@losses
def test_a_mask_that_knows_everything_is_none(Y, loss_name):
    plain = fit(Y, loss=loss_name, solver="mu")
    masked = fit(Y, loss=loss_name, solver="mu", mask=np.ones(Y.shape))
    np.testing.assert_allclose(masked.loss_curve_, plain.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(masked.components_, plain.components_, atol=1e-7)


@losses
@shares
def test_codes_of_new_rows_fit_their_known_cells(Y, loss_name, share):
    model = fit(Y, loss=loss_name)
    model.components_ = model.components_ + 1e-3
    known = known_cells(Y.shape, share, seed=3)[:8]
    codes = model.transform(Y[:8], mask=known)
    for i, row in enumerate(known):
        P, H = Y[i].toarray()[:, row], np.ascontiguousarray(model.components_[:, row].T)
        if not row.any():
            np.testing.assert_allclose(codes[i], 0, atol=1e-12)
            continue
        frobenius = loss_name == "frobenius"
        oracle = least_squares_codes(P, H) if frobenius else rate_codes(loss_name, P, H)
        all_known = np.ones(P.shape, bool)
        best = loss_of_cells(loss_name, P, oracle @ H.T, all_known)
        got = loss_of_cells(loss_name, P, codes[i : i + 1] @ H.T, all_known)
        assert got <= best + 1e-4 * (1 + abs(best))


@losses
@solvers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(Y, loss_name, solver, dtype):
    known = known_cells(Y.shape, 0.9)
    p = np.linspace(0.2, 1, Y.shape[1])

    def everything(n_threads):
        options = {"loss": loss_name, "solver": solver, "max_iter": 5, "n_threads": n_threads}
        model = fit(Y.astype(dtype), mask=known, propensities=p, **options)
        assert model.components_.dtype == dtype
        return np.concatenate([model.codes_, model.components_.T], axis=None)

    at_any_threads(everything)


@losses
def test_every_kind_of_mask_gives_the_same_bits(Y, loss_name):
    for share in (0.3, 0.9):
        known = known_cells(Y.shape, share)
        wanted = fit(Y, loss=loss_name, max_iter=5, mask=known).components_
        kinds = (
            known.astype(int), sp.csr_matrix(known), sp.csc_matrix(known.astype(float) * -2),
            sp.coo_array(known), pd.DataFrame(known),
        )  # fmt: skip
        for kind in kinds:
            got = fit(Y, loss=loss_name, max_iter=5, mask=kind).components_
            np.testing.assert_array_equal(got, wanted, err_msg=type(kind).__name__)


@losses
@solvers
@pytest.mark.parametrize("share", [0.3, 0.9, 1.0])
def test_positives_count_by_their_propensity(Y, loss_name, solver, share):
    p = np.random.default_rng(0).uniform(0.2, 1, Y.shape[1])
    known = known_cells(Y.shape, share)
    model = fit(Y, loss=loss_name, solver=solver, mask=known, propensities=p)
    assert (np.diff(model.loss_curve_) <= 1e-9 * model.loss_curve_[0]).all()
    rates = model.codes_ @ model.components_
    wanted = loss_of_cells(loss_name, Y.toarray(), rates, known, p)
    assert model.loss_ == pytest.approx(wanted, rel=1e-6)
    again = loss_of_cells(loss_name, Y.toarray(), model.transform(Y, mask=known)
                          @ model.components_, known, p)  # fmt: skip
    assert again <= wanted * (1 + 1e-6)


@losses
def test_propensities_of_one_change_nothing(Y, loss_name):
    ones = np.ones(Y.shape[1])
    one, two = fit(Y, loss=loss_name), fit(Y, loss=loss_name, propensities=ones)
    np.testing.assert_allclose(one.loss_curve_, two.loss_curve_, rtol=1e-7)


def test_propensities_undo_labels_gone_missing():
    """Rates fitted to thinned labels, propensities known, come near those of all labels."""
    whole = sp.csr_matrix(make_label_hierarchy(2000, random_state=1).Y, dtype=float)
    p = np.where(np.arange(whole.shape[1]) % 2, 0.3, 1.0)
    kept = np.random.default_rng(0).random(whole.nnz) < p[whole.indices]
    thinned = sp.csr_matrix((whole.data * kept, whole.indices.copy(), whole.indptr.copy()))
    thinned.eliminate_zeros()
    truth = np.asarray(whole.mean(axis=0)).ravel()
    off = {}
    for name, given in (("with", p), ("without", None)):
        model = fit(thinned, 12, loss="kullback-leibler", max_iter=60, propensities=given)
        off[name] = np.abs((model.codes_ @ model.components_).mean(axis=0) / truth - 1)[1::2].mean()
    assert off["with"] < 0.12
    assert off["without"] > 0.5


@losses
def test_levels_learn_from_known_cells(Y, loss_name):
    known = known_cells(Y.shape, 0.9)
    p = np.linspace(0.3, 1, Y.shape[1])
    options = {"loss": loss_name, "pretrain_iter": 8, "max_iter": 6, "tol": 0, "random_state": 0}
    for penalty in (0.0, 0.2):
        model = NNAE((8, 3), code_penalty=penalty, **options).fit(Y, mask=known, propensities=p)
        for curve in [model.loss_curve_, *model.pretraining_curves_]:
            assert (np.diff(curve) <= 1e-9 * abs(curve[0])).all()
        np.testing.assert_allclose(model.weights_[0].sum(axis=1), 1)
        codes = model.transform(Y, mask=known)
        if penalty or loss_name != "bernoulli":  # codes without end stop anywhere
            np.testing.assert_allclose(codes, model.codes_[0], rtol=1e-5, atol=1e-6)
    assert NNAE((8, 3), **options).fit_transform(Y, mask=known).shape == (120, 8)


def test_a_label_without_known_cells_has_no_weights(Y):
    known = known_cells(Y.shape, 0.9)
    known[:, [3, 7]] = False
    for loss_name in LOSSES:
        for solver in ("mu", "cd"):
            with pytest.warns(UserWarning, match=r"2 labels have no known cell .* such as '3'"):
                model = fit(Y, loss=loss_name, solver=solver, mask=known, max_iter=60)
            assert np.isfinite(model.loss_)
            np.testing.assert_allclose(model.components_[:, [3, 7]], 0, atol=1e-6)


BAD = [
    ({"mask": np.ones((3, 4))}, r"mask must have the shape of Y, \(120, 72\); got \(3, 4\)"),
    ({"mask": np.full((120, 72), np.nan)}, "nonzero at known cells and zero at others; got NaN"),
    ({"mask": np.zeros((120, 72))}, "at least one cell known"),
    ({"mask": sp.csr_matrix((120, 72))}, "at least one cell known"),
    ({"mask": np.full((120, 72), "yes")}, "mask must hold numbers or truth values"),
    ({"propensities": np.ones(3)}, r"one entry a label \(72\); got shape \(3,\)"),
    ({"propensities": np.zeros(72)}, "above 0 and at most 1"),
    ({"propensities": np.full(72, 1.5)}, "above 0 and at most 1"),
    ({"propensities": np.full(72, np.nan)}, "above 0 and at most 1"),
    ({"propensities": "often"}, "propensities must be numbers"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_bad_masks_and_propensities_are_refused(Y, given, message):
    for model in (NMF(3), NNAE((4, 2))):
        with pytest.raises((ValueError, TypeError), match=message) as raised:
            model.fit(Y, **given)
        assert "\n" not in str(raised.value)
    if "mask" in given:
        with pytest.raises((ValueError, TypeError), match=message):
            fit(Y, max_iter=1).transform(Y, mask=given["mask"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "linear"}, "mask or propensities needs encoder='nnls'; got 'linear'"),
        ({"encoder": "tied"}, "needs encoder='nnls'; got 'tied'"),
        ({"encoder": "relu"}, "needs encoder='nnls'; got 'relu'"),
        ({"objective": "chain"}, "objective='chain' cannot be had together with mask"),
        ({"feature_weight": 1.0}, "feature_weight cannot be had together with mask"),
    ],
)
def test_fits_that_cannot_leave_cells_out_say_so(Y, options, message):
    with pytest.raises(ValueError, match=message):
        NNAE((4, 2), **options).fit(Y, X=Y, mask=np.ones(Y.shape))
    with pytest.raises(ValueError, match=message):
        NNAE((4, 2), **options).fit(Y, X=Y, propensities=np.ones(72))
