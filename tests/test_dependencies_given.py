"""What remains of a dependency given a concept, covariates, or the encoder's label map."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import chi2

from nnae import NNAE, LabelHierarchy, label_dependencies
from nnae._local_dependence import concept_rates, count_law, sibling_tables, test_tables
from nnae.datasets import make_label_hierarchy

test_tables.__test__ = False  # a function of the package, not a test


def tree_of(data):
    W1 = (np.arange(12)[:, None] == data.groups).astype(float)
    layers = [W1, data.group_parents.T.astype(float)]
    return LabelHierarchy.from_weights(layers, label_names=data.label_names)


def with_a_tie(data, seed):
    """Let the second label of a group be a copy of the first in half of the rows."""
    Y = np.asarray(data.Y.todense()).astype(float)
    first, second = np.flatnonzero(data.groups == 4)[:2]
    rows = np.random.default_rng(seed).random(len(Y)) < 0.5
    Y[rows, second] = Y[rows, first]
    return Y, {data.label_names[first], data.label_names[second]}


def dependencies_of(Y, data, **options):
    return label_dependencies(Y, label_names=data.label_names, **options)


def test_the_concept_explains_its_labels_and_not_a_tie():
    data = make_label_hierarchy(4000, random_state=0)
    Y, pair = with_a_tie(data, 0)
    found = dependencies_of(Y, data, hierarchy=tree_of(data))
    siblings = found[found.concept != ""]
    assert (siblings.q_value <= 0.05).all()
    tied = [set(row) == pair for row in siblings[["label_a", "label_b"]].to_numpy()]
    assert siblings[tied].tie.tolist() == ["direct"]
    assert 4 < siblings[tied].within_odds_ratio.item() < 20  # 9 in the population
    far = ~np.isin(siblings.concept, siblings[tied].concept)
    assert len(siblings[far]) == 11 * 15
    assert (siblings[far].tie == "concept").mean() > 0.97
    apart = found[found.concept == ""]
    assert apart.within_p_value.isna().all()
    assert set(apart.tie) <= {"unknown", "none"}


def test_p_values_are_uniform_when_only_the_concept_is_there():
    p = []
    for seed in range(8):
        data = make_label_hierarchy(1500, random_state=seed)
        found = dependencies_of(data.Y, data, hierarchy=tree_of(data))
        p.append(found.within_p_value.dropna().to_numpy())
    p = np.concatenate(p)
    assert len(p) > 1000
    for level in (0.01, 0.05, 0.2, 0.5):
        assert (p <= level).mean() == pytest.approx(level, abs=3.5 * np.sqrt(level / len(p)))


def test_tables_are_counted():
    Y = (np.random.default_rng(0).random((200, 7)) < 0.4).astype(float)
    a, b = np.triu_indices(7, 1)
    tables = sibling_tables(sp.csr_matrix(Y), a, b)
    for table, i, j in zip(tables, a, b, strict=True):
        rest = np.minimum(Y.sum(axis=1) - Y[:, i] - Y[:, j], 3)
        for x, y, r in product((0, 1), (0, 1), range(4)):
            assert table[x, y, r] == ((Y[:, i] == x) & (Y[:, j] == y) & (rest == r)).sum()


def test_law_of_the_others_is_enumerated():
    rates = np.array([0.1, 0.5, 0.3, 0.8, 0.6])
    law = count_law(rates, np.array([1]), np.array([3]))[0]
    expected = np.zeros(4)
    for drawn in product((0, 1), repeat=3):
        p = np.prod(np.where(drawn, rates[[0, 2, 4]], 1 - rates[[0, 2, 4]]))
        expected[min(sum(drawn), 3)] += p
    np.testing.assert_allclose(law, expected)


def likelihood(parameters, table, law, tied):
    share, off_a, off_b, on_a, on_b = expit(parameters[:5])
    on = np.outer([1 - on_a, on_a], [1 - on_b, on_b])
    if tied:
        weights = np.exp(np.append(0.0, parameters[3:6]))
        on = (weights / weights.sum()).reshape(2, 2)
    off = np.outer([1 - off_a, off_a], [1 - off_b, off_b])
    cells = share * on[..., None] * law[1] + (1 - share) * off[..., None] * law[0]
    return -(table * np.log(cells)).sum()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ratio_test_equals_a_direct_search(seed):
    draws = np.random.default_rng(seed)
    rates = draws.uniform(0.3, 0.6, 6)
    on = draws.random(1500) < 0.3
    Y = (draws.random((1500, 6)) < np.where(on[:, None], rates, 0.03)).astype(float)
    a, b = np.array([0]), np.array([1])
    laws = np.stack([count_law(np.full(6, 0.03), a, b), count_law(rates, a, b)], axis=1)
    tables = sibling_tables(sp.csr_matrix(Y), a, b)
    best = []
    for tied in (False, True):
        starts = [draws.normal(0, 1, 6) for _ in range(12)] + [np.array([-1.0, -3, -3, 0, 0, 0])]
        found = [
            minimize(likelihood, start, (tables[0], laws[0], tied), tol=1e-10).fun
            for start in starts
        ]
        best.append(min(found))
    expected = chi2.sf(2 * (best[0] - best[1]), 1)
    assert test_tables(tables, laws)[1][0] == pytest.approx(expected, abs=0.01)


def test_rates_of_a_concept_are_found():
    draws = np.random.default_rng(0)
    off, on = np.full(8, 0.02), draws.uniform(0.2, 0.7, 8)
    active = draws.random(6000) < 0.2
    Y = draws.random((6000, 8)) < np.where(active[:, None], on, off)
    found = concept_rates(sp.csr_matrix(Y.astype(float)))
    np.testing.assert_allclose(found[0], off, atol=0.01)
    np.testing.assert_allclose(found[1], on, atol=0.06)


def test_pairs_with_few_siblings_are_not_judged():
    Y = np.random.default_rng(0).random((300, 6)) < 0.4
    W = (np.arange(2)[:, None] == np.arange(6) // 3).astype(float)
    found = label_dependencies(Y, hierarchy=LabelHierarchy.from_weights([W]))
    assert found.within_p_value.isna().all()
    assert (found.concept != "").sum() == 6


def test_covariates_take_away_what_they_explain():
    draws = np.random.default_rng(0)
    season = draws.normal(size=(3000, 2))
    a, b = (draws.random((2, 3000)) < expit(2 * season[:, 0] - 1)).astype(float)
    c = (draws.random(3000) < expit(1.5 * a - 1)).astype(float)
    Y = np.column_stack([a, b, c, draws.random(3000) < 0.3])
    found = label_dependencies(Y, covariates=season, n_adjusted=4).set_index(["label_a", "label_b"])
    assert found.q_value["0", "1"] < 1e-10
    assert found.adjusted_p_value["0", "1"] > 0.01
    low, high = found.adjusted_ci_low["0", "1"], found.adjusted_ci_high["0", "1"]
    assert low < 1 < high
    assert found.adjusted_odds_ratio["0", "2"] == pytest.approx(np.exp(1.5), rel=0.25)
    assert found.adjusted_q_value["0", "2"] < 1e-6
    assert found.adjusted_p_value.notna().sum() == 4
    assert found.adjusted_odds_ratio.iloc[4:].isna().all()
    sparse = label_dependencies(Y, covariates=sp.csr_matrix(season), n_adjusted=4)
    np.testing.assert_allclose(sparse.adjusted_p_value, found.adjusted_p_value)


def test_adjusted_p_values_are_uniform_under_a_common_cause():
    draws = np.random.default_rng(1)
    cause = draws.normal(size=1500)
    Y = draws.random((1500, 24)) < expit(cause - 1)[:, None]
    found = label_dependencies(Y, covariates=cause, n_adjusted=1000)
    assert (found.q_value <= 0.05).mean() > 0.5
    assert (found.adjusted_p_value <= 0.1).mean() == pytest.approx(0.1, abs=0.06)
    assert (found.adjusted_q_value <= 0.05).sum() <= 3


def test_separation_is_not_a_number():
    Y = np.zeros((60, 2))
    Y[:30] = 1
    found = label_dependencies(Y, covariates=np.arange(60.0), min_expected=1)
    assert found.adjusted_odds_ratio.isna().all()


def test_label_map_of_a_linear_encoder():
    data = make_label_hierarchy(1500, random_state=0)
    model = NNAE([12], encoder="linear", random_state=0).fit(data.Y)
    found = label_dependencies(data.Y, model=model)
    M = model.encoder_weights_[0] @ model.weights_[0]
    a, b = found.label_a.astype(int), found.label_b.astype(int)
    np.testing.assert_allclose(found.encoder_b_given_a, M[a, b], rtol=1e-5)
    np.testing.assert_allclose(found.encoder_a_given_b, M[b, a], rtol=1e-5)
    tied = (found.q_value <= 0.05) & (found.odds_ratio > 1)
    assert (found.encoder_direction[~tied] == "none").all()
    more = found.encoder_b_given_a > found.encoder_a_given_b
    assert (found.encoder_direction[tied & more] == "a -> b").all()
    other = NNAE([12], random_state=0, max_iter=5, tol=0).fit(data.Y)
    assert "encoder_direction" not in label_dependencies(data.Y, model=other)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"covariates": np.ones((3, 2))}, ValueError, "Y has 60 rows, covariates has 3"),
        ({"covariates": np.full((60, 1), np.nan)}, ValueError, "finite"),
        ({"covariates": np.ones(60), "n_adjusted": 0}, ValueError, "n_adjusted"),
        ({"hierarchy": "tree"}, TypeError, "must be a LabelHierarchy; got str"),
    ],
)
def test_bad_input_is_named(options, error, message):
    with pytest.raises(error, match=message):
        label_dependencies(np.eye(60)[:, :4], **options)
