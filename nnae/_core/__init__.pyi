"""Signatures of the compiled kernels; see csrc/ for what each one computes.

Arrays are C-contiguous; all real ones have one dtype (float32 or float64), all index arrays another
(int32 or int64). A sparse side is indptr, indices, values; values are None where all are one.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Real: TypeAlias = npt.NDArray[Any]
_Index: TypeAlias = npt.NDArray[Any]
_Places: TypeAlias = npt.NDArray[np.int64]
_Double: TypeAlias = npt.NDArray[np.float64]

VARIANTS: tuple[str, ...]
variant: str
dual_lanes: int

def supported_variants() -> list[str]: ...
def max_threads() -> int: ...
def copy_rows(source: _Real, to: _Real, n_threads: int) -> None: ...
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
def sparse_scores(
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    w_indptr: _Index,
    w_indices: _Index,
    w_values: _Real | None,
    bias: _Real,
    out: _Real,
    n_threads: int,
) -> None: ...
def linear_dual(
    indptr: _Index,
    indices: _Index,
    values: _Real,
    cols: int,
    weights: _Double | None,
    group_indptr: _Places,
    group_rows: _Places,
    problem_group: _Places,
    positive_indptr: _Places,
    positive_rows: _Places,
    loss: str,
    penalty: float,
    bias: float,
    tolerance: float,
    threshold: float,
    max_epochs: int,
    seed: int,
    n_threads: int,
) -> tuple[_Places, _Places, npt.NDArray[np.float32], npt.NDArray[np.float32]]: ...
def normal_product(
    indptr: _Index,
    indices: _Index,
    values: _Real,
    roots: _Real,
    mean: _Real,
    p: _Real,
    out: _Real,
    n_threads: int,
) -> None: ...
def conjugate_descent(
    indptr: _Index,
    indices: _Index,
    values: _Real,
    roots: _Real,
    mean: _Real,
    diagonal: _Double,
    penalty: _Double,
    goal: _Double,
    solution: _Real,
    residual: _Real,
    direction: _Real,
    energy: _Double,
    steps: int,
    n_threads: int,
) -> int: ...
def cooccurrence(
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    t_indptr: _Index,
    t_indices: _Index,
    t_values: _Real | None,
    n_threads: int,
) -> tuple[_Index, _Index, _Real]: ...
def curveball(
    indptr: _Index, indices: _Index, cols: int, rounds: int, seed: int, n_threads: int
) -> None: ...
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
def listed_step(
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    s_indptr: _Index,
    s_indices: _Index,
    s_values: _Real | None,
    h: _Real,
    gram: _Double,
    f: _Real,
    share: float,
    l1: float,
    l2: float,
    repeats: int,
    tolerance: float,
    n_threads: int,
) -> None: ...
def listed_product(
    indptr: _Index,
    indices: _Index,
    values: _Real | None,
    f: _Real,
    h: _Real,
    share: float,
    out: _Double,
    n_threads: int,
) -> None: ...
def listed_sums(
    indptr: _Index,
    indices: _Index,
    values: _Double | None,
    h: _Real,
    share: float,
    out: _Double,
    n_threads: int,
) -> None: ...
def topk_scores(
    Z: _Real, Wt: _Real, k: int, n_threads: int
) -> tuple[npt.NDArray[np.int64], _Real]: ...
def topk_dense(S: _Real, k: int, n_threads: int) -> tuple[npt.NDArray[np.int64], _Real]: ...
def topk_csr(
    indptr: _Index, indices: _Index, values: _Real | None, cols: int, k: int, n_threads: int
) -> tuple[npt.NDArray[np.int64], _Real]: ...

class LabelForest:
    def __init__(
        self,
        edge_indptr: _Places,
        child: _Places,
        bias: npt.NDArray[np.float32],
        feature_indptr: _Places,
        features: npt.NDArray[np.int32],
        entry_indptr: _Places,
        entry_edge: npt.NDArray[np.int32],
        entry_weight: npt.NDArray[np.float32],
        roots: _Places,
        n_labels: int,
    ) -> None: ...
    def topk(
        self,
        indptr: _Index,
        indices: _Index,
        values: _Real,
        cols: int,
        loss: str,
        beam: int,
        k: int,
        prior: _Real | None,
        n_threads: int,
    ) -> tuple[_Places, _Real]: ...
    def scores(
        self,
        indptr: _Index,
        indices: _Index,
        values: _Real,
        cols: int,
        loss: str,
        beam: int,
        n_threads: int,
    ) -> _Real: ...

def wright_omega(x: Any) -> Any: ...
def one_minus_exp(rate: Any) -> Any: ...
def logarithm(x: Any) -> Any: ...
