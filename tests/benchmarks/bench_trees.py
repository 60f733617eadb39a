"""Print how well trees of labels match gold groups, and how well planted ones are found.

    python tests/benchmarks/bench_trees.py [--seeds 5] [--only debian,coco,...] [--threads 1]

Gold groups: facets of Debian tags and groups of emoji (bundled); super-categories of photographs
with features of a small network; FlavorGraph's groups of ingredients, names without plurals. The
last three need the folder `NNAE_DATA` (or ../shared/data), photographs ai-edge-litert and pillow.
Purity is that of `to_linkage()` over labels with at least three positives. p is a paired
permutation test: a label's purity is the mean over its pairs; the signs of the differences from
the better rival are flipped 10,000 times. The means over seeds of the default trees are compared.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

import nnae
from nnae.auditing._rivals import feature_linkage, npmi_linkage
from nnae.auditing._taxonomy import dendrogram_purity
from nnae.auditing._trees import Dendrogram

DATA = Path(os.environ.get("NNAE_DATA", "../shared/data"))
FLIPS = 10_000


def debian():
    """Return labels, features, groups."""
    data = nnae.datasets.load_debian_tags()
    return data.Y_train, data.X_train, data.groups


def emoji():
    """Return labels, features, groups."""
    data = nnae.datasets.load_emoji()
    return data.Y_train, data.X_train, data.groups


def coco():
    """Return objects in photographs, the network's features, super-categories."""
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    found = json.loads((DATA / "coco_small/labels.json").read_text())
    groups = json.loads((DATA / "coco_small/supercategories.json").read_text())
    model = next((DATA / "image_backbone").glob("*.tflite"))
    network = Interpreter(model_path=str(model), num_threads=1)
    network.allocate_tensors()
    into, out = network.get_input_details()[0], network.get_output_details()[0]
    scale, zero = out["quantization"]
    place = {name: j for j, name in enumerate(groups)}
    X, rows, columns = [], [], []
    for i, (image, labels) in enumerate(found.items()):
        picture = Image.open(DATA / f"coco_small/images/{image}.jpg").convert("RGB")
        pixels = np.asarray(picture.resize((224, 224), Image.BILINEAR), into["dtype"])
        network.set_tensor(into["index"], pixels[None])
        network.invoke()
        values = network.get_tensor(out["index"]).ravel().astype(np.float32)
        X.append((values - zero) * scale)
        rows += [i] * len(labels)
        columns += [place[label] for label in labels]
    Y = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(X), len(place)))
    return Y, np.array(X), np.array(list(groups.values()), dtype=object)


def ingredients(folder):
    """Return sets of ingredients without features, FlavorGraph's groups."""

    def load():
        Y = sp.csr_matrix(sp.load_npz(DATA / folder / "Y.npz"), dtype=np.float32)
        names = (DATA / folder / "labels.txt").read_text("utf-8").splitlines()
        table = pd.read_csv(DATA / "ingredient_categories/flavorgraph_616.csv")
        group = {singular(a): b for a, b in zip(table.ingredient, table.category, strict=True)}
        return Y, None, np.array([group.get(singular(name)) for name in names], dtype=object)

    return load


def singular(name):
    """Return a name in lower case, words joined by _, each without its plural ending."""
    return "_".join(without_plural(word) for word in name.lower().replace("_", " ").split())


