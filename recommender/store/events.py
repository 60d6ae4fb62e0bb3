"""Events with their lines, tombstones of erased customers, and the generations that caches compare."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from plumbing.storage.database import Connection, Database, Statement
from plumbing.storage.tenants import NONE
from plumbing.storage.tombstones import Tombstones
from recommender.errors import Erased
from recommender.ranking.interactions import Interactions
from recommender.ranking.people import LEAST_PEOPLE, without_unshared
from recommender.scene import TAKES_BACK, Event, Reduced
from recommender.store import forgotten
from recommender.store.event_arrays import as_interactions
from recommender.store.former_items import renamed
from recommender.store.recorded import OF_AN_EVENT, SEEN, Stored, marks, parts, stored
from recommender.store.taken_back import BACK, TakenBack, asks_about, base_type, orders_named

COLUMNS = (
    "e.customer, e.sender, e.event_id, e.time_us, e.hour, e.weekday, e.site, e.region, e.origin,"
    " l.item, l.quantity,"
    # A device chooses the time that it reports; the day on which it reports is ours.
    " CASE WHEN e.sender <> '' AND e.import_id = '' THEN e.received_us ELSE e.time_us END"
)
# CROSS JOIN makes SQLite start with the events, also before ANALYZE: 0.4 ms of CPU instead of 15.
FROM = (
    "FROM events e CROSS JOIN lines l WHERE l.tenant = e.tenant AND l.sender = e.sender"
    f" AND l.event_id = e.event_id AND {SEEN} AND"
)
LEARNED = f"{FROM} l.sponsored = 0 AND"
"""What is learned from: nobody chose freely what stood in a place that somebody pays for."""

_LINES_OF = (
    "SELECT e.type, COUNT(*) FROM events e CROSS JOIN lines l WHERE e.tenant = ? AND e.customer = ?"
    " AND l.tenant = e.tenant AND l.sender = e.sender AND l.event_id = e.event_id GROUP BY e.type"
)
_TYPES = ("ordered", "rode", "shown", "accepted", "dismissed", "redeemed", *TAKES_BACK)


class EventStore:
    """Events of all tenants. `key` is for tombstones, which must not contain a pseudonym."""

    def __init__(self, database: Database, key: bytes, remembered: Tombstones | None = None) -> None:
        """`remembered` holds the tombstones outside of the database as well."""
        self._database = database
        self._key = key
        self._remembered = remembered
        self._local = threading.local()  # what a request saw: see `glance`
        self.taken_back = TakenBack(database, self.tombstone)
        self._renamed: dict[tuple[str, str], tuple[int, Mapping[str, str]]] = {}

    def tombstone(self, tenant: str, customer: str) -> str:
        """A keyed hash of a pseudonym, or of an event's key: notes it without the pseudonym or the key itself."""
        return hmac.digest(self._key, f"{tenant}\n{customer}".encode(), "sha256").hex()

    def generation(self, tenant: str, name: str) -> int:
        """How often `name` ("catalogue", "erasures") changed. Caches use it as a stamp."""
        glance: dict[tuple[str, str], int] | None = getattr(self._local, "glance", None)
        if glance is not None and tenant in (self._local.tenant, NONE):
            if not glance:  # for a new installation that has none, it asks again
                rows = self._database.rows(
                    "SELECT tenant, name, number FROM generations WHERE tenant IN (?, ?)",
                    (self._local.tenant, NONE),
                )
                glance |= {(row["tenant"], row["name"]): row["number"] for row in rows}
            return glance.get((tenant, name), 0)
        row = self._database.row("SELECT number FROM generations WHERE tenant = ? AND name = ?", (tenant, name))
        return row["number"] if row else 0

    def renamed(self, tenant: str, kind: str) -> Mapping[str, str]:
        """The present id of each merged id, for events of a type; read again after a change of the catalogue."""
        generation = self.generation(tenant, "catalogue")
        found = self._renamed.get((tenant, kind))
        if found is None or found[0] != generation:
            found = self._renamed[tenant, kind] = generation, renamed(self._database, tenant, kind)
        return found[1]

    @contextmanager
    def glance(self, tenant: str) -> Iterator[None]:
        """Inside, this thread sees the generations of a tenant as they were when it first asked for one: a request
        asks for several, and each would be a way to the server and back."""
        self._local.glance, self._local.tenant = {}, tenant
        try:
            yield
        finally:
            self._local.glance = None

    def is_erased(self, tenant: str, customer: str) -> bool:
        """Whether the customer was erased: one indexed lookup, on every request with a token."""
        hashed = self.tombstone(tenant, customer)
        if self._remembered is not None and bytes.fromhex(hashed) in self._remembered:
            return True
        found = self._database.row(
            "SELECT 1 FROM tombstones WHERE tenant = ? AND customer_hash = ?", (tenant, hashed)
        )
        return found is not None

    def tombstones(self) -> list[str]:
        """The tombstones of all tenants in the database."""
        return [row["customer_hash"] for row in self._database.rows("SELECT customer_hash FROM tombstones")]

    def add_tombstones(self, tenant: str, hashes: Iterable[str], now_us: int) -> None:
        """Store tombstones; those that are there stay as they are."""
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO tombstones VALUES (?, ?) ON CONFLICT (tenant, customer_hash) DO NOTHING",
                [(tenant, hashed) for hashed in hashes],
            )

    def customers(self) -> list[tuple[str, str]]:
        """(tenant, pseudonym) of every customer with events, or with an account."""
        rows = self._database.rows(
            "SELECT tenant, customer FROM events WHERE customer <> ''"
            " UNION SELECT tenant, pseudonym FROM account_ties"
        )
        return [(row["tenant"], row["customer"]) for row in rows]

    def set_generation(self, tenant: str, name: str, number: int) -> None:
        """Set what `generation` gives."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO generations VALUES (?, ?, ?) ON CONFLICT (tenant, name)"
                " DO UPDATE SET number = excluded.number",
                (tenant, name, number),
            )

    def erased_among(self, tenant: str, customers: Iterable[str]) -> set[str]:
        """Those of `customers` who were erased."""
        named = {self.tombstone(tenant, name): name for name in customers}
        remembered = self._remembered
        outside = frozenset[bytes]() if remembered is None else remembered.all()
        found = {hashed for hashed in named if bytes.fromhex(hashed) in outside} if outside else set[str]()
        for ask in self._tombstones_of(tenant, [hashed for hashed in named if hashed not in found]):
            found |= {row["customer_hash"] for row in self._database.rows(*ask)}
        return {named[hashed] for hashed in found}

    def erasures(self, tenant: str) -> tuple[int, int]:
        """Another one as soon as anybody was erased: as long as it is the same, who was not is not."""
        return self.generation(tenant, "erasures"), 0 if self._remembered is None else len(self._remembered)

    @staticmethod
    def _tombstones_of(tenant: str, hashes: Sequence[str]) -> Iterator[Statement]:
        for part in parts(hashes):
            sql = f"SELECT customer_hash FROM tombstones WHERE tenant = ? AND customer_hash IN {marks(len(part))}"  # noqa: S608
            yield sql, (tenant, *part)

    def record(self, tenant: str, events: Sequence[Event], now_us: int) -> int:
        """`record_and_settle` for those who need only the number of new events."""
        return self.record_and_settle(tenant, events, now_us)[0]

    def record_and_settle(
        self, tenant: str, events: Sequence[Event], now_us: int
    ) -> tuple[int, Sequence[Reduced]]:
        """Store a batch; returns how many were new, and the orders of which something was taken back, by these
        events or before. All or nothing.

        Others record at the same time; an erasure waits for them, and who records after it sees the tombstone.

        Raises:
            Erased: a customer in it was erased. EventConflict: another event has this event_id.
            DatabaseBusy: nothing was written.
        """
        with self._database.write(shared=True):
            done = self.add(tenant, events, now_us)
            names = done.to_settle | orders_named(events)
            return done.new, self.taken_back.settle(tenant, names) if names else ()

    def add(self, tenant: str, events: Sequence[Event], now_us: int) -> Stored:
        """`record` inside a transaction."""
        hashes = sorted({self.tombstone(tenant, event.customer) for event in events if event.customer})
        if self._remembered is not None and any(bytes.fromhex(hashed) in self._remembered for hashed in hashes):
            raise Erased
        unless = list(self._tombstones_of(tenant, hashes))
        about = asks_about(tenant, events)
        return stored(self._database, tenant, events, now_us, unless=unless, about=about)

    def counted_since(self, tenant: str, customer: str, since_us: int) -> dict[str, int]:
        """How many events of each type a customer has since a moment."""
        rows = self._database.rows(
            f"SELECT type, COUNT(*) AS n FROM events WHERE tenant = ? AND customer = ?"  # noqa: S608
            f" AND type IN ({', '.join('?' * len(_TYPES))}) AND time_us >= ? GROUP BY type",
            (tenant, customer, *_TYPES, since_us),
        )
        return {row["type"]: row["n"] for row in rows}

    def sites(self, tenant: str, among: int = 5_000) -> list[str]:
        """The sites of the tenant's latest orders."""
        rows = self._database.rows(
            "SELECT DISTINCT site FROM (SELECT site FROM events WHERE tenant = ? AND type = 'ordered'"
            " ORDER BY time_us DESC LIMIT ?) AS latest",
            (tenant, among),
        )
        return [row["site"] for row in rows]

    def has_site(self, tenant: str, site: str, among: int = 5_000) -> bool:
        """Whether one of the tenant's latest orders was at this site."""
        found = self._database.row(
            "SELECT 1 FROM (SELECT site FROM events WHERE tenant = ? AND type = 'ordered'"
            " ORDER BY time_us DESC LIMIT ?) AS latest WHERE site = ? LIMIT 1",
            (tenant, among, site),
        )
        return found is not None

    def history(
        self, tenant: str, customer: str, kind: str, most: int, account: str | None = None
    ) -> Interactions:
        """One customer's latest `most` lines of one type of event, with those of the account tied to them."""
        rows = self._database.rows(
            f"SELECT {COLUMNS} {FROM} e.tenant = ? AND e.customer IN (?, ?) AND e.type = ?"
            " ORDER BY e.time_us DESC, e.event_id DESC, e.sender, l.position LIMIT ?"
            if account
            else f"SELECT {COLUMNS} {FROM} e.tenant = ? AND e.customer = ? AND e.type = ?"
            " ORDER BY e.time_us DESC, e.event_id DESC, e.sender, l.position LIMIT ?",
            (tenant, customer, *([account] if account else []), kind, most),
        )
        who, names = customer if account else None, self.renamed(tenant, kind)
        return as_interactions(rows, kind, everybody=who, renamed=names)

    def latest(self, tenant: str, kind: str, most: int, least_people: int = LEAST_PEOPLE) -> Interactions:
        """Of the tenant's latest `most` lines those of items that enough people chose, all as guests.

        What is popular needs no pseudonyms, and names nothing that fewer than `least_people` people chose.
        """
        rows = self._database.rows(
            f"SELECT {COLUMNS} {LEARNED} e.tenant = ? AND e.type = ?"
            " ORDER BY e.time_us DESC, e.event_id DESC, e.sender, l.position LIMIT ?",
            (tenant, kind, most),
        )
        seen = as_interactions(rows, kind, everybody="", renamed=self.renamed(tenant, kind))
        return without_unshared(seen, least_people)

    def everything(self, tenant: str, kind: str) -> Interactions:
        """All lines of one type of event for a training, in an order that depends on the data alone."""
        rows = self._database.each(
            f"SELECT {COLUMNS} {LEARNED} e.tenant = ? AND e.type = ?"
            " ORDER BY e.customer, e.time_us, e.event_id, e.sender, l.position",
            (tenant, kind),
        )
        return as_interactions(rows, kind, renamed=self.renamed(tenant, kind))

    def counts(self, tenant: str) -> dict[str, int]:
        """The number of events of each type, without those that were taken back as a whole."""
        rows = self._database.rows(
            f"SELECT e.type, COUNT(*) AS n FROM events e WHERE e.tenant = ? AND {SEEN} GROUP BY e.type",  # noqa: S608
            (tenant,),
        )
        return {row["type"]: row["n"] for row in rows if not row["type"].endswith(BACK)}

    def returning_customers(self, tenant: str, kind: str, least: int) -> int:
        """Customers with at least `least` events of a type."""
        row = self._database.row(
            "SELECT COUNT(*) AS n FROM (SELECT e.customer FROM events e WHERE e.tenant = ? AND e.type = ?"  # noqa: S608
            f" AND {SEEN} AND e.customer <> '' GROUP BY customer HAVING COUNT(*) >= ?) AS loyal",
            (tenant, kind, least),
        )
        return row["n"] if row else 0

    def remove_before(self, tenant: str, before_us: int, most: int = 500) -> int:
        """Delete up to `most` events from before a moment, with their lines; returns how many."""
        found = "SELECT sender, event_id FROM events WHERE tenant = ? AND time_us < ? ORDER BY 1, 2 LIMIT ?"
        with self._database.write() as connection:
            for table in OF_AN_EVENT:
                gone = connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND (sender, event_id) IN ({found})",  # noqa: S608 constant parts
                    (tenant, tenant, before_us, most),
                ).rowcount
        return gone

    def has_customers(self, tenant: str, kind: str, n: int) -> bool:
        """Whether at least `n` customers have two events of a type; stops counting there.

        Most tenants have no events at all of some type: that is known without reading those of the others.
        """
        if (
            self._database.row("SELECT 1 FROM events WHERE tenant = ? AND type = ? LIMIT 1", (tenant, kind))
            is None
        ):
            return False
        found = self._database.row(
            "SELECT COUNT(*) AS n FROM (SELECT e.customer FROM events e WHERE e.tenant = ? AND e.customer <> ''"
            " AND e.type = ? GROUP BY e.customer HAVING COUNT(*) >= 2 LIMIT ?) AS returned",
            (tenant, kind, n),
        )
        return found is not None and found["n"] >= n

    def some_customers(self, tenant: str, kind: str, most: int, seed: int) -> tuple[list[str], int]:
        """At most `most` customers with events of a type, drawn by the seed, and how many there are in all."""
        rows = self._database.rows(
            f"SELECT DISTINCT customer FROM events e WHERE tenant = ? AND type = ? AND customer <> '' AND {SEEN}"  # noqa: S608
            " ORDER BY customer",
            (tenant, kind),
        )
        names = [row["customer"] for row in rows]
        if len(names) <= most:
            return names, len(names)
        drawn = np.random.default_rng(seed).choice(len(names), most, replace=False)
        return [names[at] for at in sorted(drawn.tolist())], len(names)

    def export(self, tenant: str) -> Iterable[dict[str, Any]]:
        """One row for each line of each event, as it was sent; `usual import events` reads them."""
        named = "l.tenant = e.tenant AND l.sender = e.sender AND l.event_id = e.event_id"
        columns = "SELECT e.*, l.position, l.item, l.quantity, l.price, l.options FROM events e"
        sql = (
            f"{columns} LEFT JOIN lines l ON {named} WHERE e.tenant = ? AND {SEEN} AND NOT EXISTS"  # noqa: S608
            " (SELECT 1 FROM sent_lines s WHERE s.tenant = l.tenant AND s.sender = l.sender"
            " AND s.event_id = l.event_id AND s.position = l.position)"
            f" UNION ALL {columns} JOIN sent_lines l ON {named} WHERE e.tenant = ? AND {SEEN}"
            " ORDER BY time_us, event_id, sender, position"
        )
        rows = self._database.each(sql, (tenant, tenant))
        return (dict(row) | {"type": base_type(row["type"])} for row in rows)

    def erase(self, tenant: str, customer: str, now_us: int) -> int:
        """Erase a customer; returns how many events were deleted.

        The tombstone is written in the same transaction: afterwards the customer is unknown in every process,
        and a late event is refused. The caller then scrubs the -wal file.
        """
        hashed = self.tombstone(tenant, customer)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO tombstones VALUES (?, ?) ON CONFLICT (tenant, customer_hash) DO NOTHING",
                (tenant, hashed),
            )
            connection.execute("DELETE FROM account_ties WHERE tenant = ? AND pseudonym = ?", (tenant, customer))
            for kind, lines in connection.execute(_LINES_OF, (tenant, customer)).fetchall():
                forgotten.note(connection, tenant, base_type(kind), hashed, lines=lines)
            for table in ("sent_lines", "lines"):
                connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND (sender, event_id) IN"  # noqa: S608 constant names
                    " (SELECT sender, event_id FROM events WHERE tenant = ? AND customer = ?)",
                    (tenant, tenant, customer),
                )
            gone = connection.execute(
                "DELETE FROM events WHERE tenant = ? AND customer = ?", (tenant, customer)
            ).rowcount
            raise_generation(connection, tenant, "erasures")
        return int(gone)


def raise_generation(connection: Connection, tenant: str, name: str) -> None:
    """Mark a change of `name` for the caches of all processes, inside the transaction that makes it."""
    connection.execute(
        "INSERT INTO generations VALUES (?, ?, 1) ON CONFLICT (tenant, name)"
        " DO UPDATE SET number = generations.number + 1",
        (tenant, name),
    )
