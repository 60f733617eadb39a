"""How well the classifier ranks labels of held-out rows, and where accuracy is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnae import metrics
from nnae.explaining._question import priors, probabilities
from nnae.reporting._heldout import HeldOut
from nnae.reporting._numbers import short, shorts

Array = npt.NDArray[Any]

#: Borders of the bands of label frequency.
BANDS = (0, 1, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000)
DEPTHS = (1, 3, 5)
#: Equally filled bins of the calibration curve, and the most probabilities it is made of.
BINS, MOST = 10, 200_000


def performance_data(classifier: Any, heldout: HeldOut) -> tuple[dict[str, Any], Array, Array]:
    """Return the numbers of the section, and the ranking it comes from (n x k)."""
    n_labels = len(classifier.label_names_)
    indices, scores = classifier.predict_topk(heldout.X, min(20, n_labels))
    Y = heldout.Y
    measures = []
    for k in (k for k in DEPTHS if k <= n_labels):
        each = {
            "P": metrics.precision_at_k(Y, indices, k),
            "nDCG": metrics.ndcg_at_k(Y, indices, k),
            "recall": metrics.recall_at_k(Y, indices, k),
        }
        measures += [{"name": f"{name}@{k}", "value": short(v)} for name, v in each.items()]
    budget = classifier.error_budget(heldout.X, Y)
    table = [
        {"name": str(name), "values": shorts(row)}
        for name, row in zip(budget.index, budget.to_numpy(float), strict=True)
    ]
    return (
        {
            "n_rows": len(heldout),
            "measures": measures,
            "budget": {"columns": [str(c) for c in budget.columns], "rows": table},
            "frequency": _by_frequency(Y, indices, classifier.label_counts_),
            "calibration": _calibration(classifier, Y, indices, scores),
        },
        indices,
        scores,
    )


def _by_frequency(Y: Any, indices: Array, counts: Array) -> dict[str, Any]:
    """Return the share of true labels among the best five, by how frequent the label is."""
    positives = np.asarray((Y > 0).sum(axis=0)).ravel()
    best = indices[:, : max(DEPTHS)]
    rows = np.repeat(np.arange(len(best)), best.shape[1])
    columns = best.ravel()
    kept = columns >= 0
    hit = np.asarray(Y[rows[kept], columns[kept]]).ravel() > 0
    found = np.bincount(columns[kept][hit], minlength=len(positives))
    bands = []
    for low, high in zip(BANDS, (*BANDS[1:], np.inf), strict=True):
        inside = (counts >= low) & (counts < high) & (positives > 0)
        total = int(positives[inside].sum())
        if total == 0:
            continue
        share = float(found[inside].sum() / total)
        bands.append(
            {
                "low": low,
                "high": None if high == np.inf else int(high) - 1,
                "labels": int(inside.sum()),
                "positives": total,
                "recall": short(share),
                "error": short(np.sqrt(share * (1 - share) / total)),
            }
        )
    return {"bands": bands}


def _calibration(classifier: Any, Y: Any, indices: Array, scores: Array) -> list[dict[str, Any]]:
    """Compare predicted probabilities of ranked labels with how often they are true."""
    plain = np.where(indices >= 0, scores, 0.0)
    plain = plain / priors(classifier)[np.maximum(indices, 0)]
    p = np.asarray(probabilities(classifier, plain, indices), np.float64)
    kept = (indices >= 0).ravel()
    rows = np.repeat(np.arange(len(indices)), indices.shape[1])[kept]
    truth = np.asarray(Y[rows, indices.ravel()[kept]]).ravel() > 0
    p = p.ravel()[kept]
    if len(p) > MOST:
        step = -(-len(p) // MOST)
        p, truth = p[::step], truth[::step]
    order = np.argsort(p, kind="stable")
    found = []
    for part in np.array_split(order, BINS):
        if len(part):
            share = float(truth[part].mean())
            found.append(
                {
                    "predicted": short(p[part].mean()),
                    "observed": short(share),
                    "error": short(np.sqrt(max(share * (1 - share), 1e-9) / len(part))),
                    "n": len(part),
                }
            )
    return found
