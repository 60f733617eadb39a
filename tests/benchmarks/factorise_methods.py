"""Factorisations of nnae and of its peers as traces: (seconds, loss) pairs in order of time.

A trace ends when its budget of seconds is used up, or when nothing is gained any more. nnae,
scikit-learn and nimfa start from copies of the same factors; the first is watched sweep by sweep,
the other two go on from where a few sweeps ended, the loss worked out with the clock stopped.
RcppML and cmfrec take a seed and no start: each of their numbers of sweeps is a fit of its own.
"""

import contextlib
import importlib.util
import time
import warnings

import numpy as np
import rcppml
from label_data import objective

#: Fall of the loss, as a share, over ten sweeps below which a trace ends.
AT_REST = 1e-5


class Enough(Exception):
    """The budget is used up, or nothing is gained any more."""


def methods(loss):
    """Return name -> function of (Y, start, loss, seconds, threads, seed) that gives a trace."""
    found = {"nnae cd": nnae_cd}
    if loss == "frobenius":
        found["scikit-learn cd"] = scikit_cd
    if loss != "bernoulli":
        found["scikit-learn mu"] = scikit_mu
    if loss == "frobenius" and importlib.util.find_spec("cmfrec"):
        found["cmfrec"] = cmfrec_als
    if loss == "frobenius" and rcppml.is_there():
        found["RcppML"] = rcppml_als
    if loss != "bernoulli" and importlib.util.find_spec("nimfa"):
        found["nimfa"] = nimfa_mu
    return found


def nnae_cd(Y, start, loss, seconds, n_threads, seed):
    from nnae import NMF

    trace = []

    def look(sweep, value):
        trace.append((time.perf_counter() - begin, value))
        if trace[-1][0] > seconds or (sweep > 20 and is_at_rest(trace[-11:])):
            raise Enough

    model = NMF(
        start[0].shape[1], loss=loss, solver="cd", init=copies(start), max_iter=10_000, tol=0,
        n_threads=n_threads, callback=look,
    )  # fmt: skip
    begin = time.perf_counter()
    with contextlib.suppress(Enough):
        model.fit(Y)
    return trace


def is_at_rest(points):
    return points[0][1] - points[-1][1] < AT_REST * abs(points[-1][1])


def copies(start):
    return start[0].copy(), start[1].copy()


def in_parts(go_on, Y, start, loss, seconds):
    """Trace ``go_on(W, H)``, which makes a few sweeps and returns new factors."""
    (W, H), passed, trace = copies(start), 0.0, []
    while passed < seconds and not (len(trace) > 2 and is_at_rest(trace[-2:])):
        begin = time.perf_counter()
        W, H = go_on(W, H)
        passed += time.perf_counter() - begin
        trace.append((passed, objective(Y, W, H, loss)))
    return trace


def scikit(solver):
    def trace(Y, start, loss, seconds, n_threads, seed):
        from sklearn.decomposition import NMF

        def go_on(W, H):
            model = NMF(len(H), beta_loss=loss, solver=solver, init="custom", max_iter=10, tol=0)
            return model.fit_transform(Y, W=W, H=H), model.components_

        return in_parts(go_on, Y, start, loss, seconds)

    return trace


scikit_cd, scikit_mu = scikit("cd"), scikit("mu")


def nimfa_mu(Y, start, loss, seconds, n_threads, seed):
    import nimfa

    named = {"frobenius": ("euclidean", "fro"), "kullback-leibler": ("divergence", "div")}
    update, aim = named[loss]

    def go_on(W, H):
        fit = nimfa.Nmf(Y, rank=len(H), W=W, H=H, seed=None, update=update, objective=aim,
                        max_iter=1)()  # fmt: skip
        return dense(fit.basis()), dense(fit.coef())

    return in_parts(go_on, Y, start, loss, seconds)


def dense(factor):
    return np.asarray(factor.toarray() if hasattr(factor, "toarray") else factor)


def cmfrec_als(Y, start, loss, seconds, n_threads, seed):
    import cmfrec

    trace, matrix = [], Y.tocoo()
    for sweeps in (5, 10, 20, 40, 80):
        model = cmfrec.CMF(
            k=start[0].shape[1], lambda_=1e-6, nonneg=True, NA_as_zero=True, center=False,
            user_bias=False, item_bias=False, use_cg=False, niter=sweeps, random_state=seed + 1,
            nthreads=n_threads or -1, precompute_for_predictions=False, verbose=False,
        )  # fmt: skip
        begin = time.perf_counter()
        model.fit(matrix)
        passed = time.perf_counter() - begin
        trace.append((passed, objective(Y, model.A_, model.B_.T, loss)))
        if passed > seconds:
            break
    return trace


def rcppml_als(Y, start, loss, seconds, n_threads, seed):
    rows = rcppml.trace(Y, start[0].shape[1], seed, -1.0, n_threads, (5, 10, 20, 40, 80), seconds)
    return [(passed, reached) for _, reached, passed, _ in rows]


def race(Y, start, loss, seconds, n_threads, seed, without=()):
    """Return name -> trace of all methods, run in turn, each warmed up by a short fit."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # all stop where they are told to
        for name, trace in methods(loss).items():
            if name in without:
                continue
            if name != "RcppML":  # warms up by itself
                trace(Y[:500], (start[0][:500], start[1]), loss, 0.0, n_threads, seed)
            found[name] = trace(Y, start, loss, seconds, n_threads, seed)
    return found


def seconds_to(trace, level):
    """Return when a trace passed a loss, between its points on a straight line; None if never."""
    before = (0.0, None)
    for passed, loss in trace:
        if loss <= level:
            if before[1] is None:
                return passed
            share = (before[1] - level) / (before[1] - loss)
            return before[0] + share * (passed - before[0])
        before = (passed, loss)
    return None
