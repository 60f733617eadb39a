"""Features of pictures: backbones, batches, the cache, pipelines and model files."""

import os
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import nnae

pytest.importorskip("PIL.Image")
pytest.importorskip("skimage")

from nnae.images import (
    HogColour,
    ImageFeatures,
    ModuleBackbone,
    OnnxBackbone,
    TFLiteBackbone,
)

DATA = Path(os.environ.get("NNAE_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="module")
def emoji():
    return nnae.datasets.load_emoji(return_images=True)


def test_the_default_is_what_made_the_features_of_emoji(emoji):
    X = ImageFeatures().fit_transform(emoji.images_test[:12])
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X, nnae.datasets.emoji_features(emoji.images_test[:12]))
    assert np.abs(X - emoji.X_test[:12].toarray()).max() < 0.01
    names = ImageFeatures().get_feature_names_out()
    assert names.tolist() == emoji.feature_names.tolist()


def test_other_sizes_have_a_name_for_every_feature():
    backbone = HogColour(48, cell=12, bins=(4, 2, 2), grid=3, orientations=6)
    features = ImageFeatures(backbone)
    X = features.fit_transform([np.zeros((90, 70, 3), np.uint8)])
    assert X.shape[1] == len(set(features.get_feature_names_out())) == features.n_features_out_
    for wrong, message in (
        ({"size": 60, "cell": 7}, "multiple of cell"),
        ({"size": 8}, "hold a block of 16"),
        ({"bins": (2, 2)}, "hue, saturation and value"),
    ):
        with pytest.raises(ValueError, match=message):
            ImageFeatures(HogColour(**wrong)).fit([])


def test_batches_change_nothing_and_none_is_a_matrix_of_no_rows(emoji):
    pictures, seen = emoji.images_test[:7], []
    X = ImageFeatures(batch_size=3, callback=lambda *done: seen.append(done)).transform(pictures)
    np.testing.assert_array_equal(X, ImageFeatures().transform(list(pictures)))
    assert seen == [(3, 7), (6, 7), (7, 7)]
    assert ImageFeatures().transform([]).shape == (0, 3940)


def test_columns_of_tables_are_lists_of_pictures(emoji, tmp_path):
    import pandas as pd
    from PIL import Image

    paths = [tmp_path / f"{at}.png" for at in range(2)]
    for path, pixels in zip(paths, emoji.images_test, strict=False):
        Image.fromarray(pixels).save(path)
    expected = ImageFeatures().transform(emoji.images_test[:2])
    names = list(map(str, paths))
    frame = pd.DataFrame({"file": names})
    for given in (names, paths, np.array(names), np.array(names)[:, None], frame, frame["file"]):
        np.testing.assert_array_equal(ImageFeatures().transform(given), expected)
    with Image.open(paths[0]) as image:
        for single in (names[0], paths[0], image):
            with pytest.raises(TypeError, match="put it in a list"):
                ImageFeatures().transform(single)
    with pytest.raises(ValueError, match=r"array of shape \(64, 64, 3\)"):
        ImageFeatures().transform(emoji.images_test[0])


class Counting(HogColour):
    calls = 0

    def describe(self, pictures):
        type(self).calls += len(pictures)
        return super().describe(pictures)


def test_a_cache_is_by_content_and_survives_damage(emoji, tmp_path):
    pictures = emoji.images_test[:4]
    features = ImageFeatures(Counting(32), cache=tmp_path / "kept")
    X = features.transform(pictures)
    Counting.calls = 0
    again = features.transform(pictures[::-1])
    np.testing.assert_array_equal(again, X[::-1])
    assert Counting.calls == 0
    files = sorted((tmp_path / "kept").rglob("*.npz"))
    assert len(files) == 4 and not list((tmp_path / "kept").rglob("*.part"))
    files[0].write_bytes(files[0].read_bytes()[:100])
    files[1].write_bytes(b"")
    np.testing.assert_array_equal(features.transform(pictures), X)
    assert Counting.calls == 2
    np.testing.assert_array_equal(features.transform(pictures), X)
    assert Counting.calls == 2
    for other in (ImageFeatures(Counting(40), cache=tmp_path / "kept"),
                  ImageFeatures(Counting(32), fit_by="crop", cache=tmp_path / "kept")):  # fmt: skip
        other.transform(pictures[:1])
    assert Counting.calls == 2 + 2 * 2  # another size, another fit; each counts its features once
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cache must be a folder"):
        ImageFeatures(cache=tmp_path / "file").transform(pictures)


def test_parameters_and_copies(emoji):
    features = ImageFeatures(HogColour(32), batch_size=5)
    copies = clone(features), pickle.loads(pickle.dumps(features.fit([])))
    for copy in copies:
        assert copy.get_params()["backbone__size"] == 32
        np.testing.assert_array_equal(
            copy.transform(emoji.images_test[:1]), features.transform(emoji.images_test[:1])
        )
    for wrong, kind, message in (
        ({"backbone": "resnet50"}, ValueError, r"'hog', a file that ends in \.tflite or \.onnx"),
        ({"backbone": 7}, TypeError, "got int"),
        ({"backbone": "gone.tflite"}, ValueError, r"there is no file 'gone\.tflite'"),
        ({"fit_by": "squash"}, ValueError, "fit_by must be one of"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"errors": "skip"}, ValueError, "errors must be one of raise, nan"),
    ):
        with pytest.raises(kind, match=message):
            ImageFeatures(**wrong).transform(emoji.images_test[:1])


