"""Answers of participants, read and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = (
    *("study", "participant", "condition", "phase", "block", "trial", "item", "example"),
    *("label", "answer", "model", "correct", "confidence", "seconds"),
)
_ALLOWED: dict[str, tuple[str, Callable[[pd.Series[str]], Any]]] = {
    "answer": ("yes or no", lambda column: column.isin(["yes", "no"])),
    "model": ("yes or no", lambda column: column.isin(["yes", "no"])),
    "phase": ("practice or test", lambda column: column.isin(["practice", "test"])),
    "correct": ("0 or 1", lambda column: column.isin(["0", "1"])),
    "confidence": ("a number from 1 to 5", lambda column: column.isin(list("12345"))),
    "seconds": (
        "a number of at least 0",
        lambda column: pd.to_numeric(column, errors="coerce").between(0, np.inf, inclusive="left"),
    ),
    "participant": ("a code", lambda column: column.str.strip() != ""),
    "condition": ("a name", lambda column: column.str.strip() != ""),
    "item": ("a name", lambda column: column.str.strip() != ""),
}


def read_answers(csv: Any) -> pd.DataFrame:
    """Read one table of answers or several, and check that they belong together.

    Returns the columns of `COLUMNS`; correct, confidence and seconds are numbers.
    """
    several = isinstance(csv, Sequence) and not isinstance(csv, str | bytes)
    sources = list(csv) if several else [csv]
    if not sources:
        raise ValueError("csv must name at least one file; got an empty list")
    tables = [_read(source, number) for number, source in enumerate(sources, start=1)]
    whole = pd.concat(tables, ignore_index=True)
    studies = whole["study"].unique().tolist()
    if len(studies) > 1:
        raise ValueError(
            f"all answers must be of one study; got {len(studies)}: {', '.join(studies[:4])}"
        )
    twice = whole.duplicated(["participant", "phase", "item"], keep="first")
    if twice.any():
        row = whole[twice].iloc[0]
        raise ValueError(
            f"a participant answers an item once; {row['participant']!r} answers item "
            f"{row['item']!r} again in {row['source']}"
        )
    return whole


def _read(source: Any, number: int) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        name, table = f"table {number}", source.copy()
        table = table.astype(str)
    else:
        name = os.fspath(source)
        try:
            table = pd.read_csv(source, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except pd.errors.EmptyDataError:
            raise ValueError(f"{name} must hold answers; it is empty") from None
        except (pd.errors.ParserError, UnicodeDecodeError) as problem:
            about = " ".join(str(problem).split())
            raise ValueError(f"{name} must be a table of comma-separated values; {about}") from None
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise ValueError(f"{name} must have the columns of a study; it lacks {', '.join(missing)}")
    if not len(table):
        raise ValueError(f"{name} must hold answers; it has a header alone")
    table = table[list(COLUMNS)].reset_index(drop=True)
    for column, (wanted, allowed) in _ALLOWED.items():
        _refuse(name, table, column, wanted, ~np.asarray(allowed(table[column]), bool))
    agrees = (table["answer"] == table["model"]) == (table["correct"] == "1")
    _refuse(name, table, "correct", "1 where answer equals model and else 0", ~agrees.to_numpy())
    table["correct"] = table["correct"].astype(np.int64)
    table["confidence"] = table["confidence"].astype(np.int64)
    table["seconds"] = table["seconds"].astype(np.float64)
    table["participant"] = table["participant"].str.strip()
    return table.assign(source=name)


def _refuse(name: str, table: pd.DataFrame, column: str, wanted: str, wrong: Any) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        value = table[column].iloc[first]
        raise ValueError(f"{name}, row {first + 1}: {column} must be {wanted}; got {value!r}")
