"""Pictures on the command line: a folder of them, or those that a file of labels names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nnae.cli._screen import Step


def new_features(backbone: str) -> Any:
    """Return what describes pictures; the path of a network is kept whole, as models keep it."""
    from nnae.images import ImageFeatures

    return ImageFeatures(backbone if backbone == "hog" else str(Path(backbone).absolute()))


def describe(features: Any, paths: list[Path], step: Step) -> Any:
    """Return features of pictures (n x d, double precision), and tell how far it is."""

    def tell(done: int, total: int) -> None:
        step.note(f"{done} of {total} pictures")

    features.set_params(callback=tell)
    try:
        return features.transform(paths).astype(float)
    finally:
        features.set_params(callback=None)  # a model file holds nothing of this session


def with_pictures(data: Any, path: Path, folder: Path | None, features: Any, step: Step) -> Any:
    """Return labels with the features of the pictures that name their rows."""
    paths = named_pictures(data, path, folder)
    names = features.get_feature_names_out()
    return replace(data, X=describe(features, paths, step), feature_names=names)


def named_pictures(data: Any, path: Path, folder: Path | None) -> list[Path]:
    """Return the pictures that the rows of a file of labels are named by."""
    from nnae.images._pictures import ENDINGS

    if data.ids is None:
        raise ValueError(f"{path} must name a picture a row, as COCO's JSON does; it has no names")
    place = path.parent if folder is None else folder
    found = []
    for row, name in enumerate(data.ids):
        tries = [place / str(name), *(place / f"{name}{ending}" for ending in ENDINGS)]
        known = next((file for file in tries if file.is_file()), None)
        if known is None:
            raise ValueError(
                f"{place} has no picture {str(name)!r} (row {row} of {path}); "
                "say where pictures are by --image-folder"
            )
        found.append(known)
    return found


def pictures_in(path: Path) -> list[Path]:
    """Return the pictures of a folder, sorted by name, or the one picture."""
    from nnae.images._pictures import ENDINGS

    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS)
    if not found:
        raise ValueError(f"{path} holds no picture ({', '.join(ENDINGS)})")
    return found


class Thumbnails:
    """Pictures for a report, read when they are asked for."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Any:
        from nnae.images._pictures import content_of, read_pixels

        name = str(self.paths[row])
        return read_pixels(content_of(name, name), name)
