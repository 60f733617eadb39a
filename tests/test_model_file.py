"""The file of a model: whole, unaltered files alone are read, and saving keeps the old one."""

import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import tracemalloc
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.neighbors import KNeighborsRegressor

import nnae
from nnae import _model_file
from nnae.persist import ModelFileError


def forge(path, objects, members=(), method=zipfile.ZIP_STORED, **changes):
    """Write a file whose checksums are right, whatever it holds."""
    members = dict(members)
    listed = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
    }
    manifest = json.dumps({"format": 1, "objects": objects, "members": listed, **changes}).encode()
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in {**members, "manifest.json": manifest}.items():
            archive.writestr(name, data)
        archive.comment = b"nnae-model 1 sha256:" + hashlib.sha256(manifest).hexdigest().encode()
    return path


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def refused(path, match):
    with pytest.raises(ModelFileError, match=match) as caught:
        nnae.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.fixture
def saved(tmp_path):
    model = nnae.NMF(3, max_iter=5, tol=0, random_state=0, n_threads=1)
    model.fit((np.random.default_rng(0).random((60, 12)) < 0.3).astype(float))
    path = tmp_path / "m.nnae"
    nnae.save(model, path)
    return model, path


def test_a_file_cut_anywhere_is_refused(saved, tmp_path):
    data = saved[1].read_bytes()
    cut = tmp_path / "cut"
    for size in {0, 1, 21, 22, len(data) - 1, len(data) - 22, *range(50, len(data), 97)}:
        cut.write_bytes(data[:size])
        refused(cut, "cut|damaged|not a model file")


def test_a_flipped_bit_is_refused_or_changes_nothing(saved, tmp_path):
    path = saved[1]
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    spots = {*range(60), *range(len(data) - 120, len(data)), *rng.integers(0, len(data), 150)}
    flipped, noticed = tmp_path / "flipped", 0
    for spot in spots:
        bad = bytearray(data)
        bad[spot] ^= 1 << int(rng.integers(8))
        flipped.write_bytes(bad)
        try:
            again = nnae.load(flipped)
        except ModelFileError as error:
            noticed += 1
            assert "\n" not in str(error)
        else:
            nnae.save(again, flipped)
            assert flipped.read_bytes() == data
    assert noticed > len(spots) / 2


def test_other_files_and_other_formats_are_refused_with_advice(saved, tmp_path):
    (tmp_path / "text").write_text("hello\n")
    refused(tmp_path / "text", "not a whole model file of nnae")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("a", "b")
    refused(tmp_path / "zip", "not a model file of nnae")
    newer = saved[1].read_bytes().replace(b"nnae-model 1 ", b"nnae-model 2 ")
    (tmp_path / "newer").write_bytes(newer)
    refused(tmp_path / "newer", "file format 2 is unknown to nnae .* update nnae")
    with pytest.raises(FileNotFoundError):
        nnae.load(tmp_path / "none")


NMF = {"class": "NMF", "params": {}, "attributes": {}}


@pytest.mark.parametrize("name", ["../a.npy", "/arrays/0.npy", "arrays/../0.npy", "arrays/00.npy"])
def test_paths_in_the_file_are_refused(tmp_path, name):
    refused(forge(tmp_path / "m", [NMF], {name: npy(np.ones(1))}), "does not belong")


@pytest.mark.parametrize(
    "name", ["os:system", "nnae.cli:main", "nnae._core:variant", "nnae.ridge..os:x", "Thing", ""]
)
def test_only_models_of_the_package_are_built(tmp_path, name):
    record = {"class": name, "params": {}, "attributes": {}}
    refused(forge(tmp_path / "m", [record]), "not one of nnae's models")
    refused(forge(tmp_path / "m", [{**NMF, "class": "nnae.factorise:Any"}]), "not in this version")


@pytest.mark.parametrize(
    "record",
    [
        {**NMF, "params": {"no_such": 1}},
        {**NMF, "attributes": {"fit": None}},
        {**NMF, "attributes": {"__class__": None}},
        {**NMF, "attributes": {"codes_": {"t": "array", "id": 0}}},
        {**NMF, "attributes": {"codes_": {"t": "object", "id": -1}}},
        {**NMF, "attributes": {"codes_": {"t": "pickle"}}},
        {**NMF, "attributes": {"codes_": {"t": "scalar", "dtype": "O", "v": "00"}}},
        {"class": "NMF"},
        None,
    ],
)
def test_manifests_that_fit_no_model_are_refused(tmp_path, record):
    refused(forge(tmp_path / "m", [record]), "m: ")


