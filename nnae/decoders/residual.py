"""The decoder of rates with classifiers for the labels that concepts describe badly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from nnae._bands import BANDS, frequency_bands
from nnae.decoders._base import Array, Decoder, Evidence, Query
from nnae.decoders.classification import ClassificationDecoder
from nnae.decoders.linear import LinearDecoder
from nnae.one_vs_rest import OneVsRestLinear

#: Labels whose ceiling is at least this are left to the concepts.
HIGH = 0.9
#: Weights of the classifiers up to this size are dropped.
PRUNE = 0.1
#: Most labels of a row that are looked at.
WIDEST = 100


@dataclass
class ResidualDecoder(Decoder):
    r"""Score labels by rates, and by a sparse classifier as far as concepts cannot describe them.

    .. math:: S_{ij} = c_j \Lambda_{ij} + (1 - c_j) (1 + w_j' x_i + w_{j0}) / 2

    :math:`c_j` is the ceiling of label j: the share of its training rows in which the rates of the
    row's *true* codes put it among as many labels as the row has. No step two can do better than
    that through the concepts. Labels with a ceiling of 0.9 and more have :math:`c_j = 1` and no
    classifier. Levels above the first are decoded by rates alone.

    Attributes
    ----------
    concepts : LinearDecoder
    ceilings : ndarray of shape (L,)
        c.
    labels : ndarray of int
        Labels with a classifier.
    classifiers : ClassificationDecoder or None
        Of these labels, squared hinge loss, small weights dropped.
    counts : ndarray of int, shape (L,)
        Positives of labels in training.

    Notes
    -----
    Wide codes leave little to do: the decoder is for narrow, readable ones. Costs a ranking of the
    training rows and a classifier for each label that needs one. Xu, Tao and Xu (2016), Robust
    extreme multi-label learning, for tail labels as a sparse residual.
    """

    concepts: LinearDecoder
    ceilings: Array
    labels: Array
    classifiers: ClassificationDecoder | None
    counts: Array

    @classmethod
    def fit(cls, evidence: Evidence) -> ResidualDecoder:
        """Find out which labels the concepts cannot describe, and train their classifiers."""
        concepts = LinearDecoder.fit(evidence)
        Y = sp.csr_matrix(evidence.Y > 0)
        counts = np.bincount(Y.indices, minlength=Y.shape[1])
        ceilings = _ceilings(concepts, evidence, Y, counts)
        ceilings[ceilings >= HIGH] = 1.0
        labels = np.flatnonzero(ceilings < 1)
        classifiers = None
        if len(labels):
            model = OneVsRestLinear(
                prune=PRUNE, n_threads=evidence.n_threads, random_state=evidence.seed
            )
            targets = sp.csr_matrix(Y[:, labels], dtype=evidence.X.dtype)
            classifiers = ClassificationDecoder(model.fit(evidence.X, targets, evidence.weights))
        return cls(concepts, ceilings, labels, classifiers, counts)

    @property
    def levels(self) -> int:
        """Number of levels of the compressor."""
        return self.concepts.levels

    def scores(self, query: Query, level: int, n_threads: int) -> Array:
        """Return the scores of all labels (n x L)."""
        rates = self.concepts.scores(query, level, n_threads)
        if level == 1 and self.classifiers is not None:
            share = self.ceilings[self.labels].astype(rates.dtype)
            margins = self.classifiers.scores(query, 1, n_threads).astype(rates.dtype)
            rates[:, self.labels] = share * rates[:, self.labels] + (1 - share) * margins
        return rates

    def probabilities(self, scores: Array, loss: str) -> Array:
        """Return the scores as those of rates."""
        return self.concepts.probabilities(scores, loss)

    def frame(self) -> pd.DataFrame:
        """Tell how much the concepts do not explain.

        Returns
        -------
        DataFrame
            Rows: "head", "torso" and "tail" labels, and "all". Columns: "labels"; "classifiers",
            how many of them have one; "by_concepts", the mean c of the band's training positives;
            "by_classifiers", the rest of one.
        """
        bands = frequency_bands(self.counts)
        rows = {}
        for name, chosen in [
            *((name, bands == at) for at, name in enumerate(BANDS)),
            ("all", np.ones(len(bands), bool)),
        ]:
            total = int(self.counts[chosen].sum())
            share = float(self.ceilings[chosen] @ self.counts[chosen]) / total if total else 1.0
            rows[name] = (int(chosen.sum()), int((self.ceilings[chosen] < 1).sum()), share)
        columns = ["labels", "classifiers", "by_concepts"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        frame["by_classifiers"] = 1 - frame["by_concepts"]
        return frame


def _ceilings(
    concepts: LinearDecoder, evidence: Evidence, Y: sp.csr_matrix, counts: Array
) -> Array:
    """Return for each label how often the rates of true codes rank it where it is true."""
    if evidence.T is None:
        raise ValueError("the ceilings of labels need the true codes of the training rows")
    sizes = np.diff(Y.indptr)
    k = int(min(max(int(sizes.max(initial=0)), 1), WIDEST))
    found, _ = concepts.topk(Query(evidence.X, evidence.T), k, 1, evidence.n_threads)
    found = np.where(np.arange(k) < sizes[:, None], found, -1)
    rows = np.repeat(np.arange(len(found)), k)
    known = found.ravel() >= 0
    chosen = sp.csr_matrix(
        (np.ones(int(known.sum()), bool), (rows[known], found.ravel()[known])), shape=Y.shape
    )
    hits = np.bincount(sp.csr_matrix(chosen.multiply(Y)).indices, minlength=Y.shape[1])
    return np.divide(hits, counts, out=np.ones(Y.shape[1]), where=counts > 0)
