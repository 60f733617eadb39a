import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.lib import format as npy

from nnae.io import read_npz

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("NNAE_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture
def pair(tmp_path):
    rng = np.random.default_rng(0)
    X = sp.random(9, 5, density=0.4, format="csr", random_state=rng)
    Y = sp.csr_matrix((rng.random((9, 3)) < 0.5).astype(np.int64))
    sp.save_npz(tmp_path / "X.npz", X)
    sp.save_npz(tmp_path / "Y.npz", Y.tocoo())
    return tmp_path, X, Y


def test_pair(pair):
    folder, X, Y = pair
    data = read_npz(folder / "X.npz", folder / "Y.npz", label_names=["a", "b", "c"])
    assert data.X.dtype == np.float32
    assert (X.astype(np.float32) != data.X).nnz == 0
    assert (data.Y != Y).nnz == 0
    assert read_npz(None, folder / "Y.npz").X is None
    with pytest.raises(ValueError, match=r"Y\.npz has 3 labels, label_names has 2"):
        read_npz(None, folder / "Y.npz", label_names=["a", "b"])
    with pytest.raises(ValueError, match=r"X\.npz: labels must be 0/1"):
        read_npz(None, folder / "X.npz")
    sp.save_npz(folder / "X.npz", X[:4])
    with pytest.raises(ValueError, match=r"Y\.npz has 9 rows, X\.npz has 4"):
        read_npz(folder / "X.npz", folder / "Y.npz")


def test_every_cut_is_refused(pair):
    folder, _, _ = pair
    whole = (folder / "Y.npz").read_bytes()
    for stop in range(0, len(whole), 37):
        (folder / "Y.npz").write_bytes(whole[:stop])
        with pytest.raises(ValueError, match=r"^Y\.npz: "):
            read_npz(None, folder / "Y.npz")


def save(path, **arrays):
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    "change",
    [
        {"indices": np.array([0, 7], np.int32)},
        {"indices": np.array([0, -1], np.int32)},
        {"indptr": np.array([0, 2, 1], np.int32)},
        {"indptr": np.array([0, 1, 9], np.int32)},
        {"shape": np.array([2, -3])},
        {"format": np.array("xyz")},
        {"data": np.array([1.0, np.nan])},
        {"data": np.array(["a", "b"])},
        {"data": np.array([1j, 2])},
    ],
)
def test_matrices_made_by_hand(tmp_path, change):
    arrays = {
        "format": np.array("csr"),
        "shape": np.array([2, 3]),
        "data": np.ones(2),
        "indices": np.array([0, 1], np.int32),
        "indptr": np.array([0, 1, 2], np.int32),
    }
    path = tmp_path / "Y.npz"
    save(path, **arrays)
    assert read_npz(None, path).Y.shape == (2, 3)
    save(path, **{**arrays, **change})
    with pytest.raises(ValueError, match=r"^Y\.npz: "):
        read_npz(None, path)


def test_no_pickle_is_loaded(tmp_path):
    class Loaded:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    path = tmp_path / "Y.npz"
    save(path, format=np.array("csr"), data=np.array([Loaded()], dtype=object))
    with pytest.raises(ValueError, match=r"^Y\.npz: "):
        read_npz(None, path)
    assert not (tmp_path / "ran").exists()


def test_declared_sizes_are_not_believed(tmp_path):
    header = io.BytesIO()
    npy.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    path = tmp_path / "Y.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", header.getvalue())
    with pytest.raises(ValueError, match=r"data\.npy declares 1000000000000 values"):
        read_npz(None, path)


def test_rows_without_evidence(tmp_path):
    path = tmp_path / "Y.npz"
    sp.save_npz(path, sp.coo_matrix(([1.0], ([0], [0])), shape=(2 * 10**6, 2)))
    with pytest.raises(ValueError, match="2000000 rows are declared for 1 entries"):
        read_npz(None, path)


@pytest.mark.skipif(not (DATA / "bibtex").is_dir(), reason=f"bibtex is not in {DATA}")
def test_bibtex():
    folder = DATA / "bibtex"
    data = read_npz(folder / "X_test.npz", folder / "Y_test.npz", label_names=folder / "labels.txt")
    assert data.X.shape == (2515, 1836)
    assert data.Y.shape == (2515, 159)
