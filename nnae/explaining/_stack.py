r"""The ledger of a blend, :math:`s = (\sum_p w_p r_p)^2` with :math:`r_p = \sqrt{s_p}`.

It is the sum over parts of :math:`u w_p r_p = (u w_p / r_p) s_p` with :math:`u = \sum_q w_q r_q`:
every part has a share of the score, and its own ledger times :math:`u w_p / r_p`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnae.decoders import Query, StackDecoder
from nnae.decoders.stack import KINDS
from nnae.explaining._attribution import Attribution
from nnae.explaining._kernel import FeatureKernel
from nnae.explaining._ledger import Direct, Ledger, Line, ledger_of, make_ledgers
from nnae.explaining._question import Question


@ledger_of("StackDecoder")
def blend(decoder: StackDecoder, question: Question, attribution: Attribution) -> list[Ledger]:
    """Give each part its share, and its own ledger times what makes it that share."""
    if question.level > 1:
        return make_ledgers(decoder.concepts, question, attribution)
    view = Through(decoder, question, attribution)
    weights = decoder.weights[:, decoder.bands[question.label]]
    roots, made = [], []
    for name, part in zip(decoder.names, decoder.parts, strict=True):
        ledger, query = view.ledger(name, part)
        score = part.scores(query, 1, question.n_threads)[0, question.label]
        roots.append(float(np.sqrt(max(0.0, float(score)))))
        made.append(replace(ledger, part=name))
    total = float(weights @ roots)
    return [
        ledger.times(total * float(weight) / root)
        for ledger, weight, root in zip(made, weights, roots, strict=True)
        if root > 0 and weight > 0
    ] or [Ledger("stack", lines=(Line("nothing", "no part speaks for it", 0.0),))]


class Through:
    """The row as the parts of a stack see it: its features, or a kernel of them."""

    def __init__(self, decoder: StackDecoder, question: Question, attribution: Attribution) -> None:
        self.decoder, self.question, self.attribution = decoder, question, attribution
        self._seen: tuple[Question, Attribution, FeatureKernel] | None = None

    def ledger(self, name: str, part: object) -> tuple[Ledger, Query]:
        """Return a part's ledger and the query that its score comes from."""
        if KINDS[name].view == "features":
            return make_ledgers(part, self.question, self.attribution)[0], self.question.query
        question, attribution, opened = self._landmarks()
        if name == "landmark_regression":
            return self._regression(part, question, opened), question.query
        return make_ledgers(part, question, attribution)[0], question.query

    def _landmarks(self) -> tuple[Question, Attribution, FeatureKernel]:
        if self._seen is None:
            view = self.decoder.view
            assert view is not None
            opened = FeatureKernel.of(view.landmarks, self.question.query.X)
            seen = replace(self.question, query=view(self.question.query, self.question.n_threads))
            self._seen = seen, opened.attribution(view.codes), opened
        return self._seen

    def _regression(self, part: object, question: Question, opened: FeatureKernel) -> Ledger:
        labels = part.labels  # type: ignore[attr-defined]
        weights = np.asarray(labels.coef[:, question.label], np.float64)
        rest = float(opened.base @ weights) + float(labels.intercept[question.label])
        direct = Direct(opened.columns, opened.values, opened.parts @ weights)
        return Ledger(
            "regression", direct=direct, lines=(Line("base", "without any feature", rest),)
        )
