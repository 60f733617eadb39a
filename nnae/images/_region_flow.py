"""The score as a flow from regions of a picture through concepts to the label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nnae.explaining import Explanation
from nnae.explaining._flow import SHOWN, Builder, Flow, concept_amounts, make_flow
from nnae.explaining._lines import largest

if TYPE_CHECKING:
    from nnae.images._region_explanation import RegionExplanation

Array = npt.NDArray[Any]


def region_flow(found: RegionExplanation) -> Flow:
    """Lead contributions from regions to the label, or to the concept."""
    if found.explanation is None:
        return _to_concept(found)
    return make_flow(found.explanation, _Regions(found), "regions")


class _Regions:
    """Leads regions to concepts and past them."""

    def __init__(self, found: RegionExplanation) -> None:
        self.found = found

    def __call__(
        self, build: Builder, explanation: Explanation, nodes: dict[int, int], goal: int, limit: int
    ) -> None:
        """Give each concept its part of every region, and the label what passes through none."""
        found, amounts = self.found, concept_amounts(explanation)
        whole, nothing = found.codes
        # what a unit of a code gives; a concept with no code of its own is led by the background
        gains = np.divide(amounts, whole, out=np.zeros_like(amounts), where=whole > 0)
        through = found.code_parts * gains
        past = found.parts - through.sum(axis=1)
        bare = nothing * gains
        together = amounts - through.sum(axis=0) - bare
        sources = _sources(build, found, limit)
        base = build.node(0, "base", "without any region")
        rest = build.node(0, "base", "regions together")
        for p, node in nodes.items():
            for region, source in enumerate(sources):
                build.link(source, node, float(through[region, p]))
            build.link(base, node, float(bare[p]))
            build.link(rest, node, float(together[p]))
        for region, source in enumerate(sources):
            build.link(source, goal, float(past[region]))
        build.link(base, goal, found.base - float(bare.sum()))
        build.link(rest, goal, found.residual - float(together.sum()))


def _sources(build: Builder, found: RegionExplanation, limit: int) -> list[int]:
    shown = set(largest(found.parts, limit).tolist())
    others = len(found.parts) - len(shown)
    return [
        build.node(0, "feature", found.names[region])
        if region in shown
        else build.node(0, "others", f"{others} other regions")
        for region in range(len(found.parts))
    ]


def _to_concept(found: RegionExplanation) -> Flow:
    build = Builder()
    goal = build.node(1, "label", found.name)
    for region, source in enumerate(_sources(build, found, SHOWN)):
        build.link(source, goal, float(found.parts[region]))
    build.link(build.node(0, "base", "without any region"), goal, found.base)
    build.link(build.node(0, "base", "regions together"), goal, found.residual)
    return build.flow(["regions", "concept"])
