"""An audit as one page: verdict, checks, metrics with their intervals drawn, counts."""

from __future__ import annotations

import html
import math
from typing import Any

import pandas as pd

_STYLE = """
:root{--ink:#1d2733;--soft:#5d6b7a;--line:#dde3ea;--tint:#f5f7fa;--yes:#23744a;--no:#a83232}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);max-width:76rem;margin:2.5rem auto;
padding:0 1.25rem;background:#fff}
h1{font-size:1.7rem;margin:0 0 1rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
.verdict{border-left:.4rem solid var(--no);background:var(--tint);padding:1rem 1.25rem;
border-radius:0 .5rem .5rem 0}.verdict.yes{border-color:var(--yes)}
.checks{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;padding:0;margin:1rem 0}
.checks li{border:1px solid var(--line);border-radius:1rem;padding:.15rem .8rem;color:var(--no)}
.checks li.yes{color:var(--yes)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:.4rem .8rem;border-bottom:1px solid var(--line);text-align:right}
th{color:var(--soft);font-weight:600;font-size:.85rem}th:first-child,td:first-child{text-align:left}
tbody tr:hover{background:var(--tint)}.soft{color:var(--soft)}
svg line{stroke:var(--line)}svg .span{stroke:var(--ink);stroke-width:2}svg .dot{fill:var(--ink)}
svg .null{fill:none;stroke:var(--soft)}svg .rival{fill:#c98a1b}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:.8rem;margin:0}
dl div{background:var(--tint);border-radius:.5rem;padding:.6rem .9rem}
dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.25rem}
"""
_WIDTH = 180
_WORDS = {True: "passed", False: "failed"}
_SUFFIXES = ("_difference", "_p_value")
_COUNTS = {"rows", "labels"}


def write_page(
    frame: pd.DataFrame, verdict: str, trustworthy: bool, checks: dict[str, bool]
) -> str:
    """Write it; the page needs no other file and no script."""
    rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    counts = [row for row in rows if _is_count(row)]
    measured = [row for row in rows if not _is_count(row)]
    rivals = [
        str(name).removesuffix("_difference") for name in frame if str(name).endswith("_difference")
    ]
    passed = "".join(
        f'<li class="{"yes" if held else "no"}">{_words(name)}: {_WORDS[bool(held)]}</li>'
        for name, held in checks.items()
    )
    parts = [
        f'<p class="verdict {"yes" if trustworthy else "no"}">{html.escape(verdict)}</p>',
        f'<ul class="checks">{passed}</ul>' if passed else "",
        _measures(measured, rivals) if measured else "",
        _rivals(measured, rivals) if rivals else "",
        _tiles(counts) if counts else "",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Audit of a label hierarchy</title><style>{_STYLE}</style></head><body>"
        f"<h1>Audit of a label hierarchy</h1>\n{''.join(parts)}\n</body></html>\n"
    )


def _is_count(row: dict[str, Any]) -> bool:
    name = str(row["metric"])
    return name in _COUNTS or name.endswith(("_labels", "_pairs", "_rate"))


def _measures(rows: list[dict[str, Any]], rivals: list[str]) -> str:
    heads = ("metric", "value", "95 % interval", "", "shuffled trees", "p", "dealt labels", "p")
    body = []
    for row in rows:
        low, high = (_value(row, end) for end in ("ci_low", "ci_high"))
        span = "" if math.isnan(low) else f"{_number(low)} to {_number(high)}"
        columns = ("null_mean", "p_value", "independent_mean", "independent_p_value")
        cells = [
            _words(row["metric"]),
            f"<strong>{_number(_value(row, 'value'))}</strong>",
            f'<span class="soft">{span}</span>',
            _drawing(row, rivals),
            *(_number(_value(row, column)) for column in columns),
        ]
        body.append(cells)
    note = (
        '<p class="soft">Drawn: the value (dot), its interval, the mean of shuffled trees (ring)'
        + (" and rivals (diamonds)." if rivals else ".")
        + "</p>"
    )
    return f"<h2>What was measured</h2>{_table(heads, body)}{note}"


def _rivals(rows: list[dict[str, Any]], rivals: list[str]) -> str:
    heads = ["metric", "tree"]
    for rival in rivals:
        heads += [_words(rival), "tree less it", "p"]
    body = []
    for row in rows:
        if all(math.isnan(_value(row, rival)) for rival in rivals):
            continue
        cells = [_words(row["metric"]), _number(_value(row, "value"))]
        for rival in rivals:
            names = (rival, *(rival + suffix for suffix in _SUFFIXES))
            cells += [_number(_value(row, name)) for name in names]
        body.append(cells)
    return f"<h2>Beside trees that anyone could build</h2>{_table(heads, body)}" if body else ""


def _tiles(rows: list[dict[str, Any]]) -> str:
    cells = "".join(
        f"<div><dt>{_words(row['metric'])}</dt><dd>{_number(_value(row, 'value'))}</dd></div>"
        for row in rows
    )
    return f"<h2>What it rests on</h2><dl>{cells}</dl>"


def _table(heads: Any, body: list[list[str]]) -> str:
    top = "".join(f"<th>{head}</th>" for head in heads)
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in body)
    return (
        f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _drawing(row: dict[str, Any], rivals: list[str]) -> str:
    marks = {name: _value(row, name) for name in ("value", "ci_low", "ci_high", "null_mean")}
    others = [_value(row, rival) for rival in rivals]
    known = [x for x in (*marks.values(), *others) if math.isfinite(x)]
    if math.isnan(marks["value"]) or len(known) < 2:
        return ""
    low, high = min(0.0, *known), max(1.0, *known)

    def at(x: float) -> float:
        return round(6 + (_WIDTH - 12) * (x - low) / (high - low), 1)

    shapes = [f'<line x1="6" y1="9" x2="{_WIDTH - 6}" y2="9"/>']
    shapes += [
        f'<rect class="rival" x="{at(x) - 3}" y="6" width="6" height="6" '
        f'transform="rotate(45 {at(x)} 9)"/>'
        for x in others
        if math.isfinite(x)
    ]
    if math.isfinite(marks["null_mean"]):
        shapes.append(f'<circle class="null" cx="{at(marks["null_mean"])}" cy="9" r="4"/>')
    if math.isfinite(marks["ci_low"]) and math.isfinite(marks["ci_high"]):
        ends = at(marks["ci_low"]), at(marks["ci_high"])
        shapes.append(f'<line class="span" x1="{ends[0]}" y1="9" x2="{ends[1]}" y2="9"/>')
    shapes.append(f'<circle class="dot" cx="{at(marks["value"])}" cy="9" r="4"/>')
    return f'<svg width="{_WIDTH}" height="18" role="img">{"".join(shapes)}</svg>'


def _value(row: dict[str, Any], name: str) -> float:
    return float(row.get(name, math.nan))


def _words(name: Any) -> str:
    return html.escape(str(name).replace("_", " "))


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"
