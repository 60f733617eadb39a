"""What audits and refits found, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnae.plot._style import (
    AGAINST,
    FOR,
    INK,
    MARKERS,
    QUIET,
    SERIES,
    new_axes,
    plain,
    title,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes


#: Metrics of stability that are 1 where all fits agree.
WORDS = {
    "ari": "same clusters (ARI)",
    "matched_cosine": "matched concepts (cosine)",
    "cophenetic": "consensus tree (cophenetic)",
    "dispersion": "consensus (dispersion)",
}


def audit_panel(report: Any, ax: Axes | None = None) -> Axes:
    """Draw an audit's metrics: the tree, trees with shuffled labels, and rival trees.

    Filled circles with 95 % intervals are the tree, hollow diamonds chance, crosses rivals. Metrics
    that are no shares or correlations (beyond 1.5 in size) are left to the table.

    Parameters
    ----------
    report : AuditReport
    ax : matplotlib axes, optional

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import pandas as pd
    >>> from nnae import AuditReport
    >>> from nnae.plot import audit_panel
    >>> row = {"metric": "placement", "value": 0.9, "ci_low": 0.8, "ci_high": 0.95}
    >>> frame = pd.DataFrame([row | {"null_mean": 0.5, "p_value": 0.01}])
    >>> ax = audit_panel(AuditReport(frame, "Well.", True, {}))
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['placement']
    """
    frame = report.frame
    frame = frame[frame["ci_low"].notna() & (frame["ci_high"].abs() <= 1.5)]
    rivals = [
        str(c)[: -len("_difference")] for c in frame.columns if str(c).endswith("_difference")
    ]
    ax = new_axes(ax, 7.5, 1.5 + 0.45 * max(len(frame), 1))
    for row, found in enumerate(frame.to_dict("records")):
        low, high = found["ci_low"], found["ci_high"]
        ax.plot([low, high], [row, row], color=FOR, linewidth=2.2, zorder=2)
        ax.plot(
            found["value"],
            row,
            "o",
            color=FOR,
            markersize=7,
            zorder=4,
            label=None if row else "tree",
        )
        ax.plot(
            found["null_mean"], row, "D", markersize=6.5, markerfacecolor="white",
            markeredgecolor=INK, zorder=3, label=None if row else "labels shuffled",
        )  # fmt: skip
        for place, rival in enumerate(rivals):
            marker = ("x", "+", "1", "2")[place % 4]
            ax.plot(
                found.get(rival, np.nan), row + 0.2, marker, color=AGAINST, markersize=8,
                markeredgewidth=2, label=None if row else rival.replace("_", " "), zorder=3,
            )  # fmt: skip
    ax.axvline(0, color=QUIET, linewidth=0.8)
    ax.set_yticks(range(len(frame)), [str(m).replace("_", " ") for m in frame["metric"]])
    ax.set_ylim(len(frame) - 0.4, -0.6)
    plain(ax, grid="x")
    if len(frame):
        ax.legend(frameon=False, fontsize=8.5, ncols=4, loc="upper center",
                  bbox_to_anchor=(0.5, -0.07))  # fmt: skip
    said = "can be trusted as far as these rows show"
    title(ax, f"This tree {said if report.trustworthy else 'should not be trusted'}")
    return ax


def stability_panel(report: Any, ax: Axes | None = None) -> Axes:
    """Draw how alike refits are, level by level: means and ranges over pairs of fits.

    Parameters
    ----------
    report : StabilityReport
    ax : matplotlib axes, optional

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> from nnae import NMF, stability
    >>> from nnae.datasets import make_label_hierarchy
    >>> from nnae.plot import stability_panel
    >>> Y = make_label_hierarchy(300, random_state=0).Y
    >>> report = stability(
    ...     lambda seed: NMF(3, random_state=seed, tol=1e-2), Y, n_seeds=2, n_bootstraps=2,
    ...     random_state=0,
    ... )
    >>> ax = stability_panel(report)
    >>> len(ax.get_yticks()) == 4
    True
    """
    frame = report.frame
    frame = frame[frame["metric"].isin(list(WORDS))]
    keys = list(dict.fromkeys(zip(frame["metric"], frame["level"], strict=True)))
    keys.sort(key=lambda key: (list(WORDS).index(key[0]), key[1]))
    ax = new_axes(ax, 7.5, 1.5 + 0.36 * max(len(keys), 1))
    for place, source in enumerate(dict.fromkeys(frame["source"])):
        part = frame[frame["source"] == source].set_index(["metric", "level"])
        rows = np.array([row for row, key in enumerate(keys) if key in part.index])
        found = part.loc[[keys[row] for row in rows]]
        shift = 0.28 * (place - 0.5)
        ax.hlines(
            rows + shift, found["low"], found["high"], color=SERIES[place], linewidth=2,
            linestyles=("solid", "dashed")[place % 2],
        )  # fmt: skip
        ax.plot(
            found["mean"], rows + shift, MARKERS[place], color=SERIES[place], markersize=6,
            label=str(source), linestyle="none",
        )  # fmt: skip
    labels = [f"{WORDS[metric]}, level {level}" for metric, level in keys]
    ax.set_yticks(range(len(keys)), labels)
    ax.set_ylim(len(keys) - 0.4, -0.6)
    ax.set_xlim(min(0.0, *ax.get_xlim()), 1.02)
    plain(ax, grid="x")
    ax.legend(frameon=False, fontsize=8.5, loc="lower left")
    share = report.recurring(0.6)
    note = (
        "" if np.isnan(share) else f"{share:.0%} of edges come back in 60 % of bootstraps or more"
    )
    title(ax, "How much comes back in refits", note)
    return ax
