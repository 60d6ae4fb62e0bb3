"""Stores events with their lines in a few statements, however many there are: each one is a way to the server and
back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from plumbing.storage.database import Database, Row, Statement
from recommender.errors import Erased, EventConflict
from recommender.rules.apply import is_sponsored
from recommender.scene import Event

SEEN = "(e.import_id = '' OR e.import_id NOT IN (SELECT import_id FROM imports))"
"""Where an event `e` is no part of an import that has not ended."""

MOST = 64
"""Rows of one statement, or values of one list."""

COLUMNS, LINE_COLUMNS = 18, 10

OF_AN_EVENT = ("sent_lines", "lines", "events")
"""The tables that have the rows of an event."""

T = TypeVar("T")
Name = tuple[str, str]  # sender, event_id

INSERT_EVENT = (
    f"INSERT INTO events VALUES ({', '.join('?' * COLUMNS)})"  # noqa: S608 question marks only
    " ON CONFLICT (tenant, sender, event_id) DO NOTHING"
)
INSERT_LINE = f"INSERT INTO lines VALUES ({', '.join('?' * LINE_COLUMNS)}) ON CONFLICT DO NOTHING"  # noqa: S608


class Stored(NamedTuple):
    """How many events were new, and the orders of which some event takes something back."""

    new: int
    to_settle: frozenset[Name]


def marks(n: int) -> str:
    """(?, ?, ?) for `n` values."""
    return f"({', '.join('?' * n)})"


def parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in parts of 64, 32, 16 and so on down to 1: so there are seven statements to prepare, not 64."""
    start, size = 0, MOST
    while start < len(values):
        while size > len(values) - start:
            size //= 2
        yield values[start : start + size]
        start += size


def stored(
    database: Database,
    tenant: str,
    events: Sequence[Event],
    now_us: int,
    import_id: str = "",
    *,
    first: int = 0,
    unless: Sequence[Statement] = (),
    about: Sequence[Statement] = (),
) -> Stored:
    """Store events inside a transaction.

    Right also beside others who do the same: what two send at once is stored once, and the second waits for the
    first.

    Args:
        first: the place of the first one in what the caller sent.
        unless: queries for tombstones of the customers.
        about: queries for the names of orders among them that something takes back.

    Raises:
        Erased: one of `unless` found a row. EventConflict: another event has this event_id.
    """
    prints = [event.fingerprint() for event in events]
    wanted = _by_name(events, prints)
    rows = [_row(tenant, events[place], prints[place], now_us, import_id) for place in wanted.values()]
    asks = [*unless, *_without_sender(tenant, events)]
    inserts = list(_inserts(rows))
    lines = _lines(tenant, [events[i] for i in wanted.values()])
    answers = database.several([*asks, *inserts, *lines, *about])
    if any(answers[: len(unless)]):
        raise Erased
    older = {(row["event_id"], row["fingerprint"]) for found in answers[len(unless) : len(asks)] for row in found}
    new = {
        (row["sender"], row["event_id"])
        for found in answers[len(asks) : len(asks) + len(inserts)]
        for row in found
    }
    to_settle = {
        (row["order_sender"], row["order_id"]) for found in answers[len(answers) - len(about) :] for row in found
    }
    for name in [name for name in new if name[0] and (name[1], prints[wanted[name]]) in older]:
        _remove(database, tenant, name)  # stored without a sender before
        new.remove(name)
    again = [
        (place, name)
        for place, event in enumerate(events)
        if (name := (event.sender, event.event_id)) in wanted
        and not (name in new and wanted[name] == place)
        and not (event.sender and (event.event_id, prints[place]) in older)
    ]
    known = {name: prints[wanted[name]] for name in new}
    n_new = len(new) + _sent_again(database, tenant, again, known, prints, now_us, import_id, first)
    return Stored(n_new, frozenset(to_settle))


def _by_name(events: Sequence[Event], prints: Sequence[str]) -> dict[Name, int]:
    """The place of the first event of each name; without those that come without a sender as well, before."""
    wanted: dict[Name, int] = {}
    plain: set[tuple[str, str]] = set()
    for place, event in enumerate(events):
        if not event.sender:
            plain.add((event.event_id, prints[place]))
        elif (event.event_id, prints[place]) in plain:
            continue
        wanted.setdefault((event.sender, event.event_id), place)
    return wanted


