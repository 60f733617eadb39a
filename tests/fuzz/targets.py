"""What is fuzzed: every reader and the loader of models, with inputs to begin from.

A target takes bytes and may raise what `ALLOWED` names: one clear line about the file. Anything
else (a crash, another exception, more than a gigabyte, ten seconds) is a finding.
"""

import io
import json
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import nnae
from nnae.io import row_blocks

ALLOWED = (ValueError, TypeError)
FOLDER = Path(tempfile.mkdtemp(prefix="nnae-fuzz-"))

XMC = b"3 4 3\n0,2 1:0.5 3:2\n 0:1e-2\n1\n"
ARFF = (
    b"@relation 'a: -C 2'\n@attribute x numeric\n@attribute 'y 1' {0,1}\n"
    b"@attribute z {0,1}\n@data\n0.5,1,0\n{1 1}\n2e3,0,1\n"
)
GAPS = ARFF.replace(b"2e3,0", b"?,0")
TABLE = b'text,labels\n"red, blue",x;y\nred,y\n'
LONG = b"id,item\n1,milk\n2,bread\n1,bread\n"
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 4, "height": 3}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 2, "bbox": [0, 0, 1, 1]}],
        "categories": [{"id": 2, "name": "dog", "supercategory": "animal"}],
    }
).encode()


def npz(matrix):
    out = io.BytesIO()
    sp.save_npz(out, matrix)
    return out.getvalue()


def model_bytes(model):
    path = FOLDER / "seed.nnae"
    nnae.save(model, path)
    return path.read_bytes()


def on_disk(name, data):
    path = FOLDER / name
    path.write_bytes(data)
    return path


def xmc(data):
    list(nnae.io.iter_xmc(io.BytesIO(data), rows=2))
    nnae.io.read_xmc(io.BytesIO(data))


def svmlight(data):
    nnae.io.read_svmlight(io.BytesIO(data))


def arff(data):
    nnae.io.read_arff(io.BytesIO(data), labels=-2)


def text_table(data):
    nnae.io.read_text_table(io.BytesIO(data))


def transactions(data):
    nnae.io.read_transactions(io.BytesIO(data))


def coco(data):
    nnae.io.read_coco(io.BytesIO(data))


def read_npz(data):
    nnae.io.read_npz(None, on_disk("input.npz", data))


def mulan_labels(data):
    nnae.io.read_mulan_labels(io.BytesIO(data))


def detect(data):
    nnae.io.read(io.BytesIO(data))


def load(data):
    nnae.load(on_disk("input.nnae", data))


def sealed_load(data):
    """A manifest of the fuzzer's making in a file whose seals are right."""
    from nnae._model_file import Contents, write_contents

    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(manifest, dict):
        return
    manifest.pop("members", None)
    arrays = [np.arange(6.0).reshape(2, 3), np.arange(4), np.ones(3, np.float32)]
    path = FOLDER / "sealed.nnae"
    try:
        write_contents(os.fspath(path), Contents(manifest, arrays, []))
    except (ValueError, TypeError):
        return
    nnae.load(path)


def stored_blocks(data):
    """A manifest of the fuzzer's making beside sound arrays."""
    folder = FOLDER / "blocks"
    if not folder.exists():
        nnae.io.write_blocks(folder, (np.eye(3), np.eye(3)[:, :2]))
    (folder / "blocks.json").write_bytes(data)
    for _ in row_blocks(folder, rows=2):
        pass


def _models():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compressor = nnae.NMF(2, random_state=0, max_iter=2).fit(
            [{"egg"}, {"egg", "leek"}, {"oat"}]
        )
        data = nnae.datasets.make_label_hierarchy(40, n_topics=1, random_state=0)
        classifier = nnae.TwoStepClassifier(
            nnae.NNAE((3,), encoder="linear", max_iter=2), profile="fast", random_state=0
        ).fit(data.Y.toarray()[:, ::2], data.Y[:, 1::2])
        return [model_bytes(compressor), model_bytes(classifier)]


def _manifests():
    import zipfile

    out = []
    for data in _models():
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            out.append(archive.read("manifest.json"))
    return out


#: Name -> the target and a function that returns its seeds.
TARGETS = {
    "xmc": (xmc, lambda: [XMC, b"0,2 1:0.5\n1 0:1\n", b"1 1000000000000 3\n0 0:1\n"]),
    "svmlight": (svmlight, lambda: [b"0,2 1:0.5 3:2\n1 1:1 # c\n", b"1 qid:3 1:2\n"]),
    "arff": (arff, lambda: [ARFF, GAPS]),
    "text_table": (text_table, lambda: [TABLE]),
    "transactions": (transactions, lambda: [LONG, b"milk,bread\nmilk\n", b",a,b\n1,0,1\n"]),
    "coco": (coco, lambda: [COCO]),
    "npz": (read_npz, lambda: [npz(sp.eye(3, format="csr")), npz(sp.eye(3, format="coo"))]),
    "mulan_labels": (
        mulan_labels,
        lambda: [b'<labels><label name="a"/><label name="b"></label></labels>'],
    ),
    "detect": (detect, lambda: [XMC, ARFF, TABLE, LONG, COCO]),
    "load": (load, _models),
    "sealed_load": (sealed_load, _manifests),
    "stored_blocks": (
        stored_blocks,
        lambda: [
            b'{"format": 1, "n_rows": 3, "n_features": 3, "n_labels": 2, "arrays": '
            b'{"X_values": "<f8", "Y_indptr": "<i8", "Y_indices": "<i4"}, "label_names": null}'
        ],
    ),
}
