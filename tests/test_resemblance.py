"""Trees of labels that resemble each other: the evidence, what is trusted, and the hierarchy."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.cluster.hierarchy import fcluster, is_valid_linkage

import nnae
from nnae._label_evidence import company_distances, cosine_distances, feature_distances
from nnae._resemblance import Judge, resemblance
from nnae.auditing._rivals import feature_linkage, npmi_linkage
from nnae.auditing._taxonomy import dendrogram_purity
from nnae.auditing._trees import AuditedTree, Dendrogram


def brothers(n=900, seed=0):
    """Labels of one group exclude each other; features tell the group."""
    rng = np.random.default_rng(seed)
    on = rng.random((n, 8)) < 0.25
    Y = np.zeros((n, 40))
    for i, group in zip(*np.nonzero(on), strict=True):
        Y[i, 5 * group + rng.integers(5)] = 1
    words = rng.dirichlet(np.full(60, 0.1), 8)
    X = rng.poisson(on @ words * 20 + 0.2).astype(float)
    kept = Y.any(axis=1)
    return sp.csr_matrix(Y[kept]), sp.csr_matrix(X[kept]), np.repeat(np.arange(8), 5)


def companions(n=900, seed=0):
    """Labels of one group occur together; features tell another grouping."""
    data = nnae.datasets.make_label_hierarchy(n, random_state=seed)
    rng = np.random.default_rng(seed)
    other = rng.permutation(np.arange(72) % 8)
    words = rng.dirichlet(np.full(60, 0.1), 8)
    X = rng.poisson(np.asarray(data.Y @ words[other]) * 3 + 0.1).astype(float)
    return data.Y, sp.csr_matrix(X), np.asarray(data.groups)


def purity(matrix, groups):
    return dendrogram_purity(Dendrogram.of(matrix), groups)[0]


def unit_rows(X):
    return sp.csr_matrix(X / np.sqrt(X.multiply(X).sum(axis=1)).clip(1e-12))


def test_company_is_the_cosine_of_positive_npmi_with_other_labels():
    Y, _, _ = companions(200)
    dense = Y.toarray().astype(float)
    joint = dense.T @ dense / len(dense)
    margin = np.diag(joint)
    with np.errstate(divide="ignore", invalid="ignore"):
        npmi = np.log(joint / np.outer(margin, margin)) / -np.log(joint)
    npmi = np.where(joint > 0, np.maximum(npmi, 0), 0)
    np.fill_diagonal(npmi, 0)
    length = np.sqrt((npmi**2).sum(axis=1))
    wanted = 1 - npmi @ npmi.T / np.outer(length, length)
    np.fill_diagonal(wanted, 0)
    np.testing.assert_allclose(company_distances(Y, 1), wanted, atol=1e-9)


def test_features_are_centred_means_and_lifts():
    Y, X, _ = brothers(200)
    rows = unit_rows(X)
    dense, labels = rows.toarray(), Y.toarray()
    n, mean = labels.sum(axis=0), dense.mean(axis=0)
    sums = labels.T @ dense
    means = sums / n[:, None] - mean
    with np.errstate(divide="ignore"):
        lift = np.log((sums + 5 * mean) / (mean * (n[:, None] + 5)))
    lift = np.where(sums > 0, np.maximum(lift, 0), 0)
    wanted = (cosine_distances(means) + cosine_distances(lift)) / 2
    np.testing.assert_allclose(feature_distances(Y, rows), wanted, atol=1e-9)


def test_a_vector_of_zeros_is_far_from_everything():
    found = cosine_distances(np.array([[1.0, 0], [0, 0], [2, 0]]))
    np.testing.assert_allclose(found, [[0, 1, 0], [1, 0, 1], [0, 1, 0]])


def test_bits_are_the_mean_log_ratio_of_the_formula():
    Y, X, groups = brothers(300)
    kept, held = np.arange(200), np.arange(200, Y.shape[0])
    found = Judge(Y, None, kept, held, 1).bits(groups)
    labels = Y.toarray()
    member = np.eye(8)[groups]
    base = labels[kept].sum(axis=0) @ member + 0.5
    base /= base.sum()

    def beside(rows):
        counts = labels[rows].T @ labels[rows]
        np.fill_diagonal(counts, 0)
        return counts @ member

    seen, tested = beside(kept), beside(held)
    given = (seen + 5 * base) / (seen.sum(axis=1, keepdims=True) + 5)
    wanted = (tested * np.log2(given / base)).sum() / tested.sum()
    assert found == pytest.approx(wanted)
    rng = np.random.default_rng(0)
    both = Judge(Y, unit_rows(X), kept, held, 1)
    assert both.bits(groups) > both.bits(rng.permutation(groups)) + 0.02


@pytest.mark.parametrize("seed", range(3))
def test_features_find_brothers_that_exclude_each_other(seed):
    Y, X, groups = brothers(seed=seed)
    found = resemblance(Y, unit_rows(X), seed=seed)
    assert purity(found.linkage, groups) > purity(npmi_linkage(Y, 1), groups) + 0.4
    assert purity(found.linkage, groups) >= purity(feature_linkage(X, Y), groups) - 0.01
    assert found.evidence["features"]["weight"] > 0.2
    assert found.evidence["company"]["weight"] < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_features_of_another_grouping_do_not_take_over_the_tree(seed):
    Y, X, groups = companions(seed=seed)
    found = resemblance(Y, unit_rows(X), seed=seed)
    assert purity(found.linkage, groups) > purity(feature_linkage(X, Y), groups) + 0.05
    assert purity(found.linkage, groups) > 0.75
    assert sum(kind["weight"] for kind in found.evidence.values()) == pytest.approx(1)


def test_features_without_meaning_have_next_to_no_weight():
    Y, X, groups = companions()
    noise = sp.csr_matrix(np.random.default_rng(1).random(X.shape))
    labels_alone = resemblance(Y, None)
    found = resemblance(Y, unit_rows(noise))
    assert purity(found.linkage, groups) >= purity(labels_alone.linkage, groups) - 0.03


def test_the_number_of_threads_changes_no_bit():
    Y, X, _ = brothers()
    first = resemblance(Y, unit_rows(X), n_threads=1)
    for n in (2, 7):
        other = resemblance(Y, unit_rows(X), n_threads=n)
        assert np.array_equal(first.linkage, other.linkage)
        assert first.evidence == other.evidence


@pytest.mark.parametrize("n_labels", [1, 2, 3, 5])
def test_few_labels_and_labels_without_positives(n_labels):
    Y = np.zeros((12, n_labels + 2))
    Y[:, 1 : n_labels + 1] = np.random.default_rng(0).random((12, n_labels)) < 0.6
    Y[0, 1 : n_labels + 1] = 1
    hierarchy = nnae.LabelHierarchy.from_labels(Y, layer_sizes=(2, 1))
    matrix = hierarchy.to_linkage()
    assert matrix.shape == (n_labels + 1, 4)
    assert is_valid_linkage(matrix) and np.all(np.diff(matrix[:, 2]) >= 0)
    assert hierarchy.unplaced == ["0", str(n_labels + 1)]
    assert sorted(matrix[-2:, :2].ravel())[0] in (0, n_labels + 1)


def fitted():
    Y, X, groups = brothers()
    names = [f"group{g}/label{j}" for j, g in enumerate(groups)]
    model = nnae.NNAE((20, 8, 3), encoder="linear", feature_weight="auto", random_state=0)
    model.fit(Y, X=X)
    return model, Y, X, names


def test_the_hierarchy_of_a_feature_aware_model_is_its_tree():
    model, Y, X, names = fitted()
    hierarchy = nnae.LabelHierarchy.from_compressor(model, label_names=names)
    assert hierarchy.widths == [20, 8, 3]
    assert hierarchy.evidence == model.label_evidence_
    matrix = hierarchy.to_linkage()
    assert np.array_equal(matrix[:, :2], model.label_linkage_[:, :2])
    for level, width in ((1, 20), (2, 8), (3, 3)):
        cut = fcluster(matrix, level, "distance")
        own = hierarchy.clusters(level)
        assert len(set(own)) == width
        assert len(set(zip(cut, own, strict=True))) == width
    tree, clades = hierarchy.tree(), set()
    members = {j: frozenset([j]) for j in range(40)}
    for row, (a, b, _, _) in enumerate(matrix):
        members[40 + row] = members[int(a)] | members[int(b)]
        clades.add(members[40 + row])
    place = {name: j for j, name in enumerate(names)}
    for node in tree:
        if tree.nodes[node]["kind"] == "concept":
            below = nx.descendants(tree, node) & set(names)
            assert frozenset(place[name] for name in below) in clades
    groups = np.repeat(np.arange(8), 5)
    assert purity(AuditedTree.of_hierarchy(hierarchy).dendrogram and matrix, groups) > 0.9
    with_rows = nnae.LabelHierarchy.from_compressor(model, label_names=names, Y=Y, X=X)
    assert np.array_equal(with_rows.to_linkage(), matrix)


def test_the_tree_depends_neither_on_the_encoder_nor_on_the_fit():
    Y, X, _ = brothers(300)
    trees = [
        nnae.NNAE((12, 4), feature_weight=weight, random_state=0, n_threads=1, **options)
        .fit(Y, X=X)
        .label_linkage_
        for weight, options in (
            ("auto", {"encoder": "linear", "tol": 0.05}),
            (2.0, {"encoder": "linear"}),
            (1.0, {"tol": 0.01}),
        )
    ]
    np.testing.assert_array_equal(trees[0], trees[1])
    np.testing.assert_array_equal(trees[0], trees[2])


def test_both_trees_of_one_model_can_be_set_side_by_side():
    model, Y, _, _ = fitted()
    alike = nnae.LabelHierarchy.from_compressor(model)
    together = nnae.LabelHierarchy.from_compressor(model, basis="weights", Y=Y)
    comparison = nnae.compare_hierarchies(together, alike)
    assert comparison.n_compared == 40
    assert 0 < comparison.agreement < 1
    assert together.evidence == {}
    assert np.array_equal(
        alike.to_linkage(),
        nnae.LabelHierarchy.from_compressor(model, basis="resemblance").to_linkage(),
    )


def test_the_evidence_and_the_tree_survive_json_and_files(tmp_path):
    model, _, _, _ = fitted()
    hierarchy = nnae.LabelHierarchy.from_compressor(model)
    nnae.save(hierarchy, tmp_path / "tree.nnae")
    for again in (
        nnae.LabelHierarchy.from_json(hierarchy.to_json()),
        nnae.load(tmp_path / "tree.nnae"),
    ):
        assert again.evidence == hierarchy.evidence
        assert np.array_equal(again.to_linkage(), hierarchy.to_linkage())


def test_bootstraps_count_the_edges_of_the_tree():
    Y, X, _ = brothers(400)
    model = nnae.NNAE((16, 8), encoder="linear", feature_weight=1.0, random_state=0).fit(Y, X=X)
    hierarchy = nnae.LabelHierarchy.from_compressor(model, Y=Y, X=X, bootstrap=3)
    frame = hierarchy.to_frame()
    seen = frame.loc[frame["parent"] != hierarchy.root, "frequency"].dropna()
    assert len(seen) and seen.between(0, 1).all() and seen.mean() > 0.3


def test_what_cannot_be_done_is_said():
    Y, X, _ = brothers(200)
    plain = nnae.NNAE(8, random_state=0).fit(Y)
    with pytest.raises(ValueError, match="basis='resemblance' needs a feature-aware model"):
        nnae.LabelHierarchy.from_compressor(plain, basis="resemblance")
    with pytest.raises(ValueError, match="basis must be 'auto', 'weights' or 'resemblance'"):
        nnae.LabelHierarchy.from_compressor(plain, basis="looks")
    with pytest.raises(ValueError, match=f"Y has {Y.shape[0]} rows, X has 3"):
        nnae.LabelHierarchy.from_labels(Y, X[:3])
    with pytest.raises(ValueError, match="at most 5,000 labels; got 5,001"):
        nnae.LabelHierarchy.from_labels(sp.csr_matrix((10, 5001)))


def test_a_seed_is_a_number_of_at_least_zero():
    with pytest.raises(ValueError, match="random_state must be"):
        nnae.LabelHierarchy.from_labels(np.eye(4), random_state=-1)


def test_no_positives_at_all_is_a_hierarchy_of_unplaced_labels():
    Y, X = np.zeros((30, 4)), np.ones((30, 2))
    model = nnae.NNAE((2,), feature_weight=1.0, random_state=0, n_threads=1).fit(Y, X=X)
    for hierarchy in (
        nnae.LabelHierarchy.from_labels(Y, X, n_threads=1),
        nnae.LabelHierarchy.from_compressor(model),
    ):
        assert hierarchy.unplaced == ["0", "1", "2", "3"]
        assert hierarchy.to_linkage().shape == (3, 4)
        assert hierarchy.clusters(1).tolist() == [-1] * 4
        assert "without positives" in hierarchy.to_text()
