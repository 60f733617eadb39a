"""Files that commands read: data of every format, and models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae.cli._options import one_of
from nnae.cli._pictures import describe, named_pictures, pictures_in, with_pictures
from nnae.cli._screen import Screen, Step

TABLE = "text_table"


@dataclass(frozen=True)
class Reading:
    """How a data file is to be read."""

    format: str = "auto"
    label_names: Path | None = None
    features: Path | None = None
    labels: str | None = None
    text_column: str | None = None
    label_column: str | None = None
    label_sep: str = ";"
    delimiter: str = ","
    image_folder: Path | None = None

    def format_of(self, path: Path) -> str:
        """Return the format's name: given, implied by other options, or told from the file."""
        from nnae.io import detect_format
        from nnae.io._read import READERS

        wanted = one_of("--format", self.format, ("auto", *READERS))
        if wanted != "auto":
            return wanted
        if self.text_column is not None or self.label_column is not None:
            return TABLE
        if self.features is not None:
            return "npz"
        return detect_format(path)

    @property
    def separator(self) -> str:
        """Return the character between the columns of a table."""
        return self.delimiter.replace("\\t", "\t")

    def read(self, path: Path, vectorizer: Any = None) -> Any:
        """Read a file as `LabelData`; `vectorizer` is a model's own, for tables of texts."""
        import nnae.io

        name = self.format_of(path)
        extra = self.options(name)
        if name == TABLE:
            return nnae.io.read_text_table(
                path,
                self.text_column or "text",
                self.label_column or "labels",
                label_delimiter=self.label_sep,
                delimiter=self.separator,
                vectorizer="tfidf" if vectorizer is None else vectorizer,
                **extra,
            )
        return nnae.io.read(path, name, **extra)

    def options(self, name: str) -> dict[str, Any]:
        """Return the options for the reader of a format."""
        extra: dict[str, Any] = {}
        if self.label_names is not None:
            extra["label_names"] = self.label_names
        if name == "npz" and self.features is not None:
            extra["x_path"] = self.features
        if name == "arff" and self.labels is not None:
            number = self.labels.removeprefix("-").isdigit()
            extra["labels"] = int(self.labels) if number else self.labels
        return extra

    def read_examples(self, path: Path, model: Any, step: Step) -> Any:
        """Read labels with what a classifier predicts from."""
        data = self.read(path, getattr(model, "text_vectorizer_", None))
        features = getattr(model, "image_features_", None)
        if features is None:
            return data
        return with_pictures(data, path, self.image_folder, features, step)

    def read_pictures(self, path: Path) -> list[Path]:
        """Return the pictures of a folder, a picture, or those that a file of labels names."""
        from nnae.images._pictures import ENDINGS

        if path.is_dir() or path.suffix.lower() in ENDINGS:
            return pictures_in(path)
        return named_pictures(self.read(path), path, self.image_folder)

    def read_features(
        self, path: Path, model: Any, screen: Screen, step: Step | None = None
    ) -> tuple[Any, Any]:
        """Read what a classifier predicts from: X in the model's columns, and names of the rows."""
        features = getattr(model, "image_features_", None)
        if features is not None:
            paths = self.read_pictures(path)
            X = features.transform(paths) if step is None else describe(features, paths, step)
            return X.astype(float), [file.name for file in paths]
        vectorizer = getattr(model, "text_vectorizer_", None)
        if vectorizer is None:
            data = self.read(path)
            if data.X is None:
                raise ValueError(f"{path} holds labels only; predictions need features")
            return match_features(data, model, screen), data.ids
        import pandas as pd

        column = self.text_column or "text"
        try:
            frame = pd.read_csv(path, sep=self.separator, dtype=str, keep_default_na=False)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        if column not in frame:
            raise ValueError(
                f"{path} must have a column {column!r} (--text-column); its columns are "
                + ", ".join(map(repr, frame.columns))
            )
        return sp.csr_matrix(vectorizer.transform(frame[column])), None


def match_features(data: Any, model: Any, screen: Screen) -> Any:
    """Return X with the columns of a model; formats without widths may end early."""
    X, width = data.X, int(model.n_features_in_)
    if X.shape[1] > width or (X.shape[1] < width and data.feature_names is not None):
        raise ValueError(f"the file has {X.shape[1]} features, the model {width}")
    if X.shape[1] < width:
        screen.say(f"the file has {X.shape[1]} features, the model {width}: the others count as 0")
        X = sp.csr_matrix((X.data, X.indices, X.indptr), shape=(X.shape[0], width))
    return X


def match_labels(data: Any, model: Any, screen: Screen) -> Any:
    """Return Y (n x L of the model), by name where the file has names, else by number."""
    Y, names = sp.csr_matrix(data.Y), [str(name) for name in model.label_names_]
    if data.label_names is None:
        place = {str(j): j for j in range(len(names))}
        given = [str(j) for j in range(Y.shape[1])]
    else:
        place = {name: j for j, name in enumerate(names)}
        given = [str(name) for name in data.label_names]
    rows = [j for j, name in enumerate(given) if name in place]
    if data.label_names is not None and not rows:
        raise ValueError(
            f"the file has no label of the model; it has {given[0]!r}, the model {names[0]!r}"
        )
    unseen = [name for name in given if name not in place]
    if unseen:
        screen.say(
            f"{len(unseen)} labels were not seen in training and are ignored, such as {unseen[0]!r}"
        )
    columns = np.array([place[given[j]] for j in rows], dtype=np.int64)
    into = sp.csr_matrix(
        (np.ones(len(rows), Y.dtype), (rows, columns)), shape=(len(given), len(names))
    )
    return sp.csr_matrix(Y @ into)


def load_model(path: Path) -> Any:
    """Load a model file."""
    import nnae

    return nnae.load(path)


def load_classifier(path: Path) -> Any:
    """Load a model file that must hold a classifier."""
    model = load_model(path)
    if not hasattr(model, "predict_topk"):
        raise ValueError(
            f"{path} holds a {type(model).__name__}, which cannot predict labels from features; "
            "fit a model on data with features"
        )
    return model
