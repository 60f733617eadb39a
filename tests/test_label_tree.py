"""Beam search down trees of classifiers, against the product of shares over every path."""

import numpy as np
import pytest
import scipy.sparse as sp
from reference import LINKS, path_shares
from reference import topk as best_of

from nnae import _core
from nnae._linear_dual import DualOptions
from nnae.decoders._forest import Forest, LabelTree, Learner, assemble


def rows(n, d, *, seed=0, dtype=np.float64, index=np.int32):
    rng = np.random.default_rng(seed)
    X = sp.csr_matrix(((rng.random((n, d)) < 0.3) * rng.normal(size=(n, d))).astype(dtype))
    return sp.csr_matrix((X.data, X.indices.astype(index), X.indptr.astype(index)), shape=(n, d))


def random_forest(d, n_labels, n_trees, loss, *, seed=0, density=0.4):
    """Draw trees of random shape with random classifiers on their edges."""
    rng = np.random.default_rng(seed)
    nodes, children, roots = [], [], []
    offset = 0
    for _ in range(n_trees):
        n_nodes = 1 if n_labels < 4 else int(rng.integers(2, 9))
        roots.append(offset)
        for node in range(1, n_nodes):
            nodes.append(offset + rng.integers(node))
            children.append(offset + node)
        for label in range(n_labels):
            nodes.append(offset + rng.integers(n_nodes))
            children.append(-1 - label)
        offset += n_nodes
    order = np.argsort(nodes, kind="stable")
    counts = np.bincount(nodes, minlength=offset)
    m = len(nodes)
    W = sp.csr_matrix((rng.random((m, d)) < density) * rng.normal(size=(m, d)).astype(np.float32))
    return assemble(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.array(children, np.int64)[order],
        rng.normal(size=m).astype(np.float32),
        (np.arange(m), W),
        np.array(roots, np.int64),
        n_labels,
        loss,
    )


def wanted(X, forest):
    dense = X.toarray().astype(float)
    found = [path_shares(dense, forest, root, LINKS[forest.loss]) for root in forest.roots]
    return np.mean(found, axis=0)


