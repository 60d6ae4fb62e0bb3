""" "Not me": for this visit at once, for good after a confirmation, and taken back with the PIN."""

from __future__ import annotations

from identity.audit.log import Audit
from identity.customers.accounts import Account, Accounts
from identity.customers.visits.template_update import TemplateUpdates
from identity.errors import FaceTokenOnly
from identity.matching.matcher import Matchers
from identity.metrics import IdentityMetrics
from identity.results import Device
from identity.store.customers import CONFIRMED_NOT_ME, LOOKALIKE, CustomerStore


class NotMe:
    """What the person who was greeted says about the greeting. Opting out by face works after all of it."""

    def __init__(
        self,
        accounts: Accounts,
        store: CustomerStore,
        matchers: Matchers,
        updates: TemplateUpdates,
        audit: Audit,
        metrics: IdentityMetrics,
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._matchers = matchers
        self._updates = updates
        self._audit = audit
        self._metrics = metrics

    def this_visit(self, device: Device, token: str) -> None:
        """End this visit: its tokens are closed, and the template does not move. Counts as a false match.

        Raises a TokenError.
        """
        self._ended(device, token, closed_too=False)

    def for_good(self, device: Device, token: str) -> None:
        """From now on the face alone opens nothing of this customer. The token may be one that `this_visit` closed
        minutes ago: the screen asks afterwards. Raises a TokenError."""
        row = self._ended(device, token, closed_too=True).row
        self._store.require_second_factor(row.tenant, [row.customer_id], CONFIRMED_NOT_ME)

    def take_back(self, device: Device, token: str) -> None:
        """Be greeted by the face again, unless somebody else looks like this customer.

        Raises a TokenError; FaceTokenOnly when the token was not raised by the PIN.
        """
        claims, account = self._accounts.of_token(device, token)
        if claims.level != "second_factor":
            raise FaceTokenOnly
        row = account.row
        alike = self._matchers.clear.has_lookalike(row.tenant, row.customer_id)
        if alike is None:  # it cannot be judged now
            alike = bool(row.needs_second_factor)
        self._store.set_second_factor(row.tenant, row.customer_id, LOOKALIKE if alike else 0)
        self._audit.note(device.tenant, "not_me", "taken_back", account.links.audit, device=device.name)

    def _ended(self, device: Device, token: str, *, closed_too: bool) -> Account:
        claims, account = self._accounts.of_token(device, token, closed_too=closed_too)
        self._updates.dismiss(account.row)
        if self._accounts.close(claims):
            self._metrics.not_me.inc()
            self._audit.note(device.tenant, "not_me", "flagged", account.links.audit, device=device.name)
        return account
