"""Build data/emoji.npz and data/emoji_pictures.npz from a font and Unicode's tables.

Inputs: the English annotations of CLDR (npm package ``cldr-annotations-full``, file
``annotations/en/annotations.json``), Unicode's ``emoji-test.txt`` (Debian package
``unicode-data``) and the font Noto Color Emoji (Debian package ``fonts-noto-color-emoji``)::

    npm pack cldr-annotations-full@48.2.0 && tar xzf cldr-annotations-full-48.2.0.tgz
    python -m nnae.datasets.build_emoji package/annotations/en/annotations.json

Needs Pillow with Raqm (its wheels have it) and scikit-image: ``pip install 'nnae[images]'``. The
same inputs and the same versions of both give the same files.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae.datasets._archive import DATA_FOLDER, pack_names, pack_rows, write_arrays
from nnae.datasets._emoji import SIDE, emoji_features, pack_features
from nnae.datasets._split import is_test_origin

MIN_PICTURES_A_KEYWORD = 3
_FONT_SIZE = 109  # the only size at which this font has pictures
_COLOURS = 128
_JOINER, _AS_PICTURE = "\u200d", "\ufe0f"
_SKIN_TONES = {chr(code) for code in range(0x1F3FB, 0x1F400)}
_HAIR = {chr(code) for code in range(0x1F9B0, 0x1F9B4)}
_SIGNS = {"♀", "♂", "➡", *_HAIR}  # of gender, direction and hair when they are joined to a person
_PERSON, _CHILD = "🧑", "🧒"
# emoji of one thing that are single characters, each with the one that stands for all of them
_SAME = {
    variant: first
    for first, variants in {
        _PERSON: "👨👩👱🧔",
        _CHILD: "👦👧",
        "🧓": "👴👵",
        "🫅": "🤴👸",
        "🎅": "🤶",
        "💃": "🕺",
        "👫": "👬👭",
        "🫄": "🫃🤰",
        "👈": "👉👆👇🫵☝",
        "🫱": "🫲",
        "🫷": "🫸",
        "🤛": "🤜",
    }.items()
    for variant in variants
}
_SAME_SEQUENCE = {
    (_PERSON, "🤝", _PERSON): "👫",
    (_PERSON, "❤", "💋", _PERSON): "💏",
    (_PERSON, "❤", _PERSON): "💑",
    (_PERSON, "🎄"): "🎅",
}


@dataclass(frozen=True)
class Emoji:
    """One emoji of emoji-test.txt."""

    text: str
    name: str
    group: str


def read_emoji(lines: list[str]) -> list[Emoji]:
    """Read the fully qualified emoji of emoji-test.txt."""
    found, group = [], ""
    for line in lines:
        if line.startswith("# group: "):
            group = line.removeprefix("# group: ").strip()
        match = re.match(r"([0-9A-F ]+?)\s*; fully-qualified\s*# \S+ E[\d.]+ (.*)", line)
        if match:
            text = "".join(chr(int(code, 16)) for code in match[1].split())
            found.append(Emoji(text, match[2].strip(), group))
    return found


def origin(text: str) -> str:
    """Return the emoji that all variants by skin tone, gender, hair and direction share."""
    plain = "".join(c for c in text if c not in _SKIN_TONES and c != _AS_PICTURE)
    first, *joined = plain.split(_JOINER)
    parts = tuple(_SAME.get(part, part) for part in (first, *joined) if part not in _SIGNS)
    if len(parts) > 1 and set(parts) <= {_PERSON, _CHILD}:
        return "👪"
    return _SAME_SEQUENCE.get(parts, _JOINER.join(parts)) or plain


def draw(texts: list[str], font_path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw emoji on white, 64 x 64, with at most 128 colours each: (palettes, pixels)."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(font_path), _FONT_SIZE, layout_engine=ImageFont.Layout.RAQM)
    palettes = np.zeros((len(texts), _COLOURS, 3), np.uint8)
    pixels = np.zeros((len(texts), SIDE, SIDE), np.uint8)
    for i, text in enumerate(texts):
        large = Image.new("RGB", (136, 136), "white")  # glyphs are 136 wide and 128 high
        ImageDraw.Draw(large).text((0, 4), text, font=font, embedded_color=True)
        small = large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        few = small.quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        colours = np.array(few.getpalette(), np.uint8).reshape(-1, 3)[:_COLOURS]
        palettes[i, : len(colours)] = colours
        pixels[i] = np.asarray(few)
    return palettes, pixels


def build(
    annotations: Path, emoji_test: Path, font: Path, release: str, folder: Path = DATA_FOLDER
) -> None:
    """Write both data files."""
    table = json.loads(annotations.read_text(encoding="utf-8"))["annotations"]["annotations"]
    words = {text: entry["default"] for text, entry in table.items() if "default" in entry}
    every = read_emoji(emoji_test.read_text(encoding="utf-8").splitlines())
    every = [emoji for emoji in every if emoji.text.replace(_AS_PICTURE, "") in words]
    keywords = [sorted(set(words[emoji.text.replace(_AS_PICTURE, "")])) for emoji in every]
    train = ~is_test_origin([origin(emoji.text) for emoji in every])
    spread = Counter(
        word for row, kept in zip(keywords, train, strict=True) if kept for word in row
    )
    names = sorted(word for word, rows in spread.items() if rows >= MIN_PICTURES_A_KEYWORD)
    place = {word: j for j, word in enumerate(names)}
    columns = [[place[word] for word in row if word in place] for row in keywords]
    chosen = [(emoji, row) for emoji, row in zip(every, columns, strict=True) if row]
    lengths = [len(row) for _, row in chosen]
    indices = np.array([column for _, row in chosen for column in row], dtype=np.int32)
    indptr = np.concatenate(([0], np.cumsum(lengths)))
    ones = np.ones(len(indices), np.float32)
    Y = sp.csr_matrix((ones, indices, indptr), shape=(len(chosen), len(names)))
    palettes, pixels = draw([emoji.text for emoji, _ in chosen], font)
    images = palettes[np.arange(len(chosen))[:, None, None], pixels]
    write_arrays(folder / "emoji_pictures.npz", {"palettes": palettes, "pixels": pixels})
    write_arrays(
        folder / "emoji.npz",
        {
            "release": pack_names([release]),
            "emoji": pack_names(emoji.text for emoji, _ in chosen),
            "row_names": pack_names(emoji.name for emoji, _ in chosen),
            "row_groups": pack_names(emoji.group for emoji, _ in chosen),
            "origins": pack_names(origin(emoji.text) for emoji, _ in chosen),
            "keywords": pack_names(names),
            **pack_rows("labels", Y, values=False),
            **pack_features(emoji_features(images)),
        },
    )


def main() -> None:
    """Read the command line and write the data files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("annotations", type=Path, help="annotations.json of CLDR, English")
    parser.add_argument(
        "--emoji-test", type=Path, default=Path("/usr/share/unicode/emoji/emoji-test.txt")
    )
    parser.add_argument(
        "--font", type=Path, default=Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
    )
    parser.add_argument(
        "--release",
        default="Unicode CLDR 48.2.0 (npm cldr-annotations-full), Noto Color Emoji 2.042 (Debian "
        "12, fonts-noto-color-emoji 2.042-0+deb12u1), emoji-test.txt 15.0 (Debian 12)",
    )
    parser.add_argument("--folder", type=Path, default=DATA_FOLDER)
    chosen = parser.parse_args()
    build(chosen.annotations, chosen.emoji_test, chosen.font, chosen.release, chosen.folder)


if __name__ == "__main__":
    main()
