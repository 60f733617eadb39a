"""Label matrices with a planted structure, so that what a model recovers can be checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import Bunch

_ROWS_A_BATCH = 1 << 16
_BATCHES_WITHOUT_A_ROW = 50

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def make_label_hierarchy(
    n_samples: int = 500,
    *,
    n_topics: int = 3,
    groups_per_topic: int = 4,
    labels_per_group: int = 6,
    p_topic: float = 0.3,
    p_group: float = 0.5,
    p_label: float = 0.45,
    flip_probability: float = 0.01,
    double_parents: float = 0.0,
    test_size: float = 0.2,
    random_state: int | np.random.Generator | np.random.RandomState | None = None,
) -> Bunch:
    """Draw labels from a planted hierarchy of topics, groups and labels.

    A row switches each topic on with probability `p_topic`, each group of an active topic with
    `p_group` and each label of an active group with `p_label`; then every cell flips on with
    probability `flip_probability`. Rows without labels are drawn again. A group with two parents
    has a chance under each: with a of them active it is on with probability
    ``1 - (1 - p_group)**a``.

    Parameters
    ----------
    n_samples : int, default=500
        Rows, at least 1.
    n_topics, groups_per_topic, labels_per_group : int, default=3, 4, 6
        Size of the hierarchy, at least 1 each: 3 topics, 12 groups and 72 labels.
    p_topic, p_group, p_label : float in [0, 1], default=0.3, 0.5, 0.45
        Chances of a topic, of a group of an active topic, of a label of an active group.
    flip_probability : float in [0, 1], default=0.01
        Chance that any cell is on whatever its group does.
    double_parents : float in [0, 1], default=0.0
        Share of the groups that get a second topic as a parent.
    test_size : float in [0, 1), default=0.2
        Share of the rows, the last ones, that are handed out as `Y_test`.
    random_state : int, Generator, RandomState or None
        Seed; the same number gives the same data.

    Returns
    -------
    Bunch
        - `Y` : csr_matrix of 0/1, float32, n_samples x L; `Y_train`, `Y_test` are its first and
          last rows; `X_train`, `X_test`, `feature_names` are None.
        - `label_names` : (L,) array of str such as ``"topic1/group02/label3"``.
        - `groups` : (L,) array, the group of each label; `topics` : (L,) array, the (first) topic
          of each label.
        - `group_parents` : bool array, groups x topics.
        - `row_topics`, `row_groups` : bool csr matrices, what was switched on in each row.
        - `DESCR` : str.

    Raises
    ------
    ValueError
        If a size or a probability is out of range, or if (nearly) every row would be empty.

    Notes
    -----
    Time and memory grow with the non-zeros and with rows times groups, never with rows times
    labels.

    Examples
    --------
    >>> from nnae.datasets import make_label_hierarchy
    >>> data = make_label_hierarchy(random_state=0)
    >>> data.Y.shape, str(data.label_names[0])
    ((500, 72), 'topic1/group01/label1')
    """
    for name, size in (
        ("n_samples", n_samples),
        ("n_topics", n_topics),
        ("groups_per_topic", groups_per_topic),
        ("labels_per_group", labels_per_group),
    ):
        _check_size(name, size)
    for name, chance in (
        ("p_topic", p_topic),
        ("p_group", p_group),
        ("p_label", p_label),
        ("flip_probability", flip_probability),
        ("double_parents", double_parents),
    ):
        if not 0 <= chance <= 1:
            raise ValueError(f"{name} must lie in [0, 1]; got {chance}")
    if not 0 <= test_size < 1:
        raise ValueError(f"test_size must lie in [0, 1); got {test_size}")
    rng = _generator(random_state)
    parents = _draw_parents(n_topics, groups_per_topic, double_parents, rng)
    rows: list[tuple[sp.csr_matrix, sp.csr_matrix, sp.csr_matrix]] = []
    found = empty_batches = 0
    while found < n_samples:
        batch = min(n_samples, _ROWS_A_BATCH)
        topics = rng.random((batch, n_topics)) < p_topic
        active_parents = topics.astype(np.int64) @ parents.T.astype(np.int64)
        groups = rng.random(active_parents.shape) < 1.0 - (1.0 - p_group) ** active_parents
        Y = _draw_labels(groups, labels_per_group, p_label, flip_probability, rng)
        kept = np.flatnonzero(np.diff(Y.indptr))[: n_samples - found]
        empty_batches = 0 if kept.size else empty_batches + 1
        if empty_batches == _BATCHES_WITHOUT_A_ROW:
            raise ValueError(
                "the probabilities must leave some rows with labels; all of "
                f"{batch * empty_batches} rows drawn were empty"
            )
        found += kept.size
        rows.append((Y[kept], sp.csr_matrix(topics[kept]), sp.csr_matrix(groups[kept])))
    Y, row_topics, row_groups = (sp.csr_matrix(sp.vstack(part)) for part in zip(*rows, strict=True))
    n_groups = n_topics * groups_per_topic
    group_of = np.repeat(np.arange(n_groups), labels_per_group)
    names = _hierarchy_names(n_topics, groups_per_topic, labels_per_group)
    return Bunch(
        **_shares(Y, test_size),
        label_names=names,
        groups=group_of,
        topics=group_of // groups_per_topic,
        group_parents=parents,
        row_topics=row_topics,
        row_groups=row_groups,
        DESCR=(
            f"Planted hierarchy: {n_topics} topics, {n_groups} groups, {len(names)} labels; "
            f"{n_samples} rows, {Y.nnz / n_samples:.2f} labels a row. Chances: topic {p_topic}, "
            f"group {p_group}, label {p_label}, flip {flip_probability}; "
            f"{int(parents.sum()) - n_groups} groups have two parents."
        ),
    )


def make_zipf_labels(
    n_samples: int = 10_000,
    n_labels: int = 1_000,
    n_groups: int = 20,
    labels_per_row: float = 5.0,
    random_state: int | np.random.Generator | np.random.RandomState | None = None,
    *,
    p_within: float = 0.9,
    test_size: float = 0.2,
) -> Bunch:
    """Draw a large sparse label matrix with Zipf frequencies and planted groups.

    Labels fall into groups of equal size at random; label r (from 1) has weight ``1 / r``. A row
    has ``1 + Poisson(labels_per_row - 1)`` labels: the first is drawn by weight and sets the row's
    group, each further one comes from that group with probability `p_within`, else from all.
    Repeated labels are drawn again, a few times.

    Parameters
    ----------
    n_samples, n_labels, n_groups : int
        Rows, labels and groups, at least 1 each; at most one group a label.
    labels_per_row : float in [1, n_labels], default=5.0
        Mean number of labels a row; slightly fewer when groups are small.
    random_state : int, Generator, RandomState or None
        Seed; the same number gives the same data.
    p_within : float in [0, 1], default=0.9
        Chance that a further label comes from the row's group.
    test_size : float in [0, 1), default=0.2
        Share of the rows, the last ones, that are handed out as `Y_test`.

    Returns
    -------
    Bunch
        `Y` (csr_matrix of 0/1, float32, n_samples x n_labels), `Y_train`, `Y_test`, `label_names`,
        `groups` (group of each label), `row_groups` (group of each row), `DESCR`; `X_train`,
        `X_test` and `feature_names` are None.

    Raises
    ------
    ValueError
        If a size or a probability is out of range.

    Notes
    -----
    Costs a few sorts of the non-zeros: seconds for 1.2 million rows and 6 million non-zeros.

    Examples
    --------
    >>> from nnae.datasets import make_zipf_labels
    >>> data = make_zipf_labels(1000, 300, 10, random_state=0)
    >>> data.Y.shape
    (1000, 300)
    """
    _check_size("n_samples", n_samples)
    _check_size("n_labels", n_labels)
    _check_size("n_groups", n_groups)
    if n_groups > n_labels:
        raise ValueError(f"n_groups must not exceed n_labels = {n_labels}; got {n_groups}")
    if not 1 <= labels_per_row <= n_labels:
        raise ValueError(f"labels_per_row must lie in [1, {n_labels}]; got {labels_per_row}")
    if not 0 <= p_within <= 1:
        raise ValueError(f"p_within must lie in [0, 1]; got {p_within}")
    if not 0 <= test_size < 1:
        raise ValueError(f"test_size must lie in [0, 1); got {test_size}")
    rng = _generator(random_state)
    groups = rng.permutation(np.arange(n_labels) % n_groups)
    by_group = np.argsort(groups, kind="stable")
    upper = np.cumsum(1.0 / (1.0 + by_group))  # weights of the labels in the order of by_group
    ends = upper[np.cumsum(np.bincount(groups, minlength=n_groups)) - 1]
    starts = np.concatenate(([0.0], ends[:-1]))

    def draw(low: Any, high: Any, size: int) -> Ints:
        place = np.searchsorted(upper, low + (high - low) * rng.random(size), side="right")
        return np.asarray(by_group[np.minimum(place, n_labels - 1)], dtype=np.int64)

    first = draw(0.0, upper[-1], n_samples)
    row_groups = groups[first]
    wanted = np.minimum(1 + rng.poisson(labels_per_row - 1.0, n_samples), n_labels)
    Y = _binary(np.arange(n_samples), first, (n_samples, n_labels))
    for _ in range(8):
        lacking = wanted - np.diff(Y.indptr)
        row = np.repeat(np.arange(n_samples, dtype=np.int64), lacking)
        if not row.size:
            break
        inside = rng.random(row.size) < p_within
        low = np.where(inside, starts[row_groups[row]], 0.0)
        high = np.where(inside, ends[row_groups[row]], upper[-1])
        Y = Y.maximum(_binary(row, draw(low, high, row.size), Y.shape))
    width, digits = len(str(n_groups)), len(str(n_labels))
    return Bunch(
        **_shares(Y, test_size),
        label_names=np.array(
            [f"group{g + 1:0{width}}/label{j + 1:0{digits}}" for j, g in enumerate(groups)], object
        ),
        groups=groups,
        row_groups=row_groups,
        DESCR=(
            f"Zipf labels: {n_samples} rows, {n_labels} labels in {n_groups} planted groups, "
            f"{Y.nnz / n_samples:.2f} labels a row, {p_within:.0%} of them from the row's group."
        ),
    )


def _check_size(name: str, size: int) -> None:
    if int(size) != size or size < 1:
        raise ValueError(f"{name} must be a whole number of at least 1; got {size}")


def _generator(
    random_state: int | np.random.Generator | np.random.RandomState | None,
) -> np.random.Generator:
    if isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(np.iinfo(np.int32).max))
    return np.random.default_rng(random_state)


def _draw_parents(
    n_topics: int, groups_per_topic: int, double_parents: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Mark the topics of each group (groups x topics)."""
    n_groups = n_topics * groups_per_topic
    n_double = round(double_parents * n_groups)
    if n_double and n_topics == 1:
        raise ValueError("double_parents needs at least 2 topics; got n_topics = 1")
    parents = np.zeros((n_groups, n_topics), dtype=bool)
    own = np.arange(n_groups) // groups_per_topic
    parents[np.arange(n_groups), own] = True
    if n_double:
        chosen = rng.choice(n_groups, n_double, replace=False)
        parents[chosen, (own[chosen] + rng.integers(1, n_topics, n_double)) % n_topics] = True
    return parents


