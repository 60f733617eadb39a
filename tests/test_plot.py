"""Pictures say what they should, and render."""

import io
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from planted_features import planted_features

import nnae
from nnae import plot

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model():
    X, Y, _, _ = planted_features()
    names = [f"label ${j}" for j in range(72)]  # a dollar must not start a formula
    compressor = nnae.NNAE((24, 8, 3), random_state=0, tol=1e-2)
    options = {"profile": "fast", "random_state": 0}
    return nnae.TwoStepClassifier(compressor, **options).fit(X, Y, label_names=names)


def texts(figure):
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def render(ax):
    """Draw a figure to bytes; what has no ink is an error."""
    file = io.BytesIO()
    ax.figure.savefig(file, format="rgba", dpi=60)
    pixels = np.frombuffer(file.getvalue(), np.uint8)
    assert (pixels < 128).any()
    return pixels


def test_waterfall(model):
    X_test = planted_features()[2]
    label = int(model.predict_topk(X_test[:1], 1)[0][0, 0])
    found = nnae.explain(model, X_test[0], label)
    ax = found.plot()
    assert len(ax.patches) == len(ax.get_yticks())
    widths = [bar.get_width() for bar in ax.patches]
    assert sum(widths[:-1]) == pytest.approx(found.score)
    assert widths[-1] == found.score
    shown = texts(ax.figure)
    assert found.label in shown
    assert f"{found.score:.4g}" in shown
    assert any(text.startswith(str(found.favouring.iloc[0]["name"])) for text in shown)
    render(ax)
    _, given = plt.subplots()
    assert nnae.explain(model, sp.csr_matrix(X_test[:1]), label).plot(given) is given


@pytest.fixture(scope="module")
def planted():
    data = nnae.datasets.make_label_hierarchy(1200, test_size=0.5, random_state=0)
    fit = nnae.NNAE((12, 3), random_state=0, tol=1e-2).fit(data.Y_train)
    names = [f"label ${j}$" for j in range(72)]
    return data, fit, nnae.LabelHierarchy.from_compressor(fit, label_names=names)


def test_icicle_and_rings_show_every_node(planted):
    tree = planted[2]
    n_nodes = tree.tree().number_of_nodes() - 1
    for draw in (plot.icicle, plot.radial):
        ax = draw(tree)
        assert len(ax.patches) == n_nodes
        shown = texts(ax.figure)
        assert set(tree.labels) <= set(shown)
        render(ax)
    wedges = plot.radial(tree).patches
    outer = [w for w in wedges if w.theta2 - w.theta1 == pytest.approx(360 / 72)]
    assert sum(w.theta2 - w.theta1 for w in outer) == pytest.approx(360)


OFTEN = [[1.0, 0.55, 0.6, 0, 0, 0, 0], [0, 0, 0.2, 0.9, 0.3, 0, 0], [0, 0, 0, 0, 0, 1, 0.7]]


def unsure_tree(frequencies):
    """Return a tree of 3 concepts and 7 labels, one of them under two, with measured edges."""
    W = np.array([[3.0, 3, 1, 0, 0, 0, 0], [0, 0, 1, 3, 3, 0, 0], [0, 0, 0, 0, 0, 3, 4]])
    names = ["cat", "dog", "van", "bus", "car", "pen", "ink"]
    return nnae.LabelHierarchy.from_weights(
        [W], label_names=names, edge_frequencies=None if frequencies is None else [frequencies]
    )


def test_only_what_recurs_is_drawn_boldly():
    often = np.array(OFTEN)
    for draw in (plot.icicle, plot.radial):
        bold, measured = draw(unsure_tree(None)), draw(unsure_tree(often))
        assert all(bar.get_linestyle() in ("-", "solid") for bar in bold.patches)
        dashed = [bar for bar in measured.patches if bar.get_linestyle() in ("--", "dashed")]
        assert len(dashed) == 2  # dog and car
        pale = max(bar.get_alpha() for bar in dashed)
        assert all(bar.get_alpha() > pale for bar in measured.patches if bar not in dashed)
        render(measured)


def test_the_graph_shows_both_parents_and_what_recurs():
    often = np.array(OFTEN)
    tree = unsure_tree(often)
    ax = plot.concept_graph(tree)
    edges = [edge for edge in tree.graph.edges if edge[0] != tree.root]
    assert len(ax.lines) == len(edges) == 8
    assert sum(line.get_linestyle() == "--" for line in ax.lines) == 3
    bold = [line.get_linewidth() for line in ax.lines if line.get_linestyle() == "-"]
    thin = {line.get_linewidth() for line in ax.lines if line.get_linestyle() == "--"}
    assert min(bold) > max(thin)
    assert set(tree.labels) <= set(texts(ax.figure))
    assert any("dashed: in fewer than 60%" in text for text in texts(ax.figure))
    assert len(plot.concept_graph(tree, top=1).lines) <= 1
    plain = plot.concept_graph(unsure_tree(None))
    assert all(line.get_linestyle() == "-" for line in plain.lines)
    assert not any("dashed" in text for text in texts(plain.figure))
    render(ax)
    with pytest.raises(ValueError, match="top must be"):
        plot.concept_graph(tree, top=0)


