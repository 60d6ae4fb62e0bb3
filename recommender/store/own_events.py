"""What the database has of one customer: their events, each with its lines, and their offers. To be shown to
them, and to be taken back one by one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plumbing.storage.database import Connection, Database, Row
from recommender.errors import EventAmbiguous, NoSuchEvent
from recommender.scene import Event
from recommender.store import forgotten
from recommender.store.events import EventStore, raise_generation
from recommender.store.recorded import SEEN, options_in

OwnLine = tuple[str, int, int | None, tuple[str, ...]]

_WITH_LINES = (
    "SELECT e.*, l.item, l.quantity, l.price, l.options FROM events e LEFT JOIN lines l"
    " ON l.tenant = e.tenant AND l.sender = e.sender AND l.event_id = e.event_id"
)
_ROWS = (
    f"{_WITH_LINES} WHERE e.tenant = ? AND e.customer = ? AND {SEEN}"
    " ORDER BY e.time_us, e.event_id, e.sender, l.position"
)
_ONE = f"{_WITH_LINES} WHERE e.tenant = ? AND e.sender = ? AND e.event_id = ? AND {SEEN} ORDER BY l.position"


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """One event of a customer, as it is stored; `lines` are (item, quantity, price in minor units or None,
    choices)."""

    reference: str  # names it among all events of this customer
    event_id: str
    sender: str
    type: str
    scene: str
    time_us: int
    hour: float
    weekday: int
    site: str
    region: str
    origin: str
    recommendation_id: str
    lines: tuple[OwnLine, ...]
    fingerprint: str

    @property
    def key(self) -> str:
        """As `Event.key`."""
        return f"{self.sender}\x1f{self.event_id}" if self.sender else self.event_id


class OwnEventStore:
    """The SQL of one customer's events. `key` makes the hashes of what was taken back."""

    def __init__(self, database: Database, key: bytes, events: EventStore) -> None:
        self._database = database
        self._key = key
        self._events = events

    def of(self, tenant: str, customer: str) -> list[OwnEvent]:
        """All events of a customer, oldest first."""
        found: dict[tuple[str, str], OwnEvent] = {}
        lines: dict[tuple[str, str], list[OwnLine]] = {}
        for row in self._database.rows(_ROWS, (tenant, customer)):
            name = (row["sender"], row["event_id"])
            if name not in found:
                found[name] = _event(row)
            if row["item"] is not None:
                lines.setdefault(name, []).append(_line(row))
        return [replace(event, lines=tuple(lines.get(name, ()))) for name, event in found.items()]

    def one(self, tenant: str, sender: str, event_id: str) -> tuple[str, OwnEvent] | None:
        """Any event by its name, and whose it is (empty: a guest's); None: there is none, or none any more."""
        rows = self._database.rows(_ONE, (tenant, sender, event_id))
        if not rows:
            return None
        lines = (_line(row) for row in rows if row["item"] is not None)
        return str(rows[0]["customer"]), replace(_event(rows[0]), lines=tuple(lines))

    def find(self, tenant: str, customer: str, name: str) -> OwnEvent:
        """The event with this reference, or with this event_id.

        Raises:
            NoSuchEvent: this customer has none. EventAmbiguous: several senders gave this event_id.
        """
        own = self.of(tenant, customer)
        found = [event for event in own if event.reference == name] or [one for one in own if one.event_id == name]
        if not found:
            raise NoSuchEvent
        if len(found) > 1:
            raise EventAmbiguous
        return found[0]

    def decisions_and_purchases(self, tenant: str, pseudonym: str) -> int:
        """How many decisions there are for this customer and purchases of theirs."""
        found = self._database.row(
            "SELECT (SELECT COUNT(*) FROM offer_decisions WHERE tenant = ? AND pseudonym = ?)"
            " + (SELECT COUNT(*) FROM offer_purchases WHERE tenant = ? AND pseudonym = ?) AS found",
            (tenant, pseudonym, tenant, pseudonym),
        )
        return int(found["found"]) if found else 0

    def decisions_of(self, tenant: str, pseudonym: str) -> list[Mapping[str, Any]]:
        """Every decision for a customer, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM offer_decisions WHERE tenant = ? AND pseudonym = ? ORDER BY decided_us, decision_id",
            (tenant, pseudonym),
        )
        return [dict(row) for row in rows]

    def outcomes_of(self, tenant: str, pseudonym: str) -> list[Mapping[str, Any]]:
        """The outcomes of all their decisions, oldest first."""
        rows = self._database.rows(
            "SELECT o.decision_id, o.kind, o.occurred_us FROM offer_decisions d CROSS JOIN offer_outcomes o"
            " WHERE o.tenant = d.tenant AND o.decision_id = d.decision_id AND d.tenant = ? AND d.pseudonym = ?"
            " ORDER BY o.occurred_us, o.event_id",
            (tenant, pseudonym),
        )
        return [dict(row) for row in rows]

    def purchases_of(self, tenant: str, pseudonym: str) -> list[Mapping[str, Any]]:
        """Their purchases, oldest first."""
        rows = self._database.rows(
            "SELECT event_id, occurred_us, amount FROM offer_purchases WHERE tenant = ? AND pseudonym = ?"
            " ORDER BY occurred_us, event_id",
            (tenant, pseudonym),
        )
        return [dict(row) for row in rows]

    def take_back(self, tenant: str, customer: str, event: OwnEvent) -> None:
        """Delete an event with its lines and all that offers learned from it; sent again, it stays away.

        Inside the caller's transaction; the caller then scrubs the -wal file and forgets the rows of the models.
        """
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO corrections VALUES (?, ?) ON CONFLICT DO NOTHING",
                (tenant, self._hash(tenant, event.event_id, event.fingerprint)),
            )
            which = (tenant, event.sender, event.event_id)
            for table in ("lines", "events"):
                connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND sender = ? AND event_id = ?",  # noqa: S608
                    which,
                )
            hashed = self._events.tombstone(tenant, customer)
            forgotten.note(connection, tenant, event.type, hashed, lines=len(event.lines))
            if self._of_offers(connection, tenant, event.key):
                forgotten.note(connection, tenant, "offers")
            raise_generation(connection, tenant, "erasures")

    @staticmethod
    def _of_offers(connection: Connection, tenant: str, key: str) -> bool:
        """Delete what the log of offers has from an event. A redemption that was booked is booked no more."""
        spent = connection.execute(
            "DELETE FROM offer_outcomes WHERE tenant = ? AND event_id = ? RETURNING decision_id, kind, cost",
            (tenant, key),
        ).fetchall()
        for row in spent:
            if row["kind"] == "completed" and row["cost"]:
                connection.execute(
                    "UPDATE offers SET spent_count = spent_count - 1, spent_money = spent_money - ?"
                    " WHERE tenant = ? AND spent_count > 0 AND offer_id = (SELECT arm FROM offer_decisions"
                    " WHERE tenant = ? AND decision_id = ?)",
                    (row["cost"], tenant, tenant, row["decision_id"]),
                )
        bought = connection.execute(
            "DELETE FROM offer_purchases WHERE tenant = ? AND event_id = ? RETURNING event_id", (tenant, key)
        ).fetchall()
        return bool(spent or bought)

    def without_taken_back(self, tenant: str, events: Sequence[Event]) -> list[Event]:
        """The events but for those that their customer took back: a device may send one again."""
        some = self._database.row("SELECT 1 FROM corrections WHERE tenant = ? LIMIT 1", (tenant,))
        if some is None:
            return list(events)
        return [event for event in events if not self._is_taken_back(tenant, event)]

    def _is_taken_back(self, tenant: str, event: Event) -> bool:
        found = self._database.row(
            "SELECT 1 FROM corrections WHERE tenant = ? AND event_hash = ?",
            (tenant, self._hash(tenant, event.event_id, event.fingerprint())),
        )
        return found is not None

    def _hash(self, tenant: str, event_id: str, fingerprint: str) -> str:
        return hmac.new(self._key, f"{tenant}\n{event_id}\n{fingerprint}".encode(), hashlib.sha256).hexdigest()


def _line(row: Row) -> OwnLine:
    return row["item"], row["quantity"], row["price"], options_in(row)


def _event(row: Row) -> OwnEvent:
    names: tuple[str, ...] = (
        *("event_id", "sender", "type", "scene", "time_us", "hour", "weekday", "site", "region", "origin"),
        *("recommendation_id", "fingerprint"),
    )
    values: dict[str, Any] = {name: row[name] for name in names}
    key = f"{row['sender']}\n{row['event_id']}".encode()
    return OwnEvent(reference=hashlib.blake2b(key, digest_size=12).hexdigest(), lines=(), **values)
