"""Readers and writers of multi-label data; every reader returns a `LabelData`."""

from nnae.io._atomic import atomic_write
from nnae.io._blocks import LabelData
from nnae.io._coco import read_coco
from nnae.io._npz import read_npz
from nnae.io._svmlight import iter_svmlight, read_svmlight, write_svmlight
from nnae.io._text_table import iter_text_table, read_text_table
from nnae.io._transactions import iter_transactions, read_transactions, write_transactions
from nnae.io._xmc import iter_xmc, read_xmc, write_xmc

__all__ = [
    "LabelData",
    "atomic_write",
    "iter_svmlight",
    "iter_text_table",
    "iter_transactions",
    "iter_xmc",
    "read_coco",
    "read_npz",
    "read_svmlight",
    "read_text_table",
    "read_transactions",
    "read_xmc",
    "write_svmlight",
    "write_transactions",
    "write_xmc",
]
