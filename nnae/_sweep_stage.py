"""Sweeps as a stage of a fit with a checkpoint."""

from __future__ import annotations

from typing import Any

from nnae._checkpoint import Stage, State
from nnae._snapshot import Snapshot


class SweepStage:
    """Puts the object whose method sweeps to where a checkpoint left it, and offers its state.

    Parameters
    ----------
    stage : Stage
    sweep : bound method
        Of the object that the sweeps change.
    history : History
        Its ``curve`` and ``converged`` are restored too.
    """

    def __init__(self, stage: Stage, sweep: Any, history: Any) -> None:
        self.stage, self.history = stage, history
        self.snapshot = Snapshot(sweep.__self__) if stage.watched else None
        if self.snapshot is not None and stage.saved:
            self.snapshot.put(stage.saved["state"])
            history.curve[:] = stage.saved["curve"]
            history.converged = bool(stage.saved["converged"])

    def last(self, max_iter: int) -> int:
        """Return the number of the last sweep that is to be made."""
        return 0 if self.stage.finished else max_iter

    def offer(self) -> None:
        """Offer the state after a sweep."""
        self.stage.offer(self._state)

    def finish(self) -> None:
        """Keep the state after the last sweep."""
        if self.snapshot is not None and not self.stage.finished:
            self.stage.finish(self._state())

    def _state(self) -> State:
        assert self.snapshot is not None
        return {
            "state": self.snapshot.take(),
            "curve": [float(value) for value in self.history.curve],
            "converged": self.history.converged,
        }
