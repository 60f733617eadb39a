"""Fits over blocks of rows that keep codes in files do what those in memory do."""

import subprocess
import sys

import numpy as np
import pytest
import reference
import scipy.sparse as sp
from sklearn.base import clone

import nnae
from nnae import _block_start
from nnae._block_factors import BlockFactors
from nnae._block_levels import BlockLevels
from nnae._block_solvers import BlockDescent, BlockJoint, BlockMultiplicative
from nnae._code_files import CodeFiles
from nnae._concept_rules import rule_of
from nnae._factors import Factors
from nnae._target import Target
from nnae.io import row_blocks

LOSSES = ["frobenius", "kullback-leibler", "bernoulli"]


@pytest.fixture(scope="module")
def Y():
    return nnae.datasets.make_label_hierarchy(700, random_state=0).Y.astype(np.float64)


@pytest.fixture(autouse=True)
def few_sampled(monkeypatch):
    monkeypatch.setattr(_block_start, "SAMPLED", 300)


def cut(Y, rows):
    return row_blocks((None, Y), rows=rows)


def levels_of(Y, starts, losses, folder, rows=150):
    """Return levels with given codes and weights (k x m)."""
    folder.mkdir(exist_ok=True)
    widths = tuple(Z.shape[1] for Z, _ in starts)
    files = CodeFiles(str(folder), Y.shape[0], widths, Y.dtype, False)
    factors = []
    for level, ((Z, W), loss) in enumerate(zip(starts, losses, strict=True)):
        writer = files.writer(level)
        writer.write(Z)
        writer.close(True)
        factors.append(BlockFactors(np.ascontiguousarray(W.T), loss, 1))
    return BlockLevels(lambda: (block.Y for block in cut(Y, rows)), files, factors)


