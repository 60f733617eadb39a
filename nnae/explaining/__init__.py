"""Why a label has its score: ledgers that add up to it."""

from nnae.explaining._explain import explain
from nnae.explaining._explanation import Explanation

__all__ = ["Explanation", "explain"]