def test_modules_and_functions(emoji):
    pictures = emoji.images_test[:3]
    seen = []

    def network(batch):
        seen.append(batch)
        return (
            batch.reshape(3, 3, -1, 4, 4).mean(axis=2) if len(batch) == 3 else batch[:, :, :4, :4]
        )

    backbone = ModuleBackbone(network, size=16, mean=(0, 0, 0), std=(1, 1, 1))
    X = ImageFeatures(backbone).transform(pictures)
    assert X.shape == (3, 3)  # places of the picture are averaged
    assert seen[-1].shape == (3, 3, 16, 16) and seen[-1].dtype == np.float32
    np.testing.assert_allclose(X, seen[-1].mean(axis=(2, 3)), rtol=1e-5)
    last = ModuleBackbone(lambda batch: batch.mean(axis=(1, 2)), size=16, layout="nhwc")
    assert ImageFeatures(last).transform(pictures).shape == (3, 3)
    with pytest.raises(ValueError, match=r"give ModuleBackbone\(module, name=...\)"):
        ImageFeatures(backbone, cache="nowhere").transform(pictures)
    with pytest.raises(ValueError, match="not finite"):
        ImageFeatures(ModuleBackbone(lambda batch: batch[:, 0, 0] * np.nan)).fit([])
    with pytest.raises(ValueError, match="must give n x d numbers"):
        ImageFeatures(lambda batch: np.zeros(3)).fit([])


def test_modules_of_torch_are_asked_for_evaluation(monkeypatch, emoji):
    """A stand-in with torch's names: the real one is large, and nothing but these is used."""
    calls = []

    class Tensor:
        dtype, device = "float32", "cpu"

        def __init__(self, array):
            self.array = array

        def to(self, device, dtype):
            calls.append((device, dtype))
            return self

        def detach(self):
            return self

        def cpu(self):
            return self

        def float(self):
            return self

        def numpy(self):
            return self.array

    class Mode:
        def __enter__(self):
            calls.append("inference")

        def __exit__(self, *_):
            calls.append("done")

    torch = types.ModuleType("torch")
    torch.from_numpy, torch.inference_mode = Tensor, Mode
    monkeypatch.setitem(sys.modules, "torch", torch)

    class Module:
        pretrained_cfg = {"input_size": (3, 8, 8), "mean": (0.5,) * 3, "std": (0.5,) * 3}  # noqa: RUF012

        def __init__(self):
            self.weight = np.ones(3, np.float32)

        def eval(self):
            calls.append("eval")

        def parameters(self):
            return iter([Tensor(self.weight)])

        def state_dict(self):
            return {"weight": Tensor(self.weight)}

        def __call__(self, batch):
            assert batch.array.shape[1:] == (3, 8, 8)
            return Tensor(batch.array.mean(axis=(2, 3)) * self.weight)

    Module.__module__ = "torch.nn.modules"
    module = Module()
    X = ImageFeatures(module).transform([np.full((5, 9, 3), 255, np.uint8)])
    np.testing.assert_allclose(X, 1.0)
    assert calls[0] == "eval" and calls[-3:] == [("cpu", "float32"), "inference", "done"]
    before = ModuleBackbone(module).identity()
    module.weight = 2 * module.weight
    assert ModuleBackbone(module).identity() != before


def onnx_file(path, *, channels_first=True, batch="n"):
    """Write a network of one matrix: means over places, times weights."""
    onnx = pytest.importorskip("onnx", reason="onnx is needed to write a network for the test")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    weights = np.arange(12, dtype=np.float32).reshape(3, 4)
    shape = [batch, 3, 16, 16] if channels_first else [batch, 16, 16, 3]
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    axes = onnx.numpy_helper.from_array(np.array([2, 3] if channels_first else [1, 2]), "axes")
    nodes = [
        make.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        make.make_node("MatMul", ["mean", "W"], ["y"]),
    ]
    graph = make.make_graph(
        nodes, "net",
        [make.make_tensor_value_info("x", kind, shape)],
        [make.make_tensor_value_info("y", kind, [batch, 4])],
        [onnx.numpy_helper.from_array(weights, "W"), axes],
    )  # fmt: skip
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return weights


