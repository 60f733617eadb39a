"""What a person sees: tables on standard output, progress and messages on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

PLAIN_WIDTH = 100  # columns where there is no terminal

Note = Callable[[str], None]


class Screen:
    """The two streams of one command.

    Parameters
    ----------
    quiet : bool
        Leave out progress and messages.
    as_json : bool
        Print one object and neither tables nor text.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self.quiet, self.as_json = quiet, as_json
        # label names are data: neither markup nor :emoji: in them may be read
        plain: dict[str, Any] = {"markup": False, "highlight": False, "emoji": False}
        self.out = Console(file=sys.stdout, soft_wrap=False, **plain)
        self.err = Console(file=sys.stderr, **plain)
        if not self.out.is_terminal:
            self.out.width = PLAIN_WIDTH

    def say(self, text: str = "") -> None:
        """Print a message."""
        if not self.quiet:
            self.err.print(text, soft_wrap=True)

    def text(self, text: str) -> None:
        """Print a result, as it is."""
        if not self.as_json:
            print(text, file=sys.stdout)

    def result(self, value: Any) -> None:
        """Print the JSON object, when it is asked for."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=False), file=sys.stdout)

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = ""
    ) -> None:
        """Print a table: the first column to the left, the others to the right."""
        if self.as_json:
            return
        table = Table(title=title, caption=caption or None, box=box.SIMPLE_HEAD, title_style="bold")
        for number, name in enumerate(columns):
            table.add_column(name, justify="right" if number else "left", no_wrap=number > 0)
        for row in rows:
            table.add_row(*row)
        self.out.print(table)

    @contextmanager
    def steps(self) -> Iterator[Steps]:
        """Show what is being done: bars on a terminal, else a line when a step is done."""
        progress = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.err,
            disable=self.quiet or not self.err.is_terminal,
        )
        with progress:
            yield Steps(self, progress)


class Steps:
    """Steps of one command, each with a bar."""

    def __init__(self, screen: Screen, progress: Progress) -> None:
        self.screen, self.progress = screen, progress

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Step]:
        """Time one step; `total` is how often it will advance, if that is known."""
        task = self.progress.add_task(name, total=total, note="")
        step = Step(self.progress, task)
        start = time.perf_counter()
        yield step
        seconds = time.perf_counter() - start
        self.progress.update(task, total=1, completed=1)
        if self.progress.disable:
            self.screen.say(f"{name:<12} {seconds:6.1f} s  {step.text}")


class Step:
    """One step under way."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self.progress, self.task, self.text = progress, task, ""

    def note(self, text: str) -> None:
        """Say what the step is at."""
        self.text = text
        self.progress.update(self.task, note=text)

    def advance(self, amount: int = 1) -> None:
        """Move the bar."""
        self.progress.advance(self.task, amount)
