"""A picture, and over it the regions that speak for and against a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnae.plot._style import INK, QUIET, name, plain, pyplot, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Regions that are outlined and listed.
LISTED = 6


def region_overlay(found: Any) -> Figure:
    """Draw a picture, its regions for (blue) and against (orange), and what they give.

    The strongest regions are numbered in the picture and in the bars beside it, so that colours
    need not be told apart; regions against are hatched.

    Parameters
    ----------
    found : RegionExplanation

    Returns
    -------
    matplotlib figure

    Examples
    --------
    >>> import nnae
    >>> from nnae.images import ImageFeatures, region_explanation
    >>> from nnae.plot import region_overlay
    >>> data = nnae.datasets.load_emoji(return_images=True)
    >>> model = nnae.TwoStepClassifier(profile="fast", random_state=0)
    >>> model = model.fit(data.X_train[:200], data.Y_train[:200])
    >>> found = region_explanation(model, ImageFeatures(), data.images_test[0], n_regions=9)
    >>> len(region_overlay(found).axes)
    3
    """
    figure, (left, middle, right) = pyplot().subplots(
        1, 3, figsize=(11.5, 4.1), layout="constrained", width_ratios=(1, 1, 1.15)
    )
    figure.set_facecolor("white")
    left.imshow(found.picture)
    middle.imshow(found.marked)
    order = np.argsort(-np.abs(found.parts), kind="stable")
    shown = [r for r in order.tolist() if found.parts[r] != 0][:LISTED]
    for rank, region in enumerate(shown, 1):
        _outline(middle, found, region, rank)
    for ax in (left, middle):
        plain(ax).set_xticks([])
        ax.set_yticks([])
        ax.set_anchor("N")
    _bars(right, found, shown)
    place = "" if found.explanation is None else f"place {found.explanation.rank}, "
    title(left, found.name, f"{place}score {found.score:.3g}")
    title(middle, "Where it comes from", "blue: for; orange: against; strong: much")
    title(right, "What the regions give", f"by {found.method}")
    return figure  # type: ignore[no-any-return]


def _outline(ax: Any, found: Any, region: int, rank: int) -> None:
    mask = found.regions == region
    against = found.parts[region] < 0
    # a frame of nothing around it, so that the outline closes at the picture's edge
    framed = np.pad(mask, 1).astype(float)
    down, across = np.arange(-1, mask.shape[0] + 1), np.arange(-1, mask.shape[1] + 1)
    ax.contour(
        across, down, framed, levels=[0.5], colors=[INK],
        linewidths=0.9, linestyles="--" if against else "-",
    )  # fmt: skip
    rows, columns = np.nonzero(mask)
    middle = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    ax.text(
        columns[middle], rows[middle], str(rank), ha="center", va="center", fontsize=9, color=INK,
        bbox={"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": INK, "lw": 0.6},
    )  # fmt: skip


def _bars(ax: Any, found: Any, shown: list[int]) -> None:
    from nnae.plot._style import AGAINST, FOR, NEUTRAL

    amounts = [float(found.parts[r]) for r in shown]
    names = [f"{rank}  {_place(found.names[r])}" for rank, r in enumerate(shown, 1)]
    colours = [FOR if amount >= 0 else AGAINST for amount in amounts]
    rest = float(found.parts.sum()) - sum(amounts)
    others = len(found.parts) - len(shown)
    for text, amount in (
        (f"{others} other regions", rest),
        ("without any region", found.base),
        ("regions together", found.residual),
    ):
        names.append(text)
        amounts.append(amount)
        colours.append(NEUTRAL)
    bars = ax.barh(range(len(names)), amounts, height=0.68, color=colours, edgecolor=INK, lw=0.4)
    for bar, amount, colour in zip(bars, amounts, colours, strict=True):
        if colour == AGAINST:
            bar.set_hatch("///")
        ax.annotate(
            f"{amount:+.3g}" if amount else "0", (amount, bar.get_y() + 0.34),
            xytext=(4 if amount >= 0 else -4, 0), textcoords="offset points",
            ha="left" if amount >= 0 else "right", va="center", fontsize=8.5, color=INK,
        )  # fmt: skip
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_yticks(range(len(names)), [name(text) for text in names])
    ax.axvline(0, color=QUIET, linewidth=0.8)
    ax.margins(x=0.3)
    plain(ax, grid="x")


def _place(text: str) -> str:
    return text.partition(", ")[2]
