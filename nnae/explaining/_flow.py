"""The score as a flow that can be drawn: features, concepts of each level, the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from nnae.explaining._levels import level_codes, upper_weights
from nnae.explaining._lines import FeatureAmounts, largest

if TYPE_CHECKING:
    from nnae.explaining._explanation import Explanation

Array = npt.NDArray[Any]

#: Features, concepts that are nodes of their own where `top` does not say.
SHOWN = 8


@dataclass(frozen=True)
class Flow:
    """Nodes in columns and signed links between them.

    Attributes
    ----------
    columns : list of str
        "features", "level 1", ..., "label".
    nodes : list of dict
        column (number), kind, name and amount: the sum of what flows in (out, in the first).
    links : list of tuple
        (source node, target node, amount). Amounts into the label add up to the score.
    """

    columns: list[str]
    nodes: list[dict[str, Any]]
    links: list[tuple[int, int, float]]


class Builder:
    """Collects nodes, each once, and links, whose amounts add up."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.amounts: dict[tuple[int, int], float] = {}
        self._place: dict[tuple[int, str], int] = {}

    def node(self, column: int, kind: str, name: str) -> int:
        """Return the number of a node."""
        key = (column, f"{kind}:{name}")
        if key not in self._place:
            self._place[key] = len(self.nodes)
            self.nodes.append({"column": column, "kind": kind, "name": name, "amount": 0.0})
        return self._place[key]

    def link(self, source: int, target: int, amount: float) -> None:
        """Let an amount flow."""
        if amount != 0:
            key = (source, target)
            self.amounts[key] = self.amounts.get(key, 0.0) + float(amount)

    def flow(self, columns: list[str]) -> Flow:
        """Return what was built; nodes that nothing flows through are left out, but for labels."""
        labels = {at for at, node in enumerate(self.nodes) if node["kind"] == "label"}
        used = sorted({node for link in self.amounts for node in link} | labels)
        place = {node: at for at, node in enumerate(used)}
        links = [(place[a], place[b], amount) for (a, b), amount in self.amounts.items()]
        nodes = [self.nodes[node] for node in used]
        _weigh(nodes, links)
        return Flow(columns, nodes, links)


class Sources(Protocol):
    """Leads what a score is made of to concepts (number -> node) and to the label's node."""

    def __call__(
        self, build: Builder, explanation: Explanation, nodes: dict[int, int], goal: int, limit: int
    ) -> None:
        """Add nodes and links of the first column."""


def concept_amounts(explanation: Explanation) -> Array:
    """Return what each concept of the decoded level gives the label, over all ledgers (k)."""
    amounts = np.zeros(len(explanation.question.codes))
    for ledger in explanation.ledgers:
        through = ledger.by_concept()
        amounts = amounts if through is None else amounts + through
    return amounts


def make_flow(
    explanation: Explanation, sources: Sources | None = None, first: str = "features"
) -> Flow:
    """Lead contributions from features, or what `sources` brings, to the label.

    A concept's contribution passes on to the concepts above it in proportion to what they
    compose of its code, :math:`z_{2q} W_2[q, p]`; what has no parent there goes to the label.
    """
    question, names = explanation.question, explanation.concepts_named
    limit = explanation.top or SHOWN
    amounts = concept_amounts(explanation)
    shown = largest(amounts, limit)
    uppers = _uppers(explanation)
    build = Builder()
    last = 2 + len(uppers)
    goal = build.node(last, "label", explanation.label)
    nodes = {p: build.node(1, "concept", names.name(question.level, p)) for p in shown.tolist()}
    listed = np.zeros(len(amounts), bool)
    listed[shown] = True
    others = np.flatnonzero(~listed & (amounts != 0))
    if len(others):
        rest = build.node(1, "others", f"{len(others)} other concepts")
        nodes |= dict.fromkeys(others.tolist(), rest)
    (sources or _from_features)(build, explanation, nodes, goal, limit)
    _upward(build, explanation, nodes, amounts, uppers, goal)
    columns = [first, *(f"level {question.level + i}" for i in range(1 + len(uppers)))]
    return build.flow([*columns, "label"])


