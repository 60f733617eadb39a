"""The two-step classifier: features to codes, codes to labels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from nnae._calibration import Calibration
from nnae._checkpoint import Checkpoint, checkpointing, identity_of
from nnae._codes import Array, CodeScale, concepts_of, default_widths, is_feature_aware
from nnae._decisions import Ranked, choose_threshold
from nnae._feature_weight import check_feature_weight
from nnae._features import check_features
from nnae._label_sets import RULES, choose_label_sets
from nnae._label_tags import LearnsLabels
from nnae._labels import LabelSpace, encode_labels
from nnae._more_rows import MoreRows
from nnae._predictions import TwoStepPredictions
from nnae._rankings import propensities_of_counts
from nnae._search_cells import SEARCHES
from nnae._streamed_fit import check_streams, compress_blocks
from nnae._streamed_training import check_decoder, check_estimator, count_rows, train
from nnae._threads import resolve_threads
from nnae._training import FOLDS, Training
from nnae._validation import check_choice, check_groups, check_sample_weight
from nnae.autoencoder import NNAE
from nnae.decoders import choose_decoder
from nnae.io._cluster_blocks import is_dask
from nnae.io._row_blocks import RowBlocks, as_blocks
from nnae.metrics import propensities


class TwoStepClassifier(LearnsLabels, MoreRows, TwoStepPredictions):
    r"""Rank labels of new examples through a compressed, interpretable code.

    Step one compresses the training labels: :math:`Y \approx Z_1 W_1`. Step two learns the codes
    from features, by default :math:`\min_B \sum_i \|s \circ z_i - B'x_i - b\|^2 + \alpha \|B\|^2`
    with s the norms of the concepts. A prediction decodes the codes of step two to rates
    :math:`\Lambda = \max(0, \hat Z) W_1` and ranks them.

    Parameters
    ----------
    compressor : NNAE, NMF or other estimator with ``transform``, or None
        Step one; one with a ``feature_weight`` is given the features too. None takes
        :class:`nnae.NNAE` with ``encoder="linear"``, its level 1 as wide as there are labels (at
        most 300; accuracy wants it wide), further levels by factors of five.
    estimator : scikit-learn regressor, classifier or pipeline, or None
        Step two. None takes :class:`nnae.ridge.MultiOutputRidge`. A regressor of one output is
        fitted once a code; a classifier learns pseudo labels :math:`1[z > t]`.
    decoder : {"auto", "linear", "neighbors", "kernel", "tree", "stack", ...}, default="auto"
        "linear": rates, codes times weights. "neighbors", "kernel": a vote of the nearest training
        rows, or a smooth function, of predicted codes. "tree": linear classifiers down the tree of
        concepts. "stack": a blend of these and others, with weights learnt out of fold,
        :class:`nnae.decoders.StackDecoder`. "pair": "linear" and "tree", half and half.
        "residual": rates, with classifiers for labels that concepts cannot describe.
        "auto" takes the stack with ``profile="best"``, the pair with "fast", or the linear one
        where ``compressor`` or ``estimator`` is given.
        ``nnae.decoders.DECODERS`` has all.
    profile : {"best", "fast"}, default="best"
        "best" fits the whole pipeline, the compressor too, without each of three folds in turn,
        or without the first ones where they hold 3,000 rows, to weigh decoders, to calibrate
        probabilities and to choose what ``predict`` predicts; then on all rows. "fast"
        fits once: probabilities are as the decoder gives them, and the threshold predicts as many
        labels on the training rows as they have.
    rank_by : {"probability", "psp"}, default="probability"
        "psp" divides scores by a power of the propensities of labels, so that rare labels come up.
        It changes ``predict_topk``, never probabilities or label sets.
    threshold : {"micro", "macro", "examples", "sizes"}, default="micro"
        What ``predict`` is to be good at, with ``profile="best"``: F1 of all entries (one threshold
        of probabilities), mean F1 of labels (one for each), mean F1 of rows (one for each row, from
        its probabilities), or the number of labels of a row. Where one threshold of scores does it
        better on the held-out rows, that is taken.
    feature_weight : float or "auto", default=0.0
        Of the features beside the labels in the default compressor's codes, see :class:`nnae.NNAE`.
        A compressor that is given has its own.
    neighbor_search : {"exact", "approximate", "auto"}, default="exact"
        How voters are found among the training rows: all are compared, or those of the nearest
        cells, which the ``neighbors`` extra (faiss) keeps; "auto" does so from 200,000 rows on.
    prefit : bool, default=False
        True takes ``compressor`` as it is, fitted; False fits a clone.
    n_threads : int or None
        Threads of decoding and of default parts. Results are the same, to the bit, for any number.
    random_state : int, RandomState or None
        Of default parts and of the split.
    checkpoint : path, Checkpoint or None
        File to write the state of the compressors' fits to (of the sums too, over blocks), and to
        go on from where there is one. See :class:`nnae.Checkpoint`.

    Attributes
    ----------
    compressor_ : estimator
        Fitted step one.
    estimator_ : estimator
        Fitted step two; predicts the scaled codes of all levels, side by side.
    decoder_ : Decoder
    label_names_ : ndarray of str
    propensities_ : ndarray of shape (L,)
        Of labels, by their frequency in training; see :func:`nnae.metrics.propensities`.
    psp_exponent_ : float
        Power of the propensities by which ``rank_by="psp"`` divides scores: the one of the largest
        PSP@1, 3 and 5 out of fold; 1 where nothing was held out.
    threshold_ : float
        The best single threshold of scores, by micro F1.
    label_sets_ : LabelSets
        The rule that ``predict`` follows, among the ``n_ranked_`` best labels of a row.
    n_ranked_ : int
    calibration_ : Calibration or None
        From scores to probabilities; None with ``profile="fast"``.
    label_counts_ : ndarray of int, shape (L,)
        Positives of labels in training.
    scale_ : CodeScale
        Widths of levels and factors of codes.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X had column names.

    Notes
    -----
    A label without positives in training has rate 0, up to rounding, and comes last; a row of zeros
    in X is predicted by the intercept; a row without labels has codes of zero. With k above L the
    last k - L places hold -1 and -inf. Training rows of weight 0 count as absent in step two.
    Ranking n rows costs :math:`n k_1 L`; nothing of size n L is held. Kang et al. (2019).

    Examples
    --------
    >>> import nnae
    >>> data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    >>> X = data.Y.toarray()[:, ::2]  # half of the labels as features of the others
    >>> model = nnae.TwoStepClassifier(random_state=0).fit(X, data.Y[:, 1::2])
    >>> indices, scores = model.predict_topk(X[:2], k=3)
    >>> indices.shape, model.predict(X).shape
    ((2, 3), (300, 36))
    """

    def __init__(
        self,
        compressor: Any = None,
        estimator: Any = None,
        *,
        decoder: str = "auto",
        profile: str = "best",
        rank_by: str = "probability",
        threshold: str = "micro",
        feature_weight: float | str = 0.0,
        neighbor_search: str = "exact",
        prefit: bool = False,
        n_threads: int | None = None,
        random_state: Any = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    ) -> None:
        self.compressor = compressor
        self.estimator = estimator
        self.decoder = decoder
        self.profile = profile
        self.rank_by = rank_by
        self.threshold = threshold
        self.feature_weight = feature_weight
        self.neighbor_search = neighbor_search
        self.prefit = prefit
        self.n_threads = n_threads
        self.random_state = random_state
        self.checkpoint = checkpoint

    def fit(
        self,
        X: Any,
        Y: Any = None,
        *,
        sample_weight: Any = None,
        label_names: Any = None,
        groups: Any = None,
    ) -> TwoStepClassifier:
        """Compress the labels, then learn their codes from features.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d), or row blocks
            Features, finite; float32 is kept. Blocks (:func:`nnae.io.row_blocks`, or a path) of
            features and labels are read twice, in memory that does not grow with n: the linear
            encoder (others, and :class:`nnae.NMF`, read labels once a sweep more), the built-in
            ridge (beyond 8,192 features by passes) or an estimator with ``partial_fit``, and the
            linear decoder; no rows are held out, whatever the profile.
        Y : sparse matrix, array, DataFrame, or list of label sets
            Labels of the same rows; None with blocks, which hold them.
        sample_weight : array of shape (n,), optional
            Weights of rows, for step one and step two where they take them.
        label_names : sequence of str, optional
            Overrides the names that Y carries.
        groups : array of shape (n,), optional
            Rows that resemble each other because they come from one source, as new rows will not:
            rows of a group are held out together.

        Returns
        -------
        TwoStepClassifier
            The fitted model.

        Raises
        ------
        ValueError
            Rows that differ in number, NaN, negative labels, an unknown option.
        """
        blocks = as_blocks(X, Y)
        if blocks is not None:
            Y = None if is_dask(Y) else Y
            return self._fit_blocks(blocks, Y, sample_weight, label_names, groups)
        decoder = self._check_options()
        X, labels, space = self._check_rows(X, Y, label_names, reset=True)
        weights = check_sample_weight(sample_weight, X.shape[0])
        random = check_random_state(self.random_state)
        seed = int(random.randint(2**31 - 1))
        groups = check_groups(groups, X.shape[0])
        with checkpointing(self.checkpoint, lambda: identity_of(self, X, labels, weights, groups)):
            self.compressor_ = self._fit_compressor(X, labels, space, weights, seed)
            self.label_names_ = np.array(space.names, dtype=object)
            self.propensities_ = propensities(labels)
            positives = labels.indices[labels.data > 0]
            self.label_counts_ = np.bincount(positives, minlength=labels.shape[1])
            self.seed_ = seed
            self._fit_step_two(
                X,
                labels,
                weights,
                decoder,
                lambda X, Y, weights: self._fit_compressor(X, Y, space, weights, seed),
                groups,
            )
        return self

    def _fit_blocks(
        self, blocks: RowBlocks, Y: Any, weights: Any, label_names: Any, groups: Any
    ) -> TwoStepClassifier:
        given = {"Y": Y, "sample_weight": weights, "label_names": label_names, "groups": groups}
        for name, value in given.items():
            if value is not None:
                raise ValueError(f"{name} must be None for a fit over blocks")
        self._check_options()
        check_decoder(self.decoder)
        check_estimator(self.estimator)
        if not self.prefit:
            check_streams(self._new_compressor(1, 0))
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        with checkpointing(self.checkpoint, lambda: identity_of(self, blocks.identity)):
            sums, space = count_rows(blocks, self.n_threads)
            n_labels = len(sums.positives)
            if self.prefit:
                nothing = sp.csr_matrix((0, n_labels))
                self.compressor_ = self._fit_compressor(None, nothing, space, None, self.seed_)
            else:
                self.compressor_ = self._new_compressor(n_labels, self.seed_)
                compress_blocks(self.compressor_, blocks, sums, space)
            self.loss_name_ = str(getattr(self.compressor_, "loss_name_", "frobenius"))
            self.label_names_ = np.array(space.names, dtype=object)
            self.propensities_ = propensities_of_counts(sums.positives, sums.n_rows)
            self.label_counts_ = sums.positives
            self.scale_ = CodeScale.of(concepts_of(self.compressor_), self.loss_name_)
            found = train(self, self.compressor_, blocks, sums, self.seed_)
        assert sums.sums is not None
        self.n_features_in_ = len(sums.sums)
        self.estimator_, self.decoder_ = found.estimator, found.decoder
        self.psp_exponent_ = 1.0
        self._decide_on(found.ranked)
        return self

    def refit_estimator(
        self, X: Any, Y: Any, estimator: Any = None, *, sample_weight: Any = None
    ) -> TwoStepClassifier:
        """Fit step two again, with another estimator or on other rows; step one stays as it is.

        Parameters
        ----------
        X, Y : as in fit
            Y has the labels of the first fit.
        estimator : estimator, optional
            Replaces ``self.estimator`` when given.
        sample_weight : array of shape (n,), optional

        Returns
        -------
        TwoStepClassifier
            Itself.
        """
        check_is_fitted(self, "decoder_")
        decoder = self._check_options()
        X, labels, _ = self._check_rows(X, Y, None, reset=False)
        if estimator is not None:
            self.estimator = estimator
        weights = check_sample_weight(sample_weight, X.shape[0])
        self._fit_step_two(X, labels, weights, decoder, lambda X, Y, weights: self.compressor_)
        return self

    def _check_options(self) -> Any:
        check_choice("profile", self.profile, ("best", "fast"))
        check_choice("rank_by", self.rank_by, ("probability", "psp"))
        check_choice("threshold", self.threshold, tuple(RULES))
        check_choice("neighbor_search", self.neighbor_search, SEARCHES)
        if check_feature_weight(self.feature_weight) != 0 and self.compressor is not None:
            raise ValueError("feature_weight must be 0 with a compressor, which has its own")
        return choose_decoder(self.decoder, self.profile, self.compressor, self.estimator)

    def _check_rows(
        self, X: Any, Y: Any, label_names: Any, *, reset: bool
    ) -> tuple[Any, sp.csr_matrix, LabelSpace]:
        if Y is None:
            raise ValueError("TwoStepClassifier requires y to be passed, but the target y is None")
        X = check_features(self, X, reset=reset)
        if hasattr(Y, "__array__") and not hasattr(Y, "ndim"):
            Y = np.asarray(Y)
        if not reset:
            space = LabelSpace(tuple(map(str, self.label_names_)))
            labels = space.encode(Y, X.dtype)
        else:
            labels, space = encode_labels(Y, label_names, X.dtype)
        if labels.shape[0] != X.shape[0]:
            raise ValueError(f"Y has {labels.shape[0]} rows, X has {X.shape[0]}")
        return X, labels, space

    def _new_compressor(self, n_labels: int, seed: int) -> Any:
        if self.compressor is None:
            return NNAE(
                default_widths(n_labels),
                encoder="linear",
                feature_weight=self.feature_weight,
                random_state=seed,
                n_threads=self.n_threads,
            )
        compressor = clone(self.compressor)
        if getattr(compressor, "checkpoint", None) is not None:  # several are fitted, one file
            compressor.set_params(checkpoint=None)
        return compressor

    def _fit_compressor(
        self, X: Any, Y: sp.csr_matrix, space: LabelSpace, weights: Array | None, seed: int
    ) -> Any:
        if self.prefit:
            if self.compressor is None:
                raise ValueError("prefit=True needs a fitted compressor; got None")
            check_is_fitted(self.compressor)
            known = getattr(self.compressor, "n_features_in_", Y.shape[1])
            if known != Y.shape[1]:
                raise ValueError(f"Y has {Y.shape[1]} labels, the compressor has {known}")
            return self.compressor
        compressor = self._new_compressor(Y.shape[1], seed)
        given: dict[str, Any] = {} if weights is None else {"sample_weight": weights}
        if is_feature_aware(compressor):
            given["X"] = X
        compressor.fit(Y, **given)
        if hasattr(compressor, "label_names_"):
            compressor.label_names_ = np.array(space.names, dtype=object)
        return compressor

    def _fit_step_two(
        self,
        X: Any,
        Y: Any,
        weights: Array | None,
        decoder: Any,
        compress: Any,
        groups: Array | None = None,
    ) -> None:
        self.loss_name_ = str(getattr(self.compressor_, "loss_name_", "frobenius"))
        self.scale_ = CodeScale.of(concepts_of(self.compressor_), self.loss_name_)
        if weights is not None and not weights.all():
            rows = np.flatnonzero(weights)
            X, Y, weights = X[rows], Y[rows], weights[rows]
            groups = None if groups is None else groups[rows]
        training = Training(
            X=X,
            Y=Y,
            weights=weights,
            compressor=self.compressor_,
            compress=compress,
            estimator=self.estimator,
            decoder=decoder,
            propensities=self.propensities_,
            loss=self.loss_name_,
            seed=self.seed_,
            n_threads=resolve_threads(self.n_threads),
            groups=groups,
            neighbor_search=self.neighbor_search,
        )
        fitted = training.fit(FOLDS if self.profile == "best" else int(decoder.needs_folds))
        self.estimator_, self.decoder_ = fitted.estimator, fitted.decoder
        self.psp_exponent_ = fitted.exponent
        self._decide_on(fitted.ranked)

    def _decide_on(self, ranked: Ranked) -> None:
        """Choose from ranked rows how scores become probabilities and label sets."""
        self.threshold_ = choose_threshold(ranked)
        self.calibration_ = Calibration.fit(ranked) if ranked.held_out else None
        self.n_ranked_ = ranked.indices.shape[1]
        self.label_sets_ = choose_label_sets(ranked, self.threshold, self.calibration_)
