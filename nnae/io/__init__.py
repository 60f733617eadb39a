"""Readers and writers of multi-label data."""

from nnae.io._atomic import atomic_write
from nnae.io._blocks import LabelData
from nnae.io._svmlight import iter_svmlight, read_svmlight, write_svmlight
from nnae.io._xmc import iter_xmc, read_xmc, write_xmc

__all__ = [
    "LabelData",
    "atomic_write",
    "iter_svmlight",
    "iter_xmc",
    "read_svmlight",
    "read_xmc",
    "write_svmlight",
    "write_xmc",
]
