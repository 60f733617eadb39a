"""``--chunk-rows``: commands that never hold all rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import typer

from nnae.cli._files import TABLE, Reading, match_features, match_labels
from nnae.cli._screen import Screen, Step


def open_chunks(reading: Reading, path: Path, rows: int) -> Any:
    """Return the rows of a file or folder in blocks."""
    from nnae.io import row_blocks

    if path.is_dir() or path.suffix == ".parquet":
        return row_blocks(path, rows=rows)
    name = reading.format_of(path)
    if name == TABLE:
        raise typer.BadParameter(
            "--chunk-rows reads no tables of texts: turn them into features first (nnae convert)"
        )
    return row_blocks(path, rows=rows, format=name, **reading.options(name))


def follow_rows(step: Step, blocks: Any, passes: int | None, bound: str = "about") -> None:
    """Show rows, share and the time left while blocks are read.

    ``bound`` is "at most" where fewer passes may be enough; where nobody can tell how many there
    will be (None), the time left is that of the present one. Passes to come are taken to last as
    long as the present one would, judged by its own pace.
    """
    state = {"start": 0.0, "pass": 0}
    of = "" if passes is None else f" of {passes}" if bound == "about" else f" of {bound} {passes}"
    last = " of this pass" if passes is None else ""

    def show(rows: int, share: float | None) -> None:
        now = time.perf_counter()
        if not rows:
            state["start"], state["pass"] = now, state["pass"] + 1
            return
        text = f"pass {state['pass']}{of}, {rows:,} rows"
        if share:
            whole = (now - state["start"]) / share
            left = whole * (1 - share) + whole * max(0, (passes or 0) - state["pass"])
            text += f", {100 * share:.0f} %, {bound} {clock(left)} left{last}"
        step.note(text)

    blocks.watch = show


def sweeping_passes(compressor: Any) -> int:
    """Return how often, at most, a compressor looks at labels again and again; 0 if it does not."""
    from nnae._encoders import ENCODERS

    if ENCODERS[compressor.encoder].linear:
        return 0  # it learns from what is counted anyway
    return 2 + int(compressor.pretrain_iter) + int(compressor.max_iter)


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, or hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def fit_in_chunks(
    blocks: Any, compressor: Any, seed: int, threads: int | None, only_labels: bool, step: Step
) -> Any:
    """Fit a classifier over blocks, or a compressor where there are labels alone."""
    from nnae import TwoStepClassifier
    from nnae._block_sums import MOST_FEATURES

    first = next(iter(blocks))
    alone, sweeps = only_labels or first.X is None, sweeping_passes(compressor)
    if not alone and first.X.shape[1] > MOST_FEATURES:
        follow_rows(step, blocks, None)  # a ridge by passes
    else:
        counting = 2 if not alone else 0 if sweeps else 1
        follow_rows(step, blocks, sweeps + counting, "at most" if sweeps else "about")
    if alone:
        return compressor.fit(blocks)
    model = TwoStepClassifier(
        compressor, checkpoint=compressor.checkpoint, random_state=seed, n_threads=threads
    )
    return model.fit(blocks)


def features_in_chunks(blocks: Any, model: Any, screen: Screen) -> Iterator[Any]:
    """Yield features of blocks in the columns of a model."""
    for block, said in _with_screens(blocks, screen):
        yield match_features(_data(block, blocks), model, said)


def matched(blocks: Any, model: Any, screen: Screen) -> Iterator[tuple[Any, Any]]:
    """Yield features and labels of blocks in the columns of a model."""
    for block, said in _with_screens(blocks, screen):
        data = _data(block, blocks)
        yield match_features(data, model, said), match_labels(data, model, said)


def _with_screens(blocks: Any, screen: Screen) -> Iterator[tuple[Any, Screen]]:
    for block in blocks:
        yield block, screen
        screen = Screen(quiet=True, as_json=screen.as_json)  # one message is enough


def _data(block: Any, blocks: Any) -> Any:
    if block.X is None:
        raise ValueError(f"{blocks.name} holds labels only; this needs features too")
    names = blocks.label_names
    return SimpleNamespace(X=block.X, Y=block.Y, feature_names=None, label_names=names)
