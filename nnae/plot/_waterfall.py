"""An explanation as a waterfall: amounts that add up to the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnae.plot._style import AGAINST, FOR, INK, NEUTRAL, QUIET, name, new_axes, plain, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Steps that can be read below each other.
MOST_STEPS = 14


def waterfall(explanation: Any, ax: Axes | None = None) -> Axes:
    """Draw the features' contributions one after the other, from zero to the score.

    Parameters
    ----------
    explanation : Explanation
    ax : matplotlib axes, optional
        A new figure is made without it.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import nnae
    >>> from nnae.plot import waterfall
    >>> data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    >>> X = data.Y.toarray()[:, ::2].astype(float)
    >>> model = nnae.TwoStepClassifier(random_state=0).fit(X, data.Y[:, 1::2])
    >>> ax = waterfall(nnae.explain(model, X[0], 3))
    >>> [text.get_text() for text in ax.get_yticklabels()][-1]
    'score'
    """
    steps = _steps(explanation)
    ax = new_axes(ax, 8.0, 1.3 + 0.32 * (len(steps) + 1))
    at = 0.0
    for row, (_, kind, amount) in enumerate(steps):
        known = kind == "feature"
        face = (FOR if amount >= 0 else AGAINST) if known else NEUTRAL
        ax.barh(row, amount, left=at, height=0.68, color=face, edgecolor=INK, linewidth=0.4)
        _amount(ax, row, at, amount)
        at += amount
        ax.plot([at, at], [row + 0.34, row + 0.66], color=QUIET, linewidth=0.8)
    last = len(steps)
    ax.barh(last, explanation.score, height=0.68, color=INK)
    _amount(ax, last, 0.0, explanation.score, sign=False)
    ax.set_ylim(last + 0.6, -0.6)
    ax.set_yticks(range(last + 1), [*(step[0] for step in steps), "score"])
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.get_yticklabels()[-1].set_fontweight("bold")
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.margins(x=0.16)
    plain(ax, grid="x")
    note = f"{explanation.decoder} decoder, features by {explanation.method}"
    if explanation.probability is not None:
        note = f"place {explanation.rank} of {explanation.n_labels}; {note}"
    title(ax, explanation.label, note)
    return ax


def _steps(explanation: Any) -> list[tuple[str, str, float]]:
    frame = explanation.features
    frame = frame[frame["contribution"].abs() > 1e-5 * abs(explanation.score)]
    features = frame[frame["kind"] == "feature"]
    rest = frame[frame["kind"] != "feature"]
    limit = 2 * (explanation.top or 7)
    shown = features.head(min(limit, MOST_STEPS))
    steps = []
    for row in shown.to_dict("records"):
        steps.append((name(f"{row['name']} = {row['value']:.3g}"), "feature", row["contribution"]))
    hidden = features.iloc[len(shown) :]
    if len(hidden):
        amount = float(hidden["contribution"].sum())
        steps.append((f"{len(hidden)} other features", "others", amount))
    for row in rest.to_dict("records"):
        steps.append((name(row["name"]), row["kind"], row["contribution"]))
    return steps


def _amount(ax: Axes, row: int, start: float, amount: float, *, sign: bool = True) -> None:
    text = f"{amount:+.3g}" if sign else f"{amount:.4g}"
    right = amount >= 0
    where = max(start, start + amount) if right else min(start, start + amount)
    ax.annotate(
        text,
        (where, row),
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        va="center",
        ha="left" if right else "right",
        fontsize=8.5,
        color=INK,
        fontweight="normal" if sign else "bold",
    )
