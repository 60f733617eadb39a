"""Fits of compressors over blocks of rows: the rows are counted, then only counts are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae._block_sums import MeasureRows, RowSums, add_up
from nnae._encoders import ENCODERS, Linear
from nnae._feature_weight import check_feature_weight
from nnae._labels import LabelSpace
from nnae._linear_encoder import Counts
from nnae._plan import best_fit, check_encoder, loss_of
from nnae._problem import Fitted, Problem
from nnae._threads import resolve_threads

#: As many rows as widths are checked against: beyond these no number of rows changes them.
_ROWS = 1000


def count_blocks(model: Any, blocks: Any) -> tuple[RowSums, LabelSpace]:
    """Count the labels of all rows, after a look at whether the model can learn from counts."""
    check_streams(model)
    sums = add_up(blocks, MeasureRows(resolve_threads(model.n_threads), False), "counting labels")
    return sums, space_of(blocks, sums)


def check_streams(model: Any) -> None:
    """Refuse compressors that need all rows at once, with advice."""
    advice = "; fit it on a sample of rows, then pass it with prefit=True"
    if type(model).__name__ == "NMF":  # which cannot be imported here
        return
    encoder = getattr(model, "encoder", None)
    if encoder not in ENCODERS or not (ENCODERS[encoder].linear or encoder == "nnls"):
        raise ValueError(
            "a fit over blocks needs NMF, or NNAE with encoder='linear', 'tied' or 'nnls'; "
            f"got {type(model).__name__}"
            + (f"(encoder={encoder!r})" if encoder is not None else "")
            + advice
        )
    if check_feature_weight(model.feature_weight) != 0:
        raise ValueError(
            f"a fit over blocks needs feature_weight=0; got {model.feature_weight!r}; fit on a "
            "sample of rows instead"
        )
    check_encoder(model)
    if model.objective != "levels":
        raise ValueError(f"a fit over blocks needs objective='levels'; got {model.objective!r}")
    if model.sparseness is not None:
        raise ValueError("a fit over blocks needs sparseness=None" + advice)


def compress_blocks(model: Any, blocks: Any, sums: RowSums, space: LabelSpace) -> None:
    """Fit a compressor to counted blocks: by the counts where they are enough."""
    encoder = getattr(model, "encoder", None)
    if encoder is not None and ENCODERS[encoder].linear:
        model.take_counts(sums, space)
    else:
        model.fit(blocks)


def space_of(blocks: Any, sums: RowSums) -> LabelSpace:
    """Return the labels of counted blocks."""
    if blocks.label_names is not None:
        return LabelSpace(tuple(map(str, blocks.label_names)))
    return LabelSpace(tuple(str(j) for j in range(len(sums.positives))), named=False)


def fit_counts(model: Any, sums: RowSums) -> tuple[Fitted, Problem, list[list[float]]]:
    """Fit all levels on counts; return the errors of every start too.

    The codes that are kept are one row a level: their sums over all rows, from which hierarchies
    take the masses of concepts.
    """
    check_streams(model)
    dtype = sums.x_dtype or sums.dtype
    shape = (min(sums.n_rows, _ROWS), len(sums.positives))
    like: Any = sp.csr_matrix(shape, dtype=np.dtype(dtype))
    problem = model._problem(like, None, loss_of(model, like))
    encoder = ENCODERS[model.encoder]
    assert isinstance(encoder, Linear)
    counts = Counts(sp.csr_matrix(sums.pairs, dtype=dtype), problem.schedule.n_threads)
    fitted, errors = best_fit(lambda own: encoder.fit_counts(counts, own), problem, model.n_init)
    totals = sums.positives.astype(dtype)[None, :]
    for V in fitted.encoder_weights or []:
        totals = np.asarray(totals @ V)
        fitted.codes.append(totals)
    return fitted, problem, errors
