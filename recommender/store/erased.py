"""Customers who were erased, remembered outside of the database: one that is put back brings nobody back."""

from __future__ import annotations

import structlog

from plumbing.clock import Clock
from plumbing.storage.database import Connection, Database
from plumbing.storage.tenants import of_all
from plumbing.storage.tombstones import Tombstones
from recommender.errors import ErasureNotRemembered
from recommender.store import forgotten
from recommender.store.events import EventStore
from recommender.store.experiments import ExperimentStore
from recommender.store.offers import OfferStore

FILE = "recommender-tombstones"
NO_TENANT = ""
"""Of a tombstone whose customer has no row in this database: the hash does not say which tenant's it was."""

log = structlog.get_logger(__name__)


class ErasedCustomers:
    """Compares the database with the file of tombstones, and erases again whom a restored one brought back."""

    def __init__(
        self,
        database: Database,
        events: EventStore,
        offers: OfferStore,
        remembered: Tombstones,
        now_us: Clock,
        experiments: ExperimentStore,
    ) -> None:
        self._database = database
        self._events = events
        self._offers = offers
        self._remembered = remembered
        self._now_us = now_us
        self._experiments = experiments

    def keep_erased(self, *, at_start: bool = False) -> int:
        """Erase again whom the database should not know any more; returns how many tombstones it lacked.

        Two small reads when the number is right: it is called before every answer. At a start all are compared.
        Raises DatabaseBusy.
        """
        count = len(self._remembered)
        if not at_start and self._events.generation(NO_TENANT, "tombstones") == count:
            return 0
        with of_all():
            return self._compare()

    def _compare(self) -> int:
        there = {bytes.fromhex(text) for text in self._events.tombstones()}
        self._remembered.add(there - self._remembered.all())
        lacking = self._remembered.all() - there
        count = len(self._remembered)
        if lacking or self._events.generation(NO_TENANT, "tombstones") != count:
            with self._database.write() as connection:
                self._erase_again(connection, lacking)
                self._events.set_generation(NO_TENANT, "tombstones", count)
        if lacking:
            self._database.scrub_soon()
            log.warning("older_database_restored", erased_again=len(lacking))
        return len(lacking)

    def remember(self, tenant: str, customer: str) -> None:
        """Remember an erasure outside of the database, after the database has it.

        Raises ErasureNotRemembered: it is to be handed over again.
        """
        try:
            new = self._remembered.add([bytes.fromhex(self._events.tombstone(tenant, customer))])
        except OSError as error:
            raise ErasureNotRemembered from error
        if new:
            self._events.set_generation(NO_TENANT, "tombstones", len(self._remembered))

    def _erase_again(self, connection: Connection, lacking: frozenset[bytes]) -> None:
        if not lacking:
            return
        now = self._now_us()
        for tenant, customer in {*self._events.customers(), *self._offers.customers()}:
            if bytes.fromhex(self._events.tombstone(tenant, customer)) in lacking:
                self._events.erase(tenant, customer, now)
                if any(self._offers.forget(tenant, customer).values()):
                    forgotten.note(connection, tenant, "offers")
        self._database.note_erased()
        self._experiments.forget_everywhere([hashed.hex() for hashed in lacking])
        self._events.add_tombstones(NO_TENANT, [hashed.hex() for hashed in lacking], now)
