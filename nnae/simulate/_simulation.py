"""Forward simulation: a reader foresees the model's decisions, with and without the tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils.validation import check_is_fitted

from nnae._labels import LabelSpace
from nnae._threads import resolve_threads
from nnae._validation import check_choice, check_count
from nnae.auditing._rivals import npmi_linkage
from nnae.auditing._trees import AuditedTree
from nnae.simulate._questions import (
    Integers,
    ask_about_decisions,
    balanced,
    frequency_strata,
)
from nnae.simulate._readers import READERS
from nnae.simulate._removal import ask_about_removals, decided, removable_concepts
from nnae.simulate._report import COLUMNS, SimulationReport, write_verdict
from nnae.simulate._trial import Form, Room, run, summarise


def simulate_reader(
    classifier: Any,
    hierarchy: Any,
    X_heldout: Any,
    Y_heldout: Any,
    *,
    Y_train: Any = None,
    groups: Any = None,
    top_k: int | None = None,
    n_revealed: int = 2,
    n_explained: int = 30,
    n_repeats: int = 20,
    n_draws: int = 1000,
    readers: Sequence[str] = ("neighbors", "tree", "logistic"),
    removal_level: int | None = None,
    random_state: int | None = None,
    n_threads: int | None = None,
) -> SimulationReport:
    """Measure by simple learners whether the tree helps to foresee the model's decisions.

    A reader sees, for `n_explained` examples, every decision of the model. Then it is asked about
    other examples: a few of the labels that the model chose are revealed; did the model also
    choose label j? It answers from (a) base rates, (b) these and the revealed labels, (c) b and
    the tree, (d) b and the tree with its labels shuffled, (e) b and the tree of average linkage on
    1 - NPMI, cut to as many clusters a level. The gain of a tree is ``acc - acc(b)``; a tree of
    use has a larger one than its shuffled copy.

    In the second form, "removals", a concept is taken out: the codes below it are set to zero and
    decoded again. Shown the three labels that name the concept, the reader tells which of the
    model's decisions fall.

    Parameters
    ----------
    classifier : TwoStepClassifier
        Fitted.
    hierarchy : LabelHierarchy
        Of the same labels. The second form needs the hierarchy of ``classifier.compressor_`` and
        is left out without it.
    X_heldout : array or sparse matrix, n x d
        Rows that trained neither.
    Y_heldout : labels, n x L
        Their labels; tree (e) is built from those of the explained half without `Y_train`.
    Y_train : labels, optional
        Rows to build tree (e) from, best those that made the hierarchy.
    groups : array of shape (n,), optional
        Rows of one group (source, patient, recipe) are never on both sides, and intervals draw
        groups instead of rows.
    top_k : int >= 2, optional
        The model's decisions are its best `top_k` labels; without it, what ``predict`` returns.
    n_revealed : int >= 1, default=2
        Labels revealed of each example; one at least is left to ask about.
    n_explained : int >= 2, default=30
        Explained examples, drawn anew in every repeat from one half of the rows. Test examples
        come from the other half.
    n_repeats : int >= 2, default=20
        Draws of explained examples, each with a shuffled tree of its own.
    n_draws : int >= 100, default=1000
        Bootstrap draws of test examples and repeats.
    readers : sequence of {"neighbors", "tree", "logistic"}
        Five nearest questions, a decision tree of depth 3, logistic regression.
    removal_level : int >= 1, optional
        Level of the concepts that are removed; by default 2, or 1 where there is no other.
    random_state : int, optional
        Seed; the same seed gives the same report.
    n_threads : int, optional
        Threads of the counting; the report does not depend on it.

    Returns
    -------
    SimulationReport

    Raises
    ------
    TypeError
        When `hierarchy` is no hierarchy.
    NotFittedError
        When the classifier is not fitted.
    ValueError
        When labels or rows do not match, a parameter is out of its range, or too few decisions
        are left to ask about.

    Notes
    -----
    For every label asked about that the model chose, one that it did not choose is asked about for
    the same example, drawn among labels of the same frequency (counts in ``[2^s - 1, 2^(s+1) - 1)``
    share stratum s); removals are thinned at random until each stratum has as many falls as stays.
    A coin is right half of the time. A reader is given a few numbers, never names: log odds of the
    label; whether it is revealed itself, and two votes of explained examples that share revealed
    labels; for a tree, the share of levels at which the label and the revealed ones (nearest,
    mean) are under one concept.

    Differences are paired: the same questions, explained examples and draws under all conditions.
    Simulated readers know no meanings; what the tree adds for people, `reader_study` asks people.
    Counterfactual rows are the classifier's own decisions after the change, whatever its decoder;
    a decoder that also looks at the features may keep labels that the codes no longer call for.

    Costs the predictions, then 5 fits of a small learner a reader and repeat.

    Sources: Hase and Bansal (2020) for leakage and balance; Chen et al. (2022) for simulated users.

    Examples
    --------
    >>> import nnae
    >>> data = nnae.datasets.make_label_hierarchy(900, test_size=0.5, random_state=0)
    >>> X, X_test = data.Y_train.toarray(), data.Y_test.toarray()  # labels foretell themselves
    >>> model = nnae.TwoStepClassifier(nnae.NNAE((12, 3), random_state=0), random_state=0)
    >>> model = model.fit(X, data.Y_train, label_names=data.label_names)
    >>> tree = nnae.LabelHierarchy.from_compressor(model.compressor_)
    >>> report = nnae.simulate_reader(
    ...     model, tree, X_test, data.Y_test, n_repeats=4, random_state=0
    ... )
    >>> report.useful
    True
    """
    for name, value, least in (
        ("n_revealed", n_revealed, 1),
        ("n_explained", n_explained, 2),
        ("n_repeats", n_repeats, 2),
        ("n_draws", n_draws, 100),
        ("top_k", 2 if top_k is None else top_k, 2),
    ):
        check_count(name, value, least)
    if isinstance(readers, str) or not readers:
        raise ValueError(f"readers must be a list of at least one reader; got {readers!r}")
    for reader in readers:
        check_choice("readers", reader, tuple(READERS))
    tree, space = check_hierarchy(classifier, hierarchy)
    level = _removal_level(removal_level, len(tree.levels))
    rows = decisions_of(classifier, X_heldout, top_k)
    Y = space.encode(Y_heldout)
    if Y.shape[0] != rows.shape[0]:
        raise ValueError(f"Y_heldout has {Y.shape[0]} rows, X_heldout has {rows.shape[0]}")
    draws = np.random.default_rng(random_state)
    unit = _units(groups, rows.shape[0])
    pool, test = _halves(unit, draws)
    evidence = sp.csr_matrix(Y[pool]) if Y_train is None else space.encode(Y_train)
    linked = npmi_linkage(evidence, resolve_threads(n_threads))
    rival = AuditedTree.of_linkage("npmi_tree", linked, tree.widths)
    placed = np.flatnonzero(~np.isin(hierarchy.labels, list(hierarchy.unplaced)))
    room = Room(rows, pool, tree, rival, placed)
    strata = frequency_strata(room.counts)
    about, dropped = ask_about_decisions(rows, strata, n_revealed, draws)
    forms = [Form("decisions", about.of_examples(pool), about.of_examples(test), dropped)]
    concepts = removable_concepts(classifier, hierarchy, level)
    if concepts is not None:
        about = ask_about_removals(classifier, X_heldout, concepts, top_k, draws)
        seen, asked = (balanced(about.of_examples(half), strata, draws) for half in (pool, test))
        forms.append(Form("removals", seen, asked, len(about) - len(seen) - len(asked)))
    tables, counts = [], []
    for form in forms:
        if not form.can_be_asked():
            if form.name == "decisions":
                raise ValueError(
                    "X_heldout must have rows with two decisions or more in both halves; got "
                    f"{len(form.seen)} and {len(form.asked)} questions on {rows.shape[0]} rows"
                )
            continue
        tally = run(form, room, unit, readers, n_explained, n_repeats, draws)
        tables.append(summarise(tally, n_draws, draws).assign(form=form.name))
        counts.append(form.count(n_explained, tally))
    frame = pd.concat(tables, ignore_index=True)[list(COLUMNS)]
    summary = pd.DataFrame(counts)
    examples = {str(row["form"]): int(row["test_examples"]) for row in counts}
    return SimulationReport(frame, summary, *write_verdict(frame, examples))


def check_hierarchy(classifier: Any, hierarchy: Any) -> tuple[AuditedTree, LabelSpace]:
    """Return the tree and the labels, after making sure that both sides mean the same labels."""
    for name in ("tree", "labels", "root", "widths", "to_linkage"):
        if not hasattr(hierarchy, name):
            raise TypeError(f"hierarchy must be a LabelHierarchy; got {type(hierarchy).__name__}")
    check_is_fitted(classifier, "decoder_")
    labels, known = list(hierarchy.labels), [str(name) for name in classifier.label_names_]
    if labels != known:
        what = f"{len(labels)} and {len(known)}"
        if len(labels) == len(known):
            at = next(j for j, label in enumerate(labels) if label != known[j])
            what = f"{labels[at]!r} and {known[at]!r} in place {at}"
        raise ValueError(f"hierarchy and classifier must have the same labels; got {what}")
    if len(labels) < 4:
        raise ValueError(f"there must be at least four labels; got {len(labels)}")
    return AuditedTree.of_hierarchy(hierarchy), LabelSpace(tuple(labels))


def _removal_level(level: int | None, depth: int) -> int:
    if level is None:
        return min(2, depth)
    if check_count("removal_level", level) > depth:
        raise ValueError(f"removal_level must be at most {depth}; got {level}")
    return level


def decisions_of(classifier: Any, X: Any, top_k: int | None) -> sp.csr_matrix:
    """Return the model's decisions (n x L, csr of 0/1): its best `top_k` labels or label sets."""
    return decided(classifier, classifier._query(X, 1)[0], top_k)


def _units(groups: Any, n: int) -> Integers:
    """Number the groups; without any, every row is one."""
    if groups is None:
        return np.arange(n)
    found = np.asarray(groups)
    if found.shape != (n,):
        raise ValueError(f"groups must have one entry a row ({n}); got shape {found.shape}")
    return np.asarray(np.unique(found.astype(str), return_inverse=True)[1], np.int64)


def _halves(unit: Integers, draws: np.random.Generator) -> tuple[Integers, Integers]:
    """Return rows to explain and rows to test, no unit on both sides."""
    first = np.zeros(unit.max(initial=0) + 1, bool)
    first[draws.permutation(len(first))[: len(first) // 2]] = True
    return np.flatnonzero(first[unit]), np.flatnonzero(~first[unit])
