"""A hierarchy's graph and tree, and the forms in which they are given out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pandas as pd

from nnae.hierarchy import _formats
from nnae.hierarchy._contributions import Floats, Integers
from nnae.hierarchy._document import dump, read_graphs, write_document
from nnae.hierarchy._icicle import draw_icicle
from nnae.hierarchy._linkage import tree_linkage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class HierarchyViews:
    """Give out an extracted hierarchy; see `LabelHierarchy`, which builds one."""

    def __init__(self, document: dict[str, Any], clusters: Sequence[Integers]) -> None:
        self.graph, self._tree = read_graphs(document)
        self.labels: list[str] = list(document["labels"])
        self.root: str = document["root"]
        self.unplaced: list[str] = list(document["unplaced"])
        self.widths: list[int] = [int(width) for width in document["widths"]]
        self._clusters = [np.asarray(cluster, np.int64) for cluster in clusters]
        self._vectors: Floats | None = None
        self._linkage: Floats | None = None
        self.evidence: dict[str, dict[str, float]] = dict(document.get("evidence", {}))
        shapes = [cluster.shape for cluster in self._clusters]
        if shapes != [(len(self.labels),)] * len(self.widths):
            raise ValueError(
                f"clusters must hold {len(self.widths)} arrays of {len(self.labels)} numbers; "
                f"got shapes {shapes}"
            )

    def __repr__(self) -> str:
        return (
            f"<LabelHierarchy: {len(self.labels)} labels, levels of "
            f"{', '.join(str(width) for width in self.widths)} concepts>"
        )

    def tree(self) -> nx.DiGraph[str]:
        """Return a copy of the tree: an arborescence from the root to the placed labels."""
        return self._tree.copy()

    def parents(self, node: str) -> list[str]:
        """Return a node's parents in the graph, the largest share first."""
        self._check_node(node)
        edges = self.graph.pred[node]
        return sorted(edges, key=lambda parent: (-edges[parent]["share"], parent))

    def children(self, node: str) -> list[str]:
        """Return a node's children in the graph, the largest contribution first."""
        self._check_node(node)
        edges = self.graph.succ[node]
        return sorted(edges, key=lambda child: (-edges[child]["contribution"], child))

    def _check_node(self, node: str) -> None:
        if node not in self.graph:
            raise ValueError(f"the hierarchy has no node {node!r}")

    def clusters(self, level: int) -> Integers:
        """Return for every label the concept of a level that contributes most to it.

        That is ``argmax_p m_l[p] B_l[p, j]`` with ``B_l = W_l ... W_1``, whatever the entropy rule
        and the collapse of chains did to the tree. It
        does not inherit the mistakes of the level below, as the parent of the label's parent does.

        Parameters
        ----------
        level : int in [1, D]
            1 is the level nearest the labels.

        Returns
        -------
        ndarray of int, (L,)
            Row numbers of W_level; -1 for labels without positives.

        Raises
        ------
        ValueError
            When there is no such level.
        """
        if not 1 <= level <= len(self.widths):
            raise ValueError(f"level must be between 1 and {len(self.widths)}; got {level}")
        return self._clusters[level - 1].copy()

    def to_text(
        self, *, max_depth: int | None = None, max_children: int | None = 12, width: int = 100
    ) -> str:
        """Draw the tree as text: concepts with their sizes and masses, labels beneath.

        Parameters
        ----------
        max_depth : int >= 1, optional
            Levels of concepts to show.
        max_children : int >= 1 or None, default=12
            Concepts and labels shown of each node, the heaviest first; the rest is counted. None
            shows all.
        width : int, default=100
            Columns.

        Returns
        -------
        str
        """
        for name, limit in (("max_depth", max_depth), ("max_children", max_children)):
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be at least 1; got {limit}")
        return _formats.tree_text(
            self._tree,
            self.root,
            self.unplaced,
            max_depth=max_depth,
            max_children=max_children,
            width=width,
        )

    def to_newick(self) -> str:
        """Write the tree in Newick's format.

        Names other than plain letters and digits are quoted; line breaks in them become blanks. A
        concept of level l has height l, labels 0, the root D + 1. Labels without positives are
        under a node of their own, "without positives", below the root.

        Returns
        -------
        str
        """
        return _formats.tree_newick(self._tree, self.root, self.unplaced, len(self.widths))

    def to_linkage(self) -> Floats:
        """Return scipy's linkage matrix over all labels in column order.

        Every concept of `tree()` is a clade of it. Children of a concept are merged by average
        linkage on the cosine of their labels' mean codes (`label_codes`; else of the contributions
        to them). Merges inside a concept of level l have heights in (l - 1, l], labels without
        positives join last at D + 2.

        Returns
        -------
        ndarray, (L - 1, 4)

        Notes
        -----
        Costs m^2 distances for a concept with m children; above 5,000 they are halved first.
        """
        if self._linkage is None:
            if self._vectors is None:
                raise ValueError("this hierarchy was stored without its linkage")
            self._linkage = tree_linkage(
                self._tree, self.root, self.labels, self._vectors, len(self.widths)
            )
        return self._linkage.copy()

    def to_frame(self) -> pd.DataFrame:
        """Return one row an edge of the graph or the tree.

        Returns
        -------
        DataFrame
            Columns parent, child, parent_level, child_level, child_kind, share, lift,
            contribution, frequency (NaN without bootstraps), in_graph, in_tree.
        """
        columns = [
            *("parent", "child", "parent_level", "child_level", "child_kind", "share", "lift"),
            *("contribution", "frequency", "in_graph", "in_tree"),
        ]
        frame = pd.DataFrame(_formats.edge_rows(self.graph, self._tree), columns=columns)
        frame["frequency"] = frame["frequency"].astype(np.float64)
        return frame

    def to_json(self) -> str:
        """Write everything as one JSON document; `from_json` reads it.

        Returns
        -------
        str
            Safe inside an HTML script element.
        """
        document = self._document()
        document["clusters"] = [cluster.tolist() for cluster in self._clusters]
        document["linkage"] = self.to_linkage().tolist()
        return dump(document)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the tree as nested bars, one column a level (needs matplotlib).

        Where edges carry the share of bootstraps that have them, bars below 60 % are pale.

        Parameters
        ----------
        ax : matplotlib axes, optional
            A new figure is made without it.

        Returns
        -------
        matplotlib axes

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        """
        return draw_icicle(self._tree, self.root, len(self.widths), ax)

    def _document(self) -> dict[str, Any]:
        about = {
            "labels": self.labels,
            "root": self.root,
            "unplaced": self.unplaced,
            "widths": self.widths,
            "evidence": self.evidence,
        }
        return write_document(self.graph, self._tree, about)

    def __nnae_state__(self) -> dict[str, Any]:
        """Return all there is to store, as a string, a list of arrays and an array."""
        return {
            "document": json.dumps(self._document(), allow_nan=False),
            "clusters": [cluster.copy() for cluster in self._clusters],
            "linkage": self.to_linkage(),
        }
