"""Values between Python and R; sparse matrices stay sparse, with the same numbers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from nnae.r._session import errors_of_r, start

Array = npt.NDArray[Any]
_LARGEST = 2**31 - 1


def to_r(value: Any) -> Any:
    """Convert a value to R.

    Parameters
    ----------
    value : sparse matrix or array, ndarray, DataFrame, LabelHierarchy, list, str or number
        Sparse ones become ``dgCMatrix``, data frames ``data.frame`` (categories are factors),
        hierarchies ``hclust``; what else rpy2 knows.

    Returns
    -------
    rpy2 object

    Raises
    ------
    ImportError
        When R or rpy2 is missing.
    ValueError
        When a sparse matrix has more than 2^31 - 1 entries.

    Examples
    --------
    >>> import scipy.sparse as sp
    >>> from nnae.r import from_r, r_available, to_r
    >>> not r_available() or from_r(to_r(sp.eye(3, format="csr"))).shape == (3, 3)
    True
    """
    with errors_of_r():
        return converter().py2rpy(value)


def from_r(value: Any) -> Any:
    """Convert a value of R, such as a matrix of package Matrix or a data frame, to Python.

    Parameters
    ----------
    value : rpy2 object
        ``dgCMatrix`` and its relatives become csr_matrix, data frames DataFrame (NA is None, NaN or
        NaT), matrices and vectors ndarray, of which Python owns the memory.

    Returns
    -------
    object

    Examples
    --------
    >>> from nnae.r import from_r, r_available, to_r
    >>> not r_available() or from_r(to_r([1.0, 2.0])).tolist() == [1.0, 2.0]
    True
    """
    with errors_of_r():
        return converter().rpy2py(value)


@cache
def converter() -> Any:
    """Return the rules as a Converter of rpy2, for use in a ``localconverter``.

    Examples
    --------
    >>> from nnae.r import converter, r_available
    >>> not r_available() or converter().name == "nnae"
    True
    """
    robjects = start()
    from rpy2 import rinterface
    from rpy2.robjects.conversion import Converter

    rules = Converter("nnae", template=robjects.default_converter)
    py2rpy, rpy2py = rules.py2rpy, rules.rpy2py
    for kind in _sparse_kinds():
        py2rpy.register(kind, _from_scipy)
    py2rpy.register(np.ndarray, _from_array)
    py2rpy.register(np.generic, lambda value: rules.py2rpy(value.item()))
    py2rpy.register(pd.DataFrame, _from_frame)
    py2rpy.register(list, _from_list)
    from nnae.hierarchy import LabelHierarchy
    from nnae.r._trees import as_hclust

    py2rpy.register(LabelHierarchy, as_hclust)
    rpy2py.register(rinterface.SexpS4, _to_scipy)
    for vector in (
        rinterface.FloatSexpVector, rinterface.IntSexpVector, rinterface.BoolSexpVector,
    ):  # fmt: skip
        rpy2py.register(vector, _to_array)
    rpy2py.register(rinterface.StrSexpVector, _to_strings)
    rpy2py.register(rinterface.ByteSexpVector, np.array)
    rpy2py.register(rinterface.ListSexpVector, _to_frame_or_list)
    return rules


def _sparse_kinds() -> list[type]:
    names = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
    return [getattr(sp, f"{name}_{kind}") for name in names for kind in ("matrix", "array")]


def _from_scipy(value: Any) -> Any:
    robjects = start()
    matrix = sp.csc_matrix(value, copy=False)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    if matrix.nnz > _LARGEST:
        raise ValueError(f"a dgCMatrix holds at most 2^31 - 1 numbers; got {matrix.nnz}")
    return robjects.r["new"](
        "dgCMatrix",
        i=_vector(matrix.indices.astype(np.int32, copy=False)),
        p=_vector(matrix.indptr.astype(np.int32, copy=False)),
        x=_vector(matrix.data.astype(np.float64, copy=False)),
        Dim=_vector(np.array(matrix.shape, np.int32)),
    )


def _to_scipy(value: Any) -> Any:
    robjects = start()
    if not robjects.r["is"](value, "Matrix")[0]:
        return robjects.methods.RS4(value)
    as_ = robjects.r["as"]
    for kind in ("CsparseMatrix", "generalMatrix", "dMatrix"):
        value = as_(value, kind)
    i, p, x, shape = (np.array(value.slots[name]) for name in ("i", "p", "x", "Dim"))
    return sp.csc_matrix((x, i, p), shape=(int(shape[0]), int(shape[1]))).tocsr()


def _vector(value: Array) -> Any:
    """Return a plain vector, without dim, which some packages of R stumble over."""
    from rpy2 import rinterface

    if value.dtype.kind == "b":
        return rinterface.BoolSexpVector(value.tolist())
    if value.dtype.kind in "iu":
        fits = value.size == 0 or bool(np.abs(value.astype(np.float64)).max() <= _LARGEST)
        if fits:
            return rinterface.IntSexpVector.from_memoryview(
                memoryview(np.ascontiguousarray(value, np.int32))
            )
    if value.dtype.kind in "iuf":
        return rinterface.FloatSexpVector.from_memoryview(
            memoryview(np.ascontiguousarray(value, np.float64))
        )
    items = [None if _is_missing(item) else item for item in value.tolist()]
    if items and all(item is None or isinstance(item, bool) for item in items):
        return rinterface.BoolSexpVector(
            [rinterface.NA_Logical if item is None else item for item in items]
        )
    return rinterface.StrSexpVector(
        [rinterface.NA_Character if item is None else str(item) for item in items]
    )


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _from_array(value: Array) -> Any:
    if value.dtype == np.uint8 and value.ndim == 1:
        from rpy2 import rinterface

        return rinterface.ByteSexpVector(value.tobytes())
    flat = _vector(value.ravel(order="F"))
    if value.ndim < 2:
        return flat
    robjects = start()
    return robjects.r["array"](flat, dim=_vector(np.array(value.shape, np.int32)))


def _from_list(value: list[Any]) -> Any:
    kinds = {type(item) for item in value if item is not None}
    if value and (kinds <= {int, float} or kinds in ({str}, {bool})):
        return _vector(np.array(value, dtype=None if None not in value else object))
    from rpy2 import rinterface

    return rinterface.ListSexpVector([converter().py2rpy(item) for item in value])


def _from_frame(value: pd.DataFrame) -> Any:
    robjects = start()
    columns = {str(name): _from_series(value[name]) for name in value.columns}
    made = robjects.r["list"](**{f"V{at}": column for at, column in enumerate(columns.values())})
    made = robjects.r["names<-"](made, _vector(np.array(list(columns), object)))
    result = robjects.r["as.data.frame"](
        made, stringsAsFactors=False, optional=True, **{"check.names": False}
    )
    if not isinstance(value.index, pd.RangeIndex):
        names = _vector(np.array([str(name) for name in value.index], object))
        result = robjects.r["row.names<-"](result, names)
    return result


def _from_series(value: pd.Series[Any]) -> Any:
    robjects = start()
    if isinstance(value.dtype, pd.CategoricalDtype):
        codes = value.cat.codes.to_numpy().astype(np.float64) + 1
        codes[codes == 0] = np.nan
        levels = np.array([str(level) for level in value.cat.categories], object)
        numbers = np.arange(1, len(levels) + 1, dtype=np.int32)
        return robjects.r["factor"](_vector(codes), levels=_vector(numbers), labels=_vector(levels))
    if value.dtype.kind in "biuf" and not value.isna().any():
        return _vector(value.to_numpy())
    if value.dtype.kind in "iuf":
        return _vector(value.to_numpy(np.float64, na_value=np.nan))
    return _vector(value.to_numpy(object))


def _to_array(value: Any) -> Any:
    from rpy2 import rinterface

    robjects = start()
    if "factor" in tuple(robjects.r["class"](value)):
        levels: Any = [str(level) for level in robjects.r["levels"](value)]
        codes = np.maximum(np.array(value), 0) - 1  # NA is the smallest integer
        return pd.Categorical.from_codes(codes, levels)
    found = np.array(value)
    if isinstance(value, rinterface.BoolSexpVector):
        missing = found == rinterface.NA_Logical
        flags = found.astype(bool).astype(object)
        flags[missing] = None
        found = flags if missing.any() else flags.astype(bool)
    elif isinstance(value, rinterface.IntSexpVector):
        missing = found == np.iinfo(np.int32).min
        if missing.any():
            found = np.where(missing, np.nan, found.astype(np.float64))
    shape = robjects.r["dim"](value)
    if not isinstance(shape, type(rinterface.NULL)):
        found = found.reshape([int(n) for n in shape], order="F")
    return found


def _to_strings(value: Any) -> Array:
    from rpy2 import rinterface

    items = [None if item is rinterface.NA_Character else str(item) for item in value]
    return np.array(items, dtype=object)


def _to_frame_or_list(value: Any) -> Any:
    robjects = start()
    names = robjects.r["names"](value)
    items = [converter().rpy2py(item) for item in value]
    if "data.frame" in tuple(robjects.r["class"](value)):
        index = robjects.r["row.names"](value)
        labels = None
        if robjects.r[".row_names_info"](value)[0] > 0:
            labels = [str(name) for name in index]
        keys = [str(name) for name in names]
        return pd.DataFrame(dict(zip(keys, items, strict=True)), index=labels)
    if len(names) == len(items):
        return {str(name): item for name, item in zip(names, items, strict=True)}
    return items
