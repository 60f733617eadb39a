"""A balanced tree of labels by 2-means, the kind that extreme classifiers partition labels with.

A set of labels is split in two halves of equal size: by the difference of two mean directions,
which follow the halves until nothing changes. Both halves are split likewise, down to single
labels. Cost: log2 L passes over the vectors, some ten times each. Source: Prabhu et al. (2018).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from nnae._threads import one_blas_thread
from nnae.auditing._agreement import Flags
from nnae.auditing._trees import Floats, Integers

_ROUNDS = 20
_DENSE = 256  # up to so many labels their inner products are kept


def balanced_kmeans(vectors: sp.csr_matrix, seed: int = 0) -> Floats:
    """Return scipy's linkage matrix of the tree over the rows of `vectors` (length one or zero).

    Heights grow with the size of a cluster, so that cuts are balanced.
    """
    n = vectors.shape[0]
    draws = np.random.default_rng(seed)
    splits: list[tuple[Integers, Integers]] = []
    todo: list[tuple[Integers, Floats | None]] = [(np.arange(n), None)]
    with one_blas_thread():
        while todo:
            members, inner = todo.pop()
            if len(members) < 2:
                continue
            if inner is None and len(members) <= _DENSE:
                part = vectors[members]
                inner = np.asarray((part @ part.T).todense())
            halves = _split(_products(vectors, members, inner), len(members), draws)
            for side in (halves, ~halves):
                below = None if inner is None else inner[np.ix_(side, side)]
                todo.append((members[side], below))
            splits.append((members[halves], members[~halves]))
    splits.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
    top = np.arange(n)  # the cluster that each label is in by now
    rows = np.empty((n - 1, 4))
    for number, (left, right) in enumerate(splits):
        a, b = sorted((int(top[left[0]]), int(top[right[0]])))
        rows[number] = a, b, number + 1.0, len(left) + len(right)
        top[left] = top[right] = n + number
    return rows


def _products(
    vectors: sp.csr_matrix, members: Integers, inner: Floats | None
) -> Callable[[Floats], Floats]:
    """Return the map from weights of the members to inner products with their weighted sum."""
    if inner is not None:
        return lambda weights: inner @ weights
    part = vectors[members]
    return lambda weights: np.asarray(part @ (part.T @ weights)).ravel()


def _split(products: Callable[[Floats], Floats], n: int, draws: np.random.Generator) -> Flags:
    """Tell the members of one half; the centres are sums of members and never written out."""
    one = np.zeros(n)
    other = np.zeros(n)
    first, second = draws.choice(n, 2, replace=False)
    one[first] = other[second] = 1.0
    halves = np.zeros(n, np.bool_)
    for _ in range(_ROUNDS):
        near, far = products(one), products(other)
        lengths = [np.sqrt(max(float(w @ p), 1e-300)) for w, p in ((one, near), (other, far))]
        now = np.zeros(n, np.bool_)
        now[np.argsort(far / lengths[1] - near / lengths[0], kind="stable")[: n // 2]] = True
        if (now == halves).all():
            break
        halves = now
        one, other = halves.astype(np.float64), (~halves).astype(np.float64)
    return halves
