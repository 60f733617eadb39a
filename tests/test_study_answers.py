"""Answers are checked, effects and their intervals are right, and so is the power."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel
from statsmodels.stats.proportion import proportion_confint

import nnae
from nnae.study._clusters import contrast


def answers(n_people=12, n_items=24, odds=0.8, seed=0, design="within", people_sd=0.5):
    draws = np.random.default_rng(seed)
    people = draws.normal(0, people_sd, n_people)
    rows = []
    for p in range(n_people):
        for i in range(n_items):
            shown = (i + p) % 2 if design == "within" else p % 2
            chance = 1 / (1 + np.exp(-(0.6 + people[p] + odds * shown)))
            right, model = draws.random() < chance, ("no", "yes")[i // 2 % 2]
            answer = model if right else {"yes": "no", "no": "yes"}[model]
            condition = ("none", "tree")[shown]
            rows.append(("s1", f"P{p}", condition, "test", 1 + shown, i + 1, str(i), f"row {i}",
                         'a "label", x', answer, model, int(right), 3, "4.50"))  # fmt: skip
    columns = [
        *("study", "participant", "condition", "phase", "block", "trial", "item", "example"),
        *("label", "answer", "model", "correct", "confidence", "seconds"),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_an_effect_is_found_and_none_is_not(tmp_path):
    table = answers(30, odds=1.0)
    paths = []
    for name, part in table.groupby("participant"):
        paths.append(tmp_path / f"{name}.csv")
        part.to_csv(paths[-1], index=False)
    report = nnae.analyse_study(paths)
    assert report.helpful
    assert "did better than with no tree" in report.verdict
    pd.testing.assert_frame_equal(report.effects, nnae.analyse_study(table).effects)
    known = report.conditions.set_index("condition")
    right = table.groupby("condition")["correct"].mean()
    assert known.at["tree", "accuracy"] == pytest.approx(right["tree"])
    assert known.at["none", "ci_low"] < right["none"] < known.at["none", "ci_high"]
    assert (known["participants"] == 30).all()
    effects = report.effects.set_index("method")
    assert effects.at["gee", "difference"] == pytest.approx(right["tree"] - right["none"])
    for method in ("gee", "mixed"):
        low, high = effects.loc[method, ["ci_low", "ci_high"]]
        assert low < 1.0 < high
        assert effects.at[method, "odds_ratio"] == pytest.approx(
            np.exp(effects.at[method, "log_odds"])
        )
    nothing = nnae.analyse_study(answers(30, odds=0.0, seed=1))
    assert not nothing.helpful
    assert "did not clearly differ" in nothing.verdict
    harmful = nnae.analyse_study(answers(40, odds=-1.2))
    assert not harmful.helpful
    assert "did worse" in harmful.verdict


@pytest.mark.parametrize("design", ["within", "between"])
def test_estimating_equations_equal_the_closed_form(design):
    table = answers(14, odds=0.5, seed=4, design=design)
    found = nnae.analyse_study(table).effects.set_index("method").loc["gee"]
    sides = [table[table["condition"] == name] for name in ("none", "tree")]
    people = table["participant"].unique()
    counts = [
        side.groupby("participant")["correct"].agg(kind).reindex(people, fill_value=0).to_numpy()
        for side in sides
        for kind in ("sum", "size")
    ]
    closed = contrast(*counts)
    assert found["log_odds"] == pytest.approx(closed.log_odds[0])
    reach = closed.reach() * closed.log_odds_error[0]
    assert found["ci_high"] - found["log_odds"] == pytest.approx(reach, rel=1e-6)
    assert (found["p_value"] < 0.05) == (found["ci_low"] > 0 or found["ci_high"] < 0)


def test_a_balanced_difference_equals_the_paired_test():
    table = answers(10, seed=2)
    means = table.pivot_table(index="participant", columns="condition", values="correct")
    test = ttest_rel(means["tree"], means["none"])
    counts = [
        table[table["condition"] == name].groupby("participant")["correct"].agg(kind).to_numpy()
        for name in ("none", "tree")
        for kind in ("sum", "size")
    ]
    found = contrast(*counts)
    assert found.difference[0] / found.difference_error[0] == pytest.approx(test.statistic)


def test_few_answers_and_certain_ones():
    alone = nnae.analyse_study(answers(1))
    assert not alone.helpful and not len(alone.effects)
    assert "too little to compare" in alone.verdict
    assert alone.conditions["ci_low"].isna().all()
    table = answers(8)
    sure = table["condition"] == "tree"
    table.loc[sure, "answer"] = table.loc[sure, "model"]
    table.loc[sure, "correct"] = 1
    report = nnae.analyse_study(table)
    effects = report.effects.set_index("method")
    assert np.isnan(effects.at["gee", "log_odds"]) and np.isfinite(effects.at["mixed", "log_odds"])
    assert report.helpful
    with pytest.raises(ValueError, match="got practice alone"):
        nnae.analyse_study(table.assign(phase="practice"))
    same = nnae.analyse_study(answers(6))
    pd.testing.assert_frame_equal(same.effects, nnae.analyse_study(answers(6)).effects)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.drop(columns=["answer", "item"]), "it lacks item, answer"),
        (lambda t: t.assign(answer="maybe"), "row 1: answer must be yes or no; got 'maybe'"),
        (lambda t: t.assign(confidence=9), "confidence must be a number from 1 to 5; got '9'"),
        (lambda t: t.assign(seconds=-1), "seconds must be a number of at least 0; got '-1'"),
        (lambda t: t.assign(correct=1 - t["correct"]), "correct must be 1 where answer equals"),
        (lambda t: t.assign(phase="play"), "phase must be practice or test; got 'play'"),
        (lambda t: t.assign(participant=" "), "participant must be a code"),
        (lambda t: t.iloc[:0], "it has a header alone"),
        (lambda t: pd.concat([t, t.iloc[[5]]]), "answers item '5' again in"),
        (lambda t: t.assign(study=[f"s{i % 2}" for i in range(len(t))]), "got 2: s0, s1"),
    ],
)
def test_wrong_tables_are_refused_in_one_line(change, match, tmp_path):
    path = tmp_path / "answers.csv"
    change(answers(2)).to_csv(path, index=False)
    with pytest.raises(ValueError, match=match) as caught:
        nnae.analyse_study(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_tables(tmp_path):
    empty, torn = tmp_path / "empty.csv", tmp_path / "torn.csv"
    empty.write_text("")
    torn.write_text('a,b\n1,2\n"3,4,5\n')
    with pytest.raises(ValueError, match="it is empty"):
        nnae.analyse_study(empty)
    with pytest.raises(ValueError, match="must be a table of comma-separated values"):
        nnae.analyse_study([torn])
    with pytest.raises(ValueError, match="at least one file; got an empty list"):
        nnae.analyse_study([])
    with pytest.raises(FileNotFoundError):
        nnae.analyse_study(tmp_path / "missing.csv")


def test_plot(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    axes = nnae.analyse_study(answers(6)).plot()
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["no tree", "the tree"]
    assert axes.get_ylabel() == "right answers, per cent"
    plt.close(axes.figure)
    one = nnae.analyse_study(answers(1)).plot()
    plt.close(one.figure)


def test_false_alarms_are_as_rare_as_stated():
    for design in ("within", "between"):
        table = nnae.power_study(20, 24, 0.0, design=design, n_simulations=4000)
        low, high = proportion_confint(round(0.05 * 4000), 4000, 0.001, "wilson")
        assert low - 0.015 < table["power"][0] < high + 0.015
        assert table["ci_low"][0] < table["power"][0] < table["ci_high"][0]


def test_power_grows_as_it_must():
    more = nnae.power_study([8, 16, 32, 64], 24, 0.1, n_simulations=1000)
    assert more["power"].is_monotonic_increasing
    assert more["power"][3] > 0.9
    within, between = (
        nnae.power_study(24, 24, 0.1, design=design, participant_sd=1.0, n_simulations=1000)
        for design in ("within", "between")
    )
    assert within["power"][0] > between["power"][0] + 0.1
    uneven = nnae.power_study(24, 24, 0.1, effect_sd=1.0, n_simulations=1000)
    assert uneven["power"][0] < nnae.power_study(24, 24, 0.1, n_simulations=1000)["power"][0]
    again = nnae.power_study(24, 24, 0.1, n_simulations=300, random_state=7)
    pd.testing.assert_frame_equal(
        again, nnae.power_study([24], 24, 0.1, n_simulations=300, random_state=7)
    )


def test_power_agrees_with_analysed_studies():
    found = sum(nnae.analyse_study(answers(10, 16, 0.7, seed=seed)).helpful for seed in range(40))
    start = 1 / (1 + np.exp(-0.6))
    effect = 1 / (1 + np.exp(-1.3)) - start
    table = nnae.power_study(10, 16, effect, baseline=start, participant_sd=0.5, item_sd=0.0)
    low, high = proportion_confint(found, 40, 0.002, "wilson")
    assert low < table["power"][0] < high


def test_power_errors():
    for match, given in (
        ("n_participants must be at least 2; got 1", {"n_participants": 1}),
        ("baseline \\+ effect must be above 0 and below 1; got 1.05", {"effect": 0.4}),
        ("alpha must be above 0", {"alpha": 0.0}),
        ("item_sd must be at least 0", {"item_sd": -1}),
        ("n_simulations must be at least 100", {"n_simulations": 10}),
        ("design must be one of", {"design": "crossed"}),
    ):
        with pytest.raises(ValueError, match=match):
            nnae.power_study(**{"n_participants": 5, "n_items": 8, "effect": 0.1, **given})
