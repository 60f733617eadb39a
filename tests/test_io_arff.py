import io

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from nnae.io import _arff as arff
from nnae.io import _source as source_module
from nnae.io import iter_arff, read_arff, read_mulan_labels

HEAD = """% made by hand
@RELATION 'songs: -C -2'

@attribute tempo numeric
@attribute 'the key\\'s name, "loud"' {c, 'd sharp', "e"}
@attribute plain real
@attribute sad {0,1}
@attribute 'very calm' {0, 1}

@data
"""
DENSE = HEAD + "0.5,c,1e1,1,0\n% nothing\n\n0 , 'd sharp' , -2 , 0 , 1\n"
SPARSE = HEAD + "{0 0.5,2 1e1, 3 1}\n% nothing\n\n{ 1 'd sharp' , 2 -2,4 1 }\n"
XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<labels xmlns="http://mulan.sourceforge.net/labels">\n'
    '<label name="very calm"></label>\n<label name="sad"/>\n</labels>\n'
)


def read(content, *args, **options):
    return read_arff(io.StringIO(content), *args, **options)


@pytest.mark.parametrize("content", [DENSE, SPARSE, "\ufeff" + DENSE.replace("\n", "\r\n")])
def test_golden_files(content):
    data = read(content)
    assert data.label_names.tolist() == ["sad", "very calm"]
    key = 'the key\'s name, "loud"='
    assert data.feature_names.tolist() == ["tempo", key + "c", key + "d sharp", key + "e", "plain"]
    assert data.X.toarray().tolist() == [[0.5, 1, 0, 0, 10], [0, 0, 1, 0, -2]]
    assert data.Y.toarray().tolist() == [[1, 0], [0, 1]]
    assert data.groups is None


@pytest.mark.parametrize("content", [DENSE, SPARSE])
def test_mulans_labels(content, tmp_path):
    plain = content.replace(": -C -2", "")
    with pytest.raises(ValueError, match="which attributes are labels is not said"):
        read(plain)
    xml = tmp_path / "songs.xml"
    xml.write_text(XML)
    (tmp_path / "songs-train.arff").write_text(plain)
    for data in (
        read(plain, xml),
        read(plain, io.StringIO(XML)),
        read(plain, ["very calm", "sad"]),
    ):
        assert data.label_names.tolist() == ["very calm", "sad"]
        assert data.Y.toarray().tolist() == [[0, 1], [1, 0]]
    beside = read_arff(tmp_path / "songs-train.arff")
    assert beside.Y.toarray().tolist() == [[0, 1], [1, 0]]


def test_labels_first_and_other_names():
    content = "@relation x\n@attribute a {0,1}\n@attribute b numeric\n@data\n1,3\n0,4\n"
    data = read(content, 1, label_names=["A"])
    assert data.label_names.tolist() == ["A"]
    assert data.Y.toarray().tolist() == [[1], [0]]
    assert data.X.toarray().tolist() == [[3], [4]]
    meka = read(content.replace("@relation x", '@relation "x: -C 1 -split-number 2"'))
    assert (meka.Y != data.Y).nnz == 0


def test_hierarchy_of_labels():
    names, parents = read_mulan_labels(
        io.StringIO('<labels><label name="a"><label name="b"/></label><label name="c"/></labels>')
    )
    assert names == ["a", "b", "c"]
    assert parents == ["", "a", ""]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: the text is not XML"),
        ("<labels>\n</labels>", "there are no labels"),
        (XML[:-12], "line 4: the text is not XML, or is cut"),
        ('<labels>\n<label name="a"/>\n<label name="a"/></labels>', "line 3: label 'a' comes a s"),
        ("<labels>\n<tag name='a'/></labels>", "line 2: <label name=...> is needed; got <tag>"),
        ('<!DOCTYPE l [<!ENTITY a "b">]>\n<labels/>', "line 1: a document type is not allowed"),
        (
            "".join(f'<label name="{i}">' for i in range(300)),
            "labels must not be more than 100 deep",
        ),
    ],
)
def test_broken_label_lists(content, message):
    with pytest.raises(ValueError) as caught:
        read_mulan_labels(io.StringIO(content))
    assert message in str(caught.value)


