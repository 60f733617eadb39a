"""NMF: against scikit-learn's, on every kind of input, and on what must be refused."""

import multiprocessing
import os

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cases import at_any_threads
from reference import LOSSES, least_squares_codes, loss, rate_codes
from sklearn.base import clone
from sklearn.decomposition import NMF as ScikitNMF
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from nnae import NMF
from nnae.datasets import make_label_hierarchy

SOLVERS = ("mu", "cd")
losses = pytest.mark.parametrize("loss_name", LOSSES)
solvers = pytest.mark.parametrize("solver", SOLVERS)


@pytest.fixture(scope="module")
def Y():
    return sp.csr_matrix(make_label_hierarchy(150, random_state=0).Y, dtype=float)


@pytest.fixture(scope="module")
def counts(Y):
    values = np.random.default_rng(1).integers(1, 5, Y.nnz).astype(float)
    return sp.csr_matrix((values, Y.indices, Y.indptr), shape=Y.shape)


def start(Y, k=6, seed=0):
    rng = np.random.default_rng(seed)
    scale = np.sqrt(Y.mean() / k)
    return (scale * (0.1 + rng.random(shape)) for shape in ((Y.shape[0], k), (k, Y.shape[1])))


def fit(Y, k=6, **options):
    options = {"max_iter": 30, "tol": 0, "random_state": 0, "n_threads": 1} | options
    return NMF(k, **options).fit(Y)


@pytest.mark.parametrize("max_iter", [1, 2, 25, 200])
@pytest.mark.parametrize("loss_name", ["frobenius", "kullback-leibler"])
def test_sweeps_follow_scikit_learn(counts, loss_name, max_iter):
    W, H = start(counts)
    theirs = ScikitNMF(6, init="custom", solver="mu", beta_loss=loss_name, max_iter=max_iter, tol=0)
    codes = theirs.fit_transform(counts, W=W.copy(), H=H.copy())
    ours = fit(counts, loss=loss_name, solver="mu", init=(W, H), max_iter=max_iter)
    error = theirs.reconstruction_err_**2
    error = error if loss_name == "frobenius" else error / 2
    assert ours.loss_ == pytest.approx(error, rel=1e-6)
    product = codes @ theirs.components_
    np.testing.assert_allclose(ours.codes_ @ ours.components_, product, atol=1e-6 * product.max())


def test_the_loss_curve_follows_scikit_learn(counts):
    W, H = start(counts)
    ours = fit(counts, loss="frobenius", solver="mu", init=(W, H), max_iter=25)
    for sweeps in range(1, 26):
        theirs = ScikitNMF(6, init="custom", solver="mu", max_iter=sweeps, tol=0)
        theirs.fit_transform(counts, W=W.copy(), H=H.copy())
        error = theirs.reconstruction_err_**2
        assert ours.loss_curve_[sweeps - 1] == pytest.approx(error, rel=1e-6)


@losses
@solvers
def test_the_loss_falls_and_is_that_of_the_model(Y, loss_name, solver):
    model = fit(Y, loss=loss_name, solver=solver)
    assert len(model.loss_curve_) == model.n_iter_ == 30
    assert model.loss_curve_[-1] == model.loss_
    assert (np.diff(model.loss_curve_) <= 1e-9 * model.loss_curve_[0]).all()
    wanted = loss(loss_name, Y.toarray(), model.codes_ @ model.components_)
    assert model.loss_ == pytest.approx(wanted, rel=1e-6)
    assert model.seconds_ > 0


@losses
def test_coordinate_descent_gets_as_low_as_multiplicative_updates(Y, loss_name):
    W, H = start(Y)
    mu, cd = (fit(Y, loss=loss_name, solver=name, init=(W, H), max_iter=60) for name in SOLVERS)
    assert cd.loss_ < 1.01 * mu.loss_


@losses
def test_transform_finds_the_codes_of_least_loss(Y, loss_name):
    model = fit(Y, k=4, loss=loss_name, max_iter=20)
    model.components_ = model.components_ + 1e-3  # no label without weights: the solver needs it
    few = Y[:12]
    H = np.ascontiguousarray(model.components_.T)
    P = few.toarray()
    oracle = least_squares_codes(P, H) if loss_name == "frobenius" else rate_codes(loss_name, P, H)
    got = loss(loss_name, P, model.transform(few) @ H.T)
    assert got == pytest.approx(loss(loss_name, P, oracle @ H.T), rel=1e-5)


