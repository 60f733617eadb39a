"""NNAE: what it recovers, what it promises, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cases import at_any_threads
from reference import LOSSES, RATE_LOSSES, linear_objective, loss
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score

from nnae import NNAE
from nnae.datasets import make_label_hierarchy

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
losses = pytest.mark.parametrize("loss_name", LOSSES)


@pytest.fixture(scope="module")
def Y():
    return sp.csr_matrix(make_label_hierarchy(150, random_state=0).Y, dtype=float)


def fit(Y, sizes=(12, 3), **options):
    short = {"pretrain_iter": 15, "max_iter": 10, "tol": 0, "random_state": 0, "n_threads": 1}
    return NNAE(sizes, **(short | options)).fit(Y)


def kinds():
    for loss_name in LOSSES:
        for objective in ("levels", "chain"):
            yield {"loss": loss_name, "objective": objective}
    yield {"encoder": "linear"}


every_kind = pytest.mark.parametrize("options", list(kinds()), ids=lambda o: "-".join(o.values()))


def test_the_planted_groups_are_recovered():
    scores = []
    for seed in range(5):
        planted = make_label_hierarchy(random_state=seed)
        model = NNAE((12, 3), random_state=seed).fit(planted.Y)
        scores.append(adjusted_rand_score(planted.groups, model.concepts(1).argmax(axis=0)))
    assert np.median(scores) >= 0.8, scores


@every_kind
def test_the_objective_never_rises(Y, options):
    model = fit(Y, pretrain_iter=40, max_iter=40, **options)
    for curve in [model.loss_curve_, *model.pretraining_curves_]:
        assert len(curve) == 40
        assert (np.diff(curve) <= 1e-9 * abs(curve[0])).all()
    assert model.loss_curve_[-1] == model.loss_
    assert model.n_iter_ == 40


@pytest.mark.parametrize("sizes", [(20, 8, 4, 2), (5,), (6, 1)])
@every_kind
def test_the_objective_never_rises_at_other_depths(Y, sizes, options):
    model = fit(Y, sizes, **options)
    for curve in [model.loss_curve_, *model.pretraining_curves_]:
        assert (np.diff(curve) <= 1e-9 * abs(curve[0])).all()


@pytest.mark.parametrize("loss_name", RATE_LOSSES)
@pytest.mark.parametrize("solver", ["mu", "cd"])
def test_the_objective_never_rises_under_a_penalty(Y, loss_name, solver):
    model = fit(Y, loss=loss_name, solver=solver, code_penalty=0.3)
    for curve in [model.loss_curve_, *model.pretraining_curves_]:
        assert (np.diff(curve) <= 1e-9 * abs(curve[0])).all()


@every_kind
def test_the_result_is_in_normal_form(Y, options):
    model = fit(Y, **options)
    assert [W.shape for W in model.weights_] == [(12, 72), (3, 12)]
    assert [Z.shape for Z in model.codes_] == [(150, 12), (150, 3)]
    for W, Z in zip(model.weights_, model.codes_, strict=True):
        assert (W >= 0).all()
        assert (Z >= 0).all()
        np.testing.assert_allclose(W.sum(axis=1), np.where(W.any(axis=1), 1, 0), rtol=1e-12)
    for level in (1, 2):
        concepts = model.concepts(level)
        np.testing.assert_allclose(concepts.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(model.concepts(2), model.weights_[1] @ model.weights_[0], rtol=1e-9)


@pytest.mark.parametrize("options", [{}, {"loss": "frobenius"}, {"encoder": "linear"}])
def test_concepts_come_by_falling_mass(Y, options):
    for codes in fit(Y, **options).codes_:
        mass = codes.sum(axis=0)
        assert (np.diff(mass) <= 1e-6 * mass.sum()).all()


@every_kind
def test_a_code_is_rate_mass(Y, options):
    model = fit(Y, **options)
    rates = model.inverse_transform(model.codes_[0])
    np.testing.assert_allclose(rates, model.codes_[0] @ model.weights_[0], rtol=1e-12)
    np.testing.assert_allclose(model.codes_[0].sum(axis=1), rates.sum(axis=1), rtol=1e-9)
    top = model.inverse_transform(model.codes_[1], level=2)
    np.testing.assert_allclose(model.codes_[1].sum(axis=1), top.sum(axis=1), rtol=1e-9)


@losses
def test_the_joint_objective_is_that_of_its_levels(Y, loss_name):
    model = fit(Y, (6,), loss=loss_name, code_penalty=0.0, pretrain_iter=200)
    got = loss(loss_name, Y.toarray(), model.codes_[0] @ model.weights_[0])
    assert got == pytest.approx(model.loss_, rel=0.02)
    assert got <= model.loss_ * (1 + 1e-6)  # the codes are solved once more at the end


def test_the_chain_is_one_product(Y):
    for loss_name in LOSSES:
        model = fit(Y, loss=loss_name, objective="chain")
        rates = model.codes_[1] @ model.concepts(2)
        got = loss(loss_name, Y.toarray(), rates)
        assert 0.95 * model.loss_ <= got <= model.loss_ * (1 + 1e-6)  # codes are solved at the end
        np.testing.assert_allclose(model.codes_[0], model.codes_[1] @ model.weights_[1], rtol=1e-9)


def test_the_linear_encoder_is_a_product_and_its_loss_that_of_the_rows(Y):
    model = fit(Y, encoder="linear")
    first, second = model.encoder_weights_
    assert (first.shape, second.shape) == ((72, 12), (12, 3))
    np.testing.assert_allclose(model.codes_[0], Y @ first, rtol=1e-12)
    np.testing.assert_allclose(model.codes_[1], Y @ first @ second, rtol=1e-9)
    assert model.codes_[0].dtype == np.float64
    wanted = linear_objective(Y.toarray(), first, model.weights_[0])
    assert model.pretraining_curves_[0][-1] == pytest.approx(wanted, rel=1e-9)
    codes = Y.toarray() @ first
    wanted = linear_objective(codes, second, model.weights_[1])
    assert model.pretraining_curves_[1][-1] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("loss_name", [*LOSSES, "linear"])
def test_transform_gives_the_codes_of_training_rows(Y, loss_name):
    options = {"encoder": "linear"} if loss_name == "linear" else {"loss": loss_name}
    model = fit(Y, **options)
    for level, Z in enumerate(model.codes_, start=1):
        np.testing.assert_allclose(model.transform(Y, level=level), Z, rtol=1e-5, atol=1e-6)
    short = {"pretrain_iter": 15, "max_iter": 10, "tol": 0, "random_state": 0}
    codes = NNAE((12, 3), **short, **options).fit_transform(Y)
    np.testing.assert_array_equal(codes, model.transform(Y))


def test_rows_without_labels_have_no_codes(Y):
    given = sp.csr_matrix(sp.vstack([Y, sp.csr_matrix((3, 72))]))
    for options in kinds():
        if options.get("objective") == "chain":
            continue
        model = fit(given, **options)
        for level in (1, 2):
            np.testing.assert_allclose(model.transform(given, level=level)[-3:], 0, atol=1e-9)


@every_kind
def test_threads_change_no_bit(Y, options):
    def everything(n_threads):
        model = fit(Y, pretrain_iter=6, max_iter=4, n_threads=n_threads, **options)
        parts = [*model.weights_, *model.codes_, model.transform(Y, 2), model.loss_curve_]
        return np.concatenate([np.ravel(part) for part in parts])

    at_any_threads(everything)


@every_kind
def test_sparse_dense_and_named_labels_give_the_same_bits(Y, options):
    names = [f"label {j:02d}" for j in range(72)]
    wanted = fit(Y, pretrain_iter=5, max_iter=3, **options)
    for given in (
        Y.toarray(),
        pd.DataFrame(Y.toarray(), columns=names),
        [[names[j] for j in row.indices] for row in Y],
    ):
        model = fit(given, pretrain_iter=5, max_iter=3, **options)
        for one, other in zip(model.weights_, wanted.weights_, strict=True):
            np.testing.assert_array_equal(one, other)
    assert model.label_names_.tolist() == names


@pytest.mark.parametrize("options", [{"loss": name} for name in LOSSES] + [{"encoder": "linear"}])
def test_weights_equal_repeated_rows(Y, options):
    if options.get("encoder") != "linear":
        options = options | {"init": "nndsvda"}
    times = np.full(150, 2.0)
    twice = fit(sp.csr_matrix(sp.vstack([Y, Y])), (4, 2), **options)
    short = {"pretrain_iter": 15, "max_iter": 10, "tol": 0, "random_state": 0, "n_threads": 1}
    weighted = NNAE((4, 2), **short, **options).fit(Y, sample_weight=times)
    if options.get("encoder") == "linear":
        for one, other in zip(weighted.weights_, twice.weights_, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    assert weighted.pretraining_curves_[0][-1] == pytest.approx(
        twice.pretraining_curves_[0][-1], rel=0.05
    )


def test_counts_of_two_halves_give_the_fit_of_all_rows(Y):
    options = {"pretrain_iter": 30, "tol": 0, "random_state": 4}
    whole = NNAE((8, 3), encoder="linear", **options).fit(Y)
    halves = NNAE((8, 3), encoder="linear", **options)
    halves.partial_fit(Y[:70]).partial_fit(Y[70:])
    for one, other in zip(halves.weights_, whole.weights_, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(halves.encoder_weights_, whole.encoder_weights_, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(halves.loss_curve_, whole.loss_curve_)
    np.testing.assert_allclose(halves.codes_[0], whole.codes_[0][70:], rtol=1e-12)
    with pytest.raises(ValueError, match="partial_fit needs encoder='linear' or 'tied'; got"):
        NNAE((8, 3)).partial_fit(Y)
    with pytest.raises(ValueError, match="Y has 71 labels, the model has 72"):
        halves.partial_fit(Y[:, :71])


EDGES = {
    "single label": np.array([[1], [0], [1]]),
    "constant label": np.array([[1, 0, 1], [1, 1, 0], [1, 0, 0], [1, 1, 1]]),
    "empty rows and columns": np.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]),
    "single row": np.array([[1, 0, 1, 1]]),
    "nothing but zeros": np.zeros((4, 3)),
    "labels that occur once": np.eye(9),
}


@every_kind
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("edge", EDGES)
def test_edges_have_defined_results(edge, dtype, options):
    given = EDGES[edge].astype(dtype)
    sizes = (2, 1) if given.shape[1] > 1 else (1,)
    model = fit(given, sizes, **options)
    for part in (*model.weights_, *model.codes_, model.loss_curve_):
        assert np.isfinite(part).all()
    for level in range(1, len(sizes) + 1):
        assert np.isfinite(model.transform(given, level=level)).all()
        assert np.isfinite(model.concepts(level)).all()


def test_widths_above_the_number_of_labels_are_reduced_with_a_warning():
    Y = np.eye(5)
    with pytest.warns(UserWarning, match=r"\(9, 3\) exceed .* reduced to at most 5"):
        model = NNAE((9, 3), random_state=0).fit(Y)
    assert model.layer_sizes_ == (5, 3)
    assert [W.shape for W in model.weights_] == [(5, 5), (3, 5)]


def test_automatic_widths_decrease(Y):
    model = fit(Y, "auto", pretrain_iter=2, max_iter=2)
    assert model.layer_sizes_ == (43, 9)
    assert fit(Y, 7, pretrain_iter=2).layer_sizes_ == (7,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer_sizes": (3, 12)}, r"must decrease from level to level; got \(3, 12\)"),
        ({"layer_sizes": ()}, "at least one width"),
        ({"layer_sizes": (0,)}, "at least 1"),
        ({"layer_sizes": "wide"}, "'auto' or integers; got 'wide'"),
        ({"loss": "hinge"}, "loss must be one of"),
        ({"encoder": "relu6"}, "encoder must be one of"),
        ({"objective": "ladder"}, "objective must be one of levels, chain"),
        ({"solver": "newton"}, "solver must be one of"),
        ({"init": "pca"}, "init must be one of"),
        ({"encoder": "linear", "objective": "chain"}, "needs encoder='nnls'"),
        ({"encoder": "linear", "loss": "bernoulli"}, "needs loss='frobenius'; got 'bernoulli'"),
        ({"code_penalty": -1.0}, "code_penalty must be at least 0"),
        ({"code_penalty": "strong"}, "code_penalty must be"),
        ({"pretrain_iter": 0}, "pretrain_iter must be at least 1"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"tol": -1}, "tol must be at least 0"),
    ],
)
def test_bad_options_are_refused(Y, options, message):
    with pytest.raises(ValueError, match=message):
        NNAE(**({"layer_sizes": (12, 3)} | options)).fit(Y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.array([[1.0, -2.0]]), "non-negative; row 0"),
        (np.array([[1.0, np.nan]]), "finite; row 0"),
        (np.empty((0, 4)), "at least one row"),
        (pd.DataFrame([[1, 0]], columns=["egg", "egg"]), "unique; 'egg'"),
    ],
)
def test_bad_labels_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        NNAE((2, 1)).fit(given)


def test_levels_are_checked(Y):
    model = fit(Y, pretrain_iter=2, max_iter=2)
    assert model.transform(Y, level=2).shape == (150, 3)
    with pytest.raises(ValueError, match="level must be at most 2; got 3"):
        model.transform(Y, level=3)
    with pytest.raises(ValueError, match="level must be at least 1; got 0"):
        model.concepts(0)
    with pytest.raises(TypeError, match="level must be an integer"):
        model.inverse_transform(np.ones((1, 3)), level=1.5)
    with pytest.raises(ValueError, match="12 columns"):
        model.inverse_transform(np.ones((1, 3)))
    with pytest.raises(NotFittedError):
        NNAE((2, 1)).transform(Y)


def test_an_interrupted_fit_leaves_a_usable_model(Y):
    def stop(sweep, objective):
        if sweep == 2:
            raise KeyboardInterrupt

    for options in kinds():
        model = NNAE((12, 3), random_state=0, pretrain_iter=5, tol=0, callback=stop, **options)
        with pytest.raises(KeyboardInterrupt, match="last sweep"):
            model.fit(Y)
        assert model.n_iter_ == 2
        level = len(model.weights_)
        assert np.isfinite(model.transform(Y, level=level)).all()


def test_clones_are_equal_and_fits_repeat(Y):
    model = NNAE((6, 2), loss="kullback-leibler", pretrain_iter=4, max_iter=3, random_state=1)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    np.testing.assert_array_equal(copy.fit(Y).weights_[1], model.fit(Y).weights_[1])


def test_a_penalty_needs_codes_of_least_loss(Y):
    with pytest.raises(ValueError, match="code_penalty or code_l2 needs encoder='nnls'; got"):
        NNAE((6, 2), encoder="linear", code_penalty=0.5).fit(Y)


def test_concepts_before_fit_say_so():
    with pytest.raises(NotFittedError):
        NNAE((6, 2)).concepts(1)
