"""Methods of the classification benchmark, ours and others', behind one interface.

A method has ``prepare(split)`` where it needs time that does not count or more than X and Y,
``fit(X, Y)``, ``topk(X, k) -> (labels, scores)`` and ``size() -> bytes``; nothing
outside ``fit`` may look at training rows. ``METHODS`` maps names to functions of (seed, threads).
"""

import copy
import pickle
import tempfile
from pathlib import Path

import numpy as np
import scipy.linalg
import scipy.sparse as sp

ROWS = 1024


def ranked(scores, k):
    """Return the k best columns of dense scores, best first, and their scores."""
    k = min(k, scores.shape[1])
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(scores, best, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(best, order, 1), np.take_along_axis(values, order, 1)


def in_blocks(X, k, scores):
    """Rank row blocks, so that no method pays for an n x L array."""
    parts = [ranked(scores(X[at : at + ROWS]), k) for at in range(0, X.shape[0], ROWS)]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def folder_size(folder):
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


class TwoStep:
    """Our classifier; label sets by its own thresholds."""

    def __init__(self, seed, threads, **options):
        self.options = {"random_state": seed, "n_threads": threads, **options}

    def prepare(self, split):
        self.groups = split.groups

    def fit(self, X, Y):
        import nnae

        self.model = nnae.TwoStepClassifier(**self.options).fit(X, Y, groups=self.groups)

    def topk(self, X, k):
        return self.model.predict_topk(X, k)

    def sets(self, X):
        return self.model.predict(X)

    def topk_by_propensity(self, X, k):
        """Rank by ``rank_by="psp"``, which changes nothing in a fit."""
        return clone(self.model, rank_by="psp").predict_topk(X, k)[0]

    def size(self):
        import nnae

        with tempfile.TemporaryDirectory() as folder:
            nnae.save(self.model, Path(folder) / "model.nnae", compact=True)
            return folder_size(folder)


def clone(model, **params):
    """Return a fitted model with other parameters."""
    return copy.copy(model).set_params(**params)


class Popularity:
    def fit(self, X, Y):
        self.scores = np.asarray(Y.sum(0), np.float64).ravel() / Y.shape[0]

    def topk(self, X, k):
        best = np.argsort(-self.scores, kind="stable")[:k]
        shape = (X.shape[0], len(best))
        return np.broadcast_to(best, shape), np.broadcast_to(self.scores[best], shape)

    def size(self):
        return self.scores.nbytes


class Ridge:
    """One ridge a label by Cholesky; the penalty with the best P@1 on a fifth of the rows."""

    grid = 10.0 ** np.arange(-2, 2.01, 0.5)

    def fit(self, X, Y):
        order = np.random.default_rng(0).permutation(X.shape[0])
        out, kept = order[: len(order) // 5], order[len(order) // 5 :]
        self.mean = np.asarray(Y.mean(0), np.float32)
        trials = self._solve(X[kept], Y[kept], self.grid)
        quality = []
        for B in trials:
            first = in_blocks(X[out], 1, lambda rows, B=B: rows @ B + self.mean)[0]
            quality.append(Y[out][np.arange(len(out)), first[:, 0]].mean())
        (B,) = self._solve(X, Y, [self.grid[int(np.argmax(quality))]])
        self.parts = self.compress(X, Y, B)

    def _solve(self, X, Y, grid):
        gram, right = (X.T @ X).toarray(), (X.T @ Y).toarray()
        right -= np.asarray(X.sum(0)).T * self.mean
        for penalty in grid:
            shifted = gram + np.float32(penalty) * np.eye(len(gram), dtype=np.float32)
            yield scipy.linalg.cho_solve(scipy.linalg.cho_factor(shifted), right)

    def compress(self, X, Y, B):
        return (B,)

    def topk(self, X, k):
        def scores(rows):
            for part in self.parts:
                rows = rows @ part
            return rows + self.mean

        return in_blocks(X, k, scores)

    def size(self):
        return sum(part.nbytes for part in self.parts)


class PLST(Ridge):
    """Principal label space transformation (Tai and Lin 2012), at most 100 dimensions."""

    n_components = 100

    def compress(self, X, Y, B):
        V = self.directions(X, Y, B)
        return B @ V, np.ascontiguousarray(V.T)

    def directions(self, X, Y, B):
        return self._leading((Y.T @ Y).toarray() - Y.shape[0] * self.mean.T @ self.mean)

    def _leading(self, gram):
        n = len(gram)
        first = max(0, n - self.n_components)
        return scipy.linalg.eigh((gram + gram.T) / 2, subset_by_index=[first, n - 1])[1]


class CPLST(PLST):
    """Conditional principal label space transformation (Chen and Lin 2012)."""

    def directions(self, X, Y, B):
        return self._leading(((X.T @ Y).toarray() - np.asarray(X.sum(0)).T * self.mean).T @ B)


class OneVsRest:
    """scikit-learn: one linear classifier a label, those without both classes left out."""

    def __init__(self, estimator, threads):
        self.estimator, self.threads = estimator, threads

    def fit(self, X, Y):
        from joblib import Parallel, delayed
        from sklearn.base import clone

        self.n_labels = Y.shape[1]
        X, columns = X.astype(np.float64), Y.tocsc()
        count = np.diff(columns.indptr)
        self.labels = np.flatnonzero((count > 0) & (count < Y.shape[0]))
        models = Parallel(self.threads)(
            delayed(clone(self.estimator).fit)(X, columns[:, [label]].toarray().ravel())
            for label in self.labels
        )
        self.coef = np.vstack([model.coef_ for model in models]).T.astype(np.float32)
        self.intercept = np.hstack([model.intercept_ for model in models])

    def topk(self, X, k):
        def scores(rows):
            margins = np.full((rows.shape[0], self.n_labels), -50.0)
            margins[:, self.labels] = rows @ self.coef + self.intercept
            return 1 / (1 + np.exp(-margins))

        return in_blocks(X, k, scores)

    def size(self):
        return len(pickle.dumps((self.coef, self.intercept)))


class SparseOneVsRest:
    """The package's own classifiers, one a label, with small weights dropped."""

    def __init__(self, seed, threads):
        from nnae.one_vs_rest import OneVsRestLinear

        self.model = OneVsRestLinear(prune=0.1, n_threads=threads, random_state=seed)

    def fit(self, X, Y):
        self.model.fit(X, Y)

    def topk(self, X, k):
        return self.model.predict_topk(X, k)

    def size(self):
        return len(pickle.dumps(self.model))


class Neighbours:
    """scikit-learn's nearest neighbours by cosine on features; labels vote with equal weight."""

    def __init__(self, threads, n_neighbors=30):
        from sklearn.neighbors import NearestNeighbors

        self.model = NearestNeighbors(
            n_neighbors=n_neighbors, metric="cosine", algorithm="brute", n_jobs=threads
        )

    def fit(self, X, Y):
        self.model.fit(X)
        self.Y = Y

    def topk(self, X, k):
        def scores(rows):
            distance, near = self.model.kneighbors(rows)
            ends = np.arange(0, near.size + 1, near.shape[1])
            shape = (len(near), self.Y.shape[0])
            weights = np.maximum(1 - distance, 0).ravel() / near.shape[1]
            votes = sp.csr_matrix((weights, near.ravel(), ends), shape)
            return np.asarray((votes @ self.Y).todense())

        return in_blocks(X, k, scores)

    def size(self):
        return len(pickle.dumps((self.model, self.Y)))


class Omikuji:
    """Parabel by PyPI's omikuji: reading its text file counts as fitting, as its API has it.

    Its reader refuses rows without features or labels, which would teach it nothing.
    """

    def __init__(self, threads):
        import omikuji

        self.omikuji, self.threads = omikuji, threads
        self.folder = tempfile.TemporaryDirectory()

    def prepare(self, split):
        import nnae.io

        X, Y = sp.csr_matrix(split.X), sp.csr_matrix(split.Y)
        full = (np.diff(X.indptr) > 0) & (np.diff(Y.indptr) > 0)
        X, Y = X[full], Y[full]
        nnae.io.write_xmc(Path(self.folder.name) / "train.txt", X, Y)

    def fit(self, X, Y):
        path = str(Path(self.folder.name) / "train.txt")
        self.model = self.omikuji.Model.train_on_data(path, n_threads=self.threads)

    def topk(self, X, k):
        from concurrent.futures import ThreadPoolExecutor

        ends = zip(X.indptr[:-1], X.indptr[1:], strict=True)
        rows = [list(zip(X.indices[a:b], X.data[a:b], strict=True)) for a, b in ends]
        with ThreadPoolExecutor(self.threads) as pool:
            found = pool.map(lambda row: self.model.predict(row, top_k=k), rows)
        return padded(found, X.shape[0], k)

    def size(self):
        with tempfile.TemporaryDirectory() as folder:
            self.model.save(folder)
            return folder_size(folder)


class NapkinXC:
    """A method of PyPI's napkinXC, its defaults."""

    def __init__(self, kind, seed, threads):
        import napkinxc.models

        self.folder = tempfile.TemporaryDirectory()
        options = {"seed": seed} if kind == "PLT" else {}
        self.model = getattr(napkinxc.models, kind)(
            self.folder.name, threads=threads, verbose=0, **options
        )

    def fit(self, X, Y):
        self.model.fit(X, Y)

    def topk(self, X, k):
        return padded(self.model.predict_proba(X, top_k=k), X.shape[0], k)

    def size(self):
        return folder_size(self.folder.name)


def padded(found, n, k):
    """Turn lists of (label, score) to arrays; -1 and -inf where a list is shorter than k."""
    labels, scores = np.full((n, k), -1, np.int64), np.full((n, k), -np.inf)
    for at, row in enumerate(found):
        if row:
            labels[at, : len(row)], scores[at, : len(row)] = zip(*row, strict=True)
    return labels, scores


def _svc(seed, threads):
    from sklearn.svm import LinearSVC

    return OneVsRest(LinearSVC(C=1.0, dual=True, max_iter=2000), threads)


def _logistic(seed, threads):
    from sklearn.linear_model import LogisticRegression

    return OneVsRest(LogisticRegression(C=10.0, solver="liblinear"), threads)


OURS = {
    "best": TwoStep,
    "fast": lambda seed, threads: TwoStep(seed, threads, profile="fast"),
    "linear": lambda seed, threads: TwoStep(seed, threads, decoder="linear"),
    "neighbors": lambda seed, threads: TwoStep(seed, threads, decoder="neighbors"),
    "pair": lambda seed, threads: TwoStep(seed, threads, decoder="pair"),
    "tree": lambda seed, threads: TwoStep(seed, threads, decoder="tree"),
    "stack": lambda seed, threads: TwoStep(seed, threads, decoder="stack"),
    "tree fast": lambda seed, threads: TwoStep(seed, threads, decoder="tree", profile="fast"),
    "ovr nnae": SparseOneVsRest,
}
PEERS = {
    "popularity": lambda seed, threads: Popularity(),
    "ovr ridge": lambda seed, threads: Ridge(),
    "ovr svc": _svc,
    "ovr logistic": _logistic,
    "plst": lambda seed, threads: PLST(),
    "cplst": lambda seed, threads: CPLST(),
    "knn": lambda seed, threads: Neighbours(threads),
    "omikuji parabel": lambda seed, threads: Omikuji(threads),
    "napkinxc plt": lambda seed, threads: NapkinXC("PLT", seed, threads),
    "napkinxc br": lambda seed, threads: NapkinXC("BR", seed, threads),
}
#: Shown with intervals; single decoders are compared in the stored numbers.
PROFILES = ("best", "best psp", "fast")
METHODS = {**OURS, **PEERS}
#: Whose time is told as a multiple of whose.
TIMED = ("best", "fast")
YARDSTICKS = ("omikuji parabel",)
#: Of ours, shown with its ranking for propensity-scored precision too, under another name.
BOTH_RANKINGS = {"best": "best psp"}
#: Ranked by score over propensity too: from their 100 best labels.
RESCORED = (
    "ovr ridge",
    "ovr svc",
    "ovr logistic",
    "omikuji parabel",
    "napkinxc plt",
    "napkinxc br",
)
#: The same result for every seed where the split is given: run once.
DETERMINISTIC = ("popularity", "ovr ridge", "ovr logistic", "plst", "cplst", "knn", "napkinxc br")
NEEDED = {"omikuji": "omikuji", "napkinxc": "napkinxc"}


def available():
    """Return the names of methods whose packages are installed."""
    from importlib.util import find_spec

    from nnae.decoders import DECODERS

    missing = {name for name, package in NEEDED.items() if find_spec(package) is None}
    decoders = {"linear", "neighbors", "pair", "tree", "stack"} - set(DECODERS)
    return [name for name in METHODS if name.split()[0] not in missing and name not in decoders]
