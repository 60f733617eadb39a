"""``nnae audit``."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Optional

import typer

from nnae.cli._files import Reading, load_model, match_labels
from nnae.cli._hierarchy import read_hierarchy, write_text
from nnae.cli._options import (
    Delimiter,
    Features,
    Format,
    Json,
    LabelColumn,
    LabelNames,
    Labels,
    LabelSep,
    Quiet,
    Seed,
    TextColumn,
    Threads,
    one_of,
)
from nnae.cli._screen import Screen


def audit(
    model: Annotated[Path, typer.Argument(help="A model, or a saved hierarchy.")],
    data: Annotated[Path, typer.Argument(help="Held-out rows that did not make it.")],
    train: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Rows to build the rival trees from, best those of the model."),
    ] = None,
    taxonomy: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A label and its group a line, a tab or comma between."),
    ] = None,
    evidence: Annotated[
        str, typer.Option(help="What the tree was made from: labels or features.")
    ] = "labels",
    permutations: Annotated[int, typer.Option(min=19, help="Shuffled trees.")] = 200,
    html: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write verdict and table as one page."),
    ] = None,
    format: Format = "auto",
    label_names: LabelNames = None,
    labels: Labels = None,
    features: Features = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_sep: LabelSep = ";",
    delimiter: Delimiter = ",",
    seed: Seed = 0,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Check a hierarchy against held-out rows, chance, and trees that anyone could build.

    \b
    Examples:
      nnae audit model.nnae test.txt --train train.txt
      nnae audit model.nnae test.txt --html audit.html
    """
    import nnae

    one_of("--evidence", evidence, ("labels", "features"))
    screen = Screen(quiet=quiet, as_json=as_json)
    tree = read_hierarchy(load_model(model))
    reading = Reading(
        format=format,
        label_names=label_names,
        features=features,
        labels=labels,
        text_column=text_column,
        label_column=label_column,
        label_sep=label_sep,
        delimiter=delimiter,
    )
    known = SimpleNamespace(label_names_=tree.labels)
    heldout = reading.read(data)
    beside: dict[str, Any] = {"X": heldout.X}
    if train is not None:
        rows = reading.read(train)
        beside = {"Y_train": match_labels(rows, known, screen), "X_train": rows.X}
    report = nnae.audit(
        tree,
        match_labels(heldout, known, screen),
        taxonomy=None if taxonomy is None else read_taxonomy(taxonomy),
        evidence=evidence,
        n_permutations=permutations,
        random_state=seed,
        n_threads=threads,
        **beside,
    )
    metrics = [
        {name: None if _missing(value) else value for name, value in row.items()}
        for row in report.frame.to_dict("records")
    ]
    screen.result(
        {
            "trustworthy": report.trustworthy,
            "checks": report.checks,
            "verdict": report.verdict,
            "metrics": metrics,
        }
    )
    _show(report.frame, screen)
    screen.text(report.verdict)
    if html is not None:
        write_text(html, report.to_html())
        screen.say(f"{html}: the audit as a page")


def read_taxonomy(path: Path) -> dict[str, str]:
    """Read a label and its group a line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        file.seek(0)
        rows = list(csv.reader(file, delimiter="\t" if "\t" in first else ","))
    groups: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        if not row:
            continue
        if len(row) != 2:
            raise ValueError(f"{path}, line {number}: must have 2 fields; got {len(row)}")
        groups[row[0].strip()] = row[1].strip()
    return groups


def _show(frame: Any, screen: Screen) -> None:
    rivals = [name.removesuffix("_difference") for name in frame if name.endswith("_difference")]
    measured = frame[frame["null_mean"].notna()]  # the others are counts, or could not be measured
    columns = ["metric", "value", "interval", "shuffled", "p"]
    columns += [name.replace("_", " ") for name in rivals]
    rows = []
    for row in measured.to_dict("records"):
        interval = f"{_number(row['ci_low'])} to {_number(row['ci_high'])}"
        rows.append(
            [
                row["metric"].replace("_", " "),
                _number(row["value"]),
                "" if math.isnan(row["ci_low"]) else interval,
                _number(row["null_mean"]),
                _number(row["p_value"]),
                *(_number(row[name]) for name in rivals),
            ]
        )
    screen.table("Audit", columns, rows)


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"
