"""Data sets: bundled real ones, and generators whose answer is known."""

from nnae.datasets._debian_tags import load_debian_tags
from nnae.datasets._emoji import emoji_features, load_emoji
from nnae.datasets._planted import make_label_hierarchy, make_zipf_labels

__all__ = [
    "emoji_features",
    "load_debian_tags",
    "load_emoji",
    "make_label_hierarchy",
    "make_zipf_labels",
]
