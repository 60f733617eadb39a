"""How many participants a study needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from statsmodels.stats.proportion import proportion_confint

from nnae._validation import check_choice, check_count, check_tolerance
from nnae.study._clusters import contrast

_CELLS = 2_000_000


def power_study(
    n_participants: int | Sequence[int],
    n_items: int,
    effect: float,
    *,
    baseline: float = 0.65,
    participant_sd: float = 0.5,
    item_sd: float = 0.5,
    effect_sd: float = 0.0,
    design: str = "within",
    alpha: float = 0.05,
    n_simulations: int = 2000,
    random_state: int | None = 0,
) -> pd.DataFrame:
    r"""Estimate by simulation how often a study would find an effect of the given size.

    Answers are drawn from

    .. math:: \mathrm{logit}\, P(\text{right}_{pi}) = \beta + u_p + v_i + (\delta + w_p)\, c_{pi},
       \quad u_p \sim N(0, \sigma_u^2),\; v_i \sim N(0, \sigma_v^2),\; w_p \sim N(0, \sigma_w^2),

    with :math:`\beta = \mathrm{logit}(\text{baseline})` and
    :math:`\delta = \mathrm{logit}(\text{baseline} + \text{effect}) - \beta`, and analysed as
    `analyse_study` does ("gee"). Power is the share of simulated studies whose two-sided p-value is
    below `alpha`.

    Parameters
    ----------
    n_participants : int >= 2, or sequence of int
        One row each.
    n_items : int >= 2
        Items a participant answers in all. "within": half of them under each of two conditions.
    effect : float
        Difference in accuracy that the tree makes for a typical participant and item, such as
        0.1. `simulate_reader` gives a first idea. 0 gives the rate of false alarms.
    baseline : float in (0, 1), default=0.65
        Accuracy of the same without the tree.
    participant_sd, item_sd, effect_sd : float >= 0
        Standard deviations :math:`\sigma_u, \sigma_v, \sigma_w` on the scale of log odds.
    design : {"within", "between"}, default="within"
        As in `reader_study`.
    alpha : float in (0, 1), default=0.05
        Level of the test.
    n_simulations : int >= 100, default=2000
        Studies a row.
    random_state : int, optional

    Returns
    -------
    DataFrame
        n_participants, n_items, effect, power, ci_low, ci_high (Wilson's 95 % interval for the
        share of simulations), n_simulations.

    Raises
    ------
    ValueError
        When a parameter is out of its range.

    Notes
    -----
    A simulated study in which a condition is all right or all wrong counts as no finding. Costs
    ``n_simulations * n_participants * n_items`` random numbers a row.

    Examples
    --------
    >>> from nnae import power_study
    >>> table = power_study([10, 40], 24, 0.1, n_simulations=400)
    >>> bool(table["power"][0] < table["power"][1])
    True
    """
    given = n_participants if isinstance(n_participants, Sequence) else [n_participants]
    sizes = [check_count("n_participants", size, 2) for size in given]
    check_count("n_items", n_items, 2)
    check_count("n_simulations", n_simulations, 100)
    check_choice("design", design, ("within", "between"))
    for name, value in (("baseline", baseline), ("baseline + effect", baseline + effect)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must be above 0 and below 1; got {value:g}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be above 0 and below 1; got {alpha:g}")
    spreads = {"participant_sd": participant_sd, "item_sd": item_sd, "effect_sd": effect_sd}
    for name, value in spreads.items():
        check_tolerance(name, value)
    draws = np.random.default_rng(random_state)
    rows = []
    for size in sizes:
        found, block = 0, max(1, _CELLS // (size * n_items))
        for start in range(0, n_simulations, block):
            some = min(block, n_simulations - start)
            shown = _assignment(design, size, n_items)
            u = draws.normal(0, participant_sd, (some, size, 1))
            v = draws.normal(0, item_sd, (some, 1, n_items))
            w = draws.normal(0, effect_sd, (some, size, 1))
            delta = logit(baseline + effect) - logit(baseline)
            chance = expit(logit(baseline) + u + v + (delta + w) * shown)
            right = draws.random(chance.shape) < chance
            found += _findings(right, shown, alpha)
        low, high = proportion_confint(found, n_simulations, method="wilson")
        rows.append((size, n_items, effect, found / n_simulations, low, high, n_simulations))
    columns = ["n_participants", "n_items", "effect", "power", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=[*columns, "n_simulations"])


def _assignment(design: str, n_participants: int, n_items: int) -> Any:
    """Return which answers are given with the tree (1 x G x items), as `reader_study` deals."""
    people, items = np.arange(n_participants)[:, None], np.arange(n_items)[None, :]
    shown = (people + items) % 2 if design == "within" else people % 2 + 0 * items
    return shown[None].astype(np.float64)


def _findings(right: Any, shown: Any, alpha: float) -> int:
    counts = []
    for side in (1 - shown, shown):
        asked = np.broadcast_to(side.sum(axis=2), right.shape[:2])
        counts += [(right * side).sum(axis=2), asked]
    p = contrast(*counts).p_values()
    return int((np.nan_to_num(p, nan=1.0) < alpha).sum())
