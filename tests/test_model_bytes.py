"""A model as bytes in memory: every bit comes back, and what is no such block is refused."""

import io

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

import nnae
from nnae import persist
from nnae._model_bytes import MAGIC, read_block, write_block
from nnae._model_file import Contents
from nnae.persist import ModelFileError


@pytest.fixture(scope="module")
def data():
    Y = nnae.datasets.make_label_hierarchy(n_samples=200, random_state=0).Y
    return Y[:, ::2], Y[:, 1::2]


def block_of(*arrays, archives=()):
    file = io.BytesIO()
    write_block(Contents({"objects": []}, list(arrays), list(archives)), file)
    return file.getvalue()


@pytest.mark.parametrize("estimator", [None, RandomForestRegressor(3, random_state=0)])
def test_a_model_comes_back_with_every_bit(data, estimator):
    X, Y = data
    model = nnae.TwoStepClassifier(None, estimator, profile="fast", random_state=0).fit(X, Y)
    block = persist.dumps(model)
    for copy in (block, bytearray(block), memoryview(block)):
        again = persist.loads(copy)
        for before, after in zip(model.predict_topk(X, 4), again.predict_topk(X, 4), strict=True):
            assert np.array_equal(before, after)
        assert np.array_equal(model.compressor_.codes_[0], again.compressor_.codes_[0])


def test_it_holds_what_a_file_holds(data, tmp_path):
    tree = nnae.LabelHierarchy.from_compressor(nnae.NMF(4, random_state=0).fit(data[1]))
    path = tmp_path / "tree.nnae"
    nnae.save(tree, path)
    assert persist.loads(persist.dumps(tree)).to_json() == nnae.load(path).to_json()


def test_arrays_of_every_kind_and_order():
    arrays = [
        np.arange(12.0).reshape(3, 4),
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.arange(24, dtype=np.int16).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(10.0)[::-2],
        np.array([["leek", "é"]]),
        np.array([True, False]),
        np.array(3.5),
        np.empty((0, 7)),
        np.array([1 + 2j]),
        np.zeros(5000),
        np.where(np.arange(9000).reshape(90, 100) % 50 < 2, np.pi, -0.0 * (np.arange(100) < 3)),
        np.asfortranarray(np.where(np.arange(8000).reshape(80, 100) % 7 == 3, np.nan, 0.0)),
        np.eye(80, dtype=np.float32),
    ]
    found = read_block(block_of(*arrays, archives=[b"", b"some bytes"]))
    assert found.archives == [b"", b"some bytes"]
    for before, after in zip(arrays, found.arrays, strict=True):
        assert before.dtype == after.dtype and before.shape == after.shape
        assert before.tobytes() == after.tobytes()
    assert found.arrays[1].flags.f_contiguous
    assert len(block_of(np.eye(500))) < 500 * 500


def test_blocks_that_were_cut_or_altered_are_refused(data):
    block = persist.dumps(nnae.NMF(2, random_state=0).fit(data[1]))
    for end in (0, 5, len(MAGIC) + 4, 100, len(block) // 2, len(block) - 64):
        with pytest.raises(ModelFileError) as caught:
            persist.loads(block[:end])
        assert "\n" not in str(caught.value)
    for altered in (
        b"PK" + block[2:],
        block.replace(b'"<f4"', b'"|O4"').replace(b'"<f8"', b'"|O8"'),
        block.replace(b'"parts": [[0', b'"parts": [[-', 1),
        block.replace(b'"class": "NMF"', b'"class": "Pop"'),
        block.replace(b"false, false]", b"false, true]", 1),
    ):
        assert altered != block
        with pytest.raises(ModelFileError):
            persist.loads(altered)


def test_wrong_input():
    with pytest.raises(TypeError, match="model must be a model of nnae; got int"):
        persist.dumps(3)
    with pytest.raises(TypeError, match="data must be bytes; got str"):
        persist.loads("text")
    with pytest.raises(TypeError, match="trusted must be a list"):
        persist.loads(b"", trusted="sklearn")