def _uppers(explanation: Explanation) -> list[tuple[int, Array]]:
    """Return for each higher level which part of a concept's code each of its parents composes."""
    raw = np.asarray(explanation.question.query.targets[0], np.float64)
    found = []
    for level, weights in upper_weights(explanation):
        flow = level_codes(explanation, level, raw)[:, None] * weights
        total = flow.sum(axis=0)
        found.append((level, np.divide(flow, total, out=np.zeros_like(flow), where=total > 0)))
    return found


def _from_features(
    build: Builder, explanation: Explanation, nodes: dict[int, int], goal: int, limit: int
) -> None:
    names = explanation.features_named
    found = FeatureAmounts(explanation)
    shown = largest(found.amounts, limit).tolist()
    rest = np.setdiff1d(np.flatnonzero(found.values != 0), shown)
    other = f"{len(rest)} other features"
    kinds = {int(at): ("feature", names[int(at)]) for at in shown}

    def source(feature: int) -> int:
        return build.node(0, *kinds.get(feature, ("others", other)))

    def spread(columns: Array, amounts: Array, target: int) -> None:
        known = np.isin(columns, shown)
        for at in np.flatnonzero(known).tolist():
            build.link(source(int(columns[at])), target, float(amounts[at]))
        if not known.all():
            build.link(source(-1), target, float(amounts[~known].sum()))

    for ledger in explanation.ledgers:
        if ledger.gains is not None and ledger.seen is not None:
            attribution, start = ledger.seen.attribution, ledger.seen.columns.start
            codes = ledger.seen.codes
            for p, node in nodes.items():
                if codes[p] == 0:
                    continue
                at, gain = start + p, ledger.gains[p]
                spread(attribution.columns, attribution.parts[:, at] * gain, node)
                bases = (
                    (ledger.seen.base_name, attribution.base),
                    (
                        "features together",
                        attribution.residual,
                    ),
                )
                for name, base in bases:
                    if base[at] != 0:
                        build.link(build.node(0, "base", name), node, float(base[at] * gain))
        if ledger.direct is not None:
            spread(ledger.direct.columns, ledger.direct.amounts, goal)
        for line in ledger.lines:
            build.link(build.node(0, "line", line.name), goal, line.contribution)


def _upward(
    build: Builder,
    explanation: Explanation,
    nodes: dict[int, int],
    amounts: Array,
    uppers: list[tuple[int, Array]],
    goal: int,
) -> None:
    names = explanation.concepts_named
    below = {p: [(node, float(amounts[p]))] for p, node in nodes.items()}
    limit = explanation.top or SHOWN
    for depth, (level, shares) in enumerate(uppers):
        column = 2 + depth
        totals = np.zeros(len(shares))
        for p, parts in below.items():
            totals += shares[:, p] * sum(amount for _, amount in parts)
        kept = set(largest(totals, limit).tolist())
        above: dict[int, list[tuple[int, float]]] = {}
        for p, parts in below.items():
            parents = np.flatnonzero(shares[:, p]).tolist()
            for source, amount in parts:
                if not parents:
                    build.link(source, goal, amount)
                for q in parents:
                    name = names.name(level, q) if q in kept else "other concepts"
                    kind = "concept" if q in kept else "others"
                    target = build.node(column, kind, name)
                    build.link(source, target, amount * shares[q, p])
                    above.setdefault(q, []).append((target, amount * float(shares[q, p])))
        below = {q: _merged(parts) for q, parts in above.items()}
    for parts in below.values():
        for source, amount in parts:
            build.link(source, goal, amount)


def _merged(parts: list[tuple[int, float]]) -> list[tuple[int, float]]:
    total: dict[int, float] = {}
    for node, amount in parts:
        total[node] = total.get(node, 0.0) + amount
    return list(total.items())


def _weigh(nodes: list[dict[str, Any]], links: list[tuple[int, int, float]]) -> None:
    for source, target, amount in links:
        nodes[target]["amount"] += amount
        if nodes[source]["column"] == 0:
            nodes[source]["amount"] += amount
