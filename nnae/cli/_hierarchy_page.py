"""A hierarchy as a page that opens and closes, without a script."""

from __future__ import annotations

from html import escape
from typing import Any

from nnae.hierarchy._formats import is_sure

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1d2733;max-width:60rem;margin:2.5rem auto;
padding:0 1.25rem}h1{font-size:1.6rem}.soft{color:#5d6b7a;font-size:.9rem}
details{border-left:2px solid #dde3ea;padding-left:.9rem;margin:.25rem 0}
summary{cursor:pointer;padding:.1rem .3rem;border-radius:.3rem}summary:hover{background:#f5f7fa}
ul{display:flex;flex-wrap:wrap;gap:.3rem;list-style:none;padding:0;margin:.3rem 0 .6rem .9rem}
li{background:#f5f7fa;border-radius:1rem;padding:.05rem .7rem}
details.measured{border-left-width:5px;border-left-color:#1f4e79}
details.measured>summary{font-weight:600}details.unsure{border-left-style:dashed}
details.unsure>summary,li.unsure{color:#5d6b7a;font-style:italic}
"""


def write_page(hierarchy: Any) -> str:
    """Write concepts as sections that open, labels as a row of words below each."""
    tree, root = hierarchy.tree(), hierarchy.root
    labels = len(hierarchy.labels) - len(hierarchy.unplaced)
    concepts = sum(tree.nodes[node]["kind"] == "concept" for node in tree)
    legend = ""
    if any(edge["frequency"] is not None for *_, edge in tree.edges(data=True)):
        legend = (
            " Bold: what hangs there again in at least 60 % of refits on other rows; in italics: "
            "what does not."
        )
    left_out = ""
    if hierarchy.unplaced:
        words = "".join(f"<li>{escape(label)}</li>" for label in hierarchy.unplaced)
        left_out = f"<h2>Labels without examples</h2><ul>{words}</ul>"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Hierarchy of labels</title><style>{_STYLE}</style></head><body>"
        f'<h1>Hierarchy of labels</h1><p class="soft">{labels:,} labels in {concepts:,} concepts. '
        f"A concept is named by its heaviest labels.{legend}</p>\n"
        f"{_below(tree, root, 0)}{left_out}\n"
        "</body></html>\n"
    )


def _below(tree: Any, node: str, depth: int) -> str:
    children = sorted(tree.successors(node), key=lambda child: (-tree.nodes[child]["mass"], child))
    words, sections = [], []
    for child in children:
        about, often = tree.nodes[child], tree.edges[node, child]["frequency"]
        kind = "" if often is None else ' class="measured"' if is_sure(often) else ' class="unsure"'
        said = "" if often is None else f", in {often:.0%} of refits"
        if about["kind"] == "label":
            title = "" if often is None else f' title="in {often:.0%} of refits"'
            words.append(f"<li{kind}{title}>{escape(about['name'])}</li>")
            continue
        opened = " open" if depth == 0 and len(children) <= 12 else ""
        sections.append(
            f"<details{opened}{kind}><summary>{escape(about['name'])} "
            f'<span class="soft">{about["size"]:,} labels{said}</span></summary>'
            f"{_below(tree, child, depth + 1)}</details>"
        )
    return "".join(sections) + (f"<ul>{''.join(words)}</ul>" if words else "")