def _without_sender(tenant: str, events: Sequence[Event]) -> Iterator[Statement]:
    """Ask for those that were stored without a sender: from a file, or before senders were kept."""
    for part in parts(sorted({event.event_id for event in events if event.sender})):
        yield (
            "SELECT event_id, fingerprint FROM events WHERE tenant = ? AND sender = ''"  # noqa: S608 question marks
            f" AND event_id IN {marks(len(part))}",
            (tenant, *part),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as they are written. Made before a transaction begins: it takes as long as the writing."""

    events: Sequence[Event]
    rows: Sequence[tuple[Any, ...]]
    lines: Sequence[tuple[Any, ...]]

    @classmethod
    def of(cls, tenant: str, events: Sequence[Event], now_us: int, import_id: str) -> Batch:
        """The rows in the order of their names."""
        sort = sorted(events, key=lambda event: (event.sender, event.event_id))
        rows = [_row(tenant, event, event.fingerprint(), now_us, import_id) for event in sort]
        return cls(events, rows, line_rows(tenant, sort))

    def stored(self, database: Database, tenant: str, now_us: int, import_id: str, *, first: int) -> int:
        """As `stored`, of the events of an import; returns how many were new.

        Where all of them are, nothing is asked about any of them.
        """
        names = {(event.sender, event.event_id) for event in self.events}
        older = database.several(list(_without_sender(tenant, self.events)))
        if len(names) < len(self.events) or any(older):
            return stored(database, tenant, self.events, now_us, import_id, first=first).new
        with database.write() as connection:
            new = connection.executemany(INSERT_EVENT, self.rows).rowcount
            connection.executemany(INSERT_LINE, self.lines)
        if new == len(self.rows):
            return new
        return new + stored(database, tenant, self.events, now_us, import_id, first=first).new


def _inserts(rows: Sequence[tuple[Any, ...]]) -> Iterator[Statement]:
    """In the order of their names, so that two who send the same never wait for each other in a circle. They give
    the names of those that were not there."""
    for part in parts(sorted(rows, key=lambda row: row[:3])):
        yield (
            f"INSERT INTO events VALUES {', '.join([marks(COLUMNS)] * len(part))}"  # noqa: S608 question marks only
            " ON CONFLICT (tenant, sender, event_id) DO NOTHING RETURNING sender, event_id",
            [value for row in part for value in row],
        )


def _lines(tenant: str, events: Sequence[Event]) -> Iterator[Statement]:
    """The lines of an event that was there are there as well: a different event under its name is refused."""
    rows = line_rows(tenant, events)
    for part in parts(sorted(rows, key=lambda row: row[:4])):
        yield (
            f"INSERT INTO lines VALUES {', '.join([marks(LINE_COLUMNS)] * len(part))} ON CONFLICT DO NOTHING",  # noqa: S608
            [value for row in part for value in row],
        )


def line_rows(tenant: str, events: Iterable[Event]) -> list[tuple[Any, ...]]:
    """The rows of the lines of events."""
    return [
        (
            *(tenant, event.sender, event.event_id, i, line.item, line.quantity, line.price),
            *(_paid(event, line.item), options_text(line.options), line.listed),
        )
        for event in events
        for i, line in enumerate(event.lines)
    ]


def options_text(options: Sequence[str]) -> str:
    """The choices of a line as its row has them."""
    return json.dumps(list(options), ensure_ascii=False) if options else ""


def options_in(row: Mapping[str, Any] | Row) -> tuple[str, ...]:
    """The inverse of `options_text`, of the row of a line."""
    return tuple(json.loads(row["options"])) if row["options"] else ()


def _paid(event: Event, item: str) -> int:
    """1 where the item was suggested in a sponsored place."""
    return int(is_sponsored(event.recommendation_id, item))


def _remove(database: Database, tenant: str, name: Name) -> None:
    for table in OF_AN_EVENT:
        database.change(
            f"DELETE FROM {table} WHERE tenant = ? AND sender = ? AND event_id = ?",  # noqa: S608 names of ours
            (tenant, *name),
        )


def _sent_again(
    database: Database,
    tenant: str,
    again: Sequence[tuple[int, Name]],
    known: dict[Name, str],
    prints: Sequence[str],
    now_us: int,
    import_id: str,
    first: int,
) -> int:
    """Check those that were there (or twice in the batch); how many of them are ours from now on."""
    taken = 0
    for place, name in again:
        if name not in known:
            known[name], is_ours = _earlier(database, tenant, name, prints[place], now_us, import_id)
            taken += is_ours
        if known[name] != prints[place]:
            raise EventConflict(first + place, name[1])
    return taken


def _row(tenant: str, event: Event, fingerprint: str, now_us: int, import_id: str) -> tuple[Any, ...]:
    return (
        tenant,
        event.sender,
        event.event_id,
        event.type,
        event.scene,
        event.customer,
        event.time_us,
        event.hour,
        event.weekday,
        event.site,
        event.region,
        event.origin,
        event.recommendation_id,
        fingerprint,
        now_us,
        import_id,
        event.order_id,
        (event.order_sender or event.sender) if event.order_id else "",
    )


def _earlier(
    database: Database, tenant: str, name: Name, fingerprint: str, now_us: int, import_id: str
) -> tuple[str, bool]:
    """The fingerprint of an event that was there, and whether it is ours from now on: an import that may still
    fail wrote the same event first."""
    row = database.row(
        f"SELECT fingerprint, import_id, {SEEN} AS seen FROM events e"  # noqa: S608 constant parts only
        " WHERE tenant = ? AND sender = ? AND event_id = ?",
        (tenant, *name),
    )
    if row["fingerprint"] != fingerprint or row["seen"] or row["import_id"] == import_id:
        return row["fingerprint"], False
    database.change(
        "UPDATE events SET import_id = ?, received_us = ? WHERE tenant = ? AND sender = ? AND event_id = ?",
        (import_id, now_us, tenant, *name),
    )
    return row["fingerprint"], True
