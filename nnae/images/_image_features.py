"""Pictures to features, as a transformer of scikit-learn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin, clone

from nnae._validation import check_choice, check_count
from nnae.images._backbone import Backbone
from nnae.images._cache import FeatureCache, content_digest
from nnae.images._fitting import FITS
from nnae.images._module import ModuleBackbone
from nnae.images._onnx import OnnxBackbone
from nnae.images._outlines import HogColour
from nnae.images._pictures import (
    MAX_PIXELS,
    PictureError,
    content_of,
    name_of,
    read_pixels,
)
from nnae.images._progress import progress
from nnae.images._tflite import TFLiteBackbone

Array = npt.NDArray[Any]

#: Unreadable pictures that a warning names.
NAMED = 3
ENDINGS: dict[str, type[Backbone]] = {".tflite": TFLiteBackbone, ".onnx": OnnxBackbone}


class ImageFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn pictures into features.

    Pictures are paths, PIL images or arrays: uint8 or uint16, whole numbers from 0 to 255, or real
    ones from 0 to 1; grey, RGB or RGBA. Photographs are turned as their EXIF entry says,
    transparency lies on white, CMYK and palettes become RGB, of an animation the first frame
    counts, 16 bits are cut to 8. What is damaged, cut off or larger than `max_pixels` is refused by
    name before it is unpacked.

    Parameters
    ----------
    backbone : str, path, Backbone or callable, default="hog"
        "hog" is :class:`HogColour`, which needs no network; a path ends in ``.tflite`` or
        ``.onnx``; a module of torch or timm, or another callable, becomes a
        :class:`ModuleBackbone`.
    fit_by : {"stretch", "crop", "pad"}, default="stretch"
        How a picture becomes one of the backbone's size: all of it squeezed into the square, its
        middle, or all of it with grey beside it.
    batch_size : int, default=32
        Pictures in memory at a time.
    cache : path, optional
        A folder that keeps features by the content of picture and backbone.
    errors : {"raise", "nan"}, default="raise"
        What an unreadable picture does: stop with its name, or become a row of NaN with a warning.
    max_pixels : int, default=100_000_000
    verbose : int, default=0
        1 shows a bar on standard error when the work takes more than two seconds.
    callback : callable, optional
        Called with the number of pictures done and of all, after each batch.

    Attributes
    ----------
    backbone_ : Backbone
    n_features_out_ : int

    Raises
    ------
    PictureError
        A ValueError that names the picture.
    ImportError
        When what the backbone needs is not installed, with what to install.

    Notes
    -----
    Nothing is learnt, so `transform` needs no fit. Features do not depend on the batch.

    Examples
    --------
    >>> import nnae
    >>> from nnae.images import ImageFeatures
    >>> data = nnae.datasets.load_emoji(return_images=True)
    >>> ImageFeatures().fit_transform(data.images_train[:2]).shape
    (2, 3940)
    """

    def __init__(
        self,
        backbone: Any = "hog",
        *,
        fit_by: str = "stretch",
        batch_size: int = 32,
        cache: Any = None,
        errors: str = "raise",
        max_pixels: int = MAX_PIXELS,
        verbose: int = 0,
        callback: Callable[[int, int], None] | None = None,
    ) -> None:
        self.backbone = backbone
        self.fit_by = fit_by
        self.batch_size = batch_size
        self.cache = cache
        self.errors = errors
        self.max_pixels = max_pixels
        self.verbose = verbose
        self.callback = callback

    def fit(self, X: Any, y: Any = None) -> ImageFeatures:
        """Open the backbone; nothing is learnt from the pictures.

        Parameters
        ----------
        X : sequence of pictures
        y : ignored

        Returns
        -------
        ImageFeatures
        """
        listed(X)
        self._ready()
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the features of pictures.

        Parameters
        ----------
        X : sequence of pictures

        Returns
        -------
        array of float32, n x d
        """
        images = listed(X)
        backbone = self._ready()
        size = check_count("batch_size", self.batch_size)
        check_choice("errors", self.errors, ("raise", "nan"))
        kept = None
        if self.cache is not None:
            kept = FeatureCache(self.cache, repr((backbone.identity(), self.fit_by)))
        out = np.full((len(images), self.n_features_out_), np.nan, np.float32)
        unreadable: list[str] = []
        with progress("pictures", len(images), self.verbose, self.callback) as advance:
            for start in range(0, len(images), size):
                places = range(start, min(start + size, len(images)))
                self._batch(images, places, out, kept, unreadable)
                advance(len(places))
        if unreadable:
            more = f" and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
            warnings.warn(
                f"{len(unreadable)} of {len(images)} pictures could not be read and are rows of "
                f"NaN: {'; '.join(unreadable[:NAMED])}{more}",
                UserWarning,
                stacklevel=2,
            )
        return out

    def _batch(
        self,
        images: Sequence[Any],
        places: range,
        out: Array,
        kept: FeatureCache | None,
        unreadable: list[str],
    ) -> None:
        waiting: list[tuple[int, str]] = []
        pictures: list[Array] = []
        for place in places:
            name = name_of(images[place], place)
            try:
                content = content_of(images[place], name)
                digest = "" if kept is None else content_digest(content)
                row = None if kept is None else kept.get(digest, out.shape[1])
                if row is None:
                    pictures.append(self._fitted(read_pixels(content, name, self.max_pixels)))
                    waiting.append((place, digest))
                else:
                    out[place] = row
            except PictureError as error:
                if self.errors == "raise":
                    raise
                unreadable.append(str(error))
        if not waiting:
            return
        rows = self.backbone_.describe(np.stack(pictures))
        for (place, digest), row in zip(waiting, rows, strict=True):
            out[place] = row
            if kept is not None:
                kept.put(digest, row)

    def see(self, image: Any) -> npt.NDArray[np.uint8]:
        """Return a picture as the backbone sees it.

        Parameters
        ----------
        image : path, PIL image or array

        Returns
        -------
        array of uint8, h x w x 3
        """
        self._ready()
        name = name_of(image, 0)
        return self._fitted(read_pixels(content_of(image, name), name, self.max_pixels))

    def describe(self, pictures: Array) -> npt.NDArray[np.float32]:
        """Return the features of pictures that are as `see` returns them.

        Parameters
        ----------
        pictures : array of uint8, n x h x w x 3

        Returns
        -------
        array of float32, n x d
        """
        backbone, size = self._ready(), check_count("batch_size", self.batch_size)
        starts = range(0, len(pictures), size)
        rows = [backbone.describe(pictures[start : start + size]) for start in starts]
        return np.concatenate(rows) if rows else np.zeros((0, self.n_features_out_), np.float32)

    def _fitted(self, pixels: Array) -> Array:
        return FITS[self.fit_by](pixels, *self.backbone_.picture_size)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the names of the features.

        Parameters
        ----------
        input_features : ignored

        Returns
        -------
        array of str
        """
        names = self._ready().feature_names(self.n_features_out_)
        return np.array(names, dtype=object)

    def _ready(self) -> Backbone:
        """Return the backbone, opened; its features are counted once."""
        check_choice("fit_by", self.fit_by, tuple(FITS))
        check_count("max_pixels", self.max_pixels)
        known = getattr(self, "_made_of", None)
        if not hasattr(self, "backbone_") or (known is not None and known is not self.backbone):
            self.backbone_ = open_backbone(self.backbone)
            self._made_of = self.backbone
            blank = np.full((1, *self.backbone_.picture_size, 3), 255, np.uint8)
            self.n_features_out_ = int(self.backbone_.describe(blank).shape[1])
        return self.backbone_

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def open_backbone(given: Any) -> Backbone:
    """Return the backbone that is meant by a name, a path, a module or itself."""
    if isinstance(given, Backbone):
        backbone: Backbone = clone(given)
        if hasattr(given, "sha256_"):  # of a file: the copy must find the same one
            backbone.__dict__["sha256_"] = given.sha256_
    elif isinstance(given, (str, os.PathLike)):
        name = os.fspath(given)
        ending = os.path.splitext(name)[1].lower()
        if name != "hog" and ending not in ENDINGS:
            raise ValueError(
                f"backbone must be 'hog', a file that ends in {' or '.join(ENDINGS)}, a Backbone "
                f"or a module; got {name!r}"
            )
        backbone = HogColour() if name == "hog" else ENDINGS[ending](name)
    elif callable(given):
        backbone = ModuleBackbone(given)
    else:
        raise TypeError(
            f"backbone must be 'hog', a path, a Backbone or a module; got {type(given).__name__}"
        )
    assert backbone.opened is not None
    return backbone


def listed(X: Any) -> Sequence[Any]:
    """Return pictures one after the other; refuse a single one, which says nothing of rows."""
    if isinstance(X, (str, bytes, os.PathLike)) or hasattr(X, "getbbox"):
        raise TypeError("X must be a list of pictures; got one: put it in a list")
    if hasattr(X, "to_numpy"):  # a column of a DataFrame, or a DataFrame of one column
        X = X.to_numpy()
    if isinstance(X, np.ndarray) and X.dtype.kind in "OUS" and X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if isinstance(X, np.ndarray) and X.dtype.kind not in "OUS" and X.ndim != 4:
        raise ValueError(
            "X must be a list of pictures, or an array of n x h x w x 3; "
            f"got an array of shape {X.shape}"
        )
    if isinstance(X, np.ndarray) and X.dtype.kind in "US":
        X = X.tolist()
    if not hasattr(X, "__len__"):
        X = list(X)
    return X if hasattr(X, "__getitem__") else list(X)
