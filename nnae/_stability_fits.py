"""The fits of a stability analysis: run in processes, kept on disk, taken up again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from joblib import Parallel, delayed

from nnae._progress import progress_bar
from nnae._threads import one_blas_thread
from nnae.hierarchy import LabelHierarchy
from nnae.io import atomic_write

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_FORMAT = 1


@dataclass(frozen=True)
class Fit:
    """What is kept of one fit.

    Attributes
    ----------
    clusters : list of ndarray, (L,)
        Of each level.
    concepts : list of ndarray, (k_l, L)
        Rows of length one.
    edges : ndarray, (e, 3)
        Level of the parent, index of parent and child.
    document : str
        The hierarchy as JSON.
    """

    clusters: list[Integers]
    concepts: list[Floats]
    edges: Integers
    document: str

    @classmethod
    def of(cls, hierarchy: LabelHierarchy, weights: list[Any]) -> Fit:
        """Take it from a hierarchy and its layers."""
        concepts: list[Floats] = []
        below: Any = np.eye(0)
        with one_blas_thread():
            for number, layer in enumerate(weights):
                own = np.asarray(layer, np.float64)
                below = own if number == 0 else own @ below
                length = np.sqrt((below**2).sum(axis=1, keepdims=True))
                concepts.append(below / np.where(length > 0, length, 1.0))
        about = hierarchy.graph.nodes
        edges = sorted(
            (about[p]["level"], about[p]["index"], about[q]["index"])
            for p, q in hierarchy.graph.edges
            if p != hierarchy.root and about[p]["level"] == about[q]["level"] + 1
        )
        clusters = [hierarchy.clusters(level) for level in range(1, len(weights) + 1)]
        rows = np.array(edges, np.int64).reshape(-1, 3)
        return cls(clusters, concepts, rows, hierarchy.to_json())

    def write(self, path: Path) -> None:
        """Keep it in a file."""
        parts: dict[str, Any] = {"edges": self.edges}
        for level, (clusters, concepts) in enumerate(
            zip(self.clusters, self.concepts, strict=True)
        ):
            parts[f"clusters_{level}"], parts[f"concepts_{level}"] = clusters, concepts
        parts["document"] = np.frombuffer(self.document.encode(), np.uint8)
        with atomic_write(path) as file:
            np.savez_compressed(file, allow_pickle=False, **parts)

    @classmethod
    def read(cls, path: Path) -> Fit:
        """Read what `write` wrote."""
        with np.load(path, allow_pickle=False) as parts:
            depth = sum(name.startswith("clusters_") for name in parts.files)
            return cls(
                [parts[f"clusters_{level}"] for level in range(depth)],
                [parts[f"concepts_{level}"] for level in range(depth)],
                parts["edges"],
                parts["document"].tobytes().decode(),
            )


class Shelf:
    """A folder with the plan of an analysis and the fits that are done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, number: int) -> Path:
        """Return the file of a fit."""
        return self.folder / f"fit_{number:04d}.npz"

    def agree(self, digest: str, n_fits: int, entropy: int) -> int:
        """Write the plan, or check that it is the same; return the seed that it goes by."""
        place = self.folder / "plan.json"
        plan = {"format": _FORMAT, "data": digest, "n_fits": n_fits, "seed": str(entropy)}
        if not place.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(place) as file:
                file.write(json.dumps(plan).encode())
            return entropy
        known = json.loads(place.read_text("utf-8"))
        for part, what in (("format", "version"), ("data", "labels or features"),
                           ("n_fits", "numbers of fits")):  # fmt: skip
            if known.get(part) != plan[part]:
                raise ValueError(
                    f"checkpoint {self.folder} must be of the same analysis; it has other {what}"
                )
        return int(known["seed"])


def digest_of(Y: sp.csr_matrix, X: Any, names: list[str], n_seeds: int) -> str:
    """Return a fingerprint of the data."""
    found = hashlib.sha256(json.dumps([names, list(Y.shape), n_seeds]).encode())
    for part in (Y.indptr, Y.indices):
        found.update(np.ascontiguousarray(part, np.int64).tobytes())
    found.update(np.ascontiguousarray(Y.data, np.float64).tobytes())
    if X is not None:
        found.update(json.dumps(list(np.shape(X))).encode())
        for dense in (X.data, X.indices, X.indptr) if hasattr(X, "indptr") else (X,):
            found.update(np.ascontiguousarray(dense).tobytes())
    return found.hexdigest()


def fit_all(
    make_model: Callable[[int], Any],
    plan: list[tuple[int, Integers | None]],
    Y: sp.csr_matrix,
    X: Any,
    names: list[str],
    *,
    n_jobs: int,
    shelf: Shelf | None,
    verbose: int,
) -> list[Fit]:
    """Run the fits that are not on the shelf; a plan is a seed and rows for each.

    Workers are fresh processes (loky), never forks of a process that has run OpenMP threads. Each
    puts its fit on the shelf by itself, so that an interruption loses no finished one.
    """
    fits: dict[int, Fit] = {}
    if shelf is not None:
        done = [number for number in range(len(plan)) if shelf.path(number).exists()]
        fits = {number: Fit.read(shelf.path(number)) for number in done}
    todo = [number for number in range(len(plan)) if number not in fits]
    with progress_bar(len(plan), len(fits), verbose) as advance, Parallel(n_jobs=n_jobs) as pool:
        width = max(1, int(pool._effective_n_jobs()))
        for start in range(0, len(todo), width):
            some = todo[start : start + width]
            found = pool(
                delayed(_fit)(make_model, *plan[number], Y, X, names, _place(shelf, number))
                for number in some
            )
            fits.update(zip(some, found, strict=True))
            advance(len(some))
    return [fits[number] for number in range(len(plan))]


def _place(shelf: Shelf | None, number: int) -> Path | None:
    return None if shelf is None else shelf.path(number)


def _fit(
    make_model: Callable[[int], Any],
    seed: int,
    rows: Integers | None,
    Y: sp.csr_matrix,
    X: Any,
    names: list[str],
    path: Path | None,
) -> Fit:
    model = make_model(seed)
    if not hasattr(model, "fit"):
        raise TypeError(f"make_model must return a model with fit(); got {type(model).__name__}")
    labels = Y if rows is None else sp.csr_matrix(Y[rows])
    if X is None:
        model.fit(labels)
    else:
        model.fit(labels, X=X if rows is None else X[rows])
    hierarchy = LabelHierarchy.from_compressor(model, label_names=names, Y=labels)
    fit = Fit.of(hierarchy, list(getattr(model, "weights_", None) or [model.components_]))
    if path is not None:
        fit.write(path)
    return fit