@pytest.mark.parametrize(("channels_first", "batch"), [(True, "n"), (False, "n"), (True, 2)])
def test_onnx_files(tmp_path, emoji, channels_first, batch):
    path = tmp_path / "net.onnx"
    weights = onnx_file(path, channels_first=channels_first, batch=batch)
    pictures = [np.full((20, 30, 3), (255, 0, 128), np.uint8), *emoji.images_test[:4]]
    backbone = OnnxBackbone(str(path), mean=(0, 0, 0), std=(1, 1, 1), n_threads=1)
    X = ImageFeatures(backbone).transform(pictures)
    np.testing.assert_allclose(X[0], np.array([1, 0, 128 / 255]) @ weights, rtol=1e-5)
    features = ImageFeatures(str(path), cache=tmp_path / "kept")
    assert features.transform(pictures).shape == (5, 4)
    with pytest.raises(ValueError, match="output must be one of y"):
        ImageFeatures(OnnxBackbone(str(path), output="z")).fit([])
    with pytest.raises(ValueError, match=r"size must be 16 x 16"):
        ImageFeatures(OnnxBackbone(str(path), size=32)).fit([])
    path.write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"net\.onnx: not an ONNX file") as caught:
        ImageFeatures(str(path)).fit([])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "module", "words"),
    [("a.onnx", "onnxruntime", "pip install onnxruntime"),
     ("a.tflite", "ai_edge_litert.interpreter", "pip install ai-edge-litert")],
)  # fmt: skip
def test_what_is_missing_is_named(tmp_path, monkeypatch, name, module, words):
    (tmp_path / name).write_bytes(b"network")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=words):
        ImageFeatures(str(tmp_path / name)).fit([])


@pytest.fixture(scope="module")
def network():
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    found = sorted((DATA / "image_backbone").glob("*.tflite"))
    if not found or not (DATA / "coco_small").exists():
        pytest.skip(f"{DATA} has no image_backbone and coco_small (set NNAE_DATA)")
    return str(found[0])


def test_a_real_network_on_photographs(network, tmp_path):
    photographs = sorted((DATA / "coco_small" / "images").glob("*.jpg"))[:6]
    features = ImageFeatures(TFLiteBackbone(network, n_threads=1), cache=tmp_path / "kept")
    X = features.fit_transform(photographs)
    assert X.shape == (6, 1024) and (X >= 0).all()
    alone = ImageFeatures(network).transform(photographs[2:3])
    np.testing.assert_array_equal(alone[0], X[2])
    mirrored = features.describe(features.see(photographs[0])[None, :, ::-1])[0]
    likeness = (X @ mirrored) / np.linalg.norm(X, axis=1)
    assert likeness.argmax() == 0  # of all photographs its own mirror image is most like it
    copy = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(copy.transform(photographs[:1]), X[:1])
    with pytest.raises(ValueError, match="output must be below 1"):
        ImageFeatures(TFLiteBackbone(network, output=1)).fit([])


def test_a_file_that_changed_is_not_the_backbone(network, tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(Path(network).read_bytes())
    features = pickle.loads(pickle.dumps(ImageFeatures(str(path)).fit([])))
    path.write_bytes(b"TFL3 of another kind")
    with pytest.raises(ValueError, match="not the backbone that the model was fitted with"):
        features.transform([np.zeros((8, 8, 3), np.uint8)])
    with pytest.raises(ValueError, match=r"net\.tflite: not a TFLite file"):
        ImageFeatures(str(path)).fit([])


def test_pipelines_take_pictures_and_predict_labels(emoji, tmp_path):
    options = {"profile": "fast", "random_state": 0, "n_threads": 1}
    model = make_pipeline(ImageFeatures(), MaxAbsScaler(), nnae.TwoStepClassifier(**options))
    labels = emoji.Y_train[:60]
    model.fit(list(emoji.images_train[:60]), labels[:, labels.sum(axis=0).A1 > 3])
    X = model[:-1].transform(emoji.images_test[:3])
    indices, _ = model[-1].predict_topk(X, 2)
    assert indices.shape == (3, 2)
    predicted = model.predict(emoji.images_test[:3])
    assert predicted.shape == (3, len(model[-1].label_names_))
    model[-1].image_features_ = ImageFeatures(HogColour(32), cache=str(tmp_path / "kept"))
    nnae.save(model[-1], tmp_path / "model.nnae")
    loaded = nnae.load(tmp_path / "model.nnae").image_features_
    assert loaded.get_params()["backbone__size"] == 32
