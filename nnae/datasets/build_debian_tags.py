"""Build data/debian_tags.npz from a Debian system's package lists.

Run ``apt-get update`` on Debian 12, then ``python -m nnae.datasets.build_debian_tags``. Input: what
``apt-cache dumpavail`` prints; packages with a field ``Tag`` become rows, sorted by name. The same
input gives the same file. Words of a package: runs of letters a-z and digits in its lower-cased
name and short description, and its section as one token ``section:...``; only their counts are
kept. Words in at least 3 packages and tags of at least 5 packages stay, counted on training rows.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from nnae.datasets._archive import DATA_FOLDER, pack_names, pack_rows, write_arrays
from nnae.datasets._split import is_test_origin

MIN_PACKAGES_A_WORD = 3
MIN_PACKAGES_A_TAG = 5
_WORD = re.compile(r"[a-z0-9]+")


def read_packages(text: str) -> list[dict[str, str]]:
    """Read the control paragraphs that carry tags, sorted by package name."""
    paragraphs = (_fields(paragraph) for paragraph in text.split("\n\n"))
    tagged = (fields for fields in paragraphs if "Tag" in fields)
    return sorted(tagged, key=lambda fields: fields["Package"])


def words(fields: dict[str, str]) -> list[str]:
    """Return the tokens of a package's name, short description and section."""
    description = fields.get("Description", "").split("\n")[0]
    section = "section:" + fields["Section"].lower()
    return [*_WORD.findall(f"{fields['Package']} {description}".lower()), section]


def tags(fields: dict[str, str]) -> list[str]:
    """Return the tags of a package, such as ``role::program``."""
    return sorted(set(re.findall(r"[^,\s]+", fields["Tag"])))


def source(fields: dict[str, str]) -> str:
    """Return the name of the source package, without the version that may follow it."""
    return fields.get("Source", fields["Package"]).split()[0]


def build(text: str, release: str, path: Path) -> None:
    """Write the data file for the output of ``apt-cache dumpavail``."""
    packages = read_packages(text)
    sources = [source(fields) for fields in packages]
    train = ~is_test_origin(sources)
    vocabulary, counts = _count(map(words, packages), train, MIN_PACKAGES_A_WORD)
    names, Y = _count(map(tags, packages), train, MIN_PACKAGES_A_TAG)
    write_arrays(
        path,
        {
            "release": pack_names([release]),
            "packages": pack_names(fields["Package"] for fields in packages),
            "sources": pack_names(sources),
            "words": pack_names(vocabulary),
            "tags": pack_names(names),
            **pack_rows("counts", counts, values=True),
            **pack_rows("labels", Y, values=False),
        },
    )


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.split("\n"):
        if line[:1] in {" ", "\t"}:
            fields[name] += "\n" + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            fields[name] = value.strip()
    return fields


def _count(
    rows: Iterable[list[str]], train: npt.NDArray[np.bool_], at_least: int
) -> tuple[list[str], sp.csr_matrix]:
    """Count tokens a row; keep those that at least so many training rows hold."""
    counted = [Counter(row) for row in rows]
    spread = Counter(
        token for row, kept in zip(counted, train, strict=True) if kept for token in row
    )
    names = sorted(token for token, rows_with in spread.items() if rows_with >= at_least)
    place = {token: j for j, token in enumerate(names)}
    cells = [
        (i, place[token], times)
        for i, row in enumerate(counted)
        for token, times in row.items()
        if token in place
    ]
    row_of, column_of, values = np.array(cells, dtype=np.int64).T
    shape = (len(counted), len(names))
    return names, sp.csr_matrix((values, (row_of, column_of)), shape=shape)


def _releases(lists: Path) -> Iterator[str]:
    """Describe the Debian archives whose lists are on this system."""
    for path in sorted(lists.glob("*InRelease")):
        fields = _fields(path.read_text(encoding="utf-8", errors="replace").split("\n\n")[1])
        if fields.get("Origin") == "Debian":
            yield f"{fields['Codename']} (version {fields['Version']}) of {fields['Date']}"


def main() -> None:
    """Read the package lists of this system and write the data file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dumpavail", type=Path, help="file with saved output of the command")
    parser.add_argument("--release", help="description of the archive, with its date")
    parser.add_argument("--output", type=Path, default=DATA_FOLDER / "debian_tags.npz")
    chosen = parser.parse_args()
    if chosen.dumpavail is None:
        text = subprocess.run(
            ["apt-cache", "dumpavail"],
            check=True,
            capture_output=True,
            encoding="utf-8",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        ).stdout
    else:
        text = chosen.dumpavail.read_text(encoding="utf-8")
    release = chosen.release or "; ".join(sorted(_releases(Path("/var/lib/apt/lists"))))
    build(text, release, chosen.output)


if __name__ == "__main__":
    main()
