"""How all pictures look: colours that tell apart in grey and to colour-blind readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnae.hierarchy._names import one_line, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Ink, quiet ink, and hairlines.
INK, QUIET, RULE = "#1b1e23", "#5d6570", "#d5d9de"
#: For and against: dark blue and light orange differ in lightness, not in hue alone.
FOR, AGAINST, NEUTRAL = "#1f4e79", "#e8a04c", "#9aa3ad"
#: Okabe and Ito's colours in an order of falling darkness, so that grey prints tell them apart.
SERIES = ("#1f4e79", "#0a7f6b", "#c2571a", "#9f6d9c", "#6aa9d8", "#d9a300", "#8d949c")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))


def ink_on(colour: str) -> str:
    """Return the ink that stands out on a colour: white on dark ones."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK


def pyplot() -> Any:
    """Return matplotlib's pyplot, or say how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError(
            "plots need matplotlib, which the plot extra brings: pip install 'nnae[plot]'"
        ) from None
    return plt


def new_axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the axes given, or those of a new figure."""
    if ax is not None:
        return ax
    figure, made = pyplot().subplots(figsize=(width, height), layout="constrained")
    figure.set_facecolor("white")
    axes: Axes = made
    return axes


def plain(ax: Axes, *, grid: str = "") -> Axes:
    """Take frame and ticks away; ``grid`` is the axis that keeps hairlines."""
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0, labelsize=9, colors=INK)
    if grid:
        ax.grid(axis=grid, color=RULE, linewidth=0.7)  # type: ignore[arg-type]
        ax.set_axisbelow(True)
    return ax


def title(ax: Axes, text: str, note: str = "") -> None:
    """Write a title at the left, and a note under it in quiet ink."""
    ax.set_title(
        name(text, 90),
        loc="left",
        fontsize=11,
        fontweight="bold",
        color=INK,
        parse_math=False,
        pad=20 if note else 8,
    )
    if note:
        ax.annotate(
            name(note, 130),
            (0, 1),
            xytext=(0, 6),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=8.5,
            color=QUIET,
            parse_math=False,
        )


def name(text: object, length: int = 44) -> str:
    """Return data as one short line; never markup."""
    return shorten(one_line(str(text)), length)


def write(ax: Axes, x: float, y: float, text: str, **how: Any) -> Any:
    """Write a text; a dollar sign in a label's name must not start a formula."""
    given: dict[str, Any] = {"fontsize": 9, "color": INK} | how
    return ax.text(x, y, text, parse_math=False, **given)
