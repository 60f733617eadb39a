"""Save models by this version, for tests of all later ones: python tests/golden/save_models.py.

Run once a release. Files that are there are not written again; those of a version that is not yet
released may be removed and saved anew when its models change.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

import nnae

FOLDER = Path(__file__).parent / "models"


def data():
    """Return features and labels that need no generator of random numbers."""
    rows, labels = np.arange(120)[:, None], np.arange(12)[None, :]
    Y = ((rows * (labels % 4 + 1) + labels) % 5 == 0).astype(float)
    X = np.sin(rows * 0.7 + np.arange(5) * 1.3) + Y[:, :5]
    return X.round(6), Y


def models():
    """Return a model of every kind, by name."""
    X, Y = data()
    names = [f"label {j} é" for j in range(12)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compressor = nnae.NNAE((5, 2), max_iter=5, random_state=0).fit(Y)
        found = {
            "nmf": nnae.NMF(4, loss="frobenius", max_iter=20, random_state=0).fit(Y),
            "nnae": compressor,
            "hierarchy": nnae.LabelHierarchy.from_compressor(compressor),
        }
        for decoder in ("linear", "neighbors", "tree", "stack"):
            found[f"two_step_{decoder}"] = nnae.TwoStepClassifier(
                nnae.NNAE((5, 2), encoder="linear", random_state=0),
                decoder=decoder,
                random_state=0,
            ).fit(X, Y, label_names=names)
    return found


def told(model):
    """Return what a model says, as JSON can hold it."""
    X, Y = data()
    if hasattr(model, "predict_topk"):
        indices, scores = model.predict_topk(X[:8], k=4)
        return {"indices": indices.tolist(), "scores": np.asarray(scores, float).tolist()}
    if hasattr(model, "transform"):
        return {"codes": np.asarray(model.transform(Y[:8]), float).tolist()}
    return {"newick": model.to_newick()}


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, model in models().items():
        path = FOLDER / f"{name}-{nnae.__version__}.nnae"
        if path.exists():
            print(f"{path.name} is there; it stays", file=sys.stderr)
            continue
        nnae.save(model, path)
        path.with_suffix(".json").write_text(json.dumps(told(model)) + "\n")
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
