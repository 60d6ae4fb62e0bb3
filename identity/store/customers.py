"""SQL of the customers, and the transaction that reaches into the other tables: to delete one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from identity.store.consents import ConsentStore, live_records
from identity.store.galleries import GalleryStore
from identity.store.schema import Table
from identity.store.thresholds import ThresholdStore
from identity.store.times import TIMES, Times
from identity.vault.installation import InstallationSeal
from identity.vault.vault import Holder, Vault
from plumbing.storage.database import Database, RefusedByDatabase, Row

LOOK_EVERY_S = 60  # how often the times of all customers are opened at most
LOOKALIKE, CONFIRMED_NOT_ME = 1, 2
"""`needs_second_factor`: another customer looks like this one; they confirmed that a greeting was not for them."""


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer as stored, with their times opened. `links` and `pin` are sealed; no `pin` is None.

    `needs_second_factor` is 0, LOOKALIKE or CONFIRMED_NOT_ME. Who has not
    `confirmed` that they have their receipt is not recognised. `retention_months` 0 means the installation's.
    """

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
    needs_second_factor: int
    last_day: int
    confirmed: bool = True
    paused_until_us: int = 0
    retention_months: int = 0

    @property
    def holder(self) -> Holder:
        """Whose key opens what this row has sealed."""
        return Holder(self.tenant, self.customer_id, self.slot)

    @property
    def times(self) -> Times:
        """What is sealed of this row under the installation's key."""
        return Times(
            self.last_day,
            self.retention_months,
            self.pin_setup_until_us,
            self.pin_locked_until_us,
            self.paused_until_us,
        )


