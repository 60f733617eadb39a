"""A bar on standard error for work of many equal parts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int, done: int, verbose: int) -> Iterator[Callable[[int], None]]:
    """Show how many fits are done where ``verbose`` is positive; yields what counts them."""
    if not verbose:
        yield lambda amount: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    screen = Console(file=sys.stderr)
    with Progress(
        "{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=screen,
    ) as progress:  # fmt: skip
        task = progress.add_task("fits", total=total, completed=done)
        yield lambda amount: progress.advance(task, amount)
