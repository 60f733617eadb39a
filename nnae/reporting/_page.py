"""The page: styles, scripts and compressed data in one file that needs no other."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from importlib import resources
from typing import Any

SCRIPTS = (
    "base.js", "data.js", "chart.js", "tree.js", "treemap.js", "card.js", "network.js",
    "trust.js", "accuracy.js", "flow.js", "examples.js", "search.js", "main.js",
)  # fmt: skip


def asset(name: str) -> str:
    """Return the text of a file of this package."""
    return resources.files("nnae.reporting").joinpath("assets", name).read_text("utf-8")


def pack(value: Any) -> str:
    """Return JSON, compressed, in letters that may stand in a page; the same bytes every time."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def page(title: str, summary: str, blocks: dict[str, Any]) -> str:
    """Write the page.

    Data are no part of the markup: they are read by the page's own script, the only one that its
    content policy lets run, and shown as text.
    """
    script = "\n".join(asset(name) for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    data = "\n".join(
        f'<script type="application/gzip" id="block-{name}">{pack(value)}</script>'
        for name, value in blocks.items()
    )
    known = {
        "title": html.escape(title),
        "summary": html.escape(summary),
        "policy": f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        "style": asset("report.css"),
        "data": data,
        "script": script,
    }
    text = asset("report.html")
    for name in ("policy", "style", "title", "summary", "data", "script"):
        text = text.replace(f"<!--{name}-->", known[name])
    return text
