import numpy as np
import pytest
import scipy.sparse as sp

from nnae._gram_ridge import GramRidge


def expected(X, T, weights, alpha):
    """The ridge with an intercept, in dense double precision."""
    total = weights.sum()
    mean, centre = weights @ X / total, weights @ T / total
    A = (X - mean) * np.sqrt(weights)[:, None]
    right = A.T @ ((T - centre) * np.sqrt(weights)[:, None])
    B = np.linalg.solve(A.T @ A + alpha * np.eye(X.shape[1]), right)
    return B, centre - mean @ B


@pytest.mark.parametrize("form", ["sparse", "dense"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n, d", [(60, 20), (40, 90), (12, 40)])
def test_every_way_finds_the_ridge_outside_a_fold(form, weighted, n, d):
    random = np.random.default_rng(n)
    X = random.random((n, d)) * (random.random((n, d)) < 0.4)
    labels = sp.csr_matrix((random.random((n, 7)) < 0.3).astype(float))
    T = random.normal(size=(n, 3))
    weights = random.random(n) + 0.5 if weighted else None
    folds = np.arange(n) % 3
    F = sp.csr_matrix(X) if form == "sparse" else X
    ridge = GramRidge(F, folds, weights, n_threads=2)
    for fold in (-1, 1):
        rows = ridge.rows(fold)
        assert len(rows) == (n if fold == -1 else n - (folds == 1).sum())
        both = np.hstack([T, labels.toarray()])[rows]
        w = np.ones(len(rows)) if weights is None else weights[rows]
        B, intercept = expected(X[rows], both, w, 0.7)
        targets = [T[rows], labels[rows]]
        found = {
            "chosen": ridge.solve(targets, 0.7, fold),
            "rows": ridge._through_rows(targets, 0.7, rows),
            "descent": ridge._descend(targets, 0.7, rows),
        }
        for way, tolerance in (("chosen", 1e-3), ("rows", 1e-10), ("descent", 1e-3)):
            np.testing.assert_allclose(found[way].coef, B, atol=tolerance, err_msg=way)
            np.testing.assert_allclose(found[way].intercept, intercept, atol=tolerance, err_msg=way)


def test_fewer_rows_than_features_go_through_rows():
    random = np.random.default_rng(0)
    X = random.random((30, 400)).astype(np.float32)
    for F in (X, sp.csr_matrix(X)):
        ridge = GramRidge(F, np.zeros(30, int), None, n_threads=1)
        assert ridge._way(50, 30) == ridge._through_rows
    many = GramRidge(random.random((400, 30)), np.zeros(400, int), None, n_threads=1)
    assert many._way(50, 400) is None


def test_rows_give_the_same_bits_for_any_number_of_threads():
    random = np.random.default_rng(1)
    X = sp.random(50, 300, 0.4, "csr", np.float32, random_state=1)
    T = random.random((50, 600)).astype(np.float32)
    found = [
        GramRidge(X, np.zeros(50, int), None, n_threads)._through_rows([T], 1.0, np.arange(50))
        for n_threads in (1, 2, 7)
    ]
    for other in found[1:]:
        assert (other.coef == found[0].coef).all() and (other.intercept == found[0].intercept).all()
