"""A model as a tree of plain values: what a manifest says, and which arrays it refers to."""

from __future__ import annotations

import dataclasses
import importlib
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from nnae._checkpoint import lasting_parameters
from nnae._halves import from_halves
from nnae._model_file import KINDS, ModelFileError, check_archive, one_line

Array = npt.NDArray[Any]

#: Estimators by the name that files carry: they may move without making old files unreadable.
ESTIMATORS = {
    "NMF": "nnae.factorise",
    "NNAE": "nnae.autoencoder",
    "TwoStepClassifier": "nnae.classify",
    "MultiOutputRidge": "nnae.ridge",
    "OneVsRestLinear": "nnae.one_vs_rest",
    "LabelHierarchy": "nnae.hierarchy",
}
#: The only modules (with what is inside them, where they are packages) that loading may import.
MODULES: tuple[str, ...] = (
    *dict.fromkeys(ESTIMATORS.values()),
    "nnae.decoders", "nnae._labels", "nnae._codes", "nnae._linear_encoder", "nnae._linear_codes",
    "nnae._step_two",
    "nnae._calibration", "nnae._label_sets", "nnae.r", "nnae._gram_ridge", "nnae._landmarks",
    "nnae._search_cells",
    "nnae.images", "nnae._ridge_products",
)  # fmt: skip
#: Types beyond scikit-learn's estimators and numpy's that nested estimators may hold.
TRUSTED = (
    "numpy.dtype",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
_SPARSE: dict[str, Any] = {
    "csr_matrix": sp.csr_matrix,
    "csc_matrix": sp.csc_matrix,
    "csr_array": sp.csr_array,
    "csc_array": sp.csc_array,
}


class Encoder:
    """Turns a model into plain values; arrays and inner archives are put aside, each once."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.arrays: list[Array] = []
        self.archives: list[bytes] = []
        self._done: dict[int, tuple[Any, Any]] = {}  # id -> the object, kept alive, and its value
        self._open: set[int] = set()
        self._places: dict[int, tuple[Any, int]] = {}  # parts of sparse matrices

    def model(self, model: Any, where: str) -> dict[str, Any]:
        """Return a reference to an object of this package; its parts come before it."""
        if id(model) in self._done:
            return dict(self._done[id(model)][1])
        if id(model) in self._open:
            raise TypeError(f"{where} holds itself; a model file cannot hold a circle")
        self._open.add(id(model))
        record: dict[str, Any] = {"class": _class_name(type(model))}
        for part, (values, is_param) in self.state(model).items():
            record[part] = {
                name: self.value(value, f"{where}.{name}", is_param)
                for name, value in values.items()
            }
        self._open.discard(id(model))
        self.objects.append(record)
        return self._remember(model, {"t": "object", "id": len(self.objects) - 1})

    def value(self, value: Any, where: str, is_param: bool = False) -> Any:
        """Return a value as JSON can say it."""
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 63 else {"t": "int", "v": hex(value)}
        if kind is float:
            return value if math.isfinite(value) else {"t": "float", "v": repr(value)}
        if kind in (list, tuple):
            items = [self.value(v, f"{where}[{i}]", is_param) for i, v in enumerate(value)]
            return items if kind is list else {"t": "tuple", "v": items}
        if kind is dict:
            odd = next((key for key in value if type(key) is not str), None)
            if odd is not None:
                raise TypeError(f"{where} must have keys of type str; got {odd!r}")
            pairs = value.items()
            return {"t": "dict", "v": [[k, self.value(v, f"{where}[{k!r}]")] for k, v in pairs]}
        if isinstance(value, np.generic):
            _check_dtype(value.dtype, where)
            return {"t": "scalar", "dtype": value.dtype.str, "v": value.tobytes().hex()}
        if kind in (np.ndarray, np.memmap):
            return self._array(value, where)
        if sp.issparse(value):
            return self._sparse(value, where)
        if isinstance(value, np.dtype) or (kind is type and issubclass(value, np.generic)):
            dtype = np.dtype(value)
            _check_dtype(dtype, where)
            return {"t": "dtype", "v": dtype.str, "type": kind is type}
        if isinstance(value, (np.random.RandomState, np.random.Generator)):
            what = f"{where} is a random generator, which a model file cannot hold; it is saved as"
            what += " None, so a new fit of the loaded model will differ"
            warnings.warn(what, UserWarning, stacklevel=2)
            return None
        if is_ours(kind):
            return self.model(value, where)
        if isinstance(value, BaseEstimator):
            return self._estimator(value, where)
        if is_param and callable(value) and not isinstance(value, type):
            return None  # a callback belongs to the session, not to the model
        raise TypeError(
            f"{where} is of type {kind.__module__}.{kind.__qualname__}, which a model file cannot "
            f"hold; nothing was written"
        )

    def _remember(self, value: Any, reference: dict[str, Any]) -> dict[str, Any]:
        self._done[id(value)] = (value, reference)
        return reference

    def _array(self, value: Array, where: str) -> dict[str, Any]:
        if id(value) in self._done:
            return dict(self._done[id(value)][1])
        if value.dtype == object:
            return self._remember(value, self._strings(value, where))
        _check_dtype(value.dtype, where)
        return self._remember(value, self.real_array(value))

    def state(self, model: Any) -> dict[str, tuple[dict[str, Any], bool]]:
        """Return what is kept of a model, part by part, and whether it is parameters."""
        return _state(model)

    def real_array(self, value: Array) -> dict[str, Any]:
        """Put an array aside: bit for bit."""
        self.arrays.append(value)
        return {"t": "array", "id": len(self.arrays) - 1}

    def _strings(self, value: Array, where: str) -> dict[str, Any]:
        items = value.ravel().tolist()
        odd = next((item for item in items if type(item) is not str), None)
        if odd is not None or None in items:
            raise TypeError(
                f"{where} must hold str alone, as an array of objects; got {type(odd).__name__}"
            )
        pieces = [item.encode("utf-8", "surrogatepass") for item in items]
        ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        letters = np.frombuffer(b"".join(pieces), np.uint8)
        self.arrays += [letters, ends]
        last = len(self.arrays) - 1
        return {"t": "strings", "shape": list(value.shape), "letters": last - 1, "ends": last}

    def _whole(self, value: Array, where: str) -> int:
        _check_dtype(value.dtype, where)
        if id(value) not in self._places:
            self._places[id(value)] = value, Encoder.real_array(self, value)["id"]
        return self._places[id(value)][1]

    def _sparse(self, value: Any, where: str) -> dict[str, Any]:
        name = type(value).__name__
        if _SPARSE.get(name) is not type(value):
            raise TypeError(f"{where} must be in CSR or CSC form to be saved; got {name}")
        parts = {p: self._whole(getattr(value, p), where) for p in ("data", "indices", "indptr")}
        return {"t": "sparse", "class": name, "shape": [int(n) for n in value.shape], **parts}

    def _estimator(self, value: Any, where: str) -> dict[str, Any]:
        if id(value) in self._done:
            return dict(self._done[id(value)][1])
        import skops.io

        try:
            self.archives.append(skops.io.dumps(value))
        except Exception as error:  # skops passes on whatever an object's own methods raise
            raise TypeError(
                f"{where} ({type(value).__name__}) cannot be saved; nothing was written "
                f"({one_line(error)})"
            ) from error
        return self._remember(value, {"t": "estimator", "id": len(self.archives) - 1})


class Decoder:
    """Builds the model again from plain values, arrays and inner archives."""

    def __init__(
        self, arrays: Sequence[Array], archives: Sequence[bytes], trusted: Sequence[Any]
    ) -> None:
        self._arrays = arrays
        self._trusted = [*TRUSTED, *map(type_name, trusted)]
        self._objects: list[Any] = []
        self._unpacked: dict[int, Array] = {}
        self._estimators = [self._estimator(data) for data in archives]

    def model(self, objects: Sequence[Any]) -> Any:
        """Build all objects in order; the last one is the model."""
        for record in objects:
            cls = find_class(record["class"])
            word = getattr(cls, "needs_trust", None)
            if word is not None and word not in self._trusted:
                raise ModelFileError(
                    f"holds a {cls.__name__}, whose predictions run what the file brings; if you "
                    f"know who made the file, pass load(path, trusted=[{word!r}])"
                )
            parts = {
                part: {name: self.value(value) for name, value in values.items()}
                for part, values in record.items()
                if part != "class"
            }
            self._objects.append(_restore(cls, parts))
        return self._objects[-1]

    def value(self, value: Any) -> Any:
        """Return what a JSON value stands for."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        kind = value["t"]
        if kind == "array":
            return self._arrays[_place(value["id"])]
        if kind == "halves":
            return self._halves(value)
        if kind == "object":
            return self._objects[_place(value["id"])]
        if kind == "estimator":
            return self._estimators[_place(value["id"])]
        if kind == "tuple":
            return tuple(self.value(item) for item in value["v"])
        if kind == "dict":
            return {str(key): self.value(item) for key, item in value["v"]}
        if kind == "int":
            return int(value["v"], 16)
        if kind == "float":
            return float(value["v"])
        if kind == "scalar":
            return np.frombuffer(bytes.fromhex(value["v"]), _dtype(value["dtype"]), 1)[0]
        if kind == "dtype":
            dtype = _dtype(value["v"])
            return dtype.type if value["type"] else dtype
        if kind == "strings":
            return self._strings(value)
        if kind == "sparse":
            return self._sparse(value)
        raise ModelFileError(f"the manifest holds a value of the unknown kind {kind!r}")

    def _halves(self, value: dict[str, Any]) -> Array:
        place = _place(value["id"])
        if place not in self._unpacked:
            parts = self._arrays[place], self._arrays[_place(value["scale"])]
            self._unpacked[place] = from_halves(*parts, _dtype(value["dtype"]))
        return self._unpacked[place]

    def _strings(self, value: dict[str, Any]) -> Array:
        letters = self._arrays[_place(value["letters"])].tobytes()
        ends = self._arrays[_place(value["ends"])].tolist()
        result = np.empty(len(ends), object)
        start = 0
        for i, end in enumerate(ends):
            if not start <= end <= len(letters):
                raise ModelFileError("the ends of an array of strings do not rise")
            result[i] = letters[start:end].decode("utf-8", "surrogatepass")
            start = end
        return result.reshape([int(n) for n in value["shape"]])

    def _sparse(self, value: dict[str, Any]) -> Any:
        data, indices, indptr = (
            self._arrays[_place(value[part])] for part in ("data", "indices", "indptr")
        )
        shape = tuple(int(n) for n in value["shape"])
        matrix = _SPARSE[value["class"]]((data, indices, indptr), shape=shape, copy=False)
        matrix.data, matrix.indices, matrix.indptr = data, indices, indptr  # keep the index type
        matrix.check_format(full_check=True)
        return matrix

    def _estimator(self, data: bytes) -> Any:
        import skops.io

        check_archive(data)
        unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - set(self._trusted))
        if unknown:
            raise ModelFileError(
                f"holds types that are not trusted: {', '.join(unknown)}; if you know who made the "
                f"file, pass load(path, trusted={unknown})"
            )
        return skops.io.loads(data, trusted=self._trusted)


