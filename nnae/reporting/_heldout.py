"""The held-out examples that a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae._features import check_features
from nnae._labels import LabelSpace
from nnae.images._occluded import split

Array = npt.NDArray[Any]

KNOWN = ("X", "Y", "names", "images", "feature_names", "texts", "image_features")


@dataclass(frozen=True)
class HeldOut:
    """Rows that did not train the classifier.

    Attributes
    ----------
    X : csr_matrix or ndarray, n x d
    Y : csr_matrix, n x L
    names : list of str
        Of rows.
    texts : list of str or None
    images : sequence of ndarray (h x w x 3, uint8), or None
    feature_names : sequence of str or None
    image_features : ImageFeatures or None
        What made X of the images: explanations then name their regions.
    """

    X: Any
    Y: sp.csr_matrix
    names: list[str]
    texts: list[str] | None
    images: Sequence[Any] | None
    feature_names: Sequence[str] | None
    image_features: Any

    def __len__(self) -> int:
        return int(self.Y.shape[0])

    def spread(self, count: int) -> Array:
        """Return row numbers at equal distances, at most `count`."""
        return np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64))


def read_heldout(classifier: Any, examples: Any) -> HeldOut | None:
    """Check the examples given to a report: a pair (X, Y), or a mapping with further parts."""
    if examples is None:
        return None
    if not isinstance(examples, Mapping):
        parts = tuple(examples)
        if len(parts) not in (2, 3):
            raise ValueError(
                "examples must be (X, Y), (X, Y, names) or a mapping with X and Y; "
                f"got {len(parts)} parts"
            )
        examples = dict(zip(("X", "Y", "names"), parts, strict=False))
    missing = [name for name in ("X", "Y") if examples.get(name) is None]
    if missing:
        raise ValueError(f"examples must hold X and Y; {' and '.join(missing)} missing")
    unknown = sorted(set(map(str, examples)) - set(KNOWN))
    if unknown:
        raise ValueError(f"examples may hold {', '.join(KNOWN)}; got {unknown[0]!r}")
    X = check_features(classifier, examples["X"], reset=False)
    Y = LabelSpace(tuple(map(str, classifier.label_names_))).encode(examples["Y"])
    n = X.shape[0]
    if Y.shape[0] != n:
        raise ValueError(f"Y has {Y.shape[0]} rows, X has {n}")
    if n == 0:
        raise ValueError("examples must have at least one row")
    names = _strings("names", examples.get("names"), n)
    return HeldOut(
        X=X,
        Y=sp.csr_matrix(Y),
        names=[f"example {row}" for row in range(n)] if names is None else names,
        texts=_strings("texts", examples.get("texts"), n),
        images=_rows("images", examples.get("images"), n),
        feature_names=examples.get("feature_names"),
        image_features=_image_features(examples),
    )


def _image_features(examples: Mapping[str, Any]) -> Any:
    features = examples.get("image_features")
    if features is None:
        return None
    if examples.get("images") is None:
        raise ValueError("examples with image_features must hold images too")
    split(features)  # refuses what is no ImageFeatures
    return features


def _rows(name: str, values: Any, n: int) -> Any:
    if values is not None and len(values) != n:
        raise ValueError(f"{name} has {len(values)} entries, X has {n} rows")
    return values


def _strings(name: str, values: Any, n: int) -> list[str] | None:
    found = _rows(name, values, n)
    return None if found is None else [str(value) for value in found]
