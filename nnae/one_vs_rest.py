"""One sparse linear classifier a label: accurate, not compressed."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from nnae import _core
from nnae._features import check_features
from nnae._label_tags import LearnsLabels
from nnae._labels import LabelSpace, encode_labels
from nnae._linear_dual import Array, DualOptions, Problems, margins, train, unit_rows
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count, check_sample_weight, check_tolerance
from nnae.metrics import precision_at_k

#: Scores that are held at a time while rows are ranked.
BLOCK = 4_000_000
LOSSES = ("squared_hinge", "logistic")


class OneVsRestLinear(LearnsLabels, BaseEstimator):  # type: ignore[misc]
    r"""Learn one linear classifier a label, all at once, with sparse weights.

    .. math:: \min_w \tfrac12 \|(w, w_0)\|^2 + C \sum_i c_i \, \ell(y_i (w' x_i + w_0)), \quad
              \ell(m) = \max(0, 1 - m)^2 \text{ or } \log(1 + e^{-m})

    Parameters
    ----------
    loss : {"squared_hinge", "logistic"}, default="squared_hinge"
    C : float, default=0.5
        Weight of the losses, above 0.
    prune : float, default=0.0
        Weights up to this size are dropped after training, at least 0.
    normalize : bool, default=True
        Divide rows of X by their Euclidean norms, in training and prediction.
    tol : float, default=0.1
        A classifier is finished when its projected gradients differ by at most this.
    max_iter : int, default=20
        Largest number of passes over the rows.
    n_threads : int or None
        Threads; None takes all. The result is the same, to the bit, for any number.
    random_state : int, RandomState or None, default=0
        Order in which rows are visited.

    Attributes
    ----------
    weights_ : csr_matrix of float32, shape (d, L)
        Weights of features; of rows of norm one where ``normalize``.
    coef_ : csr_matrix of float32, shape (L, d)
        Their transpose.
    intercept_ : ndarray of float32, shape (L,)
    label_names_ : ndarray of str
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X had column names.

    Notes
    -----
    A label that no row has gets the classifier of "never". Rows of weight 0 count as if they were
    not there. Dual coordinate descent costs about nnz(X) L a pass, for sixteen labels at a time;
    rows that cannot change a classifier are left out. Hsieh et al. (2008), A dual coordinate
    descent method for large-scale linear SVM.

    Examples
    --------
    >>> import nnae
    >>> from nnae.one_vs_rest import OneVsRestLinear
    >>> data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    >>> X = data.Y.toarray()[:, ::2]  # half of the labels as features of the others
    >>> model = OneVsRestLinear().fit(X, data.Y[:, 1::2])
    >>> model.coef_.shape, model.predict_topk(X[:2], k=3)[0].shape
    ((36, 36), (2, 3))
    """

    def __init__(
        self,
        loss: str = "squared_hinge",
        *,
        C: float = 0.5,
        prune: float = 0.0,
        normalize: bool = True,
        tol: float = 0.1,
        max_iter: int = 20,
        n_threads: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.loss = loss
        self.C = C
        self.prune = prune
        self.normalize = normalize
        self.tol = tol
        self.max_iter = max_iter
        self.n_threads = n_threads
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, label_names: Any = None
    ) -> OneVsRestLinear:
        """Train one classifier a label.

        Parameters
        ----------
        X : sparse matrix, array or DataFrame of shape (n, d)
            Features, finite; float32 is kept.
        y : sparse matrix, array, DataFrame, or list of label sets
            Labels of the same rows; above zero means that a row has the label.
        sample_weight : array of shape (n,), optional
            Non-negative factors of the losses of rows.
        label_names : sequence of str, optional
            Overrides the names that y carries.

        Returns
        -------
        OneVsRestLinear
            The fitted model.

        Raises
        ------
        ValueError
            Rows that differ in number, NaN, negative labels, an unknown loss, C not above 0.
        """
        if y is None:
            raise ValueError("OneVsRestLinear requires y to be passed, but the target y is None")
        options = self._options()
        X = check_features(self, X, reset=True)
        if hasattr(y, "__array__") and not hasattr(y, "ndim"):
            y = np.asarray(y)
        labels, space = encode_labels(y, label_names, X.dtype)
        if labels.shape[0] != X.shape[0]:
            raise ValueError(f"Y has {labels.shape[0]} rows, X has {X.shape[0]}")
        weights = check_sample_weight(sample_weight, X.shape[0])
        if weights is not None and not weights.all():
            X, labels, weights = X[weights > 0], labels[weights > 0], weights[weights > 0]
        labels.eliminate_zeros()
        threads = resolve_threads(self.n_threads)
        problems = Problems.one_vs_rest(labels)
        W, self.intercept_ = train(self._rows(X), problems, options, weights, threads)
        self.weights_ = sp.csr_matrix(W.T)
        self.label_names_ = np.array(space.names, dtype=object)
        return self

    @property
    def coef_(self) -> sp.csr_matrix:
        """Weights, one row a label (L x d, csr)."""
        check_is_fitted(self, "weights_")
        return sp.csr_matrix(self.weights_.T)

    def _options(self) -> DualOptions:
        C = check_tolerance("C", self.C)
        if C == 0:
            raise ValueError("C must be above 0; got 0")
        return DualOptions(
            loss=check_choice("loss", self.loss, LOSSES),
            C=C,
            tol=check_tolerance("tol", self.tol),
            prune=check_tolerance("prune", self.prune),
            max_iter=check_count("max_iter", self.max_iter),
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
        )

    def _rows(self, X: Any) -> sp.csr_matrix:
        return unit_rows(X) if self.normalize else sp.csr_matrix(X)

    def decision_function(self, X: Any) -> Array:
        """Return the margins w'x + w_0 of all labels (n x L, dense)."""
        check_is_fitted(self, "weights_")
        rows = self._rows(check_features(self, X, reset=False))
        return margins(rows, self.weights_, self.intercept_, resolve_threads(self.n_threads))

    def predict_topk(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Return the k best labels of each row (int64, n x k) and their margins, best first.

        With k above L the last places hold -1 and -inf.
        """
        check_is_fitted(self, "weights_")
        k = check_count("k", k)
        rows = self._rows(check_features(self, X, reset=False))
        threads = resolve_threads(self.n_threads)
        step = max(1, BLOCK // max(1, len(self.intercept_)))
        parts = []
        for start in range(0, rows.shape[0], step):
            block = margins(rows[start : start + step], self.weights_, self.intercept_, threads)
            parts.append(_core.topk_dense(block, k, threads))
        indices, scores = zip(*parts, strict=True)
        return np.vstack(indices), np.vstack(scores)

    def predict_proba(self, X: Any) -> Array:
        """Return probabilities (n x L): the sigmoid of the margin, or exp(-max(0, 1 - m)^2).

        The second is for the squared hinge; it is not calibrated.
        """
        return probabilities(self.decision_function(X), self.loss)

    def predict(self, X: Any) -> sp.csr_matrix:
        """Return the labels of margin above 0 (n x L, csr of 0/1, uint8)."""
        check_is_fitted(self, "weights_")
        rows = self._rows(check_features(self, X, reset=False))
        threads = resolve_threads(self.n_threads)
        step = max(1, BLOCK // max(1, len(self.intercept_)))
        blocks = [
            sp.csr_matrix(
                margins(rows[at : at + step], self.weights_, self.intercept_, threads) > 0
            )
            for at in range(0, rows.shape[0], step)
        ]
        return sp.csr_matrix(sp.vstack(blocks, format="csr"), dtype=np.uint8)

    def score(self, X: Any, y: Any) -> float:
        """Return the precision of the best label, P@1, on labels y of the rows of X."""
        ranking = self.predict_topk(X, 1)[0]
        truth = LabelSpace(tuple(map(str, self.label_names_))).encode(y, np.float64)
        if truth.shape[0] != len(ranking):
            raise ValueError(f"Y has {truth.shape[0]} rows, X has {len(ranking)}")
        return float(precision_at_k(truth, ranking, 1))


def probabilities(margin: Array, loss: str) -> Array:
    """Return what margins of a loss stand for, in [0, 1] and rising with the margin."""
    if loss == "logistic":
        return np.asarray(0.5 + 0.5 * np.tanh(margin / 2))
    return np.asarray(np.exp(-np.square(np.maximum(1 - margin, 0))))
