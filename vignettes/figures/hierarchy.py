"""Draw hierarchy.png, the picture of README.md: python vignettes/figures/hierarchy.py."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import nnae

data = nnae.datasets.load_debian_tags()
frequent = np.sort(np.argsort(-np.asarray(data.Y_train.sum(axis=0)).ravel(), kind="stable")[:60])
Y = data.Y_train[:, frequent]
model = nnae.NNAE((16, 6), encoder="linear", random_state=0).fit(Y)
model.label_names_ = data.label_names[frequent]
figure, axes = plt.subplots(figsize=(10, 7.5))
nnae.LabelHierarchy.from_compressor(model, Y=Y).plot(axes)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110, bbox_inches="tight")
