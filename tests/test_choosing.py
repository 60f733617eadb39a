"""choose_rank: it finds planted ranks, never looks at hidden cells, and refuses nonsense."""

import numpy as np
import pytest
import scipy.sparse as sp

from nnae import NMF, NNAE, choose_rank
from nnae._speckles import SHARES, Speckles, deal_speckles
from nnae.datasets import make_label_hierarchy

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def Y():
    return sp.csr_matrix(make_label_hierarchy(150, random_state=0).Y, dtype=float)


@pytest.mark.parametrize(("n", "density"), [(30, 0.5), (400, 0.02)])
def test_speckles_are_different_cells_and_stand_for_all(n, density):
    rng = np.random.default_rng(0)
    Y = sp.random(n, 40, density, "csr", random_state=rng, data_rvs=np.ones)
    folds = deal_speckles(Y, 4, 2.0, rng)
    cells = np.concatenate([fold.rows * 40 + fold.columns for fold in folds])
    assert len(np.unique(cells)) == len(cells)
    dense = Y.toarray().ravel()
    values = np.concatenate([fold.values for fold in folds])
    np.testing.assert_array_equal(values, dense[cells])
    assert (values > 0).sum() == Y.nnz
    for fold in folds:
        assert fold.weights.sum() == pytest.approx(n * 40)
        assert fold.weights[fold.values > 0].sum() == pytest.approx(Y.nnz)


@pytest.mark.parametrize("name", ["frobenius", "kullback-leibler", "bernoulli"])
def test_the_loss_of_all_cells_as_speckles_is_the_mean_loss(Y, name):
    rng = np.random.default_rng(0)
    Z, W, dense = rng.random((150, 3)), rng.random((3, 72)), Y.toarray()
    rows, columns = (part.ravel() for part in np.indices(dense.shape))
    whole = Speckles(rows, columns, dense.ravel(), np.ones(dense.size), 1.0)
    base = rng.random(72)
    found = whole.losses(name, Z, W, base, 1e-9)
    for share, loss in zip(SHARES, found, strict=True):
        R = (1 - share) * (Z @ W) + share * base
        if name == "frobenius":
            wanted = (dense - R) ** 2
        elif name == "bernoulli":
            wanted = np.where(dense > 0, -np.log(-np.expm1(-R)), R)
        else:
            wanted = np.where(dense > 0, -np.log(R) - 1, 0) + R
        assert loss == pytest.approx(wanted.mean())


def test_base_rates_are_those_of_known_cells():
    rng = np.random.default_rng(3)
    Y = sp.csr_matrix((rng.random((4000, 6)) < [0.02, 0.1, 0.2, 0.3, 0.5, 0.9]).astype(float))
    held = deal_speckles(Y, 5, 2.0, rng)[0]
    hidden = np.zeros(Y.shape)
    hidden[held.rows, held.columns] = held.values
    known = (Y.toarray() - hidden).mean(axis=0) / held.share
    np.testing.assert_allclose(held.base_rates("frobenius", Y), known)
    np.testing.assert_allclose(1 - np.exp(-held.base_rates("bernoulli", Y)), known)
    assert known == pytest.approx(Y.toarray().mean(axis=0), abs=0.03)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("loss", ["bernoulli", "kullback-leibler"])
def test_groups_are_counted_beside_stray_labels(seed, loss):
    planted = make_label_hierarchy(500, random_state=seed).Y  # one cell in a hundred is stray
    model = NNAE(loss=loss, code_penalty=0.1)
    ranks = [3, 6, 12, 20]
    report = choose_rank(planted, ranks, model=model, n_seeds=0, random_state=seed)
    assert report.best == report.one_se == 12
    assert (report.frame["base_share"] > 0).all()


def test_the_planted_rank_is_found_and_is_the_stable_one():
    rng = np.random.default_rng(0)
    on = rng.random((300, 5)) < 0.5
    Y = (rng.random((300, 60)) < np.repeat(on, 12, axis=1) * 0.6).astype(float)
    report = choose_rank(Y, [2, 5, 10], n_folds=4, n_seeds=2, random_state=0)
    assert report.best == report.one_se == 5
    assert report.frame["training_loss"].is_monotonic_decreasing
    stable = report.frame["stability"].to_numpy()
    assert stable[1] > 0.95 > stable[[0, 2]].max()


def test_reports_repeat_and_show_themselves(Y):
    reports = [
        choose_rank(Y, [2, 5], n_folds=2, n_seeds=n_seeds, random_state=3, n_threads=n)
        for n, n_seeds in ((1, 2), (2, 2))
    ]
    np.testing.assert_array_equal(reports[0].folds, reports[1].folds)
    report = reports[0]
    assert list(report.frame["rank"]) == [2, 5]
    np.testing.assert_allclose(report.frame["loss"], report.folds.mean(axis=1))
    excess = report.folds[0] - report.folds[1]
    near = excess.mean() <= excess.std(ddof=1) / np.sqrt(2)
    assert report.one_se == (2 if report.best == 2 or near else 5)
    assert "one standard error" in str(report)
    assert "<table" in report._repr_html_()


def test_the_model_given_stays_as_it_was(Y):
    model = NNAE(loss="frobenius", pretrain_iter=5)
    before = model.get_params()
    report = choose_rank(Y, [1, 3], model=model, n_folds=2, n_seeds=0, random_state=0)
    assert model.get_params() == before
    assert report.loss_name == "frobenius"
    assert report.frame["stability"].isna().all()


def test_progress_goes_to_standard_error(Y, capsys):
    choose_rank(Y, [1, 2], n_folds=2, n_seeds=0, random_state=0, verbose=1)
    captured = capsys.readouterr()
    assert "fits" in captured.err
    assert not captured.out


def test_the_plot_shows_both_choices(Y):
    pytest.importorskip("matplotlib").use("Agg")
    report = choose_rank(Y, [1, 3], n_folds=2, n_seeds=2, random_state=0)
    ax = report.plot()
    words = " ".join(text.get_text() for text in ax.texts)
    assert f"best: {report.best}" in words
    assert f"one s.e.: {report.one_se}" in words


@pytest.mark.parametrize(
    ("ranks", "options", "message"),
    [
        ([5, 3], {}, r"ranks must increase; got \[5, 3\]"),
        ([3, 3], {}, "ranks must increase"),
        ([4], {}, "at least two"),
        ([3, 73], {}, "at most the number of labels 72; got 73"),
        ([0, 3], {}, "ranks must be at least 1"),
        ([1.5, 3], {}, "ranks must be an integer"),
        ("3", {}, "sequence of integers"),
        ([1, 2], {"n_folds": 1}, "n_folds must be at least 2"),
        ([1, 2], {"n_folds": 10**6}, "n_folds must be at most the number of positives"),
        ([1, 2], {"n_seeds": 1}, "n_seeds must be 0 or at least 2"),
        ([1, 2], {"zeros_per_positive": 0}, "zeros_per_positive must be above 0"),
        ([1, 2], {"model": NMF()}, "model must be an NNAE; got NMF"),
    ],
)
def test_bad_questions_are_refused(Y, ranks, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        choose_rank(Y, ranks, **options)
