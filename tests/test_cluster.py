"""Fits on a cluster of real processes give what fits on one machine give, killed workers or not."""

import os
import signal
import threading
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp

import nnae
from nnae._block_sums import MOST_FEATURES
from nnae.io import row_blocks
from nnae.io._cluster_blocks import _makers

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

# Dask and its servers warn as they please, and leave sockets to be closed by the interpreter
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def data():
    planted = nnae.datasets.make_label_hierarchy(1500, random_state=0)
    random = np.random.default_rng(1)
    Y = planted.Y.astype(np.float32)
    X = Y @ random.normal(size=(Y.shape[1], 25)) + random.normal(size=(Y.shape[0], 25))
    return X.astype(np.float32), Y


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": 20}),
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.fixture(scope="module")
def alone(data):
    return nnae.TwoStepClassifier(random_state=0).fit(row_blocks(data, rows=100))


def same(model, alone, exact=True):
    pairs = [(model.estimator_.coef_, alone.estimator_.coef_)]
    pairs += list(zip(model.compressor_.weights_, alone.compressor_.weights_, strict=True))
    for one, other in pairs:
        if exact:
            assert np.array_equal(one, other)
        else:
            np.testing.assert_allclose(one, other, atol=1e-4)


def delayed_blocks(data, rows=100, pause=0.0):
    def make(start):
        import time

        time.sleep(pause)
        return data[0][start : start + rows], data[1][start : start + rows]

    return [dask.delayed(make)(start) for start in range(0, data[1].shape[0], rows)]


