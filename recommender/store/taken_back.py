"""Orders and rides that were taken back, as a whole or in part, by `voided` and `refunded` events.

What is left of an order stands where every query looks: its `lines` have what is left, and the type of one that
was taken back as a whole is another one (`ordered:back`), so that nothing counts it. `sent_lines` keeps the lines
that changed as they were sent. What is taken back is worked out from all events about an order whenever one of
them or the order itself comes: so it does not matter which comes first, nor how often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from plumbing.storage.database import Connection, Database, Row, Statement
from recommender.scene import TAKES_BACK, Event, OrderLine, Reduced
from recommender.store import forgotten
from recommender.store.recorded import SEEN, Name, marks, options_in, parts

BACK = ":back"
BASES = ("ordered", "rode")
"""Types of events that can be taken back."""

_BY = f"e.type IN {marks(len(TAKES_BACK))}"
_LINE = "position, item, quantity, price, sponsored, options, listed"
_ABOUT = (
    "SELECT DISTINCT e.order_sender, e.order_id FROM events e WHERE e.tenant = ? AND e.order_id <> ''"  # noqa: S608
    f" AND {_BY} AND "
)


def base_type(kind: str) -> str:
    """The type as it was sent, of one that is stored."""
    return kind.removesuffix(BACK)


def asks_about(tenant: str, events: Sequence[Event]) -> list[Statement]:
    """Queries for the names of those orders among `events` that some event takes back."""
    ids = sorted({event.event_id for event in events if event.type in BASES})
    return [
        (f"{_ABOUT}e.order_id IN {marks(len(part))}", (tenant, *TAKES_BACK, *part))  # question marks only
        for part in parts(ids)
    ]


def orders_named(events: Iterable[Event]) -> set[Name]:
    """The orders that events take back, or were redeemed with."""
    return {(event.order_sender or event.sender, event.order_id) for event in events if event.order_id}


def orders_of_import(database: Database, tenant: str, import_id: str) -> set[Name]:
    """The orders that events of an import take back, and those of the import that some event takes back."""
    rows = database.rows(
        f"{_ABOUT}(e.import_id = ? OR EXISTS (SELECT 1 FROM events o WHERE o.tenant = e.tenant"  # noqa: S608
        " AND o.sender = e.order_sender AND o.event_id = e.order_id AND o.import_id = ?))",
        (tenant, *TAKES_BACK, import_id, import_id),
    )
    return {(row["order_sender"], row["order_id"]) for row in rows}


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The SQL of what was taken back. `tombstone` is that of the events' store."""

    database: Database
    tombstone: Callable[[str, str], str]  # of (tenant, customer)

    def settle(self, tenant: str, names: Iterable[Name], *, import_id: str = "") -> list[Reduced]:
        """Bring orders in line with the events that take them back, inside a transaction.

        Returns every order of `names` of which something was taken back, now or before. Nothing is ever given
        back: an event that retention removed has done its work.

        Args:
            import_id: of an import that has not ended: its events count for its own orders already, for no other.
        """
        found = (self._settle(tenant, name, import_id) for name in sorted(set(names)))
        return [one for one in found if one is not None]

    def _settle(self, tenant: str, name: Name, import_id: str) -> Reduced | None:
        order = self.database.row(
            f"SELECT e.*, {SEEN} AS seen FROM events e WHERE e.tenant = ? AND e.sender = ? AND e.event_id = ?",  # noqa: S608
            (tenant, *name),
        )
        if order is None or base_type(order["type"]) not in BASES:
            return None
        by = self._events_about(tenant, order, import_id if order["import_id"] == import_id else "")
        lines = _Lines.of(self.database, tenant, name)
        whole = order["type"].endswith(BACK)
        if not by and not whole and not lines.sent:
            return None
        whole_now = whole or self._take(tenant, by, lines)
        changed = not whole if whole_now else lines.changed
        with self.database.write() as connection:
            if changed:
                if whole_now:
                    connection.execute(
                        "UPDATE events SET type = ? WHERE tenant = ? AND sender = ? AND event_id = ?",
                        (order["type"] + BACK, tenant, *name),
                    )
                else:
                    lines.write(connection, tenant, name)
                if order["seen"]:
                    self._forget(connection, tenant, order, len(lines.rows) if whole_now else lines.n_gone)
            if order["customer"]:
                self._file(connection, tenant, by, order["customer"])
        return Reduced(*name, order["time_us"], () if whole_now else lines.left())

    def _events_about(self, tenant: str, order: Row, import_id: str) -> list[Row]:
        """The events that take an order back: of its own sender, or of one that may speak for its site; and of
        nobody else's customer."""
        return self.database.rows(
            "SELECT e.sender, e.event_id FROM events e WHERE e.tenant = ? AND e.order_id = ? AND e.order_id <> ''"  # noqa: S608
            f" AND {_BY} AND e.order_sender = ? AND e.scene = ? AND (e.sender = ? OR e.site = '' OR e.site = ?)"
            f" AND (e.customer = '' OR e.customer = ?) AND ({SEEN} OR e.import_id = ?)"
            " ORDER BY e.sender, e.event_id",
            (
                *(tenant, order["event_id"], *TAKES_BACK, order["sender"], order["scene"]),
                *(order["sender"], order["site"], order["customer"], import_id),
            ),
        )

    def _take(self, tenant: str, by: Sequence[Row], lines: _Lines) -> bool:
        """Take the lines of events from an order's; whether nothing is left of it."""
        wanted: Counter[tuple[str, str]] = Counter()
        for event in by:
            own = self.database.rows(
                "SELECT item, quantity, options FROM lines WHERE tenant = ? AND sender = ? AND event_id = ?",
                (tenant, event["sender"], event["event_id"]),
            )
            if not own:
                return True
            for row in own:
                wanted[row["item"], row["options"]] += row["quantity"]
        lines.take(wanted)
        return bool(lines.rows) and not any(lines.rest.values())

    def _file(self, connection: Connection, tenant: str, by: Sequence[Row], customer: str) -> None:
        """What takes back a customer's order is kept, shown and erased with it."""
        connection.executemany(
            "UPDATE events SET customer = ? WHERE tenant = ? AND sender = ? AND event_id = ? AND customer = ''",
            [(customer, tenant, row["sender"], row["event_id"]) for row in by],
        )

    def _forget(self, connection: Connection, tenant: str, order: Row, lines: int) -> None:
        """What is popular is counted again. If a training may have read the order, the customer's row leaves the
        versions at once, and a training without the order is owed."""
        kind, scene = base_type(order["type"]), order["scene"]
        connection.execute(
            "INSERT INTO generations VALUES (?, ?, 1) ON CONFLICT (tenant, name)"
            " DO UPDATE SET number = generations.number + 1",
            (tenant, "erasures"),
        )
        read = connection.execute(
            "SELECT 1 FROM runs WHERE tenant = ? AND scene IN (?, 'offers')"
            " AND (ended_us IS NULL OR ended_us >= ?) LIMIT 1",
            (tenant, scene, order["received_us"]),
        ).fetchone()
        if read is not None:
            hashed = self.tombstone(tenant, order["customer"]) if order["customer"] else ""
            forgotten.note(connection, tenant, kind, hashed, lines=lines)
            forgotten.note(connection, tenant, "offers")


