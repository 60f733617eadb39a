"""The tree as text for people and for programs."""

from __future__ import annotations

import textwrap
from typing import Any

import networkx as nx

from nnae.hierarchy._names import one_line, shorten, unique

#: Share of bootstraps from which on an edge is drawn boldly.
RECURRING = 0.6


def is_sure(frequency: float | None) -> bool:
    """Tell whether an edge recurs often enough to be drawn boldly; unmeasured ones are."""
    return frequency is None or frequency >= RECURRING - 1e-12


def children_in_order(tree: nx.DiGraph[str], node: str) -> list[str]:
    """Return a node's children: concepts, then labels, heaviest first."""

    def weight(child: str) -> tuple[bool, float, str]:
        known = tree.nodes[child]
        return known["kind"] == "label", -tree.edges[node, child]["contribution"], child

    return sorted(tree.successors(node), key=weight)


def tree_text(
    tree: nx.DiGraph[str],
    root: str,
    unplaced: list[str],
    *,
    max_depth: int | None,
    max_children: int | None,
    width: int,
) -> str:
    """Draw the tree with one line a concept and its own labels below it."""
    lines: list[str] = []
    total = tree.nodes[root]["mass"] or 1.0
    concepts = sum(1 for _, known in tree.nodes(data=True) if known["kind"] == "concept")
    labels = tree.nodes[root]["size"] + len(unplaced)
    lines.append(f"{_count(labels, 'label')} in {_count(concepts, 'concept')}")

    def walk(node: str, indent: str, depth: int) -> None:
        below = children_in_order(tree, node)
        concepts = [child for child in below if tree.nodes[child]["kind"] == "concept"]
        own = [child for child in below if tree.nodes[child]["kind"] == "label"]
        if max_depth is not None and depth >= max_depth:
            return
        shown = concepts if max_children is None else concepts[:max_children]
        left_out = concepts[len(shown) :]
        for number, child in enumerate(shown, start=1):
            last = number == len(concepts) and not own
            known, edge = tree.nodes[child], tree.edges[node, child]
            about = f"{_count(known['size'], 'label')}, {_percent(known['mass'] / total)}"
            if edge["frequency"] is not None:
                about += f", recurs {_percent(edge['frequency'])}"
            mark = "└─ " if last else "├─ "
            room = max(width - len(indent) - len(about) - 6, 20)
            lines.append(f"{indent}{mark}{shorten(known['name'], room)} ({about})")
            walk(child, indent + ("   " if last else "│  "), depth + 1)
        if left_out:
            held = sum(tree.nodes[child]["size"] for child in left_out)
            lines.append(
                f"{indent}{'├─ ' if own else '└─ '}… {_count(len(left_out), 'more concept')} "
                f"({_count(held, 'label')})"
            )
        if own:
            start = "in no single concept: " if node == root and concepts else ""
            lines.extend(_label_lines(own, indent, "└─ " + start, max_children, width))

    walk(root, "", 0)
    if unplaced:
        lines.extend(_label_lines(unplaced, "", "without positives: ", max_children, width))
    return "\n".join(lines)


def _label_lines(
    labels: list[str], indent: str, start: str, limit: int | None, width: int
) -> list[str]:
    """Write labels one after the other behind `start`, and count those left out."""
    shown = labels if limit is None else labels[:limit]
    texts = [one_line(label) or "(blank)" for label in shown]
    if len(shown) < len(labels):
        texts.append(f"… {len(labels) - len(shown)} more")
    # blanks inside a label must not break a line, and no line may begin with a dot
    glued = "\u00a0· ".join(text.replace(" ", "\u00a0") for text in texts)
    wrapped = textwrap.wrap(
        start.replace(" ", "\u00a0") + glued,
        max(width - len(indent), 20),
        subsequent_indent="   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [indent + line.replace("\u00a0", " ") for line in wrapped]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.095 or share == 0 else f"{100 * share:.1f} %"


def tree_newick(tree: nx.DiGraph[str], root: str, unplaced: list[str], n_levels: int) -> str:
    """Write the tree in Newick's format; see `LabelHierarchy.to_newick`."""
    taken: set[str] = set()
    leaves = [node for node in tree if tree.nodes[node]["kind"] == "label"] + unplaced
    name = {node: _newick_name(node, taken) for node in dict.fromkeys([*leaves, *tree])}

    def height(node: str) -> float:
        return n_levels + 1.0 if node == root else float(tree.nodes[node]["level"])

    def write(node: str) -> str:
        parts = [
            f"{write(child)}:{height(node) - height(child):g}"
            for child in children_in_order(tree, node)
        ]
        if node == root and unplaced:
            inner = ",".join(f"{name[label]}:0.5" for label in unplaced)
            parts.append(f"({inner}){_newick_name('without positives', taken)}:{n_levels + 0.5:g}")
        return f"({','.join(parts)}){name[node]}" if parts else name[node]

    return write(root) + ";"


def _newick_name(node: str, taken: set[str]) -> str:
    """Quote a name as Newick does: in single quotes, a quote inside doubled."""
    text = unique(one_line(node) or "(blank)", taken)
    if text.isascii() and text.replace(".", "").isalnum():
        return text
    return "'" + text.replace("'", "''") + "'"


def edge_rows(graph: nx.DiGraph[str], tree: nx.DiGraph[str]) -> list[dict[str, Any]]:
    """Return one dict an edge of the graph or the tree."""
    rows: list[dict[str, Any]] = []
    pairs = {**dict.fromkeys(graph.edges), **dict.fromkeys(tree.edges)}
    for parent, child in pairs:
        in_graph, in_tree = graph.has_edge(parent, child), tree.has_edge(parent, child)
        edge = graph.edges[parent, child] if in_graph else tree.edges[parent, child]
        rows.append(
            {
                "parent": parent,
                "child": child,
                "parent_level": graph.nodes[parent]["level"],
                "child_level": graph.nodes[child]["level"],
                "child_kind": graph.nodes[child]["kind"],
                "share": edge["share"],
                "lift": edge["lift"],
                "contribution": edge["contribution"],
                "frequency": edge["frequency"],
                "in_graph": in_graph,
                "in_tree": in_tree,
            }
        )
    return rows
