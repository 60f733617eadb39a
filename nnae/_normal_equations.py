"""Normal equations of a ridge, (A'A + diag(a)) B = A'T, by preconditioned conjugate gradients.

Sparse features go to the kernel of ``csrc/normal_equations.hpp``, whose columns lie in panels of
128 bytes; dense ones through matrix products, all columns together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nnae import _core
from nnae._features import Array, Features

Double = npt.NDArray[np.float64]

#: Operations between two returns to Python, so that Ctrl-C is heard.
WORK = 2e9
#: Steps between two looks at the residual, which counts as solved within ten times the goal where
#: it no longer halves: single precision gets no nearer.
CHECKED = 25
NEAR = 10.0


def solve(
    features: Features, right: Array, alpha: Double, tol: float, max_iter: int
) -> tuple[Array, int, bool]:
    """Return B (d x m), the number of steps, and whether every column converged.

    ``right`` is A'T. A column is solved when its residual is at most ``tol`` of its right side.
    """
    goal = tol * norms(right, features.n_threads)
    if features.sparse:
        return _solve_in_panels(features, right, alpha, goal, max_iter)
    return _solve_by_products(features, right, alpha, goal, max_iter)


def normal_times(features: Features, P: Array) -> Array:
    """Return A'A P (d x m)."""
    if not features.sparse:
        return features.transposed_times(features.times(P))
    panels = _to_panels(P)
    out = np.empty_like(panels)
    rows, roots, mean = _operator(features)
    _core.normal_product(*rows, roots, mean, panels, out, features.n_threads)
    return _from_panels(out, P.shape[1])


def norms(M: Array, n_threads: int) -> Double:
    """Return the norm of every column."""
    return np.sqrt(_core.column_sums(np.square(M), None, n_threads))


def inverse(values: Double, guard: Double) -> Double:
    """Return 1 / values where ``guard`` is positive, else 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=(guard > 0) & (values > 0))


def _operator(features: Features) -> tuple[tuple[Array, Array, Array], Array, Array]:
    return features.rows, features.roots.astype(features.dtype), features.mean


def _to_panels(M: Array) -> Array:
    width = 128 // M.dtype.itemsize
    count = -(-M.shape[1] // width)
    padded = np.zeros((M.shape[0], count * width), M.dtype)
    padded[:, : M.shape[1]] = M
    return np.ascontiguousarray(padded.reshape(len(M), count, width).transpose(1, 0, 2))


def _from_panels(panels: Array, columns: int) -> Array:
    count, d, width = panels.shape
    wide = panels.transpose(1, 0, 2).reshape(d, count * width)
    return np.ascontiguousarray(wide[:, :columns])


def _solve_in_panels(
    features: Features, right: Array, alpha: Double, goal: Double, max_iter: int
) -> tuple[Array, int, bool]:
    columns = right.shape[1]
    residual = _to_panels(right)
    width = residual.shape[0] * residual.shape[2]
    penalty, goals = np.ones(width), np.zeros(width)
    penalty[:columns], goals[:columns] = alpha, goal
    diagonal = features.diagonal()
    scale = diagonal[:, None] + alpha
    step = np.divide(right, scale, out=np.zeros_like(right, np.float64), where=scale > 0)
    energy = np.zeros(width)
    energy[:columns] = _core.column_sums(step * right, None, features.n_threads)
    energy[(energy <= 0) | (goals <= 0)] = -1  # nothing to solve, or too small to measure
    direction, solution = _to_panels(step.astype(right.dtype)), np.zeros_like(residual)
    cost = max(1, (4 * features.nnz + 20 * features.shape[1]) * width)
    rows, roots, mean = _operator(features)
    steps, before = 0, np.inf
    while steps < max_iter:
        wanted = min(max(1, int(WORK / cost)), CHECKED, max_iter - steps)
        taken = _core.conjugate_descent(
            *rows,
            roots,
            mean,
            diagonal,
            penalty,
            goals,
            solution,
            residual,
            direction,
            energy,
            wanted,
            features.n_threads,
        )
        steps += taken
        still = energy > 0
        if taken < wanted or not still.any():
            break
        left = np.sqrt(np.square(residual, dtype=np.float64).sum(axis=1)).ravel()[still]
        distance = float((left / goals[still]).max())
        if distance <= NEAR and distance > 0.5 * before:
            still[:] = False  # rounding stands in the way
            break
        before = distance
    return _from_panels(solution, columns), steps, not bool(still.any())


def _solve_by_products(
    features: Features, right: Array, alpha: Double, goal: Double, max_iter: int
) -> tuple[Array, int, bool]:
    """Advance all columns together; those that are solved step aside."""
    n_threads = features.n_threads
    B = np.zeros_like(right)
    columns = np.flatnonzero(goal > 0)
    R = np.ascontiguousarray(right[:, columns])
    solution, P = np.zeros_like(R), R.copy()
    rho = np.square(norms(R, n_threads))
    for step in range(max_iter):
        if len(columns) == 0:
            return B, step, True
        AP = normal_times(features, P)
        AP += P * alpha[columns].astype(P.dtype)
        length = rho * inverse(_core.column_sums(P * AP, None, n_threads), rho)
        solution += P * length.astype(P.dtype)
        R -= AP * length.astype(P.dtype)
        before, rho = rho, np.square(norms(R, n_threads))
        P *= (rho * inverse(before, before)).astype(P.dtype)
        P += R
        solved = np.sqrt(rho) <= goal[columns]
        if solved.mean() > 0.25 or solved.all():
            B[:, columns[solved]] = solution[:, solved]
            keep = ~solved
            columns, rho = columns[keep], rho[keep]
            solution, R, P = (np.ascontiguousarray(M[:, keep]) for M in (solution, R, P))
    B[:, columns] = solution
    return B, max_iter, bool((np.sqrt(rho) <= goal[columns]).all())
