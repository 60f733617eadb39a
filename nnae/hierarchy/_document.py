"""A hierarchy as one JSON document and back."""

from __future__ import annotations

import json
from typing import Any

import networkx as nx

FORMAT = "nnae-label-hierarchy"
VERSION = 1


def write_document(
    graph: nx.DiGraph[str], tree: nx.DiGraph[str], about: dict[str, Any]
) -> dict[str, Any]:
    """Return nodes, edges and whatever `about` holds as plain lists and dicts."""
    return {
        "format": FORMAT,
        "version": VERSION,
        **about,
        "nodes": [{"id": node, **known} for node, known in graph.nodes(data=True)],
        "graph_edges": _edges(graph),
        "tree_edges": _edges(tree),
    }


def _edges(graph: nx.DiGraph[str]) -> list[dict[str, Any]]:
    return [{"parent": p, "child": c, **known} for p, c, known in graph.edges(data=True)]


def dump(document: dict[str, Any]) -> str:
    """Write JSON that may also stand inside an HTML script element."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def read_document(text: str) -> dict[str, Any]:
    """Parse and check a document."""
    try:
        document = json.loads(text)
    except ValueError as problem:
        raise ValueError(f"a hierarchy must be a JSON document; {problem}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"the JSON document must have format {FORMAT!r}")
    if document.get("version") != VERSION:
        raise ValueError(
            f"the hierarchy must have version {VERSION}; got {document.get('version')!r}"
        )
    needed = {"nodes", "graph_edges", "tree_edges", "labels", "root", "unplaced", "widths"}
    missing = sorted(needed.difference(document))
    if missing:
        raise ValueError(f"the hierarchy's document must hold {', '.join(missing)}")
    return document


def read_graphs(document: dict[str, Any]) -> tuple[nx.DiGraph[str], nx.DiGraph[str]]:
    """Rebuild the graph and the tree of a document."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    tree: nx.DiGraph[str] = nx.DiGraph()
    try:
        for node in document["nodes"]:
            graph.add_node(node["id"], **{key: node[key] for key in node if key != "id"})
        tree.add_node(document["root"], **graph.nodes[document["root"]])
        for target, edges in ((graph, document["graph_edges"]), (tree, document["tree_edges"])):
            for edge in edges:
                known = {key: edge[key] for key in edge if key not in ("parent", "child")}
                for node in (edge["parent"], edge["child"]):
                    target.add_node(node, **graph.nodes[node])
                target.add_edge(edge["parent"], edge["child"], **known)
    except (KeyError, TypeError) as problem:
        raise ValueError(f"the hierarchy's document is damaged: {problem!r}") from None
    if not nx.is_arborescence(tree):
        raise ValueError("the hierarchy's document is damaged: its tree edges form no tree")
    return graph, tree
