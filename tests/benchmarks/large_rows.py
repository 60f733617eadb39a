"""Rows that the benchmarks of what is large generate: each block by its number, without end."""

import numpy as np
import scipy.sparse as sp

import nnae
from nnae.io import row_blocks

LABELS, TOPICS, FEATURES = 13_330, 100, 1_000
BLOCK = 65_536


def generated(number, rows, d=FEATURES):
    """Return block ``number``: four labels of one topic a row, seldom one of another, sparse X.

    Labels of a topic are used by rank (Zipf). So pairs that occur together become few and then no
    more as rows come, as in real tags; with labels at random, counts would fill an L x L matrix.
    """
    random = np.random.default_rng(number)
    size = LABELS // TOPICS
    topic = random.integers(TOPICS, size=rows)
    chance = 1 / np.arange(1, size + 1)
    ranks = random.choice(size, size=(rows, 4), p=chance / chance.sum())
    columns = topic[:, None] * size + ranks
    stray = np.flatnonzero(random.random(rows) < 0.02)
    at = np.concatenate([np.repeat(np.arange(rows), 4), stray])
    columns = np.concatenate([columns.ravel(), random.integers(LABELS, size=len(stray))])
    Y = sp.csr_matrix((np.ones(len(at), np.float32), (at, columns)), (rows, LABELS))
    Y.data[:] = 1
    words = np.where(
        random.random((rows, 15)) < 0.5,
        (topic[:, None] * 7 + random.integers(8, size=(rows, 15))) % d,
        random.integers(d, size=(rows, 15)),
    )
    indptr = np.arange(0, rows * 15 + 1, 15)
    X = sp.csr_matrix((np.ones(rows * 15, np.float32), words.ravel(), indptr), (rows, d))
    X.sum_duplicates()
    return X, Y


def blocks_of(rows, d=FEATURES):
    def make():
        for number, start in enumerate(range(0, rows, BLOCK)):
            yield generated(number, min(BLOCK, rows - start), d)

    return row_blocks(make)


def compressor():
    return nnae.NNAE((32, 6), encoder="linear", random_state=0, pretrain_iter=30, tol=0)
