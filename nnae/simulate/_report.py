"""What simulated readers made of a tree."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

COLUMNS = ("form", "reader", "quantity", "value", "ci_low", "ci_high")
_TASKS = {
    "decisions": "which labels the model will choose",
    "removals": "which labels fall when a concept is removed",
}


@dataclass(frozen=True)
class SimulationReport:
    """Hold what `simulate_reader` found.

    Attributes
    ----------
    frame : DataFrame
        One row a form, reader and quantity: form ("decisions", "removals"), reader (its name, or
        "mean" over all), quantity, value, ci_low, ci_high. Quantities: accuracy under the
        conditions "base_rates", "revealed", "tree", "shuffled_tree", "npmi_tree"; "gain_tree",
        "gain_shuffled_tree", "gain_npmi_tree" (accuracy less that of "revealed");
        "tree_over_shuffled" and "tree_over_npmi" (differences of two gains).
    counts : DataFrame
        One row a form: test_examples, test_questions, explained_examples, explained_questions (a
        repeat, on average), not_asked.
    verdict : str
        The findings in plain words.
    useful : bool
        Whether the mean reader's gain from the tree is above that from shuffled trees, the whole
        interval above zero, in the form "decisions".

    Examples
    --------
    >>> import pandas as pd
    >>> from nnae import SimulationReport
    >>> row = ["decisions", "mean", "tree", 0.7, 0.6, 0.8]
    >>> columns = ["form", "reader", "quantity", "value", "ci_low", "ci_high"]
    >>> report = SimulationReport(pd.DataFrame([row], columns=columns), pd.DataFrame(), "", False)
    >>> report.value("tree")
    0.7
    """

    frame: pd.DataFrame
    counts: pd.DataFrame
    verdict: str
    useful: bool

    def value(
        self,
        quantity: str,
        column: str = "value",
        *,
        reader: str = "mean",
        form: str = "decisions",
    ) -> float:
        """Return one number of the frame."""
        frame = self.frame
        rows = frame[
            (frame["quantity"] == quantity) & (frame["reader"] == reader) & (frame["form"] == form)
        ]
        if len(rows) != 1:
            known = ", ".join(dict.fromkeys(frame["quantity"]))
            raise ValueError(
                f"there must be such a row (quantities: {known}); got quantity {quantity!r}, "
                f"reader {reader!r}, form {form!r}"
            )
        return float(rows[column].iloc[0])

    def __repr__(self) -> str:
        return f"<SimulationReport: useful={self.useful}, {len(self.frame)} rows>"


Known = dict[str, tuple[float, float, float]]


def write_verdict(frame: pd.DataFrame, examples: dict[str, int]) -> tuple[str, bool]:
    """Say in words what the frame shows, and whether the tree was of use."""
    said, useful = [], False
    for form, count in examples.items():
        rows = frame[(frame["form"] == form) & (frame["reader"] == "mean")]
        numbers = rows[["value", "ci_low", "ci_high"]].to_numpy().tolist()
        known: Known = dict(zip(rows["quantity"].tolist(), map(tuple, numbers), strict=True))
        clear = known["tree_over_shuffled"][1] > 0
        if form == "decisions":
            useful = clear
        said.append(
            f"Asked {_TASKS[form]} for {count:,} examples they had not seen, simulated readers "
            f"were right {_percent(known, 'tree')} of the time with the tree, "
            f"{_percent(known, 'revealed')} without it and {_percent(known, 'shuffled_tree')} with "
            f"a shuffled tree: the tree {'helps' if clear else 'does not clearly help'} "
            f"({_points(known, 'tree_over_shuffled')} over the shuffled tree)."
        )
        _, low, high = known["tree_over_npmi"]
        unclear = "neither clearly more nor clearly less than"
        relation = "more than" if low > 0 else "less than" if high < 0 else unclear
        said.append(
            f"It helps {relation} the tree that anyone can build from label co-occurrence by "
            f"linkage ({_points(known, 'tree_over_npmi')})."
        )
    return " ".join(said), useful


def _percent(known: Known, quantity: str) -> str:
    return f"{100 * known[quantity][0]:.1f} %"


def _points(known: Known, quantity: str) -> str:
    value, low, high = (100 * number for number in known[quantity])
    return f"{value:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}"
