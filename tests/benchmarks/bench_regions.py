"""Deletion: does a score fall more without the region that an explanation names?

In every case, a held-out picture whose best label is true, the region that gives the label most is
filled, and so are random regions of the same area: ellipses anywhere, and ellipses whose middle is
on the figure (for emoji: not on the white ground). "named" is how often the named region costs
the label more than a random one, with a 95 % interval that draws cases.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np

HEADER = ("data", "filled with", "random", "cases", "named", "ci low", "ci high",
          "fall named", "fall random")  # fmt: skip
FILLS = ("blur", "mean")
DRAWS, RESAMPLES = 5, 2000
DATA = Path(os.environ.get("NNAE_DATA", Path(__file__).parents[3] / "shared" / "data"))
#: A photograph is held out when the first byte of SHA-256 of its name is below this.
HELD_OUT = 77


def names():
    return ("emoji", "coco_small")


def run(*, only=None, n_cases=100, profile="best", n_regions=40, n_threads=1, seed=0):
    """Yield HEADER and a row for each data set, fill and kind of random region."""
    yield HEADER
    for name in (only,) if only else names():
        if name == "coco_small" and not (DATA / name).exists():
            yield (name, "missing", *(7 * ("-",)))
            continue
        load = {"emoji": emoji, "coco_small": photographs}[name]
        model, features, pictures, truth, X = load(profile, n_threads)
        best = model.predict_topk(X, 1)[0][:, 0]
        right = np.flatnonzero([truth[row, j] > 0 for row, j in enumerate(best)])
        chosen = right[
            np.unique(np.linspace(0, len(right) - 1, min(n_cases, len(right))).astype(int))
        ]
        draws = np.random.RandomState(seed)
        falls = [
            case(model, features, pictures[row], int(best[row]), n_regions, draws) for row in chosen
        ]
        for fill in FILLS:
            for control in ("anywhere", "on figure"):
                named = np.array([fall[fill, "named"] for fall in falls])
                other = np.array([fall[fill, control] for fall in falls])
                yield (name, fill, control, len(falls), *share(named, other, draws),
                       float(named.mean()), float(other.mean()))  # fmt: skip


def share(named, other, draws):
    """Return how often named falls exceed random ones (ties count half), with an interval."""
    won = ((named[:, None] > other) + 0.5 * (named[:, None] == other)).mean(axis=1)
    rows = draws.randint(len(won), size=(RESAMPLES, len(won)))
    low, high = np.quantile(won[rows].mean(axis=1), [0.025, 0.975])
    return float(won.mean()), float(low), float(high)


def case(model, features, image, label, n_regions, draws):
    """Return the fall of the label's score without the named region, and without random ones."""
    from nnae.images import region_explanation
    from nnae.images._regions import filling

    found = region_explanation(model, features, image, label, n_regions=n_regions)
    picture, area = found.picture, int(found.best.sum())
    figure = np.argwhere((picture < 250).any(axis=2))
    places = np.argwhere(np.ones(picture.shape[:2], bool))
    gone = {"named": [found.best]}
    for control, middles in (("anywhere", places), ("on figure", figure)):
        gone[control] = [
            ellipse(middles[draws.randint(len(middles))], picture.shape[:2], area, draws)
            for _ in range(DRAWS)
        ]
    falls = {}
    for fill in FILLS:
        instead = filling(picture, fill)
        masks = np.concatenate(list(gone.values()))
        X = features.describe(np.where(masks[..., None], instead, picture))
        scores = scores_of(model, X, label)
        at = 0
        for control, regions in gone.items():
            falls[fill, control] = found.score - scores[at : at + len(regions)]
            at += len(regions)
        falls[fill, "named"] = falls[fill, "named"][0]
    return falls


def ellipse(middle, shape, area, draws):
    """Return exactly `area` pixels about a middle: those that a random ellipse takes first."""
    angle, ratio = draws.uniform(0, np.pi), draws.uniform(1, 2)
    down, across = np.ogrid[: shape[0], : shape[1]]
    y, x = down - middle[0], across - middle[1]
    u = np.cos(angle) * x + np.sin(angle) * y
    v = ratio * (np.cos(angle) * y - np.sin(angle) * x)
    mask = np.zeros(shape, bool)
    mask.ravel()[np.argsort((u**2 + v**2).ravel(), kind="stable")[:area]] = True
    return mask


def scores_of(model, X, label):
    indices, scores = model.predict_topk(X, len(model.label_names_))
    return np.array([s[row == label][0] for row, s in zip(indices, scores, strict=True)])


def emoji(profile, n_threads):
    """Return a model, its features, held-out pictures, their labels and features."""
    import nnae
    from nnae.images import ImageFeatures

    data = nnae.datasets.load_emoji(return_images=True)
    model = nnae.TwoStepClassifier(profile=profile, random_state=0, n_threads=n_threads)
    features = ImageFeatures()
    X = features.transform(data.images_train)
    model.fit(X, data.Y_train, label_names=data.label_names)
    X_test = features.transform(data.images_test)
    return model, features, data.images_test, data.Y_test.toarray(), X_test


def photographs(profile, n_threads):
    """Return the same of COCO's photographs, with the embeddings of a convolutional network."""
    import nnae
    from nnae.images import ImageFeatures, TFLiteBackbone

    labels = json.loads((DATA / "coco_small" / "labels.json").read_text())
    known = sorted({name for found in labels.values() for name in found})
    (network,) = (DATA / "image_backbone").glob("*.tflite")
    stems = sorted(labels)
    test = np.array([hashlib.sha256(s.encode()).digest()[0] < HELD_OUT for s in stems])
    paths = np.array([str(DATA / "coco_small" / "images" / f"{stem}.jpg") for stem in stems])
    cache = Path(tempfile.gettempdir()) / "nnae-benchmark-features"
    backbone = TFLiteBackbone(str(network), n_threads=n_threads)
    features = ImageFeatures(backbone, cache=cache)
    X = features.transform(paths).astype(float)
    Y = np.array([[name in labels[stem] for name in known] for stem in stems], float)
    model = nnae.TwoStepClassifier(profile=profile, random_state=0, n_threads=n_threads)
    model.fit(X[~test], Y[~test], label_names=known)
    return model, features, paths[test], Y[test], X[test]
