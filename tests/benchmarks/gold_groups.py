"""Data sets whose labels have gold groups: labels, features, the group of every label.

Facets of Debian tags and groups of emoji are bundled; super-categories of photographs, whose
features are those of a small network, and FlavorGraph's groups of ingredients (names without
plurals) need the folder `NNAE_DATA` (or ../shared/data), photographs ai-edge-litert and pillow.
"""

import json

import numpy as np
import pandas as pd
import scipy.sparse as sp
from label_data import data_folder

import nnae


def debian():
    """Return tags of packages, tf-idf of their names and descriptions, facets."""
    data = nnae.datasets.load_debian_tags()
    return data.Y_train, data.X_train, data.groups


def emoji():
    """Return keywords of emoji, their features, groups."""
    data = nnae.datasets.load_emoji()
    return data.Y_train, data.X_train, data.groups


def photographs():
    """Return objects in photographs, the network's features, super-categories."""
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    folder = data_folder()
    found = json.loads((folder / "coco_small/labels.json").read_text())
    groups = json.loads((folder / "coco_small/supercategories.json").read_text())
    model = next((folder / "image_backbone").glob("*.tflite"))
    network = Interpreter(model_path=str(model), num_threads=1)
    network.allocate_tensors()
    into, out = network.get_input_details()[0], network.get_output_details()[0]
    scale, zero = out["quantization"]
    place = {name: j for j, name in enumerate(groups)}
    X, rows, columns = [], [], []
    for i, (image, labels) in enumerate(found.items()):
        picture = Image.open(folder / f"coco_small/images/{image}.jpg").convert("RGB")
        pixels = np.asarray(picture.resize((224, 224), Image.BILINEAR), into["dtype"])
        network.set_tensor(into["index"], pixels[None])
        network.invoke()
        values = network.get_tensor(out["index"]).ravel().astype(np.float32)
        X.append((values - zero) * scale)
        rows += [i] * len(labels)
        columns += [place[label] for label in labels]
    Y = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(X), len(place)))
    return Y, np.array(X), np.array(list(groups.values()), dtype=object)


def ingredients(name):
    """Return sets of ingredients, no features, FlavorGraph's groups."""
    folder = data_folder()
    Y = sp.csr_matrix(sp.load_npz(folder / name / "Y.npz"), dtype=np.float32)
    names = (folder / name / "labels.txt").read_text("utf-8").splitlines()
    table = pd.read_csv(folder / "ingredient_categories/flavorgraph_616.csv")
    group = {singular(a): b for a, b in zip(table.ingredient, table.category, strict=True)}
    return Y, None, np.array([group.get(singular(name)) for name in names], dtype=object)


def bbc():
    """Return ingredients of BBC Food's recipes."""
    return ingredients("bbc_food")


def kaggle():
    """Return ingredients of Kaggle's recipes."""
    return ingredients("kaggle_whats_cooking")


def singular(name):
    """Return a name in lower case, words joined by _, each without its plural ending."""
    return "_".join(without_plural(word) for word in name.lower().replace("_", " ").split())


def without_plural(word):
    """Return a word without the commonest plural endings."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("oes"):
        return word[:-2]
    if word.endswith("ves") and len(word) > 4:
        return word[:-3] + "f"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


SETS = {
    "debian_tags": debian,
    "emoji": emoji,
    "photographs": photographs,
    "bbc_food": bbc,
    "kaggle_whats_cooking": kaggle,
}