NUMERIC = (
    "@relation 'x: -C -1'\n@attribute a numeric\n@attribute b real\n@attribute l {0,1}\n@data\n"
)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("", {}, "the file is empty"),
        (NUMERIC[:-6], {}, "line 4: the file ends before @data"),
        (NUMERIC, {}, "there are no rows after @data"),
        (NUMERIC + "1,2,0\n1,2\n", {}, "line 7: the row has 2 values, the header declares 3"),
        (NUMERIC + "1,2,0\n1,2,0,4\n", {}, "line 7: the row has 4 values, the header declares 3"),
        (NUMERIC + "1,2,0\n1,,0\n", {}, "line 7: a value is empty"),
        (NUMERIC + "1,2,2\n", {}, "line 6: attribute 'l': the value must be 0 or 1; got '2'"),
        (NUMERIC + "1,x,0\n", {}, "line 6: attribute 'b': a value must be a number; got 'x'"),
        (NUMERIC + "1,nan,0\n", {}, "line 6: attribute 'b': values must be finite"),
        (NUMERIC + "1,1e60,0\n", {}, "line 6: attribute 'b': value 1e60 does not fit float32"),
        (NUMERIC + "1,?,0\n", {}, "line 6: attribute 'b': the value is missing"),
        (NUMERIC + "1,2,?\n", {"missing": 0.0}, "line 6: attribute 'l': a label must be 0 or 1"),
        (NUMERIC + "1,'2,0\n", {}, "line 6: a quote is not closed"),
        (NUMERIC + "1,2,0,{5}\n", {}, "line 6: weights of rows"),
        (NUMERIC + "{0 1,2 1}\n{0 1,3 1}\n", {}, "line 7: attribute 3 must be below 3"),
        (NUMERIC + "{0 1}\n{-1 1}\n", {}, "line 7: an attribute's number and its value are nee"),
        (NUMERIC + "{0 1}\n{0 1,2", {}, "line 7: a sparse row must end with a brace"),
        (NUMERIC + "{0 1,}\n", {}, "line 6: an attribute's number and its value are needed"),
        (NUMERIC + "{0}\n", {}, "line 6: a value is empty"),
        (NUMERIC + "{" + "9" * 5000 + " 1}\n", {}, "must be below 3"),
        (NUMERIC.replace("{0,1}", "{1,0}") + "{0 1}\n", {}, "line 6: attribute 'l' is declared"),
        (NUMERIC.replace("{0,1}", "{no,yes}"), {}, "line 4: label 'l' must be declared {0,1}"),
        (NUMERIC.replace("{0,1}", "{0,1"), {}, "line 4: the list of values must end with a brace"),
        (NUMERIC.replace("{0,1}", "{0,0}"), {}, "line 4: a value in the list comes twice"),
        (NUMERIC.replace("{0,1}", "{0,,1}"), {}, "line 4: a value in the list is empty"),
        (NUMERIC.replace("real", "string"), {}, "line 3: attribute 'b' of type string cannot"),
        (NUMERIC.replace("real", "relational"), {}, "line 3: the type of 'b' must be numeric"),
        (NUMERIC.replace(" b ", " a "), {}, "line 3: attribute 'a' is declared on line 2 already"),
        (NUMERIC.replace(" b ", " 'b "), {}, "line 3: the attribute needs a name"),
        (NUMERIC.replace("@data", "data"), {}, "line 5: @relation, @attribute or @data must come"),
        ("@relation x\n@data\n1\n", {}, "line 2: @data must come after at least one @attribute"),
        (NUMERIC + "1,2,0\n", {"labels": 4}, "the number of labels must be 1 to 3"),
        (NUMERIC + "1,2,0\n", {"labels": ["z"]}, "1 of 1 labels are not attributes, such as 'z'"),
        (NUMERIC + "1,2,0\n", {"ids": "z"}, "there is no attribute 'z'"),
        (NUMERIC + "1,2,0\n", {"ids": "l"}, "attribute 'l' is a label"),
        (NUMERIC + "1,2,0\n", {"drop": ["l"]}, "all labels were dropped"),
        (NUMERIC + "1,2,0\n", {"label_names": ["p", "q"]}, "has 1 labels, label_names has 2"),
        (NUMERIC + "1,2,0\n", {"missing": np.inf}, "missing must be None, a finite number or NaN"),
    ],
)
def test_errors(content, options, message):
    with pytest.raises(ValueError) as caught:
        read(content, **options)
    assert message in str(caught.value)


def test_missing_values():
    content = NUMERIC.replace("b real", "b {u,v}") + "?,u,1\n2,?,0\n{1 ?,2 1}\n"
    data = read(content, missing=-1)
    assert data.X.toarray().tolist() == [[-1, 1, 0], [2, 0, 0], [0, 0, 0]]
    nan = read(content, missing=np.nan)
    assert np.isnan(nan.X[0, 0])
    quoted = read(NUMERIC.replace("b real", "b {'?',v}") + "1,'?',1\n")
    assert quoted.X.toarray().tolist() == [[1, 1, 0]]


