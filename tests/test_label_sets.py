"""Calibrated probabilities and label sets, on scores whose true probabilities are known."""

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features
from scipy.special import expit, logit

from nnae import TwoStepClassifier, load, save
from nnae._calibration import Calibration
from nnae._decisions import Ranked, choose_threshold, ranking_to_csr
from nnae._label_sets import RULES, ScoreThreshold, choose_label_sets
from nnae.metrics import f1

LABELS = 40


def draw(n, seed, *, spread=1.0):
    """Return ranked rows whose labels are drawn from known probabilities, and these.

    Scores are a bent curve of the log odds less an offset of each label; half of the labels are
    rare.
    """
    rng = np.random.default_rng(seed)
    offsets = spread * np.random.default_rng(99).normal(size=LABELS)
    base = rng.normal(size=(n, LABELS)) * 2 - np.r_[np.full(20, 1.0), np.full(20, 4.5)]
    p = expit(base + offsets)
    Y = sp.csr_matrix((rng.random(p.shape) < p).astype(float))
    scores = np.exp(base / 3)
    order = np.argsort(-scores, axis=1)
    return Ranked(Y, order, np.take_along_axis(scores, order, 1), True), p, scores


def calibration_error(p, hits):
    """Return the mean distance of stated and true shares, over ten equally large bins."""
    order = np.argsort(p, axis=None)
    stated = np.array_split(p.ravel()[order], 10)
    true = np.array_split(hits.ravel()[order], 10)
    return np.mean([abs(a.mean() - b.mean()) for a, b in zip(stated, true, strict=True)])


def log_loss(p, hits):
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return -np.mean(np.where(hits, np.log(p), np.log(1 - p)))


def test_probabilities_are_those_that_labels_were_drawn_from():
    train, _, _ = draw(1500, 0)
    test, p, scores = draw(3000, 1)
    hits = test.Y.toarray() > 0
    found = Calibration.fit(train).probabilities(scores)
    raw = np.clip(scores, 0, 1)
    assert calibration_error(found, hits) < 0.1 * calibration_error(raw, hits)
    assert calibration_error(found, hits) < 0.01
    assert log_loss(found, hits) < 1.02 * log_loss(p, hits)
    per_label = np.abs(found.mean(0) - p.mean(0))
    assert per_label.max() < 0.03


def test_offsets_are_shrunk_where_labels_say_little():
    rare, _, _ = draw(60, 0)
    many, _, _ = draw(4000, 0)
    true = np.random.default_rng(99).normal(size=LABELS)
    few, lots = Calibration.fit(rare).offsets, Calibration.fit(many).offsets
    assert np.abs(few[20:]).mean() < np.abs(lots[20:]).mean()
    assert np.corrcoef(lots, true)[0, 1] > 0.97
    same, _, _ = draw(1500, 2, spread=0.0)
    assert np.abs(Calibration.fit(same).offsets).max() < 0.35  # nothing to tell labels apart by


def test_the_curve_rises_and_is_defined_everywhere():
    train, _, _ = draw(300, 3)
    calibration = Calibration.fit(train)
    grid = np.r_[-5.0, np.linspace(0, 9, 500), 1e9]
    for label in (0, 39):
        p = calibration.probabilities(grid, np.full(len(grid), label))
        assert (np.diff(p) >= 0).all()
        assert ((p > 0) & (p < 1)).all()
    nothing = calibration.probabilities(np.array([-np.inf, 1.0]), np.array([-1, 2]))
    assert nothing[0] == 0
    single = calibration.probabilities(np.ones((2, LABELS), np.float32))
    assert single.dtype == np.float32


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_one_kind_of_outcome_is_defined(share):
    Y = sp.csr_matrix(np.full((4, 3), share))
    order = np.tile(np.arange(3), (4, 1))
    ranked = Ranked(Y, order, np.random.default_rng(0).random((4, 3)), True)
    calibration = Calibration.fit(ranked)
    p = calibration.probabilities(ranked.scores, order)
    assert (np.abs(p - share) < 0.4).all()
    for rule in RULES:
        kept = choose_label_sets(ranked, rule, calibration).keep(order, ranked.scores)
        assert kept.shape == (4, 3)
        if rule != "examples":  # which always takes the best label
            assert kept.mean() == share


