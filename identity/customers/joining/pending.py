"""Customers who have not confirmed yet that they have their receipt. Until then they are strangers.

Who does not confirm is undone by the server as if they had never been: row, template, consent and key go, and no
tombstone is needed, since nobody ever got a token of theirs. Every process counts the time on its own monotonic
clock, from when it first saw the customer; after a restart it starts again. One transaction decides between a
confirmation and the end of the time.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from identity.consent.ledger import ConsentLedger
from identity.customers.accounts import receipt_digest
from identity.customers.joining.re_enrolment import continue_as
from identity.customers.links import Links
from identity.errors import CustomerLeft, EnrolmentUnknown, KeyDestroyed, SealBroken
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from identity.store.presses import PressStore
from identity.vault.vault import Holder, Vault
from plumbing.clock import SECOND, Clock, monotonic_us
from plumbing.problem import Problem

log = structlog.get_logger(__name__)

CONFIRM_WITHIN_S = 55
"""What a screen promises to whoever reads their receipt."""

UNDONE_AFTER_US = 57 * SECOND
"""So that it is done within a minute, also by a process that has just begun a look."""

LOOK_EVERY_US = 5 * SECOND  # when nobody is known to be pending here


class Pending:
    """Confirms and undoes. Safe with threads and with several processes.

    `renew_thresholds` gets a tenant and the new sizes of its galleries, by pack id.
    """

    def __init__(
        self,
        stores: IdentityStores,
        presses: PressStore,
        vault: Vault,
        ledger: ConsentLedger,
        renew_thresholds: Callable[[str, Mapping[str, int]], None],
        monotonic: Clock = monotonic_us,
    ) -> None:
        self._stores = stores
        self._presses = presses
        self._vault = vault
        self._ledger = ledger
        self._renew_thresholds = renew_thresholds
        self._monotonic = monotonic
        self._first_seen: dict[tuple[str, str], int] = {}
        self._looked_us: int | None = None
        self._lock = threading.Lock()

    def add(
        self, holder: Holder, device: str, alike: Sequence[str] = (), earlier: CustomerRow | None = None
    ) -> None:
        """A part of the transaction that stores a new customer: what confirming brings with it.

        `device` is where they join, `alike` are the customers who look like them, and `earlier` is the enrolment
        that they continue.
        """
        said = {
            "device": device,
            "alike": list(alike),
            "earlier": None if earlier is None else earlier.customer_id,
        }
        sealed = self._vault.seal(holder, "pending", json.dumps(said).encode())
        self._stores.customers.add_pending(holder.tenant, holder.customer_id, sealed)
        with self._lock:
            self._first_seen[(holder.tenant, holder.customer_id)] = self._monotonic()

    def confirm(self, tenant: str, receipt: str) -> Links | None:
        """The customer has their receipt and is in force from now on; their links, or None when they were already.

        Raises EnrolmentUnknown: no such receipt, or the time was over.
        """
        row = self._stores.customers.customer_of_receipt(tenant, receipt_digest(receipt))
        if row is None:
            raise EnrolmentUnknown
        holder = row.holder
        try:
            said = self._said(holder)
            if said is None:
                if self._stores.customers.customer(tenant, row.customer_id) is None:
                    raise EnrolmentUnknown  # undone by another process since the row was read
                return None
            newly = self._put_in_force(holder, said["alike"])
            links = self._joined(row, said["earlier"])
        except (KeyDestroyed, SealBroken, CustomerLeft) as error:
            raise EnrolmentUnknown from error
        return links if newly else None

    def _said(self, holder: Holder) -> dict[str, list[str] | str | None] | None:
        """What `add` stored. It opens with the customer's key alone: who is half undone is not confirmed."""
        sealed = self._stores.customers.pending_of(holder.tenant, holder.customer_id)
        if sealed is None:
            return None
        said: dict[str, list[str] | str | None] = json.loads(self._vault.open(holder, "pending", sealed))
        return said

    def _put_in_force(self, holder: Holder, alike: object) -> bool:
        customers = self._stores.customers
        with customers.writing():
            fresh = customers.customer(holder.tenant, holder.customer_id)
            if fresh is None:
                raise EnrolmentUnknown
            if not customers.confirm(holder.tenant, holder.customer_id):
                return False
            self._ledger.note(holder, "confirmed")
            others = [str(one) for one in alike] if isinstance(alike, list) else []
            there = [one for one in others if customers.customer(holder.tenant, one) is not None]
            if there:
                customers.require_second_factor(holder.tenant, [*there, holder.customer_id])
        return True

    def _joined(self, row: CustomerRow, earlier_id: object) -> Links:
        """Continue the earlier enrolment, if there is one. Repeated by the next look if it is interrupted."""
        customers = self._stores.customers
        earlier = customers.customer(row.tenant, str(earlier_id)) if earlier_id else None
        later = customers.customer(row.tenant, row.customer_id)
        if earlier is not None and later is not None:
            with suppress(EnrolmentUnknown):  # they opted out meanwhile: this one is a new customer
                continue_as(customers, self._vault, earlier, later)
                later = customers.customer(row.tenant, row.customer_id)
        customers.settled(row.tenant, row.customer_id)
        with self._lock:
            self._first_seen.pop((row.tenant, row.customer_id), None)
        if later is None:
            raise EnrolmentUnknown
        return Links.unpacked(self._vault.open(row.holder, "links", later.links))

    def begun_again(self, row: CustomerRow, device: str) -> bool:
        """Somebody with this face begins to join at `device` while `row` is pending: undo it, if it was begun
        there. That is the same person, who went back. Whether it was undone."""
        try:
            said = None if row.confirmed else self._said(row.holder)
        except (KeyDestroyed, SealBroken):
            return False
        return said is not None and said["device"] == device and self.undo(row)

    def sweep(self) -> int:
        """Undo those whose time is over; returns how many. Called every half second by a thread of each process.

        Raises what the database raises.
        """
        now = self._monotonic()
        with self._lock:
            known = bool(self._first_seen)
            if not known and self._looked_us is not None and 0 <= now - self._looked_us < LOOK_EVERY_US:
                return 0
            self._looked_us = now
            there = self._stores.customers.pending()
            self._first_seen = {key: min(self._first_seen.get(key, now), now) for key in there}
            over = [key for key, seen in self._first_seen.items() if now - seen >= UNDONE_AFTER_US]
        return sum(self._ended(*key) for key in over)

    def _ended(self, tenant: str, customer_id: str) -> bool:
        row = self._stores.customers.customer(tenant, customer_id)
        if row is None:
            return False
        if not row.confirmed:
            return self.undo(row)
        try:  # confirmed, and interrupted before the earlier enrolment was continued
            said = self._said(row.holder)
            self._joined(row, None if said is None else said["earlier"])
        except (KeyDestroyed, SealBroken, EnrolmentUnknown):
            self._stores.customers.settled(tenant, customer_id)
        return False

    def undo(self, row: CustomerRow) -> bool:
        """As if this customer had never been; False when they confirmed first, or are gone."""
        customers, key = self._stores.customers, (row.tenant, row.customer_id)
        with self._stores.database.erasing():
            with customers.writing():
                fresh = customers.customer(*key)
                if fresh is None or fresh.confirmed:
                    return False
                sizes = customers.delete_customer(*key, ended=None)
                # Before the end of the transaction: a crash leaves a row without a key, which the next look
                # deletes and nobody can confirm; after it, it would leave a key that nobody looks for.
                with suppress(KeyDestroyed):
                    self._vault.keys.destroy(row.slot, row.holder.owner)
            with self._lock:
                self._first_seen.pop(key, None)
            try:
                self._renew_thresholds(row.tenant, sizes)
                self._presses.forget_replies(row.tenant)
                self._stores.database.scrub_soon()
                self._presses.database.scrub_soon()
            except (Problem, sqlite3.Error, OSError) as error:
                log.warning("undone_but_not_scrubbed_yet", why=type(error).__name__)
        return True
