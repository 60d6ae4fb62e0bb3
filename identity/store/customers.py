"""SQL of the customers, and the two transactions that reach into the other tables: to add one, to delete one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from identity.consent.ledger import ConsentEvent
from identity.store.consents import ConsentStore
from identity.store.galleries import GalleryStore
from identity.store.schema import Table
from identity.store.thresholds import ThresholdStore
from plumbing.storage.database import Database


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as stored. `links` and `pin` are sealed; `pin` is None until one was set."""

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


class CustomerStore(Table):
    """Table `customers`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._galleries = GalleryStore(database)
        self._thresholds = ThresholdStore(database)
        self._consents = ConsentStore(database)

    def add_customer(self, row: CustomerRow, pack: str, sealed: bytes, consents: Sequence[ConsentEvent]) -> None:
        """Store a customer, their template and their consent, all or nothing."""
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(row)
            )
            self._galleries.put_template(row.tenant, row.customer_id, pack, sealed)
            self._consents.append(row.tenant, consents)

    def customer(self, tenant: str, customer_id: str) -> CustomerRow | None:
        """A customer, or None."""
        row = self.database.row(
            "SELECT * FROM customers WHERE tenant = ? AND customer_id = ?", (tenant, customer_id)
        )
        return None if row is None else _customer(row)

    def customer_of_receipt(self, tenant: str, receipt_hash: str) -> CustomerRow | None:
        """The customer who has a receipt, or None."""
        row = self.database.row(
            "SELECT * FROM customers WHERE tenant = ? AND receipt_hash = ?", (tenant, receipt_hash)
        )
        return None if row is None else _customer(row)

    def all(self) -> list[CustomerRow]:
        """Customers of all tenants."""
        return [_customer(row) for row in self.database.rows("SELECT * FROM customers")]

    def galleries(self) -> list[tuple[str, str, object]]:
        """(tenant, pack, state) of every gallery: while it is the same, nobody joined or left."""
        return list(self._galleries.galleries())

    def not_seen_since(self, day: int) -> list[CustomerRow]:
        """Customers of all tenants whose last visit was before `day` (days since 1970), longest ago first."""
        rows = self.database.rows("SELECT * FROM customers WHERE last_day < ? ORDER BY last_day", (day,))
        return [_customer(row) for row in rows]

    def newest_day(self) -> int | None:
        """The day of the latest visit of any customer of any tenant; None without customers."""
        row = self.database.row("SELECT max(last_day) AS day FROM customers")
        return None if row is None or row["day"] is None else int(row["day"])

    def count(self) -> int:
        """How many customers all tenants have together."""
        row = self.database.row("SELECT count(*) AS n FROM customers")
        return 0 if row is None else int(row["n"])

    def seen_at_most(self, day: int) -> None:
        """A visit after `day` was noted under a clock that was ahead: it counts as one of `day`."""
        if self.database.row("SELECT 1 FROM customers WHERE last_day > ? LIMIT 1", (day,)) is not None:
            self.database.change("UPDATE customers SET last_day = ? WHERE last_day > ?", (day, day))

    def visited(self, tenant: str, customer_id: str, day: int) -> None:
        """Retention counts from the last visit; the day is enough, and is one write a day at most."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE customers SET last_day = ? WHERE tenant = ? AND customer_id = ?",
                (day, tenant, customer_id),
            )

    def require_second_factor(self, tenant: str, customer_ids: Sequence[str]) -> None:
        """From now on the face alone opens nothing of these customers."""
        with self.database.write() as connection:
            connection.executemany(
                "UPDATE customers SET needs_second_factor = 1 WHERE tenant = ? AND customer_id = ?",
                [(tenant, customer_id) for customer_id in customer_ids],
            )

    def delete_customer(
        self, tenant: str, customer_id: str, record_ids: Sequence[str], now_us: int
    ) -> dict[str, int]:
        """Delete all rows of a customer and withdraw their consent; returns the size of each gallery they left.

        Afterwards no row says whose consent it was: `record_ids` were sealed under the customer's key.
        """
        with self.database.write() as connection:
            packs = self._galleries.delete_templates(tenant, customer_id)
            self._thresholds.delete_customer(tenant, customer_id)
            connection.execute(
                "DELETE FROM enrolment_answers WHERE tenant = ? AND customer_id = ?", (tenant, customer_id)
            )
            connection.execute("DELETE FROM customers WHERE tenant = ? AND customer_id = ?", (tenant, customer_id))
            self._consents.withdraw(tenant, record_ids, now_us)
        return {pack: state.size for _, pack, state in self._galleries.galleries(tenant) if pack in packs}

    def set_links(self, tenant: str, customer_id: str, links: bytes) -> None:
        """Replace a customer's sealed links."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE customers SET links = ? WHERE tenant = ? AND customer_id = ?", (links, tenant, customer_id)
            )

    def set_pin(self, tenant: str, customer_id: str, pin: bytes) -> None:
        """Store a sealed PIN and close its set-up."""
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


def _customer(row: sqlite3.Row) -> CustomerRow:
    return CustomerRow(**{**row, "needs_second_factor": bool(row["needs_second_factor"])})
