"""Who a customer is, found by id, receipt or token; and the tokens that say so."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from identity import tokens
from identity.config import IdentityConfig
from identity.consent.codes import normal
from identity.consent.ledger import ConsentLedger, Standing
from identity.customers.departed import Departed
from identity.customers.links import Links
from identity.errors import (
    CodeMistyped,
    CustomerLeft,
    EnrolmentUnknown,
    KeyDestroyed,
    TokenAltered,
    TokenExpired,
)
from identity.results import Device
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from identity.store.homes import opened_home
from identity.vault.vault import Holder, Vault
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.closed import ClosedTokens, visit_of
from plumbing.limits import Limits
from plumbing.steady import closed_before
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from plumbing.storage.tenants import narrow

OWN_PAGE = "me"
"""The device that a token for the customer's own page is bound to; no device can be called that."""

log = structlog.get_logger(__name__)
LEAST_SIGNS = 16  # of 20: who types so many means a code


@dataclass(frozen=True, slots=True)
class Account:
    """A customer who was found, with what their key opened, and what their consent allows now."""

    row: CustomerRow
    links: Links
    standing: Standing

    @property
    def purposes(self) -> tuple[str, ...]:
        """Those that they are greeted for now: none before they confirm their receipt, and in a pause."""
        return self.standing.purposes

    @property
    def is_paused(self) -> bool:
        """Whether they are greeted nowhere at the moment, on their own wish or after an opt-out by face."""
        return self.standing.paused