@losses
def test_fit_transform_is_fit_then_transform(Y, loss_name):
    options = {"loss": loss_name, "max_iter": 10, "tol": 0, "random_state": 3}
    codes = NMF(5, **options).fit_transform(Y)
    np.testing.assert_array_equal(codes, NMF(5, **options).fit(Y).transform(Y))


@losses
def test_a_row_is_encoded_without_regard_to_its_neighbours(Y, loss_name):
    model = fit(Y, loss=loss_name)
    alone = np.vstack([model.transform(Y[i]) for i in range(10)])
    np.testing.assert_allclose(model.transform(Y)[:10], alone, rtol=1e-12, atol=1e-9)


@losses
def test_every_kind_of_input_gives_the_same_bits(Y, loss_name):
    names = [f"label {j:02d}" for j in range(Y.shape[1])]
    dense = Y.toarray()
    wanted = fit(Y, loss=loss_name).components_
    kinds = {
        "dense": dense,
        "integers": dense.astype(int),
        "booleans": dense.astype(bool),
        "csc": Y.tocsc(),
        "coo": Y.tocoo(),
        "sparse array": sp.csr_array(Y),
        "frame": pd.DataFrame(dense, columns=names),
        "lists": [[names[j] for j in row.indices] for row in Y],
        "sets": [{names[j] for j in row.indices} for row in Y],
    }
    for kind, given in kinds.items():
        model = fit(given, loss=loss_name)
        np.testing.assert_array_equal(model.components_, wanted, err_msg=kind)
        if kind in ("frame", "lists", "sets"):
            assert model.label_names_.tolist() == names


@losses
@solvers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_change_no_bit(Y, loss_name, solver, dtype):
    def everything(n_threads):
        model = fit(Y.astype(dtype), loss=loss_name, solver=solver, max_iter=8, n_threads=n_threads)
        assert model.components_.dtype == dtype
        curve = np.array(model.loss_curve_)
        codes = model.transform(Y)
        return np.concatenate([model.codes_, model.components_.T, codes], axis=None), curve

    at_any_threads(lambda n: everything(n)[0])
    at_any_threads(lambda n: everything(n)[1])


