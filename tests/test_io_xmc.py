import gzip
import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from nnae.io import _rows_text as rows_text
from nnae.io import _source as source_module
from nnae.io import iter_xmc, read_xmc, write_xmc

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("NNAE_DATA", ROOT.parent / "shared" / "data"))
GOLDEN = "3 4 3\n0,2 1:0.5 3:2\n 0:1e-2\n1\n"


def text(content):
    return io.StringIO(content)


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and (a != b).nnz == 0


def test_golden_file(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(GOLDEN)
    data = read_xmc(path, label_names=["a", "b", "c"])
    assert data.Y.toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    expected = np.array([[0, 0.5, 0, 2], [0.01, 0, 0, 0], [0, 0, 0, 0]], np.float32)
    assert np.array_equal(data.X.toarray(), expected)
    assert data.X.dtype == np.float32
    assert data.label_names.tolist() == ["a", "b", "c"]
    assert "train.txt" in data.DESCR


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.replace("\n", "\r\n"),
        lambda s: "\ufeff" + s,
        lambda s: s[:-1],
        lambda s: s.replace(" ", "\t"),
        lambda s: s.replace(" 3:2", "   3:2  "),
        lambda s: s + "\n\n",
        lambda s: s.replace("0,2", "2,0,2"),
        lambda s: s.replace("3:2", "3:1 3:1"),
        lambda s: s.replace("3:2", "3:+2.0 2:0"),
        lambda s: s.replace("1:0.5", "01:.5"),
    ],
)
def test_spellings(change, tmp_path):
    expected = read_xmc(text(GOLDEN))
    changed = change(GOLDEN)
    plain, packed = tmp_path / "a.txt", tmp_path / "a.txt.gz"
    plain.write_bytes(changed.encode())
    packed.write_bytes(gzip.compress(changed.encode()))
    for file in (plain, packed, str(plain), io.StringIO(changed), io.BytesIO(changed.encode())):
        data = read_xmc(file)
        assert same(data.X, expected.X)
        assert same(data.Y, expected.Y)
    with open(plain, "rb") as binary, open(plain, encoding="utf-8", newline="") as chars:
        assert same(read_xmc(binary).X, expected.X)
        assert same(read_xmc(chars).X, expected.X)


def test_without_header():
    data = read_xmc(text("0,2 1:0.5 3:2\n 0:1\n \n1\n"))
    assert data.X.shape == (4, 4)
    assert data.Y.shape == (4, 3)
    wide = read_xmc(text("0,2 1:0.5 3:2\n 0:1\n"), n_features=9, n_labels=7)
    assert wide.X.shape == (2, 9)
    assert wide.Y.shape == (2, 7)


def test_empty_lines_are_rows_under_a_header():
    data = read_xmc(text("4 2 2\n0 0:1\n\n1 1:1\n\n"))
    assert data.X.toarray().tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]
    assert data.Y.toarray().tolist() == [[1, 0], [0, 0], [0, 1], [0, 0]]


def test_no_rows():
    data = read_xmc(text("0 5 3\n"))
    assert data.X.shape == (0, 5)
    assert data.Y.shape == (0, 3)