class Accounts:
    """Finds customers, mints their tokens and notes what a visit changes."""

    def __init__(
        self,
        config: IdentityConfig,
        stores: IdentityStores,
        vault: Vault,
        ledger: ConsentLedger,
        departed: Departed,
        limits: Limits,
        now_us: Clock,
        in_flight: ClosedTokens,
    ) -> None:
        self._config = config
        self.in_flight = in_flight
        self._stores = stores
        self._vault = vault
        self._ledger = ledger
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
            return Account(row, self.links_of(row), self._ledger.standing(row))
        except KeyDestroyed:
            return None

    def links_of(self, row: CustomerRow) -> Links:
        """The ids of a customer in other places. Raises KeyDestroyed."""
        return Links.unpacked(self._vault.open(row.holder, "links", row.links))

    def home_of(self, row: CustomerRow) -> str | None:
        """The site where a customer enrolled their face: "" when that is not known, None without a face."""
        sealed = self._stores.galleries.home_of(row.tenant, row.customer_id)
        return None if sealed is None else opened_home(self._vault, row.holder, sealed)

    def of_receipt(self, device: Device, receipt: str) -> CustomerRow:
        """The customer who has a receipt. A device may try few a minute.

        Raises EnrolmentUnknown, CodeMistyped or TooManyRequests.
        """
        self.limit(device, "receipts")
        row = self.row_of_code(device.tenant, receipt)
        if row is None:
            raise EnrolmentUnknown
        return row

    def limit(self, device: Device, what: str) -> None:
        """Count one more of the `what` of a device. Raises TooManyRequests."""
        try:
            most, name = self._config.receipts_a_minute, f"{what} of {device.name}"
            self._limits.allow(device.tenant, name, most=most, window_us=MINUTE)
        except (
            sqlite3.OperationalError,
            DatabaseBusy,
            DiskFull,
        ):  # it stops nobody from opting out; no receipt can be guessed
            log.warning("limit_not_counted")

    def row_of_code(self, tenant: str, code: str) -> CustomerRow | None:
        """The customer of a code as somebody types it, or None. Whoever calls it limits how often.

        Raises CodeMistyped.
        """
        return self._stores.customers.customer_of_receipt(tenant, receipt_digest(code))

    def of_token(self, device: Device, token: str, *, closed_too: bool = False) -> tuple[tokens.Claims, Account]:
        """What a token says, and whose it is. Raises a TokenError: also for a token that `close` has closed,
        unless `closed_too`."""
        return self._of_token(device.tenant, device.name, token, closed_too=closed_too)

    def of_own_page(self, token: str) -> tuple[tokens.Claims, Account]:
        """The same of a token for the customer's own page, of whichever tenant. Raises a TokenError."""
        claims, account = self._of_token(None, OWN_PAGE, token)
        narrow(claims.tenant)
        return claims, account

    def _of_token(
        self, tenant: str | None, device: str, token: str, *, closed_too: bool = False
    ) -> tuple[tokens.Claims, Account]:
        claims = tokens.open_own(
            self._config.token_keys,
            token,
            tenant=tenant,
            device=device,
            now_us=self._now_us(),
            not_before_us=closed_before(self._now_us),
        )
        account = self.find(claims.tenant, tokens.customer_of(self._token_ids, claims.token_id))
        if account is None or account.links.pseudonym != claims.pseudonym:
            raise TokenExpired
        if not closed_too and self._is_closed(claims):
            raise TokenExpired
        return claims, account

    def close(self, claims: tokens.Claims) -> bool:
        """Close all tokens of a visit, those raised by the PIN too; whether they were open."""
        was_open = not self._is_closed(claims)
        self.in_flight.close(claims.tenant, visit_of(claims.token_id))
        return was_open

    def _is_closed(self, claims: tokens.Claims) -> bool:
        return bool(self.in_flight.closed_until(claims.tenant, visit_of(claims.token_id)))

    def stands(self, reply: Mapping[str, object]) -> bool:
        """Whether a kept reply may be given again: whoever it has a token of is still here, and the token open."""
        text = reply.get("token")
        if not isinstance(text, str):
            return True
        try:
            claims = tokens.read(self._config.token_keys, text)
            account = self.find(claims.tenant, tokens.customer_of(self._token_ids, claims.token_id))
        except TokenAltered:
            return True  # of a key that was replaced: it opens nothing
        if account is None or account.links.pseudonym != claims.pseudonym:
            return False
        return (
            not self._is_closed(claims)
            and self.in_flight.closed_until(claims.tenant, claims.pseudonym) <= claims.issued_us
        )

    def token(
        self,
        device: Device,
        account: Account | None,
        purposes: Sequence[str],
        level: str,
        visit: tokens.Claims | None = None,
    ) -> tuple[str, int]:
        """A token and when it expires (microseconds UTC); without an account it is of the same work and length,
        and opens nothing. `visit` is what an earlier token of the same visit says: both are closed as one."""
        now = self._now_us()
        if account is not None and purposes and "account" in account.standing.given:
            purposes = (
                *dict.fromkeys((*purposes, "account")),
            )  # what opens is joined with the shop's own account
        customer_id = secrets.token_hex(16) if account is None else account.row.customer_id
        claims = tokens.Claims(
            pseudonym=secrets.token_urlsafe(16) if account is None else account.links.pseudonym,
            tenant=device.tenant,
            device=device.name,
            purposes=tuple(purposes),
            level=level,
            issued_us=now,
            expires_us=now + self._config.token_life_us,
            token_id=tokens.token_id_for(self._token_ids, customer_id) if visit is None else visit.token_id,
        )
        return tokens.mint(self._config.token_keys, claims), claims.expires_us

    def close_tokens_of(self, row: CustomerRow) -> None:
        """Close the tokens in flight of a customer who pauses or takes a purpose back; those made from now on open
        what is agreed to then. Raises CustomerLeft, or OSError: it could not be stored."""
        try:
            links = Links.unpacked(self._vault.open(holder_of(row), "links", row.links))
        except KeyDestroyed as error:
            raise CustomerLeft from error
        self.in_flight.close(row.tenant, links.pseudonym, self._now_us() + 1)

    def visited(self, row: CustomerRow) -> None:
        """Note the day of a visit: retention counts from it."""
        today = self._now_us() // DAY
        if row.last_day >= today:
            return
        try:
            self._ledger.visited(row, today)
        except (
            DatabaseBusy,
            DiskFull,
            CustomerLeft,
        ):  # the next visit notes it; a customer is not turned away for it
            log.warning("visit_not_noted")


def holder_of(row: CustomerRow) -> Holder:
    """Whose key opens what a row has sealed."""
    return row.holder


def receipt_digest(receipt: str) -> str:
    """A code as it is stored, however it was typed; what is not a code at all is stored for nobody.

    Raises CodeMistyped for what is meant to be one and has a wrong sign.
    """
    try:
        return digest(normal(receipt))
    except CodeMistyped:
        if sum(sign.isalnum() for sign in receipt) >= LEAST_SIGNS:
            raise
        return ""


def digest(code: str) -> str:
    """A receipt or PIN secret as it is stored: both are random, so a plain hash leads back to neither."""
    return hashlib.sha256(code.encode()).hexdigest()
