"""Which regions of a picture make the score of a label, or a concept's code."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnae.explaining import Explanation, explain
from nnae.explaining._flow import Flow
from nnae.explaining._names import ConceptNames
from nnae.explaining._question import read_label
from nnae.images import _region_formats
from nnae.images._occluded import Occluded
from nnae.images._overlay import marked
from nnae.images._region_flow import region_flow
from nnae.images._regions import centres, where

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RegionExplanation:
    """Hold which regions of a picture make a score.

    Made by :func:`nnae.images.region_explanation`. All amounts are parts of `score`.

    Attributes
    ----------
    name : str
        The label, "a rather than b" for a contrast, or the concept.
    score : float
        What ``predict_topk`` reports, or the concept's code.
    base : float
        The same of the picture with all regions taken away.
    parts : ndarray of shape (R,)
        What each region gives: what is lost without it.
    method : str
        "occlusion" or "shapley".
    picture : ndarray of uint8, h x w x 3
        As the backbone sees it.
    regions : ndarray of int, h x w
        The region of each pixel.
    explanation : Explanation or None
        The ledger of the whole picture's features; None for a concept.

    Examples
    --------
    >>> import nnae
    >>> from nnae.images import ImageFeatures, region_explanation
    >>> data = nnae.datasets.load_emoji(return_images=True)
    >>> model = nnae.TwoStepClassifier(profile="fast", random_state=0)
    >>> model = model.fit(data.X_train[:200], data.Y_train[:200])
    >>> found = region_explanation(model, ImageFeatures(), data.images_test[0], 0, n_regions=9)
    >>> bool(abs(found.frame["contribution"].sum() - found.score) < 1e-9)
    True
    """

    name: str
    score: float
    base: float
    parts: Array
    method: str
    picture: Array
    regions: Array
    explanation: Explanation | None
    code_parts: Array = field(repr=False)
    codes: Array = field(repr=False)

    @property
    def residual(self) -> float:
        """What regions do only together: the score less `base` and `parts`."""
        return self.score - self.base - float(self.parts.sum())

    @cached_property
    def heat(self) -> npt.NDArray[np.float64]:
        """What each pixel's region gives (h x w)."""
        return np.asarray(self.parts[self.regions], np.float64)

    @cached_property
    def marked(self) -> npt.NDArray[np.uint8]:
        """The picture in grey, regions for in blue and against in orange over it."""
        return marked(self.picture, self.heat)

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """Regions, the one that gives most first."""
        return np.argsort(-self.parts, kind="stable")

    @property
    def best(self) -> npt.NDArray[np.bool_]:
        """Pixels of the region that gives most (h x w)."""
        return np.asarray(self.regions == self.order[0])

    @cached_property
    def names(self) -> list[str]:
        """Names of the regions: number and place, "7, upper left"."""
        places = centres(self.regions).tolist()
        return [f"region {number}, {where(*place)}" for number, place in enumerate(places)]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Lines whose contributions add up to the score.

        Columns region (-1 for none), kind, name, area (part of the picture), row and column (of
        the centre, as parts of height and width) and contribution. Kinds: "region", the largest
        contribution first; "background", the picture with all regions taken away; "interaction",
        what regions do only together.
        """
        places, sizes = centres(self.regions), np.bincount(self.regions.ravel())
        rows: list[tuple[Any, ...]] = [
            (r, "region", self.names[r], sizes[r] / sizes.sum(), *places[r], self.parts[r])
            for r in self.order.tolist()
        ]
        nothing = (np.nan, np.nan, np.nan)
        rows.append((-1, "background", "without any region", *nothing, self.base))
        rows.append((-1, "interaction", "regions together", *nothing, self.residual))
        columns = ["region", "kind", "name", "area", "row", "column", "contribution"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def flow(self) -> Flow:
        """The score as a flow from regions through concepts of every level to the label.

        A region's part passes through a concept in proportion to what the concept's code loses
        without it; what passes through none goes to the label directly.
        """
        return region_flow(self)

    def to_text(self, width: int = 100) -> str:
        """Write the strongest regions for a terminal.

        Parameters
        ----------
        width : int, default=100
            Columns.

        Returns
        -------
        str
        """
        return _region_formats.to_text(self, width)

    def to_json(self) -> str:
        """Write everything as one JSON document; the same explanation gives the same bytes.

        Returns
        -------
        str
            Regions are run lengths, ``[region, pixels]``, row by row. Safe inside an HTML script
            element.
        """
        return _region_formats.to_json(self)

    def plot(self) -> Figure:
        """Draw the picture and, over it, the regions for and against (needs matplotlib).

        Returns
        -------
        matplotlib figure
        """
        from nnae.plot import region_overlay

        return region_overlay(self)

    def _repr_html_(self) -> str:
        return _region_formats.to_html(self)

    def __repr__(self) -> str:
        return (
            f"<RegionExplanation: {self.name} {self.score:.4g}, {len(self.parts)} regions by "
            f"{self.method}, most by {self.names[self.order[0]]}>"
        )


def region_explanation(
    classifier: Any,
    features: Any,
    image: Any,
    label: str | int | None = None,
    *,
    concept: int | str | None = None,
    against: str | int | None = None,
    level: int = 1,
    regions: Any = "superpixels",
    n_regions: int = 40,
    fill: Any = "blur",
    method: str = "occlusion",
    top: int = 5,
    hierarchy: Any = None,
    random_state: int = 0,
) -> RegionExplanation:
    r"""Explain a score by the regions of a picture: what is lost when each is taken away.

    Region r gives :math:`s(x) - s(x_{\setminus r})`, where its pixels are filled. What regions do
    only together, :math:`s(x) - s(x_{\setminus all}) - \sum_r`, is stated as `residual`; with
    ``method="shapley"`` it is shared out.

    Parameters
    ----------
    classifier : TwoStepClassifier
        Fitted.
    features : ImageFeatures or Pipeline
        What made the classifier's features of pictures: `pipeline[:-1]` of a fitted pipeline.
    image : path, PIL image or array
    label : str or int, optional
        Name or column; the best label of the picture by default.
    concept : int or str, optional
        Explain the code of this concept of `level`, by number or name, instead of a label.
    against : str or int, optional
        Another label: explain the difference, why one rather than the other.
    level : int, default=1
        Level of abstraction, as in ``predict_topk``.
    regions : {"superpixels", "grid"} or array of int, h x w; default="superpixels"
        An array is of the size that the backbone sees, ``features.see(image).shape[:2]``.
    n_regions : int, default=40
        About how many.
    fill : {"blur", "mean"} or three numbers, default="blur"
        What pixels become: the picture blurred until no outline is left, its mean colour, or red,
        green and blue.
    method : {"occlusion", "shapley"}, default="occlusion"
        One region at a time, or all orders of regions, sampled: eight times the cost.
    top : int, default=5
        Concepts and regions of the flow.
    hierarchy : LabelHierarchy, optional
        Of the classifier's compressor, to name concepts as it does.
    random_state : int, default=0
        Of "shapley".

    Returns
    -------
    RegionExplanation
        Its ``frame`` adds up to its ``score``.

    Raises
    ------
    TypeError, ValueError, NotFittedError
        When something is not what it must be; `PictureError`, a ValueError, names the picture.

    Notes
    -----
    Costs a description and a prediction of R + 2 pictures, 8 R for "shapley".

    References
    ----------
    M. Zeiler, R. Fergus: Visualizing and understanding convolutional networks, 2014. R. Achanta
    et al.: SLIC superpixels, 2012. E. Štrumbelj, I. Kononenko: An efficient explanation of
    individual classifications using game theory, 2010.

    Examples
    --------
    >>> import nnae
    >>> from nnae.images import ImageFeatures, region_explanation
    >>> data = nnae.datasets.load_emoji(return_images=True)
    >>> model = nnae.TwoStepClassifier(profile="fast", random_state=0)
    >>> model = model.fit(data.X_train[:200], data.Y_train[:200])
    >>> found = region_explanation(model, ImageFeatures(), data.images_test[0], regions="grid")
    >>> found.heat.shape, len(found.parts)
    ((64, 64), 42)
    """
    asked = Occluded.of(
        classifier,
        features,
        image,
        regions=regions,
        n_regions=n_regions,
        fill=fill,
        method=method,
        random_state=random_state,
    )
    if concept is not None:
        if label is not None or against is not None:
            raise ValueError("explain a label or a concept, not both at once")
        return of_concept(asked, concept, level, hierarchy)
    return of_label(asked, label, against=against, level=level, top=top, hierarchy=hierarchy)


def of_label(
    asked: Occluded,
    label: str | int | None,
    *,
    against: str | int | None = None,
    level: int = 1,
    top: int = 5,
    hierarchy: Any = None,
) -> RegionExplanation:
    """Explain a label of a picture whose answers are known."""
    classifier = asked.classifier
    if label is None:
        label = int(classifier.predict_topk(asked.row, 1, level=level)[0][0, 0])
    whole = explain(
        classifier, asked.row, label, against=against, level=level, top=top, hierarchy=hierarchy
    )
    scores = asked.scores(whole.question.label, level)
    if against is not None:
        scores = scores - asked.scores(read_label(classifier, against), level)
    return _made(asked, whole.label, scores, level, whole)


def of_concept(
    asked: Occluded, concept: int | str, level: int, hierarchy: Any
) -> RegionExplanation:
    """Explain a concept's code of a picture whose answers are known."""
    widths = asked.classifier.scale_.widths
    if isinstance(level, bool) or level not in range(1, len(widths) + 1):
        raise ValueError(f"level must be from 1 to {len(widths)}; got {level!r}")
    named, width = ConceptNames(asked.classifier, hierarchy), widths[level - 1]
    if isinstance(concept, str):
        names = [named.name(level, p) for p in range(width)]
        if concept not in names:
            raise ValueError(
                f"concept must be one of the {width} of level {level}; got {concept!r}"
            )
        concept = names.index(concept)
    if isinstance(concept, bool) or concept not in range(width):
        raise ValueError(f"concept must be from 0 to {width - 1}; got {concept!r}")
    return _made(asked, named.name(level, concept), asked.codes(level)[:, concept], level, None)


def _made(
    asked: Occluded, name: str, answers: Array, level: int, whole: Explanation | None
) -> RegionExplanation:
    codes = asked.codes(level)
    return RegionExplanation(
        name=name,
        score=float(answers[0]) if whole is None else whole.score,
        base=float(answers[1]),
        parts=asked.plan.parts(answers[:, None])[:, 0],
        method=asked.method,
        picture=asked.picture,
        regions=asked.regions,
        explanation=whole,
        code_parts=asked.plan.parts(codes),
        codes=codes[:2],
    )
