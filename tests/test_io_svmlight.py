import io

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file, load_svmlight_file
from sklearn.preprocessing import MultiLabelBinarizer

from nnae.io import iter_svmlight, read_svmlight, write_svmlight


def read(content, **options):
    return read_svmlight(io.StringIO(content), **options)


def test_golden_file():
    data = read("# made by hand\n\n0,2 1:0.5 3:2 # first: 9:9\n 2:1\n \n1 # nothing\n")
    assert data.Y.toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert data.X.toarray().tolist() == [[0.5, 0, 2], [0, 1, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(("zero_based", "width"), [("auto", 3), (True, 4), (False, 3)])
def test_first_feature(zero_based, width):
    assert read("0 1:1 3:1\n", zero_based=zero_based).X.shape[1] == width


def test_auto_sees_a_zero_at_the_end():
    data = read("0 1:1\n" * 9 + "0 0:1 3:1\n", zero_based="auto")
    assert data.X.shape == (10, 4)
    assert data.X[0].indices.tolist() == [1]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "the file has no rows"),
        ("# only\n\n", {}, "the file has no rows"),
        ("0 1:1\n-1 1:1\n", {}, "line 2: label index -1 must not be negative"),
        ("0 1:1\n+1 1:1\n", {}, "line 2: label index must be a whole number; got '+1'"),
        ("# c\n0 1:1\n0 qid:3 1:1\n", {}, "line 3: query numbers (qid)"),
        ("0 1:1\n0 5:1\n", {"n_features": 3, "zero_based": True}, "line 2: feature index 5"),
        ("0 1:1\n0 0:1 3:1\n", {"n_features": 3}, "feature index 3 must be below 3"),
        ("0 1:1\n7 2:1\n", {"n_labels": 3}, "line 2: label index 7 must be below 3"),
        ("0 1:1\n# x\n1 0:1\n", {"zero_based": False}, "line 3: feature index 0 must not occur"),
        ("0 1:1\n1 2:inf # y\n", {}, "line 2: values must be finite"),
        ("0 1:1\n1 2\n", {}, "line 2: feature:value is needed; got '2'"),
        ("0 1:1\n1 2:\n", {}, "line 2: a value must be a number"),
        ("0 1:1\n", {"zero_based": "no"}, "zero_based must be True, False or 'auto'"),
    ],
)
def test_errors(content, options, message):
    with pytest.raises(ValueError) as caught:
        read(content, **options)
    assert message in str(caught.value)


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(1)
    X = sp.random(60, 30, density=0.2, format="csr", random_state=rng)
    Y = sp.random(60, 8, density=0.2, format="csr", random_state=rng)
    Y.data[:] = 1
    out = io.BytesIO()
    dump_svmlight_file(X, Y, out, multilabel=True, comment="made here")
    out.seek(0)
    mine = read_svmlight(out, n_features=30, n_labels=8, dtype=np.float64)
    assert (mine.Y != Y).nnz == 0
    assert np.allclose(mine.X.toarray(), X.toarray(), rtol=1e-14)
    out = io.BytesIO()
    write_svmlight(out, X, Y)
    out.seek(0)
    theirs, labels = load_svmlight_file(out, n_features=30, multilabel=True, zero_based=True)
    assert (theirs != X).nnz == 0
    assert np.array_equal(MultiLabelBinarizer(classes=range(8)).fit_transform(labels), Y.toarray())


@pytest.mark.parametrize("zero_based", [True, False])
def test_round_trip_in_blocks(zero_based):
    rng = np.random.default_rng(2)
    X = sp.random(50, 9, density=0.3, format="csr", random_state=rng, dtype=np.float32)
    Y = sp.csr_matrix((rng.random((50, 5)) < 0.3).astype(np.float32))
    out = io.StringIO()
    write_svmlight(out, X, Y, zero_based=zero_based)
    for options in ({"zero_based": zero_based, "n_features": 9, "n_labels": 5}, {}):
        out.seek(0)
        parts = list(iter_svmlight(out, rows=7, **options))
        assert len(parts) == 8
        assert (sp.vstack([part.X for part in parts]) != X).nnz == 0
        assert (sp.vstack([part.Y for part in parts]) != Y).nnz == 0
