"""The multi-label form of the svmlight format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnae.io._atomic import atomic_write
from nnae.io._blocks import LabelData, Part, Stream, blocks, collect
from nnae.io._names import Names, as_names, check_count
from nnae.io._rows_text import RowFormat, RowReader
from nnae.io._source import FileLike, Source
from nnae.io._write_rows import as_pair, write_lines


class SvmlightStream(Stream):
    """One svmlight file; the widths are known after it was read."""

    def __init__(
        self,
        source: Source,
        *,
        n_features: int | None = None,
        n_labels: int | None = None,
        zero_based: bool | str = "auto",
        label_names: Names = None,
        feature_names: Names = None,
        dtype: Any = np.float32,
    ):
        super().__init__(source, dtype)
        if zero_based not in (True, False, "auto"):
            raise ValueError(f"zero_based must be True, False or 'auto'; got {zero_based!r}")
        self.label_names = as_names(label_names, "label")
        self.feature_names = as_names(feature_names, "feature")
        self.n_features = n_features if self.feature_names is None else len(self.feature_names)
        self.n_labels = n_labels if self.label_names is None else len(self.label_names)
        for names, count, what in (
            (self.label_names, n_labels, "label"),
            (self.feature_names, n_features, "feature"),
        ):
            if count is not None:
                check_count(names, count, what, source.name)
        self._zero_based: bool | None = None if zero_based == "auto" else bool(zero_based)
        self.feature_offset = 0 if self._zero_based in (None, True) else 1

    @property
    def settled(self) -> bool:
        return super().settled and self._zero_based is not None

    def parts(self) -> Iterator[Part]:
        bound = self.n_features
        if bound is not None:
            bound += 0 if self._zero_based is True else 1
        form = RowFormat("skip", True, None, bound, self.n_labels, dtype=self.dtype)
        reader = RowReader(self.source, form)
        for part in reader.parts(self.source.chunks()):
            if self._zero_based is False and reader.smallest_feature == 0:
                raise self.source.error(
                    self._line_with_zero(), "feature index 0 must not occur with zero_based=False"
                )
            yield part
        if not reader.rows:
            raise self.source.error(None, "the file has no rows")
        if self._zero_based is None:
            self._zero_based = reader.smallest_feature in (0, None)
            self.feature_offset = 0 if self._zero_based else 1
        if self.n_features is None:
            self.n_features = reader.largest_feature + 1 - self.feature_offset
            self.n_features = max(self.n_features, 0)
        elif reader.largest_feature - self.feature_offset >= self.n_features:
            raise self.source.error(
                None,
                f"feature index {reader.largest_feature} must be below {self.n_features}, as "
                "index 0 occurs too",
            )
        if self.n_labels is None:
            self.n_labels = reader.largest_label + 1

    def _line_with_zero(self) -> int | None:
        for number, line in self.source.lines():
            fields = line.partition(b"#")[0].split()
            if any(f.partition(b":")[0].strip(b"0") == b"" and b":" in f for f in fields):
                return number
        return None


def read_svmlight(
    source: FileLike,
    *,
    n_features: int | None = None,
    n_labels: int | None = None,
    zero_based: bool | str = "auto",
    label_names: Names = None,
    feature_names: Names = None,
    dtype: Any = np.float32,
) -> LabelData:
    r"""Read svmlight lines with several labels, ``label,label feature:value ... # comment``.

    Parameters
    ----------
    source : path, or open text or binary file
        Plain or gzip. Empty lines and lines of comment alone are skipped.
    n_features, n_labels : int, optional
        The widths; by default the largest column plus one.
    zero_based : bool or "auto", default "auto"
        Whether features are counted from 0; "auto": they are when a feature 0 occurs anywhere.
        Labels are counted from 0 always.
    label_names, feature_names : sequence of str, or path of a file with one a line, optional
    dtype : floating-point type, default float32
        Of X.

    Returns
    -------
    LabelData
        X (n x d) and Y (n x L); labels that a row repeats count once, repeated features are added.

    Raises
    ------
    ValueError
        Naming the line: negative labels or columns, columns out of range, values that are not
        finite, query numbers, anything that is not the format; a file without rows.

    Notes
    -----
    Cost: linear in the size of the file. scikit-learn's ``load_svmlight_file`` reads the same
    files, without line numbers in its errors and with labels as tuples.

    Examples
    --------
    >>> import io
    >>> from nnae.io import read_svmlight
    >>> data = read_svmlight(io.StringIO("0,2 1:0.5 3:2 # first\n1 2:1\n"))
    >>> data.Y.shape, data.X.shape
    ((2, 3), (2, 3))
    """
    return collect(
        SvmlightStream(
            Source(source),
            n_features=n_features,
            n_labels=n_labels,
            zero_based=zero_based,
            label_names=label_names,
            feature_names=feature_names,
            dtype=dtype,
        )
    )


def iter_svmlight(source: FileLike, *, rows: int = 65536, **options: Any) -> Iterator[LabelData]:
    r"""Read an svmlight file in blocks of rows.

    Parameters
    ----------
    source : path, or open file
        Read twice unless ``n_features``, ``n_labels`` and ``zero_based`` are given.
    rows : int, default 65536
        Rows a block; the last may have fewer.
    **options
        As for `read_svmlight`.

    Yields
    ------
    LabelData

    Examples
    --------
    >>> import io
    >>> from nnae.io import iter_svmlight
    >>> [b.X.shape for b in iter_svmlight(io.StringIO("0 1:1\n1 2:1\n1 4:1\n"), rows=2)]
    [(2, 4), (1, 4)]
    """
    return blocks(SvmlightStream(Source(source), **options), rows)


def write_svmlight(
    target: Any, X: Any, Y: Any, *, zero_based: bool = True, label_names: Names = None
) -> None:
    """Write svmlight lines with several labels.

    Parameters
    ----------
    target : path or open file
        A path is replaced as a whole or not at all; ``.gz`` is compressed.
    X : sparse or dense, n x d, or None
        Finite features; written so that reading gives the same bits.
    Y : any label input, n x L
        0/1.
    zero_based : bool, default True
        Whether features are counted from 0.
    label_names : sequence of str, optional
        The order of the labels when Y is a list of names; the format holds numbers only.

    Raises
    ------
    ValueError
        When X and Y differ in rows, X is not finite or Y is not 0/1.
    OSError
        When the file cannot be written; the old file is unchanged.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from nnae.io import write_svmlight
    >>> out = io.StringIO()
    >>> Y = np.array([[1, 1], [0, 1]])
    >>> write_svmlight(out, [[0, 0.5], [1, 0]], Y, zero_based=False)
    >>> print(out.getvalue(), end="")
    0,1 2:0.5
    1 1:1
    """
    X, Y, _ = as_pair(X, Y, as_names(label_names))
    with atomic_write(target) as file:
        write_lines(file, X, Y, 0 if zero_based else 1)