@losses
@solvers
def test_weights_equal_repeated_rows(Y, loss_name, solver):
    times = np.random.default_rng(0).integers(0, 4, Y.shape[0])
    W, H = start(Y)
    repeated = np.repeat(np.arange(len(times)), times)
    # ten sweeps: in longer runs a decision of the descent that is a tie may fall either way
    options = {"loss": loss_name, "solver": solver, "max_iter": 10}
    whole = fit(Y[repeated], init=(W[repeated], H), **options)
    weighted = NMF(6, init=(W, H), tol=0, **options).fit(Y, sample_weight=times)
    np.testing.assert_allclose(weighted.loss_curve_, whole.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(weighted.components_, whole.components_, rtol=1e-5, atol=1e-8)


EDGES = {
    "all-zero rows and columns": np.kron([[1, 0], [0, 0]], np.array([[1, 0, 1], [1, 1, 0]])),
    "nothing but zeros": np.zeros((4, 3)),
    "single label": np.array([[1], [0], [1]]),
    "constant label": np.array([[1, 0, 1], [1, 1, 0], [1, 0, 0], [1, 1, 1]]),
    "single row": np.array([[1, 0, 1, 1]]),
    "one cell": np.array([[1]]),
    "more concepts than labels": np.eye(3),
}


@losses
@solvers
@pytest.mark.parametrize("init", ["random", "nndsvd", "nndsvda"])
@pytest.mark.parametrize("edge", EDGES)
def test_edges_have_defined_results(edge, init, solver, loss_name):
    given = EDGES[edge].astype(float)
    model = fit(given, k=5, loss=loss_name, solver=solver, init=init, max_iter=40)
    for result in (model.codes_, model.components_, model.loss_curve_, model.transform(given)):
        assert np.isfinite(result).all()
    assert (np.diff(model.loss_curve_) <= 1e-9 * (1 + abs(model.loss_curve_[0]))).all()
    codes, empty = model.transform(given), given.sum(axis=1) == 0
    np.testing.assert_allclose(codes[empty], 0, atol=1e-12)
    np.testing.assert_allclose((codes @ model.components_)[:, given.sum(axis=0) == 0], 0, atol=1e-6)


@losses
@solvers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_labels_that_occur_once_never_give_nan(dtype, solver, loss_name):
    rng = np.random.default_rng(0)
    rare = sp.csr_matrix((np.ones(60), (rng.permutation(200)[:60], np.arange(60))), (200, 60))
    often = sp.csr_matrix(rng.random((200, 3)) < 0.6)
    given = sp.csr_matrix(sp.hstack([often, rare]), dtype=dtype)
    model = fit(given, k=12, loss=loss_name, solver=solver, max_iter=300)
    for result in (model.codes_, model.components_, model.loss_curve_, model.transform(given)):
        assert np.isfinite(result).all()
    assert model.loss_ < model.loss_curve_[0]


def test_a_label_never_seen_in_training_does_not_spoil_a_row(Y):
    seen = sp.csr_matrix(sp.hstack([Y, sp.csr_matrix((Y.shape[0], 1))]))
    later = sp.csr_matrix(sp.hstack([Y, sp.csr_matrix(np.ones((Y.shape[0], 1)))]))
    for loss_name in LOSSES:
        model = fit(seen, loss=loss_name)
        rates = [model.transform(rows) @ model.components_ for rows in (later, seen)]
        np.testing.assert_allclose(*map(np.expm1, np.negative(rates)), atol=1e-3, err_msg=loss_name)


def test_unknown_names_are_ignored_with_a_warning():
    model = fit([{"egg", "flour"}, {"leek"}, {"egg"}], k=2)
    with pytest.warns(UserWarning, match=r"1 labels were not seen .* 'soap'"):
        codes = model.transform([{"egg", "soap"}])
    np.testing.assert_array_equal(codes, model.transform([{"egg"}]))


def test_auto_takes_the_loss_from_the_values(Y, counts):
    assert fit(Y, max_iter=1).loss_name_ == "bernoulli"
    assert fit(counts, max_iter=1).loss_name_ == "frobenius"


BAD_LABELS = {
    "negative": (np.array([[1.0, -1.0]]), r"non-negative; row 0 holds -1"),
    "missing": (np.array([[1.0, 0.0], [np.nan, 1.0]]), r"finite; row 1 holds NaN"),
    "infinite": (np.array([[np.inf, 0.0]]), r"finite; row 0"),
    "no rows": (np.empty((0, 3)), r"at least one row and one label; got shape \(0, 3\)"),
    "no labels": (sp.csr_matrix((3, 0)), r"at least one row and one label"),
    "no lists": ([], r"at least one row and one label"),
    "one dimension": (np.ones(3), r"matrix with one column a label"),
    "equal names": (pd.DataFrame([[1, 0]], columns=["egg", "egg"]), r"unique; 'egg'"),
}


@pytest.mark.parametrize("kind", BAD_LABELS)
def test_bad_labels_are_refused_in_one_line(kind):
    given, message = BAD_LABELS[kind]
    with pytest.raises(ValueError, match=message) as raised:
        NMF(2).fit(given)
    assert "\n" not in str(raised.value)


BAD_OPTIONS = [
    ({"loss": "hinge"}, r"loss must be one of .*; got 'hinge'"),
    ({"solver": "newton"}, r"solver must be one of .*; got 'newton'"),
    ({"init": "pca"}, r"init must be one of .*; got 'pca'"),
    ({"init": (np.ones((2, 6)), np.ones((6, 72)))}, r"shapes \(150, 6\) and \(6, 72\)"),
    ({"init": (np.ones((150, 6)), -np.ones((6, 72)))}, r"H must be finite and non-negative"),
    ({"init": 3}, r"name or a pair"),
    ({"max_iter": 0}, r"max_iter must be at least 1; got 0"),
    ({"n_components": 0}, r"n_components must be at least 1; got 0"),
    ({"tol": -1.0}, r"tol must be at least 0"),
    ({"tol": float("nan")}, r"tol must be at least 0 and finite"),
    ({"n_threads": 0}, r"n_threads must be at least 1"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS)
def test_bad_options_are_refused(Y, options, message):
    with pytest.raises(ValueError, match=message):
        NMF(**({"n_components": 6} | options)).fit(Y)


def test_wrong_types_are_refused(Y):
    for options in ({"n_components": 2.5}, {"max_iter": "many"}, {"n_threads": True}, {"tol": "x"}):
        with pytest.raises(TypeError, match=next(iter(options))):
            NMF(**({"n_components": 6} | options)).fit(Y)
    with pytest.raises(TypeError, match="must hold numbers"):
        NMF(2).fit(np.array([["egg", "leek"]]))


def test_bernoulli_refuses_other_values_with_advice(Y, counts):
    with pytest.raises(ValueError, match=r"0 or 1; got [234]; use loss='kullback-leibler'"):
        NMF(2, loss="bernoulli").fit(counts)
    with pytest.raises(ValueError, match="0 or 1"):
        fit(Y, loss="bernoulli", max_iter=1).transform(counts)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), r"one entry an example \(150\)"),
        (np.zeros(150), "not all zero"),
        (np.full(150, np.nan), "finite"),
        (np.full(150, -1.0), "non-negative"),
    ],
)
def test_bad_weights_are_refused(Y, weights, message):
    with pytest.raises(ValueError, match=message):
        NMF(2).fit(Y, sample_weight=weights)


