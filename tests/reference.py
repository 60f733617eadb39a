"""What the kernels must compute, written to be read: dense, slow, one formula a function.

Symbols as in the package: a target P (n x m; Y where it is the labels), a factor F (n x k) that is
updated, the other factor H (m x k), rates R = F H'. Imported by tests alone.
"""

import numpy as np
from scipy import linalg, optimize, special

LOSSES = ("frobenius", "kullback-leibler", "bernoulli")
RATE_LOSSES = ("kullback-leibler", "bernoulli")
SMALLEST_RATE = 1e-150


def loss(name, Y, R, weights=None):
    """Add up the loss of every cell, zeros included; a row counts weights[i] times."""
    R = np.asarray(R, float)
    safe = np.maximum(R, SMALLEST_RATE)
    if name == "frobenius":
        cells = (Y - R) ** 2
    elif name == "kullback-leibler":
        cells = special.xlogy(Y, Y / safe) - Y + R
    else:
        cells = -Y * np.log(-np.expm1(-safe)) + (1 - Y) * R
    return float((cells.sum(axis=1) * (1 if weights is None else weights)).sum())


def loss_of_cells(name, Y, R, known, propensities=None, weights=None):
    """Add up the loss of known cells, positives of label j counting 1 / propensities[j] times.

    Constants that do not depend on R are those of the package's objective.
    """
    c = 1.0 if propensities is None else 1 / np.asarray(propensities)
    safe = np.maximum(R, SMALLEST_RATE)
    if name == "frobenius":
        cells = (c * Y - R) ** 2
    elif name == "kullback-leibler":
        cells = special.xlogy(c * Y, c * Y / safe) - c * Y + R
    else:
        cells = np.where(Y > 0, -c * np.log(-np.expm1(-safe)), R)
    return float(((cells * known).sum(axis=1) * (1 if weights is None else weights)).sum())


def ratio(name, Y, R):
    """Weight of every cell in the numerator of a multiplicative update."""
    R = np.maximum(R, SMALLEST_RATE)
    if name == "frobenius":
        return np.asarray(Y, float)
    return Y / R if name == "kullback-leibler" else Y / -np.expm1(-R)


def multiplicative(name, Y, A, W, C, floor=0.0):
    """Update the factor W of the product A W C."""
    numerator = A.T @ ratio(name, Y, A @ W @ C) @ C.T
    if name == "frobenius":
        denominator = A.T @ A @ W @ C @ C.T
    else:
        denominator = np.outer(A.sum(axis=0), C.sum(axis=1))
    alive = denominator > 0
    moved = np.divide(W * numerator, denominator, out=np.zeros_like(W), where=alive)
    return np.maximum(floor, moved)


def multiplicative_codes(name, P, F, H, floor=0.0):
    """Update F with rates F H'."""
    return multiplicative(name, P, np.eye(len(F)), F, H.T, floor)


def multiplicative_codes_towards(name, P, F, H, above, weight, floor):
    """Update F where the level above adds weight * D(F, above) to the objective.

    Frobenius has a closed form; for the rate losses the surrogate's derivative
    D + weight log(f / above) - f_old N / f has one root a cell, found in log f above the floor.
    """
    numerator = ratio(name, P, F @ H.T) @ H
    if name == "frobenius":
        moved = F * (numerator + weight * above) / (F @ (H.T @ H) + weight * F)
        return np.maximum(floor, moved)
    slope = np.broadcast_to(H.sum(axis=0), F.shape)
    result = np.empty_like(F)
    for cell in np.ndindex(F.shape):
        pull = F[cell] * numerator[cell]

        def derivative(log_f, cell=cell, pull=pull):
            return slope[cell] + weight * (log_f - np.log(above[cell])) - pull / np.exp(log_f)

        lowest = np.log(floor)
        if derivative(lowest) >= 0:
            result[cell] = floor
        else:
            result[cell] = np.exp(optimize.brentq(derivative, lowest, 50, xtol=1e-14, rtol=1e-15))
    return result


def divergence_from_above(name, F, above):
    """D(F, above), the loss that the level above adds for its target F."""
    return loss("frobenius" if name == "frobenius" else "kullback-leibler", F, above)


