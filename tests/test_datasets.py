"""Data sets: planted structure, bundled files, their splits and their notices."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import nnae.datasets
from nnae.datasets import load_debian_tags, make_label_hierarchy, make_zipf_labels
from nnae.datasets.build_debian_tags import build

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
