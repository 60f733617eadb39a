import gzip
import io
import json

import numpy as np
import pytest
import scipy.sparse as sp

from nnae import io as nio

XMC = "2 4 3\n0,2 1:0.5 3:2\n 0:1\n"
ARFF = "% c\n@relation 'r: -C 1'\n@attribute a {0,1}\n@attribute b real\n@data\n1,2\n0,3\n"
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a"}, {"id": 2, "file_name": "b"}],
        "categories": [{"id": 1, "name": "c"}],
        "annotations": [{"image_id": 2, "category_id": 1}],
    }
)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", XMC, "xmc"),
        ("a.xmc.gz", XMC, "xmc"),
        ("a.txt.gz", "0,2 1:0.5\n1 0:1\n", "xmc"),
        ("a.svm", "0,2 1:0.5\n1 0:1\n", "svmlight"),
        ("a.arff", ARFF, "arff"),
        ("a", ARFF, "arff"),
        ("a.json", COCO, "coco"),
        ("a.dat", COCO, "coco"),
        ("a.csv", "id,item\n1,a\n2,b\n", "transactions"),
        ("a.csv", "a,b\nb\n", "transactions"),
        ("a.csv", "text,labels\nred car,x\nblue car,y\n", "text_table"),
    ],
)
def test_formats_are_recognised(tmp_path, name, content, expected):
    path = tmp_path / name
    raw = content.encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    assert nio.detect_format(path) == expected
    data = nio.read(path)
    named = nio.read(path, expected)
    assert (data.Y != named.Y).nnz == 0
    assert data.Y.shape[0] == 2
    blocks = list(nio.iter_read(path, rows=1))
    assert len(blocks) == 2
    assert (sp.vstack([block.Y for block in blocks]) != data.Y).nnz == 0
    if path.suffix != ".svm":
        text = io.StringIO(content)
        assert nio.detect_format(text) == expected
        assert text.tell() == 0


def test_other_columns_and_tabs(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("body\ttags\nred car, new\tx|y\n")
    data = nio.read(path, text="body", labels="tags", label_delimiter="|")
    assert data.label_names.tolist() == ["x", "y"]
    path.write_text("red, dark\tgreen\n")
    assert nio.read(path).label_names.tolist() == ["green", "red, dark"]


def test_lists_and_matrices(tmp_path):
    assert nio.read([["a"], ["b"]]).Y.shape == (2, 2)
    sp.save_npz(tmp_path / "Y.npz", sp.eye(3, format="csr"))
    sp.save_npz(tmp_path / "X.npz", sp.eye(3, 5, format="csr"))
    assert nio.read(tmp_path / "Y.npz").X is None
    assert nio.read(tmp_path / "Y.npz", x_path=tmp_path / "X.npz").X.shape == (3, 5)
    blocks = list(nio.iter_read(tmp_path / "Y.npz", rows=2, x_path=tmp_path / "X.npz"))
    assert [block.X.shape for block in blocks] == [(2, 5), (1, 5)]


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match="the format is not recognised; give format=, one of arff"):
        nio.read(io.StringIO("hello world\n"))
    with pytest.raises(ValueError, match="the file is empty"):
        nio.read(io.StringIO("\n\n"))
    with pytest.raises(ValueError, match=r"format must be 'auto' or one of \['arff'"):
        nio.read(io.StringIO(XMC), format="excel")
    with pytest.raises(TypeError, match="format 'xmc' has no option 'missing'; it has n_features"):
        nio.read(io.StringIO(XMC), missing=0)
    with pytest.raises(ValueError, match="rows must be a whole number of at least 1; got 0"):
        nio.iter_read(io.StringIO(COCO), rows=0)
    with pytest.raises(FileNotFoundError):
        nio.read(tmp_path / "none.txt")


def test_every_reader_refuses_noise():
    rng = np.random.default_rng(0)
    readers = (
        nio.read_arff,
        nio.read_coco,
        nio.read_svmlight,
        nio.read_text_table,
        nio.read_xmc,
    )
    for seed in range(40):
        noise = rng.integers(0, 256, 1 + seed * 5).astype(np.uint8).tobytes()
        for reader in readers:
            with pytest.raises(ValueError):
                reader(io.BytesIO(noise))


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (nio.read_xmc, XMC),
        (nio.read_svmlight, XMC.partition("\n")[2]),
        (nio.read_arff, ARFF),
        (nio.read_coco, COCO),
        (nio.read_transactions, 'id,item\n1,"a, b"\n2,c\n'),
        (nio.read_text_table, 'text,labels\n"red, car",x;y\nblue car,y\n'),
    ],
)
def test_changed_bytes_give_data_or_one_clear_error(reader, content):
    rng = np.random.default_rng(1)
    raw = content.encode()
    outcomes = set()
    for _ in range(300):
        changed = bytearray(raw)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(len(changed)))
            changed[at] = int(rng.choice(list(b"0159-+.eE:,;{}%@\"'\n \t#xn\xff\x00")))
        try:
            data = reader(io.BytesIO(bytes(changed)))
        except ValueError as refused:
            assert "the input" in str(refused)
            outcomes.add("refused")
        else:
            assert data.Y.has_canonical_format
            outcomes.add("read")
    assert outcomes == {"read", "refused"}
