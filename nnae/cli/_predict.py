"""``nnae predict``."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Optional, TextIO

import typer

from nnae.cli._chunks import features_in_chunks, open_chunks
from nnae.cli._files import Reading, load_classifier
from nnae.cli._options import (
    ChunkRows,
    Delimiter,
    Features,
    Format,
    ImageFolder,
    Json,
    Labels,
    Quiet,
    TextColumn,
    Threads,
    one_of,
)
from nnae.cli._screen import Screen

ROWS_AT_ONCE = 8192


def predict(
    model: Annotated[Path, typer.Argument(help="A model of `nnae fit`.")],
    data: Annotated[Path, typer.Argument(help="Examples with features; a picture or folder.")],
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="Labels a row.")] = 5,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="File; standard output by default."),
    ] = None,
    to: Annotated[str, typer.Option("--to", help="csv, jsonl or xmc (label:score).")] = "csv",
    format: Format = "auto",
    features: Features = None,
    labels: Labels = None,
    text_column: TextColumn = None,
    delimiter: Delimiter = ",",
    chunk_rows: ChunkRows = None,
    image_folder: ImageFolder = None,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Rank the best labels of new examples.

    \b
    Examples:
      nnae predict model.nnae test.txt --top 3
      nnae predict model.nnae test.txt --to jsonl --output best.jsonl
      nnae predict objects.nnae photographs --top 3
    """
    one_of("--to", to, tuple(WRITERS))
    screen = Screen(quiet=quiet, as_json=as_json)
    with screen.steps() as steps:
        with steps.step("read") as step:
            classifier = load_classifier(model)
            if threads is not None:
                classifier.set_params(n_threads=threads)
            reading = Reading(
                format,
                features=features,
                labels=labels,
                text_column=text_column,
                delimiter=delimiter,
                image_folder=image_folder,
            )
            ids: Any = None
            if chunk_rows is None:
                X, ids = reading.read_features(data, classifier, screen, step)
                n = X.shape[0]
                pieces: Any = (X[at : at + ROWS_AT_ONCE] for at in range(0, n, ROWS_AT_ONCE))
            else:
                blocks = open_chunks(reading, data, chunk_rows)
                n = sum(block.Y.shape[0] for block in blocks)
                pieces = features_in_chunks(blocks, classifier, screen)
            step.note(f"{n} rows")
        names = [str(name) for name in classifier.label_names_]
        total = -(-n // (chunk_rows or ROWS_AT_ONCE))
        with steps.step("predict", total=total) as step, _target(output, screen) as file:
            write = WRITERS["jsonl" if as_json and output is None else to](file, n, names)
            start = 0
            for piece in pieces:
                found = classifier.predict_topk(piece, k=top)
                for row, (best, scores) in enumerate(zip(*found, strict=True), start):
                    kept = best >= 0
                    write(
                        row if ids is None else str(ids[row]),
                        best[kept].tolist(),
                        scores[kept].tolist(),
                    )
                start += piece.shape[0]
                step.advance()
    if as_json and output is None:
        assert isinstance(file, io.StringIO)
        rows = [json.loads(line) for line in file.getvalue().splitlines()]
        screen.result({"n_rows": n, "top": top, "rows": rows})
    elif output is not None:
        screen.say(f"{output}: the best {top} of {len(names)} labels for {n} rows")
        screen.result({"n_rows": n, "top": top, "file": str(output.absolute())})


@contextmanager
def _target(output: Path | None, screen: Screen) -> Iterator[TextIO]:
    """Open the file to write, which appears whole or not at all; or standard output."""
    if output is None:
        yield io.StringIO() if screen.as_json else sys.stdout
        return
    from nnae.io import atomic_write

    with atomic_write(output) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=True)
        yield text
        text.flush()
        text.detach()


Write = Callable[[Any, list[int], list[float]], None]


def _csv(file: TextIO, n: int, names: list[str]) -> Write:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("row", "rank", "label", "score"))

    def write(row: Any, labels: list[int], scores: list[float]) -> None:
        for rank, (label, score) in enumerate(zip(labels, scores, strict=True), 1):
            writer.writerow((row, rank, names[label], f"{score:.6g}"))

    return write


def _jsonl(file: TextIO, n: int, names: list[str]) -> Write:
    def write(row: Any, labels: list[int], scores: list[float]) -> None:
        best = [
            {"label": names[j], "score": float(f"{score:.6g}")}
            for j, score in zip(labels, scores, strict=True)
        ]
        file.write(json.dumps({"row": row, "labels": best}, ensure_ascii=False) + "\n")

    return write


def _xmc(file: TextIO, n: int, names: list[str]) -> Write:
    file.write(f"{n} {len(names)}\n")

    def write(row: Any, labels: list[int], scores: list[float]) -> None:
        pairs = zip(labels, scores, strict=True)
        file.write(" ".join(f"{label}:{score:.6g}" for label, score in pairs) + "\n")

    return write


WRITERS: dict[str, Callable[[TextIO, int, list[str]], Write]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "xmc": _xmc,
}
