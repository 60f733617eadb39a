"""What a model is compared with: popularity, and a ridge regression for every label."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnae import _core
from nnae._threads import resolve_threads

_ROWS_AT_ONCE = 4096


def popularity(Y_train: Any, n_rows: int, k: int) -> Any:
    """Rank the labels by their training frequency, the same for every row (n x k)."""
    counts = np.asarray((Y_train > 0).sum(axis=0)).ravel()
    best = np.argsort(-counts, kind="stable")[:k]
    return np.broadcast_to(best.astype(np.int64), (n_rows, len(best)))


def one_vs_rest(X_train: Any, Y_train: Any, X_test: Any, k: int, n_threads: int | None) -> Any:
    """Rank by a ridge regression on every label, the penalty chosen by cross-validation (n x k).

    The targets are dense: this is for data sets of the size of the bundled ones.
    """
    from nnae.ridge import MultiOutputRidge

    targets = Y_train.astype(np.float32).toarray()
    model = MultiOutputRidge(n_threads=n_threads, tol=1e-3).fit(X_train, targets)
    threads = resolve_threads(n_threads)
    found = [
        _core.topk_dense(
            np.ascontiguousarray(model.predict(X_test[start : start + _ROWS_AT_ONCE])), k, threads
        )[0]
        for start in range(0, X_test.shape[0], _ROWS_AT_ONCE)
    ]
    return np.concatenate(found)


def ceiling(compressor: Any, Y_test: Any, k: int, n_threads: int | None) -> Any:
    """Rank by the decoded codes of the true labels: what the decoder could reach at best."""
    Z = np.ascontiguousarray(compressor.transform(Y_test))
    decoder = np.ascontiguousarray(compressor.weights_[0].T, Z.dtype)
    return _core.topk_scores(Z, decoder, k, resolve_threads(n_threads))[0]
