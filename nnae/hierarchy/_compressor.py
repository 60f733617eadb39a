"""What a fitted compressor knows, and how often its edges recur over bootstraps of the rows."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment

from nnae._labels import LabelSpace
from nnae._threads import one_blas_thread
from nnae.hierarchy._clades import clade_layers, level_heights
from nnae.hierarchy._contributions import Floats, Level, build_levels
from nnae.hierarchy._saturation import measure_codes
from nnae.hierarchy._tree import graph_edges, tree_parents


@dataclass(frozen=True)
class Layers:
    """Weights and masses of all levels, and what else a compressor holds.

    ``codes`` are those of level 1, where the layers are the model's own; ``linkage`` and ``counts``
    (of labels) are there where the layers are cut from a tree of resemblance.
    """

    weights: list[Floats]
    masses: list[Floats]
    names: list[str] | None
    codes: Any = None
    linkage: Floats | None = None
    counts: Floats | None = None
    evidence: dict[str, dict[str, float]] = field(default_factory=dict)


def read_layers(model: Any, mass: str, basis: str = "weights") -> Layers:
    """Read `weights_` or `components_`, `codes_` and `label_names_` of a fitted compressor.

    With ``basis="resemblance"``, or "auto" for a model that has one, the layers are cut from the
    model's tree of labels that resemble each other.
    """
    if basis not in ("auto", "weights", "resemblance"):
        raise ValueError(f"basis must be 'auto', 'weights' or 'resemblance'; got {basis!r}")
    weights = getattr(model, "weights_", None)
    if weights is None:
        weights = getattr(model, "components_", None)
    codes = getattr(model, "codes_", None)
    if weights is not None and codes is None:
        raise ValueError(
            f"this {type(model).__name__} has no codes_, which its hierarchy is read from: it was "
            "saved with compact=True; build the hierarchy before saving"
        )
    if weights is None or codes is None:
        if hasattr(model, "fit"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(
                f"this {type(model).__name__} must be fitted before its hierarchy can be read"
            )
        raise TypeError(
            "model must be a compressor with weights_ (or components_) and codes_; "
            f"got {type(model).__name__}"
        )
    single = not isinstance(weights, (list, tuple))
    names = getattr(model, "label_names_", None)
    layers = [np.asarray(w, np.float64) for w in ([weights] if single else weights)]
    known = None if names is None else [str(name) for name in names]
    tree = getattr(model, "label_linkage_", None)
    if basis != "weights" and tree is not None:
        widths = [layer.shape[0] for layer in layers]
        return cut_layers(tree, widths, model.label_counts_, known, model.label_evidence_)
    if basis == "resemblance":
        raise ValueError(
            "basis='resemblance' needs a feature-aware model (feature_weight='auto' or a number) "
            "of at most 5,000 labels; LabelHierarchy.from_labels makes such a tree of any labels"
        )
    if hasattr(codes, "masses"):  # too many to be held, of a linear encoder
        return Layers(layers, codes.masses(), known, codes=codes)
    levels = [np.asarray(z, np.float64) for z in ([codes] if single else codes)]
    levels = measure_codes(levels, layers[0], mass, getattr(model, "loss_name_", None))
    masses = [np.asarray(level.sum(axis=0), dtype=np.float64) for level in levels]
    return Layers(layers, masses, known, codes=levels[0])


def cut_layers(
    linkage: Floats,
    widths: Sequence[int],
    counts: Floats,
    names: list[str] | None,
    evidence: dict[str, dict[str, float]],
) -> Layers:
    """Cut a tree of resemblance into layers."""
    mass = np.asarray(counts, np.float64)
    weights, masses = clade_layers(linkage, widths, mass)
    kept = [layer.shape[0] for layer in weights]
    matrix = level_heights(linkage, kept, mass)
    return Layers(weights, masses, names, linkage=matrix, counts=mass, evidence=evidence)


def encode(Y: Any, names: list[str] | None, n_labels: int) -> sp.csr_matrix:
    """Return the labels as CSR with the model's columns."""
    space = LabelSpace.of(Y) if names is None else LabelSpace(tuple(names))
    matrix = space.encode(Y)
    if matrix.shape[1] != n_labels:
        raise ValueError(f"Y has {matrix.shape[1]} labels, the model has {n_labels}")
    return matrix