@pytest.mark.parametrize("loss", list(LINKS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize(
    ("n", "d", "n_labels", "n_trees"), [(1, 1, 1, 1), (30, 9, 6, 2), (70, 50, 40, 3)]
)
def test_a_wide_beam_finds_the_product_over_every_path(loss, dtype, index, n, d, n_labels, n_trees):
    X = rows(n, d, seed=n, dtype=dtype, index=index)
    forest = random_forest(d, n_labels, n_trees, loss, seed=n)
    scores = forest.scores(X, 1000, 1)
    assert scores.dtype == dtype
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(scores, wanted(X, forest), rtol=0, atol=tolerance)
    indices, best = forest.topk(X, 4, 1000, 1)
    expected = best_of(np.where(scores > 0, scores, -np.inf), 4)
    reached = best > 0  # a share may vanish where it is rounded
    np.testing.assert_array_equal(best[reached], expected[1][reached])
    np.testing.assert_array_equal(indices[reached], expected[0][reached])


@pytest.mark.parametrize("loss", list(LINKS))
def test_a_prior_multiplies_and_threads_never_change_a_bit(loss):
    X = rows(90, 40, dtype=np.float32)
    forest = random_forest(40, 30, 3, loss)
    prior = np.linspace(0.5, 3, 30)
    indices, best = forest.topk(X, 5, 3, 1, prior)
    scores = forest.scores(X, 3, 1)
    expected = best_of(np.where(scores > 0, scores * prior.astype(np.float32), -np.inf), 5)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(best, expected[1])
    for n_threads in (2, 7):
        again = forest.topk(X, 5, 3, n_threads, prior)
        np.testing.assert_array_equal(again[0], indices)
        np.testing.assert_array_equal(again[1], best)
        np.testing.assert_array_equal(forest.scores(X, 3, n_threads), scores)
    one = forest.topk(sp.csr_matrix(X[17:18]), 5, 3, 1, prior)
    np.testing.assert_array_equal(one[0][0], indices[17])
    np.testing.assert_array_equal(one[1][0], best[17])


def test_a_narrow_beam_keeps_the_best_nodes():
    # three nodes below the root, each with one label; their shares rise with the node
    forest = assemble(
        np.array([0, 3, 4, 5, 6]),
        np.array([1, 2, 3, -1, -2, -3]),
        np.array([0.1, 0.2, 0.3, 2, 2, 2], np.float32),
        (np.zeros(0, np.int64), sp.csr_matrix(np.zeros((0, 2), np.float32))),
        np.array([0]),
        3,
        "squared_hinge",
    )
    X = sp.csr_matrix(np.zeros((1, 2)))
    for beam, reached in ((1, [2]), (2, [1, 2]), (3, [0, 1, 2]), (9, [0, 1, 2])):
        scores = forest.scores(X, beam, 1)
        assert np.flatnonzero(scores[0]).tolist() == reached
        indices, best = forest.topk(X, 3, beam, 1)
        assert indices[0].tolist() == reached[::-1] + [-1] * (3 - len(reached))
        assert np.isneginf(best[0, len(reached) :]).all()


def test_edges_have_defined_answers():
    forest = random_forest(5, 3, 1, "logistic")
    empty = sp.csr_matrix((4, 5))
    np.testing.assert_allclose(forest.scores(empty, 2, 1), wanted(empty, forest), atol=1e-12)
    none = sp.csr_matrix((0, 5))
    assert forest.scores(none, 1, 1).shape == (0, 3)
    assert forest.topk(none, 2, 1, 1)[0].shape == (0, 2)
    assert forest.topk(empty, 0, 1, 1)[0].shape == (4, 0)
    wide = rows(4, 9)  # features that no classifier knows
    np.testing.assert_allclose(
        forest.scores(wide, 9, 1), wanted(sp.csr_matrix(wide[:, :5]), forest), atol=1e-12
    )


def test_classifiers_learn_from_the_rows_that_reach_their_node():
    rng = np.random.default_rng(0)
    X = sp.csr_matrix(rng.random((120, 8)))
    Y = sp.csr_matrix((X @ rng.normal(size=(8, 5)) > 0.3).astype(np.float32))
    # root -> node 1 (labels 0, 1, 2) and label 3; node 1 -> node 2 (labels 0, 1), label 2
    tree = LabelTree(np.array([-1, 0, 1]), np.array([2, 2, 1, 0, -1]))
    members = tree.members().toarray()
    assert members.tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]
    options = DualOptions(tol=1e-9, max_iter=5000)
    forest = Learner(X, options, None, 2).forest(Y, [tree])
    assert forest.child.tolist() == [1, -4, 2, -3, -1, -2]
    from reference import linear_classifier

    D, T = X.toarray(), Y.toarray() > 0
    reach = [np.ones(120, bool), T[:, :3].any(1), T[:, :2].any(1)]
    positives = [reach[1], T[:, 3], reach[2], T[:, 2], T[:, 0], T[:, 1]]
    node = np.repeat(np.arange(3), np.diff(forest.edge_indptr))
    for e in range(6):
        inside = reach[node[e]]
        w = linear_classifier(D[inside], positives[e][inside], "squared_hinge", 1.0)
        assert forest.bias[e] == pytest.approx(w[-1], abs=1e-5)
        got = np.zeros(8)
        for f in range(forest.feature_indptr[node[e]], forest.feature_indptr[node[e] + 1]):
            inside = slice(forest.entry_indptr[f], forest.entry_indptr[f + 1])
            of_edge = forest.entry_edge[inside] == e - forest.edge_indptr[node[e]]
            got[forest.features[f]] = forest.entry_weight[inside][of_edge].sum()
        np.testing.assert_allclose(got, w[:-1], atol=1e-5)
    scores = forest.scores(X, 9, 1)
    assert (scores[:, 4] == 0).all()
    np.testing.assert_allclose(scores, wanted(X, forest), atol=1e-12)


def test_a_single_edge_needs_no_classifier():
    X = rows(20, 6)
    Y = sp.csr_matrix(np.arange(20)[:, None] % 2 == np.arange(2)).astype(np.float32)
    tree = LabelTree(np.array([-1, 0, 1]), np.array([2, 2]))
    flat = LabelTree(np.array([-1]), np.array([0, 0]))
    chain = Learner(X, DualOptions(), None, 1).forest(Y, [tree])
    star = Learner(X, DualOptions(), None, 1).forest(Y, [flat])
    np.testing.assert_array_equal(chain.scores(X, 1, 1), star.scores(X, 1, 1))


def test_wrong_arrays_are_refused():
    X, forest = rows(3, 5), random_forest(5, 6, 1, "logistic")

    def changed(**arrays):
        return Forest(**{**vars(forest), **arrays})

    for wrong, message in (
        (changed(child=forest.child + 100), "must exist"),
        (changed(child=np.where(forest.child >= 0, 0, forest.child)), "must exist"),
        (changed(roots=np.array([99])), "must exist"),
        (changed(entry_edge=forest.entry_edge + 50), "must exist"),
        (changed(bias=forest.bias[1:]), "equally long"),
        (changed(edge_indptr=forest.edge_indptr + 1), "indptr must rise"),
        (changed(loss="hinge"), "squared_hinge or logistic"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong.scores(X, 2, 1)
    with pytest.raises(ValueError, match="beam"):
        forest.scores(X, 0, 1)
    with pytest.raises(ValueError, match="prior"):
        forest.topk(X, 2, 2, 1, np.ones(5))
    with pytest.raises(TypeError):
        _core.LabelForest()
