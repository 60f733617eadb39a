"""What a fit of NNAE is asked for, what it hands back, and what an encoder must be able to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from nnae._cells import Cells
from nnae._levels import Schedule
from nnae._solvers import Callback, History

Array = npt.NDArray[Any]


@dataclass
class Problem:
    """Everything that a fit needs to know."""

    Y: Any
    sizes: tuple[int, ...]
    loss: str
    objective: str
    schedule: Schedule
    penalty: float
    random_state: np.random.RandomState
    sample_weight: Array | None
    callback: Callback | None
    cells: Cells | None = None
    l2: float = 0.0
    cooccurrence: str = "auto"


@dataclass
class Fitted:
    """Weights W_l (k_l x k_{l-1}), codes Z_l (n x k_l), and what the encoder adds."""

    weights: list[Array]
    codes: list[Array]
    history: History
    pretraining: list[list[float]] = field(default_factory=list)
    encoder_weights: list[Array] | None = None
    counts: Any = None
    errors: list[float] = field(default_factory=list)
    encoder_biases: list[Array] | None = None


class Encoder(Protocol):
    """How codes are found.

    ``options`` names what a fit may be asked for beyond labels and their weights: "chain", "cells"
    (masks and propensities), "concepts" (sparseness, overlap), "codes" (penalties on codes),
    "starts" (given ones), "features". A ``linear`` one needs the Frobenius loss.
    """

    linear: bool
    options: frozenset[str]

    def fit(self, problem: Problem) -> Fitted:
        """Fit all levels."""

    def encode(
        self, Y: Any, fitted: Any, level: int, n_threads: int, cells: Cells | None = None
    ) -> Array:
        """Return the codes of new rows at one level."""
