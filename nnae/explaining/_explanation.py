"""An explanation: the ledger of one score, and the forms in which it is given out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import pandas as pd

from nnae.explaining import _formats
from nnae.explaining._attribution import Attribution
from nnae.explaining._counterfactual import without
from nnae.explaining._flow import Flow, make_flow
from nnae.explaining._ledger import Ledger
from nnae.explaining._levels import level_frame
from nnae.explaining._lines import feature_frame, ledger_frame
from nnae.explaining._names import ConceptNames
from nnae.explaining._question import Question

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]

#: A sum may differ from the score by this part of it before the difference gets a line.
EXACT = 1e-9


@dataclass(frozen=True)
class Explanation:
    """Hold why a label has its score.

    Made by :func:`nnae.explain`. All amounts are parts of `score`.

    Attributes
    ----------
    label : str
        The label, or "a rather than b" for a contrast.
    score : float
        What ``predict_topk`` reports (the difference of two for a contrast).
    probability : float or None
        What ``predict_proba`` makes of it; None for a contrast.
    rank, n_labels : int
        The label's place in the ranking of the row.
    decoder : str
    method : str
        How codes were led back to features: "linear" is exact.
    top : int or None
        Concepts, and features of each, that are listed one by one.
    level : int
        Level of abstraction that was decoded.

    Examples
    --------
    >>> import nnae
    >>> data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    >>> X = data.Y.toarray()[:, ::2].astype(float)
    >>> model = nnae.TwoStepClassifier(random_state=0).fit(X, data.Y[:, 1::2])
    >>> found = nnae.explain(model, X[0], 3)
    >>> list(found.frame.columns)
    ['part', 'concept', 'concept_name', 'kind', 'name', 'value', 'contribution']
    >>> lost = found.without(feature="x2")
    >>> list(lost.columns)[2:6]
    ['label', 'before', 'after', 'change']
    """

    label: str
    score: float
    probability: float | None
    rank: int
    n_labels: int
    decoder: str
    method: str
    top: int | None
    level: int
    question: Question = field(repr=False)
    ledgers: list[Ledger] = field(repr=False)
    attribution: Attribution = field(repr=False)
    features_named: Sequence[str] = field(repr=False)
    concepts_named: ConceptNames = field(repr=False)

    @cached_property
    def residual(self) -> float:
        """What no line says: the score less the sum of its ledgers, rounding alone."""
        return self.score - sum(ledger.total() for ledger in self.ledgers)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The ledger: lines whose contributions add up to the score.

        Columns part (decoder), concept (number, -1 for none), concept_name, kind, name, value
        and contribution. Kinds: "feature"; "intercept" or "background"; "interaction", what
        features do together where step two was asked by occlusion; "clipping", the part of a code
        below zero that decoding cuts off; "other features", "other concepts", "clipped concepts",
        sums of what is not listed; and those of decoders, such as "frequency".
        """
        return ledger_frame(self)

    @cached_property
    def features(self) -> pd.DataFrame:
        """Every feature's contribution through all concepts: name, value, contribution.

        The largest amount first. Intercepts and what passes no feature follow, so that the column
        adds up to the score; codes that are clipped carry nothing.
        """
        return feature_frame(self)

    @property
    def favouring(self) -> pd.DataFrame:
        """The features for the label, the strongest first."""
        found = self.features
        return found[(found["kind"] == "feature") & (found["contribution"] > 0)]

    @property
    def opposing(self) -> pd.DataFrame:
        """The features against the label, the strongest first."""
        found = self.features
        return found[(found["kind"] == "feature") & (found["contribution"] < 0)]

    @cached_property
    def levels(self) -> pd.DataFrame:
        r"""Every level's account of the score: level, concept, name, code, contribution, share.

        At the decoded level the concepts carry the score. At level l above it concept q gives
        :math:`z_{lq} (W_l \cdots W_2 \gamma)_q`, where :math:`\gamma` is what a unit of each code
        gives the label; "unexplained" is what those codes do not compose. Each level adds up to
        the score. ``share`` is the noisy-OR share :math:`1 - e^{-z_p W_{pj}}` under the Bernoulli
        loss with the linear decoder, NaN otherwise.
        """
        return level_frame(self)

    @property
    def votes(self) -> pd.DataFrame | None:
        """Training examples that voted for the label ("neighbors" decoder), or None."""
        return self.details.get("votes")

    @cached_property
    def details(self) -> dict[str, pd.DataFrame]:
        """Further tables of the ledgers, by name."""
        found: dict[str, pd.DataFrame] = {}
        for ledger in self.ledgers:
            for name, frame in ledger.details.items():
                found[name] = frame if name not in found else pd.concat([found[name], frame])
        return found

    @cached_property
    def counterfactuals(self) -> pd.DataFrame:
        """What happens to labels when the strongest concepts and features are taken away.

        Columns removed, kind, label, before, after, change, rank_before, rank_after; for each of
        the `top` concepts and features the labels that fall and rise most, this label first.
        """
        limit = 5 if self.top is None else self.top
        levels = self.levels[(self.levels["level"] == self.level) & (self.levels["concept"] >= 0)]
        order = levels["contribution"].abs().sort_values(ascending=False, kind="stable").index
        concepts = [int(levels.loc[at, "concept"]) for at in order[:limit]]
        found = self.features[self.features["kind"] == "feature"].head(limit)
        frames = [self.without(concept=concept) for concept in concepts]
        frames += [self.without(feature=int(place)) for place in found["feature"]]
        return pd.concat(frames, ignore_index=True) if frames else self.without()

    def without(
        self, *, concept: int | None = None, feature: int | str | None = None, top: int = 3
    ) -> pd.DataFrame:
        """Return how labels fall and rise when a concept or a feature is taken away.

        Parameters
        ----------
        concept : int, optional
            Number of a concept of the decoded level: its code becomes 0.
        feature : int or str, optional
            Number or name of a feature: its value becomes 0, and step two predicts anew.
        top : int, default=3
            Labels that fall most and that rise most, besides this one.

        Returns
        -------
        DataFrame
            Like `counterfactuals`.

        Raises
        ------
        ValueError
            When there is no such concept or feature.
        """
        return without(self, concept=concept, feature=feature, top=top)

    @cached_property
    def flow(self) -> Flow:
        """The score as a flow from features through concepts of every level to the label."""
        return make_flow(self)

    def to_text(self, width: int = 100) -> str:
        """Write the ledger for a terminal.

        Parameters
        ----------
        width : int, default=100
            Columns.

        Returns
        -------
        str
        """
        return _formats.to_text(self, width)

    def to_json(self) -> str:
        """Write everything as one JSON document; the same explanation gives the same bytes.

        Returns
        -------
        str
            Safe inside an HTML script element.
        """
        return _formats.to_json(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the ledger as a waterfall (needs matplotlib).

        Parameters
        ----------
        ax : matplotlib axes, optional
            A new figure is made without it.

        Returns
        -------
        matplotlib axes
        """
        from nnae.plot import waterfall

        return waterfall(self, ax)

    def _repr_html_(self) -> str:
        return _formats.to_html(self)

    def __repr__(self) -> str:
        return (
            f"<Explanation: {self.label} {self.score:.4g}, {self.decoder} decoder, "
            f"{self.method} attribution>"
        )

    @property
    def is_sound(self) -> bool:
        """Whether the lines add up without a line for rounding."""
        return abs(self.residual) <= EXACT * max(abs(self.score), 1e-300)
