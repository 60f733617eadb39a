"""``nnae demo``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nnae.cli import _scores
from nnae.cli._baselines import ceiling, one_vs_rest, popularity
from nnae.cli._fit import follow
from nnae.cli._hierarchy import write_text
from nnae.cli._options import Json, Quiet, Seed, Threads, one_of
from nnae.cli._scores import DEPTHS, Measure
from nnae.cli._screen import PLAIN_WIDTH, Screen

DATASETS = {"debian-tags": "load_debian_tags", "emoji": "load_emoji"}
TITLES = {"debian-tags": "Tags of Debian's packages", "emoji": "Keywords of emoji"}
ROWS = {
    "model": "nnae, two steps",
    "one_vs_rest": "one-vs-rest ridge",
    "popularity": "popularity",
    "ceiling": "ceiling of the decoder",
}


def demo(
    dataset: Annotated[str, typer.Option(help="debian-tags or emoji.")] = "debian-tags",
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="Folder; a new nnae-demo here by default."),
    ] = None,
    report: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--report", help="Also write one page about the model to this file."),
    ] = None,
    seed: Seed = 0,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Compress the labels of real data, train, score on held-out rows, draw the hierarchy.

    \b
    Examples:
      nnae demo
      nnae demo --dataset emoji --output emoji-demo --report emoji.html
    """
    one_of("--dataset", dataset, DATASETS)
    screen = Screen(quiet=quiet, as_json=as_json)
    folder = new_folder(Path("nnae-demo")) if output is None else output
    folder.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    with screen.steps() as steps:
        with steps.step("load") as step:
            from nnae import datasets

            data = getattr(datasets, DATASETS[dataset])()
            n_train, (n_test, n_labels) = data.Y_train.shape[0], data.Y_test.shape
            step.note(f"{n_train} rows to learn from, {n_test} held out, {n_labels} labels")
        with steps.step("compress") as step:
            from nnae import NNAE, TwoStepClassifier
            from nnae._codes import default_widths

            compressor = NNAE(
                default_widths(n_labels),
                encoder="linear",
                random_state=seed,
                n_threads=threads,
                callback=follow(step),
            ).fit(data.Y_train)
            compressor.callback = None  # the model file holds nothing of this session
            compressor.label_names_ = data.label_names
            sizes = " > ".join(map(str, (n_labels, *compressor.layer_sizes_)))
            step.note(f"labels > concepts: {sizes}")
        with steps.step("train"):
            # what profile="fast" takes by itself, beside the compressor of the step above
            model = TwoStepClassifier(
                compressor,
                decoder="pair",
                profile="fast",
                prefit=True,
                random_state=seed,
                n_threads=threads,
            ).fit(data.X_train, data.Y_train, label_names=data.label_names)
        with steps.step("rank"):
            ranking = model.predict_topk(data.X_test, k=max(DEPTHS))[0]
        with steps.step("baselines") as step:
            step.note("one ridge regression a label")
            rankings = {
                "model": ranking,
                "one_vs_rest": one_vs_rest(
                    data.X_train, data.Y_train, data.X_test, max(DEPTHS), threads
                ),
                "popularity": popularity(data.Y_train, n_test, max(DEPTHS)),
                "ceiling": ceiling(compressor, data.Y_test, max(DEPTHS), threads),
            }
        with steps.step("score"):
            scores = measure_all(data, rankings)
        with steps.step("hierarchy") as step:
            from nnae import LabelHierarchy

            tree = LabelHierarchy.from_compressor(compressor, Y=data.Y_train)
            files = save_all(folder, model, tree)
        if report is not None:
            with steps.step("report"):
                write_report(report, dataset, model, tree, data)
            files["report"] = report
    seconds = time.perf_counter() - start
    show_scores(screen, dataset, scores)
    screen.text(excerpt(tree, *paper(screen)))
    screen.text("")
    for what, path in files.items():
        screen.text(f"{what:<20} {path}")
    screen.say(f"{seconds:.1f} s in all")
    screen.result(
        {
            "dataset": dataset,
            "n_train": n_train,
            "n_test": n_test,
            "n_labels": n_labels,
            "seconds": seconds,
            "precision": _scores.by_depth(scores["model"]["precision"]),
            "ndcg": _scores.by_depth(scores["model"]["ndcg"]),
            "psp": _scores.by_depth(scores["model"]["psp"]),
            "baselines": {
                name: _scores.by_depth(scores[name]["precision"])
                for name in ("popularity", "one_vs_rest")
            },
            "decoder_ceiling": _scores.by_depth(scores["ceiling"]["precision"]),
            "files": [str(path.absolute()) for path in files.values()],
        }
    )


