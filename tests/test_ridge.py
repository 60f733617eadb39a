"""Ridge regression of many outputs, against dense formulas and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Ridge, RidgeCV

from nnae.ridge import MultiOutputRidge

SHAPES = [(60, 8, 5), (25, 70, 40), (40, 40, 3), (30, 1, 2), (2, 3, 1), (90, 20, 50)]


def problem(n, d, m, *, dtype=np.float64, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) + 1) * (rng.random((n, d)) < 0.5)
    T = X @ rng.normal(size=(d, m)) + noise * rng.normal(size=(n, m)) + 3
    return X.astype(dtype), T.astype(dtype)


def gcv(X, T, alpha):
    """The definition, with the n x n hat matrix written out."""
    n = len(X)
    A, R = X - X.mean(0), T - T.mean(0)
    H = A @ np.linalg.solve(A.T @ A + alpha * np.eye(X.shape[1]), A.T)
    return n * ((R - H @ R) ** 2).sum(0) / (n - 1 - np.trace(H)) ** 2


@pytest.mark.parametrize("solver", ["eigen", "cg"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize(("n", "d", "m"), SHAPES)
def test_weights_are_those_of_scikit_learn(n, d, m, kind, solver):
    X, T = problem(n, d, m)
    wanted = Ridge(alpha=0.7).fit(X, T)
    model = MultiOutputRidge(0.7, solver=solver, tol=1e-12).fit(kind(X), T)
    np.testing.assert_allclose(model.coef_, np.reshape(wanted.coef_, (m, d)), atol=1e-8)
    np.testing.assert_allclose(model.intercept_, wanted.intercept_, atol=1e-8)
    np.testing.assert_allclose(model.predict(kind(X)), wanted.predict(X).reshape(n, m), atol=1e-8)
    assert model.alpha_ == 0.7


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("solver", ["eigen", "cg"])
def test_single_precision_is_kept_and_close(kind, solver):
    X, T = problem(80, 30, 6, dtype=np.float32)
    model = MultiOutputRidge(0.7, solver=solver, tol=1e-6).fit(kind(X), T)
    assert model.coef_.dtype == model.predict(kind(X)).dtype == np.float32
    wanted = Ridge(alpha=0.7).fit(X.astype(float), T)
    np.testing.assert_allclose(model.coef_, wanted.coef_, atol=2e-4)


@pytest.mark.parametrize(("n", "d", "m"), SHAPES[:3])
def test_the_exact_curve_is_the_definition(n, d, m):
    X, T = problem(n, d, m)
    alphas = np.array([0.05, 0.5, 5.0, 50.0])
    wanted = np.array([gcv(X, T, alpha) for alpha in alphas])
    shared = MultiOutputRidge(alphas=alphas, solver="eigen").fit(X, T)
    np.testing.assert_allclose(shared.gcv_curve_, wanted.sum(1), rtol=1e-8)
    assert shared.alpha_ == alphas[wanted.sum(1).argmin()]
    each = MultiOutputRidge(alphas=alphas, solver="eigen", per_output=True).fit(X, T)
    np.testing.assert_allclose(each.gcv_curve_, wanted, rtol=1e-8)
    np.testing.assert_array_equal(each.alpha_, alphas[wanted.argmin(0)])
    one = Ridge(alpha=each.alpha_).fit(X, T)
    np.testing.assert_allclose(each.coef_, one.coef_, atol=1e-8)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize(("n", "d", "m"), [(400, 60, 5), (300, 80, 60), (60, 200, 4)])
def test_the_estimated_curve_is_near_the_exact_one(n, d, m, kind):
    X, T = problem(n, d, m, noise=8.0)
    alphas = np.logspace(0, 4, 9)
    exact = MultiOutputRidge(alphas=alphas, solver="eigen").fit(X, T)
    near = MultiOutputRidge(alphas=alphas, solver="cg", n_probes=64).fit(kind(X), T)
    np.testing.assert_allclose(near.gcv_curve_[2:], exact.gcv_curve_[2:], rtol=0.25)
    assert abs(np.log10(near.alpha_ / exact.alpha_)) <= 0.51
    columns = MultiOutputRidge(alphas=alphas, solver="cg", n_probes=64, per_output=True, tol=1e-8)
    columns.fit(kind(X), T)
    assert columns.alpha_.shape == (m,)
    assert columns.gcv_curve_.shape == (9, m)
    one = Ridge(alpha=columns.alpha_).fit(X, T)
    np.testing.assert_allclose(columns.coef_, one.coef_, atol=1e-4)


def test_the_chosen_penalty_predicts_as_well_as_leave_one_out():
    X, T = problem(120, 60, 4, noise=10.0)
    Xnew, Tnew = problem(120, 60, 4, noise=0.0)
    ours = MultiOutputRidge().fit(X, T)
    theirs = RidgeCV(alphas=ours.alphas_).fit(X, T)
    error = [((m.predict(Xnew) - Tnew) ** 2).mean() for m in (ours, theirs)]
    assert error[0] < 1.1 * error[1]
    worst = MultiOutputRidge(float(ours.alphas_[0])).fit(X, T)
    assert error[0] < 0.8 * ((worst.predict(Xnew) - Tnew) ** 2).mean()


@pytest.mark.parametrize("solver", ["eigen", "cg"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_weights_of_rows(kind, solver):
    X, T = problem(50, 12, 3)
    w = np.random.default_rng(1).integers(0, 4, 50)
    model = MultiOutputRidge(0.5, solver=solver, tol=1e-12)
    weighted = clone(model).fit(kind(X), T, sample_weight=w)
    repeated = clone(model).fit(kind(np.repeat(X, w, axis=0)), np.repeat(T, w, axis=0))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-8)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-8)
    dropped = MultiOutputRidge(solver="eigen").fit(X, T, sample_weight=(w > 0).astype(float))
    wanted = MultiOutputRidge(solver="eigen").fit(X[w > 0], T[w > 0])
    np.testing.assert_allclose(dropped.gcv_curve_, wanted.gcv_curve_, rtol=1e-10)


@pytest.mark.parametrize("solver", ["eigen", "cg"])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("per_output", [False, True])
def test_edges_have_defined_answers(kind, solver, per_output):
    model = MultiOutputRidge(solver=solver, per_output=per_output)
    X, T = problem(30, 4, 3)
    X[:, 1] = 2.0  # constant columns get no weight
    T[:, 2] = 7.0  # constant targets are met by the intercept
    fitted = clone(model).fit(kind(X), T)
    np.testing.assert_allclose(fitted.coef_[:, 1], 0, atol=1e-10)
    np.testing.assert_allclose(fitted.predict(kind(X))[:, 2], 7.0)
    one = clone(model).fit(kind(X[:1]), T[:1])  # one row
    np.testing.assert_allclose(one.predict(kind(X)), np.repeat(T[:1], 30, axis=0))
    zero = clone(model).fit(kind(0 * X), T)  # no features to speak of
    np.testing.assert_allclose(zero.predict(kind(X)), np.repeat(T.mean(0)[None], 30, axis=0))
    flat = clone(model).fit(kind(X), T[:, 0])
    assert flat.coef_.shape == (4,)
    assert flat.predict(kind(X)).shape == (30,)


@pytest.mark.parametrize("solver", ["eigen", "cg"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_threads_do_not_change_a_bit(kind, dtype, solver):
    X, T = problem(700, 90, 40, dtype=dtype)
    models = [MultiOutputRidge(solver=solver, n_threads=t).fit(kind(X), T) for t in (1, 2, 7)]
    for model in models[1:]:
        assert model.alpha_ == models[0].alpha_
        np.testing.assert_array_equal(model.coef_, models[0].coef_)
        np.testing.assert_array_equal(model.gcv_curve_, models[0].gcv_curve_)
        np.testing.assert_array_equal(model.predict(kind(X)), models[0].predict(kind(X)))
    np.testing.assert_array_equal(models[0].predict(kind(X)[3:4]), models[0].predict(kind(X))[3:4])


def test_single_precision_stops_where_rounding_stands_in_the_way():
    rng = np.random.default_rng(0)
    X = sp.random(400, 300, 0.05, format="csr", random_state=0, dtype=np.float32)
    X = sp.csr_matrix(X @ sp.diags(np.logspace(-2, 2, 300).astype(np.float32)))
    T = rng.normal(size=(400, 40)).astype(np.float32)
    model = MultiOutputRidge(1.0, solver="cg", tol=3e-7).fit(X, T)  # no ConvergenceWarning
    assert model.n_iter_ < 500
    wanted = Ridge(1.0).fit(X.toarray().astype(float), T)
    np.testing.assert_allclose(model.predict(X), wanted.predict(X.toarray()), atol=2e-3)


def test_the_cheaper_solver_is_taken():
    X, T = problem(300, 20, 4)
    assert MultiOutputRidge().fit(X, T).solver_ == "eigen"
    wide = sp.random(1500, 1200, 0.002, format="csr", random_state=0)
    target = np.asarray(wide[:, :3].toarray()) + 0.1
    assert MultiOutputRidge().fit(wide, target).solver_ == "cg"


def test_mistakes_are_told():
    X, T = problem(20, 4, 3)
    with pytest.raises(ValueError, match="X has 20 rows, y has 19"):
        MultiOutputRidge().fit(X, T[:-1])
    with pytest.raises(ValueError, match="solver must be one of"):
        MultiOutputRidge(solver="qr").fit(X, T)
    with pytest.raises(ValueError, match="alpha must be 'gcv' or a number"):
        MultiOutputRidge(-1.0).fit(X, T)
    with pytest.raises(ValueError, match="alphas must be finite"):
        MultiOutputRidge(alphas=[0.0, 1.0]).fit(X, T)
    with pytest.raises(ValueError, match="NaN"):
        MultiOutputRidge().fit(np.full_like(X, np.nan), T)
    with pytest.raises(ValueError, match="features"):
        MultiOutputRidge().fit(X, T).predict(X[:, :2])
    with pytest.raises(NotFittedError):
        MultiOutputRidge().predict(X)
    with pytest.warns(ConvergenceWarning, match="2 steps"):
        MultiOutputRidge(1e-6, solver="cg", max_iter=2).fit(*problem(200, 50, 3))


def test_names_of_columns_are_kept():
    X, T = problem(20, 3, 2)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = MultiOutputRidge().fit(frame, T)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c"]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks():
    from sklearn.utils.estimator_checks import check_estimator

    # at a fixed penalty: by GCV, a row of weight 2 is one observation and not two
    check_estimator(MultiOutputRidge(alpha=1.0))