class _Lines:
    """The lines of an order: as they were sent, and how many of each are left."""

    def __init__(self, rows: Mapping[int, Row], now: Mapping[int, int], sent: Iterable[int]) -> None:
        """`rows` and `now` (quantities) by position; `sent` are the positions that `sent_lines` has."""
        self.rows, self.now, self.sent = rows, now, set(sent)
        self.rest = {at: row["quantity"] for at, row in rows.items()}

    @classmethod
    def of(cls, database: Database, tenant: str, name: Name) -> _Lines:
        """Read them."""
        there, sent = _rows(database, "lines", tenant, name), _rows(database, "sent_lines", tenant, name)
        now = {at: row["quantity"] for at, row in there.items()}
        return cls(dict(sorted({**there, **sent}.items())), now, sent)

    def take(self, wanted: Mapping[tuple[str, str], int]) -> None:
        """Take so many of each item with its choices: from lines with the same choices first."""
        for (item, options), number in sorted(wanted.items(), key=lambda pair: (not pair[0][1], pair[0])):
            own = [at for at, row in self.rows.items() if row["item"] == item and row["options"] == options]
            other = [at for at, row in self.rows.items() if row["item"] == item and at not in own]
            for at in [*own, *other]:
                part = min(number, self.rest[at])
                self.rest[at] -= part
                number -= part
        for at in self.sent:  # an event that is not kept any more has done its work
            self.rest[at] = min(self.rest[at], self.now.get(at, 0))

    @property
    def changed(self) -> bool:
        """Whether the tables have something else."""
        return any(self.now.get(at, 0) != rest for at, rest in self.rest.items())

    @property
    def n_gone(self) -> int:
        """How many lines leave the log."""
        return sum(1 for at, rest in self.rest.items() if not rest and at in self.now)

    def write(self, connection: Connection, tenant: str, name: Name) -> None:
        """Bring the tables in line."""
        for at, rest in self.rest.items():
            row, where = self.rows[at], (tenant, *name, at)
            if rest != row["quantity"] and at not in self.sent:
                connection.execute(
                    f"INSERT INTO sent_lines (tenant, sender, event_id, {_LINE}) VALUES {marks(10)}",  # noqa: S608
                    (tenant, *name, *(row[part] for part in _LINE.split(", "))),
                )
            which = "WHERE tenant = ? AND sender = ? AND event_id = ? AND position = ?"
            if rest:
                connection.execute(f"UPDATE lines SET quantity = ? {which}", (rest, *where))  # noqa: S608
            else:
                connection.execute(f"DELETE FROM lines {which}", where)  # noqa: S608

    def left(self) -> tuple[OrderLine, ...]:
        """What is left."""
        return tuple(
            OrderLine(row["item"], self.rest[at], row["price"], options_in(row), row["listed"])
            for at, row in self.rows.items()
            if self.rest[at]
        )


def _rows(database: Database, table: str, tenant: str, name: Name) -> dict[int, Row]:
    """The rows of an order in one of our tables, by position."""
    rows = database.rows(
        f"SELECT {_LINE} FROM {table} WHERE tenant = ? AND sender = ? AND event_id = ?"  # noqa: S608 constant names
        " ORDER BY position",
        (tenant, *name),
    )
    return {row["position"]: row for row in rows}
