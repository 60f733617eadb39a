"""The deep non-negative autoencoder."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from nnae._block_sums import RowSums
from nnae._checkpoint import Checkpoint, checkpointing, identity_of
from nnae._encoders import ENCODERS, Fitted, Linear, Problem
from nnae._feature_encoders import SHARED_ENCODERS
from nnae._feature_fit import NO_FEATURES, features_of, fit_with_features
from nnae._feature_rows import FeatureRows
from nnae._feature_weight import check_feature_weight
from nnae._labels import LabelSpace, encode_labels
from nnae._levels import Schedule
from nnae._linear_codes import linear_codes
from nnae._linear_encoder import Counts
from nnae._normal_form import concepts_by_label
from nnae._solvers import SOLVERS, Callback
from nnae._streamed_fit import count_blocks, fit_counts
from nnae._threads import resolve_threads
from nnae._validation import (
    check_choice,
    check_count,
    check_sample_weight,
    check_tolerance,
    choose_loss,
    label_dtype,
)
from nnae._widths import check_widths
from nnae.factorise import dense_rates, reporter
from nnae.io._row_blocks import RowBlocks, as_blocks

Array = npt.NDArray[Any]

#: Penalty per unit of rate mass under the Bernoulli loss; see the class.
BERNOULLI_PENALTY = 0.1


class NNAE(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore
    r"""Compress labels by a deep non-negative autoencoder.

    Every level has codes of its own. Level 1 models the labels by rates
    :math:`\Lambda_1 = Z_1 W_1`; level l models the codes below it, :math:`Z_{l-1} \approx Z_l W_l`.
    The joint objective is :math:`\sum_l \lambda_l D_l(Z_{l-1}, Z_l W_l)` with :math:`Z_0 = Y`, rows
    of every :math:`W_l` at sum one, and :math:`\lambda_l` one over the error of level l after
    layer-wise pretraining. Rows of :math:`W_l` are concepts, their columns are the children.

    Parameters
    ----------
    layer_sizes : "auto" or sequence of int, default="auto"
        Widths k_1 > k_2 > ... > k_D. "auto" begins at 0.6 L (at most 300) and falls by a factor
        of five down to four or more. Widths above L are reduced with a warning.
    loss : {"auto", "bernoulli", "kullback-leibler", "frobenius"}, default="auto"
        Loss of level 1, see :class:`nnae.NMF`. "auto" is "bernoulli" for 0/1 labels with
        ``encoder="nnls"``, else "frobenius". Levels above use Kullback-Leibler, or Frobenius above
        Frobenius.
    encoder : {"nnls", "linear"}, default="nnls"
        "nnls": codes of least loss given the weights. "linear": :math:`Z_1 = Y V_1`, Frobenius,
        fitted on the co-occurrence of labels at a cost that does not depend on the rows; levels are
        fitted one after the other.
    objective : {"levels", "chain"}, default="levels"
        "chain" is the last level's reconstruction :math:`D(Y, Z_D W_D \cdots W_1)`, for comparison
        with the literature (``encoder="nnls"`` only): it has the rank of the last level alone.
    feature_weight : float or "auto", default=0.0
        Weight a of features beside labels: level 1 minimises
        :math:`D(Y, Z_1 W_1) + a^2 D_X(X, Z_1 U)` with codes that both share and rows of X scaled
        to length one; :math:`D_X` is Frobenius for "frobenius" labels, else Kullback-Leibler.
        Features with negative values are split into two. 0 compresses labels alone. "auto" takes
        the weight (0 among them) under which labels of held-out rows are likeliest, their codes
        inferred from features alone. Levels above model the shared codes.
    solver : {"auto", "cd", "mu"}, default="auto"
        Solver of pretraining, see :class:`nnae.NMF`. Joint sweeps are multiplicative.
    init : {"auto", "random", "nndsvd", "nndsvda"}, default="auto"
        Start of every level. "auto" is "nndsvda" where the width is below both sides of what the
        level models, else "random"; level 1 of at most 2,000 labels, four or more a concept,
        starts from clusters of labels instead where ten sweeps lead further from there.
    code_penalty : "auto" or float, default="auto"
        L1 penalty on the codes of level 1, at least 0, for the rate losses with ``encoder="nnls"``.
        Rows of W_1 sum to one, so it is per unit of rate mass. "auto" is 0.1 for "bernoulli", else
        0: where a row has every label of a concept, the Bernoulli likelihood alone has no maximum,
        and a few endless codes would decide what the levels above see.
    cooccurrence : {"auto", "explicit", "implicit"}, default="auto"
        How ``encoder="linear"`` applies C = Y'Y: counted once, so that a sweep costs nnz(C) k and
        rows can be added, or by Y and its transpose, 2 nnz(Y) k a sweep. "auto" is "explicit"
        unless rows are so long that C is certainly a burden.
    pretrain_iter : int, default=200
        Largest number of sweeps per level.
    max_iter : int, default=50
        Largest number of joint sweeps.
    tol : float, default=1e-4
        Stop when a sweep lowers the objective by less than this share of its first value; 0 runs
        exactly ``pretrain_iter`` and ``max_iter`` sweeps.
    random_state : int, RandomState or None
        Seed of the starts.
    n_threads : int or None
        Threads; None takes all. The result is the same, to the bit, for any number.
    verbose : int, default=0
        1 prints the objective after every joint sweep.
    callback : callable or None
        Called as ``callback(sweep, objective)``.
    checkpoint : path, Checkpoint or None
        File to write the state of a fit to, and to go on from where there is one; the result is the
        same, to the bit, as without. See :class:`nnae.Checkpoint`.

    Attributes
    ----------
    weights_ : list of ndarray
        W_1 (k_1 x L), W_2 (k_2 x k_1), ...; rows sum to one, concepts come by falling mass.
    codes_ : list of ndarray
        Z_1 (n x k_1), Z_2 (n x k_2), ... of the training rows, as ``transform`` gives them. After
        a fit over blocks one row a level, the sums over all training rows.
    encoder_weights_ : list of ndarray or None
        V_1 (L x k_1), V_2 (k_1 x k_2), ... of ``encoder="linear"``.
    layer_sizes_ : tuple of int
        Widths used.
    loss_, loss_curve_, n_iter_ : float, list of float, int
        Joint objective after each sweep (of level 1 where there are no joint sweeps).
    pretraining_curves_ : list of list of float
        Objective of every level during pretraining.
    loss_name_, label_names_, seconds_ : str, ndarray of str, float
    feature_weight_ : float
        Weight used.
    feature_weights_ : ndarray or None
        U (k_1 x d, or k_1 x 2d after splitting: all positive parts, then all negative ones).
    feature_encoder_ : ndarray or None
        V_X (d x k_1) of ``encoder="linear"``: :math:`Z_1 = Y V_1 + X V_X`.
    feature_weight_scores_ : dict
        With "auto": candidates and the mean log-likelihood of a held-out label under each.
    label_linkage_, label_counts_, label_evidence_ : ndarray, ndarray, dict
        Of feature-aware models (``feature_weight`` not 0) of at most 5,000 labels, else None: the
        tree of labels that resemble each other, see :meth:`nnae.LabelHierarchy.from_labels`.

    Notes
    -----
    A sweep over level l costs what one of :class:`nnae.NMF` does on Z_{l-1}; with
    ``encoder="linear"`` nnz(C) k + L k^2, where C = Y'Y. Kang et al. (2019) for the method, whose
    training is not described: multiplicative updates and levels with own codes are this
    package's choice; De Handschutter and Gillis (2023) for layer-centric losses.

    Examples
    --------
    >>> import nnae
    >>> planted = nnae.datasets.make_label_hierarchy(200, random_state=0)
    >>> model = nnae.NNAE((12, 3), random_state=0).fit(planted.Y)
    >>> [W.shape for W in model.weights_]
    [(12, 72), (3, 12)]
    """

    def __init__(
        self,
        layer_sizes: Any = "auto",
        *,
        loss: str = "auto",
        encoder: str = "nnls",
        objective: str = "levels",
        feature_weight: float | str = 0.0,
        solver: str = "auto",
        init: str = "auto",
        code_penalty: str | float = "auto",
        cooccurrence: str = "auto",
        pretrain_iter: int = 200,
        max_iter: int = 50,
        tol: float = 1e-4,
        random_state: Any = None,
        n_threads: int | None = None,
        verbose: int = 0,
        callback: Callback | None = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
    ) -> None:
        self.layer_sizes = layer_sizes
        self.loss = loss
        self.encoder = encoder
        self.objective = objective
        self.feature_weight = feature_weight
        self.solver = solver
        self.init = init
        self.code_penalty = code_penalty
        self.cooccurrence = cooccurrence
        self.pretrain_iter = pretrain_iter
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_threads = n_threads
        self.verbose = verbose
        self.callback = callback
        self.checkpoint = checkpoint

    def fit(self, Y: Any, y: Any = None, *, X: Any = None, sample_weight: Any = None) -> NNAE:
        """Compress Y.

        Parameters
        ----------
        Y : sparse matrix, array, DataFrame, list of label sets, or row blocks
            n examples, L labels, non-negative. Blocks (:func:`nnae.io.row_blocks`, or a path) are
            read once, with ``encoder="linear"``, in memory that does not grow with n.
        y : ignored
            For scikit-learn's pipelines.
        X : sparse matrix, array or DataFrame of shape (n, d), optional
            Features of the same rows; needed unless ``feature_weight`` is 0, which ignores them.
        sample_weight : array of shape (n,), optional
            Non-negative weight of each example's loss.

        Returns
        -------
        NNAE
            The fitted model.

        Raises
        ------
        ValueError
            Negative or missing values, an empty matrix, an unknown option, widths that do not
            decrease.
        """
        blocks = as_blocks(Y)
        if blocks is not None:
            if sample_weight is not None:
                raise ValueError("sample_weight must be None for a fit over blocks")
            return self._fit_blocks(blocks)
        matrix, space = encode_labels(Y, dtype=label_dtype(Y))
        problem = self._problem(matrix, check_sample_weight(sample_weight, matrix.shape[0]))
        features = features_of(self.feature_weight, self.objective, X, matrix)
        beside = None if features is None else features.matrix
        with checkpointing(
            self.checkpoint, lambda: identity_of(self, matrix, problem.sample_weight, beside)
        ):
            fitted, about = fit_with_features(
                problem, features, self.encoder, self.feature_weight, self.random_state
            )
        for name, value in about.items():
            setattr(self, name, value)
        self._keep(fitted, problem, space)
        return self

    def _fit_blocks(self, blocks: RowBlocks) -> NNAE:
        with checkpointing(self.checkpoint, lambda: identity_of(self, blocks.identity)):
            return self.take_counts(*count_blocks(self, blocks))

    def take_counts(self, sums: RowSums, space: LabelSpace) -> NNAE:
        """Become fitted on counts of labels alone."""
        fitted, problem = fit_counts(self, sums)
        for name, value in NO_FEATURES.items():
            setattr(self, name, value)
        self._keep(fitted, problem, space)
        return self

    def _problem(self, matrix: Any, sample_weight: Array | None) -> Problem:
        check_choice("encoder", self.encoder, tuple(ENCODERS))
        check_choice("objective", self.objective, ("levels", "chain"))
        check_choice("solver", self.solver, ("auto", *SOLVERS))
        check_choice("init", self.init, ("auto", "random", "nndsvd", "nndsvda"))
        linear = ENCODERS[self.encoder].linear
        if linear and self.objective == "chain":
            raise ValueError("objective='chain' needs encoder='nnls'; got 'linear'")
        schedule = Schedule(
            solver="cd" if self.solver == "auto" else self.solver,
            init=self.init,
            pretrain_iter=check_count("pretrain_iter", self.pretrain_iter),
            max_iter=check_count("max_iter", self.max_iter),
            tol=check_tolerance("tol", self.tol),
            n_threads=resolve_threads(self.n_threads),
        )
        return Problem(
            Y=matrix,
            sizes=check_widths(self.layer_sizes, *matrix.shape),
            loss=choose_loss(self.loss, matrix, linear=linear),
            objective=self.objective,
            schedule=schedule,
            random_state=check_random_state(self.random_state),
            penalty=self._penalty(choose_loss(self.loss, matrix, linear=linear)),
            sample_weight=sample_weight,
            callback=reporter(self.callback, self.verbose, "NNAE"),
            cooccurrence=self.cooccurrence,
        )

    def _penalty(self, loss: str) -> float:
        if isinstance(self.code_penalty, str):
            check_choice("code_penalty", self.code_penalty, ("auto",))
            return BERNOULLI_PENALTY if loss == "bernoulli" else 0.0
        penalty = check_tolerance("code_penalty", self.code_penalty)
        if penalty and loss == "frobenius":
            raise ValueError(f"code_penalty needs a rate loss; got {penalty:g} with 'frobenius'")
        return penalty

    def _keep(self, fitted: Fitted, problem: Problem, space: LabelSpace) -> None:
        self.label_names_ = np.array(space.names, dtype=object)
        self.n_features_in_ = len(space)
        self.layer_sizes_ = problem.sizes
        self.loss_name_ = problem.loss
        self.code_penalty_ = problem.penalty
        self.weights_ = fitted.weights
        self.codes_ = fitted.codes
        self.encoder_weights_ = fitted.encoder_weights
        self.counts_ = fitted.counts.matrix if fitted.counts is not None else None
        self.loss_curve_ = fitted.history.curve
        self.loss_ = fitted.history.curve[-1]
        self.n_iter_ = len(fitted.history.curve)
        self.pretraining_curves_ = fitted.pretraining
        self.seconds_ = fitted.history.seconds
        if fitted.history.interrupted:
            raise KeyboardInterrupt("the fit was interrupted; the model holds its last sweep")

    def partial_fit(self, Y: Any, y: Any = None) -> NNAE:
        """Add rows to the co-occurrence counts and fit again on all counts so far.

        Only for ``encoder="linear"``, where the cost does not depend on the rows seen before.
        ``codes_`` are those of the rows given last; use :meth:`transform` for others.

        Parameters
        ----------
        Y : matrix, array, DataFrame or list of label sets
            New examples with the labels of the first call.
        """
        if self.encoder != "linear":
            raise ValueError(f"partial_fit needs encoder='linear'; got {self.encoder!r}")
        if check_feature_weight(self.feature_weight) != 0:
            raise ValueError(f"partial_fit needs feature_weight=0; got {self.feature_weight!r}")
        if not hasattr(self, "weights_"):
            return self.fit(Y)
        if getattr(self, "counts_", None) is None:
            raise ValueError("partial_fit needs counts of the rows so far: cooccurrence='explicit'")
        matrix = self._labels().encode(Y, self.weights_[0].dtype)
        problem = self._problem(matrix, None)
        problem.sizes = self.layer_sizes_
        n_threads = problem.schedule.n_threads
        seen = Counts(self.counts_, n_threads)
        fitted = Linear().fit_counts(seen.plus(Counts.of_labels(matrix, n_threads)), problem)
        fitted.codes = linear_codes(matrix, fitted.encoder_weights or [], n_threads)
        self._keep(fitted, problem, self._labels())
        return self

    def fit_transform(self, Y: Any, y: Any = None, **fit_params: Any) -> Array:
        """Compress Y and return its codes of level 1, as ``fit(Y, X=X).transform(Y, X=X)``."""
        return self.fit(Y, **fit_params).transform(Y, X=fit_params.get("X"))

    def transform(self, Y: Any, level: int = 1, *, X: Any = None) -> Array:
        """Return the codes of examples at one level (n x k_level).

        Parameters
        ----------
        Y : matrix, array, DataFrame or list of label sets, or None
            Labels; names that were not seen in training are ignored with a warning. None, with X
            and a feature-aware model, infers codes from features alone.
        level : int, default=1
            1 is nearest the labels.
        X : sparse matrix, array or DataFrame of shape (n, d), optional
            Features of the same rows, which a model of labels alone ignores. Without them a
            feature-aware model infers codes from labels alone.
        """
        level = self._check_level(level)
        n_threads, dtype = resolve_threads(self.n_threads), self.weights_[0].dtype
        matrix = None
        if Y is not None:
            matrix = self._labels().encode(Y, dtype)
            if self.loss_name_ == "bernoulli":
                choose_loss("bernoulli", matrix)
        U = getattr(self, "feature_weights_", None)
        if U is None:
            if matrix is None:
                raise ValueError("Y must be given: this model was fitted on labels alone")
            return ENCODERS[self.encoder].encode(matrix, self, level, n_threads)
        features = None
        if X is not None:
            n_rows = None if matrix is None else matrix.shape[0]
            like = (U.shape[1], self.feature_split_)
            features = FeatureRows.of(X, n_rows, dtype, like=like).matrix
        elif matrix is None:
            raise ValueError("Y or X must be given; got neither")
        return SHARED_ENCODERS[self.encoder].encode(matrix, features, self, level, n_threads)

    def inverse_transform(self, Z: Any, level: int = 1) -> Array:
        """Return the rates Z_l W_l ... W_1 (n x L, dense) of codes of one level."""
        level = self._check_level(level)
        n_threads = resolve_threads(self.n_threads)
        for W in reversed(self.weights_[:level]):
            Z = dense_rates(Z, W, n_threads)
        return np.asarray(Z)

    def concepts(self, level: int) -> Array:
        """Return the concepts of a level as distributions over labels (k_level x L)."""
        level = self._check_level(level)
        return concepts_by_label(self.weights_, level)

    def _check_level(self, level: Any) -> int:
        check_is_fitted(self, "weights_")
        number = check_count("level", level)
        if number > len(self.weights_):
            raise ValueError(f"level must be at most {len(self.weights_)}; got {number}")
        return number

    def _labels(self) -> LabelSpace:
        check_is_fitted(self, "weights_")
        return LabelSpace(tuple(map(str, self.label_names_)))
