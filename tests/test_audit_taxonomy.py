"""Taxonomies of several levels: what is read, and every metric against a slow one."""

from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import pearsonr

from nnae import LabelHierarchy, audit
from nnae.auditing._groups import Taxonomy
from nnae.auditing._resampling import paired_permutation
from nnae.auditing._taxonomy import (
    ancestor_and_edge_f1,
    cophenetic_correlation,
    taxonomy_values,
    triplet_accuracy,
)
from nnae.auditing._trees import AuditedTree
from nnae.datasets import make_label_hierarchy

LABELS = [str(j) for j in range(24)]
PATHS = [(f"topic {j // 12}", f"group {j // 4}") for j in range(24)]
PATHS[5], PATHS[6] = None, ("topic 0",)


def tree_of(place):
    W1 = (np.arange(6)[:, None] == place // 4).astype(float)
    W2 = (np.arange(2)[:, None] == np.arange(6) // 3).astype(float)
    return AuditedTree.of_hierarchy(LabelHierarchy.from_weights([W1, W2], label_names=LABELS))


def moved(seed, count=12):
    draws = np.random.default_rng(seed)
    place = np.arange(24)
    some = draws.choice(24, count, replace=False)
    place[some] = draws.permutation(some)
    return place


def shared(i, j):
    return sum(a == b for a, b in zip(PATHS[i], PATHS[j], strict=False))


def test_paths_are_read():
    taxonomy = Taxonomy.read(PATHS, LABELS)
    assert taxonomy.groups[5] == -1
    assert len(set(taxonomy.groups)) == 8  # 6 groups, a topic of label 6's own, none
    assert (taxonomy.above >= 0).sum() == 6
    assert taxonomy.member.sum() == 22 * 2 + 1
    again = Taxonomy.read(dict(zip(LABELS, PATHS, strict=True)), LABELS)
    np.testing.assert_array_equal(again.groups, taxonomy.groups)
    table = pd.DataFrame([(*(path or ()), None, None)[:2] for path in PATHS])
    np.testing.assert_array_equal(Taxonomy.read(table, LABELS).groups, taxonomy.groups)
    flat = ["a", None, "a", np.nan, *"b" * 20]
    np.testing.assert_array_equal(Taxonomy.read(flat, LABELS).groups[:5], [0, -1, 0, -1, 1])
    one_name = [("a", "x"), ("a", "x"), ("b", "x"), ("b", "x"), *[None] * 20]
    assert Taxonomy.read(one_name, LABELS).groups[0] != Taxonomy.read(one_name, LABELS).groups[2]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["x"] * 3, "24 labels, taxonomy has 3"),
        (["x"] * 24, "two groups"),
        (LABELS, "two groups and one with two"),
        ({"q": 1}, "none of them"),
        (np.ones((2, 2, 2)), "one group or path"),
    ],
)
def test_wrong_taxonomies_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        Taxonomy.read(wrong, LABELS)


def test_the_planted_tree_matches_in_everything():
    whole = [(f"topic {j // 12}", f"group {j // 4}") for j in range(24)]
    values = taxonomy_values(tree_of(np.arange(24)), Taxonomy.read(whole, LABELS))
    for metric, value in values.items():
        assert value == pytest.approx(1) or metric == "fowlkes_mallows_level_2", metric


def brute_f1(tree, place_of):
    """Try every assignment of concepts to groups; edges and ancestors by sets."""
    known = [j for j in range(24) if PATHS[j]]
    nodes = {}
    for j in known:
        for depth in range(len(PATHS[j])):
            nodes.setdefault(PATHS[j][: depth + 1], set()).add(j)
    names = list(nodes)
    concepts = [set(np.flatnonzero(row)) for row in tree.concepts.toarray()]
    best, chosen = -1, None
    dice = np.array([[2 * len(c & nodes[g]) / max(1, len(c & set(known)) + len(nodes[g]))
                      for g in names] for c in concepts])  # fmt: skip
    for order in permutations(range(len(names)), len(concepts)):
        total = sum(dice[c, g] for c, g in enumerate(order))
        if total > best:
            best, chosen = total, order
    match = {c: names[g] for c, g in enumerate(chosen) if concepts[c] & nodes[names[g]]}
    pairs = {(j, g) for g in names for j in nodes[g]}
    told = {(j, names[chosen[c]]) for c in range(len(concepts)) for j in concepts[c] if PATHS[j]}
    ancestors = 2 * len(pairs & told) / (len(pairs) + len(told))
    parent = {}
    for j in range(24):
        above = [c for c in range(len(concepts)) if j in concepts[c]]
        if above:
            parent[j] = min(above, key=lambda c: len(concepts[c]))
    right = sum(match.get(parent.get(j)) == PATHS[j] for j in known)
    edges = len(known) + sum(j in parent for j in known)
    for c, below in enumerate(concepts):
        above = [d for d in range(len(concepts)) if below < concepts[d]]
        if above and below & set(known):
            edges += 1
            up = min(above, key=lambda d: len(concepts[d]))
            right += c in match and up in match and match[c][:-1] == match[up] != ()
    edges += sum(len(g) > 1 for g in names)
    return ancestors, 2 * right / edges