def simplex_weights(name, W, numerator, denominator):
    """Minimise the surrogate of the multiplicative update with every column of W at sum one.

    Frobenius: sum (D / W) w^2 / 2 - N w. Rate losses: sum D w - W N log w, D constant in a column.
    """
    frobenius = name == "frobenius"

    def value(w, old, N, D):
        return np.sum(D / old * w**2 / 2 - N * w if frobenius else D * w - old * N * np.log(w))

    def slope(w, old, N, D):
        return D / old * w - N if frobenius else D - old * N / w

    def column(*surrogate):
        m = len(surrogate[0])
        found = optimize.minimize(
            value,
            np.full(m, 1 / m),
            args=surrogate,
            jac=slope,
            method="SLSQP",
            bounds=[(1e-9, 1)] * m,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
            options={"ftol": 1e-15, "maxiter": 1000},
        )
        return found.x

    return np.array([column(*each) for each in zip(W.T, numerator.T, denominator.T, strict=True)]).T


def least_squares_codes(P, H, l1=0.0, l2=0.0):
    """Minimise |p - f H'|^2 / 2 + l1 sum(f) + l2 |f|^2 / 2 over f >= 0, row by row."""
    if l1 == 0 and l2 == 0:
        return np.array([optimize.nnls(H, p)[0] for p in P])
    root = linalg.cholesky(H.T @ H + l2 * np.eye(H.shape[1]))  # upper: G = root' root
    sides = linalg.solve_triangular(root, H.T @ P.T - l1, trans="T")
    return np.array([optimize.nnls(root, side)[0] for side in sides.T])


def rate_codes(name, P, H, l1=0.0, l2=0.0, floor=1e-100):
    """Minimise the loss of every row + l1 sum(f) + l2/2 |f|^2 over f >= floor, by L-BFGS-B."""

    def row(p):
        def value(f):
            R = np.maximum(H @ f, SMALLEST_RATE)
            slope = H.sum(axis=0) - ratio(name, p, R) @ H
            own = l1 * f.sum() + l2 / 2 * (f**2).sum()
            return loss(name, p[None], R[None]) + own, slope + l1 + l2 * f

        start = np.full(H.shape[1], (p.sum() + 0.1) / H.sum())
        bounds = [(floor, None)] * H.shape[1]
        options = {"maxiter": 20_000, "maxfun": 200_000, "ftol": 1e-15, "gtol": 1e-10}
        return optimize.minimize(value, start, jac=True, bounds=bounds, options=options).x

    return np.array([row(p) for p in P])


def cooccurrence(Y, weights=None):
    """C = Y' diag(weights) Y."""
    return Y.T @ (Y if weights is None else Y * np.asarray(weights)[:, None])


def linear_objective(Y, V, B):
    """|Y - Y V B|^2."""
    return float(((Y - Y @ V @ B) ** 2).sum())


def linear_encoder_step(C, V, B, floor=0.0):
    """V <- V o C B' / (C V B B')."""
    return np.maximum(floor, V * (C @ B.T) / (C @ V @ B @ B.T))


def linear_decoder_step(C, V, B, floor=0.0):
    """B <- B o V'C / (V'C V B)."""
    return np.maximum(floor, B * (V.T @ C) / (V.T @ C @ V @ B))


def normal_form(Z, W):
    """Rows of W at sum one, their scale in Z, concepts by falling mass; Z W stays."""
    scale = W.sum(axis=1)
    Z, W = Z * scale, W / np.where(scale > 0, scale, 1)[:, None]
    order = sorted(range(len(W)), key=lambda p: (-Z[:, p].sum(), p))
    return Z[:, order], W[order]


def topk(scores, k):
    """Sort every row fully: best first, equal scores by rising label, -1 where none is left."""
    n, m = scores.shape
    order = np.full((n, k), -1)
    best = np.full((n, k), -np.inf, scores.dtype)
    for i, row in enumerate(scores):
        usable = [j for j in range(m) if row[j] > -np.inf]
        for r, j in enumerate(sorted(usable, key=lambda j, row=row: (-row[j], j))[:k]):
            order[i, r], best[i, r] = j, row[j]
    return order, best


