"""Print how often the intervals of `analyse_study` hold the truth in simulated studies."""

import time

import numpy as np
import pandas as pd
from scipy.special import expit, logit

import nnae

HEADER = ("participants", "items", "log odds", "method", "coverage", "found", "width", "seconds")
BASELINE, SPREAD = 0.65, 0.5


def run(*, n_studies=200):
    """Yield HEADER and a row a size, effect and method.

    Answers follow the model of `power_study`: participants and items with standard deviation 0.5.
    "gee" estimates the effect on the average over people and items, "mixed" that for one person,
    so that coverage is of the one or of the other: they are equal where there is no effect.
    """
    yield HEADER
    for n_people, delta in ((8, 0.0), (20, 0.0), (20, 0.6)):
        average = marginal(BASELINE, delta) if delta else 0.0
        truth = {"gee": average, "mixed": delta}
        effects, begin = [], time.perf_counter()
        for seed in range(n_studies):
            effects.append(nnae.analyse_study(answers(n_people, 24, delta, seed)).effects)
        seconds = time.perf_counter() - begin
        table = pd.concat(effects)
        for method, rows in table.groupby("method"):
            held = rows["ci_low"].le(truth[method]) & rows["ci_high"].ge(truth[method])
            found = rows["ci_low"].gt(0) | rows["ci_high"].lt(0)
            width = (rows["ci_high"] - rows["ci_low"]).mean()
            cells = (float(held.mean()), float(found.mean()), float(width), seconds)
            yield (n_people, 24, delta, method, *cells)


def marginal(baseline, delta):
    """Return the log odds ratio of the accuracies averaged over people and items."""
    noise = np.random.default_rng(0).normal(0, SPREAD * np.sqrt(2), 1_000_000)
    with_it, without = (expit(logit(baseline) + noise + d).mean() for d in (delta, 0.0))
    return float(logit(with_it) - logit(without))


def answers(n_people, n_items, delta, seed):
    """Draw the answers of one study."""
    draws = np.random.default_rng(seed)
    people, items = np.divmod(np.arange(n_people * n_items), n_items)
    shown = (people + items) % 2
    level = draws.normal(0, SPREAD, n_people)[people] + draws.normal(0, SPREAD, n_items)[items]
    right = draws.random(len(people)) < expit(logit(BASELINE) + level + delta * shown)
    model = np.where(items // 2 % 2 == 1, "yes", "no")
    return pd.DataFrame(
        {
            "study": "s",
            "participant": people.astype(str),
            "condition": np.where(shown == 1, "tree", "none"),
            "phase": "test",
            "block": 1,
            "trial": items,
            "item": items.astype(str),
            "example": "",
            "label": "",
            "answer": np.where(right, model, np.where(model == "yes", "no", "yes")),
            "model": model,
            "correct": right.astype(int),
            "confidence": 3,
            "seconds": 5.0,
        }
    )
