"""All SQL on what lasts (identity.db), behind one narrow class that another database could replace.

The tenant leads every key; whatever tells two customers apart or leads elsewhere is sealed before it comes here.
What a press needs for seconds is in `moments.py`, in a file of its own.
"""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from identity.consent import ConsentEvent
from identity.errors import StorageFull
from identity.store.galleries import GalleryState, TemplateRow
from plumbing.database import Database

migrations = Migrations("identity")


@migrations()
def customers_and_consent(db: Utils) -> None:
    """`links`, `sealed` and `pin` are sealed under the customer's key; nothing says when somebody enrolled."""
    for statement in (
        "CREATE TABLE galleries (tenant TEXT NOT NULL, pack TEXT NOT NULL, generation INTEGER NOT NULL,"
        " size INTEGER NOT NULL, salt BLOB NOT NULL, PRIMARY KEY (tenant, pack))",
        "CREATE TABLE customers (tenant TEXT NOT NULL, customer_id TEXT NOT NULL, slot INTEGER NOT NULL,"
        " receipt_hash TEXT NOT NULL, links BLOB NOT NULL, pin BLOB, pin_setup_hash TEXT,"
        " pin_setup_until_us INTEGER NOT NULL, pin_failures INTEGER NOT NULL, pin_locks INTEGER NOT NULL,"
        " pin_locked_until_us INTEGER NOT NULL, needs_second_factor INTEGER NOT NULL, last_day INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, customer_id), UNIQUE (tenant, receipt_hash))",
        "CREATE TABLE templates (tenant TEXT NOT NULL, pack TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " generation INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (tenant, pack, customer_id),"
        " FOREIGN KEY (tenant, customer_id) REFERENCES customers (tenant, customer_id))",
        "CREATE INDEX templates_generation ON templates (tenant, pack, generation)",
        "CREATE INDEX templates_customer ON templates (tenant, customer_id)",
        "CREATE TABLE tops (tenant TEXT NOT NULL, pack TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " frames INTEGER NOT NULL, position INTEGER NOT NULL, gallery_size INTEGER NOT NULL, score REAL NOT NULL,"
        " PRIMARY KEY (tenant, pack, customer_id, frames, position))",
        "CREATE TABLE calibrations (tenant TEXT NOT NULL, pack TEXT NOT NULL, frames INTEGER NOT NULL,"
        " calibration TEXT NOT NULL, PRIMARY KEY (tenant, pack, frames))",
        "CREATE TABLE tails (tenant TEXT NOT NULL, pack TEXT NOT NULL, frames INTEGER NOT NULL,"
        " tail TEXT NOT NULL, people INTEGER NOT NULL, made_us INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, pack, frames))",
        "CREATE TABLE consent_events (tenant TEXT NOT NULL, record_id TEXT NOT NULL, position INTEGER NOT NULL,"
        " event_type TEXT NOT NULL, event_time_us INTEGER NOT NULL, purpose TEXT NOT NULL,"
        " notice_version TEXT NOT NULL, notice_sha256 TEXT NOT NULL, age_confirmed INTEGER NOT NULL,"
        " retention_months INTEGER NOT NULL, PRIMARY KEY (tenant, record_id, position))",
        # The ledger is append-only for whoever writes through SQL, too.
        "CREATE TRIGGER consent_is_not_changed BEFORE UPDATE ON consent_events"
        " BEGIN SELECT RAISE(ABORT, 'consent events are append-only'); END",
        "CREATE TRIGGER consent_is_not_deleted BEFORE DELETE ON consent_events"
        " BEGIN SELECT RAISE(ABORT, 'consent events are append-only'); END",
    ):
        db.execute(statement)


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as kept. `pin` is None until one was set."""

    tenant: str
    customer_id: str
    slot: int
    receipt_hash: str
    links: bytes
    pin: bytes | None
    pin_setup_hash: str | None
    pin_setup_until_us: int
    pin_failures: int
    pin_locks: int
    pin_locked_until_us: int
    needs_second_factor: bool
    last_day: int


@contextmanager
def named_when_full() -> Iterator[None]:
    """Whatever runs out of disk in here raises StorageFull."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise StorageFull from error
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise


