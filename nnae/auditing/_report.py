"""What an audit found."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from nnae.auditing._page import write_page


@dataclass(frozen=True)
class AuditReport:
    """Hold what `audit` found.

    Attributes
    ----------
    frame : DataFrame
        One row a metric: metric, value, ci_low, ci_high (95 %, labels drawn with replacement),
        null_mean and p_value (trees of the same shape with labels shuffled), independent_mean and
        independent_p_value (held-out labels dealt out at random, margins kept); for each rival its
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
        """Write verdict, checks and tables as one page that needs no other file."""
        return write_page(self.frame, self.verdict, self.trustworthy, self.checks)

    def __repr__(self) -> str:
        return f"<AuditReport: trustworthy={self.trustworthy}, {len(self.frame)} rows>"
