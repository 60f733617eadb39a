"""Names of the concepts of a classifier's compressor."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._codes import concepts_of
from nnae.hierarchy._names import concept_name, top_labels

Array = npt.NDArray[Any]

#: Labels that a concept's name is made of, and labels kept in its description.
TOP = 6


class ConceptNames:
    """Names concepts by the labels special to them, or as a hierarchy does.

    Parameters
    ----------
    classifier : TwoStepClassifier
        Fitted.
    hierarchy : LabelHierarchy, optional
        Of its compressor; concepts that it left out are named here.
    """

    def __init__(self, classifier: Any, hierarchy: Any = None) -> None:
        self.labels = [str(name) for name in classifier.label_names_]
        self._compressor = classifier.compressor_
        self._concepts: list[Array] | None = None
        self._base: Array | None = None
        self._known: dict[tuple[int, int], str] = {}
        if hierarchy is not None:
            for node, about in hierarchy.graph.nodes(data=True):
                if about["kind"] == "concept":
                    self._known[about["level"], about["index"]] = str(node)

    def name(self, level: int, concept: int) -> str:
        """Return the name of row ``concept`` of a level's weights."""
        key = (level, concept)
        if key not in self._known:
            if self._concepts is None:
                self._concepts = concepts_of(self._compressor)
                self._base = self._label_shares(self._concepts[0])
            assert self._base is not None
            weights = np.asarray(self._concepts[level - 1][concept], np.float64)
            total = float(weights.sum())
            if total > 0:
                best, _ = top_labels(weights / total, self._base, self.labels, TOP)
                self._known[key] = concept_name(best)
            else:
                self._known[key] = f"empty concept {concept}"
        return self._known[key]

    def _label_shares(self, concepts: Array) -> Array:
        codes = getattr(self._compressor, "codes_", None)
        first = codes[0] if isinstance(codes, list) else codes
        mass = np.ones(len(concepts))
        if first is not None and np.shape(first)[1:] == (len(concepts),):
            mass = np.asarray(first, np.float64).sum(axis=0)
        shares = mass @ np.asarray(concepts, np.float64)
        total = float(shares.sum())
        return np.asarray(np.maximum(shares / total if total > 0 else shares, 1e-300))
