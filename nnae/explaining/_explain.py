"""Explain one label of one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnae._validation import check_count
from nnae.explaining import _direct, _kernel, _linear, _neighbors, _stack, _tree  # noqa: F401  (they register their ledgers)
from nnae.explaining._attribution import attribute
from nnae.explaining._explanation import Explanation
from nnae.explaining._ledger import Ledger, contrast, make_ledgers
from nnae.explaining._names import ConceptNames
from nnae.explaining._question import Question, name_features, probabilities


def explain(
    classifier: Any,
    x: Any,
    label: str | int,
    *,
    top: int | None = 5,
    against: str | int | None = None,
    level: int = 1,
    method: str = "auto",
    background: Any = None,
    feature_names: Sequence[str] | None = None,
    hierarchy: Any = None,
    random_state: int = 0,
) -> Explanation:
    r"""Explain the score of a label: a ledger of features and concepts that adds up to it.

    With the linear decoder the score is the rate :math:`\Lambda_j = \sum_p \max(0, z_p) W_{pj}`,
    and a linear step two makes each code :math:`z_p = b_p + \sum_f x_f B_{fp}`; the ledger has a
    line for every product, and lines for intercepts and for what ``max(0, .)`` cuts off. With
    "neighbors" the vote of each training example is shared out to the concepts that made it a
    neighbour, :math:`w_t Y_{tj} u_p u_{tp} / \cos(u, u_t)`, and on to the features. A "stack",
    :math:`(\sum_p w_p r_p)^2` with r the roots of its parts' scores, is the sum over parts of
    :math:`w_p r_p \sum_q w_q r_q`, each with the ledger of its own. A "tree" begins with certainty
    and loses some at every edge of the path to the label.

    Parameters
    ----------
    classifier : TwoStepClassifier
        Fitted.
    x : array, sparse matrix or DataFrame of one row, or str
        The example; a text for a model that was fitted on texts.
    label : str or int
        Name or column of the label.
    top : int or None, default=5
        Concepts listed one by one, and features of each; the rest are sums. None lists all.
    against : str or int, optional
        Another label: explain the difference, why one rather than the other.
    level : int, default=1
        Level of abstraction, as in ``predict_topk``.
    method : {"auto", "linear", "occlusion", "shapley", "lime"}, default="auto"
        How codes are led back to features. "auto" is "linear", which is exact, where step two is
        linear, else "occlusion": what a code loses without the feature. What features do only
        together is a line of its own, except for "shapley", which shares it out.
    background : array of shape (d,), optional
        What a feature that is taken away becomes; zeros by default.
    feature_names : sequence of str, optional
        Override those the classifier knows.
    hierarchy : LabelHierarchy, optional
        Of the classifier's compressor, to name concepts as it does.
    random_state : int, default=0
        Of "shapley" and "lime".

    Returns
    -------
    Explanation
        Its ``frame`` adds up to its ``score``.

    Raises
    ------
    TypeError
        When `classifier` is none, or its decoder has no ledger.
    ValueError
        When x is not one row of the model's features, there is no such label, or an option is
        unknown.
    NotFittedError
        When the classifier is not fitted.

    Notes
    -----
    Costs one ranking of the row and m k products, m features that are not zero and k concepts;
    "occlusion" m predictions of step two, "shapley" 32 m, "lime" 4 m.

    Examples
    --------
    >>> import nnae
    >>> data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    >>> X = data.Y.toarray()[:, ::2].astype(float)  # half of the labels are features of the others
    >>> model = nnae.TwoStepClassifier(random_state=0).fit(X, data.Y[:, 1::2])
    >>> best = model.predict_topk(X[:1], k=1)[0][0, 0]
    >>> found = nnae.explain(model, X[0], best)
    >>> bool(abs(found.frame["contribution"].sum() - found.score) < 1e-9)
    True
    """
    limit = None if top is None else check_count("top", top)
    question = Question.of(classifier, x, label, level)
    attribution = attribute(
        classifier.estimator_,
        question.query.X,
        question.query.targets,
        method,
        background,
        check_count("random_state", random_state, 0),
    )
    decoder = classifier.decoder_
    ledgers = _with_prior(make_ledgers(decoder, question, attribution), question.prior)
    name, score = question.name, question.score
    probability: float | None = None
    if against is None:
        plain, column = np.array([[score / question.prior]]), np.array([[question.label]])
        probability = float(probabilities(classifier, plain, column)[0, 0])
    else:
        other = Question.of(classifier, x, against, level)
        rival = _with_prior(make_ledgers(decoder, other, attribution), other.prior)
        ledgers = contrast(ledgers, rival)
        name, score = f"{name} rather than {other.name}", score - other.score
    return Explanation(
        label=name,
        score=score,
        probability=probability,
        rank=question.rank,
        n_labels=len(classifier.label_names_),
        decoder=type(decoder).__name__.removesuffix("Decoder").lower(),
        method=attribution.method,
        top=limit,
        level=question.level,
        question=question,
        ledgers=ledgers,
        attribution=attribution,
        features_named=name_features(classifier, feature_names),
        concepts_named=ConceptNames(classifier, hierarchy),
    )


def _with_prior(ledgers: list[Ledger], prior: float) -> list[Ledger]:
    return ledgers if prior == 1.0 else [ledger.times(prior) for ledger in ledgers]