def mean_codes(Y: sp.csr_matrix, codes: Any) -> tuple[Floats, Floats]:
    """Return the mean code of each label's examples (L x k_1) and their number (L)."""
    if not isinstance(codes, np.ndarray):
        codes = codes[0]
    if Y.shape[0] != codes.shape[0]:
        raise ValueError(f"Y has {Y.shape[0]} rows, the model's codes have {codes.shape[0]}")
    total = np.asarray(Y.sum(axis=0)).ravel()
    means = np.asarray(Y.T @ codes) / np.where(total > 0, total, 1.0)[:, None]
    return means, np.asarray((Y > 0).sum(axis=0), dtype=np.float64).ravel()


def bootstrap_frequencies(
    model: Any,
    Y: sp.csr_matrix,
    X: Any,
    *,
    repeats: int,
    min_share: float,
    max_entropy: float,
    min_mass: float,
    random_state: int | None,
    mass: str,
    basis: str,
) -> list[Floats]:
    """Refit the model on bootstraps of the rows and count in how many each edge recurs.

    Concepts of a refit are matched to those of the model level by level, one to one, by the
    cosine of their descriptions (Hungarian method). An edge recurs when the refit has it in its
    graph or in its tree.

    Returns
    -------
    list of ndarray, (k_l, k_{l-1})
        Shares of the bootstraps, rows and columns as in the model's weights.
    """
    layers = read_layers(model, mass, basis)
    levels, _ = build_levels(layers.weights, layers.masses, min_mass)
    counts = [np.zeros(weights.shape) for weights in layers.weights]
    draws = np.random.default_rng(random_state)
    for _ in range(repeats):
        rows = draws.integers(Y.shape[0], size=Y.shape[0])
        other = _clone(model, int(draws.integers(2**31 - 1)))
        if X is None:
            other.fit(Y[rows])
        else:
            other.fit(Y[rows], X=X.iloc[rows] if hasattr(X, "iloc") else X[rows])
        refit = read_layers(other, mass, basis)
        if len(refit.weights) != len(layers.weights):
            raise ValueError(
                f"a refit on a bootstrap has {len(refit.weights)} levels, "
                f"the model has {len(layers.weights)}; fix layer_sizes"
            )
        found, _ = build_levels(refit.weights, refit.masses, min_mass)
        _count(counts, levels, found, min_share, max_entropy)
    return [count / repeats for count in counts]


def _clone(model: Any, seed: int) -> Any:
    parameters = copy.deepcopy(model.get_params(deep=False))
    if "random_state" in parameters:
        parameters["random_state"] = seed
    return type(model)(**parameters)


def _count(
    counts: list[Floats],
    levels: list[Level],
    found: list[Level],
    min_share: float,
    max_entropy: float,
) -> None:
    n_labels = levels[0].weights.shape[1]
    below = (np.arange(n_labels), np.arange(n_labels))
    rows_below = np.arange(n_labels)
    for count, level, other in zip(counts, levels, found, strict=True):
        edges, _ = graph_edges(other, min_share)
        parents = tree_parents(other, max_entropy)
        children = np.flatnonzero(parents >= 0)
        edges[parents[children], children] = True
        matched = match_concepts(level.description, other.description)
        recurs = edges[np.ix_(matched[1], below[1])].astype(np.float64)
        count[np.ix_(level.rows[matched[0]], rows_below[below[0]])] += recurs
        below, rows_below = matched, level.rows


def match_concepts(first: Floats, second: Floats) -> tuple[Any, Any]:
    """Match rows of two sets one to one so that the sum of their cosines is largest."""
    with one_blas_thread():
        cosine = _unit(first) @ _unit(second).T
    return linear_sum_assignment(cosine, maximize=True)


def _unit(rows: Floats) -> Floats:
    norms = np.sqrt((rows**2).sum(axis=1))
    return np.asarray(rows / np.where(norms > 0, norms, 1.0)[:, None])
