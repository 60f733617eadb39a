"""The deep non-negative autoencoder."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from nnae._block_codes import CodedBlocks
from nnae._block_fits import check_blocks_alone
from nnae._cells import Cells, weigh_cells
from nnae._checkpoint import Checkpoint, checkpointing, identity_of
from nnae._concept_rules import hoyer_sparseness
from nnae._counted_fits import CountedFits
from nnae._encoders import ENCODERS
from nnae._feature_encoders import SHARED_ENCODERS
from nnae._feature_fit import features_of, fit_with_features
from nnae._feature_rows import FeatureRows
from nnae._labels import LabelSpace, encode_labels
from nnae._mask import check_propensities, hide_unknown
from nnae._normal_form import concepts_by_label
from nnae._plan import check_encoder, loss_of, plan_fit
from nnae._problem import Fitted, Problem
from nnae._solvers import Callback
from nnae._threads import resolve_threads
from nnae._validation import check_count, check_sample_weight, choose_loss, label_dtype
from nnae.factorise import dense_rates, reporter
from nnae.io._row_blocks import as_blocks

Array = npt.NDArray[Any]


class NNAE(CountedFits, CodedBlocks, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):  # type: ignore
    r"""Compress labels by a deep non-negative autoencoder.

    Every level has codes of its own. Level 1 models the labels by rates
    :math:`\Lambda_1 = Z_1 W_1`; level l models the codes below it, :math:`Z_{l-1} \approx Z_l W_l`.
    The joint objective is :math:`\sum_l \lambda_l D_l(Z_{l-1}, Z_l W_l)` with :math:`Z_0 = Y`, rows
    of every :math:`W_l` at sum one, and :math:`\lambda_l` one over the error of level l after
    layer-wise pretraining. Rows of :math:`W_l` are concepts, their columns are the children.

    Parameters
    ----------
    layer_sizes : "auto" or sequence of int, default="auto"
        Widths k_1 > k_2 > ... > k_D. "auto" begins at 0.6 L (at most 300, at most n), because
        ranking wants wide codes, and falls by a factor of five down to four or more, because
        reading wants narrow ones; it looks at n and L alone. `nnae.choose_rank` measures a width.
        Widths above L are reduced with a warning.
    loss : {"auto", "bernoulli", "kullback-leibler", "frobenius"}, default="auto"
        Loss of level 1, see :class:`nnae.NMF`. "auto" is "bernoulli" for 0/1 labels with
        ``encoder="nnls"``, else "frobenius". Levels above use Kullback-Leibler, or Frobenius above
        Frobenius.
    encoder : {"nnls", "linear", "tied", "relu"}, default="nnls"
        "nnls": codes of least loss given the weights. "linear": :math:`Z_1 = Y V_1`, Frobenius,
        fitted on the co-occurrence of labels at a cost that does not depend on the rows. "tied": as
        "linear" with :math:`V_1 = W_1'` but for the scale of concepts. "relu":
        :math:`Z_1 = \max(0, Y V_1 + b_1)`, trained on batches of rows by Adam with V and W
        projected to be non-negative, as neural networks are; a pass that raises the loss is undone.
        Levels of the last three are fitted one after the other.
    objective : {"levels", "chain"}, default="levels"
        "chain" is the last level's reconstruction :math:`D(Y, Z_D W_D \cdots W_1)`, for comparison
        with the literature ("nnls", and "relu", which trains all levels end to end then): it has
        the rank of the last level alone.
    feature_weight : float or "auto", default=0.0
        Weight a of features beside labels: level 1 minimises
        :math:`D(Y, Z_1 W_1) + a^2 D_X(X, Z_1 U)` with codes that both share and rows of X scaled
        to length one; :math:`D_X` is Frobenius for "frobenius" labels, else Kullback-Leibler.
        Features with negative values are split into two. 0 compresses labels alone. "auto" takes
        the weight (0 among them) under which labels of held-out rows are likeliest, their codes
        inferred from features alone. Levels above model the shared codes.
    solver : {"auto", "cd", "mu"}, default="auto"
        Solver of pretraining, see :class:`nnae.NMF`. Joint sweeps are multiplicative.
    init : str or list of (W, H), default="auto"
        Start of every level, "auto", "random", "nndsvd", "nndsvda" or "nndsvdar", see
        :class:`nnae.NMF`. With "auto" level 1 of at most 2,000 labels, four or more a concept,
        starts from clusters of labels instead where ten sweeps lead further from there. A list
        gives codes (n x k_l) and weights (k_l x k_{l-1}) of every level (``encoder="nnls"``).
    n_init : int, default=1
        Fits, of which the one with the lowest error of level 1 is kept. With ``init="auto"`` those
        after the first start at random.
    code_penalty : "auto" or float, default="auto"
        L1 penalty :math:`a \sum Z_1` on the codes of level 1, at least 0 (``encoder="nnls"``).
        Rows of W_1 sum to one, so it is per unit of rate mass. "auto" is 0.1 for "bernoulli", else
        0: where a row has every label of a concept, the Bernoulli likelihood alone has no maximum,
        and a few endless codes would decide what the levels above see.
    cooccurrence : {"auto", "explicit", "implicit"}, default="auto"
        How ``encoder="linear"`` applies C = Y'Y: counted once, so that a sweep costs nnz(C) k and
        rows can be added, or by Y and its transpose, 2 nnz(Y) k a sweep. "auto" is "explicit"
        unless rows are so long that C is certainly a burden.
    code_l2 : float, default=0.0
        L2 penalty :math:`\frac{a}{2} \sum Z_1^2`, likewise.
    sparseness : float or list of float or None, default=None
        Least sparseness of Hoyer (2004), in [0, 1), of every concept of every level (or of each
        level): :math:`(\sqrt m - |w|_1 / |w|_2) / (\sqrt m - 1)` is 0 for m equal weights and 1 for
        a single one. Weights are projected (``encoder="nnls"``).
    orthogonality : float, default=0.0
        Weight g of overlap of concepts: the objective of level l gains
        :math:`g s_l \sum_{p<q} w_p \cdot w_q` over rows of W_l, with s_l the sum of what the level
        models (of its squares under Frobenius) (``encoder="nnls"``).
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
    codes_folder : path or None
        New folder for the codes of a fit over row blocks with ``encoder="nnls"``, see
        :class:`nnae.NMF`; ``codes_1.npy``, ``codes_2.npy``, ... in the end.

    Attributes
    ----------
    weights_ : list of ndarray
        W_1 (k_1 x L), W_2 (k_2 x k_1), ...; rows sum to one, concepts come by falling mass.
    codes_ : list of ndarray
        Z_1 (n x k_1), Z_2 (n x k_2), ... of the training rows, as ``transform`` gives them. After
        a fit over blocks one row a level, the sums over all training rows.
    encoder_weights_ : list of ndarray or None
        V_1 (L x k_1), V_2 (k_1 x k_2), ... of "linear", "tied" and "relu".
    encoder_biases_ : list of ndarray or None
        b_1 (k_1), b_2 (k_2), ... of "relu".
    sparseness_ : list of ndarray
        Hoyer's sparseness of every concept, by level.
    init_losses_ : ndarray of shape (n_init, D)
        Errors of the levels at the end of every fit (one of the whole for a chain).
    propensities_ : ndarray of shape (L,) or None
        Those given to fit; :meth:`transform` weighs positives by them too.
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
        init: Any = "auto",
        n_init: int = 1,
        code_penalty: str | float = "auto",
        cooccurrence: str = "auto",
        code_l2: float = 0.0,
        sparseness: Any = None,
        orthogonality: float = 0.0,
        pretrain_iter: int = 200,
        max_iter: int = 50,
        tol: float = 1e-4,
        random_state: Any = None,
        n_threads: int | None = None,
        verbose: int = 0,
        callback: Callback | None = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        codes_folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.layer_sizes = layer_sizes
        self.loss = loss
        self.encoder = encoder
        self.objective = objective
        self.feature_weight = feature_weight
        self.solver = solver
        self.init = init
        self.n_init = n_init
        self.code_penalty = code_penalty
        self.cooccurrence = cooccurrence
        self.code_l2 = code_l2
        self.sparseness = sparseness
        self.orthogonality = orthogonality
        self.pretrain_iter = pretrain_iter
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_threads = n_threads
        self.verbose = verbose
        self.callback = callback
        self.checkpoint = checkpoint
        self.codes_folder = codes_folder

    def fit(
        self,
        Y: Any,
        y: Any = None,
        *,
        X: Any = None,
        sample_weight: Any = None,
        mask: Any = None,
        propensities: Any = None,
    ) -> NNAE:
        """Compress Y.

        Parameters
        ----------
        Y : sparse matrix, array, DataFrame, list of label sets, or row blocks
            n examples, L labels, non-negative. Blocks (:func:`nnae.io.row_blocks`, or a path) are
            read once with ``encoder="linear"`` or "tied", once a sweep with "nnls", in memory that
            does not grow with n; see :class:`nnae.NMF` for where sweeps start.
        y : ignored
            For scikit-learn's pipelines.
        X : sparse matrix, array or DataFrame of shape (n, d), optional
            Features of the same rows; needed unless ``feature_weight`` is 0, which ignores them.
        sample_weight : array of shape (n,), optional
            Non-negative weight of each example's loss.
        mask : sparse matrix, array or DataFrame of shape (n, L), optional
            Nonzero where Y is known, see :meth:`nnae.NMF.fit` (``encoder="nnls"``).
        propensities : array of shape (L,), optional
            Probability that a label which is there was recorded, see :meth:`nnae.NMF.fit`.

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
            check_blocks_alone(sample_weight=sample_weight, mask=mask, propensities=propensities)
            return self._fit_blocks(blocks)
        check_encoder(self, cells=mask is not None or propensities is not None)
        matrix, space = encode_labels(Y, dtype=label_dtype(Y))
        matrix, known = hide_unknown(matrix, mask, space.names)
        weights = check_sample_weight(sample_weight, matrix.shape[0])
        self.propensities_ = check_propensities(propensities, matrix.shape[1])
        loss = loss_of(self, matrix)
        matrix, cells = weigh_cells(matrix, loss, known, self.propensities_, weights)
        problem = self._problem(matrix, weights, loss, cells)
        features = features_of(self.feature_weight, X, matrix)
        beside = None if features is None else features.matrix
        counted = None if cells is None else cells.matrix
        with checkpointing(
            self.checkpoint, lambda: identity_of(self, matrix, weights, beside, counted)
        ):
            fitted, about = fit_with_features(
                problem, features, self.encoder, self.feature_weight, self.random_state, self.n_init
            )
        for name, value in about.items():
            setattr(self, name, value)
        self._keep(fitted, problem, space)
        return self

    def _problem(
        self, matrix: Any, weights: Array | None, loss: str, cells: Cells | None = None
    ) -> Problem:
        report = reporter(self.callback, self.verbose, "NNAE")
        return plan_fit(self, matrix, loss, weights, cells, report)

    def _keep(self, fitted: Fitted, problem: Problem, space: LabelSpace) -> None:
        self.label_names_ = np.array(space.names, dtype=object)
        self.n_features_in_ = len(space)
        self.layer_sizes_ = problem.sizes
        self.loss_name_ = problem.loss
        self.code_penalty_ = problem.penalty
        self.weights_ = fitted.weights
        self.codes_ = fitted.codes
        self.encoder_weights_ = fitted.encoder_weights
        self.encoder_biases_ = fitted.encoder_biases
        self.sparseness_ = [hoyer_sparseness(W) for W in fitted.weights]
        self.counts_ = fitted.counts.matrix if fitted.counts is not None else None
        self.loss_curve_ = fitted.history.curve
        self.loss_ = fitted.history.curve[-1]
        self.n_iter_ = len(fitted.history.curve)
        self.pretraining_curves_ = fitted.pretraining
        self.seconds_ = fitted.history.seconds
        if fitted.history.interrupted:
            raise KeyboardInterrupt("the fit was interrupted; the model holds its last sweep")

    def fit_transform(self, Y: Any, y: Any = None, **fit_params: Any) -> Array:
        """Compress Y and return its codes of level 1, as ``fit(Y, X=X).transform(Y, X=X)``."""
        X, mask = fit_params.get("X"), fit_params.get("mask")
        found: Array = self.fit(Y, **fit_params).transform(Y, X=X, mask=mask)
        return found

    def transform(self, Y: Any, level: int = 1, *, X: Any = None, mask: Any = None) -> Any:
        """Return the codes of examples at one level (n x k_level).

        Parameters
        ----------
        Y : matrix, array, DataFrame, list of label sets, row blocks, or None
            Labels, in blocks for an iterator over their codes; names that were not seen in training
            are ignored with a warning. None, with X and a feature-aware model, infers codes from
            features alone.
        level : int, default=1
            1 is nearest the labels.
        X : sparse matrix, array or DataFrame of shape (n, d), optional
            Features of the same rows, which a model of labels alone ignores. Without them a
            feature-aware model infers codes from labels alone.
        mask : sparse matrix, array or DataFrame of shape (n, L), optional
            Nonzero where Y is known (``encoder="nnls"`` without features).
        """
        level = self._check_level(level)
        check_encoder(self, cells=mask is not None)
        blocks = as_blocks(Y)
        if blocks is not None:
            check_blocks_alone(X=X, mask=mask)
            return self._codes_of_blocks(blocks, partial(self.transform, level=level))
        n_threads, dtype = resolve_threads(self.n_threads), self.weights_[0].dtype
        matrix = cells = None
        if Y is not None:
            matrix, known = hide_unknown(self._labels().encode(Y, dtype), mask)
            if self.loss_name_ == "bernoulli":
                choose_loss("bernoulli", matrix)
            propensities = getattr(self, "propensities_", None)
            matrix, cells = weigh_cells(matrix, self.loss_name_, known, propensities)
        U = getattr(self, "feature_weights_", None)
        if U is None:
            if matrix is None:
                raise ValueError("Y must be given: this model was fitted on labels alone")
            return ENCODERS[self.encoder].encode(matrix, self, level, n_threads, cells)
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
