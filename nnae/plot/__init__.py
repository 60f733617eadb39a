"""Pictures of models, hierarchies, audits and explanations (needs the plot extra).

Colours differ in lightness, and marks in shape or line, so that grey prints and colour-blind
readers lose nothing. Every function draws on the axes given, or on a new figure, and returns them.
"""

from nnae.plot._accuracy import calibration, precision_bars
from nnae.plot._audit import audit_panel, stability_panel
from nnae.plot._concepts import concept_cards
from nnae.plot._curves import loss_curves
from nnae.plot._graph import concept_graph
from nnae.plot._network import dependency_network
from nnae.plot._ranks import rank_curve
from nnae.plot._regions import region_overlay
from nnae.plot._tree import icicle, radial
from nnae.plot._waterfall import waterfall

__all__ = [
    "audit_panel",
    "calibration",
    "concept_cards",
    "concept_graph",
    "dependency_network",
    "icicle",
    "loss_curves",
    "precision_bars",
    "radial",
    "rank_curve",
    "region_overlay",
    "stability_panel",
    "waterfall",
]
