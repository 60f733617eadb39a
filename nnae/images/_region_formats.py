"""Explanations by regions as JSON and a piece of HTML."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from nnae._png import png_address
from nnae.explaining._formats import amount, headline, records
from nnae.hierarchy._names import one_line, shorten

if TYPE_CHECKING:
    from nnae.images._region_explanation import RegionExplanation

FORMAT, VERSION = "nnae-regions", 1
#: Regions that a text lists.
LISTED = 5


def run_lengths(regions: Any) -> list[list[int]]:
    """Return pairs of region and number of pixels, row by row."""
    flat = regions.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    lengths = np.diff(np.append(starts, len(flat)))
    return [[int(flat[at]), int(n)] for at, n in zip(starts, lengths, strict=True)]


def document(found: RegionExplanation) -> dict[str, Any]:
    """Return everything as plain values."""
    flow, whole = found.flow, found.explanation
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": found.name,
        "score": found.score,
        "probability": None if whole is None else whole.probability,
        "rank": None if whole is None else whole.rank,
        "method": found.method,
        "base": found.base,
        "residual": found.residual,
        "lines": records(found.frame),
        "shape": list(found.regions.shape),
        "regions": run_lengths(found.regions),
        "flow": {"columns": flow.columns, "nodes": flow.nodes, "links": [*map(list, flow.links)]},
    }


def to_json(found: RegionExplanation) -> str:
    """Write the document so that it may stand inside a script element."""
    text = json.dumps(document(found), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def note(found: RegionExplanation) -> str:
    """Say how the regions were found out, and what they leave."""
    return (
        f"{len(found.parts)} regions by {found.method}; without any of them {found.base:.3g}, "
        f"together {amount(found.residual)}"
    )


def to_text(found: RegionExplanation, width: int) -> str:
    """Write the regions that give most as lines of at most `width` columns."""
    head = f"{one_line(found.name)}: {found.score:.4g}"
    whole = found.explanation
    if whole is not None and whole.probability is not None:
        head = headline(whole)
    lines = [head, note(found), ""]
    frame = found.frame
    regions = frame[frame["kind"] == "region"]
    for row in regions.head(LISTED).to_dict("records"):
        area = f"{row['area']:.0%} of the picture"
        lines.append(f"{amount(row['contribution']):>10}  {row['name']} ({area})")
    rest = regions.iloc[LISTED:]["contribution"]
    if len(rest):
        lines.append(f"{amount(float(rest.sum())):>10}  {len(rest)} other regions")
    for row in frame[frame["kind"] != "region"].to_dict("records"):
        lines.append(f"{amount(row['contribution']):>10}  {row['name']}")
    lines.append(f"{found.score:>10.4g}  in all")
    concepts = [node for node in found.flow.nodes if node["column"] == 1]
    if whole is not None:
        best = sorted(concepts, key=lambda node: -abs(node["amount"]))
        named = ", ".join(f"{one_line(n['name'])} {amount(n['amount'])}" for n in best)
        lines += ["", f"through concepts: {named}"]
    return "\n".join(shorten(line, width) for line in lines)


def to_html(found: RegionExplanation) -> str:
    """Write the picture, the heat over it and the strongest regions for notebooks."""
    pictures = "".join(
        f'<img src="{png_address(pixels)}" alt="{html.escape(what)}" '
        'style="width:14em;image-rendering:auto;border-radius:4px;margin-right:.7em">'
        for pixels, what in (
            (found.picture, "the picture"),
            (found.marked, f"regions for and against {found.name}"),
        )
    )
    cell = "text-align:right;padding:.15em .8em"
    rows = "".join(
        f'<tr><td style="text-align:left">{html.escape(row["name"])}</td>'
        f'<td style="{cell}">{amount(row["contribution"])}</td></tr>'
        for row in found.frame[found.frame["kind"] == "region"].head(LISTED).to_dict("records")
    )
    return (
        f"<div><p><strong>{html.escape(found.name)}: {found.score:.4g}</strong><br>"
        f"{html.escape(note(found))}; blue is for, orange against</p>{pictures}"
        f"<table><tbody>{rows}</tbody></table></div>"
    )