class Store:
    """identity.db."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- galleries

    def gallery(self, tenant: str, pack: str) -> GalleryState | None:
        """The state of a gallery, or None when nobody has enrolled there yet."""
        row = self.database.row(
            "SELECT generation, size, salt FROM galleries WHERE tenant = ? AND pack = ?", (tenant, pack)
        )
        return None if row is None else GalleryState(*row)

    def open_gallery(self, tenant: str, pack: str, salt: bytes) -> GalleryState:
        """The state of a gallery, made with `salt` when it is not there. Another process may have been first."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO galleries VALUES (?, ?, 0, 0, ?) ON CONFLICT DO NOTHING", (tenant, pack, salt)
            )
        state = self.gallery(tenant, pack)
        assert state is not None
        return state

    def changes(
        self, tenant: str, pack: str, since: int, known: int
    ) -> tuple[GalleryState, list[TemplateRow], set[str] | None]:
        """What is new in a gallery since generation `since`, read as of one moment.

        The last part is the ids of all customers in it, or None when the `known` ones and the new ones are as
        many as it holds: then nobody has left.
        """
        with self._reading():
            state = self.gallery(tenant, pack)
            assert state is not None
            rows = self.database.rows(
                "SELECT t.customer_id, c.slot, t.generation, t.sealed FROM templates t"
                " JOIN customers c ON c.tenant = t.tenant AND c.customer_id = t.customer_id"
                " WHERE t.tenant = ? AND t.pack = ? AND t.generation > ?",
                (tenant, pack, since),
            )
            ids = None
            if known + len(rows) != state.size:
                found = self.database.rows(
                    "SELECT customer_id FROM templates WHERE tenant = ? AND pack = ?", (tenant, pack)
                )
                ids = {row[0] for row in found}
        return state, [TemplateRow(*row) for row in rows], ids

    def galleries(self, tenant: str | None = None) -> list[tuple[str, str, GalleryState]]:
        """(tenant, pack, state) of all galleries, or of one tenant's."""
        rows = self.database.rows("SELECT * FROM galleries ORDER BY tenant, pack")
        found = [(r["tenant"], r["pack"], GalleryState(r["generation"], r["size"], r["salt"])) for r in rows]
        return [entry for entry in found if tenant in (None, entry[0])]

    def renew_gallery(self, tenant: str, pack: str, salt: bytes, sealed: Mapping[str, bytes]) -> None:
        """Replace every template of a gallery and its salt; all of them get the next generation."""
        with self.database.write() as connection:
            generation = self._change(connection, tenant, pack, 0)
            connection.execute("UPDATE galleries SET salt = ? WHERE tenant = ? AND pack = ?", (salt, tenant, pack))
            for customer_id, content in sealed.items():
                connection.execute(
                    "UPDATE templates SET sealed = ?, generation = ?"
                    " WHERE tenant = ? AND pack = ? AND customer_id = ?",
                    (content, generation, tenant, pack, customer_id),
                )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Several calls as one write transaction. Raises DatabaseBusy, or StorageFull with nothing written."""
        with named_when_full(), self.database.write():
            yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        connection = self.database.connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def _change(self, connection: sqlite3.Connection, tenant: str, pack: str, by: int) -> int:
        return connection.execute(
            "UPDATE galleries SET generation = generation + 1, size = size + ? WHERE tenant = ? AND pack = ?"
            " RETURNING generation",
            (by, tenant, pack),
        ).fetchone()[0]

    # --- customers

    def add_customer(self, row: CustomerRow, pack: str, sealed: bytes, consents: Sequence[ConsentEvent]) -> None:
        """A customer, their template and their consent, all or nothing."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(row)
            )
            generation = self._change(connection, row.tenant, pack, 1)
            connection.execute(
                "INSERT INTO templates VALUES (?, ?, ?, ?, ?)",
                (row.tenant, pack, row.customer_id, generation, sealed),
            )
            self._append(connection, row.tenant, consents)

    def put_template(self, tenant: str, customer_id: str, pack: str, sealed: bytes) -> None:
        """A customer's template for one more pack, or a newer one in place of the old."""
        with self.database.write() as connection:
            key = (tenant, pack, customer_id)
            gone = connection.execute(
                "DELETE FROM templates WHERE tenant = ? AND pack = ? AND customer_id = ?", key
            ).rowcount
            generation = self._change(connection, tenant, pack, 1 - gone)
            connection.execute("INSERT INTO templates VALUES (?, ?, ?, ?, ?)", (*key, generation, sealed))

    def customer(self, tenant: str, customer_id: str) -> CustomerRow | None:
        """A customer, or None."""
        row = self.database.row(
            "SELECT * FROM customers WHERE tenant = ? AND customer_id = ?", (tenant, customer_id)
        )
        return None if row is None else _customer(row)

    def customer_of_receipt(self, tenant: str, receipt_hash: str) -> CustomerRow | None:
        """The customer who holds a receipt, or None."""
        row = self.database.row(
            "SELECT * FROM customers WHERE tenant = ? AND receipt_hash = ?", (tenant, receipt_hash)
        )
        return None if row is None else _customer(row)

    def not_seen_since(self, day: int) -> list[CustomerRow]:
        """Customers of all tenants whose last visit was before `day`."""
        rows = self.database.rows("SELECT * FROM customers WHERE last_day < ?", (day,))
        return [_customer(row) for row in rows]

    def visited(self, tenant: str, customer_id: str, day: int) -> None:
        """Retention counts from the last visit; the day is enough, and is one write a day at most."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE customers SET last_day = ? WHERE tenant = ? AND customer_id = ?",
                (day, tenant, customer_id),
            )

    def require_second_factor(self, tenant: str, customer_ids: Sequence[str]) -> None:
        """From now on a face alone does not open what is theirs."""
        with self.database.write() as connection:
            connection.executemany(
                "UPDATE customers SET needs_second_factor = 1 WHERE tenant = ? AND customer_id = ?",
                [(tenant, customer_id) for customer_id in customer_ids],
            )

    def delete_customer(
        self, tenant: str, customer_id: str, record_ids: Sequence[str], now_us: int
    ) -> dict[str, int]:
        """Delete all rows of a customer and withdraw their consent; returns the size of each gallery left behind.

        Nothing is left to say whose consent it was: `record_ids` came out of what their key sealed.
        """
        with self.database.write() as connection:
            packs = [
                row["pack"]
                for row in connection.execute(
                    "SELECT pack FROM templates WHERE tenant = ? AND customer_id = ?", (tenant, customer_id)
                )
            ]
            for statement in (
                "DELETE FROM templates WHERE tenant = ? AND customer_id = ?",
                "DELETE FROM tops WHERE tenant = ? AND customer_id = ?",
                "DELETE FROM customers WHERE tenant = ? AND customer_id = ?",
            ):
                connection.execute(statement, (tenant, customer_id))
            for pack in packs:
                self._change(connection, tenant, pack, -1)
            self._append(connection, tenant, self._withdrawals(tenant, record_ids, now_us))
        return {
            pack: state.size for name, pack, state in self.galleries(tenant) if pack in packs and name == tenant
        }

    # --- consent

    def consents(self, tenant: str, record_ids: Sequence[str]) -> list[ConsentEvent]:
        """All events of some records, oldest first."""
        return [
            ConsentEvent(**{**row, "age_confirmed": bool(row["age_confirmed"])})
            for record_id in record_ids
            for row in self.database.rows(
                "SELECT record_id, position, event_type, event_time_us, purpose, notice_version, notice_sha256,"
                " age_confirmed, retention_months FROM consent_events"
                " WHERE tenant = ? AND record_id = ? ORDER BY position",
                (tenant, record_id),
            )
        ]

    def consent_counts(self, tenant: str) -> dict[str, int]:
        """How many records of each purpose are in force."""
        rows = self.database.rows(
            "SELECT purpose, SUM(CASE event_type WHEN 'given' THEN 1 ELSE -1 END) AS held FROM consent_events"
            " WHERE tenant = ? GROUP BY purpose",
            (tenant,),
        )
        return {row["purpose"]: row["held"] for row in rows}

    def _withdrawals(self, tenant: str, record_ids: Sequence[str], now_us: int) -> list[ConsentEvent]:
        newest = {event.record_id: event for event in self.consents(tenant, record_ids)}
        return [
            ConsentEvent(
                record_id=event.record_id,
                position=event.position + 1,
                event_type="withdrawn",
                event_time_us=now_us,
                purpose=event.purpose,
                notice_version=event.notice_version,
                notice_sha256=event.notice_sha256,
                age_confirmed=event.age_confirmed,
                retention_months=event.retention_months,
            )
            for event in newest.values()
            if event.event_type == "given"
        ]

    def _append(self, connection: sqlite3.Connection, tenant: str, events: Sequence[ConsentEvent]) -> None:
        connection.executemany(
            "INSERT INTO consent_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(tenant, *astuple(event)) for event in events],
        )

    def set_links(self, tenant: str, customer_id: str, links: bytes) -> None:
        """Replace where a customer leads to (sealed)."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE customers SET links = ? WHERE tenant = ? AND customer_id = ?", (links, tenant, customer_id)
            )

    def retire_pack(self, pack: str) -> int:
        """Delete every tenant's templates of a pack, and what was measured on them; returns how many templates."""
        with self.database.write() as connection:
            gone = connection.execute("DELETE FROM templates WHERE pack = ?", (pack,)).rowcount
            for table in ("tops", "calibrations"):
                connection.execute(f"DELETE FROM {table} WHERE pack = ?", (pack,))  # noqa: S608 - our own names
            connection.execute(
                "UPDATE galleries SET generation = generation + 1, size = 0 WHERE pack = ?", (pack,)
            )
        self.database.scrub()
        return gone

    # --- second factor

    def set_pin(self, tenant: str, customer_id: str, pin: bytes) -> None:
        """Keep a sealed PIN and close its set-up."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE customers SET pin = ?, pin_setup_hash = NULL, pin_failures = 0"
                " WHERE tenant = ? AND customer_id = ?",
                (pin, tenant, customer_id),
            )

    def set_pin_state(self, tenant: str, customer_id: str, *, failures: int, locks: int, until_us: int) -> None:
        """How many wrong PINs in a row, how many locks so far, and until when it is locked now."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE customers SET pin_failures = ?, pin_locks = ?, pin_locked_until_us = ?"
                " WHERE tenant = ? AND customer_id = ?",
                (failures, locks, until_us, tenant, customer_id),
            )

    # --- thresholds: numbers made from scores, never vectors

    def calibration(self, tenant: str, pack: str, frames: int) -> dict[str, Any] | None:
        """A kept calibration, or None."""
        row = self.database.row(
            "SELECT calibration FROM calibrations WHERE tenant = ? AND pack = ? AND frames = ?",
            (tenant, pack, frames),
        )
        return None if row is None else json.loads(row["calibration"])

    def keep_calibration(self, tenant: str, pack: str, frames: int, calibration: Mapping[str, Any]) -> None:
        """Replace the calibration for presses of `frames` frames."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO calibrations VALUES (?, ?, ?, ?)"
                " ON CONFLICT (tenant, pack, frames) DO UPDATE SET calibration = excluded.calibration",
                (tenant, pack, frames, json.dumps(calibration)),
            )

    def tail(self, tenant: str, pack: str, frames: int) -> dict[str, Any] | None:
        """The tail that was measured on this tenant's own cohort, or None."""
        row = self.database.row(
            "SELECT tail FROM tails WHERE tenant = ? AND pack = ? AND frames = ?", (tenant, pack, frames)
        )
        return None if row is None else json.loads(row["tail"])

    def keep_tail(
        self, tenant: str, pack: str, frames: int, tail: Mapping[str, Any], *, people: int, now_us: int
    ) -> None:
        """Replace the tail measured on a cohort of `people`."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO tails VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, pack, frames) DO UPDATE"
                " SET tail = excluded.tail, people = excluded.people, made_us = excluded.made_us",
                (tenant, pack, frames, json.dumps(tail), people, now_us),
            )

    def keep_tops(
        self, tenant: str, pack: str, customer_id: str, frames: int, scores: Sequence[float], *, size: int
    ) -> None:
        """Best scores among `size` other customers of a new customer's enrolment, by probes of `frames` frames."""
        with self.database.write() as connection:
            connection.executemany(
                "INSERT INTO tops VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(tenant, pack, customer_id, frames, n, size, float(score)) for n, score in enumerate(scores)],
            )

    def tops(self, tenant: str, pack: str, frames: int, least_size: int) -> list[float]:
        """The above, where they were taken among at least `least_size` others."""
        rows = self.database.rows(
            "SELECT score FROM tops WHERE tenant = ? AND pack = ? AND frames = ? AND gallery_size >= ?",
            (tenant, pack, frames, least_size),
        )
        return [row["score"] for row in rows]


def _customer(row: sqlite3.Row) -> CustomerRow:
    return CustomerRow(**{**row, "needs_second_factor": bool(row["needs_second_factor"])})
