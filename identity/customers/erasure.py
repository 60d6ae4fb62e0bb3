"""Erase a customer: first the key, for good; then every row and place that knows them, until all of it is done."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from identity import tokens
from identity.audit.log import Audit
from identity.config import IdentityConfig
from identity.consent.ledger import days_kept
from identity.customers.accounts import holder_of
from identity.customers.departed import Departed
from identity.customers.links import Erasure, Links
from identity.customers.retention import Retention
from identity.errors import KeyDestroyed, SealBroken
from identity.metrics import IdentityMetrics
from identity.store.customers import CustomerRow, CustomerStore
from identity.store.presses import PressStore
from identity.vault.vault import Vault
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.problem_json import Problem
from plumbing.steady import remember
from plumbing.storage.room import for_erasing, is_full

TRIES = 4  # of an erasure on a full disk, before it waits for the next minute
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class OtherPlaces:
    """What knows of a customer beside identity.db and the key file.

    `departed` remembers erasures beside the databases. `forget_elsewhere` hands an erasure token to the
    recommender; it raises a Problem or OSError when it cannot, and is called again later. `renew_thresholds` gets
    the tenant and the new sizes of its galleries, by pack id.
    """

    presses: PressStore
    departed: Departed
    renew_thresholds: Callable[[str, Mapping[str, int]], None]
    forget_elsewhere: Callable[[str], None]


class Erasures:
    """The key file is the outbox: the work that is left replaces the key that was destroyed."""

    def __init__(
        self,
        config: IdentityConfig,
        store: CustomerStore,
        vault: Vault,
        places: OtherPlaces,
        audit: Audit,
        metrics: IdentityMetrics,
        now_us: Clock,
        retention: Retention,
    ) -> None:
        self.retention = retention
        self._store = store
        self._places = places
        self._vault = vault
        self._audit = audit
        self._metrics = metrics
        self._config = config
        self._now_us = now_us
        self._next_us = 0
        self._settled: object = None  # the state of the galleries when no erased customer had a row
        self._busy = threading.Lock()

    def erase(self, row: CustomerRow, way: str) -> bool:
        """Erase a customer; True when every place has confirmed it, False when some are still to be reached.

        Once the key is overwritten nothing brings the customer back, whatever fails afterwards: no process can
        open the template, the pseudonym or the PIN any more. The rest is tried at once and again until done.
        """
        with for_erasing(self._store.database.path.parent):
            return self._erased(row, way)

    def _erased(self, row: CustomerRow, way: str) -> bool:
        holder = holder_of(row)
        try:
            links = Links.unpacked(self._vault.open(holder, "links", row.links))
            erasure = Erasure(row.tenant, row.customer_id, links)
            self._vault.keys.destroy(row.slot, holder.owner, erasure.packed())
        except KeyDestroyed:  # another process was first, or an old database was restored
            self._delete_rows(row)
            return True
        try:
            self._audit.note(row.tenant, "forget", way, links.audit, sync=True)
        except OSError as error:  # a full disk does not stop an erasure
            log.warning("audit_not_written", error=type(error).__name__)
        self._metrics.erasures.labels(way=way).inc()
        return self._finish(row.slot, erasure)

    def finish_all(self) -> int:
        """Try all unfinished erasures again; returns how many stay unfinished."""
        left = 0
        with self._busy:
            for slot, content in self._vault.keys.erasures():
                left += not self._finish(slot, Erasure.unpacked(content))
        return left

    def expire(self) -> int:
        """Erase customers whose last visit is longer ago than the notice allows, as many as `Retention` permits;
        returns how many."""
        self.retention.tick()
        if not self.retention.clock_is_back():
            self._store.seen_at_most(self._now_us() // DAY)
        forgotten, permitted, customers = 0, False, self._store.count()
        for row in self.due_to_expire():
            permitted = permitted or self.retention.take(customers)
            if not permitted:
                break
            try:
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
        back = [row for row in self._store.all() if self._places.departed.includes(row.tenant, row.customer_id)]
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
        self._store.database.scrub()

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
        self._audit.sign()

    def _finish(self, slot: int, erasure: Erasure) -> bool:
        """Each step may be repeated; the slot is freed by the last one only. Other programs may take the room that
        the reserve gives: then it gives more, and the steps are taken again."""
        folder = self._store.database.path.parent
        for left in reversed(range(TRIES)):
            with for_erasing(folder):
                try:
                    self._everywhere(erasure)
                    break
                except (Problem, sqlite3.Error, OSError) as error:
                    if left and is_full(error, folder):
                        continue
                    self._metrics.undelivered.inc()
                    log.warning("erasure_unfinished", error=type(error).__name__)
                    return False
        self._vault.keys.finish(slot)
        return True

    def _everywhere(self, erasure: Erasure) -> None:
        """Erase what is left in each place that knows of the customer. Raises what any of them raises."""
        self._places.departed.remember(erasure.tenant, erasure.customer_id)
        sizes = self._store.delete_customer(erasure.tenant, erasure.customer_id)
        self._places.renew_thresholds(erasure.tenant, sizes)
        self._places.presses.forget_replies(erasure.tenant)
        self._store.database.scrub()
        self._places.presses.database.scrub()
        self._places.forget_elsewhere(self._token(erasure))

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