def is_ours(cls: type) -> bool:
    """Tell whether a class may be saved as an object of this package."""
    return is_allowed(cls.__module__) and (
        hasattr(cls, "__nnae_state__")
        or issubclass(cls, BaseEstimator)
        or dataclasses.is_dataclass(cls)
    )


def is_allowed(module: str) -> bool:
    """Tell whether loading may import a module."""
    return all(part.isidentifier() for part in module.split(".")) and any(
        module == allowed or module.startswith(f"{allowed}.") for allowed in MODULES
    )


def find_class(name: str) -> type:
    """Return the class that a file names, from an allowed module only."""
    module, attribute = ESTIMATORS.get(name), name
    if module is None:
        module, _, attribute = name.partition(":")
    if not is_allowed(module):
        raise ModelFileError(f"names the class {name[:80]!r}, which is not one of nnae's models")
    try:
        cls = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise ModelFileError(f"the class {name!r} is not in this version of nnae") from error
    if not isinstance(cls, type) or not is_ours(cls):
        raise ModelFileError(f"the class {name[:80]!r} is not in this version of nnae")
    return cls


def type_name(trusted: Any) -> str:
    """Return the full name of a type that is given by name or as itself."""
    if isinstance(trusted, type):
        return f"{trusted.__module__}.{trusted.__qualname__}"
    if not isinstance(trusted, str):
        raise TypeError(f"trusted must list types or their full names; got {trusted!r}")
    return trusted


