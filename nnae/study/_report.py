"""What people made of a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {"none": "no tree", "tree": "the tree", "shuffled_tree": "a shuffled tree"}
COLOURS = {"none": "#6b7280", "tree": "#1f5c99", "shuffled_tree": "#b7791f"}


@dataclass(frozen=True)
class StudyReport:
    """Hold what `analyse_study` found.

    Attributes
    ----------
    conditions : DataFrame
        One row a condition: condition, participants, answers, accuracy, ci_low, ci_high (95 %,
        robust by participant), confidence (mean), seconds (median of an answer).
    effects : DataFrame
        One row a pair of conditions and method ("gee", "mixed"): condition, against, method,
        log_odds, ci_low, ci_high, p_value, odds_ratio, difference, difference_low,
        difference_high (of the accuracies; of "gee" alone).
    participants : DataFrame
        One row a participant and condition: participant, condition, answers, accuracy, confidence,
        seconds.
    verdict : str
        The findings in plain words.
    helpful : bool
        Whether people did better with the tree than without (or than with the shuffled tree), the
        whole interval of "gee" above zero.

    Examples
    --------
    >>> import pandas as pd
    >>> from nnae import StudyReport
    >>> empty = pd.DataFrame()
    >>> StudyReport(empty, empty, empty, "Nobody answered.", False)
    <StudyReport: helpful=False, 0 participants>
    """

    conditions: pd.DataFrame
    effects: pd.DataFrame
    participants: pd.DataFrame
    verdict: str
    helpful: bool

    def __repr__(self) -> str:
        n = self.participants["participant"].nunique() if len(self.participants) else 0
        return f"<StudyReport: helpful={self.helpful}, {n} participants>"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw accuracies: a dot a participant, mean and interval of each condition.

        Parameters
        ----------
        ax : matplotlib axes, optional
            A new figure is made without it.

        Returns
        -------
        matplotlib axes

        Raises
        ------
        ImportError
            When matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError:
            raise ImportError(
                "plot() needs matplotlib, which the plot extra brings: pip install 'nnae[plot]'"
            ) from None
        names = self.conditions["condition"].tolist()
        if ax is None:
            _, ax = plt.subplots(figsize=(1.4 + 1.5 * len(names), 4.0), layout="constrained")
        table = self.participants.pivot(index="participant", columns="condition", values="accuracy")
        table = table[names]
        jitter = np.linspace(-0.09, 0.09, max(len(table), 2))[: len(table)]
        for shift, row in zip(jitter, 100 * table.to_numpy(), strict=True):
            ax.plot(
                np.arange(len(names)) + shift, row, color="#9aa3b2", lw=0.6, alpha=0.6, zorder=1
            )
        for x, name in enumerate(names):
            colour = COLOURS.get(name, "#444444")
            dots = 100 * table[name].to_numpy()
            ax.scatter(x + jitter, dots, s=14, color=colour, alpha=0.45, lw=0, zorder=2)
            known = self.conditions.iloc[x]
            mean = 100 * known["accuracy"]
            ends = 100 * known[["ci_low", "ci_high"]].to_numpy(np.float64)
            if np.isfinite(ends).all():
                ax.plot([x + 0.2] * 2, ends, color=colour, lw=2.4, zorder=3)
            ax.plot(x + 0.2, mean, "o", color=colour, ms=8, zorder=3)
            ax.annotate(
                f"{mean:.0f} %",
                (x + 0.2, mean),
                (9, 0),
                textcoords="offset points",
                va="center",
                color=colour,
                fontweight="bold",
                bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1.0},
            )
        ax.axhline(50, color="#9aa3b2", lw=0.8, ls=":", zorder=0)
        ax.annotate(
            "a coin", (-0.42, 50), (0, 3), textcoords="offset points", fontsize=8, color="#6b7280"
        )
        ax.set_xticks(range(len(names)), [WORDS.get(name, name) for name in names])
        ax.set_xlim(-0.45, len(names) - 0.3)
        low = min(40.0, float(np.nanmin(100 * table.to_numpy())) - 5)
        ax.set_ylim(max(low, -3), 103)
        ax.set_ylabel("right answers, per cent")
        ax.spines[["top", "right"]].set_visible(False)
        return ax
