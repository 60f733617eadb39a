"""A bar for work that takes more than a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds that pass before a bar is shown.
PATIENCE = 2.0

Advance = Callable[[int], None]


@contextmanager
def progress(what: str, total: int, verbose: int, callback: Any) -> Iterator[Advance]:
    """Tell how many of `total` are done: to a callback, and on standard error where asked for."""
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), disable=not verbose)
    task = bar.add_task(what, total=total)
    begin, done, shown = time.perf_counter(), 0, False

    def advance(count: int) -> None:
        nonlocal done, shown
        done += count
        bar.update(task, completed=done)
        if verbose and not shown and time.perf_counter() - begin > PATIENCE:
            bar.start()
            shown = True
        if callback is not None:
            callback(done, total)

    try:
        yield advance
    finally:
        if shown:
            bar.stop()
