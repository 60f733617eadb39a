"""Regions of a held-out picture that make the scores of its best labels."""

from __future__ import annotations

from typing import Any

from nnae._png import png_address
from nnae.images._occluded import Occluded
from nnae.images._region_explanation import of_label
from nnae.reporting._numbers import short

#: Regions of a picture: enough to see where, few enough for sixty pictures.
N_REGIONS = 30
#: Scores of the row given and of the picture may differ by this part.
NEAR = 1e-3


def occluded(classifier: Any, features: Any, image: Any) -> Occluded:
    """Return the answers to a picture with its regions taken away."""
    return Occluded.of(
        classifier,
        features,
        image,
        regions="superpixels",
        n_regions=N_REGIONS,
        fill="blur",
        method="occlusion",
        random_state=0,
    )


def regions_data(
    asked: Occluded, label: int, hierarchy: Any, top: int, score: float
) -> dict[str, Any]:
    """Return the marked picture and the flow from regions to a label."""
    found = of_label(asked, label, top=top, hierarchy=hierarchy)
    if abs(found.score - score) > NEAR * max(abs(score), NEAR):
        raise ValueError(
            "image_features must make the rows of X of the images; label "
            f"{found.name!r} has the score {score:.4g} by X and {found.score:.4g} by its picture"
        )
    flow = found.flow
    return {
        "image": png_address(found.marked),
        "method": found.method,
        "count": len(found.parts),
        "residual": short(found.residual, 4),
        "columns": flow.columns,
        "nodes": [[n["column"], n["kind"], n["name"], short(n["amount"], 9)] for n in flow.nodes],
        "links": [[a, b, short(amount, 9)] for a, b, amount in flow.links],
    }
