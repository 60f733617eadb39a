"""How much of a hierarchy comes back with another seed, or with other rows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from nnae._consensus import (
    Consensus,
    consensus_of,
    consensus_tree,
    cosines,
    frequencies_of,
    recurrence,
)
from nnae._labels import encode_labels
from nnae._stability_fits import Fit, Shelf, digest_of, fit_all
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
    consensus : LabelHierarchy or None
        What the fits of all seeds agree on; its edges carry the share of bootstraps with them as
        `frequency`. None for fewer than three labels with positives.
    consensus_edges : DataFrame
        Like `edges`, of `consensus`; `in_seeds` counts all seeds.

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
    consensus: LabelHierarchy | None
    consensus_edges: pd.DataFrame

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

    def recurring(
        self,
        share: float = 0.6,
        source: str = "bootstraps",
        *,
        edges: pd.DataFrame | None = None,
    ) -> float:
        """Return the share of edges (`consensus_edges`, say) in at least `share` of the fits."""
        if source not in ("seeds", "bootstraps"):
            raise ValueError(f"source must be 'seeds' or 'bootstraps'; got {source!r}")
        seen = (self.edges if edges is None else edges)[f"in_{source}"].dropna()
        return float((seen >= share - 1e-12).mean()) if len(seen) else float("nan")


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
    checkpoint: str | Path | None = None,
    verbose: int = 0,
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
        Fits at a time, each in a process of its own; give the model ``n_threads=1`` when above 1.
    random_state : int, optional
        Seed of the seeds and draws.
    checkpoint : path, optional
        Folder for finished fits. The same call after an interruption takes them up, and gives the
        report that an uninterrupted one would have given. `make_model` is not compared: change
        the folder with it.
    verbose : int, default=0
        Show a progress bar on standard error when positive.

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
        When a number is out of its range, two fits have different numbers of levels, or
        `checkpoint` is of other data.

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
    entropy = secrets.randbits(64) if random_state is None else random_state
    shelf = None if checkpoint is None else Shelf(Path(checkpoint))
    if shelf is not None:
        known = shelf.agree(digest_of(matrix, X, names, n_seeds), n_seeds + n_bootstraps, entropy)
        if random_state is not None and known != random_state:
            raise ValueError(f"checkpoint has random_state {known}; got {random_state}")
        entropy = known
    draws = np.random.default_rng(entropy)
    seeds = draws.integers(0, 2**31 - 1, n_seeds + n_bootstraps).tolist()
    samples: list[Integers | None] = [None] * n_seeds
    samples += [draws.integers(0, n, n) for _ in range(n_bootstraps)]
    plan = list(zip(seeds, samples, strict=True))
    fits = fit_all(make_model, plan, matrix, X, names, n_jobs=n_jobs, shelf=shelf, verbose=verbose)
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
    groups = {"seeds": fits[:n_seeds], "bootstraps": fits[n_seeds:]}
    rows: list[dict[str, Any]] = []
    linkages: dict[tuple[str, int], Floats] = {}
    for source, group in groups.items():
        for level in range(1, depth + 1) if group else ():
            about = {"source": source, "level": level, "n_fits": len(group)}
            for metric, values in _compare_pairs(group, level).items():
                rows.append(about | _summary(metric, values))
            if len(kept) < 3:
                continue
            consensus = consensus_of([fit.clusters[level - 1][kept] for fit in group])
            linkages[source, level], cophenetic = consensus_tree(consensus)
            dispersion = float(np.mean(4 * (consensus - 0.5) ** 2))
            for metric, value in (("cophenetic", cophenetic), ("dispersion", dispersion)):
                rows.append(about | _summary(metric, [value]))
    first = LabelHierarchy.from_json(fits[0].document)
    edges = _edges(first, fits[0], fits[1:n_seeds], fits[n_seeds:])
    agreed, agreed_edges = None, edges.iloc[:0]
    if len(kept) >= 3:
        layers = Consensus(fits[:n_seeds], linkages["seeds", 1], kept, counts)
        plain = layers.hierarchy(names, counts, None)
        own = Fit.of(plain, layers.weights)
        agreed_edges = _edges(plain, own, fits[:n_seeds], fits[n_seeds:])
        shares = agreed_edges["in_bootstraps" if n_bootstraps else "in_seeds"].to_numpy()
        agreed = layers.hierarchy(names, counts, frequencies_of(own, shares, layers.weights))
    columns = ["source", "level", "metric", "mean", "low", "high", "n_fits"]
    frame = pd.DataFrame(rows, columns=columns)
    labels = [names[j] for j in kept]
    return StabilityReport(frame, edges, linkages, labels, first, agreed, agreed_edges)


def _compare_pairs(runs: list[Fit], level: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"ari": [], "matched_cosine": [], "amari": []}
    for one, two in combinations(runs, 2):
        a, b = one.clusters[level - 1], two.clusters[level - 1]
        both = (a >= 0) & (b >= 0)
        found["ari"].append(float(adjusted_rand_score(a[both], b[both])))
        near = cosines(one, two, level)
        p, q = linear_sum_assignment(near, maximize=True)
        found["matched_cosine"].append(float(near[p, q].mean()))
        nearest = (near.max(axis=1).mean() + near.max(axis=0).mean()) / 2
        found["amari"].append(float(1 - nearest))
    return found


def _summary(metric: str, values: list[float]) -> dict[str, Any]:
    return {
        "metric": metric,
        "mean": float(np.mean(values)),
        "low": float(np.min(values)),
        "high": float(np.max(values)),
    }


def _edges(
    hierarchy: LabelHierarchy, fit: Fit, seeds: list[Fit], bootstraps: list[Fit]
) -> pd.DataFrame:
    """List the edges of a fit's graph and in how many others each recurs."""
    name = {
        (about["level"], about["index"]): node
        for node, about in hierarchy.graph.nodes.items()
        if about["kind"] != "root"
    }
    listed = fit.edges.tolist()
    return pd.DataFrame(
        {
            "parent": [name[level, p] for level, p, _ in listed],
            "child": [name[level - 1, q] for level, _, q in listed],
            "parent_level": [level for level, _, _ in listed],
            "in_seeds": recurrence(fit, seeds),
            "in_bootstraps": recurrence(fit, bootstraps),
        }
    )
