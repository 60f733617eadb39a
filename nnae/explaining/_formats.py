"""Explanations as text, JSON and a piece of HTML."""

from __future__ import annotations

import html
import json
import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from nnae.hierarchy._names import one_line, shorten

if TYPE_CHECKING:
    from nnae.explaining._explanation import Explanation

FORMAT = "nnae-explanation"
VERSION = 1
#: Features for and against, votes, and counterfactuals that a text lists.
LISTED = 5
#: A line for rounding below this part of the score is not shown to people.
UNSEEN = 1e-5


def amount(value: float) -> str:
    """Write a signed amount."""
    return f"{value:+.4g}" if value else "0"


def headline(explanation: Explanation) -> str:
    """Say label, score, place and how it came about in one line."""
    place = f"place {explanation.rank} of {explanation.n_labels}"
    if explanation.probability is None:
        return f"{one_line(explanation.label)}: difference {explanation.score:.4g}"
    return (
        f"{one_line(explanation.label)}: score {explanation.score:.4g}, "
        f"probability {explanation.probability:.3g}, {place}"
    )


def method_note(explanation: Explanation) -> str:
    """Say how exact the ledger is."""
    if explanation.method == "linear":
        return f"{explanation.decoder} decoder; the lines add up to the score"
    return (
        f"{explanation.decoder} decoder; features by {explanation.method}, "
        "what they do together is a line"
    )


def groups(explanation: Explanation) -> list[tuple[str, float, pd.DataFrame]]:
    """Return the lines of each concept with its name and sum, then each line without concept."""
    frame = explanation.frame
    small = frame["contribution"].abs() <= UNSEEN * abs(explanation.score)
    frame = frame[~((frame["kind"] == "rounding") & small)]
    found = []
    keys = frame["part"] + "\x00" + frame["concept"].astype(str)
    for key in dict.fromkeys(keys):
        lines = frame[keys == key]
        if lines["concept"].iloc[0] >= 0:
            name = lines["concept_name"].iloc[0]
            found.append((str(name), float(lines["contribution"].sum()), lines))
        else:
            for at in range(len(lines)):
                line = lines.iloc[at : at + 1]
                found.append((str(line["name"].iloc[0]), float(line["contribution"].iloc[0]), line))
    return found


def to_text(explanation: Explanation, width: int) -> str:
    """Write the ledger as lines of at most `width` columns."""
    lines = [headline(explanation), method_note(explanation), ""]
    room = max(width - 16, 20)
    for name, total, rows in groups(explanation):
        lines.append(f"{amount(total):>10}  {shorten(one_line(name), room)}")
        if rows["concept"].iloc[0] < 0:
            continue
        for row in rows.to_dict("records"):
            value = "" if math.isnan(row["value"]) else f" = {row['value']:.4g}"
            text = shorten(one_line(str(row["name"])) + value, room - 4)
            lines.append(f"{amount(row['contribution']):>14}    {text}")
    lines.append(f"{explanation.score:>10.4g}  in all")
    for title, frame in (("for", explanation.favouring), ("against", explanation.opposing)):
        if len(frame):
            best = frame.head(LISTED).to_dict("records")
            listed = ", ".join(f"{one_line(r['name'])} {amount(r['contribution'])}" for r in best)
            lines += ["", shorten(f"features {title}: {listed}", width)]
    votes = explanation.votes
    if votes is not None and len(votes):
        lines += ["", f"{len(votes)} training examples voted, the strongest:"]
        for row in votes.head(LISTED).to_dict("records"):
            lines.append(
                f"{amount(row['contribution']):>10}  example {row['example']}, "
                f"cosine {row['cosine']:.3f}"
            )
    return "\n".join(lines)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as plain values, NaN as None."""
    columns = [str(column) for column in frame.columns]
    rows = frame.itertuples(index=False, name=None)
    return [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def document(explanation: Explanation) -> dict[str, Any]:
    """Return everything as plain values."""
    flow = explanation.flow
    return {
        "format": FORMAT,
        "version": VERSION,
        "label": explanation.label,
        "score": explanation.score,
        "probability": explanation.probability,
        "rank": explanation.rank,
        "n_labels": explanation.n_labels,
        "decoder": explanation.decoder,
        "method": explanation.method,
        "level": explanation.level,
        "lines": records(explanation.frame),
        "features": records(explanation.features),
        "levels": records(explanation.levels),
        "details": {name: records(frame) for name, frame in sorted(explanation.details.items())},
        "flow": {"columns": flow.columns, "nodes": flow.nodes, "links": [*map(list, flow.links)]},
    }


def to_json(explanation: Explanation) -> str:
    """Write the document so that it may stand inside a script element."""
    text = json.dumps(document(explanation), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


_STYLE = {
    "table": "border-collapse:collapse;font-variant-numeric:tabular-nums",
    "number": "text-align:right;padding:.15em .8em;white-space:nowrap",
    "name": "text-align:left;padding:.15em .8em",
    "head": "text-align:left;padding:.35em .8em;border-top:1px solid #8886",
}


def to_html(explanation: Explanation) -> str:
    """Write the ledger as a table for notebooks."""
    rows = []
    for name, total, lines in groups(explanation):
        rows.append(_row(name, total, "head", bold=True))
        if lines["concept"].iloc[0] >= 0:
            for line in lines.to_dict("records"):
                value = "" if math.isnan(line["value"]) else f" = {line['value']:.4g}"
                rows.append(_row(f"   {line['name']}{value}", line["contribution"], "name"))
    rows.append(_row("score", explanation.score, "head", bold=True))
    return (
        f"<div><p><strong>{html.escape(headline(explanation))}</strong><br>"
        f"{html.escape(method_note(explanation))}</p>"
        f'<table style="{_STYLE["table"]}"><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _row(name: str, total: float, kind: str, *, bold: bool = False) -> str:
    weight = ";font-weight:600" if bold else ""
    return (
        f'<tr><td style="{_STYLE[kind]}{weight}">{html.escape(name)}</td>'
        f'<td style="{_STYLE["number"]}{weight}">{amount(total)}</td></tr>'
    )
