r"""Approximate nearest rows by cosine: of rows in cells, those of the nearest cells are compared.

Cells and lists are faiss's (the ``neighbors`` extra); which cells a query visits is decided by this
package's own exact search among the centroids, so that a row's result depends neither on the rows
beside it nor on the number of threads.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from nnae import _core
from nnae._validation import check_choice

Array = npt.NDArray[Any]

#: What ``neighbor_search`` may be.
SEARCHES = ("exact", "approximate", "auto")
#: Rows from which "auto" searches approximately.
MANY_ROWS = 200_000
#: Cells per root of the number of rows; rows of each that k-means learns from, and its rounds.
CELLS = 4.0
ROWS_A_CELL = 40
ROUNDS = 8
#: Share of true nearest rows that must be found, on training rows, and how many cells are tried.
RECALL = 0.95
FEWEST_PROBES = 8
#: Rows that are put in lists at a time.
BLOCK = 1 << 16


def searches_cells(search: str, n_rows: int) -> bool:
    """Tell whether so many rows are searched approximately."""
    check_choice("neighbor_search", search, SEARCHES)
    return search == "approximate" or (search == "auto" and n_rows >= MANY_ROWS)


@dataclass
class SearchCells:
    r"""Cells of rows of norm one (or zero), and how many of them a query visits.

    Attributes
    ----------
    centroids : ndarray of float32, shape (cells, k)
        :math:`4 \sqrt n` directions, by spherical k-means with a seed.
    n_probes : int
        Cells that a query visits: the fewest, doubled from 8, that find 95 % of the true nearest
        rows of a sample.
    recall : float
        The share that they found.

    Notes
    -----
    Costs 8 k-means rounds over at most 40 rows a cell; a query costs k (cells + n probes / cells).
    """

    centroids: Array
    n_probes: int = FEWEST_PROBES
    recall: float = 0.0

    @classmethod
    def of(cls, rows: Array, truth: tuple[Array, Array], seed: int, n_threads: int) -> SearchCells:
        """Learn cells; ``truth`` are places of sample rows and of their true nearest rows."""
        faiss = import_faiss()
        n, k = rows.shape
        count = int(np.clip(CELLS * np.sqrt(n), 1, max(1, n // 2)))
        chosen = np.random.RandomState(seed).permutation(n)[: ROWS_A_CELL * count]
        sample = np.ascontiguousarray(rows[np.sort(chosen)], np.float32)
        with threadpool_limits(1):  # a fresh look: faiss brings a BLAS of its own
            means = faiss.Kmeans(
                k, count, niter=ROUNDS, spherical=True, seed=seed % 2**31,
                min_points_per_centroid=1, max_points_per_centroid=ROWS_A_CELL,
            )  # fmt: skip
            means.train(sample)
        cells = cls(np.ascontiguousarray(means.centroids, np.float32))
        cells._widen(rows, truth, n_threads)
        return cells

    def _widen(self, rows: Array, truth: tuple[Array, Array], n_threads: int) -> None:
        """Visit more cells until enough of the true nearest rows are found."""
        places, near = truth
        queries = rows[places]
        while True:
            self.n_probes = min(self.n_probes, len(self.centroids))
            found, _ = self.nearest(rows, queries, near.shape[1], n_threads)
            same = [len(np.intersect1d(a, b)) for a, b in zip(found, near, strict=True)]
            self.recall = float(np.sum(same) / max(1, near.size))
            if self.recall >= RECALL or self.n_probes == len(self.centroids):
                return
            self.n_probes *= 2

    def _lists(self, rows: Array) -> Any:
        """Return faiss's lists of the rows, made once."""
        if "_index" not in vars(self):
            faiss = import_faiss()
            k = rows.shape[1]
            quantizer = faiss.IndexFlatIP(k)
            quantizer.add(self.centroids)
            cells = len(self.centroids)
            index = faiss.IndexIVFFlat(quantizer, k, cells, faiss.METRIC_INNER_PRODUCT, True)
            index.is_trained = True
            for start in range(0, len(rows), BLOCK):
                block = np.ascontiguousarray(rows[start : start + BLOCK], np.float32)
                homes, _ = _core.topk_scores(block, self.centroids, 1, 1)
                homes = np.ascontiguousarray(homes[:, 0])
                _preassigned().add_preassigned(index, block, homes)
            vars(self)["_index"] = index
        return vars(self)["_index"]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the index: copies make their own."""
        return {name: value for name, value in vars(self).items() if name != "_index"}

    def nearest(
        self, rows: Array, queries: Array, count: int, n_threads: int
    ) -> tuple[Array, Array]:
        """Return the rows of largest cosine that are found (-1: none left), and their cosines.

        ``rows`` are those that the cells were learnt from.
        """
        faiss = import_faiss()
        queries = np.ascontiguousarray(queries, np.float32)
        cells, cosines = _core.topk_scores(queries, self.centroids, self.n_probes, n_threads)
        index = self._lists(rows)
        index.nprobe = self.n_probes
        before = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(n_threads)
        try:
            found, near = _preassigned().search_preassigned(
                index, queries, count, np.ascontiguousarray(cells), np.ascontiguousarray(cosines)
            )
        finally:
            faiss.omp_set_num_threads(before)
        return near, np.where(near >= 0, found, 0).astype(rows.dtype)


def import_faiss() -> Any:
    """Return the module, or say which extra brings it."""
    try:
        with warnings.catch_warnings():  # of the generated binding, on newer Pythons
            warnings.simplefilter("ignore", DeprecationWarning)
            import faiss
    except ImportError:
        raise ImportError(
            "neighbor_search='approximate' needs faiss, which the neighbors extra brings: "
            "pip install 'nnae[neighbors]'; neighbor_search='exact' needs nothing"
        ) from None
    return faiss


def _preassigned() -> Any:
    from faiss.contrib import ivf_tools

    return ivf_tools
