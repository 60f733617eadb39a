"""A fit that was killed goes on from its checkpoint and gives the bits of one that was not."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import nnae
from nnae.io import row_blocks


class Killed(BaseException):
    """Stands for the end of a process, in the middle of a sweep."""


@pytest.fixture(scope="module")
def data():
    planted = nnae.datasets.make_label_hierarchy(400, random_state=0)
    random = np.random.default_rng(1)
    X = planted.Y @ random.normal(size=(72, 20)) + random.normal(size=(planted.Y.shape[0], 20))
    return X, planted.Y


def parts_of(model):
    if hasattr(model, "components_"):
        return [model.components_, model.codes_]
    if hasattr(model, "weights_"):
        return [*model.weights_, *model.codes_, *(model.encoder_weights_ or [])]
    return [model.estimator_.coef_, *parts_of(model.compressor_)]


def same_bits(one, other):
    assert len(parts_of(one)) == len(parts_of(other))
    for a, b in zip(parts_of(one), parts_of(other), strict=True):
        assert np.array_equal(a, b)
    if hasattr(one, "loss_curve_"):
        assert one.loss_curve_ == other.loss_curve_


def dies_at(sweep):
    def callback(number, objective):
        callback.calls += 1
        if callback.calls == sweep:
            raise Killed

    callback.calls = 0
    return callback


FITS = {
    "nmf cd": lambda **o: nnae.NMF(8, random_state=0, max_iter=25, tol=0, **o),
    "nmf cd frobenius": lambda **o: nnae.NMF(
        8, loss="frobenius", random_state=0, max_iter=25, tol=0, **o
    ),
    "nmf mu": lambda **o: nnae.NMF(8, solver="mu", random_state=0, max_iter=25, tol=0, **o),
    "nnae": lambda **o: nnae.NNAE(
        (10, 3), random_state=0, pretrain_iter=20, max_iter=9, tol=0, **o
    ),
    "nnae chain": lambda **o: nnae.NNAE(
        (10, 3), objective="chain", random_state=0, pretrain_iter=20, max_iter=9, tol=0, **o
    ),
    "linear": lambda **o: nnae.NNAE(
        (10, 3), encoder="linear", random_state=0, pretrain_iter=20, tol=0, **o
    ),
}


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("sweep", [1, 9])
def test_going_on_gives_the_same_bits(data, tmp_path, name, sweep):
    make, Y = FITS[name], data[1]
    whole = make().fit(Y)
    there = nnae.Checkpoint(tmp_path / "fit.part", every=0)
    with pytest.raises(Killed):
        make(callback=dies_at(sweep), checkpoint=there).fit(Y)
    same_bits(make(checkpoint=there).fit(Y), whole)


def test_every_stage_of_a_deep_fit_can_be_the_last_one(data, tmp_path, monkeypatch):
    """Without looking at callbacks, which not every stage calls: die at the n-th objective."""
    from nnae import _levels, _solvers

    def dying(at):
        real, seen = _solvers.run_sweeps, [0]

        def run(sweep, objective, **options):
            def measured():
                seen[0] += 1
                if seen[0] == at:
                    raise Killed
                return objective()

            return real(sweep, measured, **options)

        return run

    make, Y = FITS["nnae"], data[1]
    whole = make().fit(Y)
    for at in (5, 33, 46):
        there = nnae.Checkpoint(tmp_path / f"{at}.part", every=0)
        monkeypatch.setattr(_levels, "run_sweeps", dying(at))
        with pytest.raises(Killed):
            make(checkpoint=there).fit(Y)
        monkeypatch.undo()
        same_bits(make(checkpoint=there).fit(Y), whole)


def test_feature_aware_fits_go_on(data, tmp_path):
    X, Y = data
    for encoder in ("nnls", "linear"):

        def make(encoder=encoder, **options):
            return nnae.NNAE(
                (6,), encoder=encoder, feature_weight=1.0, random_state=0, pretrain_iter=12,
                max_iter=5, tol=0, **options,
            )  # fmt: skip

        whole = make().fit(Y, X=X)
        there = nnae.Checkpoint(tmp_path / f"{encoder}.part", every=0)
        with pytest.raises(Killed):
            make(callback=dies_at(5), checkpoint=there).fit(Y, X=X)
        same_bits(make(checkpoint=there).fit(Y, X=X), whole)


def test_a_complete_fit_is_done_at_once(data, tmp_path):
    make, Y = FITS["nnae"], data[1]
    whole = make(checkpoint=tmp_path / "fit.part").fit(Y)
    again = make(checkpoint=tmp_path / "fit.part", callback=dies_at(1)).fit(Y)
    same_bits(again, whole)


def test_sums_over_blocks_go_on(data, tmp_path):
    X, Y = data
    whole = nnae.TwoStepClassifier(random_state=0).fit(row_blocks((X, Y), rows=20))
    there = nnae.Checkpoint(tmp_path / "fit.part", every=0)
    for last in (12, 25):
        seen = [0]

        def dying(last=last, seen=seen):
            for block in row_blocks((X, Y), rows=20):
                seen[0] += 1
                if seen[0] > last:
                    raise Killed
                yield block

        with pytest.raises(Killed):
            nnae.TwoStepClassifier(random_state=0, checkpoint=there).fit(row_blocks(dying))
    model = nnae.TwoStepClassifier(random_state=0, checkpoint=there)
    same_bits(model.fit(row_blocks((X, Y), rows=20)), whole)


def test_a_classifier_writes_down_its_compressors(data, tmp_path):
    X, Y = data
    options = {"decoder": "linear", "random_state": 0}
    whole = nnae.TwoStepClassifier(FITS["linear"](), **options).fit(X, Y)
    there = nnae.Checkpoint(tmp_path / "fit.part", every=0)
    step_one = FITS["linear"](callback=dies_at(30))
    with pytest.raises(Killed):
        nnae.TwoStepClassifier(step_one, checkpoint=there, **options).fit(X, Y)
    step_one = FITS["linear"]()
    same_bits(nnae.TwoStepClassifier(step_one, checkpoint=there, **options).fit(X, Y), whole)


def test_ctrl_c_leaves_a_usable_model_and_a_checkpoint(data, tmp_path):
    def interrupt(number, objective):
        if number == 6:
            raise KeyboardInterrupt

    Y = data[1]
    there = nnae.Checkpoint(tmp_path / "fit.part", every=0)
    model = FITS["nmf cd"](callback=interrupt, checkpoint=there)
    with pytest.raises(KeyboardInterrupt):
        model.fit(Y)
    assert model.n_iter_ == 6 and model.transform(Y).shape == (Y.shape[0], 8)
    same_bits(FITS["nmf cd"](checkpoint=there).fit(Y), FITS["nmf cd"]().fit(Y))


def test_a_checkpoint_of_another_fit_is_refused(data, tmp_path):
    Y, path = data[1], tmp_path / "fit.part"
    FITS["nmf cd"](checkpoint=path).fit(Y)
    for model, labels in ((FITS["nmf mu"], Y), (FITS["nmf cd"], Y[:200])):
        with pytest.raises(ValueError, match="of another fit"):
            model(checkpoint=path).fit(labels)
    nnae.save(FITS["nmf cd"]().fit(Y), path)
    with pytest.raises(ValueError, match="holds a model, not a checkpoint"):
        FITS["nmf cd"](checkpoint=path).fit(Y)


def test_a_damaged_checkpoint_is_one_clear_line(data, tmp_path):
    Y, path = data[1], tmp_path / "fit.part"
    FITS["nmf cd"](checkpoint=path).fit(Y)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(nnae.persist.ModelFileError, match="cut, altered"):
        FITS["nmf cd"](checkpoint=path).fit(Y)
    with pytest.raises(TypeError, match="path, a Checkpoint or None"):
        FITS["nmf cd"](checkpoint=3).fit(Y)
    with pytest.raises(ValueError, match="seconds"):
        nnae.Checkpoint(path, every=-1)


def test_a_fit_without_a_seed_warns(data, tmp_path):
    with pytest.warns(UserWarning, match="give a seed"):
        nnae.NMF(3, max_iter=2, tol=0, checkpoint=tmp_path / "fit.part").fit(data[1])


def test_a_full_disk_is_one_line_and_the_old_file_stays(data, tmp_path, monkeypatch):
    Y, path = data[1], tmp_path / "fit.part"
    there = nnae.Checkpoint(path, every=0)
    with pytest.raises(Killed):
        FITS["nmf cd"](callback=dies_at(5), checkpoint=there).fit(Y)
    before = path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device.*no existing file was changed"):
        FITS["nmf cd"](checkpoint=there).fit(Y)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["fit.part"]
    same_bits(FITS["nmf cd"](checkpoint=there).fit(Y), FITS["nmf cd"]().fit(Y))


SCRIPT = """
import sys, time
import nnae
Y = nnae.datasets.make_label_hierarchy(400, random_state=0).Y
slow = lambda number, objective: time.sleep(0.005)
model = nnae.NNAE((10, 3), random_state=0, pretrain_iter=40, max_iter=20, tol=0, n_threads=1,
                  checkpoint=nnae.Checkpoint(sys.argv[1] + ".part", every=0), callback=slow)
print("begin", flush=True)
nnae.save(model.fit(Y), sys.argv[1])
"""


def test_kill_9_and_resume(tmp_path, monkeypatch):
    path, random = tmp_path / "model.nnae", np.random.default_rng(0)
    command = [sys.executable, "-c", SCRIPT, str(path)]
    for _ in range(1):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(float(random.uniform(0, 0.6)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    sleepless = SCRIPT.replace("time.sleep(0.005)", "None")
    monkeypatch.setattr(sys, "argv", ["-c", str(path)])
    exec(sleepless, {})
    Y = nnae.datasets.make_label_hierarchy(400, random_state=0).Y
    whole = nnae.NNAE((10, 3), random_state=0, pretrain_iter=40, max_iter=20, tol=0).fit(Y)
    same_bits(nnae.load(path), whole)
