r"""The ledger of label trees: what is left of certainty after each decision on the way down.

In tree t the score of a label is a product over the edges of its path, :math:`\prod_e q_e`, and
:math:`\log q_e = -\max(0, 1 - m_e)^2` with a margin :math:`m_e = b_e + \sum_f w_{ef} x_f`. As a sum
it begins with 1, and each edge takes :math:`(1 - q_e) \prod_{e' < e} q_{e'}` away; the score is the
mean over trees. Table "path" has the terms, table "margins" the features behind each margin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnae._linear_dual import unit_rows
from nnae.decoders import TreeDecoder
from nnae.explaining._attribution import Attribution
from nnae.explaining._ledger import Ledger, Line, ledger_of
from nnae.explaining._question import Question
from nnae.hierarchy._names import concept_name

Array = npt.NDArray[Any]

#: Labels that a node is named by, and features listed for each margin.
NAMED, FEATURES = 2, 6


@dataclass(frozen=True)
class Edge:
    """One decision: its node and child, margin, log of its share, features and their parts."""

    number: int
    child: int
    margin: float
    log_term: float
    features: Array
    parts: Array


class Paths:
    """Finds the way to a label in every tree of a forest."""

    def __init__(self, forest: Any, row: Any) -> None:
        self.forest = forest
        dense = np.zeros(row.shape[1])
        dense[row.indices] = row.data
        self.row = dense
        self.node_of_edge = np.repeat(np.arange(forest.n_nodes), np.diff(forest.edge_indptr))
        inner = np.flatnonzero(forest.child >= 0)
        self.edge_above = np.full(forest.n_nodes, -1, np.int64)
        self.edge_above[forest.child[inner]] = inner

    def to_label(self, label: int) -> dict[int, list[Edge]]:
        """Return for each tree that has the label the edges from its root."""
        roots = {int(root): tree for tree, root in enumerate(self.forest.roots)}
        found = {}
        for end in np.flatnonzero(self.forest.child == -1 - label).tolist():
            numbers = [end]
            while (above := int(self.edge_above[self.node_of_edge[numbers[-1]]])) >= 0:
                numbers.append(above)
            tree = roots[int(self.node_of_edge[numbers[-1]])]
            found[tree] = [self.edge(number) for number in reversed(numbers)]
        return found

    def edge(self, number: int) -> Edge:
        """Return an edge with its margin for the row."""
        forest, node = self.forest, int(self.node_of_edge[number])
        start, stop = forest.feature_indptr[node : node + 2]
        first, last = forest.entry_indptr[start], forest.entry_indptr[stop]
        feature = np.repeat(
            forest.features[start:stop], np.diff(forest.entry_indptr[start : stop + 1])
        )
        own = forest.entry_edge[first:last] == number - forest.edge_indptr[node]
        weights = forest.entry_weight[first:last][own].astype(np.float64)
        parts = weights * self.row[feature[own]]
        margin = float(forest.bias[number]) + float(parts.sum())
        kept = np.flatnonzero(parts)
        term = _log_share(margin, forest.loss)
        return Edge(
            number, int(forest.child[number]), margin, term, feature[own][kept], parts[kept]
        )

    def labels_below(self, child: int) -> list[int]:
        """Return the labels below a node, or the label itself."""
        labels, todo = [], [child]
        while todo:
            at = todo.pop()
            if at < 0:
                labels.append(-1 - at)
            else:
                start, stop = self.forest.edge_indptr[at : at + 2]
                todo += self.forest.child[start:stop].tolist()
        return labels


def _log_share(margin: float, loss: str) -> float:
    if loss == "squared_hinge":
        return -(max(0.0, 1.0 - margin) ** 2)
    return -float(np.logaddexp(0.0, -margin))


@ledger_of("TreeDecoder")
def paths(decoder: TreeDecoder, question: Question, attribution: Attribution) -> list[Ledger]:
    """Follow the label's path down every tree."""
    forest = decoder.forests[question.level - 1]
    row = unit_rows(question.query.X)
    found = Paths(forest, row)
    lines, terms, margins = [], [], []
    n_trees = len(forest.roots)
    for tree, edges in sorted(found.to_label(question.label).items()):
        left = 1.0 / n_trees
        lines.append(Line("start", f"tree {tree + 1}: before any decision", left))
        for depth, edge in enumerate(edges, 1):
            name = _name(found.labels_below(edge.child), question)
            after = left * float(np.exp(edge.log_term))
            lines.append(Line("path", f"tree {tree + 1}: {name}", after - left))
            terms.append((tree + 1, depth, name, edge.margin, edge.log_term, after - left))
            order = np.argsort(-np.abs(edge.parts), kind="stable")[:FEATURES]
            for at in order.tolist():
                margins.append((tree + 1, depth, int(edge.features[at]), float(edge.parts[at])))
            left = after
        alone = replace(forest, roots=forest.roots[tree : tree + 1])
        reached = alone.scores(row, decoder.beam, question.n_threads)[0, question.label]
        if reached == 0 and left > 0:
            lines.append(Line("search", f"tree {tree + 1}: left aside by the search", -left))
    columns = ["tree", "depth", "name", "margin", "log_term", "contribution"]
    details = {
        "path": pd.DataFrame(terms, columns=columns),
        "margins": pd.DataFrame(margins, columns=["tree", "depth", "feature", "contribution"]),
    }
    return [Ledger("tree", lines=tuple(lines), details=details)]


def _name(labels: list[int], question: Question) -> str:
    counts = question.classifier.label_counts_
    best = sorted(labels, key=lambda j: (-int(counts[j]), j))[:NAMED]
    text = concept_name([str(question.classifier.label_names_[j]) for j in best])
    return text if len(labels) <= NAMED else f"{text} … ({len(labels)} labels)"
