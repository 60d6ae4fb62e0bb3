"""Erase a customer: first the key, for good; then every row and place that knows them, until all of it is done."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from identity import tokens
from identity.audit.log import Audit
from identity.config import IdentityConfig
from identity.consent.ledger import days_kept
from identity.customers.accounts import holder_of
from identity.customers.departed import Departed
from identity.customers.leaving.erasure_receipts import ErasureReceipt, ErasureReceipts, trained_now
from identity.customers.leaving.retention import Retention
from identity.customers.links import Erasure, Links
from identity.errors import KeyDestroyed, SealBroken
from identity.matching.gallery import templates_of
from identity.metrics import IdentityMetrics
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from identity.store.presses import PressStore
from identity.vault.vault import Vault
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.closed import ClosedTokens
from plumbing.handover import Forgotten
from plumbing.problem_json import Problem
from plumbing.steady import remember
from plumbing.storage.room import for_erasing, is_full
from plumbing.storage.search import Fingerprints, Window, windows_of_secret, windows_of_vector
from plumbing.upgrade import aside

OVERDUE_S = 60.0  # an erasure that is unfinished for longer is shown by readiness
READ_AGAIN_S = 10.0  # the file of keys, of many megabytes, where its date says that nothing changed
TRIES = 4  # of an erasure on a full disk, before it waits for the next minute
log = structlog.get_logger(__name__)


class CopiesElsewhere(Protocol):
    """Copies of customers in other houses: at the centre those of its store boxes, at a box the centre itself."""

    def note_left(self, tenant: str, customer_id: str, number: str) -> tuple[tuple[str, str], ...]:
        """Somebody left, by the receipt `number`; the places that this concerns, and how they stand. Twice is no
        error. Raises a Problem or OSError: it is said again later."""

    def still(self, number: str) -> bool:
        """Whether a place has not confirmed yet."""

    def remark(self) -> str | None:
        """A sentence for the readiness check; None when there is nothing to say."""


class NoCopies:
    """An installation without store boxes."""

    def note_left(self, tenant: str, customer_id: str, number: str) -> tuple[tuple[str, str], ...]:
        """There is no other place."""
        return ()

    def still(self, number: str) -> bool:
        """Nobody has to confirm anything."""
        return False

    def remark(self) -> str | None:
        """All is well."""
        return None


@dataclass(frozen=True)
class OtherPlaces:
    """What knows of a customer beside identity.db and the key file.

    `departed` remembers erasures beside the databases, `closed` closes tokens in flight. `forget_elsewhere` hands
    an erasure token to the recommender; it raises a Problem or OSError when it cannot, and is called again later.
    `waiting` asks it which scenes of a tenant were trained before an erasure. `renew_thresholds` gets the tenant
    and the new sizes of its galleries, by pack id. `forget_replies` drops what is kept to answer a tenant again.
    `forget_counts` drops what a daily limit counted of a customer. `copies` are those of other houses.
    """

    presses: PressStore
    departed: Departed
    renew_thresholds: Callable[[str, Mapping[str, int]], None]
    forget_elsewhere: Callable[[str], Forgotten | None]
    closed: ClosedTokens
    waiting: Callable[[str, Mapping[str, int]], Sequence[str]] = lambda tenant, marks: ()
    forget_replies: Callable[[str], None] = lambda tenant: None
    forget_counts: Callable[[str, str], None] = lambda tenant, customer_id: None
    copies: CopiesElsewhere = field(default_factory=NoCopies)


class Erasures:
    """The key file is the outbox: the work that is left replaces the key that was destroyed."""

    def __init__(
        self,
        config: IdentityConfig,
        stores: IdentityStores,
        vault: Vault,
        places: OtherPlaces,
        audit: Audit,
        metrics: IdentityMetrics,
        now_us: Clock,
        retention: Retention,
    ) -> None:
        self.retention = retention
        self._store = stores.customers
        self._galleries_store = stores.galleries
        self.receipts = ErasureReceipts(config.state, vault.keys, now_us)
        self._places = places
        self._vault = vault
        self._audit = audit
        self._metrics = metrics
        self._config = config
        self._now_us = now_us
        self._next_us = 0
        self._open_since: dict[int, float] = {}  # slot of an unfinished erasure -> first seen (monotonic seconds)
        self._keys_seen, self._read_s = -1, 0.0  # `changed` of the file of keys, and when it was read for that
        self._settled: object = None  # the state of the galleries when no erased customer had a row
        self._busy = threading.Lock()
        self.ends_retention = True
        """False at a store box: who stopped coming is forgotten at the centre."""
        self.on_closed: Callable[[ErasureReceipt], None] = lambda receipt: None
        """Called when an erasure is complete everywhere, perhaps more than once. Raises nothing."""
        self.on_expiry: Callable[[CustomerRow], None] = lambda row: None
        """Called before somebody is erased because they stopped coming: the ledger counts that as expired."""

    def erase(self, row: CustomerRow, way: str) -> ErasureReceipt:
        """Erase a customer; the receipt says which places have confirmed it, and which are still to be reached.

        Once the key is overwritten nothing brings the customer back, whatever fails afterwards: no process can
        open the template, the pseudonym or the PIN any more. The rest is tried at once and again until done.
        """
        with self._store.database.erasing():
            return self._erased(row, way)

    def _erased(self, row: CustomerRow, way: str) -> ErasureReceipt:
        holder = holder_of(row)
        try:
            links = Links.unpacked(self._vault.open(holder, "links", row.links))
            erasure = Erasure(row.tenant, row.customer_id, links)
            receipt = self._begun(row, links, again=way == "restored")
            self._vault.keys.destroy(row.slot, holder.owner, erasure.packed())
        except KeyDestroyed:  # another process was first, or an old database was restored
            self._delete_rows(row)
            return self._receipt_of(row.tenant, row.customer_id).confirmed(Forgotten())
        try:
            self._places.closed.close(row.tenant, links.pseudonym)
        except (Problem, OSError) as error:  # `_everywhere` tries again
            log.warning("tokens_not_closed_yet", error=type(error).__name__)
        try:
            self._audit.note(row.tenant, "forget", way, links.audit, sync=True)
        except (Problem, OSError) as error:  # neither a full disk nor a server that is away stops an erasure
            log.warning("audit_not_written", error=type(error).__name__)
        self._metrics.erasures.labels(way=way).inc()
        finished = self._finish(row.slot, erasure)
        return receipt if finished is None else finished

    def _begun(self, row: CustomerRow, links: Links, *, again: bool) -> ErasureReceipt:
        """The receipt, kept before the key is destroyed: afterwards nobody knows what to look for. It takes the
        place of one that another process finished only if that erasure is done `again`."""
        try:
            prints = Fingerprints.of(self._windows(row, links))
        except (Problem, sqlite3.Error, OSError, ValueError) as error:  # it stops nobody from opting out
            log.warning("no_fingerprints", error=type(error).__name__)
            prints = None
        receipt = self.receipts.begin(row.tenant, row.customer_id, prints)
        self._keep(receipt, begun=not again)
        return receipt

    def windows(self, row: CustomerRow) -> Iterator[Window]:
        """What the fingerprints of a customer's receipt are made of. Raises KeyDestroyed or SealBroken."""
        yield from self._windows(row, Links.unpacked(self._vault.open(holder_of(row), "links", row.links)))

    def _windows(self, row: CustomerRow, links: Links) -> Iterator[Window]:
        for template in templates_of(self._galleries_store, self._vault, holder_of(row)):
            yield from windows_of_vector(template)
        yield from windows_of_secret(links.pseudonym, links.raw_pseudonym)
        yield from windows_of_secret(row.customer_id, bytes.fromhex(row.customer_id))

    def _receipt_of(self, tenant: str, customer_id: str) -> ErasureReceipt:
        """The kept receipt of an erasure that is not finished; one without fingerprints when there is none."""
        try:
            kept = self.receipts.find(self.receipts.id_of(tenant, customer_id))
        except (Problem, sqlite3.Error, OSError):  # damaged, or busy: a new one without fingerprints
            kept = None
        return self.receipts.begin(tenant, customer_id, None) if kept is None else kept

    def _keep(self, receipt: ErasureReceipt, *, begun: bool = False) -> None:
        try:
            (self.receipts.keep_begun if begun else self.receipts.keep)(receipt)
        except (Problem, sqlite3.Error, OSError) as error:  # a full disk does not stop an erasure
            log.warning("receipt_not_kept", error=type(error).__name__)
        if receipt.closed:
            self.on_closed(receipt)

    def finish_all(self) -> int:
        """Try all unfinished erasures again; returns how many stay unfinished."""
        left = 0
        with self._busy:
            for slot, content in self._vault.keys.erasures():
                left += self._finish(slot, Erasure.unpacked(content)) is None
        return left

    def overdue(self) -> int:
        """How many erasures are unfinished for more than a minute, as far as this process has seen."""
        now, keys = time.monotonic(), self._vault.keys
        seen = keys.changed()  # before they are read: what changes meanwhile is read the next time
        if seen != self._keys_seen or now - self._read_s >= READ_AGAIN_S:
            slots = {slot for slot, _ in keys.erasures()}
            self._open_since = {slot: self._open_since.get(slot, now) for slot in slots}
            self._keys_seen, self._read_s = seen, now
        count = sum(now - since >= OVERDUE_S for since in self._open_since.values())
        self._metrics.overdue.set(count)
        return count

    def remark(self) -> str | None:
        """A sentence for the readiness check about erasures that are overdue; None without any."""
        count = self.overdue()
        late = f"{count} erasures wait for the recommender for more than a minute" if count else None
        return "; ".join(filter(None, (late, self._places.copies.remark()))) or None

    def has_left(self, tenant: str, customer_id: str) -> bool:
        """Whether this customer was erased here, so that no copy brings them back."""
        return self._places.departed.includes(tenant, customer_id)

    def close_receipts(self) -> int:
        """Ask which versions are trained without whom, and note it; returns how many receipts stay open.

        Raises what the question raises.
        """
        left = 0
        for kept in self.receipts.all(only_open=True):
            receipt = kept if self._places.copies.still(kept.id) else kept.without_copies()
            if receipt.everywhere:
                receipt = trained_now(receipt, self._places.waiting(receipt.tenant, dict(receipt.marks)))
            if receipt != kept:
                self._keep(receipt)
            left += not receipt.closed
        return left

    def expire(self) -> int:
        """Erase customers whose last visit is longer ago than the notice allows, as many as `Retention` permits;
        returns how many."""
        if not self.ends_retention:
            return 0
        self.retention.tick()
        if not self.retention.clock_is_back():
            self._store.seen_at_most(self._now_us() // DAY)
        forgotten, permitted, customers = 0, False, self._store.count()
        for row in self.due_to_expire():
            permitted = permitted or self.retention.take(customers)
            if not permitted:
                break
            try:
                self.on_expiry(row)
                self.erase(row, "expired")
                forgotten, permitted = forgotten + 1, False
            except SealBroken as error:  # logged for the operator; the other customers are erased all the same
                log.error("not_expired", why=error.detail)
        return forgotten

    def due_to_expire(self) -> list[CustomerRow]:
        """The customers whose last visit is longer ago than the notice allows, by the time of the house."""
        return self._before(self.retention.today())

    def due_by_the_clock(self) -> int:
        """How many customers are due if the machine's clock is right."""
        return len(self._before(self._now_us() // DAY))

    def confirm_clock(self) -> None:
        """An operator says that the machine's clock is right: who is due by it is forgotten within a minute."""
        self.retention.confirm(self.due_by_the_clock())

    def _before(self, today: int) -> list[CustomerRow]:
        months = self._config.retention_months
        return self._store.kept_beyond(today, {n: days_kept(n or months) for n in range(months + 1)})

    def settle(self) -> int:
        """Erase again whom a restored database or state folder brought back; returns how many.

        Until they are erased they are not recognised: `Accounts.find` asks the same list.
        """
        stamp = (len(self._places.departed.file), tuple(self._galleries()))
        if stamp == self._settled:
            return 0
        gone = self._places.departed.among(self._store.each_key())
        back = [row for row in (self._store.customer(*key) for key in gone) if row is not None]
        for row in back:
            try:
                self.erase(row, "restored")
            except SealBroken as error:  # its key is another customer's now: what is left are rows
                log.warning("restored_row_deleted", why=error.detail)
                self._delete_rows(row)
        if back:
            log.warning("older_state_restored", erased_again=len(back))
        self._settled = (stamp[0], tuple(self._galleries()))
        return len(back)

    def _galleries(self) -> list[tuple[str, str, object]]:
        return list(self._store.galleries())

    def _delete_rows(self, row: CustomerRow) -> None:
        sizes = self._store.delete_customer(row.tenant, row.customer_id)
        self._places.renew_thresholds(row.tenant, sizes)
        self._store.database.scrub_soon()

    def due(self) -> None:
        """`expire` and `finish_all`, once a minute at most and by one thread; every press calls it. It signs the
        audit too: in a quiet hour nothing else does."""
        now = self._now_us()
        waits = self._next_us - MINUTE <= now < self._next_us  # else it is due, or the clock went back
        if waits or self._busy.locked():
            return
        self._next_us = now + MINUTE
        remember(self._now_us)
        try:
            self.expire()
        except OSError as error:  # what cannot be counted is not done
            log.warning("retention_not_kept", error=type(error).__name__)
        self.finish_all()
        self.close_receipts()
        self.receipts.prune()
        self._places.closed.sweep()
        self._audit.sign()

    def _finish(self, slot: int, erasure: Erasure) -> ErasureReceipt | None:
        """Each step may be repeated; the slot is freed by the last one only. Other programs may take the room that
        the reserve gives: then it gives more, and the steps are taken again. None: some place is to be reached."""
        folder = self._config.home
        for left in reversed(range(TRIES)):
            with for_erasing(folder):
                try:
                    done = self._everywhere(erasure)
                    break
                except (Problem, sqlite3.Error, OSError) as error:
                    if left and is_full(error, folder):
                        continue
                    self._metrics.undelivered.inc()
                    log.warning("erasure_unfinished", error=type(error).__name__)
                    return None
        forgotten, copies = done
        receipt = self._receipt_of(erasure.tenant, erasure.customer_id).confirmed(forgotten).with_states(copies)
        self._keep(receipt)
        self._vault.keys.finish(slot)
        return receipt

    def _everywhere(self, erasure: Erasure) -> tuple[Forgotten, tuple[tuple[str, str], ...]]:
        """Erase what is left in each place that knows of the customer; what the recommender says, and how copies
        in other houses stand. Raises what any of them raises."""
        self._places.closed.close(erasure.tenant, erasure.links.pseudonym)
        self._places.departed.remember(erasure.tenant, erasure.customer_id)
        sizes = self._store.delete_customer(erasure.tenant, erasure.customer_id)
        aside.forget(self._config.home, erasure.tenant, erasure.customer_id)
        self._places.renew_thresholds(erasure.tenant, sizes)
        self._places.presses.forget_replies(erasure.tenant)
        self._places.forget_replies(erasure.tenant)
        self._places.forget_counts(erasure.tenant, erasure.customer_id)
        databases = (self._store.database, self._places.presses.database)
        for database in databases:  # whoever reads from one of them keeps nobody else from forgetting
            database.scrub_soon()
        number = self.receipts.id_of(erasure.tenant, erasure.customer_id)
        copies = self._places.copies.note_left(erasure.tenant, erasure.customer_id, number)
        forgotten = self._places.forget_elsewhere(self._token(erasure)) or Forgotten()
        for database in databases:
            database.scrub()
        return forgotten, copies

    def _token(self, erasure: Erasure) -> str:
        now = self._now_us()
        return tokens.mint(
            self._config.token_keys,
            tokens.Claims(
                pseudonym=erasure.links.pseudonym,
                tenant=erasure.tenant,
                device="",
                purposes=("erasure",),
                level="face",
                issued_us=now,
                expires_us=now + self._config.token_life_us,
                token_id=secrets.token_urlsafe(32),
            ),
        )
