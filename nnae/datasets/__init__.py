"""Data sets: bundled real ones, and generators whose answer is known."""

from nnae.datasets._debian_tags import load_debian_tags
from nnae.datasets._planted import make_label_hierarchy, make_zipf_labels

__all__ = ["load_debian_tags", "make_label_hierarchy", "make_zipf_labels"]
