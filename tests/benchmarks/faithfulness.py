"""Print what the audit says of bundled Debian tags and of a planted hierarchy.

    python tests/benchmarks/faithfulness.py [--draws 20] [--threads 1]

For each: the audit against the rivals built on the training rows, then how often the verdict
trusts the tree on random halves of the held-out rows, and the same tree after 30 % of its labels
changed places. `run.py trees` beside it sets trees against gold groups and planted ones.
"""

import argparse
import time

import numpy as np
from damaged import Damaged

import nnae


def measure(name, hierarchy, data, n_draws, threads):
    """Print one data set's part."""
    print(f"\n== {name}: {data.Y_test.shape[0]:,} held-out rows, {data.Y_test.shape[1]} labels")
    start = time.perf_counter()
    report = nnae.audit(
        hierarchy,
        data.Y_test,
        Y_train=data.Y_train,
        X_train=data.X_train,
        taxonomy=data.groups,
        random_state=0,
        n_threads=threads,
    )
    print(report.frame.round(3).to_string(index=False, na_rep=""))
    print(f"{report.verdict}\n({time.perf_counter() - start:.1f} s)")
    draws = np.random.default_rng(0)
    n = data.Y_test.shape[0]
    halves = [
        nnae.audit(
            hierarchy,
            data.Y_test[draws.permutation(n)[: n // 2]],
            n_permutations=19,
            random_state=seed,
            n_threads=threads,
        ).trustworthy
        for seed in range(n_draws)
    ]
    damaged = [
        nnae.audit(
            Damaged(hierarchy, 0.3, 1000 + seed),
            data.Y_test,
            n_permutations=19,
            random_state=seed,
            n_threads=threads,
        ).trustworthy
        for seed in range(n_draws)
    ]
    print(f"trusted on {sum(halves)} of {n_draws} halves; after 30 % of the labels moved: ", end="")
    print(f"{sum(damaged)} of {n_draws}")


def main():
    """Fit, extract, audit."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=20)
    options.add_argument("--threads", type=int, default=1)
    given = options.parse_args()
    planted = nnae.datasets.make_label_hierarchy(6000, test_size=0.5, random_state=0)
    debian = nnae.datasets.load_debian_tags()
    for name, data, sizes in (
        ("planted labels", planted, [12, 3]),
        ("Debian tags, default tree", debian, "auto"),
    ):
        model = nnae.NNAE(sizes, random_state=0, n_threads=given.threads).fit(data.Y_train)
        hierarchy = nnae.LabelHierarchy.from_compressor(model, label_names=data.label_names)
        measure(name, hierarchy, data, given.draws, given.threads)


if __name__ == "__main__":
    main()