def start_of(n, m, k, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(0.1, 1, (n, k)), random.uniform(0.1, 1, (k, m))


def rises(curve):
    return np.max(np.diff(curve)) / abs(curve[0])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rows", [90, 700])
def test_multiplicative_sweeps_are_those_in_memory(Y, loss, rows, tmp_path):
    start = start_of(*Y.shape, 5)
    whole = nnae.NMF(5, loss=loss, solver="mu", init=start, max_iter=6, tol=0).fit(Y)
    levels = levels_of(Y, [start], [loss], tmp_path, rows)
    solver, curve = BlockMultiplicative(levels), []
    for number in range(1, 8):  # sweeps begin with the weights: the first has none to change
        solver.sweep(number)
        curve.append(solver.objective())
    W = levels.factors[0].Wt.T
    np.testing.assert_allclose(W, whole.components_, rtol=1e-7, atol=1e-9 * W.max())
    Z = levels.files.read(0, 0, Y.shape[0])
    assert curve[-1] == pytest.approx(reference.loss(loss, Y.toarray(), Z @ W), rel=1e-9)
    assert rises(curve) <= 1e-12


@pytest.mark.parametrize("loss", LOSSES)
def test_descent_never_rises_and_ends_as_deep_as_in_memory(Y, loss, tmp_path):
    start = start_of(*Y.shape, 5)
    levels = levels_of(Y, [start], [loss], tmp_path)
    solver, curve = BlockDescent(levels), []
    for number in range(1, 80):
        solver.sweep(number)
        curve.append(solver.objective())
    assert rises(curve) <= 1e-12
    # Bernoulli codes of rows with every label of a concept have no end in memory
    whole = nnae.NMF(5, loss=loss, solver="mu", init=start, max_iter=160, tol=0).fit(Y)
    assert curve[-1] < 1.01 * whole.loss_
    Z, W = levels.files.read(0, 0, Y.shape[0]), levels.factors[0].Wt.T
    assert curve[-1] == pytest.approx(reference.loss(loss, Y.toarray(), Z @ W), rel=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_joint_sweep_is_made_of_the_half_steps_in_memory(Y, loss, tmp_path):
    above = "frobenius" if loss == "frobenius" else "kullback-leibler"
    starts = [start_of(*Y.shape, 6, 1), start_of(Y.shape[0], 6, 3, 2)]
    starts = [(Z, W / W.sum(1, keepdims=True)) for Z, W in starts]
    levels = levels_of(Y, starts, [loss, above], tmp_path)
    levels.update(0, 1, lambda rows, level, above: None)  # sums of the start
    joint = BlockJoint(levels, [rule_of(0, 0), rule_of(0, 0)])
    curve = [joint.objective()]
    assert curve[0] == pytest.approx(2)
    below = [Y, sp.csr_matrix(starts[0][0])]
    whole = [
        Factors(Target.of(P), Z.copy(), np.ascontiguousarray(W.T), name, 1)
        for P, (Z, W), name in zip(below, starts, (loss, above), strict=True)
    ]
    ratio = joint.scales[1] / joint.scales[0]
    for number in range(1, 4):
        joint.sweep(number)
        curve.append(joint.objective())
        for one in whole:
            one.multiply_weights_on_simplex()
        above = np.ascontiguousarray(whole[1].Z @ whole[1].Wt.T)
        whole[0].multiply_codes(above.__getitem__, ratio)
        whole[1].aim_at(Target.of(sp.csr_matrix(whole[0].Z)))
        whole[1].multiply_codes()
    for own, one in zip(levels.factors, whole, strict=True):
        np.testing.assert_allclose(own.Wt, one.Wt, rtol=1e-6, atol=1e-9)
    assert rises(curve) <= 1e-12


@pytest.mark.parametrize("model", [
    nnae.NMF(8, random_state=0, n_threads=1, loss="kullback-leibler", max_iter=8, tol=0),
    nnae.NMF(8, random_state=0, n_threads=1, loss="frobenius", max_iter=8, tol=0),
    nnae.NNAE((8, 3), random_state=0, n_threads=1, pretrain_iter=5, max_iter=5, tol=0),
])  # fmt: skip
def test_it_does_not_matter_where_rows_are_cut(Y, model):
    def weights(rows):
        found = clone(model).fit(cut(Y, rows))
        return found.weights_ if hasattr(found, "weights_") else [found.components_]

    for one, other in zip(weights(97), weights(700), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_an_autoencoder_is_as_good_as_the_one_in_memory(Y, loss, monkeypatch):
    monkeypatch.setattr(_block_start, "SAMPLED", 1000)  # all rows: sweeps start at the end
    whole = nnae.NNAE((12, 3), loss=loss, random_state=0, n_threads=1, max_iter=150).fit(Y)
    model = nnae.NNAE((12, 3), loss=loss, random_state=0, n_threads=1, max_iter=150).fit(
        cut(Y, 200)
    )
    assert rises(model.loss_curve_) <= 1e-9
    assert max(map(rises, model.pretraining_curves_)) <= 1e-9
    assert model.pretraining_curves_[0][-1] <= 1.002 * whole.pretraining_curves_[0][-1]
    for level in (1, 2):
        assert model.codes_[level - 1].shape == (1, model.layer_sizes_[level - 1])
        codes = np.vstack(list(model.transform(cut(Y, 130), level)))
        np.testing.assert_allclose(model.codes_[level - 1][0], codes.sum(0), rtol=1e-3)
        np.testing.assert_allclose(codes, model.transform(Y, level))
        assert (np.diff(model.codes_[level - 1][0]) <= 0).all()
        np.testing.assert_allclose(model.concepts(level).sum(1), 1)
    tree = nnae.LabelHierarchy.from_compressor(model)
    assert tree.to_linkage().shape == (71, 4)


def test_codes_of_all_rows_are_left_where_they_are_asked_for(Y, tmp_path):
    model = nnae.NNAE(
        (8, 3), random_state=0, n_threads=1, max_iter=3, tol=1e-3, codes_folder=tmp_path / "codes"
    )
    with pytest.warns():
        model.fit(cut(Y, 100))
    assert sorted(p.name for p in (tmp_path / "codes").iterdir()) == ["codes_1.npy", "codes_2.npy"]
    for level in (1, 2):
        codes = np.load(tmp_path / "codes" / f"codes_{level}.npy", mmap_mode="r")
        np.testing.assert_allclose(codes, model.transform(Y, level), rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="must be new or empty"):
        model.fit(cut(Y, 100))
    factors = nnae.NMF(
        4, random_state=0, n_threads=1, max_iter=3, tol=0, codes_folder=tmp_path / "more"
    )
    factors.fit(cut(Y, 100))
    codes = np.load(tmp_path / "more" / "codes_1.npy")
    np.testing.assert_allclose(codes, factors.transform(Y), rtol=1e-6, atol=1e-9)


FITS = {
    "nmf": lambda **more: nnae.NMF(6, random_state=0, n_threads=1, max_iter=9, tol=0, **more),
    "nnae": lambda **more: nnae.NNAE(
        (8, 3), random_state=0, n_threads=1, pretrain_iter=4, max_iter=9, tol=0, **more
    ),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("every", [0, 1e9])
def test_a_fit_that_died_is_gone_on_with(Y, name, every, tmp_path):
    whole = FITS[name]().fit(cut(Y, 200))
    there = nnae.Checkpoint(tmp_path / "fit.part", every=every)

    def die(number, objective):
        if number == 4:
            raise SystemError("died")

    with pytest.raises(SystemError):
        FITS[name](checkpoint=there, callback=die).fit(cut(Y, 200))
    assert (tmp_path / "fit.part.codes").is_dir()
    seen = []
    model = FITS[name](checkpoint=there, callback=lambda number, _: seen.append(number))
    model.fit(cut(Y, 200))
    assert seen[0] == (1 if every else 4)
    for one, other in zip(parts(model), parts(whole), strict=True):
        assert np.array_equal(one, other)
    assert model.loss_curve_ == whole.loss_curve_
    assert not (tmp_path / "fit.part.codes").exists()
    again = FITS[name](checkpoint=there).fit(cut(Y, 200))
    assert all(map(np.array_equal, parts(again), parts(whole)))


def parts(model):
    if hasattr(model, "weights_"):
        return [*model.weights_, *model.codes_]
    return [model.components_, model.codes_]


def test_codes_that_a_checkpoint_needs_are_missed(Y, tmp_path):
    def die(number, objective):
        raise SystemError("died")

    there = nnae.Checkpoint(tmp_path / "fit.part", every=0)
    for _ in range(2):
        with pytest.raises(SystemError):
            FITS["nmf"](checkpoint=there, callback=die).fit(cut(Y, 200))

    # it died before its first sweep was noted; a second one is noted
    def die_later(number, objective):
        if number == 3:
            raise SystemError("died")

    with pytest.raises(SystemError):
        FITS["nmf"](checkpoint=there, callback=die_later).fit(cut(Y, 200))
    for file in (tmp_path / "fit.part.codes").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="are gone"):
        FITS["nmf"](checkpoint=there).fit(cut(Y, 200))


@pytest.mark.parametrize("name", FITS)
def test_ctrl_c_leaves_a_usable_model(Y, name):
    def interrupt(number, objective):
        if number == 3:
            raise KeyboardInterrupt

    model = FITS[name](callback=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(cut(Y, 200))
    assert model.n_iter_ == 3
    assert np.isfinite(model.transform(Y)).all()


@pytest.mark.parametrize("compressor", [
    nnae.NMF(12, loss="kullback-leibler", random_state=0, n_threads=1, tol=1e-3),
    nnae.NNAE((12, 3), random_state=0, n_threads=1, tol=1e-3),
    nnae.NNAE((12, 3), encoder="tied", random_state=0, n_threads=1, tol=1e-3),
])  # fmt: skip
def test_a_classifier_learns_their_codes(Y, compressor, tmp_path):
    X = (Y @ np.random.default_rng(0).normal(size=(72, 40))).astype(np.float32)
    nnae.io.write_blocks(tmp_path / "rows", (X, Y))
    model = nnae.TwoStepClassifier(compressor, random_state=0, n_threads=1).fit(tmp_path / "rows")
    ranking, _ = model.predict_topk(X, 3)
    whole = nnae.TwoStepClassifier(
        compressor, decoder="linear", profile="fast", random_state=0, n_threads=1
    )
    whole.fit(X, Y)
    found = [nnae.metrics.precision_at_k(Y, m.predict_topk(X, 3)[0], 3) for m in (model, whole)]
    assert found[0] > 0.97 * found[1]
    nnae.save(model, tmp_path / "model.nnae")
    assert np.array_equal(nnae.load(tmp_path / "model.nnae").predict_topk(X, 3)[0], ranking)


def test_names_of_labels_are_those_of_the_blocks(Y):
    names = [f"label {j}" for j in range(Y.shape[1])]
    blocks = row_blocks((None, Y), rows=200, label_names=names)
    for fit in FITS.values():
        model = fit().fit(blocks)
        assert list(model.label_names_) == names
        backwards = row_blocks((None, Y[:, ::-1]), rows=90, label_names=names[::-1])
        codes = np.vstack(list(model.transform(backwards)))
        np.testing.assert_allclose(codes, model.transform(Y), rtol=1e-9)
        with pytest.raises(ValueError, match="such as 'label 0'"):
            list(model.transform(row_blocks((None, Y[:, 1:]), label_names=names[1:])))


def test_labels_alone_are_read_where_features_are_not_needed(Y, tmp_path):
    X = np.ones((Y.shape[0], 3))
    nnae.io.write_blocks(tmp_path / "rows", (X, Y))
    blocks = row_blocks(tmp_path / "rows", rows=100)
    assert all(block.X is None for block in blocks.labels())
    assert sum(block.Y.nnz for block in blocks.labels()) == Y.nnz


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nnae.NNAE(encoder="relu"), "'linear', 'tied' or 'nnls'"),
        (nnae.NNAE(objective="chain"), "objective='levels'"),
        (nnae.NNAE((4,), sparseness=0.5), "sparseness=None"),
        (nnae.NNAE((2,), init=[(np.ones((700, 2)), np.ones((2, 72)))]), "init must be a name"),
        (nnae.NMF(2, init=(np.ones((700, 2)), np.ones((2, 72)))), "init must be a name"),
        (nnae.NMF(2, loss="hinge"), "loss must be one of"),
    ],
)
def test_mistakes_are_one_clear_line(Y, model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(cut(Y, 200))


def test_more_mistakes(Y, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="mask must be None"):
        nnae.NMF(2).fit(cut(Y, 200), mask=Y)
    with pytest.raises(ValueError, match="at least one label"):
        nnae.NMF(2).fit(row_blocks([sp.csr_matrix((3, 2))]))
    count = iter(range(100))
    shrinking = row_blocks(lambda: iter([Y[: 100 - next(count)]]))
    with pytest.raises(ValueError, match="had 100 rows before and 99 now"):
        nnae.NMF(2).fit(shrinking)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("", (), {"free": 10})())
    with pytest.raises(OSError, match="name another codes_folder"):
        nnae.NMF(2, codes_folder=tmp_path / "codes").fit(cut(Y, 200))


def test_a_full_disk_is_one_line(Y, monkeypatch):
    monkeypatch.setattr("nnae._code_files.open", lambda *a, **k: FullDisk(), raising=False)
    with pytest.raises(OSError, match="codes could not be written"):
        nnae.NMF(2, random_state=0, n_threads=1).fit(cut(Y, 200))


class FullDisk:
    def write(self, data):
        raise OSError(28, "No space left on device")

    def close(self):
        pass


SCRIPT = """
import resource, sys
import numpy as np, scipy.sparse as sp, nnae
from nnae import _block_start
from nnae.io import row_blocks

_block_start.SAMPLED = 3000

def blocks():
    for number in range(int(sys.argv[1])):
        random = np.random.default_rng(number)
        columns = random.integers(0, 100, 40000)
        Y = sp.csr_matrix((np.ones(40000, np.float32), columns, np.arange(0, 40001, 2)))
        Y.sum_duplicates()
        Y.data[:] = 1
        yield Y

model = nnae.NNAE((40, 5), random_state=0, pretrain_iter=2, max_iter=2, tol=0, n_threads=1)
model.fit(row_blocks(blocks))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows():
    peaks = [
        int(subprocess.run([sys.executable, "-c", SCRIPT, count], capture_output=True, text=True,
                           check=True).stdout)
        for count in ("3", "18")
    ]  # fmt: skip
    codes = 15 * 20000 * 45 * 4 / 1024  # in kilobytes
    assert peaks[1] - peaks[0] < 0.1 * codes
