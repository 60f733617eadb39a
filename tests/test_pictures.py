"""What becomes of every kind of picture, the broken and the hostile among them."""

import io
import struct
import zlib

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from nnae.images import ImageFeatures, PictureError  # noqa: E402
from nnae.images._fitting import FITS  # noqa: E402
from nnae.images._pictures import content_of, name_of, read_pixels  # noqa: E402

DRAWS = np.random.default_rng(0)
PHOTO = (np.kron(DRAWS.random((4, 6, 3)), np.ones((8, 8, 1))) * 255).astype(np.uint8)  # 32 x 48


def pixels_of(source):
    name = name_of(source, 3)
    return read_pixels(content_of(source, name), name)


def saved(tmp_path, image, name, **how):
    path = tmp_path / name
    image.save(path, **how)
    return path


def test_files_images_and_arrays_of_the_same_pixels_are_the_same(tmp_path):
    image = Image.fromarray(PHOTO)
    for source in (saved(tmp_path, image, "a.png"), image, PHOTO, PHOTO.tolist(), PHOTO / 255):
        np.testing.assert_array_equal(pixels_of(source), PHOTO)
    jpeg = pixels_of(saved(tmp_path, image, "a.jpg", quality=98, subsampling=0))
    assert np.abs(jpeg.astype(int) - PHOTO).mean() < 5


def test_a_photograph_is_turned_as_its_exif_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by a quarter
    path = saved(tmp_path, Image.fromarray(PHOTO), "turned.png", exif=exif)
    np.testing.assert_array_equal(pixels_of(path), np.rot90(PHOTO, -1))


def test_transparency_lies_on_white(tmp_path):
    alpha = np.full((32, 48, 1), 255, np.uint8)
    alpha[:16] = 0
    rgba = np.concatenate([PHOTO, alpha], axis=2)
    expected = PHOTO.copy()
    expected[:16] = 255
    for source in (rgba, saved(tmp_path, Image.fromarray(rgba), "a.png")):
        np.testing.assert_array_equal(pixels_of(source), expected)
    alpha_band = Image.fromarray(alpha[..., 0])
    grey = Image.merge("LA", [Image.fromarray(PHOTO[..., 0]), alpha_band])
    found = pixels_of(saved(tmp_path, grey, "la.png"))
    assert (found[:16] == 255).all()
    np.testing.assert_array_equal(found[16:, :, 1], PHOTO[16:, :, 0])


def test_palettes_with_and_without_a_transparent_colour(tmp_path):
    colours = np.repeat(np.arange(4, dtype=np.uint8)[:, None], 4, axis=1)
    image = Image.fromarray(colours)
    image = image.convert("P")
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    plain = pixels_of(saved(tmp_path, image, "p.png"))
    assert plain[:, 0].tolist() == [[10, 20, 30], [200, 0, 0], [0, 200, 0], [0, 0, 200]]
    clear = pixels_of(saved(tmp_path, image, "t.png", transparency=1))
    assert clear[:, 0].tolist() == [[10, 20, 30], [255, 255, 255], [0, 200, 0], [0, 0, 200]]


def test_cmyk_becomes_rgb(tmp_path):
    image = Image.fromarray(PHOTO).convert("CMYK")
    found = pixels_of(saved(tmp_path, image, "print.jpg", quality=95))
    assert found.shape == PHOTO.shape
    assert np.abs(found.astype(int) - PHOTO).mean() < 6


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    path = saved(tmp_path, frames[0], "a.gif", save_all=True, append_images=frames[1:])
    assert (pixels_of(path) == (255, 0, 0)).all()
    with Image.open(path) as image:
        image.seek(2)  # whoever looked at it before
        assert (pixels_of(image) == (255, 0, 0)).all()


def test_sixteen_bits_are_cut_to_eight(tmp_path):
    deep = np.array([[0, 257, 65535], [128 * 257, 256, 300]], np.uint16)
    expected = [[0, 1, 255], [128, 0, 1]]
    for source in (deep, saved(tmp_path, Image.fromarray(deep), "deep.png")):
        found = pixels_of(source)
        assert found.shape == (2, 3, 3)
        assert found[:, :, 0].tolist() == expected