def without_plural(word):
    """Return a word without the commonest plural endings."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("oes"):
        return word[:-2]
    if word.endswith("ves") and len(word) > 4:
        return word[:-3] + "f"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


SETS = {
    "debian": debian,
    "emoji": emoji,
    "coco": coco,
    "bbc": ingredients("bbc_food"),
    "kaggle": ingredients("kaggle_whats_cooking"),
}


def label_purity(matrix, groups):
    """Return for each label the mean purity of its pairs (NaN without any)."""
    tree = Dendrogram.of(matrix)
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


def paired_p(ours, rival, pairs):
    """Return the two-sided p of the weighted mean difference under flipped signs."""
    difference = np.nan_to_num(ours - rival) * pairs / pairs.sum()
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (FLIPS, len(difference)))
    flipped = np.abs(signs @ difference)
    return (1 + int((flipped >= abs(difference.sum()) - 1e-12).sum())) / (1 + FLIPS)


def gold(name, seeds, threads):
    """Print a set's rows."""
    Y, X, groups = SETS[name]()
    kept = np.flatnonzero(np.asarray((Y > 0).sum(axis=0)).ravel() >= 3)
    Y = sp.csr_matrix(Y[:, kept])
    codes = np.asarray(pd.factorize(groups[kept], use_na_sentinel=True)[0], np.int64)
    draws = np.random.default_rng(0)
    some = npmi_linkage(Y, threads)
    known = np.flatnonzero(codes >= 0)
    shuffled = codes.copy()
    shuffled[known] = draws.permutation(codes[known])
    chance = dendrogram_purity(Dendrogram.of(some), shuffled)[0]
    rivals = {"npmi linkage": some}
    if X is not None:
        rivals["feature linkage"] = feature_linkage(X, Y)
    values = {rival: dendrogram_purity(Dendrogram.of(m), codes)[0] for rival, m in rivals.items()}
    print(
        f"\n== {name}: {Y.shape[0]:,} rows, {Y.shape[1]} labels, {codes.max() + 1} groups of "
        f"{len(known)}; chance {chance:.3f}; "
        + ", ".join(f"{rival} {value:.4f}" for rival, value in values.items()),
        flush=True,
    )
    best = max(values, key=values.get)
    rival, pairs = label_purity(rivals[best], codes)
    for tree, make in trees(Y, X, threads).items():
        found, own, start = [], [], time.perf_counter()
        for seed in range(seeds):
            matrix = make(seed).to_linkage()
            found.append(dendrogram_purity(Dendrogram.of(matrix), codes)[0])
            own.append(label_purity(matrix, codes)[0])
        p = paired_p(np.mean(own, axis=0), rival, pairs)
        print(
            f"{tree:<34} purity {np.mean(found):.4f} ({min(found):.3f} to {max(found):.3f})  "
            f"difference from {best} {np.mean(found) - values[best]:+.4f}  p {p:.4f}  "
            f"{(time.perf_counter() - start) / seeds:.1f} s a seed",
            flush=True,
        )


def trees(Y, X, threads):
    """Return makers of the default trees."""

    def plain(seed):
        model = nnae.NNAE(random_state=seed, n_threads=threads).fit(Y)
        return nnae.LabelHierarchy.from_compressor(model)

    def aware(seed):
        model = nnae.NNAE(
            encoder="linear", feature_weight="auto", random_state=seed, n_threads=threads
        ).fit(Y, X=X)
        return nnae.LabelHierarchy.from_compressor(model)

    def alike(seed):
        return nnae.LabelHierarchy.from_labels(Y, random_state=seed, n_threads=threads)

    makers = {"labels alone, from_labels": alike, "labels alone, NNAE()": plain}
    if X is not None:
        makers = {"NNAE(feature_weight='auto')": aware, **makers}
    return makers


def planted(seeds, threads):
    """Print how well the groups of planted hierarchies are found, over noise."""
    sizes = {
        "defaults (3 x 4 x 6, 500 rows)": ({}, 500, (12, 3)),
        "10 topics x 60 groups x 600 labels": (
            {"n_topics": 10, "groups_per_topic": 6, "labels_per_group": 10, "double_parents": 0.1},
            3000,
            (60, 10),
        ),
    }
    for name, (shape, n, widths) in sizes.items():
        print(f"\n== planted, {name}")
        for flip in (0.0, 0.005, 0.01, 0.02, 0.05):
            middle, double = [], []
            for seed in range(seeds):
                data = nnae.datasets.make_label_hierarchy(
                    n, flip_probability=flip, test_size=0, random_state=seed, **shape
                )
                model = nnae.NNAE(widths, random_state=seed, n_threads=threads).fit(data.Y)
                hierarchy = nnae.LabelHierarchy.from_compressor(model)
                middle.append(adjusted_rand_score(data.groups, hierarchy.clusters(1)))
                double.append(double_parents(hierarchy, data))
            print(
                f"flips {flip:.1%}: middle ARI median {np.median(middle):.3f} "
                f"({min(middle):.3f} to {max(middle):.3f}); F1 of double parents "
                f"{np.median(double):.3f}",
                flush=True,
            )


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


def main():
    """Print all tables."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--only", default=",".join([*SETS, "planted"]))
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    for name in given.only.split(","):
        if name == "planted":
            planted(given.seeds, given.threads)
            continue
        try:
            gold(name, given.seeds, given.threads)
        except (ImportError, FileNotFoundError) as missing:
            print(f"\n== {name}: skipped, {missing}")


if __name__ == "__main__":
    main()
