"""How many concepts: by cells held out, and by what comes back with another seed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone

from nnae._labels import encode_labels
from nnae._progress import progress_bar
from nnae._speckles import SHARES, deal_speckles
from nnae._validation import check_count, check_tolerance, choose_loss, label_dtype
from nnae.autoencoder import NNAE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

#: Penalty on codes, as NNAE's under Bernoulli: unpenalised codes use what is hidden at no cost.
PENALTY = 0.1


@dataclass(frozen=True)
class RankReport:
    """Hold what `choose_rank` found.

    Attributes
    ----------
    frame : DataFrame
        One row a rank: rank, loss (mean of folds), se (its standard error), excess and excess_se
        (over the best rank, fold by fold), training_loss, base_share (of rates, from frequencies),
        stability, seconds.
    folds : ndarray of shape (n_ranks, n_folds)
        Held-out loss of a cell.
    best : int
        Rank of least held-out loss.
    one_se : int
        Smallest rank whose excess is at most its standard error.
    loss_name : str
        The loss.

    Examples
    --------
    >>> from nnae import choose_rank
    >>> from nnae.datasets import make_label_hierarchy
    >>> Y = make_label_hierarchy(150, random_state=0).Y
    >>> report = choose_rank(Y, [2, 6], n_folds=3, n_seeds=0, random_state=0)
    >>> list(report.frame["rank"]), report.one_se <= report.best
    ([2, 6], True)
    """

    frame: pd.DataFrame
    folds: Floats
    best: int
    one_se: int
    loss_name: str

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it, see `nnae.plot.rank_curve`."""
        from nnae.plot import rank_curve

        return rank_curve(self, ax)

    def __str__(self) -> str:
        """Return the table with the two choices marked."""
        marks = {self.best: "best", self.one_se: "one standard error"}
        if self.best == self.one_se:
            marks = {self.best: "best, one standard error"}
        shown = self.frame[["rank", "loss", "se", "training_loss", "stability", "seconds"]].copy()
        shown[""] = [marks.get(rank, "") for rank in shown["rank"]]
        head = f"Held-out {self.loss_name} loss of a cell, {self.folds.shape[1]} folds"
        return head + "\n" + shown.to_string(index=False, float_format="{:.4g}".format)

    def _repr_html_(self) -> str:
        return self.frame.to_html(index=False, float_format="{:.4g}".format)


