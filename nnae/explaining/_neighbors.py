r"""The ledger of votes: training examples near to the row that have the label.

Example t votes with :math:`w_t Y_{tj}`, and is near because of the concepts that both have:
:math:`\cos = \sum_p u_p u_{tp}`, u and u_t the codes at length one. A concept therefore carries
:math:`w_t Y_{tj} u_p u_{tp} / \cos` of the vote, and over all voters the score is linear in the
row's codes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from nnae.decoders import NeighborsDecoder
from nnae.explaining._attribution import Attribution
from nnae.explaining._ledger import Ledger, Line, Seen, ledger_of, unit
from nnae.explaining._question import Question

#: Concepts that are named beside a vote.
LINKS = 3


@ledger_of("NeighborsDecoder")
def votes(decoder: NeighborsDecoder, question: Question, attribution: Attribution) -> list[Ledger]:
    """Share every vote out to the concepts that made the two examples similar."""
    found = decoder.neighbours(question.query, question.level, question.n_threads).tocsr()
    voters, weights = found.indices, np.asarray(found.data, np.float64)
    if len(voters) == 0:  # no code above zero: the decoder falls back on frequencies
        prior = float(decoder.prior[question.label])
        return [Ledger("neighbors", lines=(Line("frequency", "label frequency", prior),))]
    labels = np.asarray(decoder.labels[voters][:, [question.label]].todense(), np.float64).ravel()
    order = np.argsort(-weights * labels, kind="stable")
    order = order[labels[order] != 0]
    voters, weights, labels = voters[order], weights[order], labels[order]
    length = float(np.sqrt(question.codes @ question.codes))
    own = unit(question.codes)
    theirs = np.asarray(decoder.codes[question.level - 1][voters], np.float64)
    cosines = theirs @ own
    contributions = weights * labels
    shares = theirs * own / cosines[:, None]  # voters have a cosine above zero
    gains = (contributions / cosines) @ theirs / length
    links = np.argsort(-shares, axis=1, kind="stable")[:, :LINKS]
    table = pd.DataFrame(
        {
            "example": voters.astype(np.int64),
            "weight": weights,
            "cosine": cosines,
            "contribution": contributions,
            "concepts": [tuple(row) for row in links.tolist()],
            "concept_shares": [tuple(shares[t, row].tolist()) for t, row in enumerate(links)],
        }
    )
    seen = Seen.of(question, attribution)
    return [Ledger("neighbors", gains=np.asarray(gains), seen=seen, details={"votes": table})]
