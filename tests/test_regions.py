"""Regions of pictures that make a score: they add up, they are the right ones, they are shown."""

import json

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

import nnae

pytest.importorskip("PIL.Image")
pytest.importorskip("skimage")

from nnae.images import ImageFeatures, ModuleBackbone, region_explanation
from nnae.images._plan import PLANS
from nnae.images._regions import cut, filling

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 40, 230)}
SIDE, LABELS = 24, 40


def scene(draws, things):
    """Return a grey picture with a square of each colour, and where the squares are."""
    picture = np.full((SIDE, SIDE, 3), 128, np.uint8)
    spots = draws.permutation(4)
    places = {}
    for spot, name in zip(spots, things, strict=False):
        top, left = 3 + 12 * (spot // 2), 3 + 12 * (spot % 2)
        picture[top : top + 6, left : left + 6] = COLOURS[name]
        places[name] = (slice(top, top + 6), slice(left, left + 6))
    return picture, places


def cells(batch):
    """Describe a picture by how much of each colour it has: what is where does not matter."""
    centred = batch - batch.mean(axis=1, keepdims=True)
    return np.maximum(centred, 0).mean(axis=(2, 3)) * 40


FEATURES = ImageFeatures(ModuleBackbone(cells, size=SIDE, mean=(0, 0, 0), std=(1, 1, 1)))


@pytest.fixture(scope="module")
def made():
    draws = np.random.default_rng(0)
    names = list(COLOURS)
    things = [[n for n in names if draws.random() < 0.5] or names[:1] for _ in range(300)]
    pictures = [scene(draws, some)[0] for some in things]
    compressor = nnae.NNAE((3, 2), random_state=0)
    model = nnae.TwoStepClassifier(compressor, decoder="linear", profile="fast", random_state=0)
    return model.fit(FEATURES.transform(pictures), things)


@pytest.fixture(scope="module")
def emoji():
    data = nnae.datasets.load_emoji(return_images=True)
    compressor = nnae.NNAE((12, 4), encoder="linear", random_state=0, n_threads=1)
    options = {"profile": "fast", "random_state": 0, "n_threads": 1}
    common = np.argsort(-data.Y_train[::10].sum(axis=0).A1, kind="stable")[:LABELS]
    Y, names = data.Y_train[::10][:, common], data.label_names[common]
    models = {
        decoder: nnae.TwoStepClassifier(compressor, decoder=decoder, **options).fit(
            data.X_train[::10], Y, label_names=names
        )
        for decoder in ("linear", "neighbors", "tree", "kernel", "stack")
    }
    return models, data.images_test


def into(flow):
    goal = next(at for at, node in enumerate(flow.nodes) if node["kind"] == "label")
    return sum(amount for _, at, amount in flow.links if at == goal)


def test_the_region_is_where_the_thing_is(made):
    draws = np.random.default_rng(1)
    names = [str(name) for name in made.label_names_]
    for _ in range(6):
        things = draws.permutation(list(COLOURS))[:2].tolist()
        picture, places = scene(draws, things)
        for name in things:
            for how in ({"regions": "grid", "n_regions": 64}, {"method": "shapley"}, {}):
                found = region_explanation(made, FEATURES, picture, name, fill="mean", **how)
                inside = np.zeros((SIDE, SIDE), bool)
                inside[places[name]] = True
                assert found.heat[inside].mean() > 3 * abs(found.heat[~inside]).mean()
                assert inside[found.best].mean() > 0.4
        contrast = region_explanation(made, FEATURES, picture, things[0], against=things[1])
        heat = [contrast.heat[places[name]].mean() for name in things]
        assert heat[0] > 0 > heat[1]
    codes = made.compressor_.concepts(1)
    for concept in range(3):  # a concept that is one label lies where the label's thing is
        name = names[int(codes[concept].argmax())]
        picture, places = scene(draws, [name])
        found = region_explanation(made, FEATURES, picture, concept=concept)
        inside = np.zeros((SIDE, SIDE), bool)
        inside[places[name]] = True
        assert found.heat[inside].mean() > abs(found.heat[~inside]).mean()


@pytest.mark.parametrize("decoder", ["linear", "neighbors", "tree", "kernel", "stack"])
@pytest.mark.parametrize("method", sorted(PLANS))
def test_all_forms_add_up_to_what_is_predicted(emoji, decoder, method):
    model, picture = emoji[0][decoder], emoji[1][5]
    found = region_explanation(model, ImageFeatures(), picture, method=method, n_regions=9)
    indices, scores = model.predict_topk(ImageFeatures().transform([picture]), 1)
    assert found.name == model.label_names_[indices[0, 0]]
    bound = 1e-6 * found.score
    assert found.score == pytest.approx(scores[0, 0], rel=1e-6)
    assert abs(found.frame["contribution"].sum() - found.score) <= bound
    assert abs(into(found.flow) - found.score) <= bound
    assert found.heat.shape == (64, 64) and len(found.parts) == found.regions.max() + 1
    if method == "shapley":
        assert abs(found.residual) <= 1e-5
    else:  # what a region gives is what is lost without it
        blank = filling(picture, "blur")
        without = np.where(found.best[..., None], blank, picture)
        j = indices[0, 0]
        ranked, left = model.predict_topk(ImageFeatures().transform([without]), LABELS)
        lost = found.score - left[0][ranked[0] == j][0]
        assert found.parts.max() == pytest.approx(lost, abs=1e-6)


def test_flows_balance_at_every_concept(emoji):
    found = region_explanation(emoji[0]["linear"], ImageFeatures(), emoji[1][3], n_regions=12)
    flow = found.flow
    assert flow.columns == ["regions", "level 1", "level 2", "label"]
    for at, node in enumerate(flow.nodes):
        if node["column"] in (1, 2):
            came = sum(amount for _, target, amount in flow.links if target == at)
            went = sum(amount for source, _, amount in flow.links if source == at)
            assert came == pytest.approx(went, abs=1e-9)
            assert came == pytest.approx(node["amount"], abs=1e-9)
    whole = found.explanation.levels
    codes = whole[(whole["level"] == 1) & (whole["concept"] >= 0)].set_index("name")
    for node in flow.nodes:
        if node["column"] == 1 and node["kind"] == "concept":
            assert node["amount"] == pytest.approx(codes.loc[node["name"], "contribution"])


def test_the_same_seed_gives_the_same_bytes(emoji):
    def again(method, seed):
        found = region_explanation(
            emoji[0]["linear"],
            ImageFeatures(),
            emoji[1][2],
            3,
            n_regions=8,
            method=method,
            random_state=seed,
        )
        return found.to_json()

    for method in PLANS:
        assert again(method, 0) == again(method, 0)
    assert again("shapley", 0) != again("shapley", 1)
    document = json.loads(again("occlusion", 0))
    assert sum(pixels for _, pixels in document["regions"]) == 64 * 64
    assert sum(line["contribution"] for line in document["lines"]) == pytest.approx(
        document["score"]
    )


def test_regions_and_fills():
    draws = np.random.default_rng(0)
    picture = draws.integers(0, 255, (40, 60, 3)).astype(np.uint8)
    assert len(np.unique(cut(picture, "grid", 24))) == 24
    assert len(np.unique(cut(picture, "grid", 1))) == 1
    assert len(np.unique(cut(picture, "grid", 10**6))) == 40 * 60
    own = np.full((40, 60), 7)
    own[:, 30:] = -2
    assert np.unique(cut(picture, own, 5)).tolist() == [0, 1]
    assert (cut(picture, own, 5)[:, 30:] == 0).all()
    np.testing.assert_array_equal(filling(picture, (1, 2, 3))[5, 5], (1, 2, 3))
    mean = np.rint(picture.reshape(-1, 3).mean(0))
    assert (filling(picture, "mean") == mean).all()
    assert np.abs(filling(picture, "blur").astype(float) - mean).max() < 30
    for wrong in ("waves", np.zeros((4, 4), int), np.zeros((40, 60))):
        with pytest.raises(ValueError, match="regions must be one of superpixels, grid"):
            cut(picture, wrong, 5)
    for wrong in ("noise", (1, 2), (1, 2, 300), (0.5, 0.5, 0.5)):
        with pytest.raises(ValueError, match="fill must be one of blur, mean"):
            filling(picture, wrong)


def test_pipelines_and_mistakes(emoji, made):
    model, pictures = emoji[0]["linear"], emoji[1]
    steps = make_pipeline(ImageFeatures(), MaxAbsScaler()).fit(list(pictures[:20]))
    found = region_explanation(model, steps, pictures[0], 0, n_regions=4)
    score = model.predict_topk(steps.transform(pictures[:1]), LABELS)
    assert found.score == pytest.approx(score[1][0][score[0][0] == 0][0], rel=1e-5)
    for arguments, kind, message in (
        ((model, MaxAbsScaler(), pictures[0]), TypeError, "features must be an ImageFeatures"),
        ((steps, ImageFeatures(), pictures[0]), TypeError, "fitted TwoStepClassifier"),
        ((model, ImageFeatures(), pictures[0], "no such"), ValueError, "one of the 40 labels"),
        ((model, FEATURES, pictures[0]), ValueError, "features"),
        ((model, ImageFeatures(), "gone.png"), ValueError, r"gone\.png: No such file"),
    ):
        with pytest.raises(kind, match=message):
            region_explanation(*arguments)
    for options, message in (
        ({"method": "lime"}, "method must be one of"),
        ({"concept": 99}, "concept must be from 0 to 11"),
        ({"concept": "x"}, "one of the 12 of level 1"),
        ({"concept": 0, "label": 1}, "not both"),
        ({"concept": 0, "level": 3}, "level must be from 1 to 2"),
    ):
        with pytest.raises(ValueError, match=message):
            region_explanation(model, ImageFeatures(), pictures[0], n_regions=4, **options)


def test_shown_in_notebooks_and_plots(emoji):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    found = region_explanation(emoji[0]["linear"], ImageFeatures(), emoji[1][1], n_regions=9)
    page = found._repr_html_()
    assert page.count('src="data:image/png;base64,') == 2
    assert f"regions for and against {found.name}" in page
    figure = found.plot()
    figure.canvas.draw()
    texts = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert found.name in texts and "regions together" in texts
    bars = figure.axes[2].patches
    assert sum(bar.get_width() for bar in bars) == pytest.approx(found.score)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), found.picture)
    matplotlib.pyplot.close(figure)
    blank = np.full((30, 30, 3), 255, np.uint8)  # one region, or several that give nothing
    nothing = region_explanation(emoji[0]["linear"], ImageFeatures(), blank)
    assert (nothing.parts == 0).all() and nothing.base == pytest.approx(nothing.score)
    matplotlib.pyplot.close(nothing.plot())
