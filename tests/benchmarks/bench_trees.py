"""Print how well default trees match gold groups, and how well planted groups are found.

Value of a tree: dendrogram purity of `to_linkage()` over labels with at least three positives,
mean, lowest and highest over seeds; beside it the linkages that anyone could build of the same
rows, and the difference of the mean from the better one. Two paired permutation tests of that
difference: "p, labels" flips the signs of the labels' differences (a label's purity is the mean
over its pairs), "p, groups" exchanges the trees group by group, as `audit` does; labels of one
group share their pairs, so that the second is the more careful one. No group chose a parameter.
"""

import time

import numpy as np
import pandas as pd
import scipy.sparse as sp
from gold_groups import SETS
from sklearn.metrics import adjusted_rand_score

import nnae
from nnae.auditing._resampling import paired_permutation
from nnae.auditing._rivals import feature_linkage, npmi_linkage
from nnae.auditing._taxonomy import dendrogram_purity, purity_by_group
from nnae.auditing._trees import Dendrogram

HEADER = (
    *("data", "tree", "seeds", "measure", "value", "lowest", "highest", "chance", "npmi linkage"),
    *("feature linkage", "difference", "p, labels", "p, groups", "CPU seconds a seed"),
)
FLIPS = 10_000
LEAST = 3  # positives of a label
NOISE = (0.0, 0.005, 0.01, 0.02, 0.05)
PLANTED = {
    "planted 3 x 4 x 6": ({}, 500, (12, 3)),
    "planted 10 x 6 x 10": (
        {"n_topics": 10, "groups_per_topic": 6, "labels_per_group": 10, "double_parents": 0.1},
        3000,
        (60, 10),
    ),
}


def aware(Y, X, seed, n_threads):
    """Return the tree of labels and features.

    Its merges depend neither on the encoder nor on how far the codes descend: a test holds that,
    and the quickest fit will do.
    """
    options = {"random_state": seed, "n_threads": n_threads}
    model = nnae.NNAE(encoder="linear", feature_weight="auto", tol=0.05, **options)
    return nnae.LabelHierarchy.from_compressor(model.fit(Y, X=X))


def alike(Y, X, seed, n_threads):
    """Return the tree of labels that resemble each other, without features."""
    return nnae.LabelHierarchy.from_labels(Y, random_state=seed, n_threads=n_threads)


def weights(Y, X, seed, n_threads):
    """Return the tree of labels that occur together."""
    model = nnae.NNAE(random_state=seed, n_threads=n_threads).fit(Y)
    return nnae.LabelHierarchy.from_compressor(model)


TREES = {
    "features": ("feature_weight='auto'", aware),
    "labels": ("labels alone, from_labels", alike),
    "weights": ("labels alone, NNAE()", weights),
}


def names():
    """Return what can be asked for."""
    return [*SETS, "planted"]


def run(*, seeds=5, n_threads=1, only=None, which=tuple(TREES)):
    """Yield HEADER and a row a data set and tree, or planted hierarchy, noise and measure."""
    yield HEADER
    for name in SETS:
        if only not in (None, name):
            continue
        try:
            Y, X, groups = SETS[name]()
        except (ImportError, FileNotFoundError, StopIteration) as missing:
            yield (name, f"skipped, {missing}", *[""] * (len(HEADER) - 2))
            continue
        yield from gold(name, Y, X, groups, seeds, n_threads, which)
    if only in (None, "planted"):
        yield from planted(seeds, n_threads)


