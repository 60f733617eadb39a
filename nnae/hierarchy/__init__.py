"""Hierarchies of labels, read from non-negative weights."""

from nnae.hierarchy._comparison import HierarchyComparison, compare_hierarchies
from nnae.hierarchy._label_hierarchy import LabelHierarchy

__all__ = ["HierarchyComparison", "LabelHierarchy", "compare_hierarchies"]
