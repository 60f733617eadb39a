"""How much of a hierarchy comes back with another seed, or with other rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from joblib import Parallel, delayed
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from nnae._labels import encode_labels
from nnae._validation import check_count
from nnae.hierarchy import LabelHierarchy

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_MOST_LABELS = 5000  # consensus is kept for pairs of the most frequent ones


@dataclass(frozen=True)
class StabilityReport:
    """Hold what `stability` found.

    Attributes
    ----------
    frame : DataFrame
        One row a source, level and metric: source ("seeds" or "bootstraps"), level, metric, mean,
        low, high (the smallest and the largest over pairs of fits; equal for consensus
        metrics, which are one number), n_fits.
    edges : DataFrame
        One row an edge of the first fit's graph: parent, child, parent_level, in_seeds,
        in_bootstraps (share of the other fits whose graphs have it; NaN without any).
    linkages : dict of (str, int) to ndarray
        Average linkage on 1 - consensus of a source's fits at a level: a consensus tree over
        `labels`.
    labels : list of str
        Labels of `linkages`: all with positives, the 5,000 most frequent at most.
    hierarchy : LabelHierarchy
        Of the first fit.

    Examples
    --------
    >>> from nnae import NMF, stability
    >>> from nnae.datasets import make_label_hierarchy
    >>> Y = make_label_hierarchy(400, random_state=0).Y
    >>> report = stability(
    ...     lambda seed: NMF(3, random_state=seed), Y, n_seeds=2, n_bootstraps=2, random_state=0
    ... )
    >>> 0 <= report.recurring(0.6) <= 1
    True
    """

    frame: pd.DataFrame
    edges: pd.DataFrame
    linkages: dict[tuple[str, int], Floats]
    labels: list[str]
    hierarchy: LabelHierarchy

    def value(self, metric: str, level: int = 1, source: str = "seeds") -> float:
        """Return the mean of a metric."""
        frame = self.frame
        chosen = frame[
            (frame["metric"] == metric) & (frame["level"] == level) & (frame["source"] == source)
        ]
        if len(chosen) != 1:
            known = ", ".join(sorted(set(frame["metric"])))
            raise ValueError(
                f"there must be such a row (metrics: {known}); "
                f"got metric {metric!r}, level {level}, source {source!r}"
            )
        return float(chosen["mean"].iloc[0])

    def recurring(self, share: float = 0.6, source: str = "bootstraps") -> float:
        """Return the share of edges that recur in at least `share` of the fits."""
        if source not in ("seeds", "bootstraps"):
            raise ValueError(f"source must be 'seeds' or 'bootstraps'; got {source!r}")
        seen = self.edges[f"in_{source}"].dropna()
        return float((seen >= share - 1e-12).mean()) if len(seen) else float("nan")


@dataclass(frozen=True)
class _Run:
    """One fit: clusters (L) and concepts (k x L, rows of length one) a level, edges by index."""

    clusters: list[Integers]
    concepts: list[Floats]
    edges: set[tuple[int, int, int]]
    hierarchy: LabelHierarchy


def stability(
    make_model: Callable[[int], Any],
    Y: Any,
    *,
    X: Any = None,
    n_seeds: int = 10,
    n_bootstraps: int = 20,
    label_names: Sequence[str] | None = None,
    n_jobs: int = 1,
    random_state: int | None = None,
) -> StabilityReport:
    """Refit a compressor with other seeds and on other rows, and compare what comes out.

    Parameters
    ----------
    make_model : callable
        Takes a seed (int), returns an unfitted NNAE or NMF with it as `random_state`.
    Y : labels, n x L
        To fit.
    X : array or sparse matrix, n x d, optional
        Features, for feature-aware models.
    n_seeds : int >= 2, default=10
        Fits on all rows.
    n_bootstraps : int, 0 or >= 2, default=20
        Fits, each with a seed of its own, on rows drawn with replacement.
    label_names : sequence of str, optional
        Override the names that Y carries.
    n_jobs : int, default=1
        Fits at a time (joblib); give the model ``n_threads=1`` when above 1.
    random_state : int, optional
        Seed of the seeds and draws.

    Returns
    -------
    StabilityReport
        Metrics, for each level and source: `ari` (adjusted Rand index of two fits' clusters),
        `matched_cosine` (mean cosine of concepts matched one to one), `amari` (distance
        ``1 - (mean of row maxima + mean of column maxima of the cosines) / 2``), over all pairs of
        fits; `cophenetic` (correlation of the consensus with its average linkage) and
        `dispersion` (mean of ``4 (c - 1/2)^2``), 1 when all fits agree, c the share of fits that
        put two labels together.

    Raises
    ------
    TypeError
        When `make_model` is not callable.
    ValueError
        When a number is out of its range, or two fits have different numbers of levels.

    Notes
    -----
    Costs the fits, and a number for each pair of at most 5,000 labels. Sources: Brunet et al.
    (2004) and Kim and Park (2007) for consensus; Wu et al. (2016) for the distance.

    Examples
    --------
    >>> from nnae import NMF, stability
    >>> from nnae.datasets import make_label_hierarchy
    >>> Y = make_label_hierarchy(1500, random_state=0).Y
    >>> report = stability(
    ...     lambda seed: NMF(12, random_state=seed), Y, n_seeds=3, n_bootstraps=2, random_state=0
    ... )
    >>> bool(report.value("ari") > 0.6)
    True
    """
    if not callable(make_model):
        raise TypeError(f"make_model must take a seed and return a model; got {make_model!r}")
    check_count("n_seeds", n_seeds, 2)
    if check_count("n_bootstraps", n_bootstraps, 0) == 1:
        raise ValueError("n_bootstraps must be 0 or at least 2; got 1")
    matrix, space = encode_labels(Y, label_names)
    names = list(space.names)
    n = matrix.shape[0]
    if X is not None:
        if np.shape(X)[0] != n:
            raise ValueError(f"Y has {n} rows, X has {np.shape(X)[0]}")
        X = X.tocsr() if hasattr(X, "tocsr") else np.asarray(X)
    draws = np.random.default_rng(random_state)
    seeds = draws.integers(0, 2**31 - 1, n_seeds + n_bootstraps).tolist()
    samples: list[Integers | None] = [None] * n_seeds
    samples += [draws.integers(0, n, n) for _ in range(n_bootstraps)]
    fits = Parallel(n_jobs=n_jobs)(
        delayed(_fit)(make_model, seed, rows, matrix, X, names)
        for seed, rows in zip(seeds, samples, strict=True)
    )
    runs: dict[str, list[_Run]] = {"seeds": fits[:n_seeds], "bootstraps": fits[n_seeds:]}
    depth = len(fits[0].clusters)
    for fit in fits:
        if len(fit.clusters) != depth:
            raise ValueError(
                f"every fit must have the same number of levels; got {depth} and "
                f"{len(fit.clusters)}: give make_model fixed layer sizes"
            )
    counts = np.bincount(matrix.indices, minlength=len(names))
    frequent = np.argsort(-counts, kind="stable")[:_MOST_LABELS]
    kept = np.sort(frequent[counts[frequent] > 0])
    rows_of_frame: list[dict[str, Any]] = []
    linkages: dict[tuple[str, int], Floats] = {}
    for source, group in runs.items():
        for level in range(1, depth + 1) if group else ():
            about = {"source": source, "level": level, "n_fits": len(group)}
            for metric, values in _compare_pairs(group, level).items():
                rows_of_frame.append(about | _summary(metric, values))
            if len(kept) < 3:
                continue
            consensus = _consensus([run.clusters[level - 1][kept] for run in group])
            tree = np.asarray(linkage(1.0 - consensus, "average"), np.float64)
            linkages[source, level] = tree
            dispersion = float(np.mean(4 * (consensus - 0.5) ** 2))
            for metric, value in (
                ("cophenetic", _cophenetic(tree, consensus)),
                ("dispersion", dispersion),
            ):
                rows_of_frame.append(about | _summary(metric, [value]))
    columns = ["source", "level", "metric", "mean", "low", "high", "n_fits"]
    return StabilityReport(
        pd.DataFrame(rows_of_frame, columns=columns),
        _edges(runs),
        linkages,
        [names[j] for j in kept],
        fits[0].hierarchy,
    )


def _fit(
    make_model: Callable[[int], Any],
    seed: int,
    rows: Integers | None,
    Y: sp.csr_matrix,
    X: Any,
    names: list[str],
) -> _Run:
    model = make_model(seed)
    if not hasattr(model, "fit"):
        raise TypeError(f"make_model must return a model with fit(); got {type(model).__name__}")
    labels = Y if rows is None else sp.csr_matrix(Y[rows])
    if X is None:
        model.fit(labels)
    else:
        model.fit(labels, X=X if rows is None else X[rows])
    hierarchy = LabelHierarchy.from_compressor(model, label_names=names, Y=labels)
    weights = list(getattr(model, "weights_", None) or [model.components_])
    concepts: list[Floats] = []
    below: Any = np.eye(0)
    with threadpool_limits(1):
        for number, layer in enumerate(weights):
            own = np.asarray(layer, np.float64)
            below = own if number == 0 else own @ below
            length = np.sqrt((below**2).sum(axis=1, keepdims=True))
            concepts.append(below / np.where(length > 0, length, 1.0))
    about = hierarchy.graph.nodes
    edges = {
        (about[p]["level"], about[p]["index"], about[q]["index"])
        for p, q in hierarchy.graph.edges
        if p != hierarchy.root and about[p]["level"] == about[q]["level"] + 1
    }
    depth = len(weights)
    clusters = [hierarchy.clusters(level) for level in range(1, depth + 1)]
    return _Run(clusters, concepts, edges, hierarchy)


def _compare_pairs(runs: list[_Run], level: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"ari": [], "matched_cosine": [], "amari": []}
    for one, two in combinations(runs, 2):
        a, b = one.clusters[level - 1], two.clusters[level - 1]
        both = (a >= 0) & (b >= 0)
        found["ari"].append(float(adjusted_rand_score(a[both], b[both])))
        cosines = _cosines(one, two, level)
        p, q = linear_sum_assignment(cosines, maximize=True)
        found["matched_cosine"].append(float(cosines[p, q].mean()))
        nearest = (cosines.max(axis=1).mean() + cosines.max(axis=0).mean()) / 2
        found["amari"].append(float(1 - nearest))
    return found


def _cosines(one: _Run, two: _Run, level: int) -> Floats:
    with threadpool_limits(1):
        return np.asarray(one.concepts[level - 1] @ two.concepts[level - 1].T, np.float64)


def _consensus(clusters: list[Integers]) -> Floats:
    """Return the share of fits that put each pair of labels together, condensed."""
    m = len(clusters[0])
    together = np.zeros(m * (m - 1) // 2)
    for part in clusters:
        start = 0
        for i in range(m - 1):
            if part[i] >= 0:
                together[start : start + m - i - 1] += part[i + 1 :] == part[i]
            start += m - i - 1
    return together / len(clusters)


def _cophenetic(tree: Floats, consensus: Floats) -> float:
    heights = np.asarray(cophenet(tree), np.float64)
    if np.ptp(consensus) == 0 or np.ptp(heights) == 0:
        return 1.0 if np.allclose(heights, 1.0 - consensus) else 0.0
    return float(np.corrcoef(heights, 1.0 - consensus)[0, 1])


def _summary(metric: str, values: list[float]) -> dict[str, Any]:
    return {
        "metric": metric,
        "mean": float(np.mean(values)),
        "low": float(np.min(values)),
        "high": float(np.max(values)),
    }


def _edges(runs: dict[str, list[_Run]]) -> pd.DataFrame:
    """Count in how many other fits each edge of the first recurs, concepts matched by cosine."""
    first = runs["seeds"][0]
    others = {"seeds": runs["seeds"][1:], "bootstraps": runs["bootstraps"]}
    listed = sorted(first.edges)
    columns: dict[str, Any] = {}
    for source, group in others.items():
        found = np.full(len(listed), np.nan if not group else 0.0)
        for run in group:
            same = []  # own concept -> the first fit's, level by level
            for level in range(1, len(first.concepts) + 1):
                p, q = linear_sum_assignment(_cosines(first, run, level), maximize=True)
                same.append(dict(zip(q.tolist(), p.tolist(), strict=True)))
            mapped = {
                (level, same[level - 1].get(p, -1), q if level == 1 else same[level - 2].get(q, -1))
                for level, p, q in run.edges
            }
            found += np.array([edge in mapped for edge in listed], np.float64)
        columns[f"in_{source}"] = found / max(len(group), 1)
    nodes = first.hierarchy.graph.nodes
    name = {
        (about["level"], about["index"]): node
        for node, about in nodes.items()
        if about["kind"] != "root"
    }
    return pd.DataFrame(
        {
            "parent": [name[level, p] for level, p, _ in listed],
            "child": [name[level - 1, q] for level, _, q in listed],
            "parent_level": [level for level, _, _ in listed],
            **columns,
        }
    )