def test_delayed_blocks_give_the_same_bits(client, data, alone):
    blocks = delayed_blocks(data)
    model = nnae.TwoStepClassifier(random_state=0).fit(blocks)
    same(model, alone)
    parts = list(model.predict_topk(blocks, k=3))
    assert [len(labels) for labels, _ in parts] == [100] * (data[1].shape[0] // 100)
    here = alone.predict_topk(data[0], 3)
    for at in (0, 1):
        assert np.array_equal(np.vstack([part[at] for part in parts]), here[at])


def test_blocks_are_made_where_they_are_added_up(client, data, alone):
    def make(number):
        random = np.random.default_rng(number)
        return random.random((50, 6)), (random.random((50, 20)) < 0.2).astype(float)

    def fit(blocks):
        step_one = nnae.NNAE((5,), encoder="linear", random_state=0)
        return nnae.TwoStepClassifier(step_one, random_state=0).fit(blocks)

    blocks = [dask.delayed(make)(number) for number in range(20)]
    makers = dask.compute(*_makers(blocks[:8]))
    assert [made()[0].sum() for made in makers] == [make(n)[0].sum() for n in range(8)]
    same(fit(row_blocks(blocks, client=client)), fit(row_blocks([make(n) for n in range(20)])))
    large = delayed_blocks(data)  # each carries all rows: made as tasks of their own
    assert _makers(large) is large
    held = client.persist(blocks)  # they are somewhere already
    assert _makers(held) is held
    same(fit(row_blocks(held, client=client)), fit(row_blocks(blocks, client=client)))


def test_a_folder_that_workers_read(client, data, alone, tmp_path):
    nnae.io.write_blocks(tmp_path / "rows", data)
    blocks = row_blocks(tmp_path / "rows", rows=100, client=client)
    same(nnae.TwoStepClassifier(random_state=0).fit(blocks), alone)


def test_many_features_take_passes_on_workers(client, data):
    X, Y = sp.csr_matrix(data[0]), data[1]
    X.resize(X.shape[0], MOST_FEATURES + 1)  # more than the client or a worker multiplies out

    def fit(blocks):
        step_two = nnae.ridge.MultiOutputRidge(50.0)
        step_one = nnae.NNAE((8,), encoder="linear", random_state=0)
        return nnae.TwoStepClassifier(step_one, step_two, random_state=0).fit(blocks)

    same(fit(delayed_blocks((X, Y), 500)), fit(row_blocks((X, Y), rows=500)))


def test_codes_of_all_rows_stay_in_one_process(client, data):
    for model in (nnae.NMF(3), nnae.NNAE((3,))):
        with pytest.raises(ValueError, match="runs in one process: write the rows to a folder"):
            model.fit(delayed_blocks(data))


def test_bags_frames_and_arrays(client, data, alone):
    import dask.array as da
    import dask.bag as db
    import dask.dataframe as dd
    import pandas as pd

    X, Y = data
    pieces = [(X[at : at + 100], Y[at : at + 100]) for at in range(0, X.shape[0], 100)]
    bag = db.from_sequence(pieces, npartitions=3)
    same(nnae.TwoStepClassifier(random_state=0).fit(bag), alone, exact=False)
    names = [f"label {j}" for j in range(Y.shape[1])]
    frames = [
        dd.from_pandas(pd.DataFrame(X, columns=[f"x{j}" for j in range(25)]), npartitions=4),
        dd.from_pandas(pd.DataFrame(Y.toarray(), columns=names), npartitions=4),
    ]
    model = nnae.TwoStepClassifier(random_state=0).fit(*frames)
    same(model, alone, exact=False)
    assert list(model.label_names_) == names
    labels = nnae.NNAE(alone.compressor_.layer_sizes_, encoder="linear", random_state=0)
    assert labels.fit(frames[1]).weights_[0].shape == alone.compressor_.weights_[0].shape
    arrays = da.from_array(X, chunks=(400, 10)), da.from_array(Y.toarray(), chunks=(400, 10))
    same(nnae.TwoStepClassifier(random_state=0).fit(*arrays), alone, exact=False)


def test_a_killed_worker_costs_time_not_the_run(client, data, alone):
    pids = sorted(client.run(os.getpid).values())
    killer = threading.Timer(0.4, os.kill, (pids[0], signal.SIGKILL))
    killer.start()
    model = nnae.TwoStepClassifier(random_state=0).fit(delayed_blocks(data, pause=0.1))
    killer.join()
    same(model, alone)
    client.wait_for_workers(2, timeout=60)
    assert sorted(client.run(os.getpid).values()) != pids


@dataclass(frozen=True)
class ThreadsOf:
    """Stands for a measure, and tells with how many threads and where it is taken."""

    n_threads: int

    def __call__(self, block):
        return Seen({(os.getpid(), self.n_threads)})


@dataclass
class Seen:
    tasks: set

    def plus(self, other):
        return Seen(self.tasks | other.tasks)


def test_kernels_take_one_thread_a_task_on_every_worker(client, data):
    blocks = row_blocks(delayed_blocks(data, rows=20, pause=0.01), client=client)
    seen = blocks.add_up(ThreadsOf(7)).tasks
    assert {pid for pid, _ in seen} == set(client.run(os.getpid).values())
    assert {threads for _, threads in seen} == {1}


def test_rankings_are_measured_where_rows_are(client, data, alone):
    here = alone.evaluate(row_blocks(data, rows=100))
    assert alone.evaluate(row_blocks(delayed_blocks(data), client=client)).equals(here)
    with pytest.raises(ValueError, match="labels, the model has"):
        alone.evaluate([dask.delayed(lambda: (data[0], data[1][:, :3]))()])


@pytest.mark.slow
def test_a_block_too_large_for_its_worker_is_one_clear_line(tmp_path):
    def too_large():
        import time

        matrix = np.ones((200_000, 500))  # 800 MB
        time.sleep(5)
        return matrix, np.ones((200_000, 12))

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit="600MB",
            local_directory=tmp_path,
        ) as small,
        distributed.Client(small, set_as_default=False) as client,
        pytest.raises(MemoryError, match="give them more memory, or make blocks of fewer rows"),
    ):
        blocks = row_blocks([dask.delayed(too_large)()], client=client)
        nnae.TwoStepClassifier(random_state=0).fit(blocks)


def test_mistakes_are_one_clear_line(client, data):
    odd = [*delayed_blocks(data)[:2], dask.delayed(lambda: ([[1.0]], [[1.0, 0.0]]))()]
    with pytest.raises(ValueError, match=r"equal numbers|has 2 labels"):
        nnae.TwoStepClassifier(random_state=0).fit(odd)
    with pytest.raises(TypeError, match="client= is for"):
        row_blocks([data], client=client)
