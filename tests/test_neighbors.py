"""The neighbours decoder against a dense oracle, and at its edges."""

import copy
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import nnae
from nnae._codes import CodeScale
from nnae._search_cells import MANY_ROWS, RECALL, searches_cells
from nnae.decoders import Evidence, Query
from nnae.decoders.neighbors import CANDIDATES, NeighborsDecoder


def decoder_on(targets, Y, k=None, n_threads=1, search="exact"):
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
        neighbor_search=search,
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


def crowded(n, k=40):
    """Return codes in 60 clusters, as predicted codes are, and labels that follow them."""
    random = np.random.default_rng(n)
    centres = random.gamma(0.3, 1, (60, k))
    home = random.integers(0, 60, n)
    targets = centres[home] + 0.3 * random.standard_normal((n, k))
    return targets.astype(np.float32), (random.random((60, 30))[home] < 0.1).astype(np.float32)


def test_cells_find_nearly_all_neighbours():
    pytest.importorskip("faiss")
    targets, Y = crowded(4500)
    new = Query(targets[4000:], targets[4000:])
    exact = decoder_on(targets[:4000], Y[:4000])
    decoder = decoder_on(targets[:4000], Y[:4000], search="approximate")
    assert decoder.cells[0].recall >= RECALL
    assert decoder.cells[0].n_probes < len(decoder.cells[0].centroids)
    true, found = exact.neighbours(new, 1, 1), decoder.neighbours(new, 1, 1)
    same = true.multiply(found > 0).count_nonzero() / true.count_nonzero()
    assert 0.9 < same < 1  # other rows than those that the number of cells was chosen on
    np.testing.assert_allclose(decoder.scores(new, 1, 1), exact.scores(new, 1, 1), atol=0.1)


def test_all_cells_are_the_exact_search():
    pytest.importorskip("faiss")
    targets, Y = crowded(700)
    targets[3] = -1  # a code of zeros
    decoder = decoder_on(targets, Y, search="approximate")
    decoder.cells[0].n_probes = len(decoder.cells[0].centroids)
    query = Query(targets[:50], targets[:50])
    exact = decoder_on(targets, Y).scores(query, 1, 1)
    np.testing.assert_allclose(decoder.scores(query, 1, 1), exact, atol=1e-5)


def test_threads_neighbours_and_files_do_not_change_cells(tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    data = nnae.datasets.make_label_hierarchy(1500, random_state=0)
    X = data.Y.toarray()[:, ::2]
    models = [
        nnae.TwoStepClassifier(
            decoder="neighbors", profile="fast", neighbor_search="approximate", random_state=0,
            n_threads=threads,
        ).fit(X, data.Y[:, 1::2])
        for threads in (1, 2)
    ]  # fmt: skip
    indices, scores = models[0].predict_topk(X[:50], 5)
    np.testing.assert_array_equal(scores, models[1].predict_topk(X[:50], 5)[1])
    np.testing.assert_array_equal(scores[7:8], models[0].predict_topk(X[7:8], 5)[1])
    np.testing.assert_array_equal(scores, copy.deepcopy(models[0]).predict_topk(X[:50], 5)[1])
    nnae.save(models[0], tmp_path / "model.nnae")
    loaded = nnae.load(tmp_path / "model.nnae")
    np.testing.assert_array_equal(indices, loaded.predict_topk(X[:50], 5)[0])
    assert nnae.explain(loaded, X[0], int(indices[0, 0])).score == pytest.approx(scores[0, 0])
    monkeypatch.setitem(sys.modules, "faiss", None)
    loaded = nnae.load(tmp_path / "model.nnae")  # without the extra: to read, not to predict
    with pytest.raises(ImportError, match=r"pip install 'nnae\[neighbors\]'"):
        loaded.predict_topk(X[:2], 5)
    with pytest.raises(ImportError, match="neighbor_search='exact' needs nothing"):
        nnae.TwoStepClassifier(
            decoder="neighbors", profile="fast", neighbor_search="approximate"
        ).fit(X, data.Y[:, 1::2])


def test_only_many_rows_are_searched_in_cells_by_themselves():
    assert not searches_cells("auto", MANY_ROWS - 1) and searches_cells("auto", MANY_ROWS)
    assert not searches_cells("exact", 10**9) and searches_cells("approximate", 2)
    with pytest.raises(ValueError, match="neighbor_search must be one of"):
        nnae.TwoStepClassifier(neighbor_search="hnsw").fit(np.eye(4), np.eye(4))
