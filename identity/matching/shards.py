"""Rows of one gallery in several shards, which threads search side by side.

One shard is what `FixedPointRows` is: rows that never move. A gallery that grows gets one more shard; what is full
is neither copied nor moved. Row numbers go on from shard to shard.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from identity.matching.fixed_point import Bytes, FixedPointRows

Array = NDArray[np.float32]
Places = Sequence[int] | NDArray[np.intp]
SHARD_ROWS = 250_000
"""A million templates are four shards. Two of a size keep two processors busy to the end of a search."""


class Shards:
    """Room for `capacity` rows of `size` numbers, `most` in each shard. As with `FixedPointRows`, threads may
    search while one writes."""

    def __init__(self, size: int, capacity: int, most: int = SHARD_ROWS) -> None:
        self.most = most
        self.shards = [FixedPointRows(size, rows) for rows in _split(capacity, most)]

    @property
    def capacity(self) -> int:
        """Rows that there is room for."""
        return sum(shard.capacity for shard in self.shards)

    @property
    def used(self) -> int:
        """Rows that are searched, cleared ones among them."""
        return sum(shard.used for shard in self.shards)

    def put(self, rows: Places, vectors: Array) -> None:
        """Write `vectors` (n, size) into `rows` (n,), all of them below `capacity`."""
        for shard, inside, places in self._by_shard(rows):
            shard.put(places, vectors[inside])

    def clear(self, rows: Places) -> None:
        """Overwrite rows with zeros: from now on their cosine is 0 with everybody."""
        for shard, _, places in self._by_shard(rows):
            shard.clear(places)

    def grown(self, capacity: int) -> Shards:
        """These shards with more room: the last one may be copied to its full size, the others are the same. A
        thread that still searches the copied one may go on."""
        larger = Shards.__new__(Shards)
        larger.most = self.most
        wanted = _split(capacity, self.most)
        last = len(self.shards) - 1
        larger.shards = [*self.shards]
        if wanted[last] > self.shards[last].capacity:
            larger.shards[last] = self.shards[last].grown(wanted[last])
        size = self.shards[0].size
        larger.shards += [FixedPointRows(size, rows) for rows in wanted[last + 1 :]]
        return larger

    def nearest(
        self, probes: Array, count: int, among: NDArray[np.intp] | None = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Cosines (m, count) and rows (m, count) nearest to `probes` (m, size), nearest first; row -1 where there
        are fewer. `among` are the only rows to look at. The shards are searched by as many threads as there are
        processors."""
        probes = np.ascontiguousarray(probes, np.float32)
        work: list[tuple[FixedPointRows, NDArray[np.intp] | None, int]]
        if among is None:
            work = [(shard, None, n * self.most) for n, shard in enumerate(self.shards)]
        else:
            work = [
                (shard, places, int(among[inside[0]] - places[0]))
                for shard, inside, places in self._by_shard(among)
            ]

        def nearest_in(
            one: tuple[FixedPointRows, NDArray[np.intp] | None, int],
        ) -> tuple[Array, NDArray[np.int64]]:
            shard, places, first = one
            cosines, rows = shard.nearest(probes, count, places)
            return cosines, np.where(rows < 0, -1, rows + first)

        found = [nearest_in(one) for one in work] if len(work) == 1 else list(_threads().map(nearest_in, work))
        if not found:
            return np.empty((len(probes), 0), np.float32), np.empty((len(probes), 0), np.int64)
        cosines = np.concatenate([part[0] for part in found], axis=1)
        rows = np.concatenate([part[1] for part in found], axis=1)
        order = np.argsort(np.where(rows < 0, np.inf, -cosines), axis=1, kind="stable")[:, :count]
        return np.take_along_axis(cosines, order, 1), np.take_along_axis(rows, order, 1)

    def begin(self, count: int) -> Iterator[Bytes]:
        """The `parts` of empty ones that are to have `count` rows, to be written."""
        for n, shard in enumerate(self.shards):
            yield from shard.begin(min(shard.capacity, max(0, count - n * self.most)))

    @property
    def parts(self) -> Iterator[Bytes]:
        """All rows that are used, as they are kept: see `FixedPointRows.parts`."""
        for shard in self.shards:
            yield from shard.parts

    def vectors(self, rows: NDArray[np.integer]) -> Array:
        """Rows as float32, (n, size)."""
        found = np.empty((len(rows), self.shards[0].size), np.float32)
        for shard, inside, places in self._by_shard(rows):
            found[inside] = shard.vectors(places)
        return found

    def _by_shard(
        self, rows: Places | NDArray[np.integer]
    ) -> Iterator[tuple[FixedPointRows, NDArray[np.intp], NDArray[np.intp]]]:
        """(shard, which of `rows` lie in it, their rows there) of each shard that has some."""
        found = np.asarray(rows, np.intp)
        for n, shard in enumerate(self.shards):
            inside = np.flatnonzero(found // self.most == n)
            if len(inside):
                yield shard, inside, found[inside] - n * self.most


def _split(capacity: int, most: int) -> list[int]:
    """`capacity` rows as full shards and a last one."""
    full, rest = divmod(max(capacity, 1), most)
    return [most] * full + [rest] * (rest > 0)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, "gallery", initializer=_one_each())


def _one_each() -> Callable[[], None]:
    import faiss

    # faiss would start threads of its own in each of these; the number is a thread's own setting.
    return lambda: faiss.omp_set_num_threads(1)
