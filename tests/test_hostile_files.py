"""Files from strangers: what fuzzing found, what they may promise, and indices made by hand."""

import functools
import io
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp

import nnae
from nnae.io import row_blocks
from nnae.one_vs_rest import OneVsRestLinear
from nnae.ridge import MultiOutputRidge


def npz_bytes():
    out = io.BytesIO()
    sp.save_npz(out, sp.eye(3, format="csr"))
    return out.getvalue()


# --- findings of tests/fuzz, each with the input that found it


def test_a_line_of_ascii_separators_is_no_keyword_of_arff():
    with pytest.raises(ValueError, match="line 1: @relation, @attribute or @data"):
        nnae.io.read_arff(io.BytesIO(b"\x1f\nela\x90la -"), labels=1)
    with pytest.raises(ValueError, match="line 1"):
        nnae.io.read_arff(io.BytesIO(b"@attribute a \x1f\n@data\n1\n"), labels=1)


def test_a_member_outside_its_npz_is_damage(tmp_path):
    path, data = tmp_path / "Y.npz", bytearray(npz_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 42 : entry + 46] = struct.pack("<I", 0xF0000000)  # where its bytes begin
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"Y\.npz: not a matrix saved by"):
        nnae.io.read_npz(None, path)
    with pytest.raises(FileNotFoundError):
        nnae.io.read_npz(None, tmp_path / "none.npz")


def test_an_array_of_blocks_that_is_missing(tmp_path):
    nnae.io.write_blocks(tmp_path / "rows", (np.eye(3), np.eye(3)))
    (tmp_path / "rows" / "Y_indices").unlink()
    with pytest.raises(ValueError, match="Y_indices is missing"):
        row_blocks(tmp_path / "rows")


# --- promises: nothing is allocated for what a file says it will hold

HUGE = 10**18


@pytest.mark.parametrize(
    "read",
    [
        lambda: nnae.io.read_xmc(io.BytesIO(b"%d 3 3\n0 1:1\n" % HUGE)),
        lambda: nnae.io.read_xmc(io.BytesIO(b"1 %d 3\n0 1:1\n" % HUGE)),
        lambda: nnae.io.read_xmc(io.BytesIO(b"1 3 3\n0 %d:1\n" % HUGE)),
        lambda: nnae.io.read_xmc(io.BytesIO(b"0 %d:1\n" % HUGE)),
        lambda: nnae.io.read_svmlight(io.BytesIO(b"0 %d:1\n" % HUGE)),
        lambda: nnae.io.read_svmlight(io.BytesIO(b"%d 1:1\n" % HUGE)),
        lambda: nnae.io.read_arff(
            io.BytesIO(b"@relation r\n@attribute a {0,1}\n@data\n{%d 1}\n" % HUGE), labels=1
        ),
    ],
)
def test_a_promise_of_a_quintillion_is_refused(read):
    with pytest.raises(ValueError, match=r"line \d"):
        read()


def test_an_npy_header_that_promises_more_than_its_member(tmp_path):
    path, out = tmp_path / "Y.npz", io.BytesIO()
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }" % HUGE
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    with zipfile.ZipFile(io.BytesIO(npz_bytes())) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, array if name == "data.npy" else old.read(name))
    path.write_bytes(out.getvalue())
    with pytest.raises(ValueError, match="does not hold"):
        nnae.io.read_npz(None, path)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "Y.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("data.npy", b"\0" * (64 << 20))
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 0xFFFFFF00)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="more than the file holds"):
        nnae.io.read_npz(None, path)


# --- sparse matrices made by hand


def damaged(kind, shape=(12, 6)):
    """Return a matrix that scipy takes for sound: its arrays were changed after it was made."""
    matrix = sp.csr_matrix((np.arange(shape[0] * shape[1]).reshape(shape) % 3 == 0).astype(float))
    if kind == "beyond":
        matrix.indices[5] = 10_000_000
    elif kind == "negative":
        matrix.indices[5] = -5_000_000
    elif kind == "indptr":
        matrix.indptr[4] = 9_000_000
    elif kind == "end":
        matrix.indptr[-1] += 1_000_000
    elif kind == "falling":
        matrix.indptr[3], matrix.indptr[4] = matrix.indptr[4], matrix.indptr[3]
    elif kind == "csc":
        matrix = matrix.tocsc()
        matrix.indices[5] = 10_000_000
    elif kind == "coo":
        matrix = matrix.tocoo()
        matrix.row[5] = 10_000_000
    return matrix


