"""Which regions are taken away together, and how the answers become the regions' parts.

Every way is linear in the answers, ``parts = weights @ answers``. By occlusion one region at a
time is gone, and what regions do only together is left as a residual; Shapley's values, sampled
over orders of the regions, leave none. Zeiler and Fergus (2014); Strumbelj and Kononenko (2010).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Array = npt.NDArray[Any]

#: Orders of the regions that Shapley's values are drawn from, each with its reverse.
ORDERS = 4


@dataclass(frozen=True)
class Plan:
    """Pictures to ask about, and what becomes of the answers.

    Attributes
    ----------
    kept : ndarray of bool, (m, R)
        Regions that each picture keeps; the first keeps all of them, the second none.
    weights : csr_matrix, R x m
    """

    kept: Array
    weights: sp.csr_matrix

    def parts(self, answers: Array) -> Array:
        """Return what each region gives (R x c), from the answers to all pictures (m x c)."""
        return np.asarray(self.weights @ answers)


def _occlusion(n_regions: int, seed: int) -> Plan:
    kept = np.ones((n_regions + 2, n_regions), bool)
    kept[1] = False
    each = np.arange(n_regions)
    kept[2 + each, each] = False
    rows, columns = np.tile(each, 2), np.concatenate([np.zeros_like(each), 2 + each])
    signs = np.repeat([1.0, -1.0], n_regions)
    return Plan(kept, sp.csr_matrix((signs, (rows, columns)), (n_regions, len(kept))))


def _shapley(n_regions: int, seed: int) -> Plan:
    random = np.random.RandomState(seed)
    kept = [np.ones(n_regions, bool), np.zeros(n_regions, bool)]
    rows, columns, signs = [], [], []
    for _ in range(ORDERS):
        order = random.permutation(n_regions)
        for path in (order, order[::-1]):
            before, now = 1, np.zeros(n_regions, bool)
            for region in path.tolist():
                now = now.copy()
                now[region] = True
                after = 0 if now.all() else len(kept)
                if after:
                    kept.append(now)
                rows += [region, region]
                columns += [after, before]
                signs += [1.0, -1.0]
                before = after
    amounts = np.array(signs) / (2 * ORDERS)
    return Plan(np.array(kept), sp.csr_matrix((amounts, (rows, columns)), (n_regions, len(kept))))


PLANS: dict[str, Callable[[int, int], Plan]] = {"occlusion": _occlusion, "shapley": _shapley}
