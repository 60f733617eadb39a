"""Fits over blocks of rows whose codes lie in files: factorisations, and autoencoders of levels."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._block_factors import BlockFactors
from nnae._block_levels import BlockLevels
from nnae._block_solvers import BLOCK_SOLVERS, BlockJoint, BlockSimplex
from nnae._block_start import RowFacts, fit_to_sample, look_at, spread_out
from nnae._checkpoint import present_path
from nnae._code_files import CodeFiles
from nnae._concept_rules import ConceptRule, rule_of
from nnae._factors import clear_floor
from nnae._levels import loss_above
from nnae._normal_form import to_sum_one
from nnae._problem import Fitted, Problem
from nnae._solvers import Callback, History, run_sweeps
from nnae._validation import choose_loss
from nnae.io._row_blocks import RowBlocks

Array = npt.NDArray[Any]

#: Rows at a time where codes are copied.
ROWS = 1 << 16


def fit_factorisation(
    model: Any, blocks: RowBlocks, n_threads: int, callback: Callback | None
) -> tuple[Array, Array, History, Any]:
    """Fit an NMF: weights, sums of codes (1 x k), history, the fit to some rows."""
    check_in_one_place(blocks)
    check_named_start(model)
    start = time.perf_counter()
    facts = look_at(blocks)
    loss = choose_loss(model.loss, facts.like)
    first = fit_to_sample(model, facts, loss=loss)
    Wt = spread_out(first.components_, facts.sums)
    with code_files(model, facts, (Wt.shape[1],)) as files:
        levels = _levels(blocks, files, [BlockFactors(Wt, loss, n_threads)], facts)
        solver = BLOCK_SOLVERS["cd" if model.solver == "auto" else model.solver](levels)
        history = run_sweeps(
            solver.sweep,
            solver.objective,
            max_iter=model.max_iter,
            tol=model.tol,
            callback=callback,
            name="NMF over blocks",
        )
        files.needed = history.interrupted
        if model.codes_folder is not None and not history.interrupted:
            levels.solve(0, 0)
            files.publish(0, np.arange(Wt.shape[1]), ROWS)
    history.seconds = time.perf_counter() - start
    totals = levels.factors[0].sums.totals[None, :].astype(Wt.dtype)
    clear_floor(Wt)
    return np.ascontiguousarray(Wt.T), totals, history, first


def fit_autoencoder(model: Any, blocks: RowBlocks) -> tuple[Fitted, Problem, Any]:
    """Fit all levels, each on the codes below it, then jointly; return the fit to some rows too."""
    check_in_one_place(blocks)
    check_named_start(model)
    begin = time.perf_counter()
    facts = look_at(blocks)
    loss = choose_loss(model.loss, facts.like)
    problem: Problem = model._problem(facts.like, None, loss)
    first = fit_to_sample(model, facts, loss=loss, layer_sizes=problem.sizes)
    bases = [facts.sums, *(Z.sum(axis=0, dtype=np.float64) for Z in first.codes_)]
    factors = []
    for number, W in enumerate(first.weights_):
        own = (problem.penalty, problem.l2) if number == 0 else (0.0, 0.0)
        name = loss if number == 0 else loss_above(loss)
        Wt = spread_out(W, bases[number])
        factors.append(BlockFactors(Wt, name, problem.schedule.n_threads, *own))
    with code_files(model, facts, problem.sizes) as files:
        levels = _levels(blocks, files, factors, facts)
        history, curves = _sweep_levels(levels, problem, facts)
        files.needed = history.interrupted
        errors = [one.objective() for one in factors if one.sums.n_rows]
        if not history.interrupted:
            levels = _levels(blocks, files, _in_normal_form(factors), facts)
            levels.solve(0, len(factors) - 1)
        weights, totals = _by_mass(levels, files, publish=model.codes_folder is not None)
        if history.interrupted and len(errors) < len(factors):
            raise KeyboardInterrupt("the fit was interrupted before it had seen all levels")
    history.seconds = time.perf_counter() - begin
    return Fitted(weights, totals, history, curves, errors=errors), problem, first


def check_blocks_alone(**given: Any) -> None:
    """Refuse what is as long as the rows, beside rows in blocks."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} must be None for row blocks")


def check_named_start(model: Any) -> None:
    """Refuse codes to start from: there are no more of them in memory than of rows."""
    if not isinstance(model.init, str):
        raise ValueError(
            "init must be a name for a fit over blocks, not a pair of codes and weights"
        )


