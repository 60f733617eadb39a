"""Rows that lie on the workers of a Dask cluster: sums and rankings are made where rows are.

Tasks never change what they are given: a worker may die at any time, and what it held is then made
again from what is left. Kernels take one thread a task, since a worker runs as many tasks as Dask
gave it threads.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from nnae._block_sums import GROUP, add_group
from nnae.io._names import Names
from nnae.io._row_blocks import Block, RowBlocks, Widths

#: Bytes of what makes a block, up to which its maker goes to the task that adds it up.
SMALL = 100_000
#: Results that are asked for ahead of the one that is waited for, for each worker.
AHEAD = 2


class ClusterBlocks(RowBlocks):
    """Row blocks made by Dask's tasks.

    Parameters
    ----------
    groups : list of list of Delayed
        Each Delayed stands for one block, or with ``nested`` for an iterable of some. A group is
        added up by one task.
    client : distributed.Client or None
        None takes the one in use, as Dask does.
    """

    def __init__(
        self,
        groups: list[list[Any]],
        client: Any,
        *,
        nested: bool = False,
        name: str = "the blocks",
        label_names: Names = None,
    ) -> None:
        super().__init__(self._pieces, name=name, label_names=label_names)
        self._groups, self._nested, self._given = groups, nested, client

    @property
    def client(self) -> Any:
        """The client whose workers are used."""
        if self._given is not None:
            return self._given
        from distributed import get_client

        try:
            return get_client()
        except ValueError:
            raise ValueError(
                "Dask collections need a cluster: make a distributed.Client, or pass client="
            ) from None

    def _pieces(self) -> Iterator[Any]:
        for found in self._ahead([piece for group in self._groups for piece in group]):
            yield from found if self._nested else (found,)

    def add_up(self, measure: Any) -> Any:
        """Return the sum of a measure over all blocks; only the last sum leaves the workers."""
        from dask.delayed import delayed

        work = delayed(_Work(self.name, self.label_names, self._nested))
        small = delayed(replace(measure, n_threads=1))
        add, plus = delayed(_add), delayed(_plus)
        total: Any = None
        for group in self._groups:
            part = add(work, small, *_makers(group))
            total = part if total is None else plus(total, part)
        if total is None:
            raise ValueError(f"{self.name} must hold at least one row; there is none")
        return self._result(total)

    def map_blocks(self, function: Callable[[Block], Any]) -> Iterator[Any]:
        """Yield what a function returns for each block, in order."""
        from dask.delayed import delayed

        work = delayed(_Work(self.name, self.label_names, self._nested))
        task, apply = delayed(function), delayed(_apply)
        every = [apply(work, task, piece) for group in self._groups for piece in group]
        for found in self._ahead(every):
            yield from found

    def _ahead(self, tasks: list[Any]) -> Iterator[Any]:
        client = self.client
        width = AHEAD * max(1, sum(client.nthreads().values()))
        waiting: deque[Any] = deque()
        for task in tasks:
            waiting.append(client.compute(task))
            if len(waiting) >= width:
                yield self._gather(waiting.popleft())
        while waiting:
            yield self._gather(waiting.popleft())

    def _result(self, task: Any) -> Any:
        return self._gather(self.client.compute(task))

    def _gather(self, future: Any) -> Any:
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as lost:
            raise MemoryError(
                "workers died again and again over one block of rows; give them more memory, or "
                f"make blocks of fewer rows ({lost})"
            ) from None


class _Maker:
    """Makes one block where it is added up: then blocks need not travel between workers."""

    def __init__(self, graph: dict[Any, Any], key: Any) -> None:
        self.graph, self.key = graph, key

    def __call__(self) -> Any:
        from dask.local import get_sync

        return get_sync(self.graph, self.key)


def _makers(group: list[Any]) -> list[Any]:
    """Return makers of a group's blocks, or the group where workers hold blocks already.

    A maker that carries much, such as the data itself, would be sent with every pass.
    """
    from dask.delayed import delayed
    from distributed.protocol import pickle

    pickled: Any = pickle.dumps

    makers = []
    for piece in group:
        graph = dict(piece.__dask_optimize__(piece.dask, [piece.key]))
        text = str(list(graph.values()))
        maker = _Maker(graph, piece.key)
        if "Future" in text or len(pickled(maker)) > SMALL:
            return group
        makers.append(delayed(maker, pure=False, traverse=False))
    return makers


class _Work:
    """What a task knows about the blocks that it is given."""

    def __init__(self, name: str, label_names: Any, nested: bool) -> None:
        self.name, self.label_names, self.nested = name, label_names, nested

    def blocks(self, pieces: Sequence[Any]) -> Iterator[Block]:
        """Yield checked blocks."""
        widths = Widths(self.name, self.label_names)
        for piece in pieces:
            made = piece() if isinstance(piece, _Maker) else piece
            for block in made if self.nested else (made,):
                yield widths.check(block)


def _add(work: _Work, measure: Any, *pieces: Any) -> Any:
    return add_group(work.blocks(pieces), measure)


def _plus(total: Any, part: Any) -> Any:
    return copy.deepcopy(total).plus(part)


def _apply(work: _Work, function: Callable[[Block], Any], piece: Any) -> list[Any]:
    return [function(block) for block in work.blocks([piece])]


def is_dask(source: Any) -> bool:
    """Tell whether a source is a Dask collection, or a list of delayed blocks."""
    if isinstance(source, (list, tuple)) and len(source):
        return all(_named(item, "Delayed") for item in source)
    return _named(source, "Bag") or _named(source, "DataFrame") or _named(source, "Array")


def _named(source: Any, name: str) -> bool:
    return any(
        cls.__name__ == name and cls.__module__.split(".")[0] in ("dask", "dask_expr")
        for cls in type(source).__mro__
    )


def dask_blocks(X: Any, Y: Any, client: Any, label_names: Names) -> ClusterBlocks:
    """Return the blocks of a bag, of delayed blocks, or of frames or arrays of X and Y.

    Parameters
    ----------
    X : bag or list of Delayed (blocks), or frame or array
    Y : frame or array with the partitions of X, or None; None takes X for the labels.
    """
    if isinstance(X, (list, tuple)):
        return _of_blocks(list(X), client, label_names)
    if _named(X, "Bag"):
        groups = [[part] for part in X.to_delayed()]
        return ClusterBlocks(groups, client, nested=True, name="the bag", label_names=label_names)
    from dask.delayed import delayed

    labels = X if Y is None else Y
    if label_names is None and hasattr(labels, "columns"):
        label_names = [str(name) for name in labels.columns]
    sides = [None if Y is None else _parts(X), _parts(labels)]
    if sides[0] is not None and len(sides[0]) != len(sides[1] or ()):
        raise ValueError(
            f"X and Y must have the same partitions; X has {len(sides[0])}, "
            f"Y has {len(sides[1] or ())}"
        )
    pair = delayed(_pair)
    pieces = [
        pair(None if sides[0] is None else sides[0][number], part)
        for number, part in enumerate(sides[1] or ())
    ]
    return _of_blocks(pieces, client, label_names)


def stored_on_cluster(stored: Any, rows: int, client: Any, label_names: Names) -> ClusterBlocks:
    """Return the blocks of a folder that every worker can read."""
    from dask.delayed import delayed

    here, read = delayed(stored), delayed(_read)
    pieces = [
        read(here, start, min(stored.n_rows, start + rows))
        for start in range(0, stored.n_rows, rows)
    ]
    return _of_blocks(pieces, client, label_names)


def _read(stored: Any, start: int, stop: int) -> Any:
    return next(stored.blocks(stop - start, start))


def _of_blocks(pieces: list[Any], client: Any, label_names: Names) -> ClusterBlocks:
    groups = [pieces[start : start + GROUP] for start in range(0, len(pieces), GROUP)]
    return ClusterBlocks(groups, client, label_names=label_names)


def _parts(collection: Any) -> list[Any]:
    if hasattr(collection, "rechunk"):
        collection = collection.rechunk({1: -1})
        return [row[0] for row in collection.to_delayed()]
    return list(collection.to_delayed())


def _pair(X: Any, Y: Any) -> Any:
    return (None if X is None else (X.to_numpy() if hasattr(X, "to_numpy") else X)), (
        Y.to_numpy() if hasattr(Y, "to_numpy") else Y
    )