def gold(name, Y, X, groups, seeds, n_threads, which):
    """Yield a data set's rows."""
    kept = np.flatnonzero(np.asarray((Y > 0).sum(axis=0)).ravel() >= LEAST)
    Y = sp.csr_matrix(Y[:, kept])
    codes = np.asarray(pd.factorize(groups[kept], use_na_sentinel=True)[0], np.int64)
    known = np.flatnonzero(codes >= 0)
    rivals = {"npmi linkage": npmi_linkage(Y, n_threads)}
    if X is not None:
        rivals["feature linkage"] = feature_linkage(X, Y)
    values = {rival: dendrogram_purity(Dendrogram.of(m), codes)[0] for rival, m in rivals.items()}
    better = max(values, key=values.get)
    rival = Dendrogram.of(rivals[better])
    shuffled = codes.copy()
    shuffled[known] = np.random.default_rng(0).permutation(codes[known])
    chance = dendrogram_purity(rival, shuffled)[0]
    theirs, weight = label_purity(rival, codes)
    theirs_by_group, pairs = purity_by_group(rival, codes)
    for kind in which:
        tree, make = TREES[kind]
        if kind == "features" and X is None:
            continue
        begin = time.process_time()
        made = [make(Y, X, seed, n_threads) for seed in range(seeds)]
        ours = [Dendrogram.of(hierarchy.to_linkage()) for hierarchy in made]
        seconds = (time.process_time() - begin) / seeds
        found = [dendrogram_purity(own, codes)[0] for own in ours]
        by_label = np.mean([label_purity(own, codes)[0] for own in ours], axis=0)
        by_group = np.mean([purity_by_group(own, codes)[0] for own in ours], axis=0)
        draws = np.random.default_rng(0)
        gains = (np.nan_to_num(by_label - theirs) * weight, by_group - theirs_by_group)
        yield (
            *(f"{name}, {Y.shape[0]:,} x {Y.shape[1]}", tree, seeds, "dendrogram purity"),
            *(float(np.mean(found)), min(found), max(found), chance),
            *(values["npmi linkage"], values.get("feature linkage", "")),
            float(np.mean(found)) - values[better],
            *(paired_permutation(gain, pairs, FLIPS, draws) for gain in gains),
            seconds,
        )


def label_purity(tree, groups):
    """Return for each label the mean purity of its pairs (NaN without any), and their number."""
    total, pairs = np.zeros(len(groups)), np.zeros(len(groups))
    for start, middle, end in zip(tree.start, tree.middle, tree.end, strict=True):
        left, right = tree.order[start:middle], tree.order[middle:end]
        inside = groups[tree.order[start:end]]
        counts = np.bincount(inside[inside >= 0], minlength=int(groups.max()) + 1)
        purity = counts / max(counts.sum(), 1)
        for own, other in ((left, right), (right, left)):
            beside = np.bincount(groups[other][groups[other] >= 0], minlength=len(counts))
            known = own[groups[own] >= 0]
            pairs[known] += beside[groups[known]]
            total[known] += beside[groups[known]] * purity[groups[known]]
    return np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan), pairs


def planted(seeds, n_threads):
    """Yield how well the groups of planted hierarchies are found, over noise."""
    for name, (shape, n, widths) in PLANTED.items():
        for flip in NOISE:
            middle, double = [], []
            begin = time.process_time()
            for seed in range(seeds):
                data = nnae.datasets.make_label_hierarchy(
                    n, flip_probability=flip, test_size=0, random_state=seed, **shape
                )
                model = nnae.NNAE(widths, random_state=seed, n_threads=n_threads).fit(data.Y)
                hierarchy = nnae.LabelHierarchy.from_compressor(model)
                middle.append(adjusted_rand_score(data.groups, hierarchy.clusters(1)))
                double.append(double_parents(hierarchy, data))
            seconds = (time.process_time() - begin) / seeds
            for measure, found in (("middle ARI", middle), ("F1 of double parents", double)):
                if np.isfinite(found).all():
                    ends = (float(np.median(found)), float(min(found)), float(max(found)))
                    about = (f"{name}, {flip:.1%} flipped", "NNAE()", seeds, f"{measure}, median")
                    yield (*about, *ends, *[""] * 6, seconds)


def double_parents(hierarchy, data):
    """Return F1 of (group, second topic): a group is the concept that most of its labels are in."""
    nodes, cluster, topic = hierarchy.graph.nodes, hierarchy.clusters(1), hierarchy.clusters(2)
    n_groups, n_topics = data.group_parents.shape
    if (data.group_parents.sum(axis=1) > 1).sum() == 0:
        return np.nan
    own = np.array([np.asarray(data.topics)[data.groups == g][0] for g in range(n_groups)])
    of_topic = {}
    for number in np.unique(topic[topic >= 0]):
        members = np.asarray(data.topics)[topic == number]
        of_topic[int(number)] = int(np.bincount(members, minlength=n_topics).argmax())
    said = set()
    for g in range(n_groups):
        concept = int(np.bincount(cluster[np.asarray(data.groups) == g]).argmax())
        for node in hierarchy.graph:
            if nodes[node]["level"] == 1 and nodes[node].get("index") == concept:
                above = {
                    of_topic.get(nodes[p]["index"], -1)
                    for p in hierarchy.graph.predecessors(node)
                    if nodes[p]["kind"] == "concept" and nodes[p]["level"] == 2
                }
                said |= {(g, t) for t in above if t != own[g]}
    planted_ones = {
        (g, t) for g, t in zip(*np.nonzero(data.group_parents), strict=True) if t != own[g]
    }
    return 2 * len(said & planted_ones) / max(len(said) + len(planted_ones), 1)
