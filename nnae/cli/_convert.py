"""``nnae convert``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nnae.cli._files import Reading
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
    TextColumn,
    one_of,
)
from nnae.cli._screen import Screen


def convert(
    source: Annotated[Path, typer.Argument(help="Data of any readable format.")],
    target: Annotated[Path, typer.Argument(help="File to write; .gz is compressed.")],
    to: Annotated[
        str, typer.Option("--to", help="auto (by the ending), or the format to write.")
    ] = "auto",
    names: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--write-names", help="Where to write label names, one a line."),
    ] = None,
    format: Format = "auto",
    label_names: LabelNames = None,
    features: Features = None,
    labels: Labels = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_sep: LabelSep = ";",
    delimiter: Delimiter = ",",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Convert data from one format to another.

    Transactions hold labels only: features are left out, and a message says so.

    \b
    Examples:
      nnae convert posts.csv posts.txt --to xmc --write-names tags.txt
      nnae convert baskets.csv baskets.svm
    """
    chosen = one_of("--to", to, ("auto", *WRITERS))
    if chosen == "auto":
        chosen = _by_ending(target)
    screen = Screen(quiet=quiet, as_json=as_json)
    reading = Reading(
        format, label_names, features, labels, text_column, label_column, label_sep, delimiter
    )
    with screen.steps() as steps:
        with steps.step("read") as step:
            data = reading.read(source)
            step.note(f"{data.Y.shape[0]} rows, {data.Y.shape[1]} labels")
        with steps.step("write"):
            WRITERS[chosen].write(target, data)
    if names is not None:
        _write_names(names, data)
    elif data.label_names is not None and not WRITERS[chosen].keeps_names:
        screen.say(f"{chosen} has no place for label names; --write-names keeps them in a file")
    if data.X is not None and not WRITERS[chosen].keeps_features:
        screen.say(f"{chosen} has no place for features; {data.X.shape[1]} are left out")
    screen.say(f"{target}: {data.Y.shape[0]} rows, {data.Y.shape[1]} labels as {chosen}")
    screen.result(
        {
            "n_rows": int(data.Y.shape[0]),
            "n_labels": int(data.Y.shape[1]),
            "n_features": None if data.X is None else int(data.X.shape[1]),
            "format": chosen,
            "file": str(target.absolute()),
        }
    )


@dataclass(frozen=True)
class Writer:
    """One format that can be written."""

    write: Callable[[Path, Any], None]
    endings: tuple[str, ...]
    keeps_names: bool
    keeps_features: bool


def _xmc(target: Path, data: Any) -> None:
    from nnae.io import write_xmc

    write_xmc(target, data.X, data.Y)


def _svmlight(target: Path, data: Any) -> None:
    from nnae.io import write_svmlight

    write_svmlight(target, data.X, data.Y)


def _transactions(target: Path, data: Any) -> None:
    from nnae.io import write_transactions

    write_transactions(target, data.Y, ids=data.ids, label_names=data.label_names)


WRITERS = {
    "xmc": Writer(_xmc, (".xmc", ".txt"), keeps_names=False, keeps_features=True),
    "svmlight": Writer(_svmlight, (".svm", ".svmlight", ".libsvm"), False, True),
    "transactions": Writer(_transactions, (".csv",), True, False),
}


def _by_ending(target: Path) -> str:
    ending = Path(target.name.lower().removesuffix(".gz")).suffix
    for name, writer in WRITERS.items():
        if ending in writer.endings:
            return name
    known = ", ".join(ending for writer in WRITERS.values() for ending in writer.endings)
    raise typer.BadParameter(f"the ending of {target.name} is none of {known}; give --to")


def _write_names(path: Path, data: Any) -> None:
    from nnae.io import atomic_write

    found = range(data.Y.shape[1]) if data.label_names is None else data.label_names
    lines = [str(name) for name in found]
    odd = next((name for name in lines if "\n" in name or "\r" in name), None)
    if odd is not None:
        raise ValueError(f"label names must not hold line ends, to be one a line; got {odd!r}")
    with atomic_write(path) as file:
        file.write("".join(f"{name}\n" for name in lines).encode())
