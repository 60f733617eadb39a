"""The hierarchy of labels that a non-negative autoencoder's weights describe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnae._feature_rows import FeatureRows
from nnae._label_pairs import count_labels
from nnae._labels import LabelSpace, encode_labels
from nnae._resemblance import resemblance
from nnae._threads import resolve_threads
from nnae._validation import check_count
from nnae._widths import check_widths
from nnae.hierarchy._compressor import (
    bootstrap_frequencies,
    cut_layers,
    encode,
    mean_codes,
    read_layers,
)
from nnae.hierarchy._contributions import build_levels, check_labels, kept_frequencies
from nnae.hierarchy._document import read_document, write_document
from nnae.hierarchy._tree import extract
from nnae.hierarchy._views import HierarchyViews


class LabelHierarchy(HierarchyViews):
    """Hold the hierarchy of labels: a graph of contributions and the tree inside it.

    Make one with `from_compressor` (a fitted `NNAE` or `NMF`) or `from_weights` (any layers).
    Parent p of level l contributes ``t_l[p, q] = m_l[p] W_l[p, q]`` to its child q, where m is the
    mass of its codes and the layers are in normal form (rows sum to one). Parent shares are
    ``R = t / sum_p t``, lifts ``t sum(t) / (sum_p t sum_q t)``.

    Attributes
    ----------
    graph : networkx.DiGraph
        Edges from parent to child with share >= `min_share` and lift > 1; nodes without such a
        parent hang at the root; labels without positives are isolated nodes. Nodes are named by
        unique strings: a label by its name, a concept by its top labels. Node attributes: kind
        ("root", "concept", "label"), level (0 for labels), name, index (the row in its layer, or
        the column of Y), mass, size (labels below it in the tree, 0 if the tree left it out),
        hoyer (sparseness of a concept's labels: 0 equal, 1 a single one), top_by_weight and
        top_by_lift (lists of label, weight, lift), count (positives of a label, if known). Edge
        attributes: share, lift, contribution, frequency (share of bootstraps, None without).
    labels : list of str
        All L labels in column order.
    root : str
        The node above all others.
    unplaced : list of str
        Labels without positives; they are not in `tree()`.
    widths : list of int
        k_1 .. k_D, concepts a level as given.

    Notes
    -----
    Building costs a few passes over the layers (k_1 L numbers).

    Examples
    --------
    >>> import numpy as np
    >>> from nnae import LabelHierarchy
    >>> W1 = np.array([[2.0, 2, 0, 0, 0], [0, 0, 3, 1, 0], [0, 0, 0, 1, 3]])
    >>> W2 = np.array([[1.0, 0, 0], [0, 1, 1]])
    >>> names = ["cat", "dog", "bus", "car", "van"]
    >>> hierarchy = LabelHierarchy.from_weights([W1, W2], label_names=names)
    >>> hierarchy.clusters(2)
    array([0, 0, 1, 1, 1])
    >>> print(hierarchy.to_text())
    5 labels in 3 concepts
    ├─ bus + van (3 labels, 67 %)
    │  ├─ bus + car (2 labels, 33 %)
    │  │  └─ bus · car
    │  └─ van
    └─ cat + dog (2 labels, 33 %)
       └─ cat · dog
    """

    @classmethod
    def from_compressor(
        cls,
        model: Any,
        *,
        label_names: Sequence[str] | None = None,
        Y: Any = None,
        X: Any = None,
        min_share: float = 0.2,
        max_entropy: float = 0.9,
        min_mass: float = 1e-4,
        mass: str = "auto",
        basis: str = "auto",
        bootstrap: int = 0,
        random_state: int | None = 0,
    ) -> LabelHierarchy:
        """Read the hierarchy of a fitted compressor.

        Parameters
        ----------
        model : NNAE or NMF
            Fitted: holds `weights_` (or `components_`) and `codes_`.
        label_names : sequence of str, optional
            Override the model's.
        Y : labels of the training rows, optional
            With them labels are represented by the mean code of their examples inside
            `to_linkage`, labels without positives are found by counting, and `bootstrap` works.
        X : array or sparse matrix, optional
            Features of the training rows, for refits of a feature-aware model.
        min_share, max_entropy, min_mass : float
            See `from_weights`.
        mass : {"auto", "rate", "labels"}, default="auto"
            What the mass of a concept counts: "rate", the sum of its codes; "labels", under the
            Bernoulli link, expected labels shared out by rates, ``sum_i Z_ip E_i / sum_j Λ_ij``
            with ``E_i = sum_j (1 - exp(-Λ_ij))``, which no single row can dominate; "auto", rates
            unless they add up to more than twice the expected labels (codes have run off).
        basis : {"auto", "weights", "resemblance"}, default="auto"
            "weights": layers of the model; siblings occur together. "resemblance": the model's tree
            of labels that resemble each other (`label_linkage_` of a feature-aware NNAE), cut at
            the model's widths; siblings may be alternatives that never occur together. "auto":
            resemblance where the model has it.
        bootstrap : int >= 0, default=0
            Refits of the model on rows drawn with replacement. Every edge gets the share of refits
            that have it in their graph or tree, their concepts matched to the model's by cosine.
        random_state : int, optional
            Seed of the bootstraps.

        Returns
        -------
        LabelHierarchy

        Raises
        ------
        NotFittedError
            When the model is not fitted.
        TypeError
            When it is no compressor.
        ValueError
            When `bootstrap` is asked for without `Y`, or shapes do not match.

        Notes
        -----
        Each bootstrap costs a fit.
        """
        if bootstrap < 0:
            raise ValueError(f"bootstrap must be at least 0; got {bootstrap}")
        if bootstrap and Y is None:
            raise ValueError(
                f"bootstrap={bootstrap} needs the labels of the training rows: "
                "pass Y=, the labels the model was fitted on"
            )
        layers = read_layers(model, mass, basis)
        codes, counts, frequencies = None, layers.counts, None
        if Y is not None:
            matrix = encode(Y, layers.names, layers.weights[0].shape[1])
            if layers.codes is not None:
                codes, counts = mean_codes(matrix, layers.codes)
            if bootstrap:
                frequencies = bootstrap_frequencies(
                    model,
                    matrix,
                    X,
                    repeats=bootstrap,
                    min_share=min_share,
                    max_entropy=max_entropy,
                    min_mass=min_mass,
                    random_state=random_state,
                    mass=mass,
                    basis=basis,
                )
        hierarchy = cls.from_weights(
            layers.weights,
            layers.masses,
            layers.names if label_names is None else label_names,
            min_share=min_share,
            max_entropy=max_entropy,
            min_mass=min_mass if layers.linkage is None else 0.0,
            label_codes=codes,
            label_counts=counts,
            edge_frequencies=frequencies,
        )
        hierarchy._linkage, hierarchy.evidence = layers.linkage, layers.evidence
        return hierarchy

    @classmethod
    def from_labels(
        cls,
        Y: Any,
        X: Any = None,
        *,
        label_names: Sequence[str] | None = None,
        layer_sizes: Any = "auto",
        random_state: int = 0,
        n_threads: int | None = None,
    ) -> LabelHierarchy:
        r"""Build the tree of labels that resemble each other, without a compressor.

        Labels are near that keep the same company (cosine of their positive NPMI with other
        labels), whose examples have similar codes when the label itself is left out (models of
        several starts), and whose examples have similar features. Distances
        :math:`\sum_e w_e (1 - \cos_e) / m_e`, with m their mean, are merged by Ward's method. The
        weights come from held-out rows: what they confirm of a tree of each kind of evidence alone,
        in bits about a label's cluster given another label or a feature of the row.

        Parameters
        ----------
        Y : labels, n x L
            At most 5,000 labels.
        X : array or sparse matrix, n x d, optional
            Features of the same rows.
        label_names : sequence of str, optional
            Override the names that Y carries.
        layer_sizes : "auto" or sequence of int, default="auto"
            Concepts of each level, falling.
        random_state : int, default=0
            Seed of the models' starts and of the rows held out.
        n_threads : int or None
            Threads; None takes all. The result does not depend on it.

        Returns
        -------
        LabelHierarchy
            Its `evidence` says what weight each kind has, and how many bits.

        Raises
        ------
        ValueError
            More than 5,000 labels, rows that do not match.

        Notes
        -----
        Costs L^2 numbers for each kind of evidence, and five models of 64 concepts. One start
        varies; several side by side hardly.

        Examples
        --------
        >>> from nnae import LabelHierarchy
        >>> from nnae.datasets import make_label_hierarchy
        >>> Y = make_label_hierarchy(400, random_state=0).Y
        >>> hierarchy = LabelHierarchy.from_labels(Y, layer_sizes=(12, 3))
        >>> hierarchy.widths, sorted(hierarchy.evidence)
        ([12, 3], ['codes', 'company'])
        """
        check_count("random_state", random_state, 0)
        matrix, space = encode_labels(Y, label_names)
        rows = None if X is None else FeatureRows.of(X, matrix.shape[0], matrix.dtype).matrix
        threads = resolve_threads(n_threads)
        found = resemblance(matrix, rows, seed=random_state, n_threads=threads)
        counts = count_labels(matrix).astype(np.float64)
        widths = check_widths(layer_sizes, *matrix.shape)
        layers = cut_layers(found.linkage, widths, counts, list(space.names), found.evidence)
        hierarchy = cls.from_weights(
            layers.weights, layers.masses, layers.names, min_mass=0.0, label_counts=counts
        )
        hierarchy._linkage, hierarchy.evidence = layers.linkage, layers.evidence
        return hierarchy

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[ArrayLike],
        masses: Sequence[ArrayLike] | None = None,
        label_names: Sequence[str] | None = None,
        *,
        min_share: float = 0.2,
        max_entropy: float = 0.9,
        min_mass: float = 1e-4,
        label_codes: ArrayLike | None = None,
        label_counts: ArrayLike | None = None,
        edge_frequencies: Sequence[ArrayLike] | None = None,
        n_top: int = 10,
    ) -> LabelHierarchy:
        """Build the hierarchy of any non-negative layers.

        The tree gives every node the parent with the largest share. A node whose shares are spread
        too evenly hangs at the root; a concept without children goes, and one with a single child
        makes way for it. Scale and order of the concepts change nothing.

        Parameters
        ----------
        weights : list of array-like
            W_1 (k_1 x L), W_2 (k_2 x k_1), ..., non-negative.
        masses : list of array-like, optional
            For each level the column sums of its codes, at the scale of `weights`. Without them
            the concepts of the last level weigh the same, and each level's masses follow from the
            level above.
        label_names : sequence of str, optional
            Unique; "0", "1", ... by default.
        min_share : float in [0, 1], default=0.2
            Least parent share of an edge of the graph.
        max_entropy : float in [0, 1], default=0.9
            A node whose parent shares have a larger entropy (as a part of its maximum, log of the
            number of parents) hangs at the root.
        min_mass : float in [0, 1), default=1e-4
            Concepts with a smaller part of their level's mass are left out.
        label_codes : array-like, optional
            L x k_1, the mean level-1 code of each label's examples, for `to_linkage`; the
            contributions to the label are used without it.
        label_counts : array-like, optional
            L, positives of each label. Without it a label has none if no concept gives it weight.
        edge_frequencies : list of array-like, optional
            Shaped like `weights`: share of bootstraps in which the edge recurs.
        n_top : int >= 1, default=10
            Labels kept in each concept's lists of top labels.

        Returns
        -------
        LabelHierarchy

        Raises
        ------
        ValueError
            When shapes do not match, names are not unique, or anything is negative, NaN or out of
            its range.
        """
        _check_range("min_share", min_share)
        _check_range("max_entropy", max_entropy)
        _check_range("min_mass", min_mass)
        if n_top < 1:
            raise ValueError(f"n_top must be at least 1; got {n_top}")
        levels, scale = build_levels(weights, masses, min_mass)
        n_labels = levels[0].weights.shape[1]
        if label_names is None:
            label_names = [str(j) for j in range(n_labels)]
        if len(label_names) != n_labels:
            raise ValueError(f"W_1 has {n_labels} labels, label_names has {len(label_names)}")
        names = list(LabelSpace.of(np.empty((0, n_labels)), label_names).names)
        codes, counts = check_labels(label_codes, label_counts, (levels[0].width, n_labels))
        known = None
        if edge_frequencies is not None:
            known = kept_frequencies(edge_frequencies, levels)
        found = extract(
            levels,
            names,
            min_share=min_share,
            max_entropy=max_entropy,
            counts=counts,
            frequencies=known,
            top=n_top,
        )
        about = {
            "labels": names,
            "root": found.root,
            "unplaced": found.unplaced,
            "widths": [level.width for level in levels],
        }
        hierarchy = cls(write_document(found.graph, found.tree, about), found.clusters)
        if codes is None:
            hierarchy._vectors = levels[0].contributions.T
        else:
            hierarchy._vectors = (codes * scale)[:, levels[0].rows]
        return hierarchy

    @classmethod
    def from_json(cls, text: str) -> LabelHierarchy:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str

        Returns
        -------
        LabelHierarchy

        Raises
        ------
        ValueError
            When the text is no such document, or a damaged one.
        """
        document = read_document(text)
        return cls._restored(document, document.get("clusters", []), document.get("linkage", []))

    @classmethod
    def __nnae_restore__(cls, state: dict[str, Any]) -> LabelHierarchy:
        """Make a hierarchy of what `__nnae_state__` returned."""
        document = read_document(state["document"])
        return cls._restored(document, state["clusters"], state["linkage"])

    @classmethod
    def _restored(
        cls, document: dict[str, Any], clusters: Sequence[Any], linkage: Any
    ) -> LabelHierarchy:
        hierarchy = cls(document, clusters)
        matrix = np.asarray(linkage, np.float64).reshape(-1, 4)
        if len(matrix) != max(len(hierarchy.labels) - 1, 0):
            raise ValueError(
                f"the linkage of {len(hierarchy.labels)} labels must have "
                f"{len(hierarchy.labels) - 1} rows; got {len(matrix)}"
            )
        hierarchy._linkage = matrix
        return hierarchy


def _check_range(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must be between 0 and 1; got {value}")
