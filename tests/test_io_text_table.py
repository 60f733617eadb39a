import io

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

from nnae.io import iter_text_table, read_text_table

TABLE = (
    "n,text,labels\n"
    '1,"a red apple, ""ripe""\nand sweet",fruit; red\n'
    "2,a red car,red;car;red\n"
    "3,nothing here,\n"
)
TEXTS = ['a red apple, "ripe"\nand sweet', "a red car", "nothing here"]


def read(content=TABLE, **options):
    return read_text_table(io.StringIO(content), **options)


def test_against_scikit_learn():
    data = read(id_column="n")
    expected = TfidfVectorizer(dtype=np.float32)
    X = expected.fit_transform(TEXTS)
    assert data.X.dtype == np.float32
    assert np.array_equal(data.X.toarray(), X.toarray())
    assert data.feature_names.tolist() == expected.get_feature_names_out().tolist()
    assert data.label_names.tolist() == ["car", "fruit", "red"]
    assert data.Y.toarray().tolist() == [[0, 1, 1], [1, 0, 1], [0, 0, 0]]
    assert data.ids.tolist() == ["1", "2", "3"]


def test_counts_and_own_vectoriser():
    counts = read(vectorizer="count", dtype=np.float64)
    assert counts.X.dtype == np.float64
    assert np.array_equal(counts.X.toarray(), CountVectorizer().fit_transform(TEXTS).toarray())
    mine = CountVectorizer(binary=True, ngram_range=(1, 2))
    data = read(vectorizer=mine)
    assert not hasattr(mine, "vocabulary_")
    assert data.vectorizer.ngram_range == (1, 2)
    hashed = read(vectorizer=HashingVectorizer(n_features=32))
    assert hashed.X.shape == (3, 32)
    assert hashed.feature_names is None


def test_test_tables_go_through_the_fitted_vectoriser():
    train = read()
    with pytest.warns(UserWarning, match=r"1 labels are not in label_names.*'plane'"):
        test = read(
            "text,labels\nred plane,plane;red\n",
            vectorizer=train.vectorizer,
            label_names=train.label_names,
        )
    assert test.vectorizer is train.vectorizer
    assert test.X.shape == (1, train.X.shape[1])
    assert test.Y.toarray().tolist() == [[0, 0, 1]]


def test_blocks_are_the_whole():
    content = "text,labels\n" + "".join(f"word{i % 7} x{i % 9},l{i % 4}\n" for i in range(9000))
    whole = read(content)
    parts = list(iter_text_table(io.StringIO(content), rows=4000))
    assert [part.X.shape[0] for part in parts] == [4000, 4000, 1000]
    assert np.allclose(sp.vstack([p.X for p in parts]).toarray(), whole.X.toarray(), atol=1e-6)
    assert (sp.vstack([part.Y for part in parts]) != whole.Y).nnz == 0
    again = list(iter_text_table(io.StringIO(content), rows=5000, vectorizer=whole.vectorizer))
    assert (sp.vstack([part.Y for part in again]) != whole.Y).nnz == 0


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "the file must begin with a line that names its columns"),
        ("text,labels\n", {}, "the table has no rows"),
        ("text,labels\nred car,\n", {}, "column 'labels' holds no labels"),
        ("text,labels\n?,x\n", {}, "column 'text' could not be turned into features"),
        ("text,tags\nred,x\n", {}, "no column 'labels'; the columns are 'text', 'tags'"),
        (TABLE + "4,cut", {}, "line 6: the line has 2 fields, the header has 3"),
        (TABLE + '4,"cut', {}, "line 6: the record that begins here is broken"),
        (TABLE, {"vectorizer": "words"}, "vectorizer must be 'tfidf', 'count' or an object"),
        (TABLE, {"label_delimiter": ""}, "label_delimiter must be"),
    ],
)
def test_errors(content, options, message):
    with pytest.raises(ValueError) as caught:
        read(content, **options)
    assert message in str(caught.value)


def test_vectoriser_must_be_one():
    with pytest.raises(TypeError, match="vectorizer must have fit and transform; got int"):
        read(vectorizer=3)


def test_long_documents_are_read():
    assert read("text,labels\n" + "word " * 60_000 + ",x\n").X.nnz == 1