def write_report(path: Path, dataset: str, model: Any, tree: Any, data: Any) -> None:
    """Write the page about a model with the data's test rows."""
    import nnae
    from nnae import datasets

    examples = {
        "X": data.X_test,
        "Y": data.Y_test,
        "names": data.row_names_test,
        "feature_names": data.feature_names,
    }
    if dataset == "emoji":
        examples["images"] = datasets.load_emoji(return_images=True).images_test
    nnae.report(model, path, hierarchy=tree, examples=examples, title=TITLES[dataset])


def new_folder(wanted: Path) -> Path:
    """Return the path, or the first of path-2, path-3, ... that does not exist."""
    path, number = wanted, 2
    while path.exists():
        path, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    return path


def measure_all(data: Any, rankings: dict[str, Any]) -> dict[str, dict[str, list[Measure]]]:
    """Measure every ranking of the held-out rows."""
    from nnae import metrics

    Y, propensity = data.Y_test, metrics.propensities(data.Y_train)
    return {
        name: {
            "precision": [_scores.precision(Y, ranking, k) for k in DEPTHS],
            "ndcg": [_scores.ndcg(Y, ranking, k) for k in DEPTHS],
            "psp": [_scores.psp(Y, ranking, k, propensity) for k in DEPTHS],
        }
        for name, ranking in rankings.items()
    }


def show_scores(screen: Screen, dataset: str, scores: dict[str, dict[str, list[Measure]]]) -> None:
    """Print the table: precision at all depths, nDCG and PSP at the deepest."""
    screen.table(
        f"{dataset}: held-out rows, per cent",
        ["", *(f"P@{k}" for k in DEPTHS), f"nDCG@{DEPTHS[-1]}", f"PSP@{DEPTHS[-1]}"],
        [
            [
                title,
                *(measure.percent() for measure in scores[name]["precision"]),
                scores[name]["ndcg"][-1].percent(),
                scores[name]["psp"][-1].percent(),
            ]
            for name, title in ROWS.items()
        ],
        "± standard error; the ceiling decodes the codes of the true labels",
    )


def paper(screen: Screen) -> tuple[int, int]:
    """Return lines and columns that an excerpt may take."""
    if screen.out.is_terminal:
        return max(screen.out.height - 4, 20), screen.out.width
    return 40, PLAIN_WIDTH


def excerpt(tree: Any, lines: int, width: int) -> str:
    """Draw as much of the tree as fits: as deep as can be, then as broad as can be."""
    text = ""
    for depth in (None, 2, 1):
        for children in (12, 8, 6, 5, 4, 3):
            text = str(tree.to_text(max_depth=depth, max_children=children, width=width))
            if text.count("\n") < lines:
                return text
    return "\n".join(text.splitlines()[:lines])


def save_all(folder: Path, model: Any, tree: Any) -> dict[str, Path]:
    """Save the model and the hierarchy, and return what is where."""
    import nnae

    files = {
        "model": folder / "model.nnae",
        "hierarchy": folder / "hierarchy.nnae",
        "hierarchy, JSON": folder / "hierarchy.json",
        "hierarchy, text": folder / "hierarchy.txt",
        "hierarchy, Newick": folder / "hierarchy.nwk",
    }
    nnae.save(model, files["model"])
    nnae.save(tree, files["hierarchy"])
    write_text(files["hierarchy, JSON"], tree.to_json())
    write_text(files["hierarchy, text"], tree.to_text(max_children=None, width=PLAIN_WIDTH))
    write_text(files["hierarchy, Newick"], tree.to_newick())
    return files
