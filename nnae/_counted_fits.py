"""Fits of NNAE that see counts of labels instead of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnae._block_fits import fit_autoencoder
from nnae._block_sums import RowSums
from nnae._checkpoint import checkpointing, identity_of
from nnae._encoders import ENCODERS, Linear
from nnae._feature_fit import NO_FEATURES
from nnae._feature_weight import check_feature_weight
from nnae._labels import LabelSpace
from nnae._linear_codes import linear_codes
from nnae._linear_encoder import Counts
from nnae._plan import best_fit, check_encoder, loss_of
from nnae._streamed_fit import check_streams, count_blocks, fit_counts
from nnae.io._row_blocks import RowBlocks

if TYPE_CHECKING:
    from typing_extensions import Self


class CountedFits:
    """What NNAE does with counts of labels that occur together, and with rows in blocks."""

    encoder: str
    feature_weight: Any
    n_init: int
    checkpoint: Any
    weights_: list[Any]
    counts_: Any
    layer_sizes_: tuple[int, ...]

    if TYPE_CHECKING:  # of NNAE itself

        def fit(self, Y: Any) -> Self: ...

        def _problem(self, matrix: Any, weights: Any, loss: str) -> Any: ...

        def _keep(self, fitted: Any, problem: Any, space: LabelSpace) -> None: ...

        def _labels(self) -> LabelSpace: ...

    def _fit_blocks(self, blocks: RowBlocks) -> Self:
        check_streams(self)
        with checkpointing(self.checkpoint, lambda: identity_of(self, blocks.identity)):
            if ENCODERS[self.encoder].linear:
                return self.take_counts(*count_blocks(self, blocks))
            fitted, problem, first = fit_autoencoder(self, blocks)
        for name in (*NO_FEATURES, "init_losses_", "propensities_"):
            setattr(self, name, getattr(first, name))
        self._keep(fitted, problem, first._labels())
        return self

    def take_counts(self, sums: RowSums, space: LabelSpace) -> Self:
        """Become fitted on counts of labels alone."""
        fitted, problem, errors = fit_counts(self, sums)
        for name, value in NO_FEATURES.items():
            setattr(self, name, value)
        self.propensities_: Any = None
        self.init_losses_: Any = np.array(errors)
        self._keep(fitted, problem, space)
        return self

    def partial_fit(self, Y: Any, y: Any = None) -> Self:
        """Add rows to the co-occurrence counts and fit again on all counts so far.

        Only for ``encoder="linear"`` or "tied", where the cost does not depend on rows seen before.
        ``codes_`` are those of the rows given last; use :meth:`transform` for others.

        Parameters
        ----------
        Y : matrix, array, DataFrame or list of label sets
            New examples with the labels of the first call.
        """
        check_encoder(self)
        encoder = ENCODERS[self.encoder]
        if not isinstance(encoder, Linear):
            raise ValueError(f"partial_fit needs encoder='linear' or 'tied'; got {self.encoder!r}")
        if check_feature_weight(self.feature_weight) != 0:
            raise ValueError(f"partial_fit needs feature_weight=0; got {self.feature_weight!r}")
        if not hasattr(self, "weights_"):
            return self.fit(Y)
        if getattr(self, "counts_", None) is None:
            raise ValueError("partial_fit needs counts of the rows so far: cooccurrence='explicit'")
        matrix = self._labels().encode(Y, self.weights_[0].dtype)
        problem = self._problem(matrix, None, loss_of(self, matrix))
        problem.sizes = self.layer_sizes_
        n_threads = problem.schedule.n_threads
        counts = Counts(self.counts_, n_threads).plus(Counts.of_labels(matrix, n_threads))
        fitted, errors = best_fit(lambda own: encoder.fit_counts(counts, own), problem, self.n_init)
        self.init_losses_ = np.array(errors)
        fitted.codes = linear_codes(matrix, fitted.encoder_weights or [], n_threads)
        self._keep(fitted, problem, self._labels())
        return self
