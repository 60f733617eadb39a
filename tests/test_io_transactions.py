import io
import os

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from nnae.io import iter_transactions, read_transactions, write_transactions

LONG = 'id,item,price\n7,milk,1\n8," rye, dark ",2\n7,eggs,3\n9,,0\n7,milk,1\n'


def read(content, **options):
    return read_transactions(io.StringIO(content), **options)


def test_lists():
    data = read_transactions([["b", "a", "a"], set(), ("b",)])
    assert data.X is None
    assert data.ids is None
    assert data.label_names.tolist() == ["a", "b"]
    assert data.Y.toarray().tolist() == [[1, 1], [0, 0], [0, 1]]
    named = read_transactions({"x": ["b"], "y": ["a"]})
    assert named.ids.tolist() == ["x", "y"]


def test_long():
    data = read(LONG)
    assert data.label_names.tolist() == ["eggs", "milk", "rye, dark"]
    assert data.ids.tolist() == ["7", "8", "9"]
    assert data.Y.toarray().tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    other = read(LONG.replace("id,", "basket,"), layout="long", id_column="basket")
    assert (other.Y != data.Y).nnz == 0


def test_wide():
    content = '\ufeffmilk;"rye; dark";\r\n\r\neggs; milk;;eggs\r\n'
    data = read(content, delimiter=";")
    assert data.label_names.tolist() == ["eggs", "milk", "rye; dark"]
    assert data.Y.toarray().tolist() == [[0, 1, 1], [0, 0, 0], [1, 1, 0]]
    named = read("a,milk\nb\n", with_ids=True)
    assert named.ids.tolist() == ["a", "b"]
    assert named.Y.toarray().tolist() == [[1], [0]]


def test_given_names():
    with pytest.warns(UserWarning, match=r"1 labels are not in label_names.*'rye, dark'"):
        data = read(LONG, label_names=["milk", "eggs"])
    assert data.label_names.tolist() == ["milk", "eggs"]
    assert data.Y.toarray().tolist() == [[1, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "there are no rows"),
        ("id,item\n", {}, "there are no rows"),
        ("id,item\n1,\n", {}, "there are no items"),
        ("id,item\n1,a\n2\n", {}, "line 3: the line has 1 fields, the header has 2"),
        ("id,item\n1,a\n,b\n", {}, "line 3: column 'id' must not be empty"),
        ('id,item\n1,a\n2,"b\n3,c\n', {}, "line 3: the record that begins here is broken"),
        ('id,item\n1,"a\nb"\n2,"c"d\n', {}, "line 4: the record that begins here is broken"),
        ("id,thing\n1,a\n", {"layout": "long"}, "line 1: there is no column 'item'"),
        ("id,item,item\n1,a,b\n", {"layout": "long"}, "there is two columns named 'item'"),
        ("a\n\n", {"with_ids": True}, "line 2: the line must begin with the row's id"),
        ("a\n", {"delimiter": ",,"}, "delimiter must be one character"),
        ("a\n", {"layout": "tall"}, "layout must be"),
        ("a\n", {"layout": "lists"}, "layout='lists' reads lists in memory"),
    ],
)
def test_errors(content, options, message):
    with pytest.raises(ValueError) as caught:
        read(content, **options)
    assert message in str(caught.value)


def test_a_string_is_not_a_basket():
    with pytest.raises(ValueError, match="got 'milk' for row 1"):
        read_transactions([["a"], "milk"])


def test_blocks():
    content = "id,item\n" + "".join(f"{i},{i % 7}\n{i},{i % 5}\n" for i in range(100))
    whole = read(content)
    parts = list(iter_transactions(io.StringIO(content), rows=30))
    assert [part.Y.shape[0] for part in parts] == [30, 30, 30, 10]
    assert (sp.vstack([part.Y for part in parts]) != whole.Y).nnz == 0
    assert np.concatenate([part.ids for part in parts]).tolist() == whole.ids.tolist()
    with pytest.raises(ValueError, match="line 4: id '1' returns"):
        list(iter_transactions(io.StringIO("id,item\n1,a\n2,a\n1,b\n"), rows=2))


def test_more_rows_than_a_part():
    rows = [[f"i{k % 11}", f"i{k % 3}"] for k in range(20_000)]
    data = read_transactions(rows)
    assert data.Y.shape == (20_000, 11)
    assert data.Y.sum() == sum(len(set(row)) for row in rows)
    parts = list(iter_transactions(rows, rows=9_000))
    assert (sp.vstack([part.Y for part in parts]) != data.Y).nnz == 0


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0"), min_size=1)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.lists(NAMES.filter(lambda s: s == s.strip()), max_size=4), min_size=1))
def test_round_trip(baskets):
    if not any(baskets):
        baskets = [*baskets, ["a"]]
    expected = read_transactions(baskets)
    for layout in ("long", "wide"):
        out = io.BytesIO()
        write_transactions(out, baskets, layout=layout)
        out.seek(0)
        data = read_transactions(out, layout=layout)
        assert data.label_names.tolist() == expected.label_names.tolist()
        assert (data.Y != expected.Y).nnz == 0


def test_written_ids(tmp_path):
    path = tmp_path / "a.csv"
    write_transactions(path, [["x"], []], ids=["p", "q"])
    assert path.read_text() == "id,item\np,x\nq,\n"
    write_transactions(path, [["x"], []], ids=["p", "q"], layout="wide", delimiter="\t")
    assert path.read_text() == "p\tx\nq\n"
    assert os.listdir(tmp_path) == ["a.csv"]
    for bad, message in (
        ({"ids": ["p", "p"]}, "got 2, 1 different"),
        ({"ids": ["p"]}, "ids must be 2 different names"),
        ({"layout": "tall"}, "layout must be 'long' or 'wide'"),
        ({"label_names": [" x"]}, "names must"),
    ):
        with pytest.raises(ValueError, match=message):
            write_transactions(path, np.ones((2, 1)), **bad)
    assert path.read_text() == "p\tx\nq\n"
