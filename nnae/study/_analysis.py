"""The effect of the tree on people's answers."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM
from statsmodels.genmod.cov_struct import Independence
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_estimating_equations import GEE

from nnae.study._answers import read_answers
from nnae.study._clusters import contrast
from nnae.study._report import WORDS, StudyReport

_ORDER = ("none", "shuffled_tree", "tree")
_EFFECT = ("log_odds", "ci_low", "ci_high", "p_value")


def analyse_study(csv: Any) -> StudyReport:
    r"""Analyse the answers to a questionnaire of `reader_study`.

    The effect of a condition is the log odds ratio :math:`\delta` of being right,

    .. math:: \mathrm{logit}\, P(\text{right}_{pi}) = \beta + \delta\, c_{pi},

    estimated in two ways. "gee", which the verdict goes by: generalised estimating equations with
    independent working correlation, standard errors robust by participant times
    :math:`\sqrt{G / (G - 1)}`, Student's t with G - 1 degrees of freedom. "mixed": participants and
    items as random intercepts, :math:`+ u_p + v_i`, by variational Bayes; its effect is that for
    one person, which is further from zero, and its interval tends to be too narrow.

    Parameters
    ----------
    csv : path, DataFrame, or list of these
        Files that participants saved. Practice answers are left out.

    Returns
    -------
    StudyReport
        With fewer than two participants accuracies alone, without intervals and effects.

    Raises
    ------
    OSError
        When a file cannot be read.
    ValueError
        When a file is no table of answers, files are of different studies, or an item is answered
        twice by one participant: one line says which and where.

    Notes
    -----
    Where a condition is all right or all wrong the log odds are infinite: "gee" is NaN then and the
    verdict goes by the difference of the accuracies.

    Sources: Liang and Zeger (1986); Jaeger (2008) for participants and items as random effects.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from nnae import analyse_study
    >>> draws = np.random.default_rng(0)
    >>> rows = [
    ...     (p, ("none", "tree")[(i + p) % 2], str(i), ("no", "yes")[i // 2 % 2])
    ...     for p in range(30) for i in range(24)
    ... ]
    >>> table = pd.DataFrame(rows, columns=["participant", "condition", "item", "model"])
    >>> right = draws.random(720) < np.where(table["condition"] == "tree", 0.8, 0.6)
    >>> other = table["model"].map({"yes": "no", "no": "yes"})
    >>> table["answer"] = table["model"].where(right, other)
    >>> table = table.assign(correct=right.astype(int), study="s", phase="test", block=1, trial=1)
    >>> table = table.assign(example="", label="", confidence=3, seconds=5.0)
    >>> report = analyse_study(table)
    >>> report.helpful
    True
    """
    answers = read_answers(csv)
    answers = answers[answers["phase"] == "test"]
    if not len(answers):
        raise ValueError("there must be answers to test items; got practice alone")
    found = answers["condition"].unique().tolist()
    names = [name for name in _ORDER if name in found]
    names += sorted(set(found) - set(names))
    participants = _by_participant(answers, names)
    conditions = _by_condition(answers, names)
    rows = []
    for against, condition in combinations(names, 2):
        pair = answers[answers["condition"].isin([against, condition])]
        if pair["participant"].nunique() > 1:
            rows += _effects(pair, condition, against)
    columns = ["condition", "against", "method", *_EFFECT, "odds_ratio"]
    columns += ["difference", "difference_low", "difference_high"]
    effects = pd.DataFrame(rows, columns=columns)
    verdict, helpful = _verdict(conditions, effects, answers)
    return StudyReport(conditions, effects, participants, verdict, helpful)


def _by_participant(answers: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    table = answers.groupby(["participant", "condition"], sort=True).agg(
        answers=("correct", "size"),
        accuracy=("correct", "mean"),
        confidence=("confidence", "mean"),
        seconds=("seconds", "median"),
    )
    return table.reset_index()


def _by_condition(answers: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    rows = []
    for name in names:
        own = answers[answers["condition"] == name]
        y, n = (_counts(own, own["participant"].unique(), kind) for kind in ("sum", "size"))
        nothing = np.zeros_like(n)
        nothing[0] = 1.0  # a difference from the constant zero
        mean = contrast(np.zeros_like(y), nothing, y, n)
        reach = mean.reach() * mean.difference_error[0] if len(n) > 1 else np.nan
        value = float(own["correct"].mean())
        low, high = np.clip([value - reach, value + reach], 0, 1)
        seconds = float(own["seconds"].median())
        confidence = float(own["confidence"].mean())
        rows.append((name, len(n), len(own), value, low, high, confidence, seconds))
    columns = ["condition", "participants", "answers", "accuracy", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=[*columns, "confidence", "seconds"])


def _counts(answers: pd.DataFrame, participants: Any, kind: str) -> Any:
    counts = answers.groupby("participant")["correct"].agg(kind)
    return counts.reindex(participants, fill_value=0).to_numpy(np.float64)


def _effects(pair: pd.DataFrame, condition: str, against: str) -> list[tuple[Any, ...]]:
    """Return the rows of both methods for one pair of conditions."""
    people = pair["participant"].unique()
    sides = [pair[pair["condition"] == name] for name in (against, condition)]
    found = contrast(*(_counts(side, people, kind) for side in sides for kind in ("sum", "size")))
    reach = found.reach() * found.difference_error[0]
    gap = float(found.difference[0])
    gaps = (gap, float(max(gap - reach, -1)), float(min(gap + reach, 1)))
    fitted = _gee(pair, condition, found) if np.isfinite(found.log_odds[0]) else (np.nan,) * 4
    mixed = _mixed(pair, condition)
    return [
        (condition, against, "gee", *fitted, np.exp(fitted[0]), *gaps),
        (condition, against, "mixed", *mixed, np.exp(mixed[0]), np.nan, np.nan, np.nan),
    ]


def _gee(pair: pd.DataFrame, condition: str, found: Any) -> tuple[float, ...]:
    """Fit the estimating equations; the p-value and the interval by Student's t."""
    design = np.column_stack([np.ones(len(pair)), pair["condition"] == condition]).astype(float)
    model = GEE(
        pair["correct"].to_numpy(float),
        design,
        groups=pair["participant"].to_numpy(),
        family=Binomial(),
        cov_struct=Independence(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the closed solution exists, as was checked
        fitted = model.fit()
    G = found.n_participants
    effect, error = float(fitted.params[1]), float(fitted.bse[1]) * np.sqrt(G / (G - 1))
    reach = found.reach() * error
    return effect, effect - reach, effect + reach, float(found.p_values()[0])


def _mixed(pair: pd.DataFrame, condition: str) -> tuple[float, ...]:
    table = pd.DataFrame(
        {
            "right": pair["correct"].to_numpy(float),
            "shown": (pair["condition"] == condition).to_numpy(float),
            "participant": pair["participant"].to_numpy(str),
            "item": pair["item"].to_numpy(str),
        }
    )
    random = {"participant": "0 + C(participant)", "item": "0 + C(item)"}
    random = {name: formula for name, formula in random.items() if table[name].nunique() > 1}
    model = BinomialBayesMixedGLM.from_formula("right ~ shown", random, table)
    size = model.k_fep + model.k_vcp + model.k_vc
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a search that stops early is near enough
        fitted = model.fit_vb(mean=np.zeros(size), sd=np.full(size, 0.6))
    effect, error = float(fitted.fe_mean[1]), float(fitted.fe_sd[1])
    reach = float(norm.ppf(0.975)) * error
    return effect, effect - reach, effect + reach, float(2 * norm.sf(abs(effect) / error))


def _verdict(
    conditions: pd.DataFrame, effects: pd.DataFrame, answers: pd.DataFrame
) -> tuple[str, bool]:
    n = answers["participant"].nunique()
    shares: dict[str, float] = dict(
        zip(conditions["condition"].tolist(), conditions["accuracy"].tolist(), strict=True)
    )
    said = [
        f"{n} {'participant' if n == 1 else 'participants'} gave {len(answers):,} answers: "
        + ", ".join(
            f"{100 * share:.0f} % right with {WORDS.get(name, name)}"
            for name, share in shares.items()
        )
        + "."
    ]
    helpful: list[bool] = []
    for row in effects[effects["method"] == "gee"].to_dict("records"):
        low, high = row["ci_low"], row["ci_high"]
        if not np.isfinite(row["log_odds"]):
            low, high = row["difference_low"], row["difference_high"]
        one, other = (WORDS.get(row[key], row[key]) for key in ("condition", "against"))
        better = "did better" if low > 0 else "did worse" if high < 0 else "did not clearly differ"
        said.append(
            f"With {one} they {better} {'from' if 'differ' in better else 'than'} with {other} "
            f"({100 * row['difference']:+.0f} points, 95 % interval "
            f"{100 * row['difference_low']:+.0f} to {100 * row['difference_high']:+.0f}"
            + (
                f"; odds ratio {row['odds_ratio']:.2f}, {np.exp(low):.2f} to {np.exp(high):.2f}, "
                f"p = {row['p_value']:.2g})."
                if np.isfinite(row["log_odds"])
                else ")."
            )
        )
        if row["condition"] == "tree":
            helpful.append(bool(low > 0))
    if not len(effects):
        said.append(
            "That is too little to compare conditions: two participants at least, and two "
            "conditions, are needed."
        )
    return " ".join(said), bool(helpful) and all(helpful)