@pytest.mark.parametrize("seed", range(3))
def test_f1_by_brute_force(seed):
    # two groups fewer, so that all assignments can be tried
    place = moved(seed, 8)
    W = (np.arange(3)[:, None] == np.minimum(place // 6, 2)).astype(float)
    top = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    hierarchy = LabelHierarchy.from_weights([W, top], label_names=LABELS)
    tree = AuditedTree.of_hierarchy(hierarchy)
    found = ancestor_and_edge_f1(tree, Taxonomy.read(PATHS, LABELS))
    np.testing.assert_allclose(found, brute_f1(tree, place))


@pytest.mark.parametrize("seed", range(3))
def test_triplets_and_correlation_by_loops(seed):
    tree, taxonomy = tree_of(moved(seed)), Taxonomy.read(PATHS, LABELS)
    known = [j for j in range(24) if PATHS[j]]
    near = {(i, j): int(tree.lca(np.array([i]), np.array([j]))[0]) for i in known for j in known}
    right = sided = total = 0
    for triple in combinations(known, 3):
        for i, j, k in (triple, triple[::2] + triple[1:2], triple[1:] + triple[:1]):
            if shared(i, j) > max(shared(i, k), shared(j, k)):
                total += 1
                sided += len({near[i, j], near[i, k], near[j, k]}) > 1
                right += near[i, j] < min(near[i, k], near[j, k])
    accuracy, coverage = triplet_accuracy(tree, taxonomy)
    assert accuracy == pytest.approx(right / sided, abs=0.02)  # 20,000 triples are drawn
    assert coverage == pytest.approx(sided / total, abs=0.02)
    pairs = list(combinations(known, 2))
    expected = pearsonr([-near[pair] for pair in pairs], [shared(*pair) for pair in pairs])[0]
    assert cophenetic_correlation(tree, taxonomy) == pytest.approx(expected)


def test_weights_are_repeats():
    """Weights of 0 and 1 are a smaller taxonomy."""
    tree, weights = tree_of(moved(1)), np.ones(24)
    weights[[3, 9, 20]] = 0
    some = [path if weight else None for path, weight in zip(PATHS, weights, strict=True)]
    whole, part = Taxonomy.read(PATHS, LABELS), Taxonomy.read(some, LABELS)
    heavy, light = taxonomy_values(tree, whole, weights), taxonomy_values(tree, part)
    for metric, value in light.items():
        assert heavy[metric] == pytest.approx(value, abs=0.02 if "triplet" in metric else 1e-9)


def test_shuffled_taxonomies_keep_their_shape():
    taxonomy = Taxonomy.read(PATHS, LABELS)
    other = taxonomy.shuffled(np.random.default_rng(0))
    assert sorted(other.groups) == sorted(taxonomy.groups)
    assert other.groups[5] == -1
    paths = other.member.toarray()
    for triple in other.triples[:200]:
        same = [(paths[a] * paths[b]).sum() for a, b in combinations(triple, 2)]
        assert same[0] > max(same[1:])
    for (a, b), common in zip(other.pairs, other.shared, strict=True):
        assert (paths[a] * paths[b]).sum() == common


def test_paired_permutation_is_exact_and_uniform():
    draws = np.random.default_rng(0)
    gain = np.array([0.3, -0.1, 0.4, 0.2, 0.1, 0.5])
    every = [
        abs(np.dot(signs, gain)) for signs in np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    ]
    exact = np.mean(np.array(every) >= gain.sum() - 1e-12)
    found = paired_permutation(gain, np.ones(6), 9999, draws)
    assert found == pytest.approx(exact, abs=0.01)
    p = [paired_permutation(draws.normal(size=20), np.ones(20), 199, draws) for _ in range(600)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.06)
    assert paired_permutation(np.full(12, 0.1), np.ones(12), 9999, draws) < 0.002
    assert np.isnan(paired_permutation(np.zeros(0), np.zeros(0), 99, draws))


def test_audit_with_paths():
    data = make_label_hierarchy(3000, test_size=0.5, random_state=0)
    topics = data.group_parents.argmax(axis=1)[data.groups]
    paths = np.column_stack([topics, data.groups])
    layers = [(np.arange(12)[:, None] == data.groups).astype(float), data.group_parents.T]
    tree = LabelHierarchy.from_weights(layers, label_names=data.label_names)
    given = {"Y_train": data.Y_train, "n_permutations": 49, "random_state": 0}
    report = audit(tree, data.Y_test, taxonomy=paths, **given)
    for metric in ("edge_f1", "ancestor_f1", "triplet_accuracy", "cophenetic_correlation"):
        assert report.value(metric) == pytest.approx(1)
        assert report.value(metric, "p_value") == pytest.approx(0.02)
        assert report.value(metric, "null_mean") < 0.8
    assert 0 < report.value("dendrogram_purity", "npmi_linkage_p_value") <= 1
    assert sp.issparse(data.Y_test)
