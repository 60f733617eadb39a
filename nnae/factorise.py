"""Sparse non-negative matrix factorisation of labels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from nnae import _core
from nnae._block_codes import CodedBlocks
from nnae._block_fits import check_blocks_alone, fit_factorisation
from nnae._cell_factors import factors_of
from nnae._cells import weigh_cells
from nnae._checkpoint import Checkpoint, checkpointing, identity_of
from nnae._distinct import Distinct
from nnae._factors import clear_floor
from nnae._initialise import initial_factors, repeated_starts
from nnae._labels import LabelSpace, encode_labels
from nnae._mask import check_propensities, hide_unknown
from nnae._rows import codes_of_rows
from nnae._solvers import SOLVERS, Callback, run_sweeps
from nnae._stationarity import STOPPING, Stationarity
from nnae._target import Target
from nnae._threads import resolve_threads
from nnae._validation import (
    check_choice,
    check_count,
    check_sample_weight,
    check_tolerance,
    choose_loss,
    label_dtype,
)
from nnae.io._row_blocks import RowBlocks, as_blocks

Array = npt.NDArray[Any]

#: Largest dense result that inverse_transform may return, in cells.
MAX_DENSE_CELLS = 200_000_000


class NMF(CodedBlocks, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    r"""Factorise a sparse non-negative matrix without ever making it dense.

    Minimises a loss :math:`D(Y, Z W)` over :math:`Z \ge 0` (n x k) and :math:`W \ge 0` (k x L):

    ===================  ==================================================================
    ``frobenius``        :math:`\sum_{ij} (Y_{ij} - \Lambda_{ij})^2`
    ``kullback-leibler`` :math:`\sum_{ij} Y \log (Y / \Lambda) - Y + \Lambda`
    ``bernoulli``        :math:`-\sum_{Y=1} \log(1 - e^{-\Lambda}) + \sum_{Y=0} \Lambda`,
                         the likelihood of 0/1 labels with :math:`P(y = 1) = 1 - e^{-\Lambda}`
    ===================  ==================================================================

    with :math:`\Lambda = Z W`. All three are evaluated at the non-zeros only. Cells that are not
    known can be left out, and labels that go missing made up for, see :meth:`fit`.

    Parameters
    ----------
    n_components : int, default=100
        Number of concepts k, at least 1.
    loss : {"auto", "bernoulli", "kullback-leibler", "frobenius"}, default="auto"
        "auto" is "bernoulli" where every value is 0 or 1, else "frobenius".
    solver : {"auto", "cd", "mu"}, default="auto"
        "mu" are multiplicative updates, the reference; "cd" (and "auto") is coordinate descent.
    init : {"auto", "random", "nndsvd", "nndsvda", "nndsvdar"} or (W, H), default="auto"
        Start. "nndsvd" takes it from a randomised singular value decomposition, its zeros filled
        with the mean ("nndsvda") or small random numbers ("nndsvdar"). "auto" is "nndsvda" where k
        is below n and L, else "random". A pair gives codes (n x k) and weights (k x L).
    n_init : int, default=1
        Fits, of which the one with the lowest objective is kept; with ``init="auto"`` those after
        the first start at random.
    max_iter : int, default=200
        Largest number of sweeps (codes, then weights).
    tol : float, default=1e-4
        Stop when a sweep lowers the objective by less than this share of its first value; 0 runs
        exactly ``max_iter`` sweeps.
    stopping : {"decrease", "gradient"}, default="decrease"
        What ``tol`` is compared with. "gradient" is the norm of the projected gradient by its norm
        at the start (Lin 2007), which is small near stationary points alone, where a slow fit also
        lowers the objective by little; every tenth sweep is looked at, which costs about a sweep.
        Not for row blocks.
    random_state : int, RandomState or None
        Seed of random starts.
    n_threads : int or None
        Threads; None takes all. The result is the same, to the bit, for any number.
    verbose : int, default=0
        1 prints the objective after every sweep.
    callback : callable or None
        Called as ``callback(sweep, objective)`` after every sweep.
    checkpoint : path, Checkpoint or None
        File to write the state of a fit to, and to go on from where there is one; the result is the
        same, to the bit, as without. See :class:`nnae.Checkpoint`.
    codes_folder : path or None
        New folder for the codes of a fit over row blocks, n k numbers twice over (three times with
        a checkpoint). In the end it holds ``codes_1.npy``, the codes of all rows as
        :meth:`transform` finds them, which ``numpy.load(..., mmap_mode="r")`` maps. None keeps
        them among temporary files, or beside the checkpoint, until the fit is done.

    Attributes
    ----------
    components_ : ndarray of shape (k, L)
        Weights W.
    codes_ : ndarray of shape (n, k)
        Codes Z of the training rows after the last sweep. After a fit over blocks one row, their
        sums over all training rows.
    loss_, loss_curve_ : float, list of float
        Objective at the end, and after each sweep.
    init_losses_ : ndarray of shape (n_init,)
        Objective at the end of every fit.
    n_iter_, seconds_ : int, float
        Sweeps of the fit that was kept, and wall-clock time of all.
    propensities_ : ndarray of shape (L,) or None
        Those given to fit; :meth:`transform` weighs positives by them too.
    loss_name_ : str
        The loss that "auto" chose.
    label_names_ : ndarray of str of shape (L,)
        Names of the columns.

    Notes
    -----
    A sweep costs nnz k + (n + L) k^2 (frobenius) or nnz k (the others), in memory for the input,
    its transpose and the factors. Lee and Seung (2001); Cichocki and Phan (2009); Hsieh and Dhillon
    (2011); Zhou (2015) for the Bernoulli-Poisson link.

    Examples
    --------
    >>> import nnae
    >>> Y = [{"egg", "flour"}, {"egg", "flour"}, {"leek"}, {"leek", "potato"}, {"potato"}]
    >>> model = nnae.NMF(2, random_state=0).fit(Y)
    >>> model.components_.shape, list(model.label_names_)
    ((2, 4), ['egg', 'flour', 'leek', 'potato'])

    More rows than memory holds come in blocks, such as those of a file:

    >>> planted = nnae.datasets.make_label_hierarchy(300, random_state=0)
    >>> blocks = nnae.io.row_blocks((None, planted.Y), rows=100)
    >>> model = nnae.NMF(12, random_state=0).fit(blocks)
    >>> [codes.shape for codes in model.transform(blocks)]
    [(100, 12), (100, 12), (100, 12)]
    """

    def __init__(
        self,
        n_components: int = 100,
        *,
        loss: str = "auto",
        solver: str = "auto",
        init: Any = "auto",
        n_init: int = 1,
        max_iter: int = 200,
        tol: float = 1e-4,
        stopping: str = "decrease",
        random_state: Any = None,
        n_threads: int | None = None,
        verbose: int = 0,
        callback: Callback | None = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        codes_folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.n_components = n_components
        self.loss = loss
        self.solver = solver
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.stopping = stopping
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
        sample_weight: Any = None,
        mask: Any = None,
        propensities: Any = None,
    ) -> NMF:
        r"""Factorise Y.

        Parameters
        ----------
        Y : sparse matrix, array, DataFrame, list of label sets, or row blocks
            n examples, L labels, non-negative. Blocks (:func:`nnae.io.row_blocks`, or a path) are
            read once a sweep, in memory that does not grow with n: the weights start from a fit to
            at most 50,000 evenly spaced rows, see ``codes_folder`` for the codes. Sweeps update
            weights, then codes, and the objective is that after the codes.
        y : ignored
            For scikit-learn's pipelines.
        sample_weight : array of shape (n,), optional
            Non-negative weight of each example's loss.
        mask : sparse matrix, array or DataFrame of shape (n, L), optional
            Nonzero where Y is known. What Y holds elsewhere has no influence; a label without a
            known cell gets no weights, an example without one no codes. Costs k for each known
            cell or each unknown one, whichever are fewer.
        propensities : array of shape (L,), optional
            Probability p in (0, 1] that a label which is there was recorded, such as
            `nnae.metrics.propensities` estimates: every positive counts 1/p. The frobenius and
            kullback-leibler losses are then unbiased for complete labels; under bernoulli, where
            that estimate has no minimum, the loss of positives is weighted alone,
            :math:`-\frac{1}{p} \log(1 - e^{-\Lambda})`.

        Returns
        -------
        NMF
            The fitted model.

        Raises
        ------
        ValueError
            Negative or missing values, an empty matrix, an unknown option, a pair (W, H) of other
            shapes, a mask of another shape or without a known cell.
        """
        k = check_count("n_components", self.n_components)
        check_choice("solver", self.solver, ("auto", *SOLVERS))
        check_choice("stopping", self.stopping, STOPPING)
        blocks = as_blocks(Y)
        if blocks is not None:
            check_blocks_alone(sample_weight=sample_weight, mask=mask, propensities=propensities)
            if self.stopping != "decrease":
                raise ValueError(
                    f"stopping must be 'decrease' for row blocks; got {self.stopping!r}"
                )
            return self._fit_blocks(blocks)
        max_iter = check_count("max_iter", self.max_iter)
        tol = check_tolerance("tol", self.tol)
        n_threads = resolve_threads(self.n_threads)
        starts = repeated_starts(self.init, check_count("n_init", self.n_init))
        matrix, space = encode_labels(Y, dtype=label_dtype(Y))
        matrix, known = hide_unknown(matrix, mask, space.names)
        self.loss_name_ = choose_loss(self.loss, matrix)
        weights = check_sample_weight(sample_weight, matrix.shape[0])
        self.propensities_ = check_propensities(propensities, matrix.shape[1])
        matrix, cells = weigh_cells(matrix, self.loss_name_, known, self.propensities_, weights)
        random, losses, seconds = check_random_state(self.random_state), [], 0.0
        counted = None if cells is None else cells.matrix
        with checkpointing(self.checkpoint, lambda: identity_of(self, matrix, weights, counted)):
            for start in starts:
                own_Z, own_Wt = initial_factors(matrix, k, start, random)
                alike = self.solver != "mu" and isinstance(start, str) and start != "random"
                rows = Distinct.of(matrix, weights) if alike and cells is None else None
                own_same = Distinct(matrix, weights) if rows is None else rows
                own_Z = own_same.mean(own_Z)
                target = Target.of(own_same.matrix, own_same.weights)
                factors = factors_of(target, own_Z, own_Wt, self.loss_name_, n_threads, cells=cells)
                solver = SOLVERS["cd" if self.solver == "auto" else self.solver](factors)
                own = run_sweeps(
                    solver.sweep,
                    factors.objective,
                    max_iter=max_iter,
                    tol=tol,
                    callback=reporter(self.callback, self.verbose, "NMF"),
                    at_rest=Stationarity(factors, tol) if self.stopping == "gradient" else None,
                )
                losses.append(own.curve[-1])
                seconds += own.seconds
                if losses[-1] <= min(losses):
                    Z, Wt, history, same = own_Z, own_Wt, own, own_same
                if own.interrupted:
                    break
        self.label_names_ = np.array(space.names, dtype=object)
        self.n_features_in_ = len(space)
        self.n_components_ = k
        del factors, solver, own_Z, own_Wt  # what only the sweeps need
        clear_floor(Z)
        clear_floor(Wt)
        self.codes_ = same.spread(Z)
        self.components_ = np.ascontiguousarray(Wt.T)
        self.loss_curve_ = history.curve
        self.loss_ = history.curve[-1]
        self.n_iter_ = len(history.curve)
        self.init_losses_ = np.array(losses)
        self.seconds_ = seconds
        if own.interrupted:
            raise KeyboardInterrupt("the fit was interrupted; the model holds its last sweep")
        return self

    def _fit_blocks(self, blocks: RowBlocks) -> NMF:
        callback = reporter(self.callback, self.verbose, "NMF")
        with checkpointing(self.checkpoint, lambda: identity_of(self, blocks.identity)):
            found = fit_factorisation(self, blocks, resolve_threads(self.n_threads), callback)
        self.components_, self.codes_, history, first = found
        for name in ("loss_name_", "label_names_", "n_features_in_", "n_components_",
                     "propensities_", "init_losses_"):  # fmt: skip
            setattr(self, name, getattr(first, name))
        self.loss_curve_ = history.curve
        self.loss_ = history.curve[-1]
        self.n_iter_ = len(history.curve)
        self.seconds_ = history.seconds
        if history.interrupted:
            raise KeyboardInterrupt("the fit was interrupted; the model holds its last sweep")
        return self

    def fit_transform(self, Y: Any, y: Any = None, **fit_params: Any) -> Array:
        """Factorise Y and return its codes, exactly as ``fit(Y).transform(Y)`` does."""
        found: Array = self.fit(Y, **fit_params).transform(Y, mask=fit_params.get("mask"))
        return found

    def transform(self, Y: Any, *, mask: Any = None) -> Any:
        """Return the codes (n x k) that minimise the loss of every row, the weights fixed.

        Parameters
        ----------
        Y : matrix, array, DataFrame, list of label sets, or row blocks
            Labels of new examples; names that were not seen in training are ignored with a warning.
            For blocks the result is an iterator over their codes.
        mask : sparse matrix, array or DataFrame of shape (n, L), optional
            Nonzero where Y is known.
        """
        check_is_fitted(self, "components_")
        blocks = as_blocks(Y)
        if blocks is not None:
            check_blocks_alone(mask=mask)
            return self._codes_of_blocks(blocks, self.transform)
        loss, n_threads = self.loss_name_, resolve_threads(self.n_threads)
        matrix = self._labels().encode(Y, self.components_.dtype)
        matrix, known = hide_unknown(matrix, mask)
        choose_loss(loss, matrix)
        matrix, cells = weigh_cells(matrix, loss, known, getattr(self, "propensities_", None))
        Wt = np.ascontiguousarray(self.components_.T)
        return codes_of_rows(matrix, Wt, loss, n_threads, cells=cells)

    def inverse_transform(self, Z: Any) -> Array:
        """Return the rates Z W (n x L, dense); under ``bernoulli`` P(y = 1) is 1 - exp(-rate)."""
        check_is_fitted(self, "components_")
        return dense_rates(Z, self.components_, resolve_threads(self.n_threads))

    def _labels(self) -> LabelSpace:
        return LabelSpace(tuple(map(str, self.label_names_)))


def reporter(callback: Callback | None, verbose: int, name: str) -> Callback | None:
    """Combine the user's callback with printing."""
    if not verbose:
        return callback

    def report(sweep: int, objective: float) -> None:
        print(f"{name} sweep {sweep}: objective {objective:.8g}")
        if callback is not None:
            callback(sweep, objective)

    return report


def dense_rates(Z: Any, W: Array, n_threads: int) -> Array:
    """Return Z W, refusing results that nobody can hold."""
    Z = np.ascontiguousarray(Z, W.dtype)
    if Z.ndim != 2 or Z.shape[1] != W.shape[0]:
        raise ValueError(f"Z must have {W.shape[0]} columns; got shape {Z.shape}")
    if Z.shape[0] * W.shape[1] > MAX_DENSE_CELLS:
        raise ValueError(
            f"a dense result of {Z.shape[0]} x {W.shape[1]} is too large; pass fewer rows at a time"
        )
    out = np.empty((Z.shape[0], W.shape[1]), W.dtype)
    _core.multiply(Z, np.ascontiguousarray(W), out, n_threads)
    return out
