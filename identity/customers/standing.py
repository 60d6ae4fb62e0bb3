"""What a customer changes about their own consent: a pause, and the purposes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from identity.config import PURPOSES
from identity.consent.ledger import PAUSE_US, ConsentLedger, Standing
from identity.consent.notices import Notice
from identity.errors import AgeNotConfirmed, CustomerLeft, UnknownPurpose
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from plumbing.clock import Clock

CHANGEABLE = (*PURPOSES, "account")
"""`face` is given with a capture and taken back with the templates, by routes of their own."""


class Standings:
    """Changes of a customer's consent. All of it works in a pause, and twice as well as once."""

    def __init__(
        self,
        stores: IdentityStores,
        ledger: ConsentLedger,
        now_us: Clock,
        close_tokens: Callable[[CustomerRow], None] = lambda row: None,
    ) -> None:
        """`close_tokens` closes the tokens that a customer has in flight."""
        self._close_tokens = close_tokens
        self._stores = stores
        self.ledger = ledger
        self._now_us = now_us

    def settle(self) -> int:
        """Take back again what a restored database gives; see `ConsentLedger.settle`."""
        return self.ledger.settle()

    def of(self, row: CustomerRow) -> Standing:
        """What the customer's consent allows now. Raises CustomerLeft."""
        return self.ledger.standing(self._fresh(row))

    def pause(self, row: CustomerRow) -> int:
        """Nobody is greeted for 30 days and nothing is forgotten; until when (microseconds UTC). A pause that runs
        already stays as it is. Raises CustomerLeft."""
        with self._stores.customers.writing():
            standing = self.of(row)
            if standing.paused:
                return standing.paused_until_us
            until = self._now_us() + PAUSE_US
            self._stores.customers.pause(row.tenant, row.customer_id, until)
            self.ledger.note(row.holder, "paused", until_us=until)
        self._close_tokens(self._fresh(row))
        return until

    def resume(self, row: CustomerRow) -> bool:
        """End the pause; False when there is none. Raises CustomerLeft."""
        with self._stores.customers.writing():
            if not self.of(row).paused:
                return False
            self._stores.customers.pause(row.tenant, row.customer_id, 0)
            self.ledger.note(row.holder, "resumed")
        return True

    def change_purposes(
        self,
        row: CustomerRow,
        purposes: Mapping[str, bool],
        notice: Notice | None,
        *,
        language: str = "en",
        age_confirmed: bool = True,
    ) -> Standing:
        """Give what is true, withdraw what is false, leave the rest; what holds then. Giving needs a `notice`.

        Raises UnknownPurpose; AgeNotConfirmed when something is given without it; CustomerLeft. Nothing changes
        when it raises.
        """
        if set(purposes) - set(CHANGEABLE):
            raise UnknownPurpose
        given = [name for name, agreed in purposes.items() if agreed is True]
        if given and age_confirmed is not True:
            raise AgeNotConfirmed
        with self._stores.customers.writing():
            self.ledger.withdraw(row.holder, [name for name in purposes if name not in given])
            if given:
                assert notice is not None, "nothing is agreed to without a notice"
                self.ledger.give(row.holder, given, notice, language=language, age_confirmed=age_confirmed)
            standing = self.of(row)
        if not all(purposes.values()):
            self._close_tokens(self._fresh(row))
        return standing

    def _fresh(self, row: CustomerRow) -> CustomerRow:
        fresh = self._stores.customers.customer(row.tenant, row.customer_id)
        if fresh is None:
            raise CustomerLeft
        return fresh
