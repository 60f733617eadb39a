"""One HTML file that shows a classifier: its labels' tree, how far to trust it, and its reasons."""

from nnae.reporting._report import report

__all__ = ["report"]
