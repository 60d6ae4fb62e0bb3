"""The customer's own page: signing in, and whose token it is.

Two ways lead in: the code with the PIN, from a phone; or a token of the device where the customer stands, after
their PIN. The token that comes out is bound to the page (`OWN_PAGE`) and to no device, names the purpose
`own_data` beside the customer's own, and is good as long as any other.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass

from identity.consent.codes import normal
from identity.customers.accounts import OWN_PAGE, Account, Accounts, digest
from identity.customers.pins import Pins
from identity.errors import (
    CodeOrPinWrong,
    PinError,
    PinNeededHere,
    PinWrong,
    SignInTooOften,
    TokenForeign,
)
from identity.results import Device
from identity.store.customers import CustomerRow
from identity.store.own_page import OwnPageStore
from identity.tokens import Claims
from plumbing.clock import MINUTE, SECOND
from plumbing.limits import Limits

OWN_DATA = "own_data"
"""The purpose of a token that shows its holder what is held about them."""

TRIES = 10
"""Sign-ins with one code in `WINDOW_US`, right or wrong, whether anybody has it or not."""

WINDOW_US = 15 * MINUTE

NO_PIN = "0000"  # what is compared where there is none to compare
REFUSAL_S = 0.25
"""A refused sign-in takes so long at least, whatever was wrong."""


@dataclass(frozen=True, slots=True)
class Session:
    """A customer who signed in on their own page. `level` is "second_factor" after the PIN, else "face"."""

    token: str
    expires_us: int
    level: str
    purposes: tuple[str, ...]
    account: Account


class OwnPage:
    """Signs customers in on their own page. Safe with threads and processes; what it counts outlasts a restart."""

    def __init__(self, accounts: Accounts, pins: Pins, store: OwnPageStore, limits: Limits, key: bytes) -> None:
        """`key` hides the codes that are counted."""
        self._accounts = accounts
        self._pins = pins
        self._store = store
        self._limits = limits
        self._key = key

    def sign_in(self, code: str, pin: str | None) -> Session:
        """Sign in with the code, and the PIN where one is set.

        A code that nobody has, a wrong PIN, a missing one and a locked one are one answer, after the same work.

        Raises:
            CodeMistyped: by its check signs it is nobody's; nothing was looked up.
            SignInTooOften, CodeOrPinWrong.
        """
        began = time.monotonic()
        self._count(receipt_hash := digest(normal(code)))
        try:
            return self._signed_in(self._store.holder_of(receipt_hash), pin)
        except CodeOrPinWrong:  # writing a failure to the disk must not be seen from outside either
            time.sleep(max(0.0, began + REFUSAL_S - time.monotonic()))
            raise

    def _signed_in(self, row: CustomerRow | None, pin: str | None) -> Session:
        """Raises CodeOrPinWrong, after one PIN's work whatever was wrong."""
        account = None if row is None else self._accounts.find(row.tenant, row.customer_id)
        if row is None or account is None or not account.standing.confirmed:
            self._pins.pretend(NO_PIN)
            raise CodeOrPinWrong
        if row.pin is None:
            self._pins.pretend(NO_PIN)
            return self.session(account, "face")
        try:
            self._pins.check(row, pin or "")
        except PinError as error:
            if not isinstance(error, PinWrong):  # refused before any work: malformed, or locked
                self._pins.pretend(NO_PIN)
            raise CodeOrPinWrong from error
        return self.session(account, "second_factor")

    def hand_over(self, device: Device, token: str) -> Session:
        """The same for who stands at a device and gave their PIN there. Raises a TokenError or PinNeededHere."""
        claims, account = self._accounts.of_token(device, token)
        if claims.level != "second_factor":
            raise PinNeededHere
        return self.session(account, "second_factor")

    def holder(self, tenant: str, code: str) -> CustomerRow | None:
        """The customer of a tenant who has a code; None for a code of nobody there. For commands: nothing is
        counted. Raises CodeMistyped."""
        row = self._store.holder_of(digest(normal(code)))
        return row if row is not None and row.tenant == tenant else None

    def session(self, account: Account, level: str) -> Session:
        """A token for the page, with the purposes as they are now."""
        device = Device(account.row.tenant, OWN_PAGE)
        tied = ("account",) if "account" in account.standing.given else ()
        purposes = (*account.purposes, *tied)
        token, expires_us = self._accounts.token(device, account, (*purposes, OWN_DATA), level)
        return Session(token, expires_us, level, purposes, account)

    def opened(self, token: str) -> tuple[Claims, Account]:
        """What a token for the page says, and whose it is. Raises a TokenError."""
        claims, account = self._accounts.of_own_page(token)
        if OWN_DATA not in claims.purposes:
            raise TokenForeign
        return claims, account

    def _count(self, receipt_hash: str) -> None:
        """Raises SignInTooOften. A counter that cannot be written stops the sign-in: guessing is never free."""
        hidden = hmac.new(self._key, receipt_hash.encode(), hashlib.sha256).hexdigest()[:32]
        count, left_us = self._limits.count("", f"code {hidden}", window_us=WINDOW_US)
        if count > TRIES:
            raise SignInTooOften(max(1, -(-left_us // SECOND)))
