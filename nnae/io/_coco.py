"""Annotations of photographs in the JSON form of COCO."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import scipy.sparse as sp

from nnae.io._blocks import LabelData
from nnae.io._source import FileLike, Source


def read_coco(source: FileLike) -> LabelData:
    """Read COCO annotations: which categories of object each image shows.

    Parameters
    ----------
    source : path, or open text or binary file
        JSON with the lists ``images`` (``id``, ``file_name``), ``categories`` (``id``, ``name``,
        ``supercategory``) and ``annotations`` (``image_id``, ``category_id``).

    Returns
    -------
    LabelData
        Y (images x categories, 0/1, in the order of the file), `label_names`, `ids` (file names)
        and `groups` (supercategories, None where no category has one). X is None.

    Raises
    ------
    ValueError
        Naming the line for text that is not JSON, and the entry (``annotations[17]``) for one
        that lacks a field, names an image or category that is not listed, or comes twice.

    Notes
    -----
    JSON is read as a whole: memory is some ten times the size of the file.

    References
    ----------
    T.-Y. Lin et al., Microsoft COCO: common objects in context, 2014; the data format is
    described at https://cocodataset.org/#format-data

    Examples
    --------
    >>> import io
    >>> from nnae.io import read_coco
    >>> data = read_coco(io.StringIO('''{
    ...   "images": [{"id": 9, "file_name": "9.jpg"}],
    ...   "categories": [{"id": 1, "name": "cat", "supercategory": "animal"},
    ...                  {"id": 2, "name": "cup", "supercategory": "kitchen"}],
    ...   "annotations": [{"image_id": 9, "category_id": 2}]}'''))
    >>> data.Y.toarray().tolist(), data.label_names.tolist(), data.groups.tolist()
    ([[0.0, 1.0]], ['cat', 'cup'], ['animal', 'kitchen'])
    """
    file = Source(source)
    document = _parse(file)
    if not isinstance(document, dict):
        raise file.error(None, "the JSON must be an object with images, categories, annotations")
    images, names = _listed(file, document, "images", "file_name")
    categories, labels = _listed(file, document, "categories", "name")
    rows: list[int] = []
    columns: list[int] = []
    for at, entry in enumerate(_list(file, document, "annotations")):
        where = f"annotations[{at}]"
        for field, known, found in (
            ("image_id", images, rows),
            ("category_id", categories, columns),
        ):
            key = _key(file, entry, where, field)
            if key not in known:
                raise file.error(None, f"{where}: {field} {key!r} is not among {field[:-3]} ids")
            found.append(known[key])
    shape = (len(images), len(categories))
    ones = np.ones(len(rows), np.float32)
    where_to = (np.array(rows, np.int32), np.array(columns, np.int32))
    Y: Any = sp.coo_matrix((ones, where_to), shape=shape).tocsr()
    Y.data[:] = 1.0
    groups = [entry.get("supercategory") for entry in document["categories"]]
    return LabelData(
        None,
        Y,
        label_names=np.array(labels, dtype=object),
        ids=np.array(names, dtype=object),
        groups=np.array([str(g or "") for g in groups], dtype=object) if any(groups) else None,
        DESCR=f"{file.name}: {shape[0]} images, {shape[1]} categories",
    )


def _parse(file: Source) -> Any:
    text = file.read_text()
    if not text.strip():
        raise file.error(None, "the file is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError as odd:
        raise file.error(
            odd.lineno, f"the text is not JSON, or is cut: {odd.msg} (column {odd.colno})"
        ) from None
    except (RecursionError, ValueError) as odd:
        raise file.error(None, f"the JSON cannot be read: {odd}") from None


def _list(file: Source, document: dict[str, Any], field: str) -> list[Any]:
    entries = document.get(field)
    if not isinstance(entries, list):
        raise file.error(None, f"the JSON must hold a list {field!r}")
    return entries


def _listed(
    file: Source, document: dict[str, Any], field: str, name_field: str
) -> tuple[dict[Any, int], list[str]]:
    """Return the number of each id, and the names in order."""
    number: dict[Any, int] = {}
    names: list[str] = []
    seen: set[str] = set()
    for at, entry in enumerate(_list(file, document, field)):
        where = f"{field}[{at}]"
        key, name = _key(file, entry, where, "id"), _key(file, entry, where, name_field)
        if key in number:
            raise file.error(None, f"{where}: id {key!r} comes a second time")
        if str(name) in seen:
            raise file.error(None, f"{where}: {name_field} {name!r} comes a second time")
        number[key] = at
        seen.add(str(name))
        names.append(str(name))
    if not names:
        raise file.error(None, f"the list {field!r} is empty")
    return number, names


def _key(file: Source, entry: Any, where: str, field: str) -> Any:
    if not isinstance(entry, dict):
        raise file.error(None, f"{where} must be an object; got {type(entry).__name__}")
    value = entry.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise file.error(None, f"{where}: {field} must be a number or a string; got {value!r:.40}")
    return value
