"""The two-step classifier: features to codes, codes to labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from nnae._codes import Array, CodeScale, concepts_of, default_widths, encode
from nnae._decisions import ranking_to_csr
from nnae._features import check_features
from nnae._labels import LabelSpace, encode_labels
from nnae._step_two import predict_codes
from nnae._threads import resolve_threads
from nnae._training import LARGEST_SET, Training
from nnae._validation import check_choice, check_count, check_sample_weight
from nnae.autoencoder import NNAE
from nnae.decoders import choose_decoder
from nnae.metrics import precision_at_k, propensities

#: predict_proba and decision_function return dense arrays up to this many scores.
DENSE_LIMIT = 50_000_000
#: Labels a row that they return for larger outputs, where no number is given.
SPARSE_TOP_K = 100
#: Label sets are predicted in blocks of about this many scores.
BLOCK = 4_000_000


class TwoStepClassifier(BaseEstimator):  # type: ignore[misc]
    r"""Rank labels of new examples through a compressed, interpretable code.

    Step one compresses the training labels: :math:`Y \approx Z_1 W_1`. Step two learns the codes
    from features, by default :math:`\min_B \sum_i \|s \circ z_i - B'x_i - b\|^2 + \alpha \|B\|^2`
    with s the norms of the concepts. A prediction decodes the codes of step two to rates
    :math:`\Lambda = \max(0, \hat Z) W_1` and ranks them.

    Parameters
    ----------
    compressor : NNAE, NMF or other estimator with ``transform``, or None
        Step one. None takes :class:`nnae.NNAE` with ``encoder="linear"``, its level 1 as wide as
        there are labels (at most 300; accuracy wants it wide), further levels by factors of five.
    estimator : scikit-learn regressor, classifier or pipeline, or None
        Step two. None takes :class:`nnae.ridge.MultiOutputRidge`. A regressor of one output is
        fitted once a code; a classifier learns pseudo labels :math:`1[z > t]`.
    decoder : {"auto", "linear", "neighbors"}, default="auto"
        "linear" (and "auto"): rates, codes times weights. "neighbors": a vote of the nearest
        training rows, :class:`nnae.decoders.NeighborsDecoder`.
    profile : {"best", "fast"}, default="best"
        "best" holds out a fifth of the training rows from step two to choose the threshold of
        ``predict`` (largest micro F1) and, where step two is the default, the penalty that ranks
        best; then it fits on all rows. "fast" fits once, with the penalty of least GCV and a
        threshold that predicts as many labels on the training rows as they have.
    rank_by : {"probability", "psp"}, default="probability"
        "psp" divides scores by the propensities of labels, so that rare labels come up. It changes
        ``predict_topk``, never probabilities or label sets.
    prefit : bool, default=False
        True takes ``compressor`` as it is, fitted; False fits a clone.
    n_threads : int or None
        Threads of decoding and of default parts. Results are the same, to the bit, for any number.
    random_state : int, RandomState or None
        Of default parts and of the split.

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
    threshold_ : float
        Rates above it are predicted labels.
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
        prefit: bool = False,
        n_threads: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.compressor = compressor
        self.estimator = estimator
        self.decoder = decoder
        self.profile = profile
        self.rank_by = rank_by
        self.prefit = prefit
        self.n_threads = n_threads
        self.random_state = random_state

    def fit(
        self, X: Any, Y: Any, *, sample_weight: Any = None, label_names: Any = None
    ) -> TwoStepClassifier:
        """Compress the labels, then learn their codes from features.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d)
            Features, finite; float32 is kept.
        Y : sparse matrix, array, DataFrame, or list of label sets
            Labels of the same rows.
        sample_weight : array of shape (n,), optional
            Weights of rows, for step one and step two where they take them.
        label_names : sequence of str, optional
            Overrides the names that Y carries.

        Returns
        -------
        TwoStepClassifier
            The fitted model.

        Raises
        ------
        ValueError
            Rows that differ in number, NaN, negative labels, an unknown option.
        """
        decoder = self._check_options()
        X, labels, space = self._check_rows(X, Y, label_names, reset=True)
        weights = check_sample_weight(sample_weight, X.shape[0])
        random = check_random_state(self.random_state)
        seed = int(random.randint(2**31 - 1))
        self.compressor_ = self._fit_compressor(labels, space, weights, seed)
        self.label_names_ = np.array(space.names, dtype=object)
        self.propensities_ = propensities(labels)
        self.seed_ = seed
        self._fit_step_two(X, labels, weights, decoder)
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
        self._fit_step_two(X, labels, weights, decoder)
        return self

    def _check_options(self) -> Any:
        check_choice("profile", self.profile, ("best", "fast"))
        check_choice("rank_by", self.rank_by, ("probability", "psp"))
        return choose_decoder(self.decoder)

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

    def _fit_compressor(
        self, Y: sp.csr_matrix, space: LabelSpace, weights: Array | None, seed: int
    ) -> Any:
        if self.prefit:
            if self.compressor is None:
                raise ValueError("prefit=True needs a fitted compressor; got None")
            check_is_fitted(self.compressor)
            known = getattr(self.compressor, "n_features_in_", Y.shape[1])
            if known != Y.shape[1]:
                raise ValueError(f"Y has {Y.shape[1]} labels, the compressor has {known}")
            return self.compressor
        if self.compressor is None:
            compressor: Any = NNAE(
                default_widths(Y.shape[1]),
                encoder="linear",
                random_state=seed,
                n_threads=self.n_threads,
            )
        else:
            compressor = clone(self.compressor)
        if weights is None:
            compressor.fit(Y)
        else:
            compressor.fit(Y, sample_weight=weights)
        if hasattr(compressor, "label_names_"):
            compressor.label_names_ = np.array(space.names, dtype=object)
        return compressor

    def _fit_step_two(self, X: Any, Y: sp.csr_matrix, weights: Array | None, decoder: Any) -> None:
        concepts = concepts_of(self.compressor_)
        self.loss_name_ = str(getattr(self.compressor_, "loss_name_", "frobenius"))
        self.scale_ = CodeScale.of(concepts, self.loss_name_)
        training = Training(
            X=X,
            Y=Y,
            T=self.scale_.join(encode(self.compressor_, Y), X.dtype),
            weights=weights,
            concepts=concepts,
            scale=self.scale_,
            decoder=decoder,
            n_threads=resolve_threads(self.n_threads),
        )
        if weights is not None and not weights.all():
            training = training.take(np.flatnonzero(weights))
        if self.profile == "fast":
            fitted = training.fit_once(self.estimator)
        else:
            fitted = training.fit_with_split(self.estimator, np.random.RandomState(self.seed_))
        self.estimator_, self.decoder_, self.threshold_ = fitted

    def predict_topk(self, X: Any, k: int = 5, *, level: int = 1) -> tuple[Array, Array]:
        """Return the k best labels of each row and their scores, best first.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d)
        k : int, default=5
            At least 1; may exceed the number of labels.
        level : int, default=1
            Level of abstraction: labels as seen through the codes of that level.

        Returns
        -------
        indices : ndarray of int64, shape (n, k)
            Positions in ``label_names_``; different in each row, -1 where no label is left.
        scores : ndarray of shape (n, k)
            Falling; rates, divided by propensities with ``rank_by="psp"``; -inf where none.
        """
        k = check_count("k", k)
        codes, level = self._codes(X, level)
        prior = None
        if check_choice("rank_by", self.rank_by, ("probability", "psp")) == "psp":
            prior = 1 / self.propensities_
        threads = resolve_threads(self.n_threads)
        return self.decoder_.topk(codes, k, level, threads, prior)

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
        codes, _ = self._codes(X, 1)
        threads, n_labels = resolve_threads(self.n_threads), len(self.label_names_)
        if top_k is None and codes.shape[0] * n_labels <= DENSE_LIMIT:
            return self.decoder_.scores(codes, 1, threads)
        k = min(SPARSE_TOP_K if top_k is None else check_count("top_k", top_k), n_labels)
        return ranking_to_csr(*self.decoder_.topk(codes, k, 1, threads), n_labels)

    def predict_proba(self, X: Any, top_k: int | None = None) -> Any:
        """Return probabilities of labels: 1 - exp(-rate) for the Bernoulli loss, else the rate.

        They are not calibrated. Parameters and shape are those of :meth:`decision_function`.
        """
        scores = self.decision_function(X, top_k)
        if not hasattr(scores, "indptr"):
            return self.decoder_.probabilities(scores, self.loss_name_)
        scores.data = self.decoder_.probabilities(scores.data, self.loss_name_)
        return scores

    def predict(self, X: Any) -> sp.csr_matrix:
        """Return the labels whose rate is above ``threshold_`` (n x L, csr of 0/1, uint8).

        At most 1000 labels a row.
        """
        codes, _ = self._codes(X, 1)
        k = min(len(self.label_names_), LARGEST_SET)
        threads, step = resolve_threads(self.n_threads), max(1, BLOCK // k)
        parts = []
        for start in range(0, max(1, len(codes)), step):
            indices, scores = self.decoder_.topk(codes[start : start + step], k, 1, threads)
            indices = np.where(scores > self.threshold_, indices, -1)
            parts.append(
                ranking_to_csr(indices, np.ones_like(indices, np.uint8), len(self.label_names_))
            )
        return sp.csr_matrix(sp.vstack(parts, format="csr"))

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
            Columns P@1, P@3, P@5. Rows: "ceiling", decoding the codes of the true labels;
            "predicted", decoding the codes predicted from X; "lost", their difference.
        """
        codes, _ = self._codes(X, 1)
        truth, threads = self._truth(Y, len(codes)), resolve_threads(self.n_threads)
        true_codes = self.scale_.join(encode(self.compressor_, truth), codes.dtype)
        rows = {}
        for name, targets in (("ceiling", true_codes), ("predicted", codes)):
            ranking = self.decoder_.topk(targets, 5, 1, threads)[0]
            rows[name] = [float(precision_at_k(truth, ranking, k)) for k in (1, 3, 5)]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=["P@1", "P@3", "P@5"])
        frame.loc["lost"] = frame.loc["ceiling"] - frame.loc["predicted"]
        return frame

    def _codes(self, X: Any, level: int) -> tuple[Array, int]:
        check_is_fitted(self, "decoder_")
        level = check_count("level", level)
        if level > self.decoder_.levels:
            raise ValueError(f"level must be at most {self.decoder_.levels}; got {level}")
        X = check_features(self, X, reset=False)
        return predict_codes(self.estimator_, X, len(self.scale_.norms)), level

    def _truth(self, Y: Any, n_rows: int) -> sp.csr_matrix:
        space = LabelSpace(tuple(map(str, self.label_names_)))
        truth = space.encode(Y, self.scale_.norms.dtype)
        if truth.shape[0] != n_rows:
            raise ValueError(f"Y has {truth.shape[0]} rows, X has {n_rows}")
        return truth

    def __sklearn_tags__(self) -> Any:
        """Declare sparse input and label matrices (scikit-learn 1.6 and later)."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.two_d_labels = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        tags.target_tags.positive_only = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {
            "requires_y": True,
            "multioutput": True,
            "multioutput_only": True,
            "multilabel": True,
            "requires_positive_y": True,
        }
