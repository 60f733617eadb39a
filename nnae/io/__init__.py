"""Readers and writers of multi-label data; every reader returns a `LabelData`."""

from nnae.io._arff import iter_arff, read_arff
from nnae.io._arff_header import read_mulan_labels
from nnae.io._atomic import atomic_write
from nnae.io._blocks import LabelData
from nnae.io._coco import read_coco
from nnae.io._npz import read_npz
from nnae.io._read import detect_format, iter_read, read
from nnae.io._row_blocks import RowBlocks, row_blocks
from nnae.io._stored_blocks import write_blocks
from nnae.io._svmlight import iter_svmlight, read_svmlight, write_svmlight
from nnae.io._text_table import iter_text_table, read_text_table
from nnae.io._transactions import iter_transactions, read_transactions, write_transactions
from nnae.io._xmc import iter_xmc, read_xmc, write_xmc

__all__ = [
    "LabelData",
    "RowBlocks",
    "atomic_write",
    "detect_format",
    "iter_arff",
    "iter_read",
    "iter_svmlight",
    "iter_text_table",
    "iter_transactions",
    "iter_xmc",
    "read",
    "read_arff",
    "read_coco",
    "read_mulan_labels",
    "read_npz",
    "read_svmlight",
    "read_text_table",
    "read_transactions",
    "read_xmc",
    "row_blocks",
    "write_blocks",
    "write_svmlight",
    "write_transactions",
    "write_xmc",
]
