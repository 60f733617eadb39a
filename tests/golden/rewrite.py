"""Write the golden file anew: ``python tests/golden/rewrite.py``, never run by a test.

The file holds data and what the package makes of them. Python (tests/test_golden.py) and R
(r_bridge/tests/testthat/test-golden.R) compare their results with it, to the tolerance that it
states: other processors and builds round differently. Fits are by multiplicative updates, whose
steps are fixed by a formula; the faster solvers are free to take others.
"""

import json
from pathlib import Path

import numpy as np

import nnae

FILE = Path(__file__).with_name("results.json")
TOLERANCE = 1e-6

SETTINGS = {
    "nmf": {"n_components": 5, "solver": "mu", "random_state": 3, "max_iter": 20, "tol": 0},
    "nnae": {
        "layer_sizes": [6, 2], "solver": "mu", "random_state": 3, "pretrain_iter": 15,
        "max_iter": 5, "tol": 0,
    },
    "two_step": {"random_state": 3, "profile": "fast", "decoder": "linear"},
    "dependencies": {"min_expected": 1},
}  # fmt: skip


def draw():
    """Return label sets and features of 120 rows; only ever called to write the file."""
    data = nnae.datasets.make_label_hierarchy(120, random_state=5)
    names = [str(name) for name in data.label_names[:24]]
    Y = data.Y.toarray()[:, :24]
    rows = [[names[j] for j in np.flatnonzero(row)] for row in Y]
    draws = np.random.default_rng(5)
    X = Y @ draws.normal(size=(24, 6)) + 0.3 * draws.normal(size=(120, 6))
    return names, rows, np.round(X, 3).tolist()


def compute(names, rows, features):
    """Return all results of the package on the data, as plain lists."""
    Y = np.array([[name in row for name in names] for row in rows], float)
    X = np.array(features)
    nmf = nnae.NMF(**SETTINGS["nmf"]).fit(Y)
    deep = nnae.NNAE(**{**SETTINGS["nnae"], "layer_sizes": (6, 2)}).fit(Y)
    deep.label_names_ = np.array(names, dtype=object)
    tree = nnae.LabelHierarchy.from_compressor(deep, Y=Y)
    compressor = nnae.NMF(**SETTINGS["nmf"])
    model = nnae.TwoStepClassifier(compressor, **SETTINGS["two_step"]).fit(
        X[:80], Y[:80], label_names=names
    )
    indices, scores = model.predict_topk(X[80:], k=3)
    pairs = nnae.label_dependencies(Y, label_names=names, **SETTINGS["dependencies"])
    metrics = nnae.metrics
    return {
        "nmf": {"components": nmf.components_.tolist(), "loss": nmf.loss_},
        "nnae": {
            "weights_1": deep.weights_[0].tolist(),
            "weights_2": deep.weights_[1].tolist(),
            "codes_2": deep.transform(Y, level=2)[:10].tolist(),
        },
        "hierarchy": {
            "clusters_2": [int(number) for number in tree.clusters(2)],
            "linkage": tree.to_linkage().tolist(),
        },
        "two_step": {
            "labels": [[names[j] for j in row] for row in indices],
            "scores": scores.tolist(),
            "precision_at_1": metrics.precision_at_k(Y[80:], indices, 1),
            "ndcg_at_3": metrics.ndcg_at_k(Y[80:], indices, 3),
        },
        "dependencies": {
            "label_a": pairs["label_a"].tolist(),
            "label_b": pairs["label_b"].tolist(),
            "odds_ratio": pairs["odds_ratio"].tolist(),
            "q_value": pairs["q_value"].tolist(),
        },
    }


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


if __name__ == "__main__":
    names, rows, features = draw()
    document = {
        "tolerance": TOLERANCE,
        "settings": SETTINGS,
        "data": {"labels": names, "rows": rows, "features": features},
        "results": rounded(compute(names, rows, features)),
    }
    FILE.write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n", "utf-8")
    print(f"{FILE.name}: {FILE.stat().st_size} bytes")
