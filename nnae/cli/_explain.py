"""``nnae explain``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nnae.cli._files import Reading, load_classifier
from nnae.cli._hierarchy import read_hierarchy, write_text
from nnae.cli._options import (
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

PICTURE_METHODS = ("occlusion", "shapley")
METHODS = ("auto", "linear", "occlusion", "shapley", "lime")


def explain(
    model: Annotated[Path, typer.Argument(help="A model of `nnae fit`.")],
    data: Annotated[Path, typer.Argument(help="Examples with features; a picture or folder.")],
    row: Annotated[int, typer.Option("--row", "-r", min=0, help="Row of the data, from 0.")] = 0,
    label: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--label", "-l", help="Name of the label; the best of the row by default."),
    ] = None,
    against: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Another label: why the first rather than this one."),
    ] = None,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="Concepts and features.")] = 5,
    method: Annotated[
        str, typer.Option(help="auto, linear, occlusion, shapley or lime: features to codes.")
    ] = "auto",
    picture: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Draw a waterfall to this file (png, svg, pdf)."),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="File; standard output by default."),
    ] = None,
    format: Format = "auto",
    features: Features = None,
    labels: Labels = None,
    text_column: TextColumn = None,
    delimiter: Delimiter = ",",
    image_folder: ImageFolder = None,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Explain a label of an example: features and concepts that add up to its score.

    \b
    Examples:
      nnae explain model.nnae test.txt --row 3
      nnae explain model.nnae test.txt --row 3 --top 3 --picture why.png
      nnae explain objects.nnae photographs/zebra.jpg --label zebra --picture where.png
    """
    one_of("--method", method, METHODS)
    screen = Screen(quiet=quiet, as_json=as_json)
    import nnae

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
    # a model saved compactly has no codes to read a hierarchy from; concepts are named without it
    has_codes = getattr(classifier.compressor_, "codes_", None) is not None
    tree = read_hierarchy(classifier) if has_codes else None
    if getattr(classifier, "image_features_", None) is not None:
        one_of("--method", method, ("auto", *PICTURE_METHODS))
        paths = reading.read_pictures(data)
        found: Any = nnae.images.region_explanation(
            classifier,
            classifier.image_features_,
            paths[check_row(row, len(paths), data)],
            label,
            against=against,
            method="occlusion" if method == "auto" else method,
            top=top,
            hierarchy=tree,
        )
        give_out(found, screen, picture, output)
        return
    X, _ = reading.read_features(data, classifier, screen)
    x = X[check_row(row, X.shape[0], data) :][:1]
    chosen: Any = label
    if label is None:
        chosen = int(classifier.predict_topk(x, 1)[0][0, 0])
    found = nnae.explain(
        classifier,
        x,
        chosen,
        against=against,
        top=top,
        method=method,
        hierarchy=tree,
    )
    give_out(found, screen, picture, output)


def check_row(row: int, count: int, data: Path) -> int:
    """Return a row that there is."""
    if row >= count:
        raise ValueError(f"--row must be below the {count} rows of {data}; got {row}")
    return row


def give_out(found: Any, screen: Screen, picture: Path | None, output: Path | None) -> None:
    """Draw, print and write an explanation, as asked for."""
    if picture is not None:
        draw(found, picture)
        screen.say(f"{picture}: the explanation as a picture")
    text = found.to_json() if screen.as_json else found.to_text(screen.out.width)
    if output is None:
        print_result(screen, text)
        return
    write_text(output, text)
    screen.say(f"{output}: why {found.name if hasattr(found, 'name') else found.label}")


def print_result(screen: Screen, text: str) -> None:
    """Print a text, or an object that is JSON already."""
    if screen.as_json:
        screen.result(json.loads(text))
    else:
        screen.text(text)


def draw(found: Any, path: Path) -> None:
    """Write a picture whole or not at all."""
    drawn = found.plot()
    figure = getattr(drawn, "figure", None) or drawn
    ending = path.suffix.removeprefix(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if ending not in known:
        raise typer.BadParameter(f"a picture must end in one of {', '.join(known)}; got {path}")
    from nnae.io import atomic_write

    with atomic_write(path) as file:
        figure.savefig(file, format=ending, dpi=160)