def _draw_labels(
    groups: npt.NDArray[np.bool_],
    labels_per_group: int,
    p_label: float,
    flip_probability: float,
    rng: np.random.Generator,
) -> sp.csr_matrix:
    """Switch on labels of the active groups, then any cell with `flip_probability`."""
    shape = (groups.shape[0], groups.shape[1] * labels_per_group)
    row, group = np.nonzero(groups)
    pair, place = np.nonzero(rng.random((row.size, labels_per_group)) < p_label)
    flips = _each_with_probability(shape[0] * shape[1], flip_probability, rng)
    rows = np.concatenate((row[pair], flips // shape[1]))
    columns = np.concatenate((group[pair] * labels_per_group + place, flips % shape[1]))
    return _binary(rows, columns, shape)


def _each_with_probability(size: int, chance: float, rng: np.random.Generator) -> Ints:
    """Return the numbers below `size`, each drawn with `chance`: gaps are geometric."""
    drawn: list[Ints] = []
    last = -1
    while chance > 0 and last < size:
        gaps = rng.geometric(chance, int(size * chance * 1.05) + 32)
        places = last + np.cumsum(np.minimum(gaps, size + 1))
        last = int(places[-1])
        drawn.append(places)
    every = np.concatenate(drawn) if drawn else np.empty(0, np.int64)
    return every[every < size]


def _binary(rows: Ints, columns: Ints, shape: tuple[int, int]) -> sp.csr_matrix:
    """Build a canonical 0/1 matrix; a cell that is named twice is on once."""
    ones = np.ones(rows.size, dtype=np.float32)
    Y = sp.csr_matrix((ones, (rows, columns)), shape=shape)
    Y.data[:] = 1.0
    return Y


def _shares(Y: sp.csr_matrix, test_size: float) -> dict[str, Any]:
    n_train = Y.shape[0] - int(test_size * Y.shape[0])
    nothing = dict.fromkeys(("X_train", "X_test", "feature_names"))
    return {"Y": Y, "Y_train": Y[:n_train], "Y_test": Y[n_train:], **nothing}


def _hierarchy_names(
    n_topics: int, groups_per_topic: int, labels_per_group: int
) -> npt.NDArray[np.object_]:
    n_groups = n_topics * groups_per_topic
    topic_width, group_width = len(str(n_topics)), len(str(n_groups))
    label_width = len(str(labels_per_group))
    return np.array(
        [
            f"topic{g // groups_per_topic + 1:0{topic_width}}/group{g + 1:0{group_width}}"
            f"/label{j + 1:0{label_width}}"
            for g in range(n_groups)
            for j in range(labels_per_group)
        ],
        dtype=object,
    )