ERRORS = [
    ("", "the input: the file is empty"),
    ("2 5 3\n0 1:1\n1 9:1\n", "line 3: feature index 9 must be below 5"),
    ("2 5 3\n0 1:1\n3 1:1\n", "line 3: label index 3 must be below 3"),
    ("2 5 3\n0 1:1\n-1 1:1\n", "line 3: label index -1 must not be negative"),
    ("1 5 3\n0 -1:1\n", "line 2: feature index -1 must not be negative"),
    ("1 5 3\n0 1.5:1\n", "line 2: feature index must be a whole number; got '1.5'"),
    ("1 5 3\n1e0 1:1\n", "line 2: label index must be a whole number; got '1e0'"),
    ("1 5 3\n0 :1\n", "line 2: feature index must be a whole number; got ''"),
    ("1 5 3\n0 1:\n", "line 2: a value must be a number; got ''"),
    ("1 5 3\n0 1: 2:1\n", "line 2: a value must be a number; got ''"),
    ("1 5 3\n0 1:nan\n", "line 2: values must be finite; got nan"),
    ("1 5 3\n0 1:-Inf\n", "line 2: values must be finite; got -Inf"),
    ("1 5 3\n0 1:1e39\n", "line 2: value 1e39 does not fit float32"),
    ("1 5 3\n0 1:1e999\n", "line 2: value 1e999 does not fit float32"),
    ("1 5 3\n0 1:0x1\n", "line 2: a value must be a number; got '0x1'"),
    ("1 5 3\n0 1:1_0\n", "line 2: a value must be a number; got '1_0'"),
    ("1 5 3\n0 1:2:3\n", "line 2: a value must be a number; got '2:3'"),
    ("1 5 3\n0 1:1.2.3\n", "line 2: a value must be a number; got '1.2.3'"),
    ("1 5 3\n0, 1:1\n", "line 2: label index must be a whole number; got ''"),
    ("1 5 3\n0,,1 1:1\n", "line 2: label index must be a whole number; got ''"),
    ("1 5 3\n0 1 1:1\n", "line 2: feature:value is needed; got '1'"),
    ("1 5 3\ndog 1:1\n", "line 2: label index must be a whole number; got 'dog'"),
    ("3 5 3\n0 1:1\n1 2:1\n", "line 4: the file ends after 2 of the 3 rows that line 1 declares"),
    ("1000000000000 5 3\n0 1:1\n", "line 3: the file ends after 1 of the 1000000000000 rows"),
    ("1 5 3\n0 1:1\n1 2:1\n", "line 3: a row too many; line 1 declares 1 rows"),
    ("1 99999999999 3\n0 1:1\n", "line 1: at most 2147483647 features can be read"),
    ("0 1:1\n\n1 2:1\n", "line 2: the line is empty"),
    ("0 1:1\n1 99999999999:1\n", "line 2: feature index 99999999999 must be below 2147483647"),
    ("0 " + "9" * 9999 + ":1\n", "line 1: feature index 9999"),
    ("0 1:1\n1 2:1\x00\n", "line 2: a value must be a number"),
    ("0 1:1\n1 2:1\x0b3:1\n", "line 2: a value must be a number"),
    ("0 1:1\r1 2:1\n", "line 1: a value must be a number"),
    ("1 5 3\n0 1:3e38 1:3e38\n", "the sum of repeated features must be finite in float32"),
]


@pytest.mark.parametrize(("content", "message"), ERRORS)
def test_errors_name_the_line(content, message):
    with pytest.raises(ValueError) as caught:
        read_xmc(io.BytesIO(content.encode()))
    assert message in str(caught.value)


def test_error_far_into_a_file_names_file_and_line(tmp_path):
    path = tmp_path / "train.txt"
    lines = ["0 1:1"] * 300_000
    lines[250_000] = "0 9:1"
    path.write_text("300000 5 3\n" + "\n".join(lines))
    with pytest.raises(ValueError, match=r"^train\.txt, line 250002: feature index 9 must be b"):
        read_xmc(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe1\x00", "line 1: the file must be UTF-8; this is UTF-16"),
        (b"1 5 3\n0 1:1\xff\n", "line 2: the text must be UTF-8; got byte 0xff"),
        (gzip.compress(GOLDEN.encode(), mtime=0)[:-9], "the compressed file is cut or damaged"),
        (
            gzip.compress(GOLDEN.encode(), mtime=0)[:-6] + b"abcdef",
            "the compressed file is cut or damaged",
        ),
    ],
)
def test_broken_bytes(content, message):
    with pytest.raises(ValueError, match="the input") as caught:
        read_xmc(io.BytesIO(content))
    assert message in str(caught.value)


