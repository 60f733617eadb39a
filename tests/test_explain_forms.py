"""What an explanation gives out: contrasts, counterfactuals, text, JSON, names, mistakes."""

import json

import numpy as np
import pandas as pd
import pytest
from explained import (
    DECODERS,
    assert_adds_up,
    best,
    fitted,
    planted_rows,
)
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsRegressor

import nnae
from nnae import NMF, TwoStepClassifier, explain
from nnae.decoders import LinearDecoder


@pytest.fixture(scope="module")
def rows():
    return planted_rows()


@pytest.fixture(scope="module")
def model(rows):
    return fitted(rows)


def test_contrast_is_a_difference(rows, model):
    x = rows[2][0]
    (one, first), (two, second) = best(model, x), best(model, x, 1)
    found = explain(model, x, one, against=two)
    assert found.score == pytest.approx(first - second)
    assert_adds_up(found)
    assert "rather than" in found.label
    assert found.probability is None
    opposite = explain(model, x, two, against=one)
    assert opposite.score == -found.score


@pytest.mark.parametrize("decoder", DECODERS)
def test_without_a_concept_or_a_feature(rows, decoder):
    model = fitted(rows, decoder=decoder)
    x = rows[2][0]
    label, score = best(model, x)
    found = explain(model, x, label)
    heaviest = int(found.levels.iloc[0]["concept"])
    table = found.without(concept=heaviest)
    first = table.iloc[0]
    assert first["label"] == found.label
    assert first["before"] == pytest.approx(score)
    if decoder == "linear":
        lost = found.levels.iloc[0]["contribution"]
        assert first["change"] == pytest.approx(-lost)
        assert (table["change"] <= 0).all()
    feature = int(found.favouring.iloc[0]["feature"])
    blank = x.copy()
    blank[feature] = 0
    after = model.decision_function(blank[None])[0]
    table = found.without(feature=f"x{feature}", top=4)
    names = list(model.label_names_)
    for row in table.to_dict("records"):
        assert row["after"] == pytest.approx(after[names.index(row["label"])])
    order = np.argsort(-after, kind="stable").tolist()
    assert table.iloc[0]["rank_after"] == order.index(label) + 1
    both = found.counterfactuals
    assert set(both["kind"]) == {"concept", "feature"}
    assert both["removed"].nunique() >= 4
    for wrong in ({"concept": 24}, {"feature": 30}, {"feature": "no"}):
        with pytest.raises(ValueError, match="must be"):
            found.without(**wrong)


def test_forms(rows, model):
    X_test = rows[2]
    names = [f"<b>{j}</b>" for j in range(30)]
    label, score = best(model, X_test[0])
    found = explain(model, X_test[0], label, feature_names=names)
    text = found.to_text(60)
    assert max(map(len, text.splitlines())) <= 60
    assert f"{score:.4g}" in text
    assert "features for: <b>" in text
    page = found._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert f"{score:.4g}" in page
    written = found.to_json()
    assert "<" not in written
    document = json.loads(written)
    assert document["score"] == score
    assert sum(line["contribution"] for line in document["lines"]) == pytest.approx(score)
    nodes, links = document["flow"]["nodes"], document["flow"]["links"]
    last = max(node["column"] for node in nodes)
    into = sum(amount for _, at, amount in links if nodes[at]["column"] == last)
    assert into == pytest.approx(score)
    assert explain(model, X_test[0], label, feature_names=names).to_json() == written
    assert "Explanation" in repr(found)


def test_flow_is_conserved(rows, model):
    label, _ = best(model, rows[2][0])
    flow = explain(model, rows[2][0], label).flow
    assert flow.columns == ["features", "level 1", "level 2", "level 3", "label"]
    came, went = np.zeros(len(flow.nodes)), np.zeros(len(flow.nodes))
    for source, target, amount in flow.links:
        went[source] += amount
        came[target] += amount
    inner = [0 < node["column"] < 4 for node in flow.nodes]
    np.testing.assert_allclose(came[inner], went[inner], atol=1e-9)


def test_names_come_from_wherever_they_are(rows):
    X, Y, X_test = rows
    columns = [f"f{j}" for j in range(X.shape[1])]
    labels = [f"label {j}" for j in range(Y.shape[1])]
    frame = pd.DataFrame(X, columns=columns)
    compressor = NMF(10, random_state=0)
    model = TwoStepClassifier(compressor, profile="fast", random_state=0)
    model.fit(frame, Y, label_names=labels)
    row = pd.DataFrame(X_test, columns=columns).iloc[0]
    found = explain(model, row, "label 3")
    assert found.label == "label 3"
    assert set(found.features.query("kind == 'feature'")["name"]) <= set(columns)
    tree = nnae.LabelHierarchy.from_compressor(model.compressor_, label_names=labels)
    named = explain(model, row, "label 3", hierarchy=tree)
    assert set(named.levels.query("concept >= 0")["name"]) <= set(tree.graph)
    assert_adds_up(named)


def test_saved_models_explain_the_same(rows, model, tmp_path):
    nnae.save(model, tmp_path / "model.nnae")
    loaded = nnae.load(tmp_path / "model.nnae")
    label, _ = best(model, rows[2][0])
    assert (
        explain(loaded, rows[2][0], label).to_json() == explain(model, rows[2][0], label).to_json()
    )


def test_mistakes_are_told(rows, model):
    x = rows[2][0]
    with pytest.raises(TypeError, match="must be a fitted TwoStepClassifier; got NMF"):
        explain(NMF(2), x, 0)
    with pytest.raises(NotFittedError):
        explain(TwoStepClassifier(), x, 0)
    with pytest.raises(ValueError, match="x must be one row; got 2"):
        explain(model, rows[2][:2], 0)
    with pytest.raises(ValueError, match="label must be from 0 to 71; got 72"):
        explain(model, x, 72)
    with pytest.raises(ValueError, match="label must be one of the 72 labels; got '7x'"):
        explain(model, x, "7x")
    with pytest.raises(TypeError, match="label must be a name or a column number"):
        explain(model, x, 1.5)
    with pytest.raises(ValueError, match="level must be at most 3; got 4"):
        explain(model, x, 0, level=4)
    with pytest.raises(ValueError, match="method must be one of"):
        explain(model, x, 0, method="magic")
    with pytest.raises(ValueError, match="feature_names has 2 names, the model 30 features"):
        explain(model, x, 0, feature_names=["a", "b"])
    with pytest.raises(TypeError, match="a text needs a model fitted on texts"):
        explain(model, "a text", 0)
    forest = fitted(rows, estimator=KNeighborsRegressor(3))
    with pytest.raises(ValueError, match="method='linear' needs a step two that is linear"):
        explain(forest, x, 0, method="linear")


class Other(LinearDecoder):
    """A decoder that nobody has a ledger for."""


def test_a_decoder_without_a_ledger_is_refused(rows, model):
    kept = model.decoder_
    model.decoder_ = Other(kept.weights, kept.scale)
    try:
        with pytest.raises(TypeError, match=r"no ledger is known for Other; there are .*Linear"):
            explain(model, rows[2][0], 0)
    finally:
        model.decoder_ = kept
