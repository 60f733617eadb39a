r"""Ledgers through Gaussian kernels.

A kernel value is :math:`\kappa_m = \kappa_{m0} e^{2 w c_m}`, where :math:`c_m = \sum_p u_p u_{mp}`
is what the row and landmark m have in common and :math:`\kappa_{m0}` its value if they had nothing.
What it has more than that is shared out in proportion to the terms of c, so that any linear
function of kernel values is a sum over the row's concepts (or features) and a constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae.decoders import KernelDecoder
from nnae.explaining._attribution import Attribution, active
from nnae.explaining._ledger import Ledger, Line, Seen, ledger_of, unit
from nnae.explaining._question import Question

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Opened:
    """Kernel values of one row, opened up.

    Attributes
    ----------
    base : ndarray of shape (m,)
        Values of a row that has nothing in common with the landmarks.
    slopes : ndarray of shape (m,)
        What each has more than that, over what is in common.
    """

    base: Array
    slopes: Array

    @classmethod
    def of(cls, common: Array, square: float, squares: Array, width: float) -> Opened:
        """Open the values of a row of the given squared norm up."""
        base = np.exp(-width * (square + squares))
        more = base * np.expm1(2 * width * common)
        near = np.abs(common) < 1e-12
        slopes = np.where(near, 2 * width * base, more / np.where(near, 1.0, common))
        return cls(base, slopes)


@ledger_of("KernelDecoder")
def kernel(decoder: KernelDecoder, question: Question, attribution: Attribution) -> list[Ledger]:
    """Share what the label's regression on kernel values gives out to the row's concepts."""
    landmarks, to_labels = decoder.landmarks[question.level - 1], decoder.maps[question.level - 1]
    rows = np.asarray(landmarks.rows, np.float64)
    own = unit(question.codes)
    length = float(np.sqrt(question.codes @ question.codes))
    opened = Opened.of(rows @ own, float(own @ own), (rows**2).sum(axis=1), landmarks.width)
    weights = landmarks.basis.astype(np.float64) @ to_labels.coef[:, question.label]
    gains = (weights * opened.slopes) @ rows / (length if length > 0 else 1.0)
    rest = float(weights @ opened.base) + float(to_labels.intercept[question.label])
    line = Line("base", "without any concept", rest)
    return [Ledger("kernel", gains=gains, seen=Seen.of(question, attribution), lines=(line,))]


@dataclass(frozen=True)
class FeatureKernel:
    """Kernel values between a row of features and landmarks, opened up by features.

    Attributes
    ----------
    columns, values : ndarray of shape (a,)
        Features of the row that are not zero.
    base, parts : ndarray of shape (m,) and (a, m)
        Kernel features of the decoder's landmarks are ``base + parts.sum(0)``.
    """

    columns: Array
    values: Array
    base: Array
    parts: Array

    @classmethod
    def of(cls, landmarks: Any, row: Any) -> FeatureKernel:
        """Open the kernel of a row (1 x d) up."""
        columns, values = active(row)
        rows = landmarks.rows
        if hasattr(rows, "indptr"):
            squares = np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
            shared = np.asarray(rows[:, columns].toarray(), np.float64)
        else:
            squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
            shared = np.asarray(rows[:, columns], np.float64)
        terms = shared * values
        opened = Opened.of(
            terms.sum(axis=1), float(values @ values), squares, float(landmarks.width)
        )
        basis = landmarks.basis.astype(np.float64)
        return cls(columns, values, opened.base @ basis, (terms * opened.slopes[:, None]).T @ basis)

    def attribution(self, codes: Any) -> Attribution:
        """Return how the features make the codes of a linear map of the kernel's features."""
        coef = np.asarray(codes.coef, np.float64)
        base = self.base @ coef + np.asarray(codes.intercept, np.float64)
        parts = self.parts @ coef
        return Attribution("kernel", self.columns, self.values, parts, base, np.zeros(len(base)))
