"""Write the report of a classifier."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sklearn.utils.validation import check_is_fitted

import nnae
from nnae._validation import check_count
from nnae._version import __version__
from nnae.auditing import audit as audit_hierarchy
from nnae.dependencies import label_dependencies
from nnae.hierarchy import LabelHierarchy
from nnae.io import atomic_write
from nnae.reporting._audit_data import audit_data
from nnae.reporting._dependency_data import dependency_data
from nnae.reporting._gallery import gallery_data
from nnae.reporting._heldout import HeldOut, read_heldout
from nnae.reporting._page import page
from nnae.reporting._performance import performance_data
from nnae.reporting._tree_data import tree_data

#: Examples whose explanations are decompressed together.
CHUNK = 10
#: With fewer held-out rows no audit can be made.
FEWEST_AUDITED = 4


def report(
    classifier: Any,
    path: str | os.PathLike[str],
    *,
    hierarchy: Any = None,
    audit: Any = None,
    examples: Any = None,
    dependencies: Any = None,
    feature_names: Sequence[str] | None = None,
    title: str = "Report of a label model",
    n_examples: int = 60,
    top: int = 6,
    random_state: int = 0,
) -> None:
    """Write one HTML file that shows a classifier and opens without a network.

    It shows whether the tree of labels can be trusted, the tree itself, which labels depend on
    which, how accurate the classifier is and where accuracy is lost, and held-out examples with
    the flow from features through concepts to labels, whose numbers are those of
    :func:`nnae.explain`.

    Parameters
    ----------
    classifier : TwoStepClassifier
        Fitted.
    path : path
        The file, which appears whole or not at all.
    hierarchy : LabelHierarchy, optional
        Of the classifier's compressor; read from it by default. One made with ``bootstrap`` knows
        how sure its edges are; a model saved compactly needs one.
    audit : AuditReport, optional
        Of the hierarchy; made on the labels of `examples` by default, if they are four or more.
    examples : (X, Y), (X, Y, names) or mapping, optional
        Rows that did not train the classifier. A mapping holds X and Y, and may hold names (of
        rows), texts, images (uint8, h x w x 3), feature_names, and image_features, the
        ImageFeatures that made X of the images: predictions are then led back to their regions.
        Without examples the page has the tree alone, and says that nothing vouches for it.
    dependencies : DataFrame, optional
        From :func:`nnae.label_dependencies`; made on the labels of `examples` by default.
    feature_names : sequence of str, optional
        Override those the classifier knows.
    title : str
    n_examples : int, default=60
        Examples in the gallery, taken at equal distances.
    top : int, default=6
        Features and concepts of each flow.
    random_state : int, default=0
        Of the audit.

    Raises
    ------
    TypeError, ValueError, NotFittedError
        When something is not what it must be; nothing is written then.

    Notes
    -----
    The same arguments give the same bytes. Costs a ranking of the examples, an audit, and three
    explanations for each example shown. Label text is data: it is shown, never run.

    Examples
    --------
    >>> import os, tempfile
    >>> import nnae
    >>> data = nnae.datasets.make_label_hierarchy(300, random_state=0)
    >>> X = data.Y.toarray()[:, ::2].astype(float)
    >>> model = nnae.TwoStepClassifier(random_state=0).fit(X[:200], data.Y[:200, 1::2])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "report.html")
    ...     nnae.report(model, path, examples=(X[200:], data.Y[200:, 1::2]), n_examples=4)
    ...     os.path.getsize(path) < 1_000_000
    True
    """
    if not hasattr(classifier, "predict_topk"):
        raise TypeError(
            f"classifier must be a fitted TwoStepClassifier; got {type(classifier).__name__}"
        )
    check_is_fitted(classifier, "decoder_")
    check_count("n_examples", n_examples)
    check_count("top", top)
    tree = _hierarchy(classifier, hierarchy)
    heldout = read_heldout(classifier, examples)
    if heldout is not None and feature_names is not None:
        heldout = replace(heldout, feature_names=feature_names)
    structure, number = tree_data(tree)
    places = [number[name] for name in tree.labels]
    for place, count in zip(places, classifier.label_counts_.tolist(), strict=True):
        structure["nodes"]["count"][place] = count
    core: dict[str, Any] = {
        "title": title,
        "about": _about(classifier, tree, heldout),
        "tree": structure,
        "examples": [],
        "performance": None,
    }
    blocks: dict[str, Any] = {"core": core}
    if heldout is not None:
        if audit is None and len(heldout) >= FEWEST_AUDITED:
            audit = audit_hierarchy(tree, heldout.Y, random_state=random_state)
        if dependencies is None:
            names = [str(name) for name in classifier.label_names_]
            dependencies = label_dependencies(heldout.Y, label_names=names)
        core["performance"], *ranking = performance_data(classifier, heldout)
        rows = heldout.spread(n_examples)
        core["examples"], reasons = gallery_data(
            classifier, heldout, rows, (ranking[0], ranking[1]), number, tree, top
        )
        core["chunk"] = CHUNK
        for start in range(0, len(reasons), CHUNK):
            blocks[f"reasons-{start // CHUNK}"] = reasons[start : start + CHUNK]
    core["audit"] = audit_data(audit)
    blocks["links"] = dependency_data(dependencies, number)
    text = page(title, _summary(core["about"]), blocks)
    with atomic_write(os.fspath(path)) as file:
        file.write(text.encode())


def _hierarchy(classifier: Any, hierarchy: Any) -> Any:
    names = [str(name) for name in classifier.label_names_]
    if hierarchy is None:
        return LabelHierarchy.from_compressor(classifier.compressor_, label_names=names)
    if not isinstance(hierarchy, nnae.LabelHierarchy):
        raise TypeError(f"hierarchy must be a LabelHierarchy; got {type(hierarchy).__name__}")
    if hierarchy.labels != names:
        raise ValueError(
            f"hierarchy must have the classifier's labels in its order; it has "
            f"{len(hierarchy.labels)}, the classifier {len(names)}"
        )
    return hierarchy


def _about(classifier: Any, hierarchy: Any, heldout: HeldOut | None) -> dict[str, Any]:
    return {
        "n_labels": len(hierarchy.labels),
        "n_features": int(classifier.n_features_in_),
        "widths": hierarchy.widths,
        "decoder": type(classifier.decoder_).__name__.removesuffix("Decoder").lower(),
        "step_two": type(classifier.estimator_).__name__,
        "loss": classifier.loss_name_,
        "n_heldout": 0 if heldout is None else len(heldout),
        "version": __version__,
    }


def _summary(about: dict[str, Any]) -> str:
    levels = " → ".join(f"{width:,}" for width in about["widths"])
    text = f"{about['n_labels']:,} labels, {levels} concepts, decoder “{about['decoder']}”"
    if about["n_heldout"]:
        text += f", {about['n_heldout']:,} held-out examples"
    return text
