"""``nnae report``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nnae.cli._files import Reading, load_classifier, load_model, match_features, match_labels
from nnae.cli._options import (
    Delimiter,
    Features,
    Format,
    ImageFolder,
    Json,
    LabelColumn,
    LabelNames,
    Labels,
    LabelSep,
    Quiet,
    Seed,
    TextColumn,
    Threads,
)
from nnae.cli._pictures import Thumbnails, named_pictures
from nnae.cli._screen import Screen, Step


def report(
    model: Annotated[Path, typer.Argument(help="A model of `nnae fit`.")],
    data: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(help="Held-out rows: they make the audit, accuracy and examples."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page.")] = Path("report.html"),
    hierarchy: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A saved hierarchy of the model; read from it by default."),
    ] = None,
    title: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Title of the page; the model's file by default."),
    ] = None,
    examples: Annotated[int, typer.Option(min=1, help="Examples in the gallery.")] = 60,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="Features of each flow.")] = 6,
    format: Format = "auto",
    label_names: LabelNames = None,
    labels: Labels = None,
    features: Features = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_sep: LabelSep = ";",
    delimiter: Delimiter = ",",
    image_folder: ImageFolder = None,
    seed: Seed = 0,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Write one page about a model that opens in a browser without a network.

    \b
    Examples:
      nnae report model.nnae test.txt
      nnae report model.nnae test.txt --output tags.html --title "Debian's tags"
    """
    import nnae

    screen = Screen(quiet=quiet, as_json=as_json)
    start = time.perf_counter()
    with screen.steps() as steps:
        with steps.step("read") as step:
            classifier = load_classifier(model)
            if threads is not None:
                classifier.set_params(n_threads=threads)
            heldout: dict[str, Any] | None = None
            if data is not None:
                reading = Reading(
                    format=format,
                    label_names=label_names,
                    features=features,
                    labels=labels,
                    text_column=text_column,
                    label_column=label_column,
                    label_sep=label_sep,
                    delimiter=delimiter,
                    image_folder=image_folder,
                )
                heldout = read_heldout(reading, data, classifier, screen, step)
                step.note(f"{heldout['X'].shape[0]} held-out rows")
        with steps.step("report") as step:
            tree = None if hierarchy is None else load_model(hierarchy)
            nnae.report(
                classifier,
                output,
                hierarchy=tree,
                examples=heldout,
                title=model.stem if title is None else title,
                n_examples=examples,
                top=top,
                random_state=seed,
            )
            size = output.stat().st_size
            step.note(f"{size / 1e6:.1f} MB")
    screen.text(f"{output}: open it in a browser")
    screen.result(
        {
            "file": str(output.absolute()),
            "bytes": size,
            "n_heldout": 0 if heldout is None else int(heldout["X"].shape[0]),
            "seconds": time.perf_counter() - start,
        }
    )


def read_heldout(
    reading: Reading, path: Path, model: Any, screen: Screen, step: Step
) -> dict[str, Any]:
    """Return the held-out rows of a file as a report takes them."""
    data = reading.read_examples(path, model, step)
    if data.X is None:
        raise ValueError(f"{path} holds labels only; a report's examples need features")
    found = {"X": match_features(data, model, screen), "Y": match_labels(data, model, screen)}
    if data.ids is not None:
        found["names"] = [str(name) for name in data.ids]
    if data.feature_names is not None and len(data.feature_names) == model.n_features_in_:
        found["feature_names"] = [str(name) for name in data.feature_names]
    if getattr(model, "image_features_", None) is not None:
        found["images"] = Thumbnails(named_pictures(data, path, reading.image_folder))
        found["image_features"] = model.image_features_
    return found
