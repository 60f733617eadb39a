"""Data sets: bundled real ones, and generators whose answer is known."""

from nnae.datasets._planted import make_label_hierarchy, make_zipf_labels

__all__ = ["make_label_hierarchy", "make_zipf_labels"]
