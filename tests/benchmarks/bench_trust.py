"""Print whether audits trust default trees, and how stable those trees are.

The bounds behind `trustworthy` were fixed on planted labels and Debian's tags; the other sets chose
nothing. Sets without a split of their own are split in halves at random: whether siblings avoid
each other can be told of frequent ones only. The tags have few such siblings among their held-out
packages, so that they are split in halves as well. The p-value of the contradiction ratio is that
of shuffled trees.
"""

import time

import numpy as np
import scipy.sparse as sp
from damaged import Damaged
from label_data import data_folder

import nnae

HELD_OUT = 0.5
TRUST = (
    *("data", "held-out rows", "labels", "powered pairs", "sibling pairs", "disjoint ones"),
    *(
        "contradictions",
        "interval",
        "p",
        "misplaced",
        "trusted",
        "halves trusted",
        "damaged trusted",
        "CPU seconds",
    ),
)
STABILITY = (
    *("data", "level", "ari", "cosine", "amari", "cophenetic", "dispersion", "bootstrap ari"),
    *("edges", "in 60 % of boots", "consensus edges", "in 60 % of boots", "CPU seconds"),
)
PAIRS = ("powered_pairs", "sibling_pairs", "disjoint_sibling_pairs")
FILES = {
    "bbc_food": "bbc_food/Y.npz",
    "kaggle_whats_cooking": "kaggle_whats_cooking/Y.npz",
    "stackex_cooking": "stackex_cooking/stackex_cooking_Y.npz",
}


def names():
    """Return the data sets that are present."""
    found = ["debian_tags", "debian_tags, halves"]
    if (data_folder() / "delicious" / "Y_train.npz").is_file():
        found.append("delicious")
    return found + [name for name, path in FILES.items() if (data_folder() / path).is_file()]


def labels_of(name):
    """Return training and held-out labels."""
    if name == "debian_tags":
        data = nnae.datasets.load_debian_tags()
        return sp.csr_matrix(data.Y_train), sp.csr_matrix(data.Y_test)
    if name == "debian_tags, halves":
        return halves_by_source(nnae.datasets.load_debian_tags())
    if name == "delicious":
        folder = data_folder() / name
        return tuple(sp.load_npz(folder / f"Y_{part}.npz").tocsr() for part in ("train", "test"))
    Y = sp.load_npz(data_folder() / FILES[name]).tocsr()
    order = np.random.default_rng(0).permutation(Y.shape[0])
    cut = int(HELD_OUT * len(order))
    return Y[order[cut:]], Y[order[:cut]]


def halves_by_source(data):
    """Split all rows in halves, packages of one source together: more pairs can be tested."""
    sources = np.concatenate([data.sources_train, data.sources_test])
    number = np.unique(sources, return_inverse=True)[1]
    first = np.random.default_rng(0).random(number.max() + 1) < 0.5
    Y = sp.csr_matrix(sp.vstack([data.Y_train, data.Y_test]))
    return Y[first[number]], Y[~first[number]]


def trust(*, n_threads=1, only=None, n_halves=10, n_damaged=20):
    """Yield TRUST and a row a data set: the audit of the default, label-only tree."""
    yield TRUST
    given = {"n_permutations": 19, "n_threads": n_threads}
    for name in names():
        if only not in (None, name):
            continue
        Y_train, Y_test = labels_of(name)
        model = nnae.NNAE(random_state=0, n_threads=n_threads).fit(Y_train)
        tree = nnae.LabelHierarchy.from_compressor(model)
        begin = time.process_time()
        report = nnae.audit(tree, Y_test, Y_train=Y_train, random_state=0, n_threads=n_threads)
        seconds = time.process_time() - begin
        draws = np.random.default_rng(0)
        n = Y_test.shape[0]
        halves = [Y_test[draws.permutation(n)[: n // 2]] for _ in range(n_halves)]
        kept = sum(nnae.audit(tree, Y, random_state=0, **given).trustworthy for Y in halves)
        fooled = sum(
            nnae.audit(Damaged(tree, 0.3, 1000 + seed), Y_test, random_state=0, **given).trustworthy
            for seed in range(n_damaged)
        )
        low, high = (report.value("contradiction_ratio", end) for end in ("ci_low", "ci_high"))
        yield (
            *(name, n, Y_test.shape[1]),
            *(int(report.value(count)) for count in PAIRS),
            *(report.value("contradiction_ratio"), f"{low:.2f} to {high:.2f}"),
            report.value("contradiction_ratio", "p_value"),
            *(report.value("misplaced_share"), str(report.trustworthy)),
            *(share(kept, n_halves), share(fooled, n_damaged), seconds),
        )


def share(found, drawn):
    """Say how many of the draws; nothing where none were made."""
    return f"{found} of {drawn}" if drawn else ""


def stable(*, n_threads=1, only="debian_tags", n_seeds=10, n_bootstraps=20, n_jobs=1):
    """Yield STABILITY and a row a level: seeds and bootstraps of the default NNAE."""
    yield STABILITY
    for name in names():
        if only not in (None, name):
            continue
        begin = time.process_time()
        report = nnae.stability(
            lambda seed: nnae.NNAE(random_state=seed, n_threads=n_threads),
            labels_of(name)[0],
            n_seeds=n_seeds,
            n_bootstraps=n_bootstraps,
            n_jobs=n_jobs,
            random_state=0,
        )
        seconds = time.process_time() - begin
        shares = []
        for edges in (report.edges, report.consensus_edges):
            shares.append(len(edges))
            shares.append(report.recurring(0.6, edges=edges))
        for level in sorted(set(report.frame.level)):
            metrics = ("ari", "matched_cosine", "amari", "cophenetic", "dispersion")
            yield (
                *(name, level, *(report.value(metric, level) for metric in metrics)),
                *(report.value("ari", level, "bootstraps"), *shares, seconds),
            )
