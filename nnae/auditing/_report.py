"""What an audit found."""

from __future__ import annotations

import html
from dataclasses import dataclass

import pandas as pd

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}th,td{padding:.3em .7em;border-bottom:1px solid #ccc;"
    "text-align:right}th:first-child,td:first-child{text-align:left}"
    ".verdict{border-left:.4em solid #888;padding-left:1em}"
    ".yes{border-color:#28784a}.no{border-color:#a33030}"
)


@dataclass(frozen=True)
class AuditReport:
    """Hold what `audit` found.

    Attributes
    ----------
    frame : DataFrame
        One row a metric: metric, value, ci_low, ci_high (95 %, labels drawn with replacement),
        null_mean and p_value (trees of the same shape with labels shuffled); for each rival its
        value, ``<rival>_difference`` (tree less rival on the same rows) and ``<rival>_p_value``
        (two-sided, of the difference). Counts of rows, labels and pairs come last, values alone.
    verdict : str
        The findings in plain words.
    trustworthy : bool
        Whether every check that could be made was passed, and enough could be made.
    checks : dict of str to bool
        The checks behind `trustworthy`.

    Examples
    --------
    >>> import pandas as pd
    >>> from nnae import AuditReport
    >>> frame = pd.DataFrame({"metric": ["placement"], "value": [0.5]})
    >>> report = AuditReport(frame, "Half of the labels sit badly.", False, {"placement": False})
    >>> report.value("placement")
    0.5
    >>> report.to_html().startswith("<!DOCTYPE html>")
    True
    """

    frame: pd.DataFrame
    verdict: str
    trustworthy: bool
    checks: dict[str, bool]

    def value(self, metric: str, column: str = "value") -> float:
        """Return one number of the frame."""
        rows = self.frame.loc[self.frame["metric"] == metric, column]
        if len(rows) != 1:
            known = ", ".join(self.frame["metric"])
            raise ValueError(f"metric must be one of {known}; got {metric!r}")
        return float(rows.iloc[0])

    def to_html(self) -> str:
        """Write verdict and table as one page that needs no other file."""
        colour = "yes" if self.trustworthy else "no"
        shown = self.frame.copy()
        shown["metric"] = shown["metric"].str.replace("_", " ")
        shown.columns = [str(column).replace("_", " ") for column in shown.columns]
        table = shown.to_html(index=False, border=0, na_rep="", float_format=_number)
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>Audit of a label hierarchy</title><style>{_STYLE}</style></head><body>"
            f'<h1>Audit of a label hierarchy</h1><p class="verdict {colour}">'
            f"{html.escape(self.verdict)}</p>\n{table}\n</body></html>\n"
        )

    def __repr__(self) -> str:
        return f"<AuditReport: trustworthy={self.trustworthy}, {len(self.frame)} rows>"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