class CustomerStore(Table):
    """Tables `customers` and `pending`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._galleries = GalleryStore(database, vault)
        self._thresholds = ThresholdStore(database, vault)
        self._consents = ConsentStore(database)
        self._seal = InstallationSeal(vault.keys, TIMES)
        self._looked_s: float | None = None
        self._seen: set[tuple[int, int]] = set()
        self._lock = threading.Lock()

    def add_customer(self, row: CustomerRow) -> None:
        """Store a customer. Their consent comes next, and then their templates, in the same transaction.

        Raises RefusedByDatabase: they are there already, or their receipt is. PostgreSQL itself would write the
        receipt's hash into its log.
        """
        stored = self.database.change(
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1",
            (
                row.tenant,
                row.customer_id,
                row.slot,
                row.receipt_hash,
                row.links,
                row.pin,
                row.pin_setup_hash,
                row.pin_failures,
                row.pin_locks,
                int(row.needs_second_factor),
                int(row.confirmed),
                row.times.sealed(self._seal, row.tenant, row.customer_id),
            ),
        )
        if not stored:
            raise RefusedByDatabase("This customer or this receipt is there already.")
        self._saw(row.times)

    def customer(self, tenant: str, customer_id: str) -> CustomerRow | None:
        """A customer, or None."""
        row = self.database.row(
            "SELECT * FROM customers WHERE tenant = ? AND customer_id = ?", (tenant, customer_id)
        )
        return None if row is None else self._customer(row)

    def customer_of_receipt(self, tenant: str, receipt_hash: str) -> CustomerRow | None:
        """The customer who has a receipt, or None."""
        row = self.database.row(
            "SELECT * FROM customers WHERE tenant = ? AND receipt_hash = ?", (tenant, receipt_hash)
        )
        return None if row is None else self._customer(row)

    def all(self) -> list[CustomerRow]:
        """Customers of all tenants."""
        return [self._customer(row) for row in self.database.rows("SELECT * FROM customers")]

    def each_key(self) -> Iterator[tuple[str, str]]:
        """(tenant, customer id) of everybody, one by one."""
        return (tuple(row) for row in self.database.each("SELECT tenant, customer_id FROM customers"))

    def galleries(self) -> list[tuple[str, str, object]]:
        """(tenant, pack, state) of every gallery: while it is the same, nobody joined or left."""
        return list(self._galleries.galleries())

    # --- times

    def _days(self) -> set[tuple[int, int]]:
        """(last day, months agreed to) of all customers: a few hundred pairs, however many customers there are. At
        most LOOK_EVERY_S old but for this process's own changes; opening the times of 10,000 takes 30 ms."""
        with self._lock:
            now = time.monotonic()
            if self._looked_s is None or now - self._looked_s >= LOOK_EVERY_S:
                self._seen = {(times.last_day, times.retention_months) for _, times in self._times()}
                self._looked_s = now
            return set(self._seen)

    def _times(self) -> Iterator[tuple[tuple[str, str], Times]]:
        """(tenant, customer id) and times of every customer."""
        for tenant, customer_id, sealed in self.database.each("SELECT tenant, customer_id, times FROM customers"):
            yield (tenant, customer_id), Times.opened(self._seal, tenant, customer_id, sealed)

    def not_seen_since(self, day: int) -> list[CustomerRow]:
        """Customers of all tenants whose last visit was before `day` (days since 1970), longest ago first."""
        return self._last_seen_before(lambda _: day)

    def kept_beyond(self, today: int, days_kept: dict[int, int]) -> list[CustomerRow]:
        """Customers whose last visit is longer ago than they agreed to, longest ago first: `days_kept` gives the
        days for each number of months; those for 0 hold for everybody as well."""
        longest = days_kept[0]
        return self._last_seen_before(lambda months: today - min(longest, days_kept.get(months, longest)))

    def _last_seen_before(self, first_day: Callable[[int], int]) -> list[CustomerRow]:
        """Customers whose last visit was before the day that `first_day` gives for the months they agreed to."""
        if all(last_day >= first_day(months) for last_day, months in self._days()):
            return []
        seen = [(times.last_day, key, first_day(times.retention_months)) for key, times in self._times()]
        due = [(self.customer(*key), first) for last_day, key, first in sorted(seen) if last_day < first]
        # Another process may have seen them meanwhile.
        return [row for row, first in due if row is not None and row.last_day < first]

    def newest_day(self) -> int | None:
        """The day of the latest visit of any customer of any tenant; None without customers."""
        return max((last_day for last_day, _ in self._days()), default=None)

    def count(self) -> int:
        """How many customers all tenants have together."""
        row = self.database.row("SELECT count(*) AS n FROM customers")
        return 0 if row is None else int(row["n"])

    def seen_at_most(self, day: int) -> None:
        """A visit after `day` was noted under a clock that was ahead: it counts as one of `day`."""
        if all(last_day <= day for last_day, _ in self._days()):
            return
        for key in [key for key, times in self._times() if times.last_day > day]:
            self._set_times(*key, last_day=day)
        with self._lock:
            self._seen = {one for one in self._seen if one[0] <= day}

    def visited(self, tenant: str, customer_id: str, day: int) -> None:
        """Retention counts from the last visit; the day is enough, and is one write a day at most."""
        self._set_times(tenant, customer_id, last_day=day)

    def pause(self, tenant: str, customer_id: str, until_us: int) -> None:
        """Nobody is greeted until then (microseconds UTC; 0: the pause is over)."""
        self._set_times(tenant, customer_id, paused_until_us=until_us)

    def shorten_pause(self, row: CustomerRow, until_us: int) -> None:
        """The pause of `row` ends at `until_us`, unless it was ended or begun again meanwhile."""
        with self.database.write():
            fresh = self.customer(row.tenant, row.customer_id)
            if fresh is not None and fresh.paused_until_us == row.paused_until_us:
                self._set_times(row.tenant, row.customer_id, paused_until_us=until_us)

    def agree_to_keep(self, tenant: str, customer_id: str, months: int) -> None:
        """For how many months after the last visit the customer agreed to be kept."""
        self._set_times(tenant, customer_id, retention_months=months)

    def _set_times(
        self, tenant: str, customer_id: str, counts: Mapping[str, int] | None = None, **changes: int
    ) -> None:
        """Change some of a customer's times, and `counts` of their PIN beside them."""
        counts = counts or {}
        columns = "".join(f"{name} = ?, " for name in counts)
        with self.database.write() as connection:
            key = (tenant, customer_id)
            row = self.database.row("SELECT times FROM customers WHERE tenant = ? AND customer_id = ?", key)
            if row is None:
                return
            times = replace(Times.opened(self._seal, *key, row["times"]), **changes)
            connection.execute(
                f"UPDATE customers SET {columns}times = ? WHERE tenant = ? AND customer_id = ?",  # noqa: S608 - ours
                (*counts.values(), times.sealed(self._seal, *key), *key),
            )
        self._saw(times)

    def _saw(self, times: Times) -> None:
        with self._lock:
            self._seen.add((times.last_day, times.retention_months))

    # --- in force

    def add_pending(self, tenant: str, customer_id: str, sealed: bytes) -> None:
        """What is to be done when this customer confirms."""
        self.database.change("INSERT INTO pending VALUES (?, ?, ?)", (tenant, customer_id, sealed))

    def pending(self) -> list[tuple[str, str]]:
        """(tenant, customer id) of everybody whose enrolment is not settled yet."""
        return [tuple(row) for row in self.database.rows("SELECT tenant, customer_id FROM pending")]

    def pending_of(self, tenant: str, customer_id: str) -> bytes | None:
        """What `add_pending` stored; None once it is settled."""
        row = self.database.row(
            "SELECT sealed FROM pending WHERE tenant = ? AND customer_id = ?", (tenant, customer_id)
        )
        return None if row is None else bytes(row["sealed"])

    def confirm(self, tenant: str, customer_id: str) -> bool:
        """The customer is in force from now on; False when they were already, or are gone."""
        done = self.database.change(
            "UPDATE customers SET confirmed = 1 WHERE tenant = ? AND customer_id = ? AND confirmed = 0"
            " RETURNING 1",
            (tenant, customer_id),
        )
        return bool(done)

    def settled(self, tenant: str, customer_id: str) -> None:
        """What was to be done is done."""
        self.database.change("DELETE FROM pending WHERE tenant = ? AND customer_id = ?", (tenant, customer_id))

    # --- changes

    def require_second_factor(self, tenant: str, customer_ids: Sequence[str], why: int = LOOKALIKE) -> None:
        """From now on the face alone opens nothing of these customers; `why` as in `CustomerRow`."""
        with self.database.write() as connection:
            connection.executemany(
                "UPDATE customers SET needs_second_factor = ?"
                " WHERE tenant = ? AND customer_id = ? AND needs_second_factor < ?",
                [(why, tenant, customer_id, why) for customer_id in customer_ids],
            )

    def set_second_factor(self, tenant: str, customer_id: str, why: int) -> None:
        """Replace `needs_second_factor`: taken back with 0, or 1 where another customer looks like them."""
        self.database.change(
            "UPDATE customers SET needs_second_factor = ? WHERE tenant = ? AND customer_id = ?",
            (why, tenant, customer_id),
        )

    def delete_customer(self, tenant: str, customer_id: str, *, ended: str | None = "withdrawn") -> dict[str, int]:
        """Delete all rows of a customer; returns the size of each gallery they left.

        What stays of their consent is a number: each purpose they agreed to counts once as `ended` ("withdrawn" or
        "expired"; None: nothing is counted, they were never in force).
        """
        with self.database.write() as connection:
            key = (tenant, customer_id)
            packs = self._galleries.delete_templates(*key)
            self._thresholds.delete_customer(*key)
            live = live_records(self._consents.lines(*key))
            for table in ("enrolment_answers", "pending", "customers"):
                connection.execute(f"DELETE FROM {table} WHERE tenant = ? AND customer_id = ?", key)  # noqa: S608 - ours
            self._consents.delete_customer(*key)
            self.database.note_erased()
            if ended is not None:
                for purpose in live:
                    self._consents.count(tenant, purpose, ended)
        return {pack: state.size for _, pack, state in self._galleries.galleries(tenant) if pack in packs}

    def set_links(self, tenant: str, customer_id: str, links: bytes) -> None:
        """Replace a customer's sealed links."""
        self.database.change(
            "UPDATE customers SET links = ? WHERE tenant = ? AND customer_id = ?", (links, tenant, customer_id)
        )

    def set_pin(self, tenant: str, customer_id: str, pin: bytes) -> None:
        """Store a sealed PIN and close its set-up."""
        self.database.change(
            "UPDATE customers SET pin = ?, pin_setup_hash = NULL, pin_failures = 0"
            " WHERE tenant = ? AND customer_id = ?",
            (pin, tenant, customer_id),
        )

    def replace_pin(self, tenant: str, customer_id: str, before: bytes | None, pin: bytes) -> bool:
        """The same in place of the PIN `before` (None: of no PIN); False when it is another one meanwhile."""
        is_before, values = ("IS NULL", ()) if before is None else ("= ?", (before,))
        done = self.database.change(
            "UPDATE customers SET pin = ?, pin_setup_hash = NULL, pin_failures = 0"  # noqa: S608 - our own words
            f" WHERE tenant = ? AND customer_id = ? AND pin {is_before} RETURNING 1",
            (pin, tenant, customer_id, *values),
        )
        return bool(done)

    def set_pin_state(self, tenant: str, customer_id: str, *, failures: int, locks: int, until_us: int) -> None:
        """How many wrong PINs in a row, how many locks so far, and until when it is locked now."""
        counts = {"pin_failures": failures, "pin_locks": locks}
        self._set_times(tenant, customer_id, counts, pin_locked_until_us=until_us)

    def _customer(self, row: Row) -> CustomerRow:
        fields = dict(row)
        times = Times.opened(self._seal, row["tenant"], row["customer_id"], fields.pop("times"))
        return CustomerRow(
            **fields | {"confirmed": bool(row["confirmed"])},
            last_day=times.last_day,
            retention_months=times.retention_months,
            pin_setup_until_us=times.pin_setup_until_us,
            pin_locked_until_us=times.pin_locked_until_us,
            paused_until_us=times.paused_until_us,
        )
