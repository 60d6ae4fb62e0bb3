"""The log of one tenant, written in parts: read again by any process, and never in one memory."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plumbing.storage.room import is_full
from recommender.errors import ClusterError
from recommender.orders.signals.crowd import has_repeats
from recommender.ranking.interactions import Interactions, codes_in
from recommender.ranking.partitions import Vocabularies
from recommender.scene import DataCut, Item
from recommender.store.event_parts import EventParts
from recommender.training.cluster.parquet import NUMBERS, FilePart, Writer, coded

EVENTS = 100_000
"""Of one part. Working on a part takes about 1 kB for each of them."""

Texts = NDArray[np.str_]
Tick = Callable[[float], None]


@dataclass(frozen=True)
class ExportedLog:
    """What was written: the parts, guests first, then customers in the order of their names."""

    guests: tuple[FilePart, ...]  # of different people each
    customers: tuple[FilePart, ...]
    sizes: tuple[int, ...]  # customers of each part of `customers`
    words: Vocabularies  # of all rows
    guest_people: Texts
    widest: int  # characters of the longest customer's name
    rows: int
    until_us: int
    returning: bool  # a customer has more than one order

    @property
    def parts(self) -> tuple[FilePart, ...]:
        return self.guests + self.customers

    @property
    def part_sizes(self) -> NDArray[np.int64]:
        """Customers of each of `parts`."""
        return np.array([0] * len(self.guests) + list(self.sizes), np.int64)

    def of_first_customers(self, most: int) -> Interactions:
        """The rows of the first `most` customers or of fewer."""
        rows = self.customers[0].load(self.words)
        return rows.where((rows.customer >= 0) & (rows.customer < most))

    def cut(self, catalogue: Sequence[Item], least_people: int) -> DataCut:
        """As `recommender.training.checks.data_cut` of all rows in one table: the same hash."""
        digest = hashlib.sha256()
        for one in fields(Interactions):
            self._hash(one.name, digest.update)
        digest.update(repr(tuple(catalogue)).encode())
        return DataCut(self.rows, int(sum(self.sizes)), self.until_us, digest.hexdigest(), least_people)

    def _hash(self, name: str, update: Callable[[bytes], None]) -> None:
        if name in ("items", "sites", "regions"):
            words = getattr(self.words, name)
            update(f"{name} {words.dtype.str} {words.shape}".encode() + words.tobytes())
        elif name == "customers":
            kind = np.dtype(f"<U{self.widest}")
            update(f"customers {kind.str} {(int(sum(self.sizes)),)}".encode())
            for part in self.customers:
                update(part.names().astype(kind).tobytes())
        else:
            update(f"{name} {np.dtype(NUMBERS.get(name, 'i4')).str} {(self.rows,)}".encode())
            for column in self._column(name):
                update(np.ascontiguousarray(column).tobytes())

    def _column(self, name: str) -> Iterator[NDArray[np.generic]]:
        """One column of all rows, in the order of one table."""
        if self.guests:
            found = [self._values(part, name, 0) for part in self.guests]
            order = np.concatenate([self._values(part, "order", 0) for part in self.guests])
            yield np.concatenate(found)[np.argsort(order, kind="stable")]
        first = 0
        for part, size in zip(self.customers, self.sizes, strict=True):
            yield self._values(part, name, first)
            first += size

    def _values(self, part: FilePart, name: str, first: int) -> NDArray[np.generic]:
        table = part.file.opened([name])
        if name in NUMBERS:
            return np.asarray(table[name].to_numpy().astype(NUMBERS[name]))
        codes, words = coded(table, name)
        if name == "customer":
            return np.where(codes >= 0, codes + first, -1).astype(np.int32)
        if name == "person":  # guests' names begin with a character that no customer's has
            own = codes_in(self.guest_people, words)
            own = np.where(own >= 0, own, np.arange(len(words)) + first + len(self.guest_people))
            return np.append(own, -1).astype(np.int32)[codes]
        vocabulary = {"site": self.words.sites, "region": self.words.regions}.get(name, self.words.items)
        return np.append(codes_in(vocabulary, words), -1).astype(np.int32)[codes]


class Exporter:
    """Writes parts into a folder, one after the other."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._folder, self._key = folder, key
        self._words: dict[str, set[str]] = {name: set() for name in ("items", "sites", "regions")}
        self._customers: list[FilePart] = []
        self._sizes: list[int] = []
        self._guests: list[Writer] = []
        self._people: set[str] = set()
        self._widest = self._rows = 0
        self._widths = {"items": 1, "sites": 1, "regions": 1}
        self._until_us = np.iinfo(np.int64).min
        self._returning = self._repeats = False

    def add_customers(self, rows: Interactions) -> None:
        """The rows of customers whose names come after all that were added. Raises ClusterError: no room."""
        self._note(rows)
        self._returning |= bool((rows.order >= 1).any())
        self._repeats |= has_repeats(rows)
        self._widest = max(self._widest, *(len(name) for name in rows.customers.tolist()))
        with_room(self._write, rows)

    def _write(self, rows: Interactions) -> None:
        writer = Writer(self._folder / f"customers-{len(self._customers):05d}.parquet", self._key)
        try:
            writer.write(rows, rows.customers)
        finally:
            writer.close()
        self._customers.append(writer.part)
        self._sizes.append(len(rows.customers))

    def add_guests(self, rows: Interactions, people: Texts, bucket: NDArray[np.int64], n: int) -> None:
        """Rows of guests; `bucket` (rows,) says which of n parts each belongs to. Raises ClusterError: no
        room."""
        self._note(rows)
        self._people.update(people.tolist())
        if not self._guests:
            self._guests = [Writer(self._folder / f"guests-{k:05d}.parquet", self._key) for k in range(n)]
        for k in np.unique(bucket).tolist():
            with_room(self._guests[k].write, rows.where(bucket == k), people)

    def done(self) -> ExportedLog:
        """Everything is written."""
        self.close()
        words = {name: np.array(sorted(found), f"<U{self._widths[name]}") for name, found in self._words.items()}
        return ExportedLog(
            tuple(writer.part for writer in self._guests if writer.written),
            tuple(self._customers),
            tuple(self._sizes),
            Vocabularies(**words, repeats=self._repeats),
            np.array(sorted(self._people), np.str_),
            max(self._widest, 1),
            self._rows,
            int(self._until_us),
            self._returning,
        )

    def close(self) -> None:
        """End the files of guests."""
        for writer in self._guests:
            with_room(writer.close)

    def _note(self, rows: Interactions) -> None:
        self._rows += len(rows)
        self._until_us = max(self._until_us, int(np.max(rows.time_us)))
        for name, found in self._words.items():
            words = getattr(rows, name).tolist()
            found.update(words)
            self._widths[name] = max(self._widths[name], *(len(word) for word in words), 1)