AVERAGES = {"micro": "micro", "macro": "macro", "examples": "examples"}


def sets(rule, ranked):
    kept = rule.keep(ranked.indices, ranked.scores)
    return ranking_to_csr(np.where(kept, ranked.indices, -1), np.ones(kept.shape), LABELS)


@pytest.mark.parametrize("rule", AVERAGES)
def test_every_rule_is_best_at_what_it_is_for(rule):
    train, _, _ = draw(1500, 0)
    test, _, _ = draw(3000, 1)
    calibration = Calibration.fit(train)
    plain = ScoreThreshold(choose_threshold(train))
    chosen = choose_label_sets(train, rule, calibration)
    for rows, margin in ((train, 0.0), (test, 0.005)):
        value = f1(rows.Y, sets(chosen, rows), AVERAGES[rule])
        assert value > f1(rows.Y, sets(plain, rows), AVERAGES[rule]) + margin
        for other in RULES:
            rival = choose_label_sets(train, other, calibration)
            assert value >= f1(rows.Y, sets(rival, rows), AVERAGES[rule]) - 0.004


def test_sizes_are_nearer_than_those_of_a_threshold():
    train, _, _ = draw(1500, 0)
    test, _, _ = draw(3000, 1)
    calibration = Calibration.fit(train)
    error = []
    for rule in ("sizes", "micro"):
        found = sets(choose_label_sets(train, rule, calibration), test)
        error.append(np.abs(np.diff(found.indptr) - test.sizes()).mean())
    assert error[0] < 0.9 * error[1]


def test_micro_threshold_is_the_best_of_all():
    train, _, scores = draw(200, 5)
    calibration = Calibration.fit(train)
    rule = choose_label_sets(train, "micro", calibration)
    p = calibration.probabilities(scores)
    best = max(f1(train.Y, sp.csr_matrix(p > t)) for t in np.unique(p)[::7])
    assert f1(train.Y, sets(rule, train)) >= best - 1e-12


def test_a_label_without_evidence_gets_the_common_threshold():
    train, _, _ = draw(800, 0)
    Y = train.Y.tolil()
    Y[:, 39] = 0
    seen = Ranked(sp.csr_matrix(Y), train.indices, train.scores, True)
    rule = choose_label_sets(seen, "macro", Calibration.fit(seen))
    assert sets(rule, seen)[:, 39].nnz < 0.01 * 800


def test_the_classifier_holds_out_what_it_decides_on(tmp_path):
    X, Y, Xt, Yt = planted_features()
    value = {}
    for rule in RULES:
        model = TwoStepClassifier(decoder="linear", threshold=rule, random_state=0).fit(X, Y)
        found = model.predict(Xt)
        value[rule] = {average: f1(Yt, found, average) for average in AVERAGES.values()}
        save(model, tmp_path / "model.nnae")
        again = load(tmp_path / "model.nnae")
        assert (again.predict(Xt) != found).nnz == 0
        np.testing.assert_array_equal(again.predict_proba(Xt), model.predict_proba(Xt))
    # planted labels are alike, and 60 rows decide: thresholds of their own cannot gain here
    assert value["macro"]["macro"] > value["micro"]["macro"] - 0.05
    assert value["examples"]["examples"] > value["micro"]["examples"] + 0.05
    raw = np.clip(model.decision_function(Xt), 0, 1)
    hits = Yt.toarray() > 0
    assert calibration_error(model.predict_proba(Xt), hits) < calibration_error(raw, hits)
    assert log_loss(model.predict_proba(Xt), hits) < log_loss(raw, hits)
    best = model.predict_proba(Xt, top_k=3)
    dense = model.predict_proba(Xt)
    np.testing.assert_allclose(best.toarray()[best.nonzero()], dense[best.nonzero()])
    with pytest.raises(ValueError, match="threshold must be one of micro, macro, examples, sizes"):
        TwoStepClassifier(threshold="median").fit(X, Y)


def test_logit_is_the_inverse_of_the_curve():
    ranked, _, scores = draw(500, 7)
    calibration = Calibration.fit(ranked)
    odds = logit(calibration.probabilities(scores)) - calibration.offsets
    wanted = np.interp(scores, calibration.scores, calibration.odds)
    np.testing.assert_allclose(odds, wanted, atol=1e-8)
