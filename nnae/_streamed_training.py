"""Two steps over blocks of rows: one pass counts, one regresses codes on features."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from nnae._block_ridge import BlockRidge
from nnae._block_sums import (
    CodeSums,
    MeasureRows,
    RowSums,
    add_up,
    column_sums,
    transposed_product,
)
from nnae._codes import Array, CodeScale, concepts_of, encode, is_feature_aware
from nnae._decisions import Ranked
from nnae._moment_ridge import MomentRidge, Penalty
from nnae._step_two import predict_codes
from nnae._streamed_fit import space_of
from nnae._threads import resolve_threads
from nnae._training import FEWEST_ROWS, MOST_SCORES, PENALTY_SHARE, WIDER
from nnae.decoders import Evidence, LinearDecoder, Query
from nnae.decoders._base import FEWEST_RANKED, most_ranked
from nnae.io._row_blocks import Block
from nnae.ridge import MultiOutputRidge


@dataclass
class Streamed:
    """What a fit over blocks found."""

    estimator: Any
    decoder: LinearDecoder
    ranked: Ranked


@dataclass(frozen=True)
class MeasureCodes:
    """Multiplies features of a block with the scaled codes of its labels, and keeps every so many.

    ``stride`` is how many rows apart those are that are kept.
    """

    compressor: Any
    scale: CodeScale
    stride: int
    n_threads: int
    result = CodeSums

    def targets(self, block: Any) -> Array:
        """Return the scaled codes of a block's labels (n x m)."""
        if hasattr(self.compressor, "n_threads"):
            self.compressor.n_threads = self.n_threads  # a copy of our own; workers have theirs
        X = block.X if is_feature_aware(self.compressor) else None
        return self.scale.join(encode(self.compressor, block.Y, X), np.float64)

    def kept(self, block: Any) -> tuple[Any, Any]:
        """Return the rows of a block that are kept, as copies: a view would hold the block."""
        return block.X[:: self.stride].copy(), block.Y[:: self.stride].copy()

    def __call__(self, block: Any) -> CodeSums:
        """Return the sums over one block."""
        T = self.targets(block)
        return CodeSums(
            cross=transposed_product(block.X, T, self.n_threads),
            sums=column_sums(T, self.n_threads),
            squares=transposed_product(T, T, self.n_threads),
            some=[self.kept(block)],
        )


def check_decoder(name: str) -> None:
    """Refuse decoders that look at single training rows again."""
    if name not in ("auto", "linear"):
        raise ValueError(
            f"a fit over blocks takes decoder='linear' (or 'auto'); got {name!r}, which holds the "
            "training rows; fit it on a sample of rows instead"
        )


def check_estimator(estimator: Any) -> None:
    """Refuse second steps that need all rows at once."""
    if not _is_built_in(estimator) and not hasattr(estimator, "partial_fit"):
        raise ValueError(
            "a fit over blocks takes the built-in ridge (None, or MultiOutputRidge), or an "
            f"estimator with partial_fit for several outputs; got {type(estimator).__name__}"
        )


def count_rows(blocks: Any, n_threads: int | None) -> tuple[RowSums, Any]:
    """Return the sums over all rows that need no model, and the labels' names."""
    sums = add_up(blocks, MeasureRows(resolve_threads(n_threads), True), "counting rows")
    return sums, space_of(blocks, sums)


def train(model: Any, compressor: Any, blocks: Any, sums: RowSums, seed: int) -> Streamed:
    """Learn codes from features in one more pass over the blocks."""
    n_threads, dtype = resolve_threads(model.n_threads), np.dtype(sums.x_dtype)
    concepts = concepts_of(compressor)
    scale = CodeScale.of(concepts, model.loss_name_)
    n, n_labels = sums.n_rows, len(sums.positives)
    k = min(most_ranked(n, n_labels), max(FEWEST_RANKED, WIDER * sums.widest))
    wanted = max(FEWEST_ROWS, MOST_SCORES // (4 * k))
    measure = MeasureCodes(light(compressor), scale, max(1, -(-n // wanted)), n_threads)
    if _is_built_in(model.estimator):
        found = add_up(blocks, measure, "regressing codes")
        ridge = _ridge(blocks, sums, measure, found.some)
        right = ridge.right(found.cross, found.sums)
        given = "gcv" if model.estimator is None else model.estimator.alpha
        if isinstance(given, str):
            penalty = ridge.penalty(right, found.sums, found.squares, seed)
            alpha = penalty.alpha * (PENALTY_SHARE if model.estimator is None else 1)
        else:
            alpha = float(given)
            penalty = Penalty(alpha, np.array([alpha]), np.array([np.nan]))
        codes = ridge.solve(right, found.sums, alpha, dtype)
        estimator: Any = MultiOutputRidge(alpha, n_threads=model.n_threads)
        estimator.take_solution(codes.coef, codes.intercept, penalty.alphas, penalty.curve)
        some = found.some
    else:
        estimator, some = clone(model.estimator), []
        for block in blocks:
            estimator.partial_fit(block.X, measure.targets(block).astype(dtype))
            some.append(measure.kept(block))
    decoder = LinearDecoder.fit(
        Evidence(None, None, compressor, concepts, scale, lambda: np.empty(0), dtype, n_threads)
    )
    X, Y = _stacked([rows[0] for rows in some]), sp.csr_matrix(sp.vstack([y for _, y in some]))
    query = Query(X, predict_codes(estimator, X, len(scale.norms)))
    ranking = decoder.topk(query, k, 1, n_threads)
    return Streamed(estimator, decoder, Ranked(Y, *ranking, held_out=False))


def _is_built_in(estimator: Any) -> bool:
    """Tell whether step two is the ridge that is solved from sums over the rows."""
    return estimator is None or (
        type(estimator) is MultiOutputRidge and not estimator.keep_products
    )


def _ridge(blocks: Any, sums: RowSums, measure: MeasureCodes, some: list[Any]) -> MomentRidge:
    """Return the ridge of all rows: from products of features, or by passes where they are many."""
    assert sums.sums is not None
    if sums.gram is not None:
        return MomentRidge(sums.gram, sums.sums, sums.n_rows, measure.n_threads)
    ridge = BlockRidge(blocks, sums, measure.n_threads)
    X, Y = _stacked([rows[0] for rows in some]), sp.csr_matrix(sp.vstack([y for _, y in some]))
    ridge.start_from(Block(X, Y), measure.targets)
    return ridge


def light(compressor: Any) -> Any:
    """Return a compressor without what only its training rows need, to be sent to workers."""
    compressor = copy.copy(compressor)
    for name in ("codes_", "counts_", "callback"):
        if getattr(compressor, name, None) is not None:
            setattr(compressor, name, None)
    return compressor


def _stacked(parts: list[Any]) -> Any:
    if hasattr(parts[0], "indptr"):
        return sp.csr_matrix(sp.vstack(parts, format="csr"))
    return np.ascontiguousarray(np.vstack(parts))
