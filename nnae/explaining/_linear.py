"""The ledger of rates: every concept gives its code times its weight for the label."""

from __future__ import annotations

import numpy as np

from nnae.decoders import LinearDecoder
from nnae.explaining._attribution import Attribution
from nnae.explaining._ledger import Ledger, Seen, ledger_of
from nnae.explaining._question import Question


@ledger_of("LinearDecoder")
def rates(decoder: LinearDecoder, question: Question, attribution: Attribution) -> list[Ledger]:
    """Take the label's row of the decoder's weights."""
    gains = decoder.weights[question.level - 1][question.label]
    seen = Seen.of(question, attribution)
    return [Ledger("linear", gains=np.asarray(gains, np.float64), seen=seen)]
