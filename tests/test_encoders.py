"""The tied and the relu encoder: their objectives, what they recover, what they refuse."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from cases import at_any_threads
from reference import LOSSES, loss
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

import nnae
from nnae import NNAE
from nnae._linear_encoder import Counts
from nnae._relu_network import ReluLevel, ReluSweeps
from nnae._tied_encoder import TiedLevel
from nnae.datasets import make_label_hierarchy

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
KINDS = [
    {"encoder": "tied"},
    *({"encoder": "relu", "loss": name} for name in LOSSES),
    {"encoder": "relu", "objective": "chain", "loss": "bernoulli"},
    {"encoder": "relu", "objective": "chain", "loss": "frobenius"},
]
every_kind = pytest.mark.parametrize("options", KINDS, ids=lambda o: "-".join(o.values()))


@pytest.fixture(scope="module")
def Y():
    return sp.csr_matrix(make_label_hierarchy(150, random_state=0).Y, dtype=float)


def fit(Y, sizes=(8, 3), **options):
    short = {"pretrain_iter": 8, "max_iter": 4, "tol": 0, "random_state": 0, "n_threads": 1}
    return NNAE(sizes, **(short | options)).fit(Y)


@pytest.mark.parametrize(
    ("options", "least"), [({"encoder": "tied"}, 0.8), ({"encoder": "relu"}, 0.7)]
)
def test_the_planted_groups_are_recovered(options, least):
    planted = make_label_hierarchy(random_state=0)
    model = NNAE((12, 3), random_state=0, **options).fit(planted.Y)
    found = model.concepts(1).argmax(axis=0)
    assert adjusted_rand_score(planted.groups, found) >= least


@every_kind
def test_the_objective_never_rises_and_the_result_is_in_normal_form(Y, options):
    model = fit(Y, **options)
    for curve in [model.loss_curve_, *model.pretraining_curves_]:
        assert (np.diff(curve) <= 1e-9 * abs(curve[0])).all()
    for W, Z, V in zip(model.weights_, model.codes_, model.encoder_weights_, strict=True):
        assert (W >= 0).all() and (Z >= 0).all() and (V >= 0).all()
        np.testing.assert_allclose(W.sum(axis=1), np.where(W.any(axis=1), 1, 0), rtol=1e-9)
    mass = model.codes_[0].sum(axis=0)
    assert (np.diff(mass) <= 1e-6 * mass.sum()).all()


@every_kind
def test_transform_gives_the_codes_of_training_rows_and_of_any_row_alone(Y, options):
    model = fit(Y, **options)
    for level, Z in enumerate(model.codes_, start=1):
        np.testing.assert_allclose(model.transform(Y, level=level), Z, rtol=1e-9, atol=1e-12)
        alone = model.transform(Y[5:6], level=level)
        np.testing.assert_allclose(alone[0], Z[5], rtol=1e-9, atol=1e-12)


def test_relu_codes_are_the_formula(Y):
    model = fit(Y, encoder="relu")
    Z = Y.toarray()
    for V, b, kept in zip(model.encoder_weights_, model.encoder_biases_, model.codes_, strict=True):
        Z = np.maximum(0, Z @ V + b)
        np.testing.assert_allclose(kept, Z, rtol=1e-9, atol=1e-12)


def test_tied_encoders_are_their_decoders_but_for_scale(Y):
    model = fit(Y, encoder="tied")
    V, W = model.encoder_weights_[0], model.weights_[0]
    np.testing.assert_allclose(V / V.sum(axis=0), W.T, rtol=1e-9, atol=1e-12)


def test_tied_steps_follow_the_formula_with_a_root(Y):
    C = (Y.T @ Y).toarray()
    V = np.random.default_rng(0).random((72, 5))
    level = TiedLevel(Counts.of_labels(Y, 1), V.copy())
    V = level.V.copy()
    level.sweep(1)
    ratio = 2 * C @ V / (C @ V @ V.T @ V + V @ V.T @ C @ V)
    tried = [V * ratio**power for power in (1 / 2, 1 / 3)]
    assert min(np.abs(level.V - one).max() for one in tried) < 1e-9
    wanted = ((Y.toarray() - Y.toarray() @ level.V @ level.V.T) ** 2).sum()
    assert level.objective() == pytest.approx(wanted, rel=1e-9)
    first = level.objective()
    for number in range(2, 60):
        before = level.objective()
        level.sweep(number)
        assert level.objective() <= before + 1e-9 * first


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("depth", [1, 2])
def test_gradients_are_those_of_finite_differences(Y, loss_name, depth):
    rng = np.random.default_rng(0)
    sizes = [72, 5, 3][: depth + 1]
    levels = [
        ReluLevel(rng.random((m, k)) + 0.1, rng.normal(0, 0.1, k), rng.random((k, m)) + 0.1)
        for m, k in pairwise(sizes)
    ]
    weights = rng.integers(1, 3, 20).astype(float)
    sweeps = ReluSweeps(Y[:20], levels, loss_name, 1, np.random.RandomState(0), weights)
    assert len(sweeps.batches) == 1
    found = []
    sweeps._move = found.append
    sweeps._visit(sweeps.batches[0])

    def value():
        Z = Y[:20].toarray()
        for level in levels:
            Z = np.maximum(Z @ level.V + level.b, sweeps.least)
        for level in reversed(levels):
            Z = Z @ level.W
        return loss(loss_name, Y[:20].toarray(), Z, weights)

    assert sweeps.objective() == pytest.approx(value(), rel=1e-9)
    for level, gradients in zip(levels, found[0], strict=True):
        for part, gradient in zip((level.V, level.b, level.W), gradients, strict=True):
            for _ in range(4):
                cell = tuple(rng.integers(0, size) for size in part.shape)
                kept = part[cell]
                part[cell] = kept + 1e-6
                up = value()
                part[cell] = kept - 1e-6
                down = value()
                part[cell] = kept
                size = 1e-3 + abs(gradient[cell])
                assert abs((up - down) / 2e-6 - gradient[cell]) < 1e-4 * size


@every_kind
def test_threads_change_no_bit(Y, options):
    def everything(n_threads):
        model = fit(Y, pretrain_iter=3, max_iter=2, n_threads=n_threads, **options)
        parts = [*model.weights_, *model.codes_, model.transform(Y, 2), model.loss_curve_]
        return np.concatenate([np.ravel(part) for part in parts])

    at_any_threads(everything)


@every_kind
def test_models_come_back_from_their_file_and_fits_repeat(Y, tmp_path, options):
    model = fit(Y, pretrain_iter=4, max_iter=2, **options)
    nnae.save(model, tmp_path / "m.nnae")
    again = nnae.load(tmp_path / "m.nnae")
    for level in (1, 2):
        np.testing.assert_array_equal(model.transform(Y, level), again.transform(Y, level))
    np.testing.assert_array_equal(clone(model).fit(Y).weights_[1], model.weights_[1])


EDGES = {
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
    model = fit(given, (2, 1), **options)
    for part in (*model.weights_, *model.codes_, model.loss_curve_, model.transform(given, 2)):
        assert np.isfinite(part).all()
    assert model.weights_[0].dtype == dtype


def test_counts_of_two_halves_give_the_tied_fit_of_all_rows(Y):
    options = {"encoder": "tied", "pretrain_iter": 20, "tol": 0, "random_state": 4}
    whole = NNAE((8, 3), **options).fit(Y)
    halves = NNAE((8, 3), **options).partial_fit(Y[:70]).partial_fit(Y[70:])
    for one, other in zip(halves.weights_, whole.weights_, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("encoder", ["tied", "relu"])
def test_a_two_step_classifier_takes_them_and_explains_them(encoder, tmp_path):
    planted = make_label_hierarchy(200, random_state=0)
    X = planted.Y @ np.random.default_rng(0).random((72, 10))
    compressor = NNAE((12, 3), encoder=encoder, pretrain_iter=10, random_state=0)
    model = nnae.TwoStepClassifier(compressor, decoder="linear", profile="fast", random_state=0)
    model.fit(X, planted.Y)
    labels, scores = model.predict_topk(X[:3], k=2)
    found = nnae.explain(model, X[0], int(labels[0, 0]))
    assert found.score == pytest.approx(float(scores[0, 0]), rel=1e-4)
    nnae.save(model, tmp_path / "m.nnae")
    again = nnae.load(tmp_path / "m.nnae").predict_topk(X[:3], k=2)
    np.testing.assert_array_equal(again[0], labels)
    assert nnae.LabelHierarchy.from_compressor(model.compressor_).to_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "tied", "loss": "bernoulli"}, "encoder='tied' needs loss='frobenius'"),
        ({"encoder": "tied", "objective": "chain"}, "objective='chain' needs encoder="),
        ({"encoder": "relu", "feature_weight": 1.0}, "feature_weight needs encoder='nnls'"),
        ({"encoder": "relu", "code_l2": 1.0}, "code_l2 needs encoder='nnls'"),
        ({"encoder": "tied", "init": [(1, 2), (3, 4)]}, r"init=\[\(W, H\), ...\] needs encoder"),
    ],
)
def test_what_they_cannot_do_is_refused(Y, options, message):
    with pytest.raises(ValueError, match=message):
        NNAE((8, 3), **options).fit(Y, X=Y)
