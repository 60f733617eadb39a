"""What a fitted two-step classifier tells about rows: rankings, scores, label sets, losses."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from nnae._calibration import Calibration
from nnae._codes import Array, encode
from nnae._decisions import ranking_to_csr
from nnae._error_budget import budget_frame
from nnae._features import check_features
from nnae._label_sets import LabelSets
from nnae._labels import LabelSpace
from nnae._step_two import predict_codes
from nnae._streamed_scores import RankingScores, ScoreRankings, check_same_labels
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count
from nnae.decoders import Decoder, Query
from nnae.io._row_blocks import as_blocks
from nnae.metrics import precision_at_k

#: predict_proba and decision_function return dense arrays up to this many scores.
DENSE_LIMIT = 50_000_000
#: Labels a row that they return for larger outputs, where no number is given.
SPARSE_TOP_K = 100
#: Label sets are predicted in blocks of about this many scores.
BLOCK = 4_000_000


class TwoStepPredictions(BaseEstimator):  # type: ignore[misc]
    """The methods of :class:`nnae.TwoStepClassifier` that need it fitted."""

    n_threads: Any
    rank_by: str
    decoder_: Decoder
    label_sets_: LabelSets
    n_ranked_: int
    calibration_: Calibration | None
    propensities_: Array
    psp_exponent_: float

    def predict_topk(self, X: Any, k: int = 5, *, level: int = 1) -> Any:
        """Return the k best labels of each row and their scores, best first.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d), or row blocks
            For blocks the result is an iterator over pairs (indices, scores), one a block.
        k : int, default=5
            At least 1; may exceed the number of labels.
        level : int, default=1
            Level of abstraction: labels as seen through the codes of that level.

        Returns
        -------
        indices : ndarray of int64, shape (n, k)
            Positions in ``label_names_``; different in each row, -1 where no label is left.
        scores : ndarray of shape (n, k)
            Falling; rates, divided by a power of propensities with ``rank_by="psp"``; -inf where
            there is none.
        """
        k = check_count("k", k)
        blocks = as_blocks(X)
        if blocks is not None:
            return self._rank_blocks(blocks, k, level)
        query, level = self._query(X, level)
        return self._rank(query, k, level)

    def _rank_blocks(self, blocks: Any, k: int, level: int) -> Any:
        if hasattr(blocks, "map_blocks"):
            model = self._for_workers()
            yield from blocks.map_blocks(lambda block: model.predict_topk(block.X, k, level=level))
            return
        for block in blocks:
            yield self.predict_topk(block.X, k, level=level)

    def _for_workers(self) -> Any:
        """Return a copy that ranks, without what only other questions need."""
        model = copy.copy(self)
        model.compressor_, model.n_threads = None, 1
        return model

    def evaluate(
        self, X: Any, Y: Any = None, *, at: Sequence[int] = (1, 3, 5), level: int = 1
    ) -> pd.DataFrame:
        """Measure rankings of rows that were not used for training.

        Parameters
        ----------
        X : as in fit
            Blocks (:func:`nnae.io.row_blocks`, a path, Dask's collections) hold the labels too;
            they are read once, in memory that does not grow with n, on workers where they are.
        Y : as in fit, or None
            None with blocks.
        at : sequence of int, default=(1, 3, 5)
            Depths of the rankings, each at least 1.
        level : int, default=1
            Level of abstraction, as in :meth:`predict_topk`.

        Returns
        -------
        DataFrame
            Columns "measure" (precision, ndcg, recall, psp), "k", "value" and "standard_error"
            (over rows; by the delta method for psp, a ratio). psp weighs labels by the
            propensities of training.

        Raises
        ------
        ValueError
            Labels that are not those of the model, or a depth below 1.

        Examples
        --------
        >>> import nnae
        >>> Y = nnae.datasets.make_label_hierarchy(300, random_state=0).Y.toarray()
        >>> model = nnae.TwoStepClassifier(profile="fast", random_state=0).fit(Y[:200], Y[:200])
        >>> found = model.evaluate(Y[200:], Y[200:], at=[1])
        >>> list(found["measure"])
        ['precision', 'ndcg', 'recall', 'psp']
        """
        check_is_fitted(self, "decoder_")
        depths = tuple(sorted({check_count("at", k) for k in at}))
        if not depths:
            raise ValueError("at must hold at least one depth; got none")
        blocks = as_blocks(X, Y)
        if blocks is None:
            if Y is None:
                raise ValueError("Y must be given beside X, unless X stands for blocks of rows")
            ranking, _ = self.predict_topk(X, depths[-1], level=level)
            scores = RankingScores(depths, self.propensities_)
            scores.add(self._truth(Y, len(ranking)), ranking)
            return scores.frame()
        if hasattr(blocks, "map_blocks"):
            parts = blocks.map_blocks(ScoreRankings(self._for_workers(), depths, level))
        else:
            parts = map(ScoreRankings(self, depths, level), blocks)
        found: RankingScores = reduce(RankingScores.plus, parts)
        check_same_labels(blocks.label_names, self.label_names_)  # a file tells them when read
        return found.frame()

    def _rank(self, query: Query, k: int, level: int) -> tuple[Array, Array]:
        """Rank the labels of rows whose codes are known."""
        prior = None
        if check_choice("rank_by", self.rank_by, ("probability", "psp")) == "psp":
            prior = self.propensities_**-self.psp_exponent_
        threads = resolve_threads(self.n_threads)
        return self.decoder_.topk(query, k, level, threads, prior)

    def decision_function(self, X: Any, top_k: int | None = None) -> Any:
        """Return scores of labels: rates.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d)
        top_k : int, optional
            Return only the best, as csr.

        Returns
        -------
        ndarray or csr_matrix of shape (n, L)
            Dense up to 50 million scores where ``top_k`` is None; otherwise csr of the ``top_k``
            (100) best of each row.
        """
        query, _ = self._query(X, 1)
        threads, n_labels = resolve_threads(self.n_threads), len(self.label_names_)
        if top_k is None and len(query) * n_labels <= DENSE_LIMIT:
            return self.decoder_.scores(query, 1, threads)
        k = min(SPARSE_TOP_K if top_k is None else check_count("top_k", top_k), n_labels)
        indices, scores = self.decoder_.topk(query, k, 1, threads)
        return ranking_to_csr(indices, scores, n_labels)

    def predict_proba(self, X: Any, top_k: int | None = None) -> Any:
        """Return probabilities of labels, calibrated with ``profile="best"``.

        Else 1 - exp(-rate) for the Bernoulli loss and the decoder's scores up to one otherwise.
        Calibration knows labels apart, so that probabilities of a row need not fall as its scores
        do; for one label they do. Parameters and shape are those of :meth:`decision_function`.
        """
        scores = self.decision_function(X, top_k)
        if self.calibration_ is not None:
            if not hasattr(scores, "indptr"):
                return self.calibration_.probabilities(scores)
            scores.data = self.calibration_.probabilities(scores.data, scores.indices)
            return scores
        if not hasattr(scores, "indptr"):
            return self.decoder_.probabilities(scores, self.loss_name_)
        scores.data = self.decoder_.probabilities(scores.data, self.loss_name_)
        return scores

    def predict(self, X: Any) -> sp.csr_matrix:
        """Return the labels that ``label_sets_`` takes (n x L, csr of 0/1, uint8).

        At most ``n_ranked_`` labels a row.
        """
        return self._choose(self._query(X, 1)[0])

    def _choose(self, query: Query) -> sp.csr_matrix:
        """Return the label sets of rows whose codes are known."""
        k = self.n_ranked_
        threads, step = resolve_threads(self.n_threads), max(1, BLOCK // k)
        parts = []
        for start in range(0, max(1, len(query)), step):
            indices, scores = self.decoder_.topk(query.rows(start, start + step), k, 1, threads)
            indices = np.where(self.label_sets_.keep(indices, scores), indices, -1)
            parts.append(
                ranking_to_csr(indices, np.ones_like(indices, np.uint8), len(self.label_names_))
            )
        return parts[0] if len(parts) == 1 else sp.csr_matrix(sp.vstack(parts, format="csr"))

    def score(self, X: Any, y: Any) -> float:
        """Return the precision of the best label, P@1, on labels y of the rows of X."""
        ranking = self.predict_topk(X, 1)[0]
        return float(precision_at_k(self._truth(y, len(ranking)), ranking, 1))

    def error_budget(self, X: Any, Y: Any) -> pd.DataFrame:
        """Tell how much accuracy is lost where, on rows that were not used for training.

        Parameters
        ----------
        X, Y : as in fit

        Returns
        -------
        DataFrame
            Rows: "ceiling", decoding the codes of the true labels; "predicted", decoding the codes
            predicted from X; "lost", their difference; "decided", what :meth:`predict` predicts of
            the ranking; "lost to thresholds", predicted less decided. Columns: P@1, P@3, P@5;
            micro F1 of all labels and of those of the head, torso and tail (which had half, a third
            and the rest of the positives in training). F1 of "ceiling" and "predicted" takes as
            many of the best labels of a row as it truly has.
        """
        query, _ = self._query(X, 1)
        truth, threads = self._truth(Y, len(query)), resolve_threads(self.n_threads)
        truth.eliminate_zeros()
        true_codes = self.scale_.join(encode(self.compressor_, truth), query.targets.dtype)
        k = self.n_ranked_
        by_concepts = getattr(self.decoder_, "concepts", self.decoder_)
        ceiling, _ = by_concepts.topk(Query(query.X, true_codes), k, 1, threads)
        predicted, scores = self.decoder_.topk(query, k, 1, threads)
        kept = np.where(self.label_sets_.keep(predicted, scores), predicted, -1)
        return budget_frame(truth, ceiling, predicted, kept, self.label_counts_)

    def _query(self, X: Any, level: int) -> tuple[Query, int]:
        check_is_fitted(self, "decoder_")
        level = check_count("level", level)
        if level > self.decoder_.levels:
            raise ValueError(f"level must be at most {self.decoder_.levels}; got {level}")
        X = check_features(self, X, reset=False)
        return Query(X, predict_codes(self.estimator_, X, len(self.scale_.norms))), level

    def _truth(self, Y: Any, n_rows: int) -> sp.csr_matrix:
        space = LabelSpace(tuple(map(str, self.label_names_)))
        truth = space.encode(Y, self.scale_.norms.dtype)
        if truth.shape[0] != n_rows:
            raise ValueError(f"Y has {truth.shape[0]} rows, X has {n_rows}")
        return truth
