"""Feature-aware codes: labels and features factorised side by side."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import least_squares_codes, loss

import nnae
from nnae._cofactors import SharedFactors, shared_codes, stack, stacking_scale
from nnae._feature_encoders import ImplicitCounts, count_columns
from nnae._feature_rows import FeatureRows
from nnae._feature_weight import choose_feature_weight, label_likelihood
from nnae._solvers import SOLVERS, OnSimplex


def planted(n=240, seed=0, noise=0.05):
    """Return labels of 6 groups and word counts that tell the group."""
    rng = np.random.default_rng(seed)
    on = rng.random((n, 6)) < 0.3
    Y = (rng.random((n, 24)) < 0.5) & np.repeat(on, 4, axis=1)
    words = rng.dirichlet(np.full(30, 0.1), 6)
    X = rng.poisson(on @ words * 15 + noise).astype(float)
    kept = Y.any(axis=1) & X.any(axis=1)
    return sp.csr_matrix(Y[kept].astype(float)), sp.csr_matrix(X[kept])


def unit(X):
    X = X.toarray() if sp.issparse(X) else np.asarray(X, float)
    length = np.sqrt((X**2).sum(axis=1, keepdims=True))
    return X / np.where(length > 0, length, 1)


def joint_loss(name, Y, X, Z, W, U, weight):
    """Add up D_Y + a^2 D_X cell by cell."""
    of_features = "frobenius" if name == "frobenius" else "kullback-leibler"
    return loss(name, Y, Z @ W) + weight**2 * loss(of_features, X, Z @ U)


@pytest.mark.parametrize("name", ["frobenius", "kullback-leibler", "bernoulli"])
@pytest.mark.parametrize("solver", ["mu", "cd"])
def test_the_objective_is_the_sum_of_both_losses_and_never_rises(name, solver):
    Y, X = planted(60)
    rows, weight, rng = unit(X), 1.5, np.random.default_rng(1)
    Z, Wt = rng.random((Y.shape[0], 3)) + 0.1, rng.random((54, 3)) + 0.1
    scale = stacking_scale(name, weight)
    factors = SharedFactors(Y, sp.csr_matrix(rows), scale, Z, Wt, name, 1)

    def dense():
        W, U = factors.Wt[:24].T, factors.Wt[24:].T / scale
        return joint_loss(name, Y.toarray(), rows, factors.Z, W, U, weight)

    before = factors.objective()
    assert before - dense() == pytest.approx(constant(name, rows, weight), rel=1e-8, abs=1e-6)
    sweeps = SOLVERS[solver](factors)
    for number in range(1, 8):
        sweeps.sweep(number)
        after = factors.objective()
        assert after <= before + 1e-9 * abs(before)
        before = after
    assert before - dense() == pytest.approx(constant(name, rows, weight), rel=1e-8, abs=1e-6)


def constant(name, X, weight):
    """Return what the stacked objective has more than the sum of losses: it knows a^2 X alone."""
    if name == "frobenius":
        return 0.0
    zeros = np.ones((X.shape[0], 1)), np.ones((1, X.shape[1]))
    scaled = loss("kullback-leibler", weight**2 * X, weight**2 * zeros[0] @ zeros[1])
    return scaled - weight**2 * loss("kullback-leibler", X, zeros[0] @ zeros[1])


def test_latent_counts_under_a_penalty_and_row_weights_keep_falling():
    Y, X = planted(80)
    rng = np.random.default_rng(2)
    Z, Wt = rng.random((Y.shape[0], 4)), rng.random((54, 4))
    Wt /= Wt.sum(axis=0)
    weights = rng.random(Y.shape[0]) + 0.5
    rows = sp.csr_matrix(unit(X))
    factors = SharedFactors(Y, rows, 1.0, Z, Wt, "bernoulli", 1, 0.1, weights)
    curve = [factors.objective()]
    sweeps = OnSimplex(factors)
    for number in range(1, 12):
        sweeps.sweep(number)
        curve.append(factors.objective())
    assert np.all(np.diff(curve) <= 1e-9 * abs(curve[0]))
    assert curve[-1] < 0.9 * curve[0]


def test_frobenius_codes_are_those_of_the_two_matrices_side_by_side():
    Y, X = planted(40)
    rng = np.random.default_rng(3)
    W, U = rng.random((5, 24)), rng.random((5, 30))
    W /= W.sum(axis=1, keepdims=True)
    found = shared_codes(Y, sp.csr_matrix(unit(X)), W, U, "frobenius", 2.0, 1, max_passes=5000)
    both = np.hstack([Y.toarray(), 2 * unit(X)])
    wanted = least_squares_codes(both, np.hstack([W, 2 * U]).T)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_bernoulli_codes_are_stationary():
    Y, X = planted(30)
    rng = np.random.default_rng(4)
    W, U = rng.random((4, 24)) + 0.01, rng.random((4, 30)) + 0.01
    W /= W.sum(axis=1, keepdims=True)
    rows = unit(X)
    Z = shared_codes(Y, sp.csr_matrix(rows), W, U, "bernoulli", 1.0, 1)
    rates = Z @ W
    gradient = (
        W.sum(axis=1)
        - (Y.toarray() * np.exp(-rates) / -np.expm1(-np.maximum(rates, 1e-300))) @ W.T
        - (Y.toarray() @ np.zeros_like(W.T))
    )
    gradient += U.sum(axis=1) - (rows / np.maximum(Z @ U, 1e-300)) @ U.T
    # d/dR of -log(1 - exp(-R)) is -exp(-R) / (1 - exp(-R)); cells of Y have no linear part
    gradient -= Y.toarray() @ W.T
    inside = Z > 1e-3
    assert np.abs(gradient[inside]).max() < 0.05
    assert gradient[~inside].min() > -0.05


@pytest.mark.parametrize("encoder", ["nnls", "linear"])
def test_weight_zero_is_the_model_of_labels_to_the_bit(encoder):
    Y, X = planted()
    one = nnae.NNAE((8, 3), encoder=encoder, random_state=0).fit(Y)
    two = nnae.NNAE((8, 3), encoder=encoder, random_state=0, feature_weight=0).fit(Y, X=X)
    for a, b in zip(one.weights_ + one.codes_, two.weights_ + two.codes_, strict=True):
        assert np.array_equal(a, b)
    assert two.feature_weight_ == 0 and two.feature_weights_ is None
    assert two.label_linkage_ is None


@pytest.mark.parametrize(
    ("encoder", "name"),
    [
        ("nnls", "bernoulli"),
        ("nnls", "kullback-leibler"),
        ("nnls", "frobenius"),
        ("linear", "auto"),
    ],
)
def test_codes_are_shared_and_both_parts_are_described(encoder, name):
    Y, X = planted()
    model = nnae.NNAE(
        (6, 3), encoder=encoder, loss=name, feature_weight=2.0, random_state=0, tol=1e-5
    ).fit(Y, X=X)
    assert model.feature_weight_ == 2.0
    assert model.feature_weights_.shape == (6, 30)
    np.testing.assert_allclose(model.weights_[0].sum(axis=1), 1, rtol=1e-6)
    codes = model.transform(Y, X=X)
    np.testing.assert_allclose(codes, model.codes_[0], rtol=1e-3, atol=2e-3 * codes.max())
    assert [Z.shape[1] for Z in model.codes_] == [6, 3]
    assert model.transform(Y, level=2, X=X).shape == (Y.shape[0], 3)
    assert np.all(np.diff(model.codes_[0].sum(axis=0)) <= 1e-6)
    explained = unit(X) - codes @ model.feature_weights_
    assert (explained**2).sum() < 0.5 * (unit(X) ** 2).sum()


@pytest.mark.parametrize("encoder", ["nnls", "linear"])
def test_codes_come_from_labels_or_from_features_alone(encoder):
    Y, X = planted(400)
    model = nnae.NNAE(6, encoder=encoder, feature_weight=2.0, random_state=0).fit(
        Y[:300], X=X[:300]
    )
    from_labels = model.transform(Y[300:])
    from_features = model.transform(None, X=X[300:])
    assert from_labels.shape == from_features.shape
    truth = Y[300:].toarray()
    for codes in (from_labels, from_features):
        rates = model.inverse_transform(codes)
        assert rates[truth > 0].mean() > 3 * rates[truth == 0].mean()


@pytest.mark.parametrize("encoder", ["nnls", "linear"])
def test_the_number_of_threads_changes_no_bit(encoder):
    Y, X = planted()
    fits = [
        nnae.NNAE((7, 3), encoder=encoder, feature_weight="auto", random_state=0, n_threads=n).fit(
            Y, X=X
        )
        for n in (1, 2, 7)
    ]
    for other in fits[1:]:
        assert other.feature_weight_ == fits[0].feature_weight_
        assert np.array_equal(other.feature_weights_, fits[0].feature_weights_)
        assert np.array_equal(other.label_linkage_, fits[0].label_linkage_)
        for a, b in zip(
            fits[0].weights_ + fits[0].codes_, other.weights_ + other.codes_, strict=True
        ):
            assert np.array_equal(a, b)


def test_row_weights_count_rows_repeatedly():
    Y, X = planted(60)
    counts = np.random.default_rng(0).integers(1, 4, Y.shape[0])
    rows = np.repeat(np.arange(Y.shape[0]), counts)
    A = stack(Y, sp.csr_matrix(unit(X)), 1.5)
    H = np.random.default_rng(1).random((54, 3))
    repeated = A[rows].toarray().T @ A[rows].toarray()
    for counted in (
        count_columns(A, 1, counts.astype(float)),
        ImplicitCounts(A, 1, counts.astype(float)),
    ):
        np.testing.assert_allclose(counted.apply(H), repeated @ H, rtol=1e-9)
        assert counted.trace == pytest.approx(np.trace(repeated))
    np.testing.assert_allclose(
        count_columns(A, 1, counts.astype(float)).totals, A[rows].toarray().sum(axis=0)
    )
    weighed, plain = (
        nnae.NNAE(5, encoder="linear", feature_weight=1.5, random_state=0).fit(Y, X=X, **given)
        for given in ({"sample_weight": counts.astype(float)}, {})
    )
    assert not np.array_equal(weighed.weights_[0], plain.weights_[0])


def test_auto_takes_features_that_tell_labels_and_leaves_those_that_do_not():
    Y, X = planted(500)
    model = nnae.NNAE(8, feature_weight="auto", loss="frobenius", random_state=0).fit(Y, X=X)
    assert model.feature_weight_ > 0
    scores = model.feature_weight_scores_
    assert scores["candidates"][0] == 0
    best = int(np.argmax(scores["log_likelihoods"]))
    assert model.feature_weight_ == scores["candidates"][best]
    noise = sp.csr_matrix(np.random.default_rng(1).poisson(0.5, X.shape).astype(float))
    useless = nnae.NNAE(8, feature_weight="auto", loss="frobenius", random_state=0).fit(Y, X=noise)
    informed = max(scores["log_likelihoods"])
    assert max(useless.feature_weight_scores_["log_likelihoods"]) < informed - 0.3


def test_the_likelihood_of_labels_is_that_of_the_formula():
    rng = np.random.default_rng(0)
    Y = sp.csr_matrix((rng.random((50, 9)) < 0.3).astype(float))
    Z, W = rng.random((50, 4)), rng.random((4, 9))
    base = rng.dirichlet(np.ones(9))
    share = Z @ W / (Z @ W).sum(axis=1, keepdims=True)
    row, column = Y.nonzero()
    values = [
        np.log((1 - e) * share[row, column] + e * base[column]).mean()
        for e in np.linspace(0, 1, 2001)
    ]
    assert label_likelihood(Y, Z, W, base) == pytest.approx(max(values), abs=1e-3)


def test_too_few_rows_to_hold_out_give_weight_one():
    Y, X = planted(20)
    choice = choose_feature_weight(Y[:4], X[:4], "frobenius", 0, 1)
    assert choice.weight == 1.0


def test_negative_features_are_split_in_two():
    Y, X = planted()
    dense = X.toarray() - X.toarray().mean(axis=0)
    rows = FeatureRows.of(dense, Y.shape[0], np.float64)
    assert rows.split and rows.matrix.shape[1] == 60
    np.testing.assert_allclose(np.sqrt(rows.matrix.multiply(rows.matrix).sum(axis=1)), 1)
    back = rows.matrix[:, :30] - rows.matrix[:, 30:]
    np.testing.assert_allclose(back.toarray(), unit(dense), atol=1e-12)
    model = nnae.NNAE(6, feature_weight=1.0, random_state=0).fit(Y, X=dense)
    assert model.feature_split_ and model.feature_weights_.shape == (6, 60)
    assert model.transform(None, X=dense[:3]).shape == (3, 6)


def test_rows_and_columns_that_are_empty_are_no_problem():
    Y, X = planted()
    Y, X = Y.tolil(), X.tolil()
    Y[0], X[1] = 0, 0
    X[2], Y[2] = 0, 0
    X[:, 5] = 0
    Y[:, 3] = 0
    Y, X = Y.tocsr(), X.tocsr()
    for encoder in ("nnls", "linear"):
        model = nnae.NNAE((6, 2), encoder=encoder, feature_weight="auto", random_state=0).fit(
            Y, X=X
        )
        assert all(np.isfinite(Z).all() for Z in model.codes_)
        assert not model.codes_[0][2].any()
        assert nnae.LabelHierarchy.from_compressor(model).unplaced == ["3"]


def test_wrong_input_is_refused_in_one_line():
    Y, X = planted()
    with pytest.raises(ValueError, match="needs the rows' features: pass X="):
        nnae.NNAE(4, feature_weight="auto").fit(Y)
    with pytest.raises(ValueError, match=f"Y has {Y.shape[0]} rows, X has 3"):
        nnae.NNAE(4, feature_weight=1.0).fit(Y, X=X[:3])
    with pytest.raises(ValueError, match="feature_weight must be 'auto' or a number; got 'much'"):
        nnae.NNAE(4, feature_weight="much").fit(Y, X=X)
    with pytest.raises(ValueError, match="feature_weight must be at least 0 and finite; got -1"):
        nnae.NNAE(4, feature_weight=-1).fit(Y, X=X)
    with pytest.raises(TypeError, match="feature_weight must be 'auto' or a number; got None"):
        nnae.NNAE(4, feature_weight=None).fit(Y, X=X)
    with pytest.raises(ValueError, match="objective='chain' cannot be had together with"):
        nnae.NNAE((4, 2), objective="chain", feature_weight=1.0).fit(Y, X=X)
    with pytest.raises(ValueError, match="partial_fit needs feature_weight=0; got 1"):
        nnae.NNAE(4, encoder="linear", feature_weight=1.0).partial_fit(Y)
    broken = X.toarray()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        nnae.NNAE(4, feature_weight=1.0).fit(Y, X=broken)
    model = nnae.NNAE(4, feature_weight=1.0, random_state=0).fit(Y, X=X)
    with pytest.raises(ValueError, match="X has 7 features, the model was fitted on 30"):
        model.transform(Y, X=X[:, :7])
    with pytest.raises(ValueError, match="X must be non-negative, as in training"):
        model.transform(Y, X=-X)
    with pytest.raises(ValueError, match="Y or X must be given; got neither"):
        model.transform(None)
    with pytest.raises(ValueError, match="Y must be given: this model was fitted on labels alone"):
        nnae.NNAE(4, random_state=0).fit(Y).transform(None, X=X)


def test_a_model_survives_a_file(tmp_path):
    Y, X = planted()
    model = nnae.NNAE((6, 3), encoder="linear", feature_weight="auto", random_state=0).fit(Y, X=X)
    nnae.save(model, tmp_path / "model.nnae")
    again = nnae.load(tmp_path / "model.nnae")
    assert np.array_equal(again.transform(Y, X=X), model.transform(Y, X=X))
    assert np.array_equal(again.transform(None, X=X), model.transform(None, X=X))
    assert again.label_evidence_ == model.label_evidence_
    trees = [nnae.LabelHierarchy.from_compressor(m).to_text() for m in (model, again)]
    assert trees[0] == trees[1]
