"""ARFF files with several labels, as Mulan and MEKA write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nnae.io._arff_header import Header, label_columns
from nnae.io._arff_rows import ArffRows
from nnae.io._blocks import LabelData, Part, Stream, blocks, collect
from nnae.io._names import Names, as_names, check_count
from nnae.io._source import FileLike, Source


class ArffStream(Stream):
    """One ARFF file; its header says the widths and names."""

    def __init__(
        self,
        source: Source,
        labels: Any = None,
        *,
        missing: float | None = None,
        ids: str | None = None,
        drop: Sequence[str] = (),
        label_names: Names = None,
        dtype: Any = np.float32,
    ):
        super().__init__(source, dtype)
        if missing is not None and np.isinf(missing):
            raise ValueError(f"missing must be None, a finite number or NaN; got {missing}")
        if isinstance(drop, str):
            raise TypeError(f"drop must be a list of names; got {drop!r}")
        self._labels, self._missing = labels, missing
        self._ids, self._drop = ids, tuple(drop)
        self._renamed = as_names(label_names)
        self.allow_nan = missing is not None and bool(np.isnan(missing))

    def parts(self) -> Iterator[Part]:
        chunks = self.source.chunks()
        rows, line, rest = self._begin(chunks)
        empty = True
        if rest:
            part = rows.part(line, rest)
            empty = not len(part)
            yield part
        for first, chunk in chunks:
            part = rows.part(first, chunk)
            empty = empty and not len(part)
            yield part
        if empty:
            raise self.source.error(None, "there are no rows after @data")

    def _begin(self, chunks: Iterator[tuple[int, bytes]]) -> tuple[ArffRows, int, bytes]:
        """Read the header; return what reads rows, the line after @data, and text already read."""
        header = Header(self.source)
        last = 0
        for first, chunk in chunks:
            at = 0
            for line in range(first, first + chunk.count(b"\n")):
                end = chunk.index(b"\n", at)
                text = self.source.decode(line, chunk[at : end + 1])[:-1]
                at = end + 1
                if header.feed(line, text):
                    return self._columns(header), line + 1, chunk[at:]
                last = line
        if not last:
            raise self.source.error(None, "the file is empty")
        raise self.source.error(last, "the file ends before @data")

    def _columns(self, header: Header) -> ArffRows:
        place = {attribute.name: i for i, attribute in enumerate(header.attributes)}
        for name in (*self._drop, *(() if self._ids is None else (self._ids,))):
            if name not in place:
                raise self.source.error(None, f"there is no attribute {name!r}")
        labels, parents = label_columns(header, self._labels, self.source)
        given = None if self._ids is None else place[self._ids]
        if given in labels:
            raise self.source.error(None, f"attribute {self._ids!r} is a label, not a row's name")
        dropped = {place[name] for name in self._drop}
        if parents is not None:
            self.groups = np.array(
                [p for i, p in zip(labels, parents, strict=True) if i not in dropped], dtype=object
            )
        rows = ArffRows(
            self.source,
            header.attributes,
            [i for i in labels if i not in dropped],
            given,
            dropped,
            self._missing,
            self.dtype,
        )
        names = [header.attributes[i].name for i in labels if i not in dropped]
        if not names:
            raise self.source.error(None, "all labels were dropped")
        check_count(self._renamed, len(names), "label", self.source.name)
        self.label_names = np.array(names, dtype=object) if self._renamed is None else self._renamed
        self.feature_names = np.array(rows.feature_names, dtype=object)
        self.n_labels, self.n_features = len(names), len(rows.feature_names)
        return rows


def read_arff(
    source: FileLike,
    labels: int | Sequence[str] | FileLike | None = None,
    *,
    missing: float | None = None,
    ids: str | None = None,
    drop: Sequence[str] = (),
    label_names: Names = None,
    dtype: Any = np.float32,
) -> LabelData:
    r"""Read an ARFF file with several labels, dense or sparse, as Mulan and MEKA write them.

    Parameters
    ----------
    source : path, or open text or binary file
    labels : int, sequence of str, or path or open file of Mulan's XML, optional
        Which attributes are labels: the first n, the last n (negative), those named, or those in
        the XML file. By default MEKA's ``-C n`` in the relation, else an XML file of the same
        name beside the ARFF file (without ``-train`` or ``-test``).
    missing : float, optional
        What stands in X for a missing value ``?``, NaN allowed; a missing category is a row of
        zeros. By default, and in labels always, a missing value is an error.
    ids : str, optional
        The attribute that names the rows.
    drop : sequence of str
        Attributes to leave out.
    label_names : sequence of str, or path of a file with one a line, optional
        Other names for the labels.
    dtype : floating-point type, default float32
        Of X.

    Returns
    -------
    LabelData
        X: numeric and 0/1 attributes as they are, other nominal ones with one column a value
        named ``attribute=value``. Y: labels, declared ``{0,1}`` or numeric, in the order given.
        `groups` are the parents of labels where the XML has a hierarchy. In sparse rows, an
        attribute left out has the value 0 or its first value; features repeated are added.

    Raises
    ------
    ValueError
        Naming the line: rows of another width, attributes out of range, open quotes or braces,
        values that are not declared, missing or not finite, weights of rows, text attributes that
        are neither `ids` nor dropped.

    References
    ----------
    G. Tsoumakas et al., Mulan: a Java library for multi-label learning, JMLR 12, 2011;
    J. Read et al., MEKA: a multi-label/multi-target extension to WEKA, JMLR 17, 2016.

    Examples
    --------
    >>> import io
    >>> from nnae.io import read_arff
    >>> text = '''@relation 'songs: -C 2'
    ... @attribute sad {0,1}
    ... @attribute 'very calm' {0,1}
    ... @attribute tempo numeric
    ... @data
    ... 1,0,0.5
    ... {1 1,2 2.5}
    ... '''
    >>> data = read_arff(io.StringIO(text))
    >>> data.label_names.tolist(), data.Y.toarray().tolist()
    (['sad', 'very calm'], [[1.0, 0.0], [0.0, 1.0]])
    >>> data.X.toarray().tolist()
    [[0.5], [2.5]]
    """
    return collect(
        ArffStream(
            Source(source),
            labels,
            missing=missing,
            ids=ids,
            drop=drop,
            label_names=label_names,
            dtype=dtype,
        )
    )


def iter_arff(
    source: FileLike,
    labels: int | Sequence[str] | FileLike | None = None,
    *,
    rows: int = 65536,
    **options: Any,
) -> Iterator[LabelData]:
    r"""Read an ARFF file in blocks of rows.

    Parameters
    ----------
    source : path, or open text or binary file
    labels : as for `read_arff`
    rows : int, default 65536
        Rows a block; the last may have fewer.
    **options
        As for `read_arff`.

    Yields
    ------
    LabelData

    Examples
    --------
    >>> import io
    >>> from nnae.io import iter_arff
    >>> text = io.StringIO("@relation r\n@attribute a {0,1}\n@data\n1\n0\n1\n")
    >>> [block.Y.shape for block in iter_arff(text, labels=1, rows=2)]
    [(2, 1), (1, 1)]
    """
    return blocks(ArffStream(Source(source), labels, **options), rows)
