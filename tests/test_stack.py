"""The stack and its out-of-fold weights: leakage, weights, files, threads, edges."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features, popularity

import nnae
from nnae import NNAE, TwoStepClassifier
from nnae._blend import (
    Candidates,
    SoftmaxLoss,
    better_than_one,
    common_weights,
    frequency_bands,
    learn_weights,
)
from nnae._gram_ridge import positive_solve
from nnae._landmarks import Landmarks
from nnae._model_tree import Encoder
from nnae._propensity_prior import choose_exponent
from nnae._spaces import Spaces
from nnae._training import FOLDS, Training
from nnae.decoders import LinearDecoder, StackDecoder
from nnae.decoders.stack import KINDS
from nnae.metrics import precision_at_k, propensities


@pytest.fixture(scope="module")
def planted():
    return planted_features()


@pytest.fixture(scope="module")
def fitted(planted):
    return TwoStepClassifier(decoder="stack", random_state=0, n_threads=1).fit(*planted[:2])


def training(X, Y, decoder=StackDecoder, weights=None):
    Y = sp.csr_matrix(Y, dtype=np.float64)

    def compress(features, labels, weights):
        return NNAE((20, 4), encoder="linear", random_state=0, n_threads=1).fit(labels)

    return Training(
        X=np.ascontiguousarray(X, np.float64),
        Y=Y,
        weights=weights,
        compressor=compress(X, Y, None),
        compress=compress,
        estimator=None,
        decoder=decoder,
        propensities=propensities(Y),
        loss="frobenius",
        seed=3,
        n_threads=1,
    )


def test_it_ranks_better_than_popularity_and_no_worse_than_its_parts(planted, fitted):
    X, Y, Xt, Yt = planted
    assert fitted.score(Xt, Yt) > 3 * popularity(Y, Yt, 1)
    linear = TwoStepClassifier(decoder="linear", random_state=0, n_threads=1).fit(X, Y)
    found = [precision_at_k(Yt, model.predict_topk(Xt, 5)[0], 5) for model in (fitted, linear)]
    assert found[0] > found[1] - 0.02


def test_weights_are_told_and_not_negative(fitted):
    stack = fitted.decoder_
    frame = stack.frame()
    assert list(frame.columns) == ["by_concepts", "head", "torso", "tail", "share"]
    assert set(frame.index) <= set(KINDS)
    assert (frame[["head", "torso", "tail"]].to_numpy() >= 0).all()
    np.testing.assert_allclose(frame["share"].sum(), 1)
    np.testing.assert_allclose(stack.weights.sum(axis=0).mean(), 1)
    assert len(stack.parts) == len(frame) == len(stack.weights)


def test_scores_are_squared_sums_of_weighted_roots(planted, fitted):
    Xt = planted[2]
    stack = fitted.decoder_
    query, _ = fitted._query(Xt, 1)
    seen = {"features": query}
    if stack.view is not None:
        seen["landmarks"] = stack.view(query, 1)
    expected = sum(
        stack.weights[at][stack.bands]
        * np.sqrt(np.maximum(part.scores(seen[KINDS[name].view], 1, 1), 0))
        for at, (name, part) in enumerate(zip(stack.names, stack.parts, strict=True))
    )
    np.testing.assert_allclose(fitted.decision_function(Xt), expected**2, rtol=1e-9)


def test_labels_of_test_rows_touch_nothing(planted):
    X, Y, Xt, Yt = planted
    everything = sp.vstack([Y, Yt]).tocsr()
    noise = everything.copy().tolil()
    noise[Y.shape[0] :] = np.random.default_rng(0).random(Yt.shape) < 0.3
    rows = np.arange(Y.shape[0])
    found = [
        TwoStepClassifier(decoder="stack", random_state=0, n_threads=1).fit(X, labels.tocsr()[rows])
        for labels in (everything, noise)
    ]
    ours, theirs = (fitted_arrays(model) for model in found)
    assert len(ours) == len(theirs) > 20
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(*(model.predict_topk(Xt, 5) for model in found), strict=True):
        assert (one == other).all()
    assert found[0].threshold_ == found[1].threshold_
    assert found[0].psp_exponent_ == found[1].psp_exponent_


def fitted_arrays(model):
    """Every array that a model file would hold."""
    encoder = Encoder()
    encoder.model(model, "model")
    return encoder.arrays


@pytest.mark.parametrize("name", list(KINDS))
def test_a_fold_is_predicted_without_its_labels(planted, name):
    X, Y = planted[:2]
    first = training(X, Y)
    folds = np.arange(len(X)) % FOLDS
    noise = sp.lil_matrix(Y, dtype=np.float64)
    noise[folds == 1] = np.random.default_rng(0).random((int((folds == 1).sum()), Y.shape[1])) < 0.3
    second = training(X, noise.tocsr())
    scores = []
    for work in (first, second):
        fold = work._hold_out(Spaces(work.X, folds, None, 3, 1), 1)
        assert (fold.rows % FOLDS == 1).all()
        seen, query = fold.evidence, fold.query
        if KINDS[name].view == "landmarks":
            from nnae.decoders.stack import _through_landmarks

            view, seen = _through_landmarks(fold.evidence)
            query = view(query, 1)
        scores.append(KINDS[name].learn(seen).scores(query, 1, 1))
    assert (scores[0] == scores[1]).all()


def test_the_rows_ranked_out_of_fold_are_all_rows_once(planted):
    X, Y = planted[:2]
    for decoder in (StackDecoder, LinearDecoder):
        ranked = training(X, Y, decoder).fit(FOLDS).ranked
        assert ranked.held_out
        assert ranked.indices.shape == ranked.scores.shape == ranked.Y.shape == Y.shape
        assert ranked.Y.nnz == Y.nnz
        assert (np.isfinite(ranked.scores) == (ranked.indices >= 0)).all()


def test_ridges_of_folds_equal_ridges_of_their_rows(planted):
    X, Y = planted[0].astype(np.float64), sp.csr_matrix(planted[1], dtype=np.float64)
    folds = np.arange(len(X)) % 3
    weights = np.random.default_rng(0).random(len(X)) + 0.5
    T = np.random.default_rng(1).normal(size=(len(X), 7))
    for features in (X, sp.csr_matrix(X)):
        ridge = Spaces(features, folds, weights, 0, 1).linear
        for fold in (-1, 0, 2):
            rows = folds != fold
            found = ridge.solve([T[rows], Y[rows]], 2.5, fold)
            other = nnae.ridge.MultiOutputRidge(2.5, n_threads=1)
            other.fit(X[rows], np.hstack([T[rows], Y[rows].toarray()]), weights[rows])
            np.testing.assert_allclose(found.coef, other.coef_.T, atol=1e-8)
            np.testing.assert_allclose(found.intercept, other.intercept_, atol=1e-8)


def test_a_matrix_that_rounding_leaves_indefinite_is_solved_all_the_same():
    rng = np.random.default_rng(0)
    F = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 20))  # rank 3: no penalty, no inverse
    gram = F.T @ F - 1e-9 * np.eye(20)
    right = gram @ rng.normal(size=(20, 5))
    found = positive_solve(gram.copy(), right, 1)
    np.testing.assert_allclose(gram @ found, right, atol=1e-3 * np.abs(right).max())


def test_more_features_than_rows(planted):
    X, Y = np.random.default_rng(0).normal(size=(40, 300)), planted[1][:40]
    model = TwoStepClassifier(decoder="stack", random_state=0, n_threads=1).fit(X, Y)
    assert model.predict_topk(X, 3)[0].shape == (40, 3)


def test_threads_do_not_change_a_bit(planted):
    X, Y, Xt, _ = planted
    found = [
        TwoStepClassifier(decoder="stack", random_state=0, n_threads=threads).fit(X, Y)
        for threads in (1, 2, 7)
    ]
    for model in found[1:]:
        assert (model.decoder_.weights == found[0].decoder_.weights).all()
        for ours, theirs in zip(model.predict_topk(Xt), found[0].predict_topk(Xt), strict=True):
            assert (ours == theirs).all()


def test_model_comes_back_from_a_file(planted, fitted, tmp_path):
    nnae.save(fitted, tmp_path / "model.nnae")
    again = nnae.load(tmp_path / "model.nnae")
    found = zip(again.predict_topk(planted[2]), fitted.predict_topk(planted[2]), strict=True)
    for ours, theirs in found:
        assert (ours == theirs).all()
    assert again.decoder_.frame().equals(fitted.decoder_.frame())


def test_levels_above_the_first_are_decoded_linearly(planted, fitted):
    X, Y, Xt, _ = planted
    linear = TwoStepClassifier(decoder="linear", random_state=0, n_threads=1).fit(X, Y)
    np.testing.assert_allclose(
        fitted.predict_topk(Xt, 4, level=2)[1], linear.predict_topk(Xt, 4, level=2)[1], atol=1e-9
    )


def test_rows_of_no_weight_count_as_absent(planted):
    X, Y, Xt, _ = planted
    weights = np.ones(len(X))
    weights[::5] = 0
    kept = weights > 0
    compressor = NNAE((20, 4), encoder="linear", random_state=0, n_threads=1).fit(Y.astype(float))
    found = [
        TwoStepClassifier(
            compressor, decoder="stack", prefit=True, random_state=0, n_threads=1
        ).fit(*rows)
        for rows in ((X[kept], Y[kept]),)
    ]
    found.append(
        TwoStepClassifier(
            compressor, decoder="stack", prefit=True, random_state=0, n_threads=1
        ).fit(X, Y, sample_weight=weights)
    )
    for ours, theirs in zip(*(model.predict_topk(Xt) for model in found), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_few_rows_take_the_linear_decoder_alone():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(12, 4)), (rng.random((12, 6)) < 0.4).astype(int)
    model = TwoStepClassifier(decoder="stack", random_state=0).fit(X, Y)
    assert model.decoder_.names == ["linear"]
    other = TwoStepClassifier(decoder="linear", random_state=0).fit(X, Y)
    ours, theirs = model.predict_topk(X, 6), other.predict_topk(X, 6)
    assert (ours[0][:, 0] == theirs[0][:, 0]).all()


def test_a_label_without_positives_comes_last(planted):
    X, Y, Xt, _ = planted
    labels = sp.csr_matrix(sp.hstack([Y, sp.csr_matrix((Y.shape[0], 1))]))
    model = TwoStepClassifier(decoder="stack", random_state=0, n_threads=1).fit(X, labels)
    assert (model.predict_topk(Xt, 3)[0] < Y.shape[1]).all()
    assert np.isfinite(model.decision_function(Xt)).all()


def candidates(rng, n=300, labels=12):
    """Return two parts, one that knows the truth and one of noise."""
    Y = sp.csr_matrix((rng.random((n, labels)) < 0.3).astype(float))
    good = np.clip(0.6 * Y.toarray() + 0.4 * rng.random((n, labels)), 0, 1)
    scores = np.stack([good, rng.random((n, labels))])
    return Y, Candidates(np.arange(n), np.tile(np.arange(labels), (n, 1)), scores)


def test_a_part_of_noise_gets_next_to_no_weight():
    Y, found = candidates(np.random.default_rng(0))
    common = common_weights(found, Y)
    assert common[0] > 0.9
    weights = learn_weights(found, Y, frequency_bands(Y))
    assert (weights >= 0).all()
    assert (weights[1] < 0.1 * weights[0]).all()


def test_a_blend_that_does_not_help_gives_way_to_its_best_part():
    rng = np.random.default_rng(2)
    Y, found = candidates(rng)
    bands = frequency_bands(Y)
    worse = np.array([[0.2] * 3, [0.8] * 3])
    assert better_than_one(found, Y, bands, worse).tolist() == [[1.0] * 3, [0.0] * 3]
    both = found.scores.copy()
    both[0, ::2], both[1, ::2] = 0.5, found.scores[0, ::2]  # each part knows half of the rows
    both[0, 1::2], both[1, 1::2] = found.scores[0, 1::2], 0.5
    halves = Candidates(found.rows, found.labels, both)
    weights = np.full((2, 3), 0.5)
    assert better_than_one(halves, Y, bands, weights) is weights


def test_auto_is_the_stack_or_the_pair_or_with_own_steps_the_linear_decoder(planted, fitted):
    X, Y, Xt, _ = planted
    auto = TwoStepClassifier(random_state=0, n_threads=1).fit(X, Y)
    assert (auto.predict_topk(Xt)[1] == fitted.predict_topk(Xt)[1]).all()
    fast = TwoStepClassifier(profile="fast", random_state=0, n_threads=1).fit(X, Y)
    assert fast.decoder_.names == ["linear", "tree"]
    own = NNAE((20, 4), encoder="linear", random_state=0, n_threads=1)
    for steps in ((own, None), (None, nnae.ridge.MultiOutputRidge(1.0, n_threads=1))):
        fast = TwoStepClassifier(*steps, profile="fast", random_state=0, n_threads=1).fit(X, Y)
        assert isinstance(fast.decoder_, LinearDecoder)


def test_the_slope_of_the_loss_is_its_derivative():
    rng = np.random.default_rng(1)
    Y, found = candidates(rng, 40, 6)
    bands = np.arange(6) % 3
    loss = SoftmaxLoss(found, Y, bands)
    best = loss.minimise(np.full((2, 3), 5.0), 0.3).ravel()

    def value(flat):
        weights = flat.reshape(2, 3)
        scores = sum(weights[p][bands] * found.scores[p] for p in range(2))
        log = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        truth = Y.toarray()
        use = truth.any(1)
        each = (truth * log).sum(1)[use] / truth.sum(1)[use]
        away = weights - weights.mean(1, keepdims=True)
        return -each.mean() + 0.15 * (away**2).sum()

    for _ in range(50):  # no neighbour within the bounds is better
        other = np.maximum(best + rng.normal(size=6) * 0.3, 0)
        assert value(best) <= value(other) + 1e-6


def test_bands_hold_half_a_third_and_a_sixth_of_positives():
    Y = sp.csr_matrix((np.arange(100)[:, None] < np.array([50, 30, 10, 4, 4, 2, 0])).astype(int))
    assert frequency_bands(Y).tolist() == [0, 1, 1, 2, 2, 2, 2]


def test_rare_labels_are_lifted_as_far_as_that_helps():
    # every row has label 0 or 1; scores of the rare label are right but for a power of its rarity
    p = np.array([0.9, 0.3])
    truth = np.r_[np.zeros(200, int), np.ones(100, int)]
    Y = sp.csr_matrix(np.eye(2)[truth])
    labels = np.tile([0, 1], (300, 1))
    for power in (0.5, 1.5):
        right = np.eye(2)[truth] + 0.9
        scores = right / right.sum(1, keepdims=True) * p**power
        exponent = choose_exponent(Y, labels, scores, p)
        lifted = scores / p**exponent
        assert (lifted.argmax(1) == truth).all()
        assert choose_exponent(Y, labels[:0], scores[:0], p) == 1


def test_propensities_are_raised_to_the_chosen_power(planted, fitted):
    Xt = planted[2]
    fitted.rank_by = "psp"
    try:
        found = fitted.predict_topk(Xt, 5)
    finally:
        fitted.rank_by = "probability"
    lifted = fitted.decision_function(Xt) / fitted.propensities_**fitted.psp_exponent_
    np.testing.assert_allclose(found[1], -np.sort(-lifted, axis=1)[:, :5], rtol=1e-9)


def test_rows_of_a_group_are_held_out_together(planted):
    X, Y, Xt, _ = planted
    groups = np.random.default_rng(0).integers(0, 40, len(X))
    work = training(X, Y)
    work.groups = groups
    folds = work._folds()
    assert all(len(set(folds[groups == group])) == 1 for group in range(40))
    sizes = np.bincount(folds)
    assert len(sizes) == FOLDS and sizes.max() - sizes.min() < 0.1 * len(X)
    fit = TwoStepClassifier(decoder="linear", random_state=0, n_threads=1).fit
    named = fit(X, Y, groups=np.array([f"source {g}" for g in groups]))
    assert np.isfinite(named.predict_topk(Xt)[1]).all()
    with pytest.raises(ValueError, match=r"groups must have shape \(300,\), one a row; got \(3,\)"):
        fit(X, Y, groups=[1, 2, 3])


def test_rows_of_a_single_group_cannot_be_held_out(planted):
    X, Y = planted[:2]
    model = TwoStepClassifier(decoder="stack", random_state=0, n_threads=1)
    model.fit(X, Y, groups=np.zeros(len(X)))
    assert model.decoder_.names == ["linear"]
    assert model.psp_exponent_ == 1


def test_landmarks_that_differ_by_rounding_alone_have_a_kernel():
    # codes that features cannot predict are all the same but for the last bits
    random = np.random.default_rng(0)
    codes = np.ones((200, 30)) + 1e-7 * random.standard_normal((200, 30))
    codes = (codes / np.linalg.norm(codes, axis=1, keepdims=True)).astype(np.float32)
    found = Landmarks.of(codes, 100, 2.0, 0)
    assert np.isfinite(found.features(codes, 1)).all()
