"""``nnae hierarchy``."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Optional

import typer

from nnae.cli._files import Reading, load_model, match_labels
from nnae.cli._hierarchy_page import write_page
from nnae.cli._options import Json, Quiet, one_of
from nnae.cli._screen import PLAIN_WIDTH, Screen

FORMATS = ("text", "newick", "json", "linkage", "csv", "picture")


def hierarchy(
    model: Annotated[Path, typer.Argument(help="A model, or a saved hierarchy.")],
    format: Annotated[
        str,
        typer.Option("--format", "-f", help="text, newick, json, linkage, csv (edges) or picture."),
    ] = "text",
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", "-o", help="File; standard output by default."),
    ] = None,
    min_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Least share of a parent in the graph.")
    ] = 0.2,
    basis: Annotated[
        str,
        typer.Option(
            help="weights (labels that occur together), resemblance (labels alike; of a "
            "feature-aware model) or auto."
        ),
    ] = "auto",
    depth: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="Text: levels of concepts to show.", metavar="N"),
    ] = None,
    children: Annotated[
        int, typer.Option(min=0, help="Text: children shown of each node; 0 shows all.")
    ] = 12,
    html: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Write the tree as a page that opens and closes."),
    ] = None,
    dependencies: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Labels to test pairs on: list which depend, and why."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Dependencies shown in the table.")] = 20,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Refits on rows drawn anew: how often every edge recurs.")
    ] = 0,
    train: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Rows that made the model; --bootstrap needs them."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Read the hierarchy of labels off a model: concepts, sub-concepts, labels.

    \b
    Examples:
      nnae hierarchy model.nnae
      nnae hierarchy model.nnae --format newick --output labels.nwk
      nnae hierarchy model.nnae --dependencies train.txt --top 50
      nnae hierarchy model.nnae --bootstrap 20 --train train.txt --html labels.html
    """
    one_of("--format", format, FORMATS)
    one_of("--basis", basis, ("auto", "weights", "resemblance"))
    screen = Screen(quiet=quiet, as_json=as_json and dependencies is not None)
    refits = {} if bootstrap == 0 else _refits(load_model(model), bootstrap, train, screen)
    if dependencies is not None:
        tree = read_hierarchy(load_model(model), min_share, basis, **refits)
        _show_dependencies(tree, dependencies, top, screen)
        return
    if html is not None:
        page = write_page(read_hierarchy(load_model(model), min_share, basis, **refits))
        write_text(html, page)
        screen.say(f"{html}: the hierarchy as a page")
        return
    if format == "picture":
        if output is None or as_json:
            raise typer.BadParameter("a picture needs --output, a file such as labels.png")
        _draw(read_hierarchy(load_model(model), min_share, basis, **refits), output)
        screen.say(f"{output}: the hierarchy as a picture")
        return
    tree = read_hierarchy(load_model(model), min_share, basis, **refits)
    if as_json or format == "json":
        text = tree.to_json()
    elif format == "text":
        width = PLAIN_WIDTH if output is not None else screen.out.width
        text = tree.to_text(max_depth=depth, max_children=children or None, width=width)
    elif format == "newick":
        text = tree.to_newick()
    elif format == "linkage":
        text = _linkage(tree)
    else:
        text = tree.to_frame().to_csv(index=False).rstrip("\n")
    if output is None:
        screen.text(text)
    else:
        write_text(output, text)
        screen.say(f"{output}: {len(tree.labels)} labels as {'json' if as_json else format}")


def read_hierarchy(model: Any, min_share: float = 0.2, basis: str = "auto", **refits: Any) -> Any:
    """Return the hierarchy of a classifier or compressor, or the hierarchy that was given."""
    from nnae.hierarchy import LabelHierarchy

    if isinstance(model, LabelHierarchy):
        return model
    compressor = getattr(model, "compressor_", model)
    return LabelHierarchy.from_compressor(compressor, min_share=min_share, basis=basis, **refits)


def _refits(model: Any, repeats: int, train: Path | None, screen: Screen) -> dict[str, Any]:
    """Return what refits on bootstraps need: labels of the training rows, and features."""
    compressor = getattr(model, "compressor_", model)
    if not hasattr(compressor, "fit"):
        raise ValueError("--bootstrap refits a model; the file holds a hierarchy without one")
    if train is None:
        raise typer.BadParameter("--bootstrap needs --train, the rows that made the model")
    rows = Reading(format="auto").read(train)
    known = compressor if hasattr(compressor, "label_names_") else model
    screen.say(f"refitting {repeats} times on rows drawn with replacement")
    aware = getattr(compressor, "label_linkage_", None) is not None
    return {
        "Y": match_labels(rows, known, screen),
        "X": rows.X if aware else None,
        "bootstrap": repeats,
    }


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    from nnae.io import atomic_write

    with atomic_write(path) as file:
        file.write((text.rstrip("\n") + "\n").encode())


def _show_dependencies(tree: Any, path: Path, top: int, screen: Screen) -> None:
    """Print the pairs that were found, smallest p-value first; all of them as JSON."""
    import nnae

    known = SimpleNamespace(label_names_=tree.labels)
    Y = match_labels(Reading(format="auto").read(path), known, screen)
    found = nnae.label_dependencies(Y, label_names=tree.labels, hierarchy=tree)
    kept = found[found["q_value"] <= found.attrs["alpha"]]
    rows = kept.astype(object).where(kept.notna(), None).to_dict("records")
    about = {name: found.attrs[name] for name in ("n_rows", "n_labels", "n_tests", "n_significant")}
    screen.result({**about, "dependencies": rows})
    columns = ("a", "b", "together", "expected", "odds ratio", "q", "direction", "tie")
    cells = [
        [
            *(str(row["label_a"]), str(row["label_b"]), f"{row['count']:,}"),
            *(f"{row['expected']:,.1f}", f"{row['odds_ratio']:.3g}", f"{row['q_value']:.2g}"),
            *(str(row["direction"]), str(row["tie"])),
        ]
        for row in rows[:top]
    ]
    tested = f"{about['n_significant']:,} of {about['n_tests']:,} pairs tested depend on each other"
    screen.table("Dependencies", columns, cells, caption=f"{tested}; {len(cells):,} shown")


def _draw(tree: Any, path: Path) -> None:
    figure = tree.plot().figure
    ending = path.suffix.removeprefix(".").lower() or "png"
    known = figure.canvas.get_supported_filetypes()
    if ending not in known:
        raise typer.BadParameter(f"a picture must end in one of {', '.join(known)}; got {path}")
    from nnae.io import atomic_write

    with atomic_write(path) as file:
        figure.savefig(file, format=ending, bbox_inches="tight")


def _linkage(tree: Any) -> str:
    rows = [f"{int(a)},{int(b)},{h:.9g},{int(size)}" for a, b, h, size in tree.to_linkage()]
    return "\n".join(["first,second,height,size", *rows])
