"""Print what simulated readers gain from the tree on the bundled data."""

import time

import nnae

HEADER = (
    *("data", "form", "reader", "base rates", "revealed", "tree", "shuffled", "npmi"),
    *("over shuffled", "interval", "over npmi", "interval", "CPU seconds"),
)
CONDITIONS = ("base_rates", "revealed", "tree", "shuffled_tree", "npmi_tree")
GROUPS = {"debian_tags": "sources_test", "emoji": "origins_test"}


TREES = ("codes", "labels", "features")


def run(*, n_threads=1, only=None, tree="codes", profile="best"):
    """Yield HEADER and a row a data set, form and reader; defaults of classifier and compressor.

    `profile` is the classifier's: "fast" has one decoder in the place of the stack.

    `tree`: "codes", that of the classifier's own codes; "labels", that of `NNAE()` fitted on the
    labels; "features", that of `NNAE(feature_weight="auto")` fitted on labels and features. NPMI
    linkage is built on the same training rows. `CPU seconds` is that of `simulate_reader` alone,
    the same for all rows of a data set.
    """
    yield HEADER
    for name, groups in GROUPS.items():
        if only not in (None, name):
            continue
        data = getattr(nnae.datasets, f"load_{name}")()
        model = nnae.TwoStepClassifier(profile=profile, random_state=0, n_threads=n_threads)
        model.fit(data.X_train, data.Y_train, label_names=data.label_names)
        hierarchy = read_tree(tree, model, data, n_threads)
        begin = time.process_time()
        report = nnae.simulate_reader(
            model,
            hierarchy,
            data.X_test,
            data.Y_test,
            Y_train=data.Y_train,
            groups=data[groups],
            random_state=0,
            n_threads=n_threads,
        )
        seconds = time.process_time() - begin
        for form, reader in report.frame[["form", "reader"]].drop_duplicates().to_numpy():
            where = {"form": form, "reader": reader}
            accuracies = [report.value(condition, **where) for condition in CONDITIONS]
            yield (name, form, reader, *accuracies, *compared(report, where), seconds)


def read_tree(tree, model, data, n_threads):
    """Return the hierarchy of the training rows that `tree` names."""
    compressor, X = model.compressor_, None
    if tree != "codes":
        weight, X = (0.0, None) if tree == "labels" else ("auto", data.X_train)
        compressor = nnae.NNAE(feature_weight=weight, random_state=0, n_threads=n_threads)
        compressor.fit(data.Y_train, X=X)
    return nnae.LabelHierarchy.from_compressor(
        compressor, label_names=data.label_names, Y=data.Y_train, X=X
    )


def compared(report, where):
    """Return the differences from the two rivals with their intervals, in points."""
    cells = []
    for quantity in ("tree_over_shuffled", "tree_over_npmi"):
        low, high = (100 * report.value(quantity, end, **where) for end in ("ci_low", "ci_high"))
        cells += [100 * report.value(quantity, **where), f"{low:+.1f} to {high:+.1f}"]
    return cells
