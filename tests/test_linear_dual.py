"""Linear classifiers by dual coordinate descent, against the minimum of the primal."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import linear_classifier, linear_classifier_objective

from nnae import _core
from nnae._linear_dual import DualOptions, Problems, margins, train, unit_rows

LOSSES = ("squared_hinge", "logistic")
EXACT = {"tol": 1e-9, "max_iter": 5000}


def rows(n, d, *, seed=0, dtype=np.float64, index=np.int32):
    rng = np.random.default_rng(seed)
    X = sp.csr_matrix(((rng.random((n, d)) < 0.4) * rng.normal(size=(n, d))).astype(dtype))
    return sp.csr_matrix((X.data, X.indices.astype(index), X.indptr.astype(index)), shape=(n, d))


def problems(groups, positives):
    """Pose problems: groups are lists of rows, positives are pairs (group, rows)."""
    joined = [
        np.concatenate([[], *lists]).astype(np.int64)
        for lists in (groups, [r for _, r in positives])
    ]
    starts = [np.cumsum([0, *map(len, lists)]) for lists in (groups, [r for _, r in positives])]
    of = np.array([g for g, _ in positives], np.int64)
    return Problems(
        starts[0].astype(np.int64), joined[0], of, starts[1].astype(np.int64), joined[1]
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("n", "d", "n_labels"), [(1, 1, 1), (40, 7, 3), (120, 30, 16), (90, 60, 35)]
)
def test_weights_are_at_the_minimum_of_the_primal(loss, index, n, d, n_labels):
    X = rows(n, d, seed=n, index=index)
    Y = np.random.default_rng(n).random((n, n_labels)) < 0.3
    options = DualOptions(loss=loss, C=0.7, **EXACT)
    W, bias = train(X, Problems.one_vs_rest(sp.csr_matrix(Y)), options, None, 1)
    for label in {0, n_labels // 2, n_labels - 1}:
        wanted = linear_classifier(X.toarray(), Y[:, label], loss, 0.7)
        got = np.append(W[label].toarray().ravel(), bias[label])
        np.testing.assert_allclose(got, wanted, atol=2e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_groups_see_their_own_rows_alone(loss):
    X = rows(80, 25, seed=3)
    rng = np.random.default_rng(0)
    groups = [np.sort(rng.choice(80, size, replace=False)) for size in (50, 1, 80, 0, 30)]
    positives = [
        (g, np.sort(rng.choice(group, len(group) // 3, replace=False)))
        for g, group in enumerate(groups)
        for _ in range(1 + 18 * (g == 0))
    ]
    options = DualOptions(loss=loss, C=1.3, **EXACT)
    W, bias = train(X, problems(groups, positives), options, None, 2)
    for p, (g, positive) in enumerate(positives):
        y = np.isin(groups[g], positive)
        wanted = linear_classifier(X[groups[g]].toarray(), y, loss, 1.3)
        np.testing.assert_allclose(np.append(W[p].toarray(), bias[p]), wanted, atol=2e-6)
        assert (np.diff(W[p].indices) > 0).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_costs_of_rows_are_repetitions(loss):
    X = rows(50, 9, seed=5)
    Y = sp.csr_matrix(np.random.default_rng(1).random((50, 4)) < 0.4)
    times = np.random.default_rng(2).integers(1, 4, 50)
    again = np.repeat(np.arange(50), times)
    options = DualOptions(loss=loss, C=0.5, **EXACT)
    weighted = train(X, Problems.one_vs_rest(Y), options, times.astype(float), 1)
    repeated = train(sp.csr_matrix(X[again]), Problems.one_vs_rest(Y[again]), options, None, 1)
    np.testing.assert_allclose(weighted[0].toarray(), repeated[0].toarray(), atol=2e-6)
    np.testing.assert_allclose(weighted[1], repeated[1], atol=2e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_and_calls_never_change_a_bit(loss, dtype, monkeypatch):
    X = rows(200, 40, seed=7, dtype=dtype)
    Y = sp.csr_matrix(np.random.default_rng(3).random((200, 70)) < 0.2)
    half = np.arange(0, 200, 2)
    posed = problems(
        [np.arange(200), half],
        [(0, Y[:, [j]].nonzero()[0]) for j in range(50)]
        + [(1, np.intersect1d(half, Y[:, [j]].nonzero()[0])) for j in range(50, 70)],
    )
    options = DualOptions(loss=loss, seed=5)
    W, bias = train(X, posed, options, None, 1)
    for call in (1, 10**9):
        monkeypatch.setattr("nnae._linear_dual.CALL", call)
        for n_threads in (1, 2, 7):
            again, shift = train(X, posed, options, None, n_threads)
            assert (again != W).nnz == 0
            np.testing.assert_array_equal(shift, bias)
    assert W.dtype == bias.dtype == np.float32


def test_a_loose_tolerance_is_near_the_minimum_and_the_seed_matters_little():
    X = unit_rows(rows(600, 80, seed=9))
    Y = np.random.default_rng(4).random((600, 3)) < 0.1
    seen = []
    for seed in (0, 1):
        W, bias = train(X, Problems.one_vs_rest(sp.csr_matrix(Y)), DualOptions(seed=seed), None, 1)
        seen.append(W.toarray())
        for label in range(3):
            w = np.append(W[label].toarray(), bias[label])
            best = linear_classifier(X.toarray(), Y[:, label], "squared_hinge", 1.0)
            reached, least = (
                linear_classifier_objective(X.toarray(), Y[:, label], "squared_hinge", 1.0, v)
                for v in (w, best)
            )
            assert least <= reached <= 1.02 * least
    assert (seen[0] != seen[1]).any()


def test_pruning_drops_small_weights_only():
    X = rows(100, 30, seed=11)
    posed = Problems.one_vs_rest(sp.csr_matrix(np.random.default_rng(5).random((100, 5)) < 0.3))
    full, bias = train(X, posed, DualOptions(), None, 1)
    pruned, same = train(X, posed, DualOptions(prune=0.1), None, 1)
    wanted = np.where(np.abs(full.toarray()) > 0.1, full.toarray(), 0)
    np.testing.assert_array_equal(pruned.toarray(), wanted)
    np.testing.assert_array_equal(same, bias)
    assert 0 < pruned.nnz < full.nnz


@pytest.mark.parametrize("loss", LOSSES)
def test_edges_have_defined_answers(loss):
    X = sp.csr_matrix(np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]))
    Y = sp.csr_matrix(np.array([[0, 1, 1], [0, 1, 0], [0, 1, 0]]))
    options = DualOptions(loss=loss, C=100.0, **EXACT)
    W, bias = train(X, Problems.one_vs_rest(Y), options, None, 1)
    assert bias[0] < 0 < bias[1]  # never, always
    assert np.isfinite(W.data).all()
    assert (W.indices == 0).all()  # the second feature is in no row
    none, empty = train(X, problems([[]], []), options, None, 1)
    assert none.shape == (0, 2)
    assert empty.shape == (0,)
    W, bias = train(X, problems([[]], [(0, [])]), options, None, 1)
    assert (W.nnz, bias.tolist()) == (0, [0.0])
    W, bias = train(X[:0], Problems.one_vs_rest(Y[:0]), options, None, 1)
    assert (W.shape, W.nnz) == ((3, 2), 0)
    no_features = sp.csr_matrix((3, 0))
    W, bias = train(no_features, Problems.one_vs_rest(Y), options, None, 1)
    assert W.shape == (3, 0)
    assert bias[0] < 0 < bias[1]


def test_a_problem_without_bias():
    X = rows(60, 12, seed=13)
    y = np.random.default_rng(6).random(60) < 0.4
    options = DualOptions(bias=0.0, **EXACT)
    W, bias = train(X, Problems.one_vs_rest(sp.csr_matrix(y[:, None])), options, None, 1)
    wanted = linear_classifier(X.toarray(), y, "squared_hinge", 1.0, bias=0.0)
    np.testing.assert_allclose(W.toarray().ravel(), wanted[:-1], atol=2e-6)
    assert bias.tolist() == [0.0]


def test_wrong_arrays_are_refused():
    X, whole = rows(5, 3), Problems.one_vs_rest(sp.csr_matrix(np.eye(5)))
    cases = [
        ({"group_rows": whole.group_rows[::-1].copy()}, "must rise"),
        ({"group_rows": whole.group_rows + 1}, "columns"),
        ({"positive_rows": whole.positive_rows + 1}, "columns"),
        ({"group": whole.group + 1}, "must have a group"),
    ]
    for change, message in cases:
        with pytest.raises(ValueError, match=message):
            call(X, Problems(**{**vars(whole), **change}))
    with pytest.raises(ValueError, match="squared_hinge or logistic"):
        call(X, whole, loss="hinge")
    with pytest.raises(ValueError, match="one entry a row"):
        call(X, whole, weights=np.ones(4))


def call(X, p, *, loss="logistic", weights=None):
    posed = (p.group_indptr, p.group_rows, p.group, p.positive_indptr, p.positive_rows)
    return _core.linear_dual(
        X.indptr, X.indices, X.data, 3, weights, *posed, loss, 1.0, 1.0, 0.1, 0.0, 5, 0, 1
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_margins_are_products(dtype):
    X, W = rows(150, 40, dtype=dtype), rows(40, 23, seed=1, dtype=dtype)
    bias = np.arange(23, dtype=dtype)
    got = margins(X, W, bias, 1)
    np.testing.assert_allclose(got, X.toarray() @ W.toarray() + bias, rtol=1e-5, atol=1e-5)
    assert got.dtype == dtype
    for n_threads in (2, 7):
        np.testing.assert_array_equal(margins(X, W, bias, n_threads), got)
    wide = sp.csr_matrix((W.data, W.indices.astype(np.int64), W.indptr.astype(np.int64)), W.shape)
    np.testing.assert_array_equal(margins(X, wide, bias, 1), got)
    assert margins(X[:0], W, bias, 1).shape == (0, 23)
