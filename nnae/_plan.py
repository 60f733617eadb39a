"""What an NNAE asks of its fit: its parameters, checked against each other and the labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils import check_random_state

from nnae._cells import Cells
from nnae._encoders import ENCODERS
from nnae._feature_weight import check_feature_weight
from nnae._initialise import STARTS, check_start, repeated_starts
from nnae._levels import Schedule
from nnae._problem import Fitted, Problem
from nnae._solvers import SOLVERS, Callback
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count, check_tolerance, choose_loss
from nnae._widths import check_widths

Array = npt.NDArray[Any]

#: Penalty per unit of rate mass under the Bernoulli loss; see NNAE.
BERNOULLI_PENALTY = 0.1

#: What an encoder may be unable to do -> how the parameter is called.
_ABOUT = {
    "chain": "objective='chain'",
    "cells": "mask or propensities",
    "concepts": "sparseness or orthogonality",
    "codes": "code_penalty or code_l2",
    "starts": "init=[(W, H), ...]",
    "features": "feature_weight",
}


def check_encoder(model: Any, *, cells: bool = False) -> None:
    """Refuse what the model's encoder cannot do.

    Parameters
    ----------
    model : NNAE
    cells : bool, default=False
        Whether the fit was given a mask or propensities.
    """
    check_choice("encoder", model.encoder, tuple(ENCODERS))
    check_choice("objective", model.objective, ("levels", "chain"))
    featured = check_feature_weight(model.feature_weight) != 0
    constrained = model.sparseness is not None or bool(model.orthogonality)
    shrunk = bool(model.code_l2) or not (
        isinstance(model.code_penalty, str) or not model.code_penalty
    )
    chain, started = model.objective == "chain", not isinstance(model.init, str)
    wanted = {
        "chain": chain, "cells": cells, "concepts": constrained, "codes": shrunk,
        "starts": started, "features": featured,
    }  # fmt: skip
    able = ENCODERS[model.encoder].options
    for option, asked in wanted.items():
        if asked and option not in able:
            fit = [name for name, encoder in ENCODERS.items() if option in encoder.options]
            names = " or ".join(repr(name) for name in fit)
            raise ValueError(f"{_ABOUT[option]} needs encoder={names}; got {model.encoder!r}")
    if featured and model.code_l2:
        raise ValueError("code_l2 cannot be had together with feature_weight")
    if cells and constrained and model.code_l2:
        # joint sweeps of the three together were seen to raise the objective by half a per cent
        raise ValueError(
            "code_l2 cannot be had together with a mask or propensities and constrained concepts"
        )
    for one, others in (("chain", ("cells", "concepts", "codes", "features")),
                        ("features", ("cells", "concepts", "starts"))):  # fmt: skip
        for other in others:
            if wanted[one] and wanted[other]:
                raise ValueError(f"{_ABOUT[one]} cannot be had together with {_ABOUT[other]}")


def plan_fit(
    model: Any,
    Y: Any,
    loss: str,
    sample_weight: Array | None,
    cells: Cells | None,
    callback: Callback | None,
) -> Problem:
    """Return the problem that the model's parameters set; ``Y`` has known cells alone."""
    check_choice("solver", model.solver, ("auto", *SOLVERS))
    sizes = check_widths(model.layer_sizes, *Y.shape)
    schedule = Schedule(
        solver="cd" if model.solver == "auto" else model.solver,
        init=_starts(model.init, Y.shape, sizes),
        pretrain_iter=check_count("pretrain_iter", model.pretrain_iter),
        max_iter=check_count("max_iter", model.max_iter),
        tol=check_tolerance("tol", model.tol),
        n_threads=resolve_threads(model.n_threads),
        sparseness=_sparseness(model.sparseness, len(sizes)),
        orthogonality=check_tolerance("orthogonality", model.orthogonality),
    )
    return Problem(
        Y=Y,
        sizes=sizes,
        loss=loss,
        objective=model.objective,
        schedule=schedule,
        random_state=check_random_state(model.random_state),
        penalty=_penalty(model.code_penalty, loss),
        l2=check_tolerance("code_l2", model.code_l2),
        sample_weight=sample_weight,
        cells=cells,
        callback=callback,
        cooccurrence=model.cooccurrence,
    )


def loss_of(model: Any, Y: Any) -> str:
    """Return the loss of level 1."""
    return choose_loss(model.loss, Y, linear=model.encoder if _is_linear(model) else None)


def best_fit(
    fit: Callable[[Problem], Fitted], problem: Problem, n_init: int
) -> tuple[Fitted, list[list[float]]]:
    """Return the best of several fits, and the errors of every level of each.

    The best has the lowest error of level 1. Errors of levels above are not comparable: easy codes
    are as good for them as good ones.
    """
    found: list[Fitted] = []
    for start in repeated_starts(problem.schedule.init, check_count("n_init", n_init)):
        own = replace(problem, schedule=replace(problem.schedule, init=start))
        found.append(fit(own))
        if found[-1].history.interrupted:
            break
    whole = [one for one in found if len(one.errors) == len(found[0].errors)]
    best = min(whole, key=lambda one: one.errors[0])
    best.history.seconds = sum(one.history.seconds for one in found)
    best.history.interrupted = found[-1].history.interrupted
    return best, [one.errors for one in whole]


def _is_linear(model: Any) -> bool:
    return ENCODERS[model.encoder].linear


def _penalty(given: Any, loss: str) -> float:
    if isinstance(given, str):
        check_choice("code_penalty", given, ("auto",))
        return BERNOULLI_PENALTY if loss == "bernoulli" else 0.0
    return check_tolerance("code_penalty", given)


def _starts(init: Any, shape: tuple[int, int], sizes: tuple[int, ...]) -> Any:
    if isinstance(init, str):
        return check_choice("init", init, STARTS)
    if not isinstance(init, Iterable) or len(pairs := list(init)) != len(sizes):
        raise ValueError(
            f"init must be a name or one pair (W, H) a level ({len(sizes)}); got "
            f"{type(init).__name__}"
            + (f" of {len(list(init))}" if hasattr(init, "__len__") else "")
        )
    widths = [shape[1], *sizes]
    return [
        check_start(pair, (shape[0], k), (k, below))
        for pair, k, below in zip(pairs, sizes, widths, strict=False)
    ]


def _sparseness(given: Any, n_levels: int) -> tuple[float, ...]:
    if given is None:
        return ()
    each = [given] * n_levels if np.ndim(given) == 0 else list(given)
    if len(each) != n_levels:
        raise ValueError(
            f"sparseness must be one number or one a level ({n_levels}); got {len(each)}"
        )
    values = [check_tolerance("sparseness", value) for value in each]
    if max(values) >= 1:
        raise ValueError(f"sparseness must be below 1, a single label a concept; got {max(values)}")
    return tuple(values)