def test_concept_cards_list_the_heaviest(planted):
    tree = planted[2]
    figure = plot.concept_cards(tree, top=4, n_concepts=5)
    concepts = [
        (about["mass"], node, about)
        for node, about in tree.graph.nodes(data=True)
        if about["kind"] == "concept" and about["level"] == 1
    ]
    concepts.sort(key=lambda found: -found[0])
    assert len(figure.axes) == 5
    shown = texts(figure)
    for ax, (_, _, about) in zip(figure.axes, concepts, strict=False):
        best = [entry for entry in about["top_by_weight"][:4] if entry["weight"] >= 0.005]
        assert len(ax.patches) == len(best)
        assert {entry["label"] for entry in best} <= set(shown)
        assert any(f"sparseness {about['hoyer']:.2f}" in text for text in shown)
    with pytest.raises(ValueError, match="no concept of level 7"):
        plot.concept_cards(tree, level=7)


def test_dependency_network_has_the_strongest(planted):
    data, _, tree = planted
    found = nnae.label_dependencies(data.Y_train, label_names=tree.labels)
    label = found.iloc[0]["label_a"]
    mine = found[(found["label_a"] == label) | (found["label_b"] == label)]
    mine = mine[mine["q_value"] <= 0.05]
    ax = plot.dependency_network(found, label, top=4)
    shown = texts(ax.figure)
    strongest = mine.iloc[mine["npmi"].abs().argmax()]
    assert {label, strongest["label_a"], strongest["label_b"]} <= set(shown)
    arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == min(4, len(mine))
    dashed = sum(text.arrow_patch.get_linestyle() != "-" for text in arrows)
    best = mine.iloc[np.argsort(-mine["npmi"].abs().to_numpy(), kind="stable")[:4]]
    assert dashed == (best["npmi"] < 0).sum()
    render(ax)
    with pytest.raises(ValueError, match="'nobody' has none"):
        plot.dependency_network(found, "nobody")


def test_loss_curves_are_the_curves(planted):
    data, fit, _ = planted
    other = nnae.NMF(4, random_state=0, tol=1e-2).fit(data.Y_train)
    ax = plot.loss_curves({"deep": fit, "flat": other})
    for line, model in zip(ax.lines, (fit, other), strict=True):
        np.testing.assert_allclose(line.get_ydata() * abs(model.loss_curve_[0]), model.loss_curve_)
    styles = {(line.get_linestyle(), line.get_marker()) for line in ax.lines}
    assert len(styles) == 2  # grey prints tell them apart
    assert plot.loss_curves(fit, over="seconds").get_xlabel() == "seconds"
    for wrong, message in ((nnae.NMF(2), "must be fitted"), (fit, "over must be one of")):
        with pytest.raises(ValueError, match=message):
            plot.loss_curves(wrong, over="sweeps" if wrong is not fit else "years")


def test_audit_panel_shows_values_chance_and_rivals(planted):
    data, _, tree = planted
    report = nnae.audit(tree, data.Y_test, random_state=0, n_permutations=19)
    ax = plot.audit_panel(report)
    shown = texts(ax.figure)
    drawn = [text.get_text() for text in ax.get_yticklabels()]
    assert "placement" in drawn
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    for name, dot in zip(drawn, dots, strict=True):
        assert dot.get_xdata()[0] == report.value(name.replace(" ", "_"))
    said = "can be trusted" if report.trustworthy else "should not be trusted"
    assert any(said in text for text in shown)
    assert "labels shuffled" in shown
    render(ax)


def test_stability_panel_has_a_row_a_metric_and_level(planted):
    data = planted[0]
    report = nnae.stability(
        lambda seed: nnae.NNAE((12, 3), random_state=seed, tol=1e-1),
        data.Y_train, n_seeds=2, n_bootstraps=2, random_state=0,
    )  # fmt: skip
    ax = plot.stability_panel(report)
    drawn = [text.get_text() for text in ax.get_yticklabels()]
    assert len(drawn) == len(set(drawn)) == 8
    points = {tuple(line.get_xdata()) for line in ax.lines}
    ari = report.value("ari", 1, "bootstraps")
    assert any(ari in values for values in points)
    assert {"seeds", "bootstraps"} <= set(texts(ax.figure))
    render(ax)


def test_precision_bars_are_the_metric(planted):
    data = planted[0]
    draws = np.random.default_rng(0)
    rankings = {name: np.array([draws.permutation(72)[:5] for _ in range(600)]) for name in "ab"}
    ax = plot.precision_bars(data.Y_test, rankings)
    heights = [bar.get_height() for bar in ax.patches]
    expected = [
        nnae.metrics.precision_at_k(data.Y_test, ranking, k)
        for ranking in rankings.values()
        for k in (1, 3, 5)
    ]
    np.testing.assert_allclose(heights, expected)
    assert len({bar.get_hatch() for bar in ax.patches}) == 2
    assert f"{100 * expected[0]:.1f}" in texts(ax.figure)
    render(ax)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_calibration_of_honest_and_of_overstated_probabilities(make):
    draws = np.random.default_rng(0)
    p = draws.uniform(0.05, 0.95, size=(500, 8))
    Y = draws.random((500, 8)) < p
    line = plot.calibration(Y, make(p)).lines[1]
    assert np.abs(line.get_xdata() - line.get_ydata()).max() < 0.08
    line = plot.calibration(Y, make(np.sqrt(p))).lines[1]
    assert (line.get_xdata() > line.get_ydata() + 0.02).all()
    with pytest.raises(ValueError, match="probabilities has"):
        plot.calibration(Y, p[:, :3])


def test_colours_differ_in_grey():
    from nnae.plot._style import AGAINST, FOR, SERIES

    def light(colour):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert light(AGAINST) - light(FOR) > 80
    assert min(abs(light(a) - light(b)) for a, b in pairwise(SERIES)) > 5
