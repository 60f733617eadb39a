"""The neighbours decoder against a dense oracle, and at its edges."""

import numpy as np
import pytest
import scipy.sparse as sp

import nnae
from nnae._codes import CodeScale
from nnae.decoders import Evidence, Query
from nnae.decoders.neighbors import CANDIDATES, NeighborsDecoder


def decoder_on(targets, Y, k=None, n_threads=1):
    k = k or targets.shape[1]
    concepts = [np.ones((k, Y.shape[1]), targets.dtype)]
    evidence = Evidence(
        X=targets,
        compressor=None,
        concepts=concepts,
        scale=CodeScale([k], np.ones(k), np.full(k, np.inf)),
        Y=sp.csr_matrix(Y),
        predict=lambda: targets,
        dtype=targets.dtype,
        n_threads=n_threads,
    )
    return NeighborsDecoder.fit(evidence)


def oracle(decoder, queries):
    codes, Y = decoder.codes[0], decoder.labels.toarray()
    scores = np.zeros((len(queries), Y.shape[1]))
    for i, query in enumerate(np.maximum(queries, 0)):
        norm = np.linalg.norm(query)
        cosine = codes @ (query / norm if norm > 0 else query)
        near = np.argsort(-cosine, kind="stable")[: decoder.n_neighbors]
        weights = np.maximum(cosine[near], 0) ** decoder.power
        total = weights.sum()
        scores[i] = weights @ Y[near] / total if total > 0 else Y.mean(axis=0)
    return scores


@pytest.mark.parametrize("n", [3, 60, 400])
def test_votes_equal_the_dense_ones(n):
    random = np.random.default_rng(n)
    targets = random.gamma(0.5, 1, (n, 8)) - 0.3
    Y = (random.random((n, 12)) < 0.2).astype(float)
    decoder = decoder_on(targets, Y)
    queries = np.vstack([random.gamma(0.5, 1, (7, 8)) - 0.3, np.full((1, 8), -1.0)])
    found = decoder.scores(Query(queries, queries), 1, 1)
    np.testing.assert_allclose(found, oracle(decoder, queries), rtol=1e-9)


def test_number_of_neighbours_is_chosen_without_the_row_itself():
    # labels are noise: a row that could vote for itself would make the fewest neighbours perfect
    random = np.random.default_rng(0)
    targets = random.random((300, 40))
    Y = np.eye(30)[random.integers(0, 30, 300)]
    Y[:, 0] = random.random(300) < 0.6
    decoder = decoder_on(targets, Y)
    assert (decoder.n_neighbors, decoder.power) in CANDIDATES
    assert decoder.n_neighbors > CANDIDATES[0][0]


def test_threads_do_not_change_a_bit():
    data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    X = data.Y.toarray()[:, ::2]
    found = [
        nnae.TwoStepClassifier(decoder="neighbors", random_state=0, n_threads=threads)
        .fit(X, data.Y[:, 1::2])
        .predict_topk(X[:50], 5)
        for threads in (1, 2, 7)
    ]
    for indices, scores in found[1:]:
        assert (indices == found[0][0]).all()
        assert (scores == found[0][1]).all()


def test_neighbours_beat_popularity_on_planted_labels():
    data = nnae.datasets.make_label_hierarchy(600, random_state=1)
    X, Y = data.Y.toarray()[:, ::2], data.Y[:, 1::2]
    model = nnae.TwoStepClassifier(decoder="neighbors", random_state=0).fit(X[:450], Y[:450])
    top, scores = model.predict_topk(X[450:], 5)
    popular = np.argsort(-np.asarray(Y[:450].sum(axis=0)).ravel())[:5]
    ours = nnae.metrics.precision_at_k(Y[450:], top, 5)
    theirs = nnae.metrics.precision_at_k(Y[450:], np.tile(popular, (150, 1)), 5)
    assert ours > 1.3 * theirs
    assert (np.diff(scores, axis=1) <= 0).all()
    proba = model.predict_proba(X[450:460])
    assert proba.min() >= 0 and proba.max() <= 1


def test_model_comes_back_from_a_file(tmp_path):
    data = nnae.datasets.make_label_hierarchy(120, random_state=0)
    X, Y = data.Y.toarray()[:, ::2], data.Y[:, 1::2]
    model = nnae.TwoStepClassifier(decoder="neighbors", random_state=0).fit(X, Y)
    nnae.save(model, tmp_path / "model.nnae")
    again = nnae.load(tmp_path / "model.nnae")
    for ours, theirs in zip(again.predict_topk(X, 4), model.predict_topk(X, 4), strict=True):
        assert (ours == theirs).all()


def test_few_rows_and_more_labels_asked_than_there_are():
    X, Y = np.eye(3), np.eye(3)
    model = nnae.TwoStepClassifier(decoder="neighbors", random_state=0).fit(X, Y)
    top, scores = model.predict_topk(X, 5)
    assert (np.sort(top[:, :3], axis=1) == [0, 1, 2]).all()
    assert (top[:, 3:] == -1).all() and np.isneginf(scores[:, 3:]).all()
