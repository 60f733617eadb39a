"""Codes of rows in blocks by a fitted compressor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nnae._labels import LabelSpace
from nnae.io._row_blocks import RowBlocks


class CodedBlocks:
    """What compressors do with rows in blocks once they are fitted."""

    label_names_: Any

    def _codes_of_blocks(self, blocks: RowBlocks, transform: Callable[[Any], Any]) -> Iterator[Any]:
        """Yield the codes of each block, its columns put in the model's order by their names."""
        model = LabelSpace(tuple(map(str, self.label_names_)))
        for block in blocks.labels():
            yield transform(_in_order(block.Y, blocks.label_names, model))


def _in_order(Y: Any, names: Any, model: LabelSpace) -> Any:
    given = [] if names is None else [str(name) for name in names]
    if not given or tuple(given) == model.names:
        return Y
    place = {name: at for at, name in enumerate(given)}
    missing = [name for name in model.names if name not in place]
    if missing:
        raise ValueError(
            f"the blocks must have every label of the model; {len(missing)} are missing, such as "
            f"{missing[0]!r}"
        )
    return Y[:, [place[name] for name in model.names]]
