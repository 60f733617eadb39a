"""``nnae evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nnae.cli import _scores
from nnae.cli._chunks import follow_rows, matched, open_chunks
from nnae.cli._files import Reading, load_classifier, match_features, match_labels
from nnae.cli._options import (
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
    chunk_rows: ChunkRows = None,
    image_folder: ImageFolder = None,
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
    from nnae._streamed_scores import RankingScores

    screen = Screen(quiet=quiet, as_json=as_json)
    reading = Reading(
        *(format, label_names, features, labels, text_column, label_column, label_sep, delimiter),
        image_folder=image_folder,
    )
    with screen.steps() as steps:
        with steps.step("read") as step:
            classifier = load_classifier(model)
            if threads is not None:
                classifier.set_params(n_threads=threads)
            if chunk_rows is None:
                read = reading.read_examples(data, classifier, step)
                if read.X is None:
                    raise ValueError(f"{data} holds labels only; an evaluation needs features too")
                Y = match_labels(read, classifier, screen)
                X = match_features(read, classifier, screen)
                step.note(f"{Y.shape[0]} rows, {Y.shape[1]} labels")
        if chunk_rows is not None:
            blocks = open_chunks(reading, data, chunk_rows)
            scores = RankingScores(depths, classifier.propensities_)
            with steps.step("predict") as step:
                follow_rows(step, blocks, 1)
                for X, Y in matched(blocks, classifier, screen):
                    scores.add(Y, classifier.predict_topk(X, k=depths[-1])[0])
            found = [_scores.Measure(*row) for row in scores.rows()]
            _tell(screen, data, depths, found, scores.n_rows, len(classifier.label_names_))
            return
        with steps.step("predict"):
            ranking, _ = classifier.predict_topk(X, k=depths[-1])
        with steps.step("score"):
            found = []
            for measure in (_scores.precision, _scores.ndcg, _scores.recall):
                found += [measure(Y, ranking, depth) for depth in depths]
            rare = classifier.propensities_
            found += [_scores.psp(Y, ranking, depth, rare) for depth in depths]
    _tell(screen, data, depths, found, *Y.shape)


def _tell(
    screen: Screen,
    data: Path,
    depths: list[int],
    found: list[_scores.Measure],
    n_rows: int,
    n_labels: int,
) -> None:
    rows = [
        [title, *(m.percent() for m in found if m.name == name)] for name, title in TITLES.items()
    ]
    screen.table(
        f"{data.name}: {n_rows} rows, {n_labels} labels",
        ["per cent", *(f"at {depth}" for depth in depths)],
        rows,
        "± standard error over rows",
    )
    screen.result(_as_json(found, n_rows, n_labels))


def _as_json(found: list[_scores.Measure], n_rows: int, n_labels: int) -> dict[str, Any]:
    names = list(dict.fromkeys(measure.name for measure in found))
    chosen = {name: [m for m in found if m.name == name] for name in names}
    return {
        "n_test": int(n_rows),
        "n_labels": int(n_labels),
        **{name: _scores.by_depth(measures) for name, measures in chosen.items()},
        "standard_errors": {
            name: {str(m.depth): m.error for m in measures} for name, measures in chosen.items()
        },
    }