def linear_classifier_objective(X, y, loss, C, w, bias=1.0):
    """Evaluate |w|^2 / 2 + C sum of losses; the last entry of w is what is added to margins."""
    m = np.where(y, 1, -1) * (X @ w[:-1] + w[-1])
    losses = np.maximum(0, 1 - m) ** 2 if loss == "squared_hinge" else np.logaddexp(0, -m)
    shift = 0.0 if bias == 0 else (w[-1] / bias) ** 2
    return float((w[:-1] @ w[:-1] + shift) / 2 + C * losses.sum())


def linear_classifier(X, y, loss, C, bias=1.0):
    """Minimise it by Newton's method; returns the weights and what is added to margins."""
    A = np.column_stack([X, np.full(len(X), bias)])
    sign = np.where(y, 1.0, -1.0)

    def value(w):
        m = sign * (A @ w)
        losses = np.maximum(0, 1 - m) ** 2 if loss == "squared_hinge" else np.logaddexp(0, -m)
        return w @ w / 2 + C * losses.sum()

    w = np.zeros(A.shape[1])
    for _ in range(200):
        m = sign * (A @ w)
        if loss == "squared_hinge":
            slope, bend = -2 * np.maximum(0, 1 - m), 2.0 * (m < 1)
        else:
            slope, bend = -special.expit(-m), special.expit(m) * special.expit(-m)
        gradient = w + C * A.T @ (sign * slope)
        step = np.linalg.solve(np.eye(len(w)) + C * (A.T * bend) @ A, gradient)
        length = 1.0
        while value(w - length * step) > value(w) - 1e-4 * length * gradient @ step:
            length /= 2
            if length < 1e-12:
                break
        w = w - length * step
        if np.abs(gradient).max() < 1e-11:
            break
    return np.append(w[:-1], w[-1] * bias)


def path_shares(X, forest, root, link):
    """Multiply the shares of all edges down to every label: one row an example, no beam."""
    out = np.zeros((len(X), forest.n_labels))
    todo = [(root, np.ones(len(X)))]
    while todo:
        node, share = todo.pop()
        first, last = forest.edge_indptr[node], forest.edge_indptr[node + 1]
        W = np.zeros((X.shape[1], last - first))
        for f in range(forest.feature_indptr[node], forest.feature_indptr[node + 1]):
            for w in range(forest.entry_indptr[f], forest.entry_indptr[f + 1]):
                W[forest.features[f], forest.entry_edge[w]] += forest.entry_weight[w]
        with np.errstate(over="ignore"):
            taken = link(X @ W + forest.bias[first:last].astype(float))
        for e, child in enumerate(forest.child[first:last]):
            if child < 0:
                out[:, -1 - child] += share * taken[:, e]
            else:
                todo.append((child, share * taken[:, e]))
    return out


LINKS = {
    "squared_hinge": lambda m: np.exp(-(np.maximum(1 - m, 0) ** 2)),
    "logistic": special.expit,
}


def curveball(Y, rounds, seed):
    """Trade labels between paired rows with the kernel's own random numbers, set by set."""
    top = 2**64 - 1

    def mix(x):
        x = (x + 0x9E3779B97F4A7C15) & top
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & top
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & top
        return x ^ (x >> 31)

    def below(key, counter, n):
        return ((mix((key + counter * 0xD1342543DE82EF95) & top) >> 32) * n) >> 32

    found = [set(np.flatnonzero(row).tolist()) for row in Y]
    order = list(range(len(Y)))
    for number in range(rounds):
        key = mix(seed ^ mix(number))
        for i in range(len(Y) - 1, 0, -1):
            j = below(key, i, i + 1)
            order[i], order[j] = order[j], order[i]
        for p in range(len(Y) // 2):
            a, b = order[2 * p], order[2 * p + 1]
            pool, both = sorted(found[a] ^ found[b]), found[a] & found[b]
            wanted = len(found[a] - found[b])
            if wanted in (0, len(pool)):
                continue
            for k in range(wanted):
                j = k + below(mix((key + p + 1) & top), k, len(pool) - k)
                pool[k], pool[j] = pool[j], pool[k]
            found[a], found[b] = both | set(pool[:wanted]), both | set(pool[wanted:])
    return np.array([[j in row for j in range(Y.shape[1])] for row in found], float).reshape(
        Y.shape
    )
