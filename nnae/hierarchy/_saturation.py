"""Codes in expected labels instead of rates, for the Bernoulli-Poisson link.

A row's rates ``Λ_ij = sum_p Z_ip W_pj`` add up to latent events. Where codes have run off (a label
is certain at any large rate, so nothing holds them back), a few rows can outweigh all others.
``E_i = sum_j (1 - exp(-Λ_ij))`` is bounded by the number of labels; codes times
``f_i = E_i / sum_j Λ_ij`` share it out by rates.

Cost: n L k, in blocks of rows; above `BUDGET` every s-th row is computed, and E of the others is
read off at their sum of rates.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnae._threads import one_blas_thread
from nnae.hierarchy._contributions import Floats

BUDGET = 2e10
CELLS = 4_000_000
RUNAWAY = 2.0


def expected_label_factors(codes: Floats, weights: Floats) -> Floats:
    """Return f (n); 1 for rows without any rate."""
    n, width = codes.shape
    n_labels = weights.shape[1]
    stride = int(np.ceil(n * n_labels * width / BUDGET)) or 1
    chosen = np.arange(0, n, stride)
    totals = codes @ weights.sum(axis=1)
    expected = np.zeros(n)
    block = max(1, CELLS // n_labels)
    with one_blas_thread():
        for start in range(0, len(chosen), block):
            rows = chosen[start : start + block]
            expected[rows] = -np.expm1(-(codes[rows] @ weights)).sum(axis=1)
    if stride > 1:
        order = chosen[np.argsort(totals[chosen], kind="stable")]
        others = np.setdiff1d(np.arange(n), chosen)
        expected[others] = np.interp(totals[others], totals[order], expected[order])
    return np.where(totals > 0, expected / np.where(totals > 0, totals, 1.0), 1.0)


def measure_codes(codes: list[Floats], weights: Floats, mass: str, link: Any) -> list[Floats]:
    """Return the codes of all levels in rates or in expected labels.

    Parameters
    ----------
    codes : list of ndarray, (n, k_l)
    weights : ndarray, (k_1, L)
    mass : "auto", "rate" or "labels"
        "auto" takes labels when the rates add up to more than twice the expected labels.
    link : str or None
        Loss of the model; expected labels need "bernoulli", other losses stay as they are.
    """
    if mass not in ("auto", "rate", "labels"):
        raise ValueError(f"mass must be 'auto', 'rate' or 'labels'; got {mass!r}")
    if mass == "rate" or link != "bernoulli":
        return codes
    factors = expected_label_factors(codes[0], weights)
    rates = codes[0] @ weights.sum(axis=1)
    if mass == "auto" and rates.sum() <= RUNAWAY * (rates * factors).sum():
        return codes
    return [level * factors[:, None] for level in codes]
