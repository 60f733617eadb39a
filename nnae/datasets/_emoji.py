"""Pictures with keywords: Noto Color Emoji and the English annotations of Unicode CLDR."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import Bunch

from nnae._hog_colour import hog_colour, hog_colour_names
from nnae.datasets._archive import DATA_FOLDER, read_arrays, unpack_names, unpack_rows
from nnae.datasets._split import is_test_origin

SIDE = 64  # pixels
#: Gradients in cells of 8 x 8 pixels; bins of hue, saturation and value in 4 x 4 cells.
_HOW: dict[str, Any] = {"orientations": 9, "cell": 8, "block": 2, "bins": (8, 4, 4), "grid": 4}
_N_HOG = 7 * 7 * 2 * 2 * 9

_DESCRIPTION = """\
Emoji
-----
Pictures of Noto Color Emoji with the English keywords of Unicode CLDR. Source: {release}.

Rows: {n_train} for training, {n_test} for test; one emoji each. It is a test row when the first
byte of SHA-256 of its origin is below 51; emoji that differ in skin tone, gender, hair or direction
have one origin, so that they never fall on both sides.
X: {n_features} features from the 64 x 64 pixels: histogram of oriented gradients and colour
histograms of the picture and of its 4 x 4 cells; rows of length 1, stored in 8 bits.
Y: {n_labels} keywords, {per_row:.2f} a row: those of at least 3 training rows. Emoji without any of
them are left out.
groups: the Unicode group that most training rows of a keyword belong to.
Terms: emoji-NOTICE.txt, beside the data.
"""


def load_emoji(*, return_images: bool = False) -> Bunch:
    """Load emoji pictures and the keywords that describe them.

    Parameters
    ----------
    return_images : bool, default=False
        Add the pictures themselves.

    Returns
    -------
    Bunch
        - `X_train` (1,180 x 3,940), `X_test` (293 x 3,940): csr float32, what `emoji_features`
          computes from the pictures, rounded to 8 bits.
        - `Y_train` (1,180 x 807), `Y_test` (293 x 807): csr float32 of 0/1, 3.9 keywords a
          row.
        - `label_names`: keywords; `groups`: the Unicode group ("Animals & Nature", ...) that most
          training rows of a keyword belong to; `feature_names`.
        - `row_names_train`, `row_names_test`: names of the emoji; `emoji_train`, `emoji_test`: the
          emoji as text; `origins_train`, `origins_test`: the emoji each is a variant of;
          `row_groups_train`, `row_groups_test`: the Unicode group of each.
        - `images_train`, `images_test` when asked for: n x 64 x 64 x 3, uint8, RGB on white.
        - `DESCR`: str.

    Notes
    -----
    **Source.** Keywords: Unicode CLDR 48.2, English annotations. Pictures: the font Noto Color
    Emoji 2.042, drawn at 109 pixels, scaled down and reduced to 128 colours a picture. Names and
    groups: Unicode's emoji-test.txt 15.0. Rebuilt by ``python -m nnae.datasets.build_emoji``.

    **Split.** An emoji is a test row when the first byte of SHA-256 of its origin is below 51.
    Emoji that differ in skin tone, gender, hair or direction have one origin: a woman cook and a
    man cook look alike, and on both sides they would leak. Keywords of at least 3 training rows
    are kept, and emoji that have any of them.

    **Terms.** See ``emoji-NOTICE.txt`` in ``nnae/datasets/data``.

    Examples
    --------
    >>> from nnae.datasets import load_emoji
    >>> data = load_emoji()
    >>> data.X_train.shape, data.Y_train.shape, data.Y_test.shape
    ((1180, 3940), (1180, 807), (293, 807))
    """
    stored = read_arrays(DATA_FOLDER / "emoji.npz")
    columns = {
        name: unpack_names(stored[name]) for name in ("row_names", "emoji", "origins", "row_groups")
    }
    test = is_test_origin(columns["origins"])
    sides = {"train": ~test, "test": test}
    X, Y = _stored_features(stored), unpack_rows("labels", stored)
    data = Bunch(
        **{f"X_{side}": X[rows] for side, rows in sides.items()},
        **{f"Y_{side}": Y[rows] for side, rows in sides.items()},
        **{
            f"{name}_{side}": v[rows] for name, v in columns.items() for side, rows in sides.items()
        },
        label_names=unpack_names(stored["keywords"]),
        feature_names=np.array(hog_colour_names((SIDE, SIDE), **_HOW), dtype=object),
        groups=_main_groups(Y[~test], columns["row_groups"][~test]),
        DESCR=_DESCRIPTION.format(
            release=unpack_names(stored["release"])[0],
            n_train=int((~test).sum()),
            n_test=int(test.sum()),
            n_features=X.shape[1],
            n_labels=Y.shape[1],
            per_row=Y.nnz / Y.shape[0],
        ),
    )
    if return_images:
        pictures = read_arrays(DATA_FOLDER / "emoji_pictures.npz")
        rows = np.arange(len(test))[:, None, None]
        images = pictures["palettes"][rows, pictures["pixels"]]
        data.update({f"images_{side}": images[kept] for side, kept in sides.items()})
    return data


def emoji_features(images: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Describe pictures by their outlines and colours.

    Histogram of oriented gradients (9 orientations, cells of 8 x 8 pixels, blocks of 2 x 2 cells)
    of the grey picture, and square roots of histograms of hue, saturation and value (8 x 4 x 4
    bins) of each of 4 x 4 cells and of the whole picture. Each of the two parts has length
    ``sqrt(1 / 2)``, so a row has length 1.

    Parameters
    ----------
    images : array of uint8, n x 64 x 64 x 3
        RGB pictures.

    Returns
    -------
    array of float32, n x 3940
        Non-negative features.

    Raises
    ------
    ValueError
        If the shape or the type of the pictures differs.
    ImportError
        If scikit-image is missing.

    Notes
    -----
    Needs scikit-image (``pip install 'nnae[images]'``). About 2 ms a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.datasets import emoji_features
    >>> emoji_features(np.zeros((2, 64, 64, 3), np.uint8)).shape
    (2, 3940)
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1:] != (SIDE, SIDE, 3) or images.dtype != np.uint8:
        raise ValueError(
            "images must be an array of uint8, n x 64 x 64 x 3; got "
            f"{images.dtype} of shape {images.shape}"
        )
    return hog_colour(images, **_HOW)


def pack_features(X: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
    """Round features to 8 bits; gradients and colours have a scale of their own."""
    parts = X[:, :_N_HOG], X[:, _N_HOG:]
    scales = np.array([part.max() / 255 for part in parts], dtype=np.float32)
    coded = [np.rint(part / scale) for part, scale in zip(parts, scales, strict=True)]
    return {"feature_scales": scales, "features": np.hstack(coded).astype(np.uint8)}


def _stored_features(stored: dict[str, npt.NDArray[Any]]) -> sp.csr_matrix:
    X = stored["features"].astype(np.float32)
    X[:, :_N_HOG] *= stored["feature_scales"][0]
    X[:, _N_HOG:] *= stored["feature_scales"][1]
    return sp.csr_matrix(X)


def _main_groups(Y: sp.csr_matrix, row_groups: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Find the group of most of a label's rows; of equal ones the first by name."""
    names, group = np.unique(row_groups.astype(str), return_inverse=True)
    members = sp.csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))))
    largest = np.asarray((members @ Y).argmax(axis=0)).ravel()
    return np.array([str(names[group]) for group in largest], dtype=object)