def test_ids_and_dropped():
    content = NUMERIC.replace("a numeric", "a string").replace("b real", "b date 'yyyy'")
    data = read(content + "'row, 1',2001,1\nrow2,2002,0\n", ids="a", drop=["b"])
    assert data.ids.tolist() == ["row, 1", "row2"]
    assert data.X.shape == (2, 0)
    with pytest.raises(ValueError, match="line 6: the row lacks the attribute that names it"):
        read(content + "{2 1}\n", ids="a", drop=["b"])
    dropped = read(NUMERIC + "1,2,0\n", drop=["a"])
    assert dropped.X.toarray().tolist() == [[2]]
    with pytest.raises(TypeError, match="drop must be a list of names"):
        read(NUMERIC + "1,2,0\n", drop="a")


def test_one_declared_first_is_fine_in_dense_rows():
    data = read(NUMERIC.replace("{0,1}", "{1,0}") + "1,2,1\n1,2,0\n")
    assert data.Y.toarray().tolist() == [[1], [0]]


def both(content):
    """Read the data of a numeric file all at once and line by line."""
    found = []
    for fast in (True, False):
        stream = arff.ArffStream(source_module.Source(io.BytesIO(content)))
        rows, line, rest = stream._begin(stream.source.chunks())
        if fast:
            found.append(rows._fast(rest))
            if found[0] is None:
                return None
        else:
            found.append(rows._slow(line, rest))
        assert len(found[-1]) == len(found[-1].x)
    return [stream.finish([part]) for part in found]


@settings(deadline=None, max_examples=400)
@given(
    st.lists(
        st.one_of(
            st.lists(
                st.sampled_from(["0", "1", "2.5", " -1", "1 ", "+0", "1e", "?"]), max_size=4
            ).map(",".join),
            st.lists(
                st.sampled_from(["0 1", "1 2.5 ", " 2 1", "2 0", "3 1", "1  4"]), max_size=3
            ).map(lambda cells: "{" + ",".join(cells) + "}"),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_fast_reading_agrees_with_line_by_line(lines):
    result = both((NUMERIC + "\n".join(lines) + "\n").encode())
    if result is not None:
        fast, slow = result
        assert fast.X.shape == slow.X.shape
        assert (fast.X != slow.X).nnz == 0
        assert (fast.Y != slow.Y).nnz == 0


@pytest.mark.parametrize("rows", ["1,2.5,0\n -3 ,0, 1\n", "{0 1,1 2.5}\n{}\n{ 0 -3, 2 1 }\n"])
def test_fast_reading_takes_ordinary_rows(rows):
    fast, slow = both((NUMERIC + rows).encode())
    assert (fast.X != slow.X).nnz == 0
    assert fast.Y.nnz == 1


@pytest.mark.parametrize("sparse", [True, False])
def test_many_rows_in_blocks(sparse, tmp_path):
    rng = np.random.default_rng(3)
    table = rng.integers(0, 3, (3000, 40)).astype(float) * (rng.random((3000, 40)) < 0.3)
    labels = (rng.random((3000, 6)) < 0.3).astype(float)
    path = tmp_path / "a.arff"
    with open(path, "w") as file:
        file.write("@relation 'a: -C 6'\n")
        file.writelines(f"@attribute l{j} {{0,1}}\n" for j in range(6))
        file.writelines(f"@attribute x{j} numeric\n" for j in range(40))
        file.write("@data\n")
        for row in np.hstack([labels, table]):
            cells = [f"{j} {v:g}" for j, v in enumerate(row) if v] if sparse else None
            text = "{" + ",".join(cells) + "}" if sparse else ",".join(f"{v:g}" for v in row)
            file.write(text + "\n")
    data = read_arff(path)
    assert np.array_equal(data.X.toarray(), table)
    assert np.array_equal(data.Y.toarray(), labels)
    parts = list(iter_arff(path, rows=700))
    assert [part.X.shape for part in parts] == [(700, 40)] * 4 + [(200, 40)]
    assert (sp.vstack([part.X for part in parts]) != data.X).nnz == 0
    assert (sp.vstack([part.Y for part in parts]) != data.Y).nnz == 0
    cut = path.read_bytes()[:-4]
    path.write_bytes(cut)
    with pytest.raises(ValueError, match=r"^a\.arff, line 3048: "):
        read_arff(path)