def _class_name(cls: type) -> str:
    module = ESTIMATORS.get(cls.__name__)
    if module and getattr(importlib.import_module(module), cls.__name__, None) is cls:
        return str(cls.__name__)
    return f"{cls.__module__}:{cls.__qualname__}"


def _state(model: Any) -> dict[str, tuple[dict[str, Any], bool]]:
    if hasattr(model, "__nnae_state__"):
        return {"state": (dict(model.__nnae_state__()), False)}
    if isinstance(model, BaseEstimator):
        extra = getattr(model, "_saved_attributes", ())
        fitted = {name: v for name, v in vars(model).items() if _is_fitted(name) or name in extra}
        return {"params": (lasting_parameters(model), True), "attributes": (fitted, False)}
    fields = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
    return {"fields": (fields, True)}


def _restore(cls: Any, parts: dict[str, dict[str, Any]]) -> Any:
    if hasattr(cls, "__nnae_state__"):
        return cls.__nnae_restore__(parts["state"])
    if issubclass(cls, BaseEstimator):
        model = cls(**parts["params"])
        for name, value in parts["attributes"].items():
            if not _is_fitted(name) and name not in getattr(cls, "_saved_attributes", ()):
                raise ModelFileError(f"{cls.__name__} has no attribute {name[:80]!r} to restore")
            vars(model)[name] = value
        return model
    late = {field.name for field in dataclasses.fields(cls) if not field.init}
    made = cls(**{name: value for name, value in parts["fields"].items() if name not in late})
    for name in late & parts["fields"].keys():
        object.__setattr__(made, name, parts["fields"][name])
    return made


def _is_fitted(name: str) -> bool:
    return name.isidentifier() and name.endswith("_") and not name.startswith("__")


def _check_dtype(dtype: np.dtype[Any], where: str) -> None:
    if dtype.kind not in KINDS:
        raise TypeError(
            f"{where} is an array of type {dtype}, which a model file cannot hold; nothing was "
            f"written"
        )


def _dtype(name: Any) -> np.dtype[Any]:
    dtype = np.dtype(str(name))
    _check_dtype(dtype, "a value")
    return dtype


def _place(index: Any) -> int:
    if type(index) is not int or index < 0:
        raise ModelFileError(f"the manifest refers to part {index!r}")
    return index
