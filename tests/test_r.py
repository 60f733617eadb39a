"""R from Python over rpy2. Skipped as a whole, with the reason, where R or rpy2 is missing."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from planted_features import planted_features, popularity
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import nnae
import nnae.r
from nnae.r import RClassifier, RRegressor, from_r, to_r

if not nnae.r.r_available():
    pytest.skip("R with Matrix, or rpy2, is missing: all of test_r.py", allow_module_level=True)

import rpy2.robjects as ro


def has(package):
    return bool(ro.r["requireNamespace"](package, quietly=True)[0])


def needs(package):
    return pytest.mark.skipif(not has(package), reason=f"R has no package {package}")


@pytest.fixture(scope="module")
def problem():
    draws = np.random.default_rng(0)
    X = draws.normal(size=(240, 8))
    Z = np.maximum(X @ draws.normal(size=(8, 3)), 0)
    return X[:160], Z[:160], X[160:], Z[160:]


@pytest.fixture(scope="module")
def hierarchy():
    Y = nnae.datasets.make_label_hierarchy(300, random_state=0).Y
    model = nnae.NNAE((12, 3), random_state=0).fit(Y)
    return nnae.LabelHierarchy.from_compressor(model, Y=Y)


SPARSE = {
    "csr": sp.csr_matrix,
    "csc array": sp.csc_array,
    "coo twice": lambda A: sp.coo_matrix(
        (np.r_[A.ravel(), A.ravel()], [np.r_[r, r] for r in np.indices(A.shape).reshape(2, -1)]),
        shape=A.shape,
    ),
    "float32": lambda A: sp.csr_matrix(A.astype(np.float32)),
    "integers": lambda A: sp.csr_matrix(A.astype(np.int64)),
    "unsorted": lambda A: sp.csr_matrix(A)[:, ::-1],
}


@pytest.mark.parametrize("kind", SPARSE)
@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (3, 0), (0, 2)])
def test_sparse_matrices_cross_and_come_back(kind, shape):
    dense = np.random.default_rng(1).integers(0, 3, shape).astype(float)
    sent = SPARSE[kind](dense)
    there = to_r(sent)
    assert list(ro.r["class"](there)) == ["dgCMatrix"]
    assert ro.r["validObject"](there)[0]
    back = from_r(there)
    assert sp.issparse(back) and back.format == "csr"
    assert np.array_equal(back.toarray(), np.asarray(sent.todense(), float))


@pytest.mark.parametrize(
    "made",
    [
        "Matrix::Matrix(c(1, 0, 0, 2), 2, sparse = TRUE)",  # symmetric
        "Matrix::Diagonal(3)",
        "as(Matrix::rsparsematrix(4, 3, 0.5), 'RsparseMatrix')",
        "as(Matrix::rsparsematrix(4, 3, 0.5), 'TsparseMatrix')",
        "Matrix::rsparsematrix(4, 3, 0.5) != 0",
        "Matrix::triu(Matrix::rsparsematrix(4, 4, 0.5))",
        "as(3:1, 'pMatrix')",
    ],
)
def test_every_class_of_matrix_arrives(made):
    matrix = ro.r(made)
    dense = np.array(ro.r["as.matrix"](matrix), float)
    assert np.array_equal(from_r(matrix).toarray(), dense)


def test_a_million_entries_are_quick_and_identical():
    draws = np.random.default_rng(0)
    rows, columns = draws.integers(0, 50_000, 10**6), draws.integers(0, 20_000, 10**6)
    sent = sp.csr_matrix((draws.random(10**6), (rows, columns)), shape=(50_000, 20_000))
    back = from_r(to_r(sent))
    assert (back != sent).nnz == 0
    assert np.array_equal(back.indices, sent.indices) and np.array_equal(back.data, sent.data)


def test_data_frames_keep_what_is_missing():
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "text": ["x", None, "z"],
            "kind": pd.Categorical(["u", "v", None]),
            "yes": [True, False, True],
            "maybe": pd.array([True, None, False], dtype=object),
            "real": [1.5, np.nan, 2],
            "odd name": [0.5, 1.5, 2.5],
        },
        index=["r1", "r2", "r3"],
    )
    there = to_r(frame)
    assert list(ro.r["sapply"](there, "class")) == [
        "integer", "character", "factor", "logical", "logical", "numeric", "numeric",
    ]  # fmt: skip
    back = from_r(there)
    assert list(back.columns) == list(frame.columns) and list(back.index) == list(frame.index)
    for name in frame:
        assert (back[name].isna() == frame[name].isna()).all(), name
        kept = frame[name].notna()
        assert back.loc[kept, name].tolist() == frame.loc[kept, name].tolist(), name
    assert from_r(to_r(frame.iloc[:0])).shape == (0, 7)


def test_values_of_r_arrive_with_their_missing_ones():
    assert from_r(ro.r("c(TRUE, NA)")).tolist() == [True, None]
    assert np.array_equal(from_r(ro.r("c(1L, NA)")), [1, np.nan], equal_nan=True)
    assert from_r(ro.r("matrix(1:6, 2)")).tolist() == [[1, 3, 5], [2, 4, 6]]
    assert from_r(ro.r("c('a', NA)")).tolist() == ["a", None]
    assert from_r(ro.r("list(a = 1, b = 'x')"))["b"].tolist() == ["x"]
    assert from_r(ro.r("factor(c('u', NA, 'v'))")).codes.tolist() == [0, -1, 1]
    vector = to_r(np.arange(3.0))
    assert isinstance(ro.r["dim"](vector), type(ro.NULL))
    mine = from_r(vector)
    mine[0] = 7.0
    assert list(vector) == [0.0, 1.0, 2.0]


def test_hclust_holds_the_clades_of_the_tree(hierarchy):
    tree = to_r(hierarchy)
    assert list(ro.r["class"](tree)) == ["hclust"]
    parts = dict(zip(ro.r["names"](tree), tree, strict=True))
    merge = from_r(parts["merge"])
    members = []
    for pair in merge:
        members.append(frozenset().union(*({-m - 1} if m < 0 else members[m - 1] for m in pair)))
    names = [frozenset(hierarchy.labels[j] for j in clade) for clade in members]
    nodes = hierarchy.tree()
    for node in nodes:
        if nodes.nodes[node]["kind"] == "concept":
            below = {x for x in reachable(nodes, node) if nodes.nodes[x]["kind"] == "label"}
            assert len(below) < 2 or frozenset(below) in names
    assert sorted(from_r(parts["order"])) == list(range(1, len(hierarchy.labels) + 1))
    again = ro.r["as.hclust"](ro.r["as.dendrogram"](tree))
    assert len(ro.r["cutree"](again, k=3)) == len(hierarchy.labels)


def reachable(tree, node):
    found = [node]
    for child in tree.successors(node):
        found += reachable(tree, child)
    return found


@needs("ape")
def test_phylo_has_the_tips_below_each_concept(hierarchy):
    tree = nnae.r.as_phylo(hierarchy)
    assert sorted(ro.r("function(t) t$tip.label")(tree)) == sorted(hierarchy.labels)
    clade = ro.r("function(t, node) ape::extract.clade(t, node)$tip.label")
    nodes = hierarchy.tree()
    for node in nodes:
        if nodes.nodes[node]["kind"] == "concept":
            below = {x for x in reachable(nodes, node) if nodes.nodes[x]["kind"] == "label"}
            assert set(clade(tree, node)) == below


@needs("igraph")
@pytest.mark.parametrize("what", ["tree", "graph"])
def test_igraph_has_the_edges(hierarchy, what):
    graph = nnae.r.as_igraph(hierarchy, what)
    expected = hierarchy.to_frame()
    expected = expected[expected[f"in_{what}"]]
    edges = np.array(ro.r("igraph::as_edgelist")(graph)).reshape(2, -1)
    pairs = set(zip(expected["parent"], expected["child"], strict=True))
    found = ro.r("function(g) apply(igraph::as_edgelist(g), 1, paste, collapse = '\\r')")(graph)
    assert {tuple(line.split("\r")) for line in found} == pairs and edges.shape[1] == len(pairs)


def test_frame_of_a_hierarchy(hierarchy):
    back = from_r(nnae.r.as_data_frame(hierarchy))
    assert back["share"].tolist() == hierarchy.to_frame()["share"].tolist()


LEARNERS = [
    pytest.param("lm", {}, id="lm"),
    pytest.param("glmnet", {"alpha": 0.5, "nfolds": 3}, id="glmnet", marks=needs("glmnet")),
    pytest.param("ranger", {"num_trees": 40}, id="ranger", marks=needs("ranger")),
]


@pytest.mark.parametrize(("learner", "settings"), LEARNERS)
def test_regressors_learn_several_targets_sparse_or_dense(problem, learner, settings):
    X, Z, X_new, Z_new = problem
    model = RRegressor(learner, random_state=0, **settings).fit(X, Z)
    assert model.score(X_new, Z_new) > 0.4
    sparse = clone(model).fit(sp.csr_matrix(X), Z)
    assert np.allclose(sparse.predict(sp.csr_matrix(X_new)), model.predict(X_new), atol=1e-6)
    assert np.array_equal(clone(model).fit(X, Z).predict(X_new), model.predict(X_new))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X_new), model.predict(X_new))
    single = clone(model).fit(X, Z[:, 0])
    assert single.predict(X_new).shape == (len(X_new),)
    constant = clone(model).fit(X, np.column_stack([Z, np.full(len(Z), 2.0)]))
    assert np.allclose(constant.predict(X_new)[:, -1], 2.0)


def test_lm_is_least_squares(problem):
    X, Z, X_new, _ = problem
    weights = np.random.default_rng(0).integers(1, 4, len(X)).astype(float)
    design = np.column_stack([np.ones(len(X)), X])
    for w in (None, weights):
        root = np.ones(len(X)) if w is None else np.sqrt(w)
        B = np.linalg.lstsq(design * root[:, None], Z * root[:, None], rcond=None)[0]
        found = RRegressor("lm").fit(X, Z, sample_weight=w).predict(X_new)
        assert np.allclose(found, np.column_stack([np.ones(len(X_new)), X_new]) @ B)


@needs("glmnet")
def test_settings_reach_r_under_both_spellings(problem):
    X, Z, X_new, _ = problem
    few = RRegressor("glmnet", random_state=0, **{"lambda": 10.0}).fit(X, Z)
    assert np.allclose(few.predict(X_new), Z.mean(0), atol=1e-6)  # the penalty leaves intercepts
    one = RRegressor("glmnet", random_state=0, lambda_min_ratio=0.1, nlambda=5).fit(X, Z)
    two = RRegressor("glmnet", random_state=0, **{"lambda.min.ratio": 0.1, "nlambda": 5}).fit(X, Z)
    assert np.array_equal(one.predict(X_new), two.predict(X_new))


@pytest.mark.parametrize("learner", [pytest.param(x, marks=needs(x)) for x in ("glmnet", "ranger")])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers_give_probabilities(problem, learner, n_classes):
    X, Z, X_new, Z_new = problem
    names = np.array(["a", "b", "c"])[:n_classes]
    y, y_new = names[Z[:, :n_classes].argmax(1)], names[Z_new[:, :n_classes].argmax(1)]
    settings = {"num_trees": 50} if learner == "ranger" else {"nfolds": 3}
    model = RClassifier(learner, random_state=0, **settings).fit(X, y)
    shares = model.predict_proba(X_new)
    assert shares.shape == (len(X_new), n_classes) and np.allclose(shares.sum(1), 1)
    assert (shares >= 0).all() and model.score(X_new, y_new) > 0.7
    assert list(model.classes_) == list(names)


@needs("ranger")
def test_grid_search_finds_the_better_setting(problem):
    X, Z, _, _ = problem
    search = GridSearchCV(
        RRegressor("ranger", random_state=0, num_trees=1), {"num_trees": [1, 60]}, cv=3
    ).fit(X, Z)
    assert search.best_params_ == {"num_trees": 60}


@pytest.mark.parametrize(("learner", "settings"), LEARNERS)
def test_step_two_in_r_ranks_and_is_saved(tmp_path, learner, settings):
    X, Y, X_new, Y_new = planted_features()
    estimator = RRegressor(learner, random_state=0, **settings)
    model = nnae.TwoStepClassifier(nnae.NMF(6, random_state=0), estimator, random_state=0)
    model.fit(X, Y)
    ranking = model.predict_topk(X_new, 3)[0]
    assert nnae.metrics.precision_at_k(Y_new, ranking, 1) > 1.5 * popularity(Y, Y_new, 1)
    path = tmp_path / "model.nnae"
    nnae.save(model, path)
    with pytest.raises(ValueError, match=r"trusted=\['nnae.r'\]"):
        nnae.load(path)
    again = nnae.load(path, trusted=["nnae.r"])
    assert np.array_equal(again.predict_topk(X_new, 3)[0], ranking)


@needs("ranger")
def test_classifier_of_r_learns_pseudo_labels():
    X, Y, X_new, Y_new = planted_features()
    estimator = RClassifier("ranger", random_state=0, num_trees=40)
    model = nnae.TwoStepClassifier(nnae.NMF(6, random_state=0), estimator, random_state=0)
    ranking = model.fit(X, Y).predict_topk(X_new, 1)[0]
    assert nnae.metrics.precision_at_k(Y_new, ranking, 1) > 1.5 * popularity(Y, Y_new, 1)


def test_a_function_of_r_given_as_text(problem):
    X, Z, X_new, _ = problem
    text = (
        "list(fit = function(x, z, weights = NULL) lm.fit(cbind(1, as.matrix(x)), z),"
        " predict = function(model, x) cbind(1, as.matrix(x)) %*% model$coefficients)"
    )
    found = RRegressor(text).fit(X, Z).predict(X_new)
    assert np.allclose(found, RRegressor("lm").fit(X, Z).predict(X_new))


def test_the_generator_of_r_stays_as_it_was(problem):
    X, Z, _, _ = problem
    ro.r("set.seed(3)")
    before = list(ro.r(".Random.seed"))
    RRegressor("function(x, z) list(runif(1))").fit(X, Z)
    assert list(ro.r(".Random.seed")) == before


def test_mistakes_are_one_line(problem):
    X, Z, X_new, _ = problem
    with pytest.raises(ValueError, match=r"learner must be one of .*lm.*got \"rf\""):
        RRegressor("rf").fit(X, Z)
    with pytest.raises(ValueError, match="lm takes no settings; got alpha"):
        RRegressor("lm", alpha=1.0).fit(X, Z)
    with pytest.raises(ValueError, match="no luck"):
        RRegressor("function(x, z) stop('no luck')").fit(X, Z)
    with pytest.raises(ValueError, match="y must have 160 rows"):
        RRegressor("lm").fit(X, Z[:3])
    with pytest.raises(ValueError, match="8 features"):
        RRegressor("lm").fit(X, Z).predict(X_new[:, :3])
    with pytest.raises(ValueError, match="at least two classes"):
        RClassifier("ranger").fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="what must be"):
        nnae.r.as_igraph(None, "forest")


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(ImportError, match=r"no package 'notapackage': run install.packages"):
        nnae.r._session.need("notapackage")


def test_r_is_not_loaded_by_an_import(tmp_path):
    code = (
        "import sys, nnae, nnae.r\nnnae.r.RRegressor('lm')\n"
        "assert not [m for m in sys.modules if m.startswith('rpy2')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_without_rpy2_the_error_says_what_to_install(tmp_path):
    code = (
        "import sys\nsys.modules['rpy2'] = None\nimport nnae.r\n"
        "assert not nnae.r.r_available()\n"
        "try:\n    nnae.r.to_r([1.0])\nexcept ImportError as error:\n    print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert found == "nnae.r needs rpy2: install R and run pip install 'nnae[r]'\n"