def choose_rank(
    Y: Any,
    ranks: Iterable[int],
    *,
    model: NNAE | None = None,
    n_folds: int = 5,
    n_seeds: int = 3,
    zeros_per_positive: float = 4.0,
    random_state: int | None = None,
    n_threads: int | None = None,
    verbose: int = 0,
) -> RankReport:
    r"""Compare numbers of concepts by held-out cells and by stability.

    Every fold hides its share of the positives and as many zeros as are worth their cost, fits the
    other cells, and measures the loss of the hidden ones, which stand for all positives and all
    zeros:

    .. math:: \frac{1}{nL} \left( \frac{n_+}{|H_+|} \sum_{H_+} D(y, \tilde\Lambda)
              + \frac{n_0}{|H_0|} \sum_{H_0} D(0, \tilde\Lambda) \right), \quad
              \tilde\Lambda_{ij} = (1 - s) \Lambda_{ij} + s \bar\Lambda_j

    A share s of every rate comes from how frequent the label is: concepts explain no stray label,
    and hidden ones would otherwise cost so much that few broad concepts win. It is chosen
    for each rank and fold by the cells of the other folds.

    Parameters
    ----------
    Y : sparse matrix, array, DataFrame, or list of label sets
        n examples, L labels, non-negative.
    ranks : sequence of int
        Increasing, from 1 to L, at least two.
    model : NNAE, optional
        Unfitted, with ``encoder="nnls"``; its layer_sizes (one level), random_state and n_threads
        are replaced. None takes ``NNAE(code_penalty=0.1)``: it pays to penalise codes, since a
        concept that a row's hidden labels share costs nothing there otherwise, and endless codes
        are the end of any comparison.
    n_folds : int, default=5
        At least 2, at most the number of positives.
    n_seeds : int, default=3
        Fits of all cells from random starts whose concepts are compared: 0, or at least 2.
    zeros_per_positive : float, default=4.0
        Hidden zeros by hidden positives, above 0.
    random_state : int, optional
        Seed of folds and starts.
    n_threads : int or None
        Threads; None takes all. The result is the same, to the bit, for any number.
    verbose : int, default=0
        Show a progress bar on standard error when positive.

    Returns
    -------
    RankReport
        With a table, a plot and the ranks `best` and `one_se`.

    Raises
    ------
    ValueError
        When ranks do not increase or leave 1 to L, or a number is out of its range.

    Notes
    -----
    Folds hide a larger share of positives than of zeros; the fits make up for it, every known
    positive counting more. Rates below half an example in n are taken for that: a hidden positive
    of rate zero would cost infinity. Stability is the mean cosine of concepts of two fits, matched
    one to one, over pairs of fits. Costs ``n_folds + n_seeds`` fits a rank, and the hidden cells;
    no n x L matrix is formed. Wold (1978) and Owen and Perry (2009) for hiding cells. Widths of
    :class:`nnae.NNAE` that are "auto" are not chosen this way, they follow from n and L alone.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import choose_rank
    >>> on = np.random.default_rng(0).random((200, 4)) < 0.5
    >>> Y = np.random.default_rng(1).random((200, 40)) < 0.6 * np.repeat(on, 10, axis=1)
    >>> report = choose_rank(Y, [2, 4, 8], n_folds=3, n_seeds=0, random_state=0)
    >>> report.best, report.folds.shape
    (4, (3, 3))
    """
    if model is not None and not isinstance(model, NNAE):
        raise TypeError(f"model must be an NNAE; got {type(model).__name__}")
    matrix, _ = encode_labels(Y, dtype=label_dtype(Y))
    found = _check_ranks(ranks, matrix.shape[1])
    check_count("n_folds", n_folds, 2)
    if n_folds > matrix.nnz:
        raise ValueError(
            f"n_folds must be at most the number of positives {matrix.nnz}; got {n_folds}"
        )
    if check_count("n_seeds", n_seeds, 0) == 1:
        raise ValueError("n_seeds must be 0 or at least 2; got 1")
    if not check_tolerance("zeros_per_positive", zeros_per_positive):
        raise ValueError("zeros_per_positive must be above 0; got 0")
    base = clone(model) if model is not None else NNAE(code_penalty=PENALTY)
    loss = choose_loss(base.loss, matrix)
    draws = np.random.default_rng(random_state)
    speckles = deal_speckles(matrix, n_folds, zeros_per_positive, draws)
    base_rates = [held.base_rates(loss, matrix) for held in speckles]
    seeds = draws.integers(0, 2**31 - 1, max(n_folds, n_seeds)).tolist()
    n, L = matrix.shape
    losses = np.empty((len(found), n_folds, len(SHARES)))
    rows: list[dict[str, float]] = []
    with progress_bar(len(found) * (n_folds + n_seeds), 0, verbose) as advance:
        for place, k in enumerate(found):
            start, training = time.perf_counter(), []
            base.set_params(layer_sizes=(k,), loss=loss, n_threads=n_threads)
            for number, held in enumerate(speckles):
                fit = clone(base).set_params(random_state=seeds[number])
                known = np.full(L, held.share)
                fit.fit(matrix, mask=held.mask((n, L)), propensities=known)
                Z, W = fit.codes_[0], fit.weights_[0]
                losses[place, number] = held.losses(loss, Z, W, base_rates[number], 0.5 / n)
                training.append(fit.loss_ / (n * L))
                advance(1)
            concepts = []
            for seed in seeds[:n_seeds]:
                fit = clone(base).set_params(random_state=seed)
                if isinstance(fit.init, str) and fit.init == "auto":
                    fit.set_params(init="random")
                concepts.append(fit.fit(matrix).weights_[0])
                advance(1)
            rows.append(
                {
                    "training_loss": float(np.mean(training)),
                    "base_share": float(np.mean(np.take(SHARES, _shares(losses[place])))),
                    "stability": _stability(concepts),
                    "seconds": time.perf_counter() - start,
                }
            )
    folds = np.array([one[np.arange(n_folds), _shares(one)] for one in losses])
    return _report(found, folds, rows, loss)


def _shares(losses: Floats) -> npt.NDArray[np.intp]:
    """Return for each fold the place of the share that is best in the others (folds x shares)."""
    return np.asarray(np.argmin(losses.sum(axis=0) - losses, axis=1))


def _check_ranks(ranks: Any, n_labels: int) -> list[int]:
    if isinstance(ranks, str) or not isinstance(ranks, Iterable):
        raise TypeError(f"ranks must be a sequence of integers; got {ranks!r}")
    found = [check_count("ranks", rank) for rank in ranks]
    if len(found) < 2:
        raise ValueError(f"ranks must hold at least two; got {found}")
    if any(one >= two for one, two in pairwise(found)):
        raise ValueError(f"ranks must increase; got {found}")
    if found[-1] > n_labels:
        raise ValueError(f"ranks must be at most the number of labels {n_labels}; got {found[-1]}")
    return found


def _report(ranks: list[int], folds: Floats, rows: list[dict[str, float]], loss: str) -> RankReport:
    best = int(np.argmin(folds.mean(axis=1)))
    excess = folds - folds[best]
    root = np.sqrt(folds.shape[1])
    frame = pd.DataFrame(
        {
            "rank": ranks,
            "loss": folds.mean(axis=1),
            "se": folds.std(axis=1, ddof=1) / root,
            "excess": excess.mean(axis=1),
            "excess_se": excess.std(axis=1, ddof=1) / root,
            **{name: [row[name] for row in rows] for name in rows[0]},
        }
    )
    near = np.flatnonzero(frame["excess"].to_numpy() <= frame["excess_se"].to_numpy())
    return RankReport(frame, folds, ranks[best], ranks[int(near[0])], loss)


def _stability(concepts: list[Any]) -> float:
    """Return the mean cosine of matched concepts over pairs of fits (NaN without any)."""
    unit = []
    for W in concepts:
        length = np.sqrt(np.square(W, dtype=np.float64).sum(axis=1, keepdims=True))
        unit.append(W / np.where(length > 0, length, 1))
    found = []
    for one, two in combinations(unit, 2):
        near = np.einsum("pj,qj->pq", one, two)
        p, q = linear_sum_assignment(near, maximize=True)
        found.append(float(near[p, q].mean()))
    return float(np.mean(found)) if found else float("nan")
