"""``nnae evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nnae.cli import _scores
from nnae.cli._files import Reading, load_classifier, match_features, match_labels
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
    Threads,
    numbers,
)
from nnae.cli._screen import Screen

TITLES = {"precision": "P", "ndcg": "nDCG", "recall": "recall", "psp": "PSP"}


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model of `nnae fit`.")],
    data: Annotated[Path, typer.Argument(help="Held-out examples with features and labels.")],
    at: Annotated[str, typer.Option(help="Depths of the rankings.")] = "1,3,5",
    format: Format = "auto",
    label_names: LabelNames = None,
    features: Features = None,
    labels: Labels = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    label_sep: LabelSep = ";",
    delimiter: Delimiter = ",",
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Measure a model on held-out examples: precision, nDCG, recall, PSP, with standard errors.

    PSP weighs a label by how rare it was in training.

    \b
    Example:
      nnae evaluate model.nnae test.txt --at 1,5
    """
    depths = sorted(set(numbers("--at", at)))
    screen = Screen(quiet=quiet, as_json=as_json)
    reading = Reading(
        format, label_names, features, labels, text_column, label_column, label_sep, delimiter
    )
    with screen.steps() as steps:
        with steps.step("read") as step:
            classifier = load_classifier(model)
            if threads is not None:
                classifier.set_params(n_threads=threads)
            vectorizer = getattr(classifier, "text_vectorizer_", None)
            read = reading.read(data, vectorizer)
            if read.X is None:
                raise ValueError(f"{data} holds labels only; an evaluation needs features too")
            Y = match_labels(read, classifier, screen)
            X = match_features(read, classifier, screen)
            step.note(f"{Y.shape[0]} rows, {Y.shape[1]} labels")
        with steps.step("predict"):
            ranking, _ = classifier.predict_topk(X, k=depths[-1])
        with steps.step("score"):
            found: list[_scores.Measure] = []
            for measure in (_scores.precision, _scores.ndcg, _scores.recall):
                found += [measure(Y, ranking, depth) for depth in depths]
            rare = classifier.propensities_
            found += [_scores.psp(Y, ranking, depth, rare) for depth in depths]
    rows = [
        [title, *(m.percent() for m in found if m.name == name)] for name, title in TITLES.items()
    ]
    screen.table(
        f"{data.name}: {Y.shape[0]} rows, {Y.shape[1]} labels",
        ["per cent", *(f"at {depth}" for depth in depths)],
        rows,
        "± standard error over rows",
    )
    screen.result(_as_json(found, Y))


def _as_json(found: list[_scores.Measure], Y: Any) -> dict[str, Any]:
    names = list(dict.fromkeys(measure.name for measure in found))
    chosen = {name: [m for m in found if m.name == name] for name in names}
    return {
        "n_test": int(Y.shape[0]),
        "n_labels": int(Y.shape[1]),
        **{name: _scores.by_depth(measures) for name, measures in chosen.items()},
        "standard_errors": {
            name: {str(m.depth): m.error for m in measures} for name, measures in chosen.items()
        },
    }
