"""Data sets: planted structure, bundled files, their splits and their notices."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import nnae.datasets
from nnae.datasets import (
    emoji_features,
    load_debian_tags,
    load_emoji,
    make_label_hierarchy,
    make_zipf_labels,
)
from nnae.datasets.build_debian_tags import build
from nnae.datasets.build_emoji import origin, read_emoji

DATA = Path(nnae.datasets.__file__).parent / "data"


def first_byte(name):
    return hashlib.sha256(name.encode()).digest()[0]


def within(observed, expected, trials, sigmas=5.0):
    return abs(observed - expected) <= sigmas * np.sqrt(expected * (1 - expected) / trials)


class TestLabelHierarchy:
    def test_structure_is_that_of_the_method(self):
        data = make_label_hierarchy(random_state=0)
        assert data.Y.shape == (500, 72)
        assert data.Y.dtype == np.float32
        assert data.Y.has_canonical_format
        assert set(data.Y.data) == {1.0}
        assert np.diff(data.Y.indptr).min() > 0
        np.testing.assert_array_equal(data.groups, np.repeat(np.arange(12), 6))
        np.testing.assert_array_equal(data.topics, np.repeat(np.arange(3), 24))
        np.testing.assert_array_equal(data.group_parents.sum(1), np.ones(12))
        assert len(set(data.label_names)) == 72
        assert data.label_names[6] == "topic1/group02/label1"
        assert data.label_names[-1] == "topic3/group12/label6"
        assert data.X_train is None
        assert data.X_test is None
        assert abs(sp.vstack((data.Y_train, data.Y_test)) - data.Y).nnz == 0
        assert data.Y_test.shape == (100, 72)

    def test_rates_are_those_asked_for(self):
        flip = 0.01
        data = make_label_hierarchy(20_000, random_state=1)
        topics, groups = data.row_topics.toarray(), data.row_groups.toarray()
        # a group's parent is on wherever the group is
        parent_on = topics @ data.group_parents.T
        assert not (groups & ~parent_on).any()
        labels_of = groups[:, data.groups]
        on = data.Y.toarray() > 0
        # rows with an active group are kept with the same chance whatever their other groups do,
        # nearly: an active group leaves a row empty only with probability 0.55^6 * 0.99^72 = 0.013
        assert on[labels_of].mean() == pytest.approx(1 - 0.55 * (1 - flip), abs=0.01)
        group_rate = groups[parent_on].mean()
        assert 0.5 < group_rate < 0.56
        # no topic leaves only flips: such rows are kept with probability 1 - 0.99^72
        none, kept = 0.7**3, 1 - 0.99**72
        assert topics.any(1).mean() > 1 - none
        assert topics.any(1).mean() < 1 - none * kept

    def test_rates_without_redrawing_are_exact(self):
        # a flip in (nearly) every row: no row is redrawn, so all rates are the parameters
        data = make_label_hierarchy(
            20_000, p_topic=0.4, p_group=0.3, p_label=0.6, flip_probability=0.2, random_state=2
        )
        topics, groups = data.row_topics.toarray(), data.row_groups.toarray()
        parent_on = topics @ data.group_parents.T
        on = data.Y.toarray() > 0
        labels_of = groups[:, data.groups]
        assert within(topics.mean(), 0.4, topics.size)
        assert within(groups[parent_on].mean(), 0.3, parent_on.sum())
        assert within(on[labels_of].mean(), 1 - 0.4 * 0.8, labels_of.sum())
        assert within(on[~labels_of].mean(), 0.2, (~labels_of).sum())

    def test_groups_with_two_parents(self):
        data = make_label_hierarchy(
            20_000, n_topics=4, double_parents=0.25, flip_probability=0.2, random_state=3
        )
        counts = data.group_parents.sum(1)
        assert sorted(counts) == [1] * 12 + [2] * 4
        assert data.group_parents[np.arange(16), np.arange(16) // 4].all()
        active = data.row_topics.toarray().astype(int) @ data.group_parents.T
        groups = data.row_groups.toarray()
        assert not groups[active == 0].any()
        assert within(groups[active == 1].mean(), 0.5, (active == 1).sum())
        assert within(groups[active == 2].mean(), 0.75, (active == 2).sum())

    def test_scales_and_repeats(self):
        size = {"n_topics": 10, "groups_per_topic": 6, "labels_per_group": 10}
        first = make_label_hierarchy(70_000, **size, random_state=5)
        second = make_label_hierarchy(70_000, **size, random_state=5)
        assert first.Y.shape == (70_000, 600)
        assert (first.Y != second.Y).nnz == 0
        other = make_label_hierarchy(70_000, **size, random_state=6)
        assert (first.Y != other.Y).nnz > 0
        seeded = np.random.RandomState(0), np.random.RandomState(0)
        pair = [make_label_hierarchy(20, random_state=state).Y for state in seeded]
        assert (pair[0] != pair[1]).nnz == 0

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"n_samples": 0}, "n_samples must be a whole number of at least 1; got 0"),
            ({"p_label": 1.5}, r"p_label must lie in \[0, 1\]; got 1.5"),
            ({"test_size": 1.0}, r"test_size must lie in \[0, 1\); got 1.0"),
            ({"n_topics": 1, "double_parents": 0.5}, "needs at least 2 topics"),
            ({"p_topic": 0.0, "flip_probability": 0.0}, "must leave some rows with labels"),
        ],
    )
    def test_refuses(self, change, message):
        with pytest.raises(ValueError, match=message):
            make_label_hierarchy(**change)


class TestZipfLabels:
    def test_frequencies_and_groups(self):
        data = make_zipf_labels(50_000, 2_000, 20, 4.0, random_state=0)
        assert data.Y.shape == (50_000, 2_000)
        assert data.Y.has_canonical_format
        assert set(data.Y.data) == {1.0}
        per_row = np.diff(data.Y.indptr)
        assert per_row.min() >= 1
        assert 3.8 < per_row.mean() <= 4.05
        assert np.bincount(data.groups).tolist() == [100] * 20
        counts = np.asarray(data.Y.sum(0)).ravel()
        # frequency falls with rank: within a group labels are 20 ranks apart on average
        assert counts[:20].sum() > 3 * counts[180:200].sum() > 9 * counts[1980:].sum() > 0
        rows, columns = data.Y.nonzero()
        inside = (data.groups[columns] == data.row_groups[rows]).mean()
        assert 0.85 < inside < 0.95

    def test_repeats(self):
        first, second = (make_zipf_labels(500, 60, 5, random_state=1).Y for _ in range(2))
        assert (first != second).nnz == 0

    def test_refuses(self):
        with pytest.raises(ValueError, match="n_groups must not exceed n_labels = 5; got 6"):
            make_zipf_labels(10, 5, 6, 2.0)
        with pytest.raises(ValueError, match="labels_per_row must lie in"):
            make_zipf_labels(10, 5, 2, 6.0)


@pytest.fixture(scope="module")
def debian():
    return load_debian_tags()


class TestDebianTags:
    def test_shapes_and_types(self, debian):
        assert debian.X_train.shape == (24_009, 6_496)
        assert debian.X_test.shape == (5_776, 6_496)
        assert debian.Y_train.shape == (24_009, 511)
        assert debian.Y_test.shape == (5_776, 511)
        for matrix in (debian.X_train, debian.X_test, debian.Y_train, debian.Y_test):
            assert isinstance(matrix, sp.csr_matrix)
            assert matrix.dtype == np.float32
            assert matrix.has_canonical_format
        assert set(debian.Y_train.data) == {1.0}
        assert len(debian.feature_names) == len(set(debian.feature_names)) == 6_496
        assert len(debian.label_names) == len(set(debian.label_names)) == 511
        assert "24009 for training, 5776 for test" in debian.DESCR

    def test_split_follows_the_source_package(self, debian):
        assert all(first_byte(name) >= 51 for name in debian.sources_train)
        assert all(first_byte(name) < 51 for name in debian.sources_test)
        assert not set(debian.sources_train) & set(debian.sources_test)
        assert len(debian.row_names_train) == debian.X_train.shape[0]
        assert len(set(debian.row_names_train) | set(debian.row_names_test)) == 29_785

    def test_vocabulary_and_labels_are_counted_on_training_rows(self, debian):
        assert np.asarray(debian.Y_train.sum(0)).min() >= 5
        assert np.diff(debian.counts_train.tocsc().indptr).min() >= 3

    def test_features_are_tf_idf_of_training_rows(self, debian):
        spread = np.diff(debian.counts_train.tocsc().indptr)
        idf = np.log((1 + 24_009) / (1 + spread)) + 1
        for part in ("train", "test"):
            counts, X = debian[f"counts_{part}"][:300], debian[f"X_{part}"][:300]
            dense = counts.toarray().astype(float)
            expected = np.where(dense > 0, 1 + np.log(np.maximum(dense, 1)), 0) * idf
            expected /= np.linalg.norm(expected, axis=1, keepdims=True)
            np.testing.assert_allclose(X.toarray(), expected, atol=1e-6)

    def test_a_package_that_everybody_knows(self, debian):
        names = np.concatenate((debian.row_names_train, debian.row_names_test))
        Y = sp.vstack((debian.Y_train, debian.Y_test)).tocsr()
        counts = sp.vstack((debian.counts_train, debian.counts_test)).tocsr()
        row = int(np.flatnonzero(names == "vim")[0])
        tags = set(debian.label_names[Y[row].indices])
        assert {"devel::editor", "role::program", "use::editing"} <= tags
        words = dict(zip(debian.feature_names[counts[row].indices], counts[row].data, strict=True))
        assert words["editor"] == words["section:editors"] == 1
        assert words["vi"] == 2  # "Vi IMproved - enhanced vi editor"

    def test_groups_are_facets(self, debian):
        facets = [name.split("::")[0] for name in debian.label_names]
        assert debian.groups.tolist() == facets
        assert len(set(facets)) == 31

    def test_file_is_small_and_has_its_notice(self):
        assert (DATA / "debian_tags.npz").stat().st_size <= 2_000_000
        notice = (DATA / "debian_tags-NOTICE.txt").read_text(encoding="utf-8")
        assert "Debtags project" in notice
        assert "GNU GENERAL PUBLIC LICENSE" in notice

    def test_builder_reads_control_paragraphs(self, tmp_path):
        # three-fold copies of small packages, so that words and tags pass the thresholds
        names = [f"tool{i}" for i in range(60)]
        train = [name for name in names if first_byte(name) >= 51]
        paragraphs = [
            f"Package: {name}-data\nSource: {name} (1.0-2)\nDescription: Data of C++ Tools\n"
            f"Tag: role::app-data,\n use::{'rare' if name == train[0] else 'testing'}\n"
            "Section: Utils"
            for name in names
        ]
        paragraphs.append("Package: untagged\nDescription: Nothing\nSection: misc")
        files = [tmp_path / "a.npz", tmp_path / "b.npz"]
        for path, order in zip(files, (paragraphs, paragraphs[::-1]), strict=True):
            build("\n\n".join(order) + "\n", "a release", path)
        assert files[0].read_bytes() == files[1].read_bytes()
        with np.load(files[0], allow_pickle=False) as stored:
            words = stored["words"].tobytes().decode().split("\n")
            tags = stored["tags"].tobytes().decode().split("\n")
            sources = stored["sources"].tobytes().decode().split("\n")
        assert words == ["c", "data", "of", "section:utils", "tools"]
        assert tags == ["role::app-data", "use::testing"]
        assert sorted(sources) == sorted(names)


@pytest.fixture(scope="module")
def emoji():
    return load_emoji(return_images=True)


class TestEmoji:
    def test_shapes_and_types(self, emoji):
        assert emoji.X_train.shape == (1_180, 3_940)
        assert emoji.X_test.shape == (293, 3_940)
        assert emoji.Y_train.shape == (1_180, 807)
        assert emoji.Y_test.shape == (293, 807)
        for matrix in (emoji.X_train, emoji.X_test, emoji.Y_train, emoji.Y_test):
            assert isinstance(matrix, sp.csr_matrix)
            assert matrix.dtype == np.float32
            assert matrix.has_canonical_format
        assert emoji.images_train.shape == (1_180, 64, 64, 3)
        assert emoji.images_test.shape == (293, 64, 64, 3)
        assert emoji.images_train.dtype == np.uint8
        assert len(set(emoji.feature_names)) == 3_940
        assert len(set(emoji.label_names)) == len(emoji.groups) == 807
        assert len(set(emoji.row_names_train) | set(emoji.row_names_test)) == 1_473
        lengths = np.sqrt(emoji.X_train.multiply(emoji.X_train).sum(1))
        np.testing.assert_allclose(lengths, 1.0, atol=0.02)
        assert "1180 for training, 293 for test" in emoji.DESCR
        assert "images_train" not in load_emoji()

    def test_keywords_are_counted_on_training_rows(self, emoji):
        assert np.asarray(emoji.Y_train.sum(0)).min() >= 3
        assert np.diff(emoji.Y_train.indptr).min() >= 1
        assert np.diff(emoji.Y_test.indptr).min() >= 1

    def test_split_follows_the_origin(self, emoji):
        assert all(first_byte(name) >= 51 for name in emoji.origins_train)
        assert all(first_byte(name) < 51 for name in emoji.origins_test)
        for side in ("train", "test"):
            assert emoji[f"origins_{side}"].tolist() == [origin(e) for e in emoji[f"emoji_{side}"]]

    def test_variants_by_name_fall_on_one_side(self, emoji):
        side = dict.fromkeys(emoji.row_names_train, "train")
        side.update(dict.fromkeys(emoji.row_names_test, "test"))
        pairs = 0
        for name in side:
            first, _, rest = name.partition(" ")
            if first in {"man", "woman"}:
                for other in (rest, f"person {rest}", f"man {rest}", f"woman {rest}"):
                    if other in side:
                        assert side[other] == side[name], (name, other)
                        pairs += other != name
        assert pairs > 150

    def test_pictures_show_what_their_names_say(self, emoji):
        images = np.concatenate((emoji.images_train, emoji.images_test)).astype(float)
        names = np.concatenate((emoji.row_names_train, emoji.row_names_test)).tolist()
        colours = {"red": [1, 0, 0], "green": [0, 1, 0], "blue": [0, 0, 1]}
        for name, expected in colours.items():
            middle = images[names.index(f"{name} square"), 24:40, 24:40].mean((0, 1))
            assert middle.argmax() == np.argmax(expected)
        assert images[:, 0, :, :].mean() > 240  # white around the glyphs
        assert images.std(axis=(1, 2, 3)).min() > 5  # none is empty

    def test_keywords_and_groups_of_a_known_picture(self, emoji):
        names = np.concatenate((emoji.row_names_train, emoji.row_names_test)).tolist()
        Y = sp.vstack((emoji.Y_train, emoji.Y_test)).tocsr()
        groups = np.concatenate((emoji.row_groups_train, emoji.row_groups_test))
        row = names.index("tiger face")
        assert {"animal", "face"} <= set(emoji.label_names[Y[row].indices])
        assert groups[row] == "Animals & Nature"
        assert set(emoji.groups) <= set(groups)
        assert emoji.groups[emoji.label_names.tolist().index("animal")] == "Animals & Nature"

    def test_features_come_from_the_pictures(self, emoji):
        pytest.importorskip("skimage", reason="the features need scikit-image")
        for side in ("train", "test"):
            rows = slice(0, 200)
            again = emoji_features(emoji[f"images_{side}"][rows])
            stored = emoji[f"X_{side}"][rows].toarray()
            for part in (slice(0, 1_764), slice(1_764, 3_940)):
                step = stored[:, part][stored[:, part] > 0].min()
                np.testing.assert_allclose(stored[:, part], again[:, part], atol=step / 2 + 1e-6)

    def test_features_refuse_other_pictures(self):
        pytest.importorskip("skimage", reason="the features need scikit-image")
        with pytest.raises(ValueError, match="uint8, n x 64 x 64 x 3; got float64 of shape"):
            emoji_features(np.zeros((1, 64, 64, 3)))
        with pytest.raises(ValueError, match=r"got uint8 of shape \(64, 64, 3\)"):
            emoji_features(np.zeros((64, 64, 3), np.uint8))
        blank = emoji_features(np.full((1, 64, 64, 3), 255, np.uint8))
        assert np.isfinite(blank).all()

    @pytest.mark.parametrize(
        "variants",
        [
            ["👍", "👍🏻", "👍🏿"],
            ["🧑‍🍳", "👨‍🍳", "👩🏽‍🍳"],
            ["🏃", "🏃‍♀️", "🏃🏾‍♂️", "🏃‍♀️‍➡️"],
            ["🧑", "👩", "👨‍🦰", "👩🏼‍🦲", "🧔‍♂️"],
            ["👫", "👬", "🧑‍🤝‍🧑", "👩🏻‍🤝‍👨🏿"],
            ["👪", "👨‍👩‍👧", "👩‍👩‍👧‍👦"],
            ["💑", "👩‍❤️‍👨"],
            ["🎅", "🤶", "🧑‍🎄"],
        ],
    )
    def test_variants_have_one_origin(self, variants):
        assert len({origin(text) for text in variants}) == 1

    def test_different_things_have_different_origins(self):
        texts = ["👍", "👎", "🧑‍🍳", "🧑‍🚀", "🏃", "🚶", "❤️", "❤️‍🔥", "♀️", "➡️", "🐈", "🐈‍⬛"]
        assert len({origin(text) for text in texts}) == len(texts)

    def test_reads_the_unicode_table(self):
        lines = [
            "# group: Smileys & Emotion",
            "1F600    ; fully-qualified     # 😀 E1.0 grinning face",
            "263A FE0F  ; fully-qualified   # ☺️ E0.6 smiling face",
            "263A     ; unqualified         # ☺ E0.6 smiling face",
        ]
        first, second = read_emoji(lines)
        assert (first.text, first.name, first.group) == ("😀", "grinning face", "Smileys & Emotion")
        assert second.text == "☺️"

    def test_files_are_small_and_have_their_notice(self):
        sizes = [path.stat().st_size for path in DATA.glob("emoji*.npz")]
        assert len(sizes) == 2
        assert sum(sizes) < 6_000_000
        notice = (DATA / "emoji-NOTICE.txt").read_text(encoding="utf-8")
        for words in ("SIL OPEN FONT LICENSE Version 1.1", "UNICODE LICENSE V3", "Google Inc."):
            assert words in notice