def check_in_one_place(blocks: RowBlocks) -> None:
    """Refuse rows that lie on workers: their codes would have to travel at every sweep."""
    if hasattr(blocks, "add_up"):
        raise ValueError(
            "a fit that keeps codes of all rows runs in one process: write the rows to a folder "
            "(nnae.io.write_blocks), or take NNAE(encoder='linear'), which runs on the cluster"
        )


def _sweep_levels(
    levels: BlockLevels, problem: Problem, facts: RowFacts
) -> tuple[History, list[list[float]]]:
    schedule, curves, alone = problem.schedule, [], len(levels.factors) == 1
    rules: list[ConceptRule] = []
    history = History()
    for number in range(len(levels.factors)):
        overlap = schedule.orthogonality * _size(levels, number, facts)
        rules.append(rule_of(0.0, overlap))
        one = BlockSimplex(levels, number, rules[-1], schedule.solver)
        history = run_sweeps(
            one.sweep,
            one.objective,
            max_iter=schedule.pretrain_iter,
            tol=schedule.tol,
            callback=problem.callback if alone else None,
            name=f"level {number + 1} over blocks",
        )
        curves.append(history.curve)
        if history.interrupted:
            return history, curves
    if not alone:
        joint = BlockJoint(levels, rules)
        history = run_sweeps(
            joint.sweep,
            joint.objective,
            max_iter=schedule.max_iter,
            tol=schedule.tol,
            callback=problem.callback,
            name="the joint fit of all levels over blocks",
        )
    return history, curves


def _size(levels: BlockLevels, number: int, facts: RowFacts) -> float:
    """Return the sum of what a level models, or of its squares under Frobenius."""
    squares = levels.factors[number].loss == "frobenius"
    if number == 0:
        return facts.squares if squares else float(facts.sums.sum())
    below = levels.factors[number - 1].sums
    return float(np.trace(below.gram) if squares else below.totals.sum())


def _in_normal_form(factors: list[BlockFactors]) -> list[BlockFactors]:
    """Return levels that know no codes, without negligible weights."""
    found = []
    for one in factors:
        Wt = one.Wt.copy()
        to_sum_one(Wt)
        found.append(BlockFactors(Wt, one.loss, one.n_threads, one.penalty, one.l2))
    return found


def _by_mass(
    levels: BlockLevels, files: CodeFiles, publish: bool
) -> tuple[list[Array], list[Array]]:
    """Return weights (k_l x k_{l-1}) and sums of codes (1 x k_l), concepts by falling mass."""
    weights, totals = [], []
    below = np.arange(levels.factors[0].Wt.shape[0])
    for number, one in enumerate(levels.factors):
        order = np.argsort(-one.sums.totals, kind="stable")
        weights.append(np.ascontiguousarray(one.Wt[below][:, order].T))
        totals.append(one.sums.totals[None, order].astype(one.Wt.dtype))
        if publish and files.current[number] >= 0:
            files.publish(number, order, ROWS)
        below = order
    return weights, totals


def _levels(
    blocks: RowBlocks, files: CodeFiles, factors: list[BlockFactors], facts: RowFacts
) -> BlockLevels:
    dtype = facts.dtype

    def labels() -> Iterable[Any]:
        for block in blocks.labels():
            yield block.Y if block.Y.dtype == dtype else block.Y.astype(dtype)

    return BlockLevels(labels, files, factors)


@contextmanager
def code_files(model: Any, facts: RowFacts, widths: tuple[int, ...]) -> Iterator[CodeFiles]:
    """Give a fit its files of codes, and take away what only it needs.

    They lie in the folder that the user named; beside the checkpoint, where a later process finds
    them; or among temporary files.
    """
    named, checkpoint = model.codes_folder, present_path()
    if named is not None:
        folder = os.path.abspath(os.fspath(named))
        os.makedirs(folder, exist_ok=True)
        _refuse_strangers(folder, again=checkpoint is not None)
    elif checkpoint is not None:
        folder = os.path.abspath(checkpoint) + ".codes"
        os.makedirs(folder, exist_ok=True)
    else:
        folder = tempfile.mkdtemp(prefix="nnae-codes-")
    files: CodeFiles | None = None
    try:
        files = CodeFiles(folder, facts.n_rows, widths, facts.dtype, checkpoint is not None)
        yield files
    finally:
        if checkpoint is None or (files is not None and not files.needed):
            if named is None:
                shutil.rmtree(folder, ignore_errors=True)
            elif files is not None:
                files.remove()


def _refuse_strangers(folder: str, again: bool) -> None:
    """Refuse a folder with anything in it that this fit would not have left there."""
    for name in sorted(os.listdir(folder)):
        ours = name.startswith("codes_") and name.endswith((".part", ".npy"))
        if not (again and ours):
            raise ValueError(f"codes_folder must be new or empty; {folder} holds {name!r}")
