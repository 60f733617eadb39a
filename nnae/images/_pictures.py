"""Pictures on their way in: files, PIL images and arrays become RGB pixels, or one clear error.

What becomes of what is unusual: a photograph is turned as its EXIF entry says; transparency lies on
white; CMYK, palettes, LAB and grey become RGB; of an animation the first frame counts; 16 bits are
cut to 8. What is broken, cut off or too large is refused by name before it is unpacked.
"""

from __future__ import annotations

import io
import os
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Pixels that a picture may have: 100 million are a poster at 300 dots an inch.
MAX_PIXELS = 100_000_000
#: Endings of files that a folder of pictures is made of.
ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
_WHITE = (255, 255, 255, 255)


class PictureError(ValueError):
    """Tell which picture cannot be read, and why.

    Examples
    --------
    >>> issubclass(PictureError, ValueError)
    True
    """


def pillow() -> Any:
    """Return Pillow's Image module, or say how to get it."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("pictures need Pillow: pip install 'nnae[images]'") from None
    return Image


def name_of(source: Any, place: int) -> str:
    """Return what a picture is called in messages."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    return str(getattr(source, "filename", "") or f"image {place}")


def content_of(source: Any, name: str) -> Any:
    """Return the bytes of a file; arrays and PIL images as they are."""
    if not isinstance(source, (str, os.PathLike)):
        return source
    try:
        with open(source, "rb") as file:
            return file.read()
    except OSError as error:
        raise PictureError(f"{name}: {error.strerror or error}") from error


def read_pixels(content: Any, name: str, max_pixels: int = MAX_PIXELS) -> Array:
    """Return RGB pixels (h x w x 3, uint8) of a file's bytes, a PIL image or an array."""
    Image = pillow()
    if isinstance(content, bytes):
        return _decoded(content, name, max_pixels)
    if isinstance(content, Image.Image):
        _check_size(content.size, name, max_pixels)
        try:
            return _rgb(content, name)
        except (OSError, SyntaxError, EOFError) as error:  # PIL opens lazily: a cut file shows now
            raise _unreadable(name, error) from error
    return _of_array(content, name, max_pixels)


def _decoded(data: bytes, name: str, max_pixels: int) -> Array:
    Image = pillow()
    if not data:
        raise PictureError(f"{name}: the file is empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of sizes, and of odd EXIF entries
        try:
            with Image.open(io.BytesIO(data)) as image:
                _check_size(image.size, name, max_pixels)
                return _rgb(image, name)
        except PictureError:
            raise
        except Image.DecompressionBombError:
            raise PictureError(
                f"{name}: the picture would unfold to far more than the {max_pixels:,} pixels "
                "that max_pixels allows"
            ) from None
        except MemoryError:
            raise
        except Exception as error:  # decoders raise many kinds on altered bytes
            raise _unreadable(name, error) from error


def _unreadable(name: str, error: BaseException) -> PictureError:
    why = " ".join(str(error).split())
    if type(error).__name__ == "UnidentifiedImageError":
        why = "its bytes are of no known format"
    return PictureError(f"{name}: not a whole picture ({why or type(error).__name__})")


def _check_size(size: tuple[int, int], name: str, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureError(
            f"{name}: the picture has {width:,} x {height:,} pixels, more than the {max_pixels:,} "
            "that max_pixels allows"
        )
    if width == 0 or height == 0:
        raise PictureError(f"{name}: the picture has {width} x {height} pixels")


def _rgb(image: Any, name: str) -> Array:
    from PIL import ImageOps

    Image = pillow()
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _of_numbers(np.asarray(image), name)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    return np.asarray(image.convert("RGB"))


def _of_numbers(values: Array, name: str) -> Array:
    """Return grey pixels of a file that holds 16 bits, wider integers or real numbers."""
    if values.dtype.kind == "f":
        return _of_array(values, name, values.size)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise PictureError(
            f"{name}: whole numbers must be from 0 to 65535; got {values.min()} to {values.max()}"
        )
    grey = (values.astype(np.uint32) // 257).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _of_array(given: Any, name: str, max_pixels: int) -> Array:
    try:
        pixels = np.asarray(given)
    except ValueError:
        pixels = np.empty(0, object)
    deep = pixels.shape[2:] if pixels.ndim == 3 else None
    if pixels.dtype.kind not in "buif" or not (pixels.ndim == 2 or deep in ((1,), (3,), (4,))):
        raise PictureError(
            f"{name}: must be a path, a PIL image, or an array of shape (h, w), (h, w, 3) or "
            f"(h, w, 4); got {_described(given, pixels)}"
        )
    _check_size((pixels.shape[1], pixels.shape[0]), name, max_pixels)
    pixels = _eight_bits(pixels, name)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.uint32)
        over = pixels[:, :, :3].astype(np.uint32) * alpha + 255 * (255 - alpha)
        pixels = ((over + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def _described(given: Any, pixels: Array) -> str:
    if isinstance(given, np.ndarray):
        return f"{pixels.dtype} of shape {pixels.shape}"
    return type(given).__name__


def _eight_bits(pixels: Array, name: str) -> Array:
    kind = pixels.dtype.kind
    if pixels.dtype == np.uint8:
        return pixels
    if kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint16:
        return (pixels // 257).astype(np.uint8)
    least, most = pixels.min(), pixels.max()
    if kind == "f":
        if not (least >= 0 and most <= 1):  # NaN fails too
            raise PictureError(f"{name}: real numbers must be from 0 to 1; got {least} to {most}")
        return np.asarray(np.rint(pixels * 255), np.uint8)
    if least < 0 or most > 255:
        raise PictureError(f"{name}: {pixels.dtype} must be from 0 to 255; got {least} to {most}")
    return pixels.astype(np.uint8)