def test_results_of_a_wrong_shape_are_refused(Y):
    model = fit(Y, max_iter=1)
    with pytest.raises(ValueError, match="Y has 70 labels, the model has 72"):
        model.transform(Y[:, :70])
    with pytest.raises(ValueError, match="6 columns"):
        model.inverse_transform(np.ones((2, 5)))
    with pytest.raises(ValueError, match="fewer rows"):
        model.inverse_transform(np.broadcast_to(np.ones(6), (10_000_000, 6))[:3_000_000])
    with pytest.raises(NotFittedError):
        NMF(2).transform(Y)


def test_inverse_transform_gives_rates(Y):
    model = fit(Y)
    np.testing.assert_allclose(
        model.inverse_transform(model.codes_), model.codes_ @ model.components_, rtol=1e-12
    )


def test_clones_are_equal_and_fits_repeat(Y):
    model = NMF(4, loss="kullback-leibler", max_iter=5, tol=0, random_state=7)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    np.testing.assert_array_equal(copy.fit(Y).components_, model.fit(Y).components_)
    given = Y.copy()
    model.fit(given)
    assert (given != Y).nnz == 0


def test_a_fit_that_does_not_converge_says_so_and_one_that_does_stops(Y):
    with pytest.warns(ConvergenceWarning, match=r"did not converge in 2 sweeps.*raise max_iter"):
        NMF(6, max_iter=2, random_state=0).fit(Y)
    model = NMF(6, max_iter=5000, tol=1e-5, random_state=0).fit(Y)
    assert model.n_iter_ < 5000


def test_an_interrupted_fit_leaves_a_usable_model(Y):
    def stop(sweep, objective):
        if sweep == 3:
            raise KeyboardInterrupt

    model = NMF(6, max_iter=50, random_state=0, callback=stop)
    with pytest.raises(KeyboardInterrupt, match="last sweep"):
        model.fit(Y)
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(
        model.components_, fit(Y, max_iter=3, callback=lambda *_: None).components_
    )
    assert model.transform(Y).shape == (150, 6)


def test_progress_is_printed_on_request(Y, capsys):
    seen = []
    fit(Y, max_iter=2, verbose=1, callback=lambda sweep, objective: seen.append(sweep))
    assert capsys.readouterr().out.count("NMF sweep") == len(seen) == 2


def _fit_in_child(sender, Y):
    sender.send(fit(Y, max_iter=3, n_threads=2).components_)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_fits_without_waiting_for_threads_that_do_not_exist(Y):
    wanted = fit(Y, max_iter=3, n_threads=2).components_
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_fit_in_child, args=(sender, Y))
    child.start()
    try:
        assert receiver.poll(30), "the child did not finish within 30 seconds"
        np.testing.assert_array_equal(receiver.recv(), wanted)
    finally:
        child.kill()
        child.join()
