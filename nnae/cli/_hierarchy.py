"""``nnae hierarchy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from nnae.cli._files import load_model
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
    depth: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(min=1, help="Text: levels of concepts to show.", metavar="N"),
    ] = None,
    children: Annotated[
        int, typer.Option(min=0, help="Text: children shown of each node; 0 shows all.")
    ] = 12,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    r"""Read the hierarchy of labels off a model: concepts, sub-concepts, labels.

    \b
    Examples:
      nnae hierarchy model.nnae
      nnae hierarchy model.nnae --format newick --output labels.nwk
    """
    one_of("--format", format, FORMATS)
    screen = Screen(quiet=quiet)
    if format == "picture":
        if output is None or as_json:
            raise typer.BadParameter("a picture needs --output, a file such as labels.png")
        _draw(read_hierarchy(load_model(model), min_share), output)
        screen.say(f"{output}: the hierarchy as a picture")
        return
    tree = read_hierarchy(load_model(model), min_share)
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


def read_hierarchy(model: Any, min_share: float = 0.2) -> Any:
    """Return the hierarchy of a classifier or compressor, or the hierarchy that was given."""
    from nnae.hierarchy import LabelHierarchy

    if isinstance(model, LabelHierarchy):
        return model
    return LabelHierarchy.from_compressor(getattr(model, "compressor_", model), min_share=min_share)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    from nnae.io import atomic_write

    with atomic_write(path) as file:
        file.write((text.rstrip("\n") + "\n").encode())


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
