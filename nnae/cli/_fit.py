"""``nnae fit``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nnae.cli._chunks import fit_in_chunks, open_chunks
from nnae.cli._files import Reading
from nnae.cli._options import (
    Checkpoint,
    ChunkRows,
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
    numbers,
    one_of,
)
from nnae.cli._pictures import new_features, with_pictures
from nnae.cli._screen import Screen, Step


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
    feature_weight: Annotated[
        str,
        typer.Option(help="Weight of features in the codes: 0 (labels alone), a number, or auto."),
    ] = "0",
    decoder: Annotated[str, typer.Option(help="How predicted codes become scores.")] = "auto",
    profile: Annotated[str, typer.Option(help="fast or best.")] = "best",
    labels_only: Annotated[
        bool, typer.Option("--labels-only", help="Compress the labels; train no classifier.")
    ] = False,
    format: Format = "auto",
    label_names: LabelNames = None,
    features: Features = None,
    labels: Labels = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_sep: LabelSep = ";",
    delimiter: Delimiter = ",",
    chunk_rows: ChunkRows = None,
    checkpoint: Checkpoint = None,
    image_folder: ImageFolder = None,
    backbone: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Pictures: hog, or a network's file (.tflite, .onnx).", metavar="FILE"),
    ] = None,
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
      nnae fit instances.json --image-folder photographs --output objects.nnae
    """
    model: Any
    widths: Any = "auto" if layers == "auto" else numbers("--layers", layers)
    one_of("--profile", profile, ("fast", "best"))
    one_of("--loss", loss, ("auto", "bernoulli", "kullback-leibler", "frobenius"))
    one_of("--decoder", decoder, ("auto", "linear", "neighbors", "tree", "stack"))
    weight = read_weight(feature_weight)
    import numpy as np

    from nnae import NNAE, TwoStepClassifier, save
    from nnae._codes import default_widths
    from nnae._encoders import ENCODERS

    one_of("--encoder", encoder, ENCODERS)
    screen = Screen(quiet=quiet, as_json=as_json)
    reading = Reading(
        format, label_names, features, labels, text_column, label_column, label_sep, delimiter
    )
    start = time.perf_counter()
    if chunk_rows is not None:
        if image_folder is not None or backbone is not None:
            raise typer.BadParameter("--chunk-rows is for files of features, not for pictures")
        one_of("--decoder", decoder, ("auto", "linear"))
        blocks = open_chunks(reading, data, chunk_rows)
        compressor = NNAE(
            widths,
            encoder=encoder,
            loss=loss,
            random_state=seed,
            n_threads=threads,
            feature_weight=weight,
            checkpoint=checkpoint,
        )
        with screen.steps() as steps:
            with steps.step("fit") as step:
                model = fit_in_chunks(blocks, compressor, seed, threads, labels_only, step)
            with steps.step("save"):
                save(model, output)
        _tell(screen, model, blocks.n_rows, output, start)
        return
    with screen.steps() as steps:
        with steps.step("read") as step:
            read = reading.read(data)
            pictures = None
            if image_folder is not None or backbone is not None:
                pictures = new_features("hog" if backbone is None else backbone)
                read = with_pictures(read, data, image_folder, pictures, step)
            step.note(f"{read.Y.shape[0]} rows, {read.Y.shape[1]} labels")
        only_labels = labels_only or read.X is None
        with steps.step("compress") as step:
            if widths == "auto" and not only_labels:
                widths = default_widths(read.Y.shape[1])
            compressor = NNAE(
                widths,
                encoder=encoder,
                loss=loss,
                random_state=seed,
                n_threads=threads,
                callback=follow(step),
                feature_weight=weight,
                checkpoint=checkpoint,
            )
            if weight == 0:
                compressor.fit(read.Y)
            elif read.X is None:
                raise typer.BadParameter(f"--feature-weight needs features; {data} has none")
            else:
                compressor.fit(read.Y, X=read.X)
            compressor.callback = None  # the model file holds nothing of this session
            if read.label_names is not None:
                compressor.label_names_ = np.array([str(n) for n in read.label_names], dtype=object)
        model = compressor
        if not only_labels:
            with steps.step("train") as step:
                model = TwoStepClassifier(
                    compressor,
                    decoder=decoder,
                    profile=profile,
                    prefit=True,
                    random_state=seed,
                    n_threads=threads,
                ).fit(read.X, read.Y, label_names=read.label_names)
                if read.vectorizer is not None:
                    model.text_vectorizer_ = read.vectorizer
                if pictures is not None:
                    model.image_features_ = pictures
        with steps.step("save"):
            save(model, output)
    _tell(screen, model, int(read.Y.shape[0]), output, start)


def _tell(screen: Screen, model: Any, n_rows: int, output: Path, start: float) -> None:
    kind, n_labels = type(model).__name__, len(model.label_names_)
    classifier = hasattr(model, "compressor_")
    sizes = getattr(model, "compressor_", model).layer_sizes_
    screen.text(f"{output}: {kind} of {n_labels} labels, levels of {_listed(sizes)}")
    screen.result(
        {
            "model": kind,
            "n_train": n_rows,
            "n_features": int(model.n_features_in_) if classifier else None,
            "n_labels": n_labels,
            "layer_sizes": [int(size) for size in sizes],
            "seconds": time.perf_counter() - start,
            "file": str(output.absolute()),
        }
    )


def read_weight(text: str) -> float | str:
    """Return "auto" or a number of at least 0."""
    if text == "auto":
        return text
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise typer.BadParameter(
            f"--feature-weight must be auto or a number of at least 0; got {text}"
        )
    return weight


def _listed(sizes: Any) -> str:
    return ", ".join(str(size) for size in sizes) + " concepts"


def follow(step: Step) -> Callable[[int, float], None]:
    """Return a callback that shows a fit's sweeps (a plain function: fits copy their callbacks)."""

    def show(sweep: int, objective: float) -> None:
        step.note(f"sweep {sweep}, objective {objective:.6g}")

    return show
