"""A questionnaire in one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from nnae._validation import check_choice, check_count
from nnae.io import atomic_write
from nnae.simulate._questions import ask_about_decisions, frequency_strata
from nnae.simulate._simulation import check_hierarchy, decisions_of
from nnae.study._document import largest_words, nested_tree, shuffled_places, study_document
from nnae.study._items import choose_items
from nnae.study._pictures import picture_uri

#: What may be shown beside a question.
CONDITIONS = ("none", "shuffled_tree", "tree")
CONFIDENCE = ("guessing", "unsure", "fairly sure", "sure", "certain")
_SECONDS = 25  # an item, for the estimate on the first page
_INTRODUCTION = (
    "Thank you for taking part. This study asks whether people can foresee what a computer model "
    "decides, and what helps them to."
)


def reader_study(
    classifier: Any,
    hierarchy: Any,
    examples: Any,
    path: Any,
    *,
    images: Any = None,
    texts: Sequence[str] | None = None,
    feature_names: Sequence[str] | None = None,
    example_names: Sequence[str] | None = None,
    conditions: Sequence[str] = ("none", "tree"),
    design: str = "within",
    n_items: int = 24,
    n_practice: int = 2,
    n_revealed: int = 2,
    top_k: int | None = None,
    title: str = "What will the model choose?",
    introduction: str | None = None,
    text_title: str = "The example in words",
    random_state: int | None = 0,
) -> Path:
    """Write a questionnaire that measures whether people foresee the model better with the tree.

    The file opens in any browser and needs no network; it sends nothing anywhere, and its own
    security policy forbids it to. A participant gives a code and consents, practises with
    feedback, then tells for each example whether the model also chose one more label, and how
    sure they are; at the end the answers are saved as a CSV file, which `analyse_study` reads. It
    can be done with the keyboard alone.

    Parameters
    ----------
    classifier : TwoStepClassifier
        Fitted.
    hierarchy : LabelHierarchy
        Of the same labels.
    examples : array or sparse matrix, n x d
        Features of rows that trained neither. Each question has a row of its own, drawn at random
        among those with two decisions or more.
    path : path
        File to write.
    images : array of uint8, n x h x w x 3, or sequence of n paths, optional
        Pictures to show; they become part of the file.
    texts : sequence of n str, optional
        Text to show.
    feature_names : sequence of d str, optional
        Without `texts`, the names of the 15 largest features are shown.
    example_names : sequence of n str, optional
        Names for the column `example` of the answers; row numbers without. They are not shown.
    conditions : sequence of {"none", "tree", "shuffled_tree"}
        What is shown beside the questions; the last is the tree with its labels shuffled.
    design : {"within", "between"}, default="within"
        "within": everybody sees all conditions, a part for each, and each item under one of them;
        "between": everybody sees one.
    n_items : int, default=24
        Items a participant, a multiple of twice the number of conditions ("between": of two).
    n_practice : int >= 0, default=2
        Practice items a part.
    n_revealed : int >= 1, default=2
        Labels shown of each example.
    top_k : int >= 2, optional
        The model's decisions are its best `top_k` labels; without it, what ``predict`` returns.
    title, introduction, text_title : str
        Of the page; of the paragraphs above the consent, parted by empty lines; above `texts`.
    random_state : int, optional
        Chooses items, and with the participant's code conditions and order.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    ImportError
        When jinja2 is missing.
    NotFittedError
        When the classifier is not fitted.
    ValueError
        When something does not match, or too few examples have decisions to ask about.

    Notes
    -----
    **Items.** Half of them have the answer yes, in every condition and stratum of label frequency
    as in `simulate_reader`; practice examples are not asked about again.

    **Order.** A participant's number is that at the end of the code, P07 is 7; other codes are
    hashed. With C conditions, set s of the items is shown under condition ``(s + number) mod C``,
    and the parts are rotated by ``floor(number / C) mod C``: codes 1, 2, 3, ... give a balanced
    study. Items are shuffled in their part by seed and code. ``?participant=7`` at the end of the
    page's address fills the code in.

    **Who answers what.** The file holds the right answers, as any that works without a server
    must; a curious participant can find them.

    Examples
    --------
    >>> import tempfile
    >>> import nnae
    >>> data = nnae.datasets.make_label_hierarchy(900, test_size=0.5, random_state=0)
    >>> X, X_test = data.Y_train.toarray(), data.Y_test.toarray()
    >>> model = nnae.TwoStepClassifier(nnae.NNAE((12, 3), random_state=0), random_state=0)
    >>> model = model.fit(X, data.Y_train, label_names=data.label_names)
    >>> tree = nnae.LabelHierarchy.from_compressor(model.compressor_)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = nnae.reader_study(model, tree, X_test, folder + "/study.html")
    ...     path.name, "<html" in path.read_text("utf-8")
    ('study.html', True)
    """
    environment = _environment()
    check_choice("design", design, ("within", "between"))
    shown = _check_conditions(conditions)
    for name, value, least in (
        ("n_items", n_items, 2),
        ("n_practice", n_practice, 0),
        ("n_revealed", n_revealed, 1),
        ("top_k", 2 if top_k is None else top_k, 2),
    ):
        check_count(name, value, least)
    n_sets = len(shown) if design == "within" else 1
    if n_items % (2 * n_sets):
        raise ValueError(f"n_items must be a multiple of {2 * n_sets}; got {n_items}")
    check_is_fitted(classifier, "decoder_")
    check_hierarchy(classifier, hierarchy)
    rows = decisions_of(classifier, examples, top_k)
    n = rows.shape[0]
    for name, given in (("images", images), ("texts", texts), ("example_names", example_names)):
        if given is not None and len(given) != n:
            raise ValueError(f"{name} must have one entry an example ({n}); got {len(given)}")
    if feature_names is not None and len(feature_names) != np.shape(examples)[1]:
        raise ValueError(
            f"examples has {np.shape(examples)[1]} features, feature_names has {len(feature_names)}"
        )
    draws = np.random.default_rng(random_state)
    strata = frequency_strata(np.bincount(rows.indices, minlength=rows.shape[1]))
    questions, _ = ask_about_decisions(rows, strata, n_revealed, draws)
    choice = choose_items(questions, strata, n_items, n_practice * len(shown), n_sets, draws)
    trees = {}
    for condition in shown:
        if condition != "none":
            place = np.arange(rows.shape[1])
            if condition == "shuffled_tree":
                place = shuffled_places(hierarchy, draws)
            trees[condition] = nested_tree(hierarchy, place)
    known = {}
    for item in [*choice.practice, *(item for items in choice.sets for item in items)]:
        i = item.example
        about = {"name": str(i if example_names is None else example_names[i])}
        if images is not None:
            about["image"] = picture_uri(images[i])
        if texts is not None:
            about["text"] = str(texts[i])
        elif feature_names is not None:
            about["text"] = largest_words(_row(examples, i), feature_names)
        known[i] = about
    for item in choice.practice:  # only these are ever revealed in full
        decided = rows.indices[rows.indptr[item.example] : rows.indptr[item.example + 1]]
        known[item.example]["decisions"] = decided.tolist()
    document = study_document(
        choice,
        list(hierarchy.labels),
        trees,
        known,
        {
            "seed": int(draws.integers(2**31)),
            "design": design,
            "conditions": list(shown),
            "textTitle": text_title,
        },
    )
    asked = n_items + n_practice * n_sets
    page = _render(
        environment,
        data=document,
        title=title,
        introduction=[
            part.strip() for part in (introduction or _INTRODUCTION).split("\n\n") if part.strip()
        ],
        confidence=CONFIDENCE,
        n_items=n_items,
        n_blocks=n_sets,
        n_conditions=len(shown),
        shows_tree=bool(trees),
        minutes=max(1, round(asked * _SECONDS / 60)),
    )
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))
    return Path(path)


def _check_conditions(conditions: Sequence[str]) -> tuple[str, ...]:
    if isinstance(conditions, str) or not len(conditions):
        raise ValueError(f"conditions must be a list of at least one; got {conditions!r}")
    for condition in conditions:
        check_choice("conditions", condition, CONDITIONS)
    if len(set(conditions)) < len(conditions):
        raise ValueError(f"conditions must differ; got {', '.join(conditions)}")
    return tuple(conditions)


def _row(X: Any, i: int) -> Any:
    return X.iloc[i] if hasattr(X, "iloc") else X[[i]] if hasattr(X, "indptr") else np.asarray(X)[i]


def _environment() -> Any:
    try:
        import jinja2
    except ImportError:
        raise ImportError(
            "reader_study needs jinja2, which the report extra brings: pip install 'nnae[report]'"
        ) from None
    return jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _render(environment: Any, *, data: str, **known: Any) -> str:
    """Fill the template; style and script are allowed by their digests, nothing else is."""
    from markupsafe import Markup

    folder = resources.files("nnae.study") / "templates"
    style, script, page = (
        (folder / name).read_text("utf-8") for name in ("study.css", "study.js", "study.html.j2")
    )
    return str(
        environment.from_string(page).render(
            data=Markup(data),
            style=Markup(style),
            script=Markup(script),
            style_hash=_digest(style),
            script_hash=_digest(script),
            **known,
        )
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