KINDS = ["beyond", "negative", "indptr", "end", "falling", "csc", "coo"]
SOUND = sp.csr_matrix((np.arange(72).reshape(12, 6) % 3 == 0).astype(float))


@functools.cache
def fitted():
    return nnae.NMF(2, max_iter=3, tol=0, random_state=0).fit(SOUND)


def unfitted(decoder="linear"):
    compressor = nnae.NNAE((2,), encoder="linear", pretrain_iter=3, tol=0, random_state=0)
    return nnae.TwoStepClassifier(compressor, decoder=decoder, profile="fast", random_state=0)


@functools.cache
def two_step(decoder="linear"):
    return unfitted(decoder).fit(SOUND, SOUND)


@functools.cache
def tree():
    return nnae.LabelHierarchy.from_compressor(fitted())


ENTRANCES = {
    "NMF.fit": lambda M: nnae.NMF(2).fit(M),
    "NMF.transform": lambda M: fitted().transform(M),
    "NNAE.fit": lambda M: nnae.NNAE((2,)).fit(M),
    "NNAE.fit linear": lambda M: nnae.NNAE((2,), encoder="linear").fit(M),
    "NNAE.fit X": lambda M: nnae.NNAE((2,), feature_weight=1.0).fit(SOUND, X=M),
    "TwoStepClassifier.fit X": lambda M: unfitted().fit(M, SOUND),
    "TwoStepClassifier.fit Y": lambda M: unfitted().fit(SOUND, M),
    "TwoStepClassifier.predict_topk": lambda M: two_step().predict_topk(M),
    "TwoStepClassifier.predict tree": lambda M: two_step("tree").predict(M),
    "MultiOutputRidge.fit": lambda M: MultiOutputRidge().fit(M, np.eye(12)),
    "OneVsRestLinear.fit X": lambda M: OneVsRestLinear().fit(M, SOUND),
    "OneVsRestLinear.fit Y": lambda M: OneVsRestLinear().fit(SOUND, M),
    "audit Y": lambda M: nnae.audit(tree(), M, n_permutations=19),
    "audit X": lambda M: nnae.audit(tree(), SOUND, X=M, n_permutations=19),
    "label_dependencies": nnae.label_dependencies,
    "from_labels X": lambda M: nnae.LabelHierarchy.from_labels(SOUND, M),
    "precision_at_k": lambda M: nnae.metrics.precision_at_k(M, np.zeros((12, 1), int), 1),
    "f1": lambda M: nnae.metrics.f1(M, SOUND),
    "row_blocks": lambda M: list(row_blocks((M, SOUND))),
    "row_blocks Y": lambda M: list(row_blocks([(None, M)])),
    "write_xmc X": lambda M: nnae.io.write_xmc(io.StringIO(), M, SOUND),
    "write_xmc Y": lambda M: nnae.io.write_xmc(io.StringIO(), SOUND, M),
}


def test_no_entrance_follows_indices_made_by_hand(tmp_path):
    """In a process of its own: what follows such an index may not come back to tell."""
    script = (
        "import sys; sys.path.append(sys.argv[1]); import warnings; "
        "warnings.simplefilter('ignore'); import test_hostile_files as t; t.walk()"
    )
    folder = __file__.rsplit("/", 1)[0]
    done = subprocess.run(
        [sys.executable, "-c", script, folder],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr[-2000:])


def walk():
    for name, enter in ENTRANCES.items():
        for kind in KINDS:
            print(name, kind, flush=True)
            try:
                enter(damaged(kind))
            except ValueError as refused:
                assert "\n" not in str(refused), name
            else:
                raise AssertionError(f"{name} took a matrix with {kind} indices")
