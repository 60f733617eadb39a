r"""Codes of a fitted compressor, whatever its class, as targets of a regression.

Codes of level l are multiplied by the norm of their concept's row of B_l (k_l x L), so that a unit
of error costs the same in every column; concepts that describe no label keep a factor of one.

Under the Bernoulli loss a row that has every label of a concept has no largest likely code, and one
endless code would decide a regression. Codes are cut where their strongest label is certain: at
:math:`z_p \max_j B_{pj} = 7`, a probability of 0.999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Widest level 1 of the default compressor.
DEFAULT_WIDTH = 300
#: Largest rate that one code may give one label under the Bernoulli loss.
CERTAIN = 7.0


def concepts_of(compressor: Any) -> list[Array]:
    """Return B_1, B_2, ...: the concepts of every level by labels (k_l x L).

    Takes an autoencoder (``concepts(level)``, ``weights_``) or any factorisation with
    ``components_``.
    """
    if hasattr(compressor, "weights_") and hasattr(compressor, "concepts"):
        levels = range(1, len(compressor.weights_) + 1)
        return [np.asarray(compressor.concepts(level)) for level in levels]
    if hasattr(compressor, "components_"):
        return [np.asarray(compressor.components_)]
    raise TypeError(
        "compressor must have weights_ and concepts(level), or components_, after fit; got "
        f"{type(compressor).__name__}"
    )


def is_feature_aware(compressor: Any) -> bool:
    """Tell whether a compressor (fitted or not) shares its codes with features."""
    weight = getattr(compressor, "feature_weight", 0)
    return bool(weight == "auto" or weight)


def encode(compressor: Any, Y: Any, X: Any = None) -> list[Array]:
    """Return the codes of labels Y (csr) at every level of a fitted compressor.

    X are features of the same rows, for compressors that share codes with them.
    """
    if X is not None and is_feature_aware(compressor):
        levels = range(1, len(compressor.weights_) + 1)
        return [np.asarray(compressor.transform(Y, level=level, X=X)) for level in levels]
    if hasattr(compressor, "weights_") and hasattr(compressor, "concepts"):
        levels = range(1, len(compressor.weights_) + 1)
        return [np.asarray(compressor.transform(Y, level=level)) for level in levels]
    return [np.asarray(compressor.transform(Y))]


@dataclass
class CodeScale:
    """Puts the codes of all levels side by side, scaled, and takes them apart again.

    Attributes
    ----------
    widths : list of int
        k_1, k_2, ...
    norms, caps : ndarray of shape (sum of widths,)
        Factor of each column, and the largest code before it is scaled.
    """

    widths: list[int]
    norms: Array
    caps: Array

    @classmethod
    def of(cls, concepts: list[Array], loss: str) -> CodeScale:
        """Measure the rows of every level's concepts."""
        norms = np.concatenate([np.sqrt(np.square(B, dtype=np.float64).sum(1)) for B in concepts])
        caps = np.full(len(norms), np.inf)
        if loss == "bernoulli":
            peaks = np.concatenate([B.max(1) for B in concepts]).astype(np.float64)
            np.divide(CERTAIN, peaks, out=caps, where=peaks > 0)
        return cls([len(B) for B in concepts], np.where(norms > 0, norms, 1.0), caps)

    def join(self, codes: list[Array], dtype: Any) -> Array:
        """Return the targets (n x sum of widths)."""
        norms, caps = self.norms.astype(dtype), self.caps.astype(dtype)
        out = np.empty((len(codes[0]), len(norms)), dtype)
        start = 0
        for Z in codes:
            stop = start + Z.shape[1]
            np.minimum(Z, caps[start:stop], out=out[:, start:stop], casting="same_kind")
            out[:, start:stop] *= norms[start:stop]
            start = stop
        return out

    def level(self, targets: Array, level: int) -> Array:
        """Return the columns of one level, still scaled and never negative, C-ordered."""
        start = sum(self.widths[: level - 1])
        return np.maximum(targets[:, start : start + self.widths[level - 1]], 0)

    def unscale(self, concepts: list[Array], level: int, dtype: Any) -> Array:
        """Return weights (L x k_l) that turn scaled codes of one level into rates."""
        start = sum(self.widths[: level - 1])
        norms = self.norms[start : start + self.widths[level - 1]]
        return np.ascontiguousarray((concepts[level - 1] / norms[:, None]).T, dtype)


def default_widths(n_labels: int) -> tuple[int, ...]:
    """Return widths of the default compressor: min(L, 300), then a fifth each, down to four."""
    widths = [min(n_labels, DEFAULT_WIDTH)]
    while widths[-1] // 5 >= 4:
        widths.append(widths[-1] // 5)
    return tuple(widths)
