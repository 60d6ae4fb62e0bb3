"""One tenant's templates in memory: who each row is of, where they enrolled, and the numbers themselves.

Up to `exact_up_to` templates are rows of float32 with spare room behind them. Beyond that they are fixed-point
numbers in `Shards`, which never move: a row whose template is gone is overwritten, and used again.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from identity.matching.fixed_point import Bytes
from identity.matching.names import Names
from identity.matching.shards import SHARD_ROWS, Shards
from identity.store.homes import NOWHERE

Array = NDArray[np.float32]
NO_PLACE = -1  # of a row that is free
LEAST_ROOM = 64


def room(count: int, size: int) -> Array:
    """Zeros (count, size) in memory that goes back to the system when nobody uses them: a gallery is copied for
    each template that is renewed, and the allocator would keep a copy for each thread."""
    if not count:
        return np.zeros((0, size), np.float32)
    return np.frombuffer(mmap.mmap(-1, count * size * 4), np.float32).reshape(count, size)


class GalleryRows:
    """Writers take turns; snapshots that were made earlier keep what they hold.

    `names`, `places` and `homes` go together: row i is the template at `places[i]` of the database, of customer
    `names[i]`, who enrolled at `sites[homes[i]]`. `places` and `homes` may be longer than `names`.
    """

    def __init__(self, size: int, exact_up_to: int, shard_rows: int = SHARD_ROWS) -> None:
        self.size = size
        self.exact_up_to = exact_up_to
        self.shard_rows = shard_rows
        self.sites: list[str] = [NOWHERE]
        self._site_codes = {NOWHERE: 0}
        self.buffer = np.zeros((0, size), np.float32)
        self.empty()

    def empty(self) -> None:
        """Drop every row; the numbers are overwritten."""
        self.buffer[:] = 0
        self.names = Names()
        self.places = np.zeros(0, np.int64)
        self.homes = np.zeros(0, np.int32)
        self.dead: set[int] = set()  # places of templates that no key opens any more
        self.free: list[int] = []
        self.shards: Shards | None = None

    def __len__(self) -> int:
        """The number of templates that were read already."""
        return len(self.names) - len(self.free) + len(self.dead)

    def known(self) -> NDArray[np.int64]:
        """The places of these."""
        rows = self.places[: len(self.names)]
        return np.concatenate([rows[rows != NO_PLACE], np.fromiter(self.dead, np.int64, len(self.dead))])

    def reserve(self, count: int) -> None:
        """Make room for `count` templates: what is read piece by piece needs no copying then."""
        if self.shards is None and count > self.exact_up_to:
            self.shards = Shards(self.size, self._roomy(count), self.shard_rows)
            self.shards.put(np.arange(len(self.names)), self.buffer[: len(self.names)])
            self.buffer = np.zeros((0, self.size), np.float32)

    def add(self, names: Sequence[str], places: Sequence[int], homes: Sequence[str], vectors: Array) -> None:
        """Add templates (n, size)."""
        if not len(names):
            return
        codes = [self._site_codes.setdefault(site, len(self._site_codes)) for site in homes]
        self.sites += list(self._site_codes)[len(self.sites) :]
        self.reserve(len(self.names) + len(names))
        if self.shards is None:
            rows = self._put_exact(names, vectors)
        else:
            rows = self._put_large(self.shards, names, vectors)
        self._make_room(len(self.names))
        self.places[rows], self.homes[rows] = places, codes

    @property
    def numbers(self) -> Iterator[Array | Bytes]:
        """The rows as they are kept, in one or several arrays."""
        yield from [self.exact()] if self.shards is None else self.shards.parts

    def fill(
        self,
        names: Names,
        places: NDArray[np.int64],
        homes: NDArray[np.int32],
        sites: Sequence[str],
        dead: Collection[int],
        large: bool,
    ) -> Iterator[Array | Bytes]:
        """Take over the rows of another one that has the same limits; this one is empty. Gives the arrays into
        which its `numbers` are to be written, one after the other."""
        self.sites, self._site_codes = list(sites), {site: code for code, site in enumerate(sites)}
        self.names, self.places, self.homes, self.dead = names, places, homes, set(dead)
        if large:
            self.shards = Shards(self.size, self._roomy(len(names)), self.shard_rows)
            self.free = np.flatnonzero(places == NO_PLACE).tolist()
            yield from self.shards.begin(len(names))
        else:
            self.buffer = room(len(names), self.size)
            yield self.buffer

    def drop(self, places: Collection[int] | NDArray[np.int64]) -> None:
        """Drop the templates at these places. Snapshots in use keep their shape; the rows become zero."""
        gone = np.fromiter(places, np.int64, len(places))
        self.dead.difference_update(gone.tolist())
        count = len(self.names)
        rows = np.flatnonzero(np.isin(self.places[:count], gone[gone != NO_PLACE]))
        if not len(rows):
            return
        if self.shards is not None:
            self.shards.clear(rows)
            self.names = self.names.without(rows)
            self.free += rows.tolist()
            self.places[rows], self.homes[rows] = NO_PLACE, NO_PLACE
            return
        stay = np.setdiff1d(np.arange(count), rows)
        fresh = room(len(self.buffer), self.size)  # a copy: other threads may be reading the old rows
        np.take(self.buffer, stay, axis=0, out=fresh[: len(stay)], mode="clip")
        self.buffer[rows] = 0
        self.names = self.names.only(stay)
        self.buffer, self.places, self.homes = fresh, self.places[stay], self.homes[stay]

    def exact(self) -> Array:
        """The rows of a gallery that is not large, read-only; none of a large one."""
        matrix = self.buffer[: 0 if self.shards is not None else len(self.names)].view()
        matrix.flags.writeable = False
        return matrix

    def _put_exact(self, names: Sequence[str], vectors: Array) -> NDArray[np.intp]:
        first, needed = len(self.names), len(self.names) + len(names)
        if needed > len(self.buffer):
            # The buffer is never resized in place: a snapshot in use reads the old rows.
            larger = room(max(LEAST_ROOM, needed * 3 // 2), self.size)
            larger[:first] = self.buffer[:first]
            self.buffer = larger
        self.buffer[first:needed] = vectors
        rows = np.arange(first, needed)
        self.names = self.names.put(rows, names)
        return rows

    def _put_large(self, shards: Shards, names: Sequence[str], vectors: Array) -> NDArray[np.intp]:
        reused = [self.free.pop() for _ in range(min(len(self.free), len(names)))]
        first, needed = len(self.names), len(self.names) + len(names) - len(reused)
        if needed > shards.capacity:
            shards = self.shards = shards.grown(self._roomy(needed))
        rows = np.array([*reused, *range(first, needed)], np.intp)
        self.names = self.names.put(rows, names)
        shards.put(rows, vectors)
        return rows

    def _make_room(self, count: int) -> None:
        if count > len(self.places):
            more = max(LEAST_ROOM, count * 5 // 4) - len(self.places)
            self.places = np.concatenate([self.places, np.full(more, NO_PLACE, np.int64)])
            self.homes = np.concatenate([self.homes, np.full(more, NO_PLACE, np.int32)])

    def _roomy(self, count: int) -> int:
        """Some room beyond `count` rows, all of it in memory: a sixteenth more in one shard, and tenths of a shard
        in several."""
        tenth = max(1, self.shard_rows // 10)
        return min(count * 17 // 16, self.shard_rows) if count <= self.shard_rows else -(-count // tenth) * tenth
