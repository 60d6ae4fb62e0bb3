"""Who a customer is, found by id, receipt or token; and the tokens that say so."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from identity import tokens
from identity.config import IdentityConfig
from identity.consent import ledger
from identity.customers.departed import Departed
from identity.customers.links import Links
from identity.errors import EnrolmentUnknown, KeyDestroyed, TokenExpired
from identity.results import Device
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from identity.vault.vault import Holder, Vault
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.limits import Limits
from plumbing.steady import closed_before
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """A customer who was found, with what their key opened. `purposes` are those they agree to now."""

    row: CustomerRow
    links: Links
    purposes: tuple[str, ...]


class Accounts:
    """Finds customers, mints their tokens and notes what a visit changes."""

    def __init__(
        self,
        config: IdentityConfig,
        stores: IdentityStores,
        vault: Vault,
        departed: Departed,
        limits: Limits,
        now_us: Clock,
    ) -> None:
        self._config = config
        self._stores = stores
        self._vault = vault
        self._departed = departed
        self._limits = limits
        self._now_us = now_us
        self._token_ids = vault.keys.derive("token ids")

    def find(self, tenant: str, customer_id: str) -> Account | None:
        """A customer as the database and the key file have them now: an opt-out in any process counts here."""
        row = self._stores.customers.customer(tenant, customer_id)
        if row is None or self._departed.includes(tenant, customer_id):
            return None
        try:
            links = Links.unpacked(self._vault.open(holder_of(row), "links", row.links))
        except KeyDestroyed:
            return None
        events = self._stores.consents.consents(tenant, tuple(links.consents.values()))
        return Account(row, links, ledger.in_force(events))

    def of_receipt(self, device: Device, receipt: str) -> CustomerRow:
        """The customer who has a receipt. A device may try few a minute.

        Raises EnrolmentUnknown or TooManyRequests.
        """
        try:
            most, name = self._config.receipts_a_minute, f"receipts of {device.name}"
            self._limits.allow(device.tenant, name, most=most, window_us=MINUTE)
        except (
            sqlite3.OperationalError,
            DatabaseBusy,
            DiskFull,
        ):  # it stops nobody from opting out; no receipt can be guessed
            log.warning("limit_not_counted")
        row = self._stores.customers.customer_of_receipt(device.tenant, digest(receipt.strip().upper()))
        if row is None:
            raise EnrolmentUnknown
        return row

    def of_token(self, device: Device, token: str) -> tuple[tokens.Claims, Account]:
        """What a token says, and whose it is. Raises a TokenError."""
        claims = tokens.open_own(
            self._config.token_keys,
            token,
            tenant=device.tenant,
            device=device.name,
            now_us=self._now_us(),
            not_before_us=closed_before(self._now_us),
        )
        account = self.find(device.tenant, tokens.customer_of(self._token_ids, claims.token_id))
        if account is None or account.links.pseudonym != claims.pseudonym:
            raise TokenExpired
        return claims, account

    def token(
        self, device: Device, account: Account | None, purposes: Sequence[str], level: str
    ) -> tuple[str, int]:
        """A token and when it expires (microseconds UTC); without an account it is of the same work and length,
        and opens nothing."""
        now = self._now_us()
        customer_id = secrets.token_hex(16) if account is None else account.row.customer_id
        claims = tokens.Claims(
            pseudonym=secrets.token_urlsafe(16) if account is None else account.links.pseudonym,
            tenant=device.tenant,
            device=device.name,
            purposes=tuple(purposes),
            level=level,
            issued_us=now,
            expires_us=now + self._config.token_life_us,
            token_id=tokens.token_id_for(self._token_ids, customer_id),
        )
        return tokens.mint(self._config.token_keys, claims), claims.expires_us

    def visited(self, row: CustomerRow) -> None:
        """Note the day of a visit: retention counts from it."""
        today = self._now_us() // DAY
        if row.last_day >= today:
            return
        try:
            self._stores.customers.visited(row.tenant, row.customer_id, today)
        except (DatabaseBusy, DiskFull):  # the next visit notes it; a customer is not turned away for it
            log.warning("visit_not_noted")

    def require_second_factor(self, row: CustomerRow) -> None:
        """From now on the face alone opens nothing of this customer."""
        self._stores.customers.require_second_factor(row.tenant, [row.customer_id])


def holder_of(row: CustomerRow) -> Holder:
    """Whose key opens what a row has sealed."""
    return Holder(row.tenant, row.customer_id, row.slot)


def digest(code: str) -> str:
    """A receipt or PIN secret as it is stored: both are random, so a plain hash leads back to neither."""
    return hashlib.sha256(code.encode()).hexdigest()
