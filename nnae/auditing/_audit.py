"""The audit of a hierarchy: evidence, nulls, rivals, verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from nnae._label_pairs import cooccurrence, powered_pairs
from nnae._labels import LabelSpace
from nnae._sparse_input import check_indices
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count, check_tolerance
from nnae.auditing import _resampling as resampling
from nnae.auditing._agreement import Evidence
from nnae.auditing._calibration import calibration_rows
from nnae.auditing._groups import Taxonomy
from nnae.auditing._label_shuffles import shuffled_labels
from nnae.auditing._misplaced import misplaced, place_ranks
from nnae.auditing._report import AuditReport
from nnae.auditing._resampling import Fold, Values
from nnae.auditing._rivals import build_rivals
from nnae.auditing._taxonomy import purity_by_group, taxonomy_values
from nnae.auditing._trees import AuditedTree, Integers
from nnae.auditing._verdict import MOST_MISPLACED, decide
from nnae.io._row_blocks import as_blocks, sample_labels

_EXCHANGES = 9999  # of groups between two trees; cheap
_SHUFFLES = 19  # of labels over rows; and of trees for the mean of the misplaced share
_SHUFFLED_PAIRS = 50_000
_COLUMNS = (
    *("value", "ci_low", "ci_high", "null_mean", "p_value"),
    *("independent_mean", "independent_p_value"),
)


def audit(
    hierarchy: Any,
    Y_heldout: Any,
    *,
    X: Any = None,
    taxonomy: Any = None,
    n_permutations: int = 200,
    random_state: int | None = None,
    Y_train: Any = None,
    X_train: Any = None,
    evidence: str = "labels",
    model: Any = None,
    min_expected: float = 5,
    max_pairs: int = 500_000,
    n_threads: int | None = None,
) -> AuditReport:
    """Check a hierarchy against rows that did not make it, chance, and trees anyone could build.

    Only *powered* pairs are looked at, those with an expected joint count
    ``m_a m_b / n >= min_expected``: rarer ones could not show a dependency. On them the tree's
    proximity (the level of the lowest common ancestor) is set against how often labels occur
    together.

    Parameters
    ----------
    hierarchy : LabelHierarchy
        To be judged.
    Y_heldout : labels, n x L, or row blocks
        Rows that the hierarchy was not made from, labels as in ``hierarchy.labels``. Of blocks
        (:func:`nnae.io.row_blocks`) at most a million rows are kept, evenly spaced.
    X : array or sparse matrix, n x d, optional
        Their features; without `Y_train` a rival is built from them.
    taxonomy : sequence of L groups, or dict from label to group, optional
        A given grouping; None, NaN or absence from the dict mean no group. A group may be a tuple
        or list (a row of an array), the path from the coarsest group to the label's own.
    n_permutations : int >= 19, default=200
        Shuffled trees, and as many draws of labels for intervals and comparisons.
    random_state : int, optional
        Seed; the same seed gives the same report.
    Y_train, X_train : optional
        Rows to build the rivals from, best those that made the hierarchy. Without them rivals
        come from one half of the held-out rows and are compared with the tree on the other half,
        both ways round: fewer rows than the tree had, which favours the tree.
    evidence : {"labels", "features"}, default="labels"
        What the tree was made from. One made from features is not held to co-occurrence; only the
        taxonomy decides.
    model : NNAE or NMF, optional
        The fitted compressor that the tree was read from: adds how well the joint counts that it
        implies are calibrated on the held-out rows.
    min_expected : float > 0, default=5
        See above.
    max_pairs : int >= 1, default=500000
        Powered pairs are drawn at random above that number; the report says how many.
    n_threads : int, optional
        Threads of the counting; the report does not depend on it.

    Returns
    -------
    AuditReport
        Metrics of its frame, over powered pairs of placed labels: `spearman_npmi` and
        `spearman_log_odds` (rank correlation of proximity with smoothed NPMI and odds ratio; the
        p-value is Mantel's), `auc_positive_pairs` (chance that a significantly positive pair is
        nearer than another), `sibling_npmi_gain` (mean NPMI of pairs under one parent less the
        mean of all), `contradiction_ratio` (significantly negative share of sibling pairs over
        that of all pairs, which is its expectation in shuffled trees; one-sided Fisher tests,
        false-discovery rate 5 %), `placement` (share of labels whose mean NPMI with their nearest
        neighbours in the tree is above that with all others), `misplaced_share` (share of labels
        that sit no better than if put anywhere at random: twice the share of labels that would
        sit better in more than half of the tree's places, by observed over expected
        co-occurrence with the labels there; its p-value is of
        "at least 30 % are put at random", exact binomial). `independent_mean` and
        `independent_p_value` hold what the same tree shows on 19 shuffles of the held-out labels
        that keep the numbers of every row and label (curveball). With a model:
        `cooccurrence_ratio` (joint counts observed over implied), `cooccurrence_slope` (of a
        Poisson regression on the logarithm of the implied; 1 is calibrated) and
        `cooccurrence_explained` (share of the deviance from independence that the model
        explains; 0 or less: none). With a taxonomy:
        `dendrogram_purity` and `dendrogram_purity_by_group` (of the labels' own groups),
        `ancestor_f1` and `edge_f1` (concepts matched to groups, coarser ones too),
        `triplet_accuracy` (of triples of which the taxonomy says which two are nearest) and
        `triplet_coverage` (triples on which the tree takes a side), `cophenetic_correlation` (of
        nearness in tree and taxonomy), `fowlkes_mallows_level_<l>`. A rival's p-value of purity
        exchanges the two trees group by group; the others draw labels. Rivals: `npmi_linkage`
        (average linkage on 1 - NPMI), `feature_linkage` (on the cosine of labels' mean features)
        and `balanced_kmeans` (labels split in halves again and again by spherical 2-means of their
        mean features, or of their co-occurrence without features), cut to the tree's number of
        clusters at every level.

        `trustworthy` asks for 50 tested pairs and 20 labels that can be judged, a positive
        correlation with p <= 0.05, that "at least 30 % of the labels are put at random" can be
        ruled out (p <= 0.05), and a contradiction ratio whose interval is below 1 (where 5 sibling
        pairs are negative, or would be by chance of those that share no label). A tree that is far
        from random may still have many labels out of place: the second last is what it fails.

    Raises
    ------
    TypeError
        When `hierarchy` is no hierarchy.
    ValueError
        When labels or rows do not match, or a parameter is out of its range.

    Notes
    -----
    Costs the co-occurrence counts, then some 20 operations a pair for each permutation and
    draw; rivals cost L^2 numbers and are built for 2 to 5,000 labels. Intervals draw labels with
    replacement and weigh pairs by the product, since pairs that share a label are not independent.

    Sources: Mantel (1967); Strona et al. (2014) for curveball; Storey (2002) for the misplaced
    share; Heller and Ghahramani (2005) for dendrogram purity; Fowlkes and Mallows (1983).

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy, audit
    >>> from nnae.datasets import make_label_hierarchy
    >>> data = make_label_hierarchy(2000, test_size=0.5, random_state=0)
    >>> W1 = (np.arange(12)[:, None] == data.groups).astype(float)
    >>> W2 = data.group_parents.T.astype(float)
    >>> tree = LabelHierarchy.from_weights([W1, W2], label_names=data.label_names)
    >>> report = audit(tree, data.Y_test, n_permutations=50, random_state=0)
    >>> report.trustworthy, round(report.value("placement"), 2)
    (True, 1.0)
    """
    for name in ("tree", "labels", "root", "widths", "to_linkage"):
        if not hasattr(hierarchy, name):
            raise TypeError(f"hierarchy must be a LabelHierarchy; got {type(hierarchy).__name__}")
    check_choice("evidence", evidence, ("labels", "features"))
    check_count("n_permutations", n_permutations, 19)
    check_count("max_pairs", max_pairs)
    if check_tolerance("min_expected", min_expected) == 0:
        raise ValueError(f"min_expected must be above 0; got {min_expected}")
    labels = list(hierarchy.labels)
    if len(labels) < 2:
        raise ValueError(f"the hierarchy must have at least two labels; got {len(labels)}")
    threads = resolve_threads(n_threads)
    space = LabelSpace(tuple(labels))
    Y = _encode("Y_heldout", Y_heldout, space)
    groups = None if taxonomy is None else Taxonomy.read(taxonomy, labels)
    draws = np.random.default_rng(random_state)
    tree = AuditedTree.of_hierarchy(hierarchy)
    placed = np.flatnonzero(~np.isin(labels, list(hierarchy.unplaced)))

    def gather(rows: sp.csr_matrix) -> Evidence:
        return Evidence.of(
            powered_pairs(
                rows, min_expected, threads, limit=max_pairs, random_state=draws, among=placed
            )
        )

    whole = gather(Y)
    if Y_train is not None:
        rows = _encode("Y_train", Y_train, space)
        _check_rows("X_train", X_train, "Y_train", rows)
        folds = [Fold(build_rivals(rows, X_train, tree.widths, threads), whole)]
    else:
        _check_rows("X", X, "Y_heldout", Y)
        features = None if X is None else sp.csr_matrix(X)
        first, second = np.array_split(draws.permutation(Y.shape[0]), 2)
        folds = []
        for build, judge in ((first, second), (second, first)):
            part = None if features is None else features[build]
            rivals = build_rivals(sp.csr_matrix(Y[build]), part, tree.widths, threads)
            folds.append(Fold(rivals, gather(sp.csr_matrix(Y[judge]))))
    rows_by_metric = _agreement(whole, tree, folds, n_permutations, draws)
    shuffles = [
        Evidence.of(
            powered_pairs(
                rows, min_expected, threads, limit=min(max_pairs, _SHUFFLED_PAIRS),
                random_state=draws, among=placed,
            )
        ).values(tree)
        for rows in shuffled_labels(Y, _SHUFFLES, draws, threads)
    ]  # fmt: skip
    resampling.add_independent(rows_by_metric, shuffles)
    if model is not None:
        rows_by_metric |= calibration_rows(model, labels, whole.pairs, n_permutations, draws)
    if groups is not None:
        rows_by_metric |= _match(tree, groups, folds, n_permutations, draws)
    counts = _counts(whole, tree, Y)
    _bound_contradictions(rows_by_metric["contradiction_ratio"], counts)
    place = rows_by_metric["placement"]
    place["ci_low"], place["ci_high"] = resampling.wilson(place["value"], counts["judged_labels"])
    rows_by_metric["misplaced_share"] = _misplaced(
        cooccurrence(Y, threads), tree, placed, float(min_expected), counts, draws
    )
    names = [rival.name for rival in folds[0].rivals]
    verdict = decide(rows_by_metric, counts, names, evidence, Y_train is None)
    columns = [*_COLUMNS]
    for name in names:
        columns += [name, f"{name}_difference", f"{name}_p_value"]
    every = {**rows_by_metric, **{name: {"value": value} for name, value in counts.items()}}
    frame = pd.DataFrame.from_dict(every, orient="index", columns=columns, dtype=np.float64)
    frame = frame.rename_axis("metric").reset_index()
    return AuditReport(frame, verdict.text, verdict.trustworthy, verdict.checks)


def _encode(name: str, Y: Any, space: LabelSpace) -> sp.csr_matrix:
    blocks = as_blocks(Y)
    if blocks is not None:
        Y = sample_labels(blocks)
    if getattr(Y, "ndim", 0) == 2 and Y.shape[1] != len(space):
        raise ValueError(f"{name} has {Y.shape[1]} labels, the hierarchy has {len(space)}")
    matrix = space.encode(Y)
    if matrix.shape[0] < 4:
        raise ValueError(f"{name} must have at least 4 rows; got {matrix.shape[0]}")
    return matrix


def _check_rows(name: str, X: Any, beside: str, Y: sp.csr_matrix) -> None:
    check_indices(X, name)
    if X is not None and np.shape(X)[0] != Y.shape[0]:
        raise ValueError(f"{beside} has {Y.shape[0]} rows, {name} has {np.shape(X)[0]}")


def _agreement(
    whole: Evidence,
    tree: AuditedTree,
    folds: list[Fold],
    repeats: int,
    draws: np.random.Generator,
) -> dict[str, dict[str, float]]:
    """Measure the tree on all rows and beside its rivals on each fold's."""
    observed = whole.values(tree)
    null = resampling.shuffled_agreement(whole, tree, repeats, draws)
    own = whole.resampler(tree)
    by_fold = [
        (own if fold.evidence is whole else fold.evidence.resampler(tree), fold) for fold in folds
    ]
    beside = [
        (base, [fold.evidence.resampler(rival) for rival in fold.rivals]) for base, fold in by_fold
    ]
    n_rivals = len(folds[0].rivals)
    resampled: list[Values] = []
    gaps: list[list[Values]] = [[] for _ in range(n_rivals)]
    drawn = np.unique(np.concatenate([whole.labels, *(fold.evidence.labels for fold in folds)]))
    for weights in resampling.label_draws(drawn, len(tree.parents), repeats, draws):
        resampled.append(own.values(weights))
        if not n_rivals:
            continue
        bases = [resampled[-1] if base is own else base.values(weights) for base, _ in beside]
        for r in range(n_rivals):
            parts = [
                _minus(at, rivals[r].values(weights))
                for at, (_, rivals) in zip(bases, beside, strict=True)
            ]
            gaps[r].append(resampling.mean_values(parts))
    rows = resampling.summary_rows(observed, null, resampled)
    reference = resampling.mean_values([fold.evidence.values(tree) for fold in folds])
    for r in range(n_rivals):
        values = resampling.mean_values([fold.evidence.values(fold.rivals[r]) for fold in folds])
        name = folds[0].rivals[r].name
        for metric, columns in resampling.compare(name, values, reference, gaps[r]).items():
            rows[metric] |= columns
    return rows


def _match(
    tree: AuditedTree,
    taxonomy: Taxonomy,
    folds: list[Fold],
    repeats: int,
    draws: np.random.Generator,
) -> dict[str, dict[str, float]]:
    """Set tree and rivals against the taxonomy."""
    observed = taxonomy_values(tree, taxonomy)
    null = resampling.shuffled_taxonomy(tree, taxonomy, repeats, draws)
    groups = taxonomy.groups
    known = np.flatnonzero(groups >= 0)
    n_rivals = len(folds[0].rivals)
    resampled: list[Values] = []
    gaps: list[list[Values]] = [[] for _ in range(n_rivals)]
    for weights in resampling.label_draws(known, len(groups), repeats, draws):
        resampled.append(taxonomy_values(tree, taxonomy, weights))
        for r in range(n_rivals):
            parts = [
                _minus(resampled[-1], taxonomy_values(fold.rivals[r], taxonomy, weights))
                for fold in folds
            ]
            gaps[r].append(resampling.mean_values(parts))
    rows = resampling.summary_rows(observed, null, resampled)
    own, pairs = purity_by_group(tree.dendrogram, groups)
    shares = pairs > 0
    for r in range(n_rivals):
        rivals = [fold.rivals[r] for fold in folds]
        values = resampling.mean_values([taxonomy_values(rival, taxonomy) for rival in rivals])
        name = rivals[0].name
        for metric, columns in resampling.compare(name, values, observed, gaps[r]).items():
            rows[metric] |= columns
        theirs = np.mean([purity_by_group(rival.dendrogram, groups)[0] for rival in rivals], axis=0)
        gain = (own - theirs)[shares]
        for metric, each in (
            ("dendrogram_purity", gain),
            ("dendrogram_purity_by_group", gain / pairs[shares]),
        ):
            p = resampling.paired_permutation(each, pairs[shares], _EXCHANGES, draws)
            rows[metric][f"{name}_p_value"] = p
    return rows


def _misplaced(
    together: sp.csr_matrix,
    tree: AuditedTree,
    placed: Integers,
    least: float,
    counts: dict[str, float],
    draws: np.random.Generator,
) -> dict[str, float]:
    """Estimate the share of labels that sit no better than at random, in shuffled trees too."""
    n_rows = int(counts["rows"])
    found = misplaced(place_ranks(tree, together, n_rows, placed, least))
    counts["ranked_labels"], counts["badly_ranked_labels"] = found.judged, found.above
    null = []
    for _ in range(_SHUFFLES):
        source = np.arange(len(tree.parents))
        source[placed] = draws.permutation(placed)
        other = tree.relabelled(source)
        null.append(misplaced(place_ranks(other, together, n_rows, placed, least)).share)
    low, high = found.interval()
    return {
        "value": found.share,
        "ci_low": low,
        "ci_high": high,
        "null_mean": float(np.mean(null)) if np.isfinite(null).all() else np.nan,
        "p_value": found.p_value(MOST_MISPLACED) if found.judged else np.nan,
    }


def _minus(a: Values, b: Values) -> Values:
    return {name: a[name] - b[name] for name in a}


def _counts(whole: Evidence, tree: AuditedTree, Y: sp.csr_matrix) -> dict[str, float]:
    tested, pairs = whole.columns.shape[1], whole.pairs
    kin = tree.siblings(pairs.a, pairs.b)
    disjoint = resampling.disjoint_pairs(pairs.a[kin], pairs.b[kin])
    return {
        "rows": float(Y.shape[0]),
        "labels": float(Y.shape[1]),
        "audited_labels": float(len(whole.labels)),
        "judged_labels": float(whole.placements(tree)[1].sum()),
        "powered_pairs": float(whole.pairs.total),
        "tested_pairs": float(tested),
        "sibling_pairs": float(kin.sum()),
        "disjoint_sibling_pairs": float(disjoint),
        "negative_rate": float(whole.columns[7].mean()) if tested else 0.0,
    }


def _bound_contradictions(row: dict[str, float], counts: dict[str, float]) -> None:
    """Give a ratio of zero the upper bound that its number of disjoint pairs allows."""
    if row["value"] == 0:
        row["ci_high"] = resampling.zero_bound(
            counts["disjoint_sibling_pairs"], counts["negative_rate"]
        )