def test_grey_and_one_bit(tmp_path):
    grey = saved(tmp_path, Image.fromarray(PHOTO).convert("L"), "grey.png")
    assert (pixels_of(grey) == pixels_of(grey)[:, :, :1]).all()
    mask = PHOTO[:, :, 0] > 100
    for source in (mask, saved(tmp_path, Image.fromarray(mask), "bit.png")):
        np.testing.assert_array_equal(pixels_of(source)[:, :, 2] == 255, mask)


def bomb(side):
    """Return a PNG of side x side pixels in a few kilobytes."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    line = bytes(1 + 3 * side)
    body = b"".join(packer.compress(line) for _ in range(40)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [30_000, 12_000])  # one that Pillow refuses, one it warns of
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, side):
    import tracemalloc

    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(side))
    tracemalloc.start()
    with pytest.raises(PictureError, match=r"bomb\.png: the picture .*max_pixels allows"):
        pixels_of(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_what_cannot_be_read_is_named(tmp_path):
    whole = saved(tmp_path, Image.fromarray(PHOTO), "whole.png").read_bytes()
    jpeg = saved(tmp_path, Image.fromarray(PHOTO), "whole.jpg").read_bytes()
    damaged = bytearray(whole)
    damaged[60:90] = bytes(30)
    cases = {
        "empty.png": (b"", "the file is empty"),
        "cut.png": (whole[: len(whole) // 2], "not a whole picture"),
        "cut.jpg": (jpeg[:400], "not a whole picture"),
        "damaged.png": (bytes(damaged), "not a whole picture"),
        "text.jpg": (b"Dear reader", "its bytes are of no known format"),
    }
    for name, (data, message) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(PictureError, match=f"{name}: .*{message}") as caught:
            pixels_of(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(PictureError, match=r"gone\.png: No such file"):
        pixels_of(tmp_path / "gone.png")
    with pytest.raises(PictureError, match="Is a directory"):
        pixels_of(tmp_path)
    lazy = Image.open(io.BytesIO(whole[: len(whole) // 2]))  # opened well, read later
    with lazy, pytest.raises(PictureError, match="image 3: not a whole picture"):
        pixels_of(lazy)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 2)), "must be a path"),
        (np.zeros((4, 4, 3, 1)), "must be a path"),
        (np.full((4, 4), 1.5), "from 0 to 1; got 1.5 to 1.5"),
        (np.full((4, 4), np.nan), "from 0 to 1"),
        (np.full((4, 4), -3), "from 0 to 255; got -3"),
        (np.zeros((0, 4)), "4 x 0 pixels"),
        (np.array([["a"]]), "must be a path"),
        (object(), "got object"),
    ],
)
def test_arrays_that_are_no_pictures(array, message):
    with pytest.raises(PictureError, match=f"image 3: .*{message}"):
        pixels_of(array)


def test_ways_to_fit():
    mark = np.zeros((20, 60, 3), np.uint8)
    mark[:, 20:40] = 255
    found = {name: fit(mark, 20, 20) for name, fit in FITS.items()}
    assert {picture.shape for picture in found.values()} == {(20, 20, 3)}
    assert (found["crop"] == 255).all()
    assert (found["pad"][0] == 128).all() and (found["pad"][10, 10] == 255).all()
    assert (found["pad"][10, :5] < 30).all()
    assert (found["stretch"][:, 10] == 255).all() and (found["stretch"][:, 0] == 0).all()
    for fit in FITS.values():
        assert fit(mark, 20, 60) is mark or (fit(mark, 20, 60) == mark).all()
        assert fit(np.zeros((1, 900, 3), np.uint8), 8, 8).shape == (8, 8, 3)


def test_unreadable_pictures_become_rows_of_nan_where_asked(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no")
    pictures = [PHOTO, str(tmp_path / "bad.png"), PHOTO[::-1]]
    with pytest.raises(PictureError, match=r"bad\.png"):
        ImageFeatures().transform(pictures)
    with pytest.warns(UserWarning, match=r"1 of 3 pictures could not be read .*bad\.png"):
        X = ImageFeatures(errors="nan").transform(pictures)
    assert np.isnan(X[1]).all() and np.isfinite(X[[0, 2]]).all()
    np.testing.assert_array_equal(X[[0]], ImageFeatures().transform([PHOTO]))
