"""Model files to predict with: weights in half precision, no codes of training rows."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from nnae._halves import to_halves
from nnae._model_tree import Encoder

Array = npt.NDArray[Any]


class CompactEncoder(Encoder):
    """Turns a model into plain values, large real arrays rounded to shares of their rows."""

    def state(self, model: Any) -> dict[str, tuple[dict[str, Any], bool]]:
        """Leave out what only training and reading need."""
        parts = super().state(model)
        values, is_param = parts.get("attributes", ({}, False))
        if "weights_" in values or "components_" in values:
            kept = {name: value for name, value in values.items() if name != "codes_"}
            return {**parts, "attributes": (kept, is_param)}
        return parts

    def real_array(self, value: Array) -> dict[str, Any]:
        """Put aside half precision and the scales of rows, where that is smaller."""
        found = to_halves(value)
        if found is None:
            return super().real_array(value)
        self.arrays += found
        last = len(self.arrays) - 1
        return {"t": "halves", "id": last - 1, "scale": last, "dtype": value.dtype.str}
