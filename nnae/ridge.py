"""Linear regression of many outputs, with its penalty chosen without refitting."""

from __future__ import annotations

import numbers
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from nnae import _core
from nnae._features import Array, Features, check_features, linear_map
from nnae._ridge_products import RidgeProducts
from nnae._ridge_solvers import SOLVERS, Question, least_gcv, usual_penalties
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count, check_sample_weight, check_tolerance

__all__ = ["MultiOutputRidge", "least_gcv"]


def _goes_on(model: MultiOutputRidge) -> bool:
    """Tell scikit-learn that without products a fit ends where it is."""
    if not model.keep_products and not hasattr(model, "products_"):
        raise AttributeError("partial_fit goes on from a fit with keep_products=True; this was not")
    return True


class MultiOutputRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Regress many outputs on sparse or dense features with a squared penalty.

    .. math:: \min_{B, b} \sum_i w_i \|t_i - b - B' x_i\|^2 + \alpha \|B\|^2

    The intercept b is not penalised; sparse features are centred implicitly. The penalty is the one
    with the least generalised cross-validation
    :math:`n \, RSS(\alpha) / (n - 1 - tr H_\alpha)^2`, found without refitting.

    Parameters
    ----------
    alpha : "gcv" or float, default="gcv"
        The penalty, at least 0 (above 0 for ``solver="cd"``), or how it is chosen.
    alphas : sequence of float or None, default=None
        Candidates for "gcv", above 0. None takes 28 from 1e-5 to 1e4 times the mean eigenvalue of
        the Gram matrix.
    per_output : bool, default=False
        True chooses one penalty for each output; False one for all.
    solver : {"auto", "eigen", "cg"}, default="auto"
        "eigen" decomposes the smaller Gram matrix and is exact; "cg" is matrix-free: Lanczos steps
        with random probes for the penalty, conjugate gradients for the weights. "auto" compares
        their costs.
    tol : float, default=1e-5
        "cg" stops when the residual of the normal equations falls to this share of its start.
    max_iter : int, default=500
        Largest number of steps of "cg".
    n_probes : int, default=16
        Random vectors that estimate the trace for "cg".
    random_state : int, RandomState or None, default=0
        Seed of the probes.
    keep_products : bool, default=False
        True keeps X'X (d x d) and the products of targets, so that :meth:`partial_fit` may go on
        from a fit.
    n_threads : int or None
        Threads; None takes all. The result is the same, to the bit, for any number.

    Attributes
    ----------
    coef_ : ndarray of shape (m, d), or (d,) for one-dimensional y
        Weights B'.
    intercept_ : ndarray of shape (m,), or float
        b.
    alpha_ : float, or ndarray of shape (m,) with ``per_output``
        The penalty used.
    alphas_ : ndarray of shape (n_alphas,)
        The candidates.
    gcv_curve_ : ndarray of shape (n_alphas,) or (n_alphas, m)
        Generalised cross-validation of each candidate.
    solver_ : str
        "eigen" or "cg".
    n_iter_ : int
        Steps taken.
    products_ : RidgeProducts
        With ``keep_products``, and after ``partial_fit``.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X had column names.

    Notes
    -----
    "eigen" costs :math:`n d r + 9 r^3` with r = min(n, d), "cg" about 50 times nnz(X) m.
    Rows of weight 0 count as if they were not there.
    Golub, Heath and Wahba (1979) for generalised cross-validation, Golub and von Matt (1997) for
    large problems.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.ridge import MultiOutputRidge
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 3))
    >>> model = MultiOutputRidge().fit(X, X @ np.eye(3) + 5)
    >>> model.predict(X[:1]).round(1).shape, bool(model.score(X, X + 5) > 0.99)
    ((1, 3), True)
    """

    def __init__(
        self,
        alpha: str | float = "gcv",
        *,
        alphas: Any = None,
        per_output: bool = False,
        solver: str = "auto",
        tol: float = 1e-5,
        max_iter: int = 500,
        n_probes: int = 16,
        random_state: Any = 0,
        keep_products: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.alphas = alphas
        self.per_output = per_output
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_probes = n_probes
        self.random_state = random_state
        self.keep_products = keep_products
        self.n_threads = n_threads

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MultiOutputRidge:
        """Fit weights and penalty.

        Parameters
        ----------
        X : sparse matrix or array of shape (n, d)
            float32 is kept; other types become float64.
        y : array of shape (n, m) or (n,)
            Targets.
        sample_weight : array of shape (n,) or float, optional
            Non-negative weights.

        Returns
        -------
        MultiOutputRidge
            The fitted model.

        Raises
        ------
        ValueError
            X and y of different lengths, NaN, an unknown solver, a negative penalty.
        """
        if y is None:
            raise ValueError("MultiOutputRidge requires y to be passed, but the target y is None")
        X = check_features(self, X, reset=True)
        T = check_array(y, ensure_2d=False, dtype=X.dtype, order="C", input_name="y")
        flat = T.ndim == 1
        T = T[:, None] if flat else T
        if T.shape[0] != X.shape[0]:
            raise ValueError(f"X has {X.shape[0]} rows, y has {T.shape[0]}")
        n_threads = resolve_threads(self.n_threads)
        weights = self._weights(sample_weight, X.shape[0])
        if self.keep_products:
            if weights is not None or self.per_output:
                raise ValueError(
                    "keep_products=True takes no sample_weight and one penalty for all"
                )
            self.products_ = RidgeProducts.of(X, T, n_threads)
        if weights is not None and not weights.all():
            X, T, weights = X[weights > 0], T[weights > 0], weights[weights > 0]
        features = Features(X, weights, n_threads)
        total = features.roots**2
        T = np.ascontiguousarray(T)
        mean = _core.column_sums(T, total, n_threads) / total.sum()
        centred = (T - mean) * features.roots[:, None]
        question = Question(
            features=features,
            T=np.ascontiguousarray(centred, X.dtype),
            alphas=self._candidates(features),
            per_output=bool(self.per_output),
            tol=check_tolerance("tol", self.tol),
            max_iter=check_count("max_iter", self.max_iter),
            n_probes=check_count("n_probes", self.n_probes),
            random=check_random_state(self.random_state),
        )
        self.solver_ = self._choose_solver(question)
        answer = SOLVERS[self.solver_].solve(question)
        if not answer.converged:
            warnings.warn(
                f"the ridge did not converge in {self.max_iter} steps to tol={self.tol:g}; raise "
                "max_iter, tol or the penalty",
                ConvergenceWarning,
                stacklevel=2,
            )
        B = np.ascontiguousarray(answer.B)
        shift = _core.column_sums(B * features.mean[:, None].astype(X.dtype), None, n_threads)
        intercept = (mean - shift).astype(X.dtype)
        self.coef_ = B[:, 0] if flat else B.T
        self.intercept_ = intercept[0] if flat else intercept
        self.alphas_ = question.alphas
        self.alpha_ = answer.alpha if self.per_output and not flat else float(answer.alpha[0])
        self.gcv_curve_ = answer.curve if self.per_output and not flat else answer.curve[:, 0]
        self.n_iter_ = answer.n_iter
        return self

    @available_if(_goes_on)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any) -> MultiOutputRidge:
        """Go on with more rows, as if all had been there from the start.

        Parameters
        ----------
        X : sparse matrix or array of shape (n, d)
        y : array of shape (n, m)
            Of the features and targets of earlier rows.

        Returns
        -------
        MultiOutputRidge
            Fitted to all rows seen. The penalty is chosen anew where it is "gcv", from the usual
            candidates.

        Raises
        ------
        AttributeError
            Without ``keep_products``.
        ValueError
            Other numbers of targets; ``per_output``.

        Notes
        -----
        Costs products of the new rows, and a Cholesky factor of d x d. Holds d x (d + 2 m) numbers.
        """
        first = not hasattr(self, "products_")
        if self.per_output:
            raise ValueError(
                "partial_fit takes one penalty for all outputs; per_output must be False"
            )
        X = check_features(self, X, reset=first)
        T = check_array(y, dtype=X.dtype, order="C", input_name="y")
        if T.shape[0] != X.shape[0]:
            raise ValueError(f"X has {X.shape[0]} rows, y has {T.shape[0]}")
        known = T.shape[1] if first else self.products_.cross.shape[1]
        if known != T.shape[1]:
            raise ValueError(f"y has {T.shape[1]} targets, earlier rows had {known}")
        threads = resolve_threads(self.n_threads)
        new = RidgeProducts.of(X, T, threads)
        self.products_ = new if first else self.products_.plus(new)
        alpha = None if isinstance(self.alpha, str) else float(self.alpha)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        found, penalty = self.products_.solve(alpha, seed, X.dtype, threads)
        self._take(found.coef, found.intercept, penalty.alphas, penalty.curve)
        self.alpha_ = penalty.alpha
        return self

    def take_solution(self, coef: Array, intercept: Array, alphas: Array, curve: Array) -> None:
        """Become fitted by a solution found elsewhere: weights (d x m) and intercepts (m)."""
        self._take(coef, intercept, alphas, curve)
        self.alpha_ = float(self.alpha)

    def _take(self, coef: Array, intercept: Array, alphas: Array, curve: Array) -> None:
        self.coef_ = coef.T
        self.intercept_ = intercept
        self.alphas_ = alphas
        self.gcv_curve_ = curve
        self.solver_ = "cholesky"
        self.n_iter_ = 1
        self.n_features_in_ = len(coef)

    def _weights(self, sample_weight: Any, n: int) -> Array | None:
        if isinstance(sample_weight, numbers.Real):
            sample_weight = np.full(n, float(sample_weight))
        return check_sample_weight(sample_weight, n)

    def _candidates(self, features: Features) -> Array:
        if not isinstance(self.alpha, str):
            if not isinstance(self.alpha, numbers.Real) or not 0 <= float(self.alpha) < np.inf:
                raise ValueError(f"alpha must be 'gcv' or a number of at least 0; got {self.alpha}")
            return np.array([float(self.alpha)])
        check_choice("alpha", self.alpha, ("gcv",))
        if self.alphas is None:
            return usual_penalties(features)
        alphas = np.unique(np.asarray(self.alphas, np.float64))
        if alphas.size == 0 or not np.isfinite(alphas).all() or alphas[0] <= 0:
            raise ValueError(f"alphas must be finite numbers above 0; got {self.alphas!r}")
        return alphas

    def _choose_solver(self, question: Question) -> str:
        check_choice("solver", self.solver, ("auto", *SOLVERS))
        if self.solver != "auto":
            return self.solver
        if question.alphas[0] == 0:  # conjugate gradients may crawl where nothing is penalised
            return "eigen"
        return min(SOLVERS, key=lambda name: SOLVERS[name].cost(question))

    def predict(self, X: Any) -> Array:
        """Return the outputs (n x m, or n for one-dimensional y) of new rows.

        A row's result does not depend on the rows beside it, nor on the number of threads.
        """
        check_is_fitted(self, "coef_")
        return self.outputs(check_features(self, X, reset=False))

    def outputs(self, X: Any) -> Array:
        """Return the outputs of rows that have been checked: :meth:`predict` without its checks."""
        weights = np.atleast_2d(self.coef_).T
        out = linear_map(
            X, weights, np.atleast_1d(self.intercept_), resolve_threads(self.n_threads)
        )
        return out if self.coef_.ndim == 2 else out[:, 0]

    def __sklearn_tags__(self) -> Any:
        """Declare sparse input and several outputs (scikit-learn 1.6 and later)."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"multioutput": True}
