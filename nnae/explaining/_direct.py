"""Ledgers of decoders that read labels off the features, past all concepts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnae.decoders import ClassificationDecoder, RegressionDecoder, ResidualDecoder
from nnae.explaining._attribution import Attribution, active
from nnae.explaining._ledger import Direct, Ledger, Line, ledger_of, make_ledgers
from nnae.explaining._question import Question


@ledger_of("RegressionDecoder")
def ridges(
    decoder: RegressionDecoder, question: Question, attribution: Attribution
) -> list[Ledger]:
    """Take the label's column of the ridge: a feature gives its value times its weight."""
    columns, values = active(question.query.X)
    weights = np.asarray(decoder.labels.coef[columns, question.label], np.float64)
    intercept = float(decoder.labels.intercept[question.label])
    line = Line("intercept", "intercept of the label", intercept)
    direct = Direct(columns, values, values * weights)
    return [Ledger("regression", direct=direct, lines=(line,))]


@ledger_of("ClassificationDecoder")
def margins(
    decoder: ClassificationDecoder, question: Question, attribution: Attribution
) -> list[Ledger]:
    """Take half the margin of the label's classifier, feature by feature."""
    columns, values = active(question.query.X)
    row = decoder.classifier.coef_[[question.label]].toarray()[0]
    weights = np.asarray(row[columns], np.float64)
    if decoder.classifier.normalize:  # the classifiers see rows at length one
        length = float(np.sqrt(values @ values))
        weights = weights / (length if length > 0 else 1.0)
    intercept = float(decoder.classifier.intercept_[question.label])
    line = Line("intercept", "intercept of the label", (1 + intercept) / 2)
    direct = Direct(columns, values, values * weights / 2)
    return [Ledger("classification", direct=direct, lines=(line,))]


@ledger_of("ResidualDecoder")
def residual(
    decoder: ResidualDecoder, question: Question, attribution: Attribution
) -> list[Ledger]:
    """Take the rate times the label's ceiling, and the rest from its classifier."""
    found = make_ledgers(decoder.concepts, question, attribution)
    place = np.flatnonzero(decoder.labels == question.label)
    if question.level > 1 or decoder.classifiers is None or not len(place):
        return found
    share = float(decoder.ceilings[question.label])
    own = margins(decoder.classifiers, replace(question, label=int(place[0])), attribution)
    rest = [ledger.times(1 - share) for ledger in own]
    return [*(ledger.times(share) for ledger in found), *rest]