def test_sizes_are_bounded_before_anything_is_unpacked(tmp_path):
    array = {"t": "array", "id": 0}
    objects = [{**NMF, "attributes": {"codes_": array}}]
    bomb = {"arrays/0.npy": npy(np.zeros(30_000_000, np.uint8))}
    packed = forge(tmp_path / "packed", objects, bomb, zipfile.ZIP_DEFLATED)
    header = npy(np.zeros(4)).replace(b"(4,)", b"(9999999999,)").replace(b" " * 9 + b"\n", b"\n")
    headed = forge(tmp_path / "headed", objects, {"arrays/0.npy": header})
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("1.npy", header)
        archive.writestr("schema.json", "{}")
    model = {"t": "estimator", "id": 0}
    objects = [{**NMF, "attributes": {"codes_": model}}]
    nested = forge(tmp_path / "nested", objects, {"estimators/0.skops": inner.getvalue()})
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * 200_000_000)
    unfolds = forge(tmp_path / "unfolds", objects, {"estimators/0.skops": inner.getvalue()})
    del inner
    tracemalloc.start()
    refused(packed, "more than it can hold")
    refused(headed, r"does not fit its 1\d\d bytes")
    refused(nested, r"does not fit its 1\d\d bytes")
    refused(unfolds, "unfold to a size")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_arrays_of_objects_and_bad_sparse_matrices_are_refused(tmp_path):
    members = {"arrays/0.npy": npy(np.array([{}], object))}
    refused(forge(tmp_path / "m", [NMF], members), "of type object")
    arrays = [np.ones(1), np.array([7], np.int32), np.array([0, 1], np.int32)]
    members = {f"arrays/{i}.npy": npy(array) for i, array in enumerate(arrays)}
    sparse = {"t": "sparse", "class": "csr_matrix", "shape": [1, 3]}
    sparse |= {"data": 0, "indices": 1, "indptr": 2}
    objects = [{**NMF, "attributes": {"codes_": sparse}}]
    refused(forge(tmp_path / "m", objects, members), "cannot be built .*ind")


def test_members_must_be_those_that_were_listed(tmp_path):
    path = forge(tmp_path / "m", [NMF], {"arrays/0.npy": npy(np.ones(3))})
    assert type(nnae.load(path)) is nnae.NMF
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        comment, manifest = archive.comment, archive.read("manifest.json")
    for value in (None, np.ones(4), np.full(3, 2.0)):
        with zipfile.ZipFile(path, "w") as archive:
            if value is not None:
                archive.writestr("arrays/0.npy", npy(value))
            archive.writestr("manifest.json", manifest)
            archive.comment = comment
        refused(path, "not those that its manifest lists|were written|checksum")
    assert path.read_bytes() != data


def test_untrusted_types_are_listed_and_can_be_trusted(tmp_path):
    X = np.random.default_rng(0).random((30, 2))
    model = nnae.NMF(init=KNeighborsRegressor(3).fit(X, X))
    path = tmp_path / "m"
    nnae.save(model, path)
    untrusted = skops.io.get_untrusted_types(data=skops.io.dumps(model.init))
    assert untrusted
    refused(path, "not trusted: " + ", ".join(untrusted))
    again = nnae.load(path, trusted=untrusted)
    assert (model.init.predict(X) == again.init.predict(X)).all()
    with pytest.raises(TypeError, match="trusted must be a list"):
        nnae.load(path, trusted=True)
    with pytest.raises(ModelFileError, match="trusted must list types"):
        nnae.load(path, trusted=[1])


def fails(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", [(_model_file._Meter, "write"), (os, "fsync"), (os, "replace")])
def test_a_full_disk_keeps_the_old_file(saved, monkeypatch, place):
    path = saved[1]
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(*place, fails)
        with pytest.raises(OSError, match="No space left") as caught:
            nnae.save(nnae.NMF(init="new"), path)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    nnae.save(nnae.NMF(init="new"), path)
    assert nnae.load(path).init == "new"


def test_a_disk_that_is_really_full_keeps_the_old_file(tmp_path):
    if not shutil.which("mount"):
        pytest.skip("a small file system can be mounted on Linux only")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        path = tmp_path / "m.nnae"
        nnae.save(nnae.NMF(init="old"), path)
        with pytest.raises(OSError, match="No space left") as caught:
            nnae.save(nnae.NMF(init=np.random.default_rng(0).random(200_000)), path)
        assert str(path) in str(caught.value)
        assert list(tmp_path.iterdir()) == [path]
        assert nnae.load(path).init == "old"
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_missing_folder_is_one_clear_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="could not be written"):
        nnae.save(nnae.NMF(), tmp_path / "no" / "m")
