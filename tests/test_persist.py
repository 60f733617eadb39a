"""Models on disk: every bit comes back, and what no file can hold is named."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge

import nnae
from nnae import _model_tree
from nnae.one_vs_rest import OneVsRestLinear
from nnae.ridge import MultiOutputRidge


class Holder(BaseEstimator):
    """A model that holds whatever a test wants."""

    _saved_attributes = ("_extra",)

    def __init__(self, value=None, callback=None, random_state=None):
        self.value = value
        self.callback = callback
        self.random_state = random_state


@dataclass(frozen=True)
class Point:
    x: float
    names: tuple
    norm: float = field(init=False, default=0.0)


class Stated:
    def __init__(self, words):
        self.words = words

    def __nnae_state__(self):
        return {"words": sorted(self.words)}

    @classmethod
    def __nnae_restore__(cls, state):
        return cls(set(state["words"]))


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setattr(_model_tree, "MODULES", (*_model_tree.MODULES, __name__))


def same(a, b):
    """Assert equal types, values, bits and memory orders."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray) and a.dtype != object:
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.tobytes() == b.tobytes()
        assert not a.flags.forc or a.flags.f_contiguous == b.flags.f_contiguous
        assert b.flags.writeable and b.flags.aligned
    elif isinstance(a, np.ndarray):
        assert a.shape == b.shape and a.tolist() == b.tolist()
    elif sp.issparse(a):
        assert a.shape == b.shape
        for part in ("data", "indices", "indptr"):
            same(getattr(a, part), getattr(b, part))
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            same(left, right)
    elif isinstance(a, BaseEstimator):
        same(vars(a), vars(b))
    elif isinstance(a, float) and np.isnan(a):
        assert np.isnan(b)
    else:
        assert a == b


