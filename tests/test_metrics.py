"""Measures against cases worked out by hand, against other packages, and by their properties."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, hamming_loss, ndcg_score

from nnae import metrics

# labels:          0  1  2  3
Y = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0]])
TOP = np.array([[0, 3, 2], [0, 1, -1], [2, 1, 0], [3, 2, 1]])
P = np.array([0.5, 1.0, 0.25, 0.8])
LOG3, LOG4 = 1 / np.log2(3), 1 / np.log2(4)


def random_case(seed, n=40, n_labels=15, k=5):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, n_labels)) < 0.2).astype(float)
    scores = rng.random((n, n_labels))
    return truth, scores, np.argsort(-scores, axis=1)[:, :k]


def by_k(function, *more):
    return [function(Y, TOP, k, *more) for k in (1, 2, 3)]


def test_precision_by_hand():
    assert by_k(metrics.precision_at_k) == pytest.approx([1 / 4, 3 / 8, 5 / 12])
    assert metrics.precision_per_row(Y, TOP, 2).tolist() == [0.5, 0.5, 0.0, 0.5]


def test_recall_by_hand():
    expected = [0.5 / 4, (0.5 + 1 + 1 / 3) / 4, (1 + 1 + 2 / 3) / 4]
    assert by_k(metrics.recall_at_k) == pytest.approx(expected)


def test_ndcg_by_hand():
    rows = metrics.ndcg_per_row(Y, TOP, 3)
    expected = [(1 + LOG4) / (1 + LOG3), LOG3, 0.0, (LOG3 + LOG4) / (1 + LOG3 + LOG4)]
    assert rows == pytest.approx(expected)
    assert metrics.ndcg_at_k(Y, TOP, 3) == pytest.approx(rows.mean())


def test_psp_by_hand():
    # gained at k=1: 2, 0, 0, 0; k=2: 2, 1, 0, 4; k=3: 6, 1, 0, 5
    # best at k=1: 4, 1, 0, 4; k=2: 6, 1, 0, 6; k=3: 6, 1, 0, 7
    assert by_k(metrics.psp_at_k, P) == pytest.approx([2 / 9, 7 / 13, 12 / 14])


def test_psndcg_by_hand():
    gained = np.array([2 / (1 + LOG3), LOG3, 0.0, 4 * LOG3 / (1 + LOG3)])
    best = np.array([(4 + 2 * LOG3) / (1 + LOG3), 1.0, 0.0, (4 + 2 * LOG3) / (1 + LOG3)])
    assert metrics.psndcg_at_k(Y, TOP, 2, P) == pytest.approx(gained.sum() / best.sum())
    assert metrics.psndcg_per_row(Y, TOP, 2, P)[0] == pytest.approx(gained)


def test_coverage_by_hand():
    assert by_k(metrics.coverage_at_k) == pytest.approx([1 / 3, 1.0, 1.0])


def test_propensities_by_hand():
    train = np.zeros((20, 3))
    train[:10, 0] = 1
    train[:1, 1] = 1
    C = (np.log(20) - 1) * 2.5**0.55
    expected = [1 / (1 + C * (count + 1.5) ** -0.55) for count in (10, 1, 0)]
    assert metrics.propensities(sp.csr_matrix(train)) == pytest.approx(expected)
    C = (np.log(20) - 1) * 1.4**0.5
    assert metrics.propensities(train, A=0.5, B=0.4)[0] == pytest.approx(1 / (1 + C * 10.4**-0.5))
    assert metrics.propensities([[1, 0]]).tolist() == [1.0, 1.0]


def test_f1_and_hamming_by_hand():
    predicted = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0]])
    assert metrics.f1(Y, predicted) == pytest.approx(2 * 4 / (6 + 5))
    assert metrics.f1(Y, predicted, "macro") == pytest.approx((2 / 3 + 1 + 2 / 3 + 0) / 4)
    assert metrics.f1(Y, predicted, "examples") == pytest.approx((0.5 + 1 + 0 + 0.8) / 4)
    assert metrics.f1(Y, predicted, "examples", zero_division=np.nan) == pytest.approx(2.3 / 3)
    assert metrics.hamming(Y, predicted) == pytest.approx(3 / 16)


def test_f1_of_nothing():
    nothing = np.zeros((2, 3))
    assert metrics.f1(nothing, nothing) == 0.0
    assert metrics.f1(nothing, nothing, "macro", zero_division=1.0) == 1.0
    assert np.isnan(metrics.f1(nothing, nothing, "macro", zero_division=np.nan))


def test_rows_without_labels_count_zero():
    nothing = np.zeros((2, 4))
    ranking = np.array([[0, 1], [2, -1]])
    for name in ("precision_at_k", "recall_at_k", "ndcg_at_k", "coverage_at_k"):
        assert getattr(metrics, name)(nothing, ranking, 2) == 0.0
    assert metrics.psp_at_k(nothing, ranking, 2, P) == 0.0
    assert metrics.psndcg_at_k(nothing, ranking, 2, P) == 0.0


def test_minus_one_is_never_the_last_label():
    truth = np.array([[0, 1], [0, 1]])
    assert metrics.precision_at_k(truth, np.array([[-1, -1], [-1, 1]]), 2) == 0.25


def test_standard_error():
    rows = metrics.precision_per_row(Y, TOP, 1)  # 1 0 0 0
    assert metrics.standard_error(rows) == pytest.approx(0.25)
    # a ratio with constant denominators is a mean
    assert metrics.standard_error(rows * 3, np.full(4, 3.0)) == pytest.approx(0.25)
    truth, _, top = random_case(3, n=400)
    gained, best = metrics.psp_per_row(truth, top, 3, metrics.propensities(truth))
    draws = np.random.default_rng(0).integers(0, 400, (2000, 400))
    resampled = (gained[draws].sum(axis=1) / best[draws].sum(axis=1)).std()
    assert metrics.standard_error(gained, best) == pytest.approx(resampled, rel=0.1)
    assert metrics.standard_error([0.0, 0.0], [0.0, 0.0]) == 0.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [1, 3, 5])
def test_agrees_with_scikit_learn(seed, k):
    truth, scores, top = random_case(seed)
    assert metrics.ndcg_at_k(truth, top, k) == pytest.approx(ndcg_score(truth, scores, k=k))
    predicted = (scores > 0.75).astype(int)
    for ours, theirs in (("micro", "micro"), ("macro", "macro"), ("examples", "samples")):
        expected = f1_score(truth, predicted, average=theirs, zero_division=0)
        assert metrics.f1(truth, predicted, ours) == pytest.approx(expected)
    assert metrics.hamming(truth, predicted) == pytest.approx(hamming_loss(truth, predicted))


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_napkinxc(seed):
    theirs = pytest.importorskip("napkinxc.metrics")
    truth, _, top = random_case(seed)
    sparse, ranking = sp.csr_matrix(truth), top.tolist()
    propensity = metrics.propensities(sparse)
    assert propensity == pytest.approx(theirs.Jain_et_al_propensity(sparse))
    for name in ("precision_at_k", "recall_at_k", "ndcg_at_k", "coverage_at_k"):
        expected = getattr(theirs, name)(sparse, ranking, k=5)
        found = [getattr(metrics, name)(sparse, top, k) for k in range(1, 6)]
        assert found == pytest.approx(expected)
    for ours, name in (("psp_at_k", "psprecision_at_k"), ("psndcg_at_k", "psndcg_at_k")):
        expected = getattr(theirs, name)(sparse, ranking, 1 / propensity, k=5)
        found = [getattr(metrics, ours)(sparse, top, k, propensity) for k in range(1, 6)]
        assert found == pytest.approx(expected)


@st.composite
def cases(draw):
    n, n_labels = draw(st.integers(1, 6)), draw(st.integers(1, 7))
    k = draw(st.integers(1, n_labels))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = (rng.random((n, n_labels)) < draw(st.sampled_from([0.1, 0.5, 1.0]))).astype(float)
    top = np.argsort(rng.random((n, n_labels)), axis=1)[:, :k]
    top[rng.random(top.shape) < 0.1] = -1
    return truth, top, k, rng.uniform(0.1, 1.0, n_labels)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_properties(case):
    truth, top, k, propensity = case
    order = np.random.default_rng(0).permutation(len(truth))
    plain = ("precision_at_k", "recall_at_k", "ndcg_at_k", "coverage_at_k")
    for name in (*plain, "psp_at_k", "psndcg_at_k"):
        more = () if name in plain else (propensity,)
        measure = getattr(metrics, name)
        value = measure(truth, top, k, *more)
        assert 0.0 <= value <= 1.0 + 1e-12
        assert measure(sp.coo_array(truth), top.astype(np.int32), k, *more) == value
        assert measure(truth[order], top[order], k, *more) == pytest.approx(value)
    best = np.argsort(-truth / propensity, axis=1, kind="stable")
    if truth.any():
        assert metrics.psp_at_k(truth, best, k, propensity) == pytest.approx(1.0)
        assert metrics.psndcg_at_k(truth, best, k, propensity) == pytest.approx(1.0)
        ratio = metrics.precision_at_k(truth, top, k) / metrics.precision_at_k(truth, best, k)
        assert metrics.psp_at_k(truth, top, k, np.ones(truth.shape[1])) == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be at least 1; got 0"),
        ({"k": 4}, ValueError, "k is 4, topk_indices has only 3 columns"),
        ({"k": 1.5}, TypeError, "k must be a positive integer; got 1.5"),
        ({"k": True}, TypeError, "k must be a positive integer"),
        ({"topk_indices": TOP[:3]}, ValueError, "topk_indices has 3 rows, Y_true has 4"),
        ({"topk_indices": TOP[0]}, ValueError, r"n x k; got shape \(3,\)"),
        ({"topk_indices": TOP * 1.0}, TypeError, "must hold integers; got dtype float64"),
        ({"topk_indices": TOP + 1}, ValueError, "between 0 and 3 .*got 4"),
        ({"topk_indices": TOP - 2}, ValueError, "got -2"),
        ({"topk_indices": TOP * 0 + 1}, ValueError, "repeat a label .*row 0"),
        ({"Y_true": Y - 1}, ValueError, "Y_true must be non-negative; it holds -1"),
        ({"Y_true": Y * np.nan}, ValueError, "Y_true must be finite"),
        ({"Y_true": Y[0]}, ValueError, r"one column a label; got shape \(4,\)"),
        ({"Y_true": Y[:0]}, ValueError, "at least one row and one label"),
        ({"Y_true": np.array([["a"]])}, TypeError, "must hold numbers"),
    ],
)
def test_wrong_input(change, error, message):
    arguments = {"Y_true": Y, "topk_indices": TOP, "k": 2, **change}
    with pytest.raises(error, match=message):
        metrics.precision_at_k(**arguments)


def test_wrong_input_of_the_others():
    with pytest.raises(ValueError, match=r"each of 4 labels; got shape \(3,\)"):
        metrics.psp_at_k(Y, TOP, 1, P[:3])
    with pytest.raises(ValueError, match="propensity must lie above 0"):
        metrics.psndcg_at_k(Y, TOP, 1, P - 0.25)
    with pytest.raises(ValueError, match="propensity must lie above 0"):
        metrics.psp_at_k(Y, TOP, 1, P * np.nan)
    with pytest.raises(ValueError, match="average must be one of"):
        metrics.f1(Y, Y, "weighted")
    with pytest.raises(ValueError, match="Y_pred has shape"):
        metrics.hamming(Y, Y[:2])
    with pytest.raises(ValueError, match="A must be positive"):
        metrics.propensities(Y, A=0)
    with pytest.raises(ValueError, match="2 or more rows"):
        metrics.standard_error([1.0])


def test_input_is_left_alone():
    truth = sp.csr_matrix(Y * 2.0)
    truth.data[0] = 0.0
    before = truth.data.copy(), truth.indices.copy()
    metrics.precision_at_k(truth, TOP, 2)
    assert (truth.data == before[0]).all()
    assert (truth.indices == before[1]).all()


class Popular:
    """Ranks the same labels for every row."""

    label_names_ = np.array(["a", "b", "c", "d"], dtype=object)

    def predict_topk(self, X, k):
        return np.tile(np.arange(k), (len(X), 1)), np.ones((len(X), k))


def test_scorers_read_labels_by_name():
    X = np.zeros((4, 1))
    assert metrics.precision_at_k_scorer(1)(Popular(), X, Y) == 0.5
    names = [{"a", "c"}, {"b"}, set(), {"a", "b", "c"}]
    assert metrics.precision_at_k_scorer(1)(Popular(), X, names) == 0.5
    assert metrics.ndcg_at_k_scorer(1)(Popular(), X, sp.csc_array(Y)) == 0.5
