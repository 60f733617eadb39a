"""Packages of Debian 12 with their tags: sparse words, sparse labels, a gold grouping."""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils import Bunch

from nnae.datasets._archive import DATA_FOLDER, read_arrays, unpack_names, unpack_rows
from nnae.datasets._split import is_test_origin

_DESCRIPTION = """\
Debian tags
-----------
Packages of Debian 12 that carry tags. Source: `apt-cache dumpavail` on {release}.

Rows: {n_train} for training, {n_test} for test. A row is a binary package; it is a test row when
the first byte of SHA-256 of its source package's name is below 51, so that packages built from one
source never fall on both sides.
X: tf-idf (1 + log count; smooth idf counted on training rows; rows of length 1) of {n_words} words
of name, short description and section (`section:...`): those in at least 3 training rows.
Y: {n_tags} tags, {per_row:.2f} a row: those of at least 5 training rows. {n_bare} rows keep no tag.
groups: a tag's facet, the part before `::` ({n_facets} facets).
Terms: debian_tags-NOTICE.txt, beside the data.
"""


def load_debian_tags() -> Bunch:
    """Load packages of Debian 12 and the tags they carry.

    Returns
    -------
    Bunch
        - `X_train` (24,009 x 6,496), `X_test` (5,776 x 6,496): csr float32, tf-idf of the words of
          name, short description and section: ``1 + log(count)`` times
          ``log((1 + n) / (1 + df)) + 1`` with n and df of the training rows, rows of length 1.
        - `Y_train` (24,009 x 511), `Y_test` (5,776 x 511): csr float32 of 0/1, 3.7 tags a row.
        - `label_names`: tags such as ``"role::program"``; `groups`: the facet of each, the part
          before ``::``; `feature_names`: words.
        - `row_names_train`, `row_names_test`: package names; `sources_train`, `sources_test`: the
          source package of each.
        - `counts_train`, `counts_test`: csr float32, the word counts behind X.
        - `DESCR`: str.

    Notes
    -----
    **Source.** ``apt-cache dumpavail`` of Debian 12, field ``Tag``: 29,785 packages; rebuilt by
    ``python -m nnae.datasets.build_debian_tags``. Only counts of words are stored, no sentences.

    **Split.** A package is a test row when the first byte of SHA-256 of its source package's name
    is below 51. Packages of one source look alike: a random split would put most test rows'
    sources into training. Vocabulary (words of at least 3 packages) and labels (tags of at least
    5) are counted on training rows only.

    **Terms.** See ``debian_tags-NOTICE.txt`` in ``nnae/datasets/data``.

    Examples
    --------
    >>> from nnae.datasets import load_debian_tags
    >>> data = load_debian_tags()
    >>> data.X_train.shape, data.Y_train.shape, data.Y_test.shape
    ((24009, 6496), (24009, 511), (5776, 511))
    """
    stored = read_arrays(DATA_FOLDER / "debian_tags.npz")
    names, sources = unpack_names(stored["packages"]), unpack_names(stored["sources"])
    counts, Y = unpack_rows("counts", stored), unpack_rows("labels", stored)
    test = is_test_origin(sources)
    train = ~test
    weigh = TfidfTransformer(sublinear_tf=True).fit(counts[train])
    X = weigh.transform(counts).astype(np.float32)
    label_names = unpack_names(stored["tags"])
    facets = np.array([name.partition("::")[0] for name in label_names], dtype=object)
    return Bunch(
        X_train=X[train],
        Y_train=Y[train],
        X_test=X[test],
        Y_test=Y[test],
        label_names=label_names,
        feature_names=unpack_names(stored["words"]),
        groups=facets,
        row_names_train=names[train],
        row_names_test=names[test],
        sources_train=sources[train],
        sources_test=sources[test],
        counts_train=counts[train],
        counts_test=counts[test],
        DESCR=_DESCRIPTION.format(
            release=unpack_names(stored["release"])[0],
            n_train=int(train.sum()),
            n_test=int(test.sum()),
            n_words=X.shape[1],
            n_tags=Y.shape[1],
            per_row=Y.nnz / Y.shape[0],
            n_bare=int((np.diff(Y.indptr) == 0).sum()),
            n_facets=len(set(facets)),
        ),
    )