def roundtrip(model, path):
    nnae.save(model, path)
    again = nnae.load(path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    return again


def labels(rng, n=60, L=12):
    return sp.random(n, L, 0.3, "csr", random_state=rng, data_rvs=np.ones)


@pytest.mark.parametrize("loss", ["bernoulli", "frobenius"])
def test_nmf_comes_back_to_the_bit(tmp_path, loss):
    Y = labels(np.random.default_rng(0))
    model = nnae.NMF(4, loss=loss, max_iter=10, tol=0, random_state=3, n_threads=1).fit(Y)
    again = roundtrip(model, tmp_path / "m.nnae")
    same(model, again)
    same(model.transform(Y), again.transform(Y))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("encoder", ["nnls", "linear"])
def test_nnae_comes_back_to_the_bit(tmp_path, encoder):
    Y = labels(np.random.default_rng(1))
    sizes = {"pretrain_iter": 10, "max_iter": 5, "random_state": 0, "n_threads": 1}
    model = nnae.NNAE((6, 2), encoder=encoder, **sizes).fit(Y)
    again = roundtrip(model, tmp_path / "m.nnae")
    same(model, again)
    for level in (1, 2):
        same(model.transform(Y, level), again.transform(Y, level))


def test_ridge_comes_back_to_the_bit(tmp_path):
    X = np.random.default_rng(5).random((40, 6))
    for features in (X, sp.csr_matrix(X * (X > 0.5))):
        model = MultiOutputRidge().fit(features, X[:, :3] ** 2)
        again = roundtrip(model, tmp_path / "r.nnae")
        same(model, again)
        same(model.predict(features), again.predict(features))


def test_one_vs_rest_comes_back_to_the_bit(tmp_path):
    rng = np.random.default_rng(6)
    X, Y = rng.random((40, 6)), rng.random((40, 5)) < 0.4
    model = OneVsRestLinear("logistic", prune=0.05).fit(sp.csr_matrix(X * (X > 0.5)), Y)
    again = roundtrip(model, tmp_path / "o.nnae")
    same(model, again)
    same(model.decision_function(X), again.decision_function(X))


def test_two_step_classifier_predicts_the_same(tmp_path):
    pytest.importorskip("nnae.classify", reason="the classifier is not part of this build")
    rng = np.random.default_rng(2)
    X, Y = rng.random((80, 5)), labels(rng, 80)
    compressor = nnae.NMF(4, max_iter=20, tol=0, random_state=0)
    steps = (None, RandomForestRegressor(3, random_state=0), LogisticRegression())
    for step in steps:
        model = nnae.TwoStepClassifier(compressor, step).fit(X, Y)
        again = roundtrip(model, tmp_path / "m.nnae")
        same(model.predict_topk(X, 3), again.predict_topk(X, 3))


def test_label_hierarchy_comes_back(tmp_path):
    pytest.importorskip("nnae.hierarchy", reason="hierarchies are not part of this build")
    Y = nnae.datasets.make_label_hierarchy(120, random_state=0).Y
    compressor = nnae.NNAE((8, 3), pretrain_iter=50, random_state=0).fit(Y)
    hierarchy = nnae.LabelHierarchy.from_compressor(compressor)
    again = roundtrip(hierarchy, tmp_path / "h.nnae")
    assert again.to_json() == hierarchy.to_json()
    assert again.to_text() == hierarchy.to_text()


@pytest.mark.parametrize(
    "step",
    [
        Ridge(),
        RandomForestRegressor(3, random_state=0),
        HistGradientBoostingRegressor(max_iter=3, random_state=0),
    ],
    ids=lambda step: type(step).__name__,
)
def test_nested_estimators_predict_the_same(tmp_path, step):
    rng = np.random.default_rng(0)
    X = rng.random((40, 3))
    model = Holder(value=type(step)())
    model.estimator_ = step.fit(X, X @ [1.0, 2.0, 3.0])
    again = roundtrip(model, tmp_path / "m.nnae")
    same(model.estimator_.predict(X), again.estimator_.predict(X))
    assert again.value.get_params() == model.value.get_params()


VALUES = [
    None, True, 0, -7, 2**63, -(10**400), 1.5, -0.0, 1e-320, np.inf, -np.inf, np.nan, "",
    "é\ud800\0", [], [1, [2.0, "x"]], (), (1, (2, None)), {}, {"a": {"b": (1,)}, "": []},
    np.float32(0.1), np.int8(-3), np.bool_(True), np.complex128(1 + 2j), np.str_("ab"),
    np.float32, np.dtype("int16"),
    np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
    np.zeros((0, 3), np.float32), np.array(5.0), np.array([np.nan, np.inf, -0.0]),
    np.array([True, False]), np.array(["a", "bcd"]), np.zeros(100_000), np.arange(12)[::2],
    np.array(["a", "é\0", ""], object), np.array([["x"], ["y"]], object), np.array([], object),
    sp.csr_matrix(np.eye(3)), sp.csc_array(np.eye(3, 4)), sp.csr_array((0, 5)),
    sp.csr_matrix((np.ones(2), np.array([0, 1], np.int64), np.array([0, 1, 2], np.int64))),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values(tmp_path, value):
    model = Holder(value)
    model.value_ = value
    model._extra = [value]
    model.ignored = object()
    again = roundtrip(model, tmp_path / "m.nnae")
    same(value, again.value)
    same(value, again.value_)
    same([value], again._extra)
    assert not hasattr(again, "ignored")


def test_objects_nest_and_stay_shared(tmp_path):
    shared = np.arange(3.0)
    point = Point(1.5, ("a", "b"))
    object.__setattr__(point, "norm", 2.5)
    model = Holder([point, Stated({"x", "y"}), Holder(shared)], callback=print)
    model.value_, model.point_ = shared, point
    again = roundtrip(model, tmp_path / "m.nnae")
    assert again.value[0] == point and again.value[0].norm == 2.5
    assert again.value[1].words == {"x", "y"}
    assert again.value[2].value is again.value_
    assert again.point_ is again.value[0]
    assert again.callback is None


@pytest.mark.parametrize("generator", [np.random.RandomState(0), np.random.default_rng(0)])
def test_generators_become_none_with_a_warning(tmp_path, generator):
    with pytest.warns(UserWarning, match=r"Holder\.random_state is a random generator"):
        nnae.save(Holder(random_state=generator), tmp_path / "m")
    assert nnae.load(tmp_path / "m").random_state is None


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({1, 2}, r"Holder\.value_ is of type builtins\.set"),
        (print, r"Holder\.value_ is of type"),
        ([0, (b"x",)], r"Holder\.value_\[1\]\[0\] is of type builtins\.bytes"),
        ({"k": object()}, r"Holder\.value_\['k'\] is of type builtins\.object"),
        ({1: 2}, r"Holder\.value_ must have keys of type str; got 1"),
        (np.array([None]), r"Holder\.value_ must hold str alone"),
        (np.array(["2020"], "M8[Y]"), r"Holder\.value_ is an array of type datetime64"),
        (np.zeros(2, [("a", float)]), r"Holder\.value_ is an array of type"),
        (sp.coo_matrix((2, 2)), r"Holder\.value_ must be in CSR or CSC form"),
        (np.ma.masked_array([1]), r"Holder\.value_ is of type numpy\.ma"),
        (Ridge(alpha=(i for i in ())), r"Holder\.value_ \(Ridge\) cannot be saved"),
    ],
)
def test_what_a_file_cannot_hold_is_named_and_nothing_is_written(tmp_path, value, where):
    model = Holder()
    model.value_ = value
    with pytest.raises(TypeError, match=where):
        nnae.save(model, tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_circles_foreign_models_and_packed_paths_are_refused(tmp_path):
    circle, loop = [], Holder()
    circle.append(circle)
    loop.value_ = loop
    for model in (Holder(circle), loop):
        with pytest.raises(TypeError, match="circle"):
            nnae.save(model, tmp_path / "m")
    with pytest.raises(TypeError, match="must be a model of nnae; got Ridge"):
        nnae.save(Ridge(), tmp_path / "m")
    with pytest.raises(ValueError, match=r"must not end in \.gz"):
        nnae.save(Holder(), tmp_path / "m.gz")
    assert not list(tmp_path.iterdir())
