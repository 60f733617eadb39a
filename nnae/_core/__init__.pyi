"""Signatures of the compiled kernels; see csrc/ for what each one computes.

Arrays are C-contiguous; all real ones have one dtype (float32 or float64), all index arrays another
(int32 or int64). A sparse side is indptr, indices, values; values are None where all are one.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Real: TypeAlias = npt.NDArray[Any]
_Index: TypeAlias = npt.NDArray[Any]
_Double: TypeAlias = npt.NDArray[np.float64]

VARIANTS: tuple[str, ...]
variant: str

def supported_variants() -> list[str]: ...
def max_threads() -> int: ...
def multiply(a: _Real, b: _Real, out: _Real, n_threads: int) -> None: ...
def multiply_transposed(a: _Real, b: _Real, out: _Real, n_threads: int) -> None: ...
def gram(a: _Real, n_threads: int) -> _Real: ...
def column_sums(h: _Real, weights: _Double | None, n_threads: int) -> _Double: ...
def spmm(
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    h: _Real,
    out: _Real,
    n_threads: int,
) -> None: ...
def cooccurrence(
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    t_indptr: _Index,
    t_indices: _Index,
    t_values: _Real | None,
    n_threads: int,
) -> tuple[_Index, _Index, _Real]: ...
def multiplicative_step(
    loss: str,
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    h: _Real,
    den: _Real,
    f: _Real,
    floor: float,
    target: _Real | None,
    target_weight: float,
    n_threads: int,
) -> None: ...
def ratio_product(
    loss: str,
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    f: _Real,
    h: _Real,
    out: _Real,
    n_threads: int,
) -> None: ...
def objective_at_nonzeros(
    loss: str,
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    f: _Real,
    h: _Real,
    weights: _Double | None,
    n_threads: int,
) -> float: ...
def coordinate_step(
    loss: str,
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    h: _Real,
    den: _Real,
    f: _Real,
    l1: float,
    l2: float,
    repeats: int,
    tolerance: float,
    floor: float,
    n_threads: int,
    sums: _Double | None = None,
) -> float: ...
def coordinate_step_dense(
    right_sides: _Real,
    den: _Real,
    f: _Real,
    repeats: int,
    tolerance: float,
    n_threads: int,
) -> float: ...
def topk_scores(
    Z: _Real, Wt: _Real, k: int, n_threads: int
) -> tuple[npt.NDArray[np.int64], _Real]: ...
def topk_dense(S: _Real, k: int, n_threads: int) -> tuple[npt.NDArray[np.int64], _Real]: ...
def topk_csr(
    indptr: _Index, indices: _Index, values: _Real | None, cols: int, k: int, n_threads: int
) -> tuple[npt.NDArray[np.int64], _Real]: ...
def wright_omega(x: Any) -> Any: ...