def with_room(work: Callable[..., None], *arguments: object) -> None:
    """Raises ClusterError where the folder of the parts is full."""
    try:
        work(*arguments)
    except OSError as error:
        if is_full(error, None):
            raise ClusterError(
                "There is no room for the parts of the log; free some, or name another folder by --shared-folder."
            ) from error
        raise


def export(parts: EventParts, folder: Path, key: bytes, tick: Tick, events: int | None = None) -> ExportedLog:
    """Write all events of one type into a folder, about `events` in each part. Raises ClusterError: no room."""
    events, total, done = events or EVENTS, max(parts.count(), 1), 0
    n = max(1, math.ceil(parts.count(guests=True) / events))
    exporter = Exporter(folder, key)
    try:
        for rows, people in parts.of_guests(events):
            exporter.add_guests(rows, people, _bucket(rows, people, parts.kind, n), n)
            done += int(np.max(rows.order) - np.min(rows.order)) + 1
            tick(min(done / total, 1.0))
        for rows in parts.of_customers(events):
            exporter.add_customers(rows)
            done += int(np.count_nonzero(np.diff(rows.order, prepend=-1) | np.diff(rows.customer, prepend=-1)))
            tick(min(done / total, 1.0))
        return exporter.done()
    except BaseException:
        exporter.close()
        raise


def _bucket(rows: Interactions, people: Texts, kind: str, n: int) -> NDArray[np.int64]:
    """Which part each row belongs to, so that a cell of the counts has the same guest in one part only.

    Rides are counted once for each place and day, whoever rode: there the place decides.
    """
    names, codes = (rows.items, rows.item) if kind == "rode" else (people, rows.person)
    hashed = np.array([zlib.crc32(name.encode()) % n for name in names.tolist()] + [0], np.int64)
    return hashed[codes]
