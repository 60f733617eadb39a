"""Which labels depend on each other, tested so that the share of false discoveries is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from statsmodels.stats.multitest import multipletests

from nnae._adjusted import adjusted_odds
from nnae._contingency import (
    Floats,
    Integers,
    expected_cells,
    fisher,
    g_test,
    odds_ratio,
    shrunk_npmi,
)
from nnae._implied import encoder_map, implied_conditionals
from nnae._label_pairs import (
    LabelPairs,
    Margins,
    cooccurrence,
    count_labels,
    lookup,
    powered_pairs,
)
from nnae._labels import encode_labels
from nnae._local_dependence import local_dependence
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count, check_tolerance

_FEW = 50.0  # "auto" trusts chi-squared only where no expected cell is below this
_MOST_PAIRS = 20_000_000
_ADJUSTED = ("odds_ratio", "ci_low", "ci_high", "p_value", "q_value")


def label_dependencies(
    Y: Any,
    *,
    model: Any = None,
    alpha: float = 0.05,
    min_expected: float = 5,
    label_names: Sequence[str] | None = None,
    family: str = "margins",
    method: str = "auto",
    subsumption: float = 0.8,
    hierarchy: Any = None,
    covariates: Any = None,
    n_adjusted: int = 100,
    n_threads: int | None = None,
) -> pd.DataFrame:
    """Test pairs of labels for independence, with the size and direction of what is found.

    Which pairs are tested is decided by the margins alone, ``m_a m_b / n >= min_expected``, never
    by how often a pair occurs together: choosing pairs that co-occur and testing only those finds
    a "dependency" in nearly every one, also among independent labels.

    Parameters
    ----------
    Y : labels, n x L
        Sparse matrix, array, DataFrame or list of sets of names; presence counts, values do not.
    model : NNAE or NMF, optional
        Fitted on labels that include those of Y. Adds what it implies: `model_b_given_a`,
        `model_a_given_b`, `model_direction`; with a linear encoder also the label map V B:
        `encoder_b_given_a` (what an example with a alone is given of b), `encoder_a_given_b`,
        `encoder_direction` (from the label that gives more of the other).
    alpha : float in (0, 1), default=0.05
        False-discovery rate at which a direction is given, and 1 less the level of the intervals.
    min_expected : float > 0, default=5
        Least joint count that independence would lead one to expect of a tested pair.
    label_names : sequence of str, optional
        Override the names that Y carries.
    family : {"margins", "all"}, default="margins"
        "all" takes every one of the L (L - 1) / 2 pairs for a test: listed are those of "margins"
        and all that occur together, the others have p = 1. It finds rare pairs and pays for it.
    method : {"auto", "fisher", "g"}, default="auto"
        Fisher's exact test, the G test, or Fisher's where an expected cell is below 50 and G
        elsewhere. All two-sided.
    subsumption : float in (0.5, 1], default=0.8
        Least P(b | a) for "a -> b".
    hierarchy : LabelHierarchy, optional
        Asks of pairs with a common parent and at least two more siblings whether the concept
        explains them. Adds `concept` (the common parent, "" without one), `within_odds_ratio`
        (while the concept is on), `within_p_value`, `within_q_value` (over these pairs) and `tie`:
        "direct" where ``q_value <= alpha`` and ``within_q_value <= alpha``, "concept" where only
        the first holds, "unknown" where the second could not be tested, "none" otherwise.
    covariates : array or sparse matrix, n x c, optional
        Columns to hold fixed. Label b is regressed on label a and them (logistic regression) for
        the first `n_adjusted` rows of the frame. Adds `adjusted_odds_ratio`, `adjusted_ci_low`,
        `adjusted_ci_high`, `adjusted_p_value`, and `adjusted_q_value` (the whole family counted).
    n_adjusted : int >= 1, default=100
        Pairs to adjust.
    n_threads : int, optional
        Threads of the counting.

    Returns
    -------
    DataFrame
        One row a pair, the smallest p-value first: label_a, label_b (a before b in column order),
        count (rows with both), expected (under independence), odds_ratio, ci_low, ci_high, npmi
        (normalised pointwise mutual information in [-1, 1]), p_value, q_value
        (Benjamini-Hochberg), direction. ``direction`` is "a -> b" where a pair with
        ``q_value <= alpha`` and an odds ratio above 1 has ``P(b | a) >= subsumption > P(a | b)``:
        a is the narrower label; "a <-> b" where both reach it; "none" otherwise. Odds ratio and
        NPMI are smoothed by pseudo-counts proportional to the expected cells. ``attrs`` holds
        n_rows, n_labels, n_tests, n_significant, alpha, min_expected and family.

    Raises
    ------
    ValueError
        When a parameter is out of its range, Y is empty, the model lacks a label, or more than 20
        million pairs would be listed.
    NotFittedError
        When the model is not fitted.

    Notes
    -----
    Costs the co-occurrence counts of the labels in the family and some sqrt(expected) operations
    a pair; memory grows with listed pairs. With a model, pairs with a small q-value cost one
    product a training row, at most 10^9 in all.

    The test within a concept takes the concept to be off or on and its labels to be independent
    then; EM infers which from the siblings. One direct tie disturbs its siblings' tests a little.

    Sources: Benjamini and Hochberg (1995); Bouma (2009) for NPMI; Sanderson and Croft (1999) for
    subsumption; Hagenaars (1988) for ties within a class.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import label_dependencies
    >>> draws = np.random.default_rng(0)
    >>> a, b, c = draws.random((3, 400)) < 0.3
    >>> Y = np.column_stack([a, a & (draws.random(400) < 0.5), c]).astype(int)
    >>> found = label_dependencies(Y, label_names=["animal", "cat", "car"])
    >>> found[found.q_value <= 0.05][["label_a", "label_b", "direction"]].values.tolist()
    [['animal', 'cat', 'b -> a']]
    """
    check_choice("family", family, ("margins", "all"))
    check_choice("method", method, ("auto", "fisher", "g"))
    if not 0 < check_tolerance("alpha", alpha) < 1:
        raise ValueError(f"alpha must be above 0 and below 1; got {alpha}")
    if check_tolerance("min_expected", min_expected) == 0:
        raise ValueError(f"min_expected must be above 0; got {min_expected}")
    if not 0.5 < check_tolerance("subsumption", subsumption) <= 1:
        raise ValueError(f"subsumption must be above 0.5 and at most 1; got {subsumption}")
    check_count("n_adjusted", n_adjusted)
    matrix, space = encode_labels(Y, label_names)
    held = None if covariates is None else _read_covariates(covariates, matrix.shape[0])
    threads = resolve_threads(n_threads)
    names = list(space.names)
    pairs = _list_pairs(matrix, float(min_expected), family, threads)
    first, second, n = pairs.margins[pairs.a], pairs.margins[pairs.b], pairs.n_rows
    p = _p_values(pairs.count, first, second, n, method)
    n_tests = pairs.total if family == "margins" else len(names) * (len(names) - 1) // 2
    q = _q_values(p, n_tests, alpha)
    ratio, low, high = odds_ratio(pairs.count, first, second, n, alpha)
    npmi = shrunk_npmi(pairs.count, first, second, n)
    tied = (q <= alpha) & (ratio > 1)
    labels = np.asarray(names, dtype=object)
    columns: dict[str, Any] = {
        "label_a": labels[pairs.a],
        "label_b": labels[pairs.b],
        "count": pairs.count,
        "expected": pairs.expected,
        "odds_ratio": ratio,
        "ci_low": low,
        "ci_high": high,
        "npmi": npmi,
        "p_value": p,
        "q_value": q,
        "direction": _direction(pairs.count / first, pairs.count / second, tied, subsumption),
    }
    if model is not None:
        forward, backward = np.full(len(p), np.nan), np.full(len(p), np.nan)
        small = q <= alpha
        implied = implied_conditionals(model, names, pairs.a[small], pairs.b[small])
        forward[small], backward[small] = implied
        columns["model_b_given_a"], columns["model_a_given_b"] = forward, backward
        columns["model_direction"] = _direction(forward, backward, tied, subsumption)
        mapped = encoder_map(model, names, pairs.a, pairs.b)
        if mapped is not None:
            columns["encoder_b_given_a"], columns["encoder_a_given_b"] = mapped
            words = np.where(mapped[0] > mapped[1], "a -> b", "b -> a")
            equal = ~tied | (mapped[0] == mapped[1])
            columns["encoder_direction"] = np.where(equal, "none", words).astype(object)
    if hierarchy is not None:
        columns |= _ties(matrix, hierarchy, names, pairs, q, alpha)
    order = np.lexsort((pairs.b, pairs.a, -np.abs(npmi), p))
    frame = pd.DataFrame(columns).iloc[order].reset_index(drop=True)
    if held is not None:
        first_rows = order[:n_adjusted]
        found = adjusted_odds(matrix, held, pairs.a[first_rows], pairs.b[first_rows], alpha)
        told = np.isfinite(found[3])
        adjusted = np.full((5, len(frame)), np.nan)
        adjusted[:4, : len(first_rows)] = found
        adjusted[4, : len(first_rows)][told] = _q_values(found[3][told], n_tests, alpha)
        for name, values in zip(_ADJUSTED, adjusted, strict=True):
            frame[f"adjusted_{name}"] = values
    frame.attrs.update(
        n_rows=n,
        n_labels=len(names),
        n_tests=n_tests,
        n_significant=int((q <= alpha).sum()),
        alpha=float(alpha),
        min_expected=float(min_expected),
        family=family,
    )
    return frame


def dependencies_graph(frame: pd.DataFrame, *, alpha: float | None = None) -> nx.DiGraph[str]:
    """Make a graph of the pairs that `label_dependencies` found.

    Parameters
    ----------
    frame : DataFrame
        From `label_dependencies`.
    alpha : float, optional
        Largest q-value of an edge; the frame's own alpha (0.05 if it was lost) by default.

    Returns
    -------
    networkx.DiGraph
        Nodes are labels of at least one edge. "a -> b" gives the edge from a to b; a pair of
        another direction an edge each way. Edge attributes: sign (1 or -1: together more or less
        often than expected), direction, count, expected, odds_ratio, npmi, q_value.

    Raises
    ------
    ValueError
        When the frame lacks columns.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.dependencies import dependencies_graph, label_dependencies
    >>> Y = np.repeat([[1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], 30, axis=0)
    >>> graph = dependencies_graph(label_dependencies(Y, label_names=["cat", "pet", "car"]))
    >>> graph.has_edge("cat", "pet"), graph.has_edge("pet", "cat")
    (True, False)
    """
    numbers = ("count", "expected", "odds_ratio", "npmi", "q_value")
    missing = {"label_a", "label_b", "direction", *numbers}.difference(frame.columns)
    if missing:
        raise ValueError(
            f"frame must come from label_dependencies; it lacks {', '.join(sorted(missing))}"
        )
    level = float(frame.attrs.get("alpha", 0.05)) if alpha is None else alpha
    graph: nx.DiGraph[str] = nx.DiGraph()
    for row in frame[frame["q_value"] <= level].to_dict("records"):
        about = {name: float(row[name]) for name in numbers}
        about["sign"] = 1 if row["count"] >= row["expected"] else -1
        if row["direction"] != "b -> a":
            graph.add_edge(row["label_a"], row["label_b"], direction=row["direction"], **about)
        if row["direction"] != "a -> b":
            graph.add_edge(row["label_b"], row["label_a"], direction=row["direction"], **about)
    return graph


def _read_covariates(covariates: Any, n_rows: int) -> Floats:
    dense = covariates.toarray() if hasattr(covariates, "toarray") else covariates
    values = np.asarray(dense, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[0] != n_rows:
        raise ValueError(f"Y has {n_rows} rows, covariates has {values.shape[0]}")
    if not np.isfinite(values).all():
        raise ValueError("covariates must be finite")
    return values


def _ties(
    Y: sp.csr_matrix, hierarchy: Any, names: list[str], pairs: LabelPairs, q: Floats, alpha: float
) -> dict[str, Any]:
    if not (hasattr(hierarchy, "tree") and hasattr(hierarchy, "root")):
        raise TypeError(f"hierarchy must be a LabelHierarchy; got {type(hierarchy).__name__}")
    found = local_dependence(Y, hierarchy, names, pairs.a, pairs.b)
    tested = np.isfinite(found.p_value)
    within = np.full(len(q), np.nan)
    within[tested] = _q_values(found.p_value[tested], int(tested.sum()), alpha)
    tie = np.full(len(q), "none", dtype=object)
    tie[q <= alpha] = "unknown"
    tie[(q <= alpha) & tested] = "concept"
    tie[(q <= alpha) & (within <= alpha)] = "direct"
    return {
        "concept": np.array(found.concept, dtype=object),
        "within_odds_ratio": found.odds_ratio,
        "within_p_value": found.p_value,
        "within_q_value": within,
        "tie": tie,
    }


def _list_pairs(
    matrix: sp.csr_matrix, min_expected: float, family: str, n_threads: int
) -> LabelPairs:
    margins = count_labels(matrix)
    rule = Margins(margins, matrix.shape[0], min_expected)
    _check_total(rule.total)
    powered = powered_pairs(matrix, min_expected, n_threads)
    if family == "margins":
        return powered
    counts = cooccurrence(matrix, n_threads)
    upper = sp.triu(counts, 1).tocoo()
    constant = (margins == 0) | (margins == matrix.shape[0])
    testable = ~(constant[upper.row] | constant[upper.col])
    L = matrix.shape[1]
    numbers = np.union1d(
        powered.a * L + powered.b,
        upper.row[testable].astype(np.int64) * L + upper.col[testable],
    )
    a, b = numbers // L, numbers % L
    _check_total(len(a))
    return LabelPairs(matrix.shape[0], margins, a, b, lookup(counts, a, b), len(a))


def _check_total(total: int) -> None:
    if total > _MOST_PAIRS:
        raise ValueError(
            f"at most {_MOST_PAIRS:,} pairs can be listed; this family has {total:,}: "
            "raise min_expected, or take family='margins'"
        )


def _p_values(count: Integers, a: Integers, b: Integers, n: int, method: str) -> Floats:
    least = np.min(expected_cells(a, b, n), axis=0)
    exact = {"fisher": np.inf, "g": -np.inf, "auto": _FEW}[method] > least
    p = np.empty(len(count))
    p[exact] = fisher(count[exact], a[exact], b[exact], n)
    p[~exact] = g_test(count[~exact], a[~exact], b[~exact], n)
    return p


def _q_values(p: Floats, n_tests: int, alpha: float) -> Floats:
    """Adjust p-values by Benjamini and Hochberg, tests that are not listed having p = 1."""
    if not len(p):
        return p
    listed = np.asarray(multipletests(p, alpha, method="fdr_bh")[1], np.float64)
    return np.minimum(listed * (n_tests / len(p)), 1.0)


def _direction(
    forward: Floats, backward: Floats, tied: npt.NDArray[np.bool_], least: float
) -> npt.NDArray[Any]:
    to_b, to_a = tied & (forward >= least), tied & (backward >= least)
    words = np.full(len(forward), "none", dtype=object)
    words[to_b & ~to_a] = "a -> b"
    words[to_a & ~to_b] = "b -> a"
    words[to_a & to_b] = "a <-> b"
    return words