def test_endless_line_is_refused(monkeypatch):
    monkeypatch.setattr(source_module, "MAX_LINE_BYTES", 1 << 21)
    with pytest.raises(ValueError, match="line 2: the line is longer than 2,097,152 bytes"):
        read_xmc(io.BytesIO(b"1 2 2\n" + b"0" * (1 << 23)))


def test_not_a_file():
    with pytest.raises(TypeError, match="a path or an open file is needed; got int"):
        read_xmc(3)
    with pytest.raises(FileNotFoundError):
        read_xmc("/nowhere/at/all.txt")


def test_names_must_fit():
    with pytest.raises(ValueError, match="has 3 labels, label_names has 2"):
        read_xmc(text(GOLDEN), label_names=["a", "b"])
    with pytest.raises(ValueError, match="'a' occurs more than once"):
        read_xmc(text(GOLDEN), label_names=["a", "b", "a"])
    with pytest.raises(ValueError, match="header declares 4 features, n_features is 5"):
        read_xmc(text(GOLDEN), n_features=5)


@st.composite
def matrices(draw, floats):
    n, d, n_labels = (draw(st.integers(1, top)) for top in (8, 6, 6))
    x = draw(st.lists(floats, min_size=n * d, max_size=n * d))
    y = draw(st.lists(st.booleans(), min_size=n * n_labels, max_size=n * n_labels))
    return np.reshape(x, (n, d)), np.reshape(y, (n, n_labels)).astype(np.float32)


FLOAT32 = st.one_of(st.just(0.0), st.floats(width=32, allow_nan=False, allow_infinity=False))
FLOAT64 = st.one_of(st.just(0.0), st.floats(allow_nan=False, allow_infinity=False))


@settings(deadline=None, max_examples=60)
@given(matrices(FLOAT32), st.booleans())
def test_round_trip_in_single(pair, header):
    X, Y = sp.csr_matrix(pair[0].astype(np.float32)), sp.csr_matrix(pair[1])
    out = io.BytesIO()
    write_xmc(out, X, Y, header=header)
    out.seek(0)
    widths = {} if header else {"n_features": X.shape[1], "n_labels": Y.shape[1]}
    data = read_xmc(out, **widths)
    assert same(data.X, X)
    assert same(data.Y, Y)


@settings(deadline=None, max_examples=40)
@given(matrices(FLOAT64), st.integers(1, 9), st.booleans())
def test_blocks_are_the_whole_in_double(pair, rows, header):
    X, Y = sp.csr_matrix(pair[0]), sp.csr_matrix(pair[1])
    out = io.StringIO()
    write_xmc(out, X, Y, header=header)
    out.seek(0)
    whole = read_xmc(out, dtype=np.float64)
    out.seek(0)
    parts = list(iter_xmc(out, rows=rows, dtype=np.float64))
    assert [part.Y.shape[0] for part in parts[:-1]] == [rows] * (len(parts) - 1)
    assert same(sp.vstack([part.X for part in parts], format="csr"), whole.X)
    assert same(sp.vstack([part.Y for part in parts], format="csr"), whole.Y)
    if header:
        assert same(whole.X, X)


def rows_of(content, fast):
    form = rows_text.RowFormat("refuse")
    reader = rows_text.RowReader(source_module.Source(io.BytesIO(content)), form)
    return reader._fast(content) if fast else reader._slow(1, content)


@settings(deadline=None, max_examples=400)
@given(st.text("019:, .-+e\n\tn#", max_size=24), st.text("01: ,\n", max_size=12))
def test_fast_reading_agrees_with_line_by_line(a, b):
    content = (a + b + "\n").encode()
    fast = rows_of(content, fast=True)
    if fast is None:
        return
    slow = rows_of(content, fast=False)
    for which in ("x", "y"):
        mine, other = getattr(fast, which), getattr(slow, which)
        assert np.array_equal(mine.lengths, other.lengths)
        assert np.array_equal(mine.indices, other.indices)
    assert np.array_equal(fast.x.values, slow.x.values)


