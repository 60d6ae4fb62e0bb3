"""What a customer does about their own data. The caller has opened the token for the purpose `own_data`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from plumbing.clock import Clock
from plumbing.storage.database import Database, DatabaseBusy
from plumbing.storage.room import DiskFull
from recommender.assembly import RecommenderStores
from recommender.customer.own_data import Named, own_data
from recommender.errors import Erased, VersionsBusy
from recommender.scene import KINDS
from recommender.store.ties import LinkCode
from recommender.store.version_rows import Held, Rewritten
from recommender.tokens import Claims

log = structlog.get_logger(__name__)


class CustomerRights:
    """The part of the service that serves one customer's questions about themselves."""

    stores: RecommenderStores
    database: Database
    _now_us: Clock

    # --- see -----------------------------------------------------------------------------------------

    def own_data(self, claims: Claims) -> dict[str, Any]:
        """All that is held of the customer of this token, JSON-able; rides only with the second factor.

        Raises Erased: nothing is held any more.
        """
        self._not_erased(claims)
        named: dict[str, Named] = {offer.offer_id: offer for offer in self.stores.offers.offers(claims.tenant)}
        for kind in reversed(KINDS):
            named |= {one.item_id: one for one in self.stores.catalogue.former(claims.tenant, kind)}
        for kind in reversed(KINDS):  # a dish's name goes before a place's
            named |= {item.item_id: item for item in self.stores.catalogue.all(claims.tenant, kind)}
        return own_data(self.stores, claims, named)

    def holds(self, tenant: str, pseudonym: str) -> list[Held]:
        """The versions on the disk that have a row of this customer."""
        return self.stores.rows.holds(tenant, pseudonym)

    # --- correct -------------------------------------------------------------------------------------

    def correct(self, claims: Claims, event_id: str) -> None:
        """Take back one event of the customer ("that was not my order"), by its reference or its event_id.

        It goes with its lines, with what offers learned from it and with the customer's row in every version,
        until the next training; a device that sends it again changes nothing.

        Raises:
            NoSuchEvent, EventAmbiguous: nothing was changed. Erased: nothing is held any more.
            DatabaseBusy: nothing was changed; try again.
        """
        self._not_erased(claims)
        self.forget_event(claims.tenant, claims.pseudonym, event_id)

    def forget_event(self, tenant: str, pseudonym: str, event_id: str) -> None:
        """See `correct`."""
        with self.database.erasing():
            with self.database.write():
                event = self.stores.own.find(tenant, pseudonym, event_id)
                self.stores.own.take_back(tenant, pseudonym, event)
                self.database.note_erased()
            self.database.scrub_soon()
        self.forget_rows(tenant)

    # --- account -------------------------------------------------------------------------------------

    def new_link_code(self, tenant: str, account: str) -> LinkCode:
        """A one-time code for an account of the shop, for its system to show to whoever the account belongs to.

        Raises AccountUnusable, TooManyLinkCodes, DatabaseBusy.
        """
        return self.stores.ties.new_code(tenant, account, self._now_us())

    def tie_account(self, claims: Claims, link_code: str) -> str:
        """Tie the account of a code to the customer: from now on their suggestions count its events too.

        Returns the account. Raises LinkCodeWrong, Erased, DatabaseBusy.
        """
        return self.stores.ties.tie(
            claims.tenant, claims.pseudonym, link_code, self._now_us(), check=lambda: self._not_erased(claims)
        )

    def untie(self, claims: Claims) -> bool:
        """End the tie, in all processes from the next request on; whether there was one. Raises DatabaseBusy."""
        return self.stores.ties.untie(claims.tenant, claims.pseudonym)

    def _not_erased(self, claims: Claims) -> None:
        if self.stores.events.is_erased(claims.tenant, claims.pseudonym):
            raise Erased

    # --- be forgotten by the models ------------------------------------------------------------------

    def forget_rows_everywhere(self) -> Rewritten:
        """`forget_rows` of every tenant, at a start: a version may have been put back from a backup."""
        return self._forgetting(self.stores.rows.forget_everywhere)

    def forget_rows(self, tenant: str, pseudonym: str | None = None) -> Rewritten:
        """Take the rows of everybody forgotten so far out of every version on the disk.

        With a `pseudonym` also this customer's, although none of their events was deleted: for a purpose that they
        withdrew. A training is owed then too.

        What the disk does not allow now is done at the next try (`training.retraining`): until then no process
        serves these rows. Raises DatabaseBusy with a `pseudonym` alone: without one, the erasure itself is done.
        """
        if pseudonym is not None:
            self.stores.rows.note(tenant, pseudonym)
        return self._forgetting(lambda: self.stores.rows.forget(tenant))

    def _forgetting(self, work: Callable[[], Rewritten]) -> Rewritten:
        try:
            with self.database.erasing():
                return work()
        except (DatabaseBusy, DiskFull, VersionsBusy, OSError) as error:
            log.warning("rows_not_forgotten_yet", error=type(error).__name__)
            return Rewritten()
