"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Optional

import typer

# typer reads these at run time; Python 3.10 and its older releases want Optional spelt out
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random choices.")]
Threads = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--threads", min=1, help="Threads; all by default. The result is the same.", metavar="N"
    ),
]
Format = Annotated[
    str, typer.Option("--format", "-f", help="Format of the data; told from the file by default.")
]
LabelNames = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--label-names", help="File with a label name a line, in column order."),
]
Labels = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--labels",
        help="ARFF: Mulan's XML file, or how many attributes are labels (negative: the last).",
        metavar="FILE|N",
    ),
]
Features = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--features", help="npz: the file with the features of the rows."),
]
TextColumn = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--text-column", help="Table: the column with the text.", metavar="NAME"),
]
LabelColumn = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--label-column", help="Table: the column with the labels.", metavar="NAME"),
]
ImageFolder = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--image-folder",
        help="Folder of the pictures that rows are named by; beside the data by default.",
        metavar="DIR",
    ),
]
LabelSep = Annotated[
    str, typer.Option("--label-sep", help="Table: what stands between the labels of a row.")
]
Delimiter = Annotated[
    str, typer.Option("--delimiter", help="Table: what stands between columns; \\t is a tab.")
]

ChunkRows = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--chunk-rows", min=1, help="Rows to hold at a time, for more than memory.", metavar="N"
    ),
]
Checkpoint = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--checkpoint", help="File to note a fit in, and to go on from when killed."),
]


def one_of(option: str, value: str, allowed: Iterable[str]) -> str:
    """Return the value, or refuse it as wrong usage."""
    names = list(allowed)
    if value not in names:
        raise typer.BadParameter(f"{option} must be one of {', '.join(names)}; got {value!r}")
    return value


def numbers(option: str, value: str) -> tuple[int, ...]:
    """Read positive numbers between commas."""
    try:
        found = tuple(int(part) for part in value.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 1:
        raise typer.BadParameter(
            f"{option} must be positive numbers between commas, such as 100,20; got {value!r}"
        )
    return found