def test_fast_reading_takes_ordinary_lines():
    fast = rows_of(b"0,2 1:0.5 3:-2e-3\n 0:1\n1\n \n5:1  7:+2 \n", fast=True)
    assert fast is not None
    assert fast.x.lengths.tolist() == [2, 1, 0, 0, 2]
    assert fast.y.lengths.tolist() == [2, 0, 1, 0, 0]


def test_chunk_borders_do_not_matter():
    rng = np.random.default_rng(0)
    X = sp.random(200, 50, density=0.1, format="csr", random_state=rng, dtype=np.float32)
    out = io.BytesIO()
    write_xmc(out, X, np.eye(200, 20))
    for size in (1, 7, 64, 1000):
        out.seek(0)
        chunks = list(source_module.Source(out).chunks(size))
        assert b"".join(chunk for _, chunk in chunks) == out.getvalue()
        lines = np.cumsum([0] + [chunk.count(b"\n") for _, chunk in chunks])[:-1] + 1
        assert [line for line, _ in chunks] == lines.tolist()


def test_blocks_of_a_pipe_need_widths():
    class Pipe(io.BytesIO):
        def tell(self):
            raise OSError("not seekable")

    content = b"0 1:1\n1 2:1\n"
    with pytest.raises(ValueError, match="must be read twice but cannot be rewound"):
        list(iter_xmc(Pipe(content), rows=1))
    assert len(list(iter_xmc(Pipe(content), rows=1, n_features=3, n_labels=2))) == 2
    assert [b.Y.shape for b in iter_xmc(Pipe(b"2 3 4\n" + content), rows=1)] == [(1, 4)] * 2
    with pytest.raises(ValueError, match="rows must be a whole number of at least 1; got 0"):
        iter_xmc(Pipe(content), rows=0)


def test_writer_refuses():
    with pytest.raises(ValueError, match="Y has 1 rows, X has 2"):
        write_xmc(io.StringIO(), np.eye(2), np.eye(2)[:1])
    with pytest.raises(ValueError, match="Y must be 0/1"):
        write_xmc(io.StringIO(), np.eye(2), 2 * np.eye(2))
    with pytest.raises(ValueError, match="row 1 holds NaN"):
        write_xmc(io.StringIO(), np.array([[0, 1], [np.nan, 0]]), np.eye(2))


def test_label_names_beside_the_file(tmp_path):
    labels = tmp_path / "labels.txt"
    write_xmc(tmp_path / "a.txt.gz", None, [["cat", "ünder dog"], []], label_path=labels)
    data = read_xmc(tmp_path / "a.txt.gz", label_names=labels)
    assert data.label_names.tolist() == ["cat", "ünder dog"]
    assert data.X.shape == (2, 0)
    assert data.Y.toarray().tolist() == [[1, 1], [0, 0]]
    assert (tmp_path / "a.txt.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_xmc(path, np.eye(2), np.eye(2))
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device\); no existing file was changed"):
        write_xmc(path, np.ones((2, 2)), np.eye(2))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_device_without_space():
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        write_xmc(full, np.eye(2), np.eye(2))


def test_numpys_warning_does_not_leak():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="line 2"):
            read_xmc(text("1 5 3\n0 1:1.2.3\n"))
    assert caught == []


@pytest.mark.skipif(not (DATA / "bibtex").is_dir(), reason=f"bibtex is not in {DATA}")
def test_bibtex_there_and_back(tmp_path):
    X = sp.load_npz(DATA / "bibtex" / "X_train.npz").astype(np.float32).tocsr()
    Y = sp.load_npz(DATA / "bibtex" / "Y_train.npz").astype(np.float32).tocsr()
    write_xmc(tmp_path / "bibtex.txt", X, Y)
    data = read_xmc(tmp_path / "bibtex.txt", label_names=DATA / "bibtex" / "labels.txt")
    assert same(data.X, X)
    assert same(data.Y, Y)
    assert len(data.label_names) == 159
