"""Held-out examples with predicted and true labels, and why the best ones were predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._png import png_address
from nnae.explaining import Explanation, explain
from nnae.reporting._heldout import HeldOut
from nnae.reporting._numbers import short, shorts
from nnae.reporting._regions import occluded, regions_data

Array = npt.NDArray[Any]

#: Labels listed of each example, and labels explained.
LISTED, EXPLAINED = 8, 3
#: Letters of an example's text, votes of an explanation.
LETTERS, VOTES = 600, 5
#: Concepts and features that are taken away one by one, and labels that fall and rise.
TAKEN, MOVED = 2, 2


def gallery_data(
    classifier: Any,
    heldout: HeldOut,
    rows: Array,
    ranking: tuple[Array, Array],
    number: dict[str, int],
    hierarchy: Any,
    top: int,
) -> tuple[list[dict[str, Any]], list[list[dict[str, Any]]]]:
    """Return the examples, and for each the explanations of its best labels."""
    labels = [str(name) for name in classifier.label_names_]
    examples, reasons = [], []
    for row in rows.tolist():
        indices, scores = (part[row] for part in ranking)
        kept = [at for at in range(min(LISTED, len(indices))) if indices[at] >= 0]
        truth = heldout.Y[row].indices.tolist()
        about: dict[str, Any] = {
            "row": row,
            "name": heldout.names[row],
            "true": [number[labels[j]] for j in sorted(truth)],
            "predicted": [[number[labels[indices[at]]], short(scores[at], 6)] for at in kept],
        }
        if heldout.texts is not None:
            about["text"] = heldout.texts[row][:LETTERS]
        if heldout.images is not None:
            about["image"] = png_address(np.asarray(heldout.images[row]))
        examples.append(about)
        x = heldout.X[row : row + 1]
        asked = None
        if heldout.image_features is not None and heldout.images is not None:
            asked = occluded(classifier, heldout.image_features, heldout.images[row])
        why: list[dict[str, Any]] = []
        for at in kept[:EXPLAINED]:
            found = explain(
                classifier,
                x,
                int(indices[at]),
                top=top,
                feature_names=heldout.feature_names,
                hierarchy=hierarchy,
            )
            reason = _reason(found, number[found.label])
            if not why:  # what would change is told of the best label alone
                reason["without"] = _without(found, number)
            if asked is not None:
                reason["regions"] = regions_data(
                    asked, int(indices[at]), hierarchy, top, reason["score"]
                )
            why.append(reason)
        reasons.append(why)
    return examples, reasons


def _reason(found: Explanation, node: int) -> dict[str, Any]:
    flow = found.flow
    about: dict[str, Any] = {
        "label": node,
        "score": found.score,
        "probability": short(found.probability, 6),
        "rank": found.rank,
        "method": found.method,
        "columns": flow.columns,
        "nodes": [[n["column"], n["kind"], n["name"], short(n["amount"], 9)] for n in flow.nodes],
        "links": [[a, b, short(amount, 9)] for a, b, amount in flow.links],
    }
    votes = found.votes
    if votes is not None and len(votes):
        best = votes.head(VOTES)
        about["n_votes"] = len(votes)
        about["votes"] = [
            [int(example), short(cosine), short(amount)]
            for example, cosine, amount in zip(
                best["example"], best["cosine"], best["contribution"], strict=True
            )
        ]
    return about


def _without(found: Explanation, number: dict[str, int]) -> list[dict[str, Any]]:
    """Return what labels do when the strongest concepts and features are taken away."""
    own = found.levels[(found.levels["level"] == found.level) & (found.levels["concept"] >= 0)]
    frames = [found.without(concept=int(p), top=MOVED) for p in own["concept"].head(TAKEN)]
    features = found.features[found.features["kind"] == "feature"]["feature"].head(TAKEN)
    frames += [found.without(feature=int(f), top=MOVED) for f in features]
    return [
        {
            "kind": str(frame["kind"].iloc[0]),
            "name": str(frame["removed"].iloc[0]),
            "labels": [
                [
                    number[row["label"]],
                    *shorts((row["before"], row["after"])),
                    *(row["rank_before"], row["rank_after"]),
                ]
                for row in frame.to_dict("records")
            ],
        }
        for frame in frames
    ]
