"""Rows in blocks: every source gives the same rows, and a block that is not sound is named."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

import nnae
from nnae.io import row_blocks, write_blocks


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(0)
    values = np.where(random.random((57, 11)) < 0.3, random.random((57, 11)), 0)
    X = sp.csr_matrix(values.astype(np.float32))
    Y = sp.csr_matrix((random.random((57, 7)) < 0.3).astype(np.float32))
    return X, Y


def whole(blocks):
    found = list(blocks)
    X = None if found[0].X is None else sp.csr_matrix(sp.vstack([b.X for b in found]))
    return X, sp.csr_matrix(sp.vstack([b.Y for b in found])), [b.Y.shape[0] for b in found]


def same(found, rows):
    assert (found[0] != rows[0]).nnz == 0 and (found[1] != rows[1]).nnz == 0


def test_two_matrices_are_cut(rows):
    found = whole(row_blocks(rows, rows=20))
    same(found, rows)
    assert found[2] == [20, 20, 17]


def test_blocks_come_as_often_as_asked(rows):
    X, Y = rows
    for source in ([(X[:30], Y[:30]), (X[30:], Y[30:])], lambda: iter([(X, Y)])):
        blocks = row_blocks(source)
        for _ in range(2):
            same(whole(blocks), rows)
        assert blocks.n_rows == 57


def test_an_iterator_is_refused():
    with pytest.raises(TypeError, match="more than once"):
        row_blocks(iter([]))


def test_a_file_gives_its_rows_and_says_how_far_it_is(rows, tmp_path):
    path = tmp_path / "rows.xmc"
    nnae.io.write_xmc(path, *rows)
    blocks, seen = row_blocks(path, rows=25), []
    blocks.watch = lambda done, share: seen.append((done, share))
    same(whole(blocks), rows)
    assert [done for done, _ in seen] == [0, 25, 50, 57] and seen[-1][1] == 1.0


@pytest.mark.parametrize("dense", [False, True])
def test_a_folder_of_blocks_gives_the_same_bits(rows, tmp_path, dense):
    X, Y = rows
    given = X.toarray() if dense else X
    names = [f"label {j}" for j in range(7)]
    write_blocks(tmp_path / "rows", row_blocks((given, Y), rows=13), label_names=names)
    blocks = row_blocks(tmp_path / "rows", rows=20)
    assert blocks.n_rows == 57 and list(blocks.label_names) == names
    found = list(blocks)
    assert [b.X.shape[0] for b in found] == [20, 20, 17]
    assert sp.issparse(found[0].X) is not dense and found[0].X.dtype == np.float32
    same(whole(blocks), rows)


def test_labels_alone_are_stored(rows, tmp_path):
    write_blocks(tmp_path / "rows", (None, rows[1]))
    found = whole(row_blocks(tmp_path / "rows", rows=20))
    assert found[0] is None and (found[1] != rows[1]).nnz == 0


def test_a_folder_is_never_replaced_and_never_half_written(rows, tmp_path):
    def broken():
        yield rows
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="could not be written"):
        write_blocks(tmp_path / "rows", broken)
    assert list(tmp_path.iterdir()) == []
    write_blocks(tmp_path / "rows", rows)
    with pytest.raises(FileExistsError, match="exists already"):
        write_blocks(tmp_path / "rows", rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "update nnae"),
        ({"n_rows": 10**18}, "entries"),
        ({"n_rows": -1}, "no size"),
        ({"n_labels": 3}, "leaves 0 to 2"),
        ({"n_features": 10**12}, "at most"),
        ({"arrays": {"../X_values": "<f4"}}, "there is no array"),
        ({"label_names": ["one"]}, "7 names"),
    ],
)
def test_a_folder_that_lies_is_refused(rows, tmp_path, change, message):
    write_blocks(tmp_path / "rows", rows)
    path = tmp_path / "rows" / "blocks.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=message):
        list(row_blocks(tmp_path / "rows"))


def test_a_cut_array_is_refused(rows, tmp_path):
    write_blocks(tmp_path / "rows", rows)
    path = tmp_path / "rows" / "X_indices"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="differ in length"):
        list(row_blocks(tmp_path / "rows"))


def test_parquet_with_names_and_sparse_features(rows, tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    X, Y = rows
    names = np.array([f"l{j}" for j in range(7)])
    table = pa.table(
        {
            "labels": [names[Y[i].indices].tolist() for i in range(57)],
            "feature_indices": [X[i].indices.tolist() for i in range(57)],
            "feature_values": pa.array(
                [X[i].data.tolist() for i in range(57)], pa.list_(pa.float32())
            ),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    blocks = row_blocks(tmp_path / "rows.parquet", rows=20)
    assert list(blocks.label_names) == list(names)
    same(whole(blocks), rows)


def test_arrow_with_numbered_labels_and_plain_columns(rows):
    pa = pytest.importorskip("pyarrow")
    X, Y = rows
    columns = {f"x{j}": X.toarray()[:, j] for j in range(11)}
    table = pa.table({**columns, "labels": [Y[i].indices.tolist() for i in range(57)]})
    found = list(row_blocks(table, rows=30))
    assert np.array_equal(np.vstack([b.X for b in found]), X.toarray())
    assert (sp.vstack([b.Y for b in found]) != Y).nnz == 0


def test_zarr_groups(rows, tmp_path):
    zarr = pytest.importorskip("zarr")
    X, Y = rows
    group = zarr.open_group(str(tmp_path / "rows.zarr"), mode="w")
    for name, matrix in (("X", X), ("Y", Y)):
        side = group.create_group(name)
        side.attrs["shape"] = list(matrix.shape)
        for part in ("data", "indices", "indptr"):
            value = getattr(matrix, part)
            side.create_array(part, shape=value.shape, dtype=value.dtype)[:] = value
    same(whole(row_blocks(tmp_path / "rows.zarr", rows=20)), rows)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([([[1.0]], [[1]]), ([[1.0, 2.0]], [[1]])], "block 2 .* has 2 features, .* have 1"),
        ([([[1.0]], [[1]]), ([[1.0]], [[1, 0]])], "block 2 .* has 2 labels"),
        ([([[np.nan]], [[1]])], "block 1 .*NaN"),
        ([([[1.0]], [[-1]])], "block 1 .*non-negative"),
        ([([[1.0]], [[1], [0]])], "block 1 .*Y has 2 rows, X has 1"),
        ([([[1.0]], [{"egg"}])], "give label_names"),
        ([7], "pair"),
        ([], "at least one row"),
    ],
)
def test_a_block_that_is_not_sound_is_named(blocks, message):
    with pytest.raises((TypeError, ValueError), match=message):
        list(row_blocks(blocks))


def test_names_in_blocks(rows):
    blocks = row_blocks([(None, [{"egg"}, {"leek", "egg"}])], label_names=["egg", "leek"])
    assert next(iter(blocks)).Y.toarray().tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize("most", [57, 56, 20, 7])
def test_a_sample_of_labels_is_evenly_spaced(rows, most):
    from nnae.io._row_blocks import sample_labels

    Y = rows[1]
    found = sample_labels(row_blocks((None, Y), rows=10), most)
    stride = 1
    while -(-57 // stride) > most:
        stride *= 2
    assert (found != Y[::stride]).nnz == 0


def test_an_audit_takes_blocks():
    data = nnae.datasets.make_label_hierarchy(800, test_size=0.5, random_state=0)
    tree = nnae.LabelHierarchy.from_compressor(nnae.NMF(6, max_iter=5, tol=0).fit(data.Y_train))
    whole, blocks = (
        nnae.audit(tree, Y, n_permutations=19, random_state=0).frame
        for Y in (data.Y_test, row_blocks((None, data.Y_test), rows=90))
    )
    assert whole.equals(blocks)
