"""``nnae fit``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nnae.cli._files import Reading, name_labels
from nnae.cli._options import (
    Delimiter,
    Format,
    Json,
    LabelColumn,
    LabelNames,
    LabelSep,
    Quiet,
    Seed,
    TextColumn,
    Threads,
    numbers,
    one_of,
)
from nnae.cli._screen import Screen, Step

Features = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--features", help="npz: the file with the features of the rows."),
]


def fit(
    data: Annotated[Path, typer.Argument(help="Training data, of any readable format.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Model file.")] = Path(
        "model.nnae"
    ),
    layers: Annotated[
        str, typer.Option(help="Widths of the levels, falling: 100,20,4; or auto.")
    ] = "auto",
    encoder: Annotated[str, typer.Option(help="linear (fast) or nnls.")] = "linear",
    loss: Annotated[
        str, typer.Option(help="auto, bernoulli, kullback-leibler or frobenius.")
    ] = "auto",
    decoder: Annotated[str, typer.Option(help="How predicted codes become scores.")] = "auto",
    profile: Annotated[str, typer.Option(help="fast or best.")] = "best",
    labels_only: Annotated[
        bool, typer.Option("--labels-only", help="Compress the labels; train no classifier.")
    ] = False,
    format: Format = "auto",
    label_names: LabelNames = None,
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
    r"""Compress labels, train the second step on features, save the model.

    Data without features (transactions, say) give a compressor, from which `nnae hierarchy` reads
    the labels' tree; data with features give a classifier, which also predicts.

    \b
    Examples:
      nnae fit train.txt --output model.nnae
      nnae fit posts.csv --text-column body --label-column tags --label-sep "|"
    """
    widths: Any = "auto" if layers == "auto" else numbers("--layers", layers)
    one_of("--profile", profile, ("fast", "best"))
    one_of("--loss", loss, ("auto", "bernoulli", "kullback-leibler", "frobenius"))
    from nnae.autoencoder import NNAE, ENCODERS  # isort: skip

    one_of("--encoder", encoder, ENCODERS)
    screen = Screen(quiet=quiet, as_json=as_json)
    reading = Reading(
        format, label_names, features, text_column, label_column, label_sep, delimiter
    )
    start = time.perf_counter()
    with screen.steps() as steps:
        with steps.step("read") as step:
            read = reading.read(data)
            step.note(f"{read.Y.shape[0]} rows, {read.Y.shape[1]} labels")
        with steps.step("fit") as step:
            compressor = NNAE(
                widths,
                encoder=encoder,
                loss=loss,
                random_state=seed,
                n_threads=threads,
                callback=follow(step),
            )
            model: Any
            if labels_only or read.X is None:
                model = compressor.fit(read.Y)
            else:
                model = _classifier(compressor, decoder, profile, seed, threads)
                model.fit(read.X, read.Y)
                if read.vectorizer is not None:
                    model.text_vectorizer_ = read.vectorizer
            name_labels(model, read)
        with steps.step("save"):
            import nnae

            forget_callback(model)
            nnae.save(model, output)
    kind = type(model).__name__
    sizes = getattr(model, "compressor_", model).layer_sizes_
    screen.text(f"{output}: {kind} of {read.Y.shape[1]} labels, levels of {_listed(sizes)}")
    screen.result(
        {
            "model": kind,
            "n_train": int(read.Y.shape[0]),
            "n_features": None if read.X is None else int(read.X.shape[1]),
            "n_labels": int(read.Y.shape[1]),
            "layer_sizes": [int(size) for size in sizes],
            "seconds": time.perf_counter() - start,
            "file": str(output.absolute()),
        }
    )


def _listed(sizes: Any) -> str:
    return ", ".join(str(size) for size in sizes) + " concepts"


def _classifier(compressor: Any, decoder: str, profile: str, seed: int, threads: int | None) -> Any:
    from nnae.classify import TwoStepClassifier

    one_of("--decoder", decoder, ("auto", "linear", "neighbors", "tree", "stack"))
    return TwoStepClassifier(
        compressor, decoder=decoder, profile=profile, random_state=seed, n_threads=threads
    )


def follow(step: Step) -> Callable[[int, float], None]:
    """Return a callback that shows a fit's sweeps (a plain function: fits copy their callbacks)."""

    def show(sweep: int, objective: float) -> None:
        step.note(f"sweep {sweep}, objective {objective:.6g}")

    return show


def forget_callback(model: Any) -> None:
    """Take the callback out of a fitted model, so that it holds nothing of this session."""
    for part in (model, getattr(model, "compressor", None), getattr(model, "compressor_", None)):
        if hasattr(part, "callback"):
            part.callback = None
