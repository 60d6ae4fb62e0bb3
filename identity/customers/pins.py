"""The second factor: four digits, slow to try, sealed under the customer's key."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from identity.config import IdentityConfig
from identity.customers.accounts import digest, holder_of
from identity.errors import KeyDestroyed, PinInvalid, PinLocked, PinNotSet, PinSetupRefused, PinWrong
from identity.store.customers import CustomerRow, CustomerStore
from identity.vault.vault import Holder, Vault
from plumbing.clock import SECOND, SLACK, Clock, left_of

SALT_BYTES = 16
ALIKE = 3  # as many PINs are compared at least, when the PIN says which of some lookalikes somebody is
SCRYPT_N = 2**14  # 16 MB and some 50 ms; the seal and the lock do the rest


class Pins:
    """Set and check PINs. Four digits are only 10,000 choices: a lock protects them, and doubles each time."""

    def __init__(self, store: CustomerStore, vault: Vault, config: IdentityConfig, now_us: Clock) -> None:
        self._store = store
        self._vault = vault
        self._config = config
        self._now_us = now_us

    def sealed(self, holder: Holder, pin: str) -> bytes:
        """A PIN as it is stored: salted, slow to hash, under the customer's key. Raises PinInvalid."""
        well_formed(pin)
        salt = secrets.token_bytes(SALT_BYTES)
        return self._vault.seal(holder, "pin", salt + _hashed(pin, salt))

    def set_up(self, row: CustomerRow, secret: str, pin: str) -> None:
        """Set the PIN with the secret that was given at enrolment. Raises PinSetupRefused or PinInvalid."""
        right = row.pin_setup_hash is not None and hmac.compare_digest(row.pin_setup_hash, digest(secret))
        left = row.pin_setup_until_us - self._now_us()
        if not right or not 0 < left <= self._config.pin_setup_life_us + SLACK:
            raise PinSetupRefused  # too late, or the secret was given under a clock that was ahead
        if not self._store.replace_pin(row.tenant, row.customer_id, row.pin, self.sealed(holder_of(row), pin)):
            raise PinSetupRefused  # somebody else was first

    def change(self, row: CustomerRow, old: str | None, new: str) -> None:
        """Set another PIN, or the first one of a customer who has just proven to hold the code.

        Raises PinInvalid; when a PIN is set, what `check` raises unless `old` is it.
        """
        well_formed(new)
        if row.pin is not None:
            self.check(row, old or "")
        if not self._store.replace_pin(row.tenant, row.customer_id, row.pin, self.sealed(holder_of(row), new)):
            raise PinWrong  # it was changed meanwhile, or its customer is gone

    def right_of(self, rows: Sequence[CustomerRow], pin: str, least: int = ALIKE) -> list[CustomerRow]:
        """Those of `rows` whose PIN this is; a wrong PIN counts for each of the others who have one.

        It takes the time of `least` PINs, however many of the rows have one. Raises PinInvalid; PinLocked or
        PinWrong when it is nobody's.
        """
        well_formed(pin)
        right, locked = [], []
        for row in (with_pin := [row for row in rows if row.pin is not None]):
            try:
                self.check(row, pin)
                right.append(row)
            except PinLocked as error:
                self.pretend(pin)
                locked.append(error)
            except (PinWrong, PinNotSet, KeyDestroyed):
                pass
        for _ in range(least - len(with_pin)):
            self.pretend(pin)
        if not right and with_pin:
            raise locked[0] if len(locked) == len(with_pin) else PinWrong
        return right

    def pretend(self, pin: str) -> None:
        """Take as long as the comparison with a PIN that is set."""
        hmac.compare_digest(_hashed(pin, bytes(SALT_BYTES)), bytes(32))

    def check(self, row: CustomerRow, pin: str) -> None:
        """Return when `pin` is the customer's. Raises PinInvalid, PinNotSet, PinLocked or PinWrong.

        A try is counted before it is judged, so that parallel tries cannot pass the limit.
        """
        well_formed(pin)
        sealed = self._count_try(row)
        content = self._vault.open(holder_of(row), "pin", sealed)
        salt, expected = content[:SALT_BYTES], content[SALT_BYTES:]
        if not hmac.compare_digest(_hashed(pin, salt), expected):
            raise PinWrong
        self._store.set_pin_state(row.tenant, row.customer_id, failures=0, locks=0, until_us=0)

    def _length_of_lock(self, earlier: int) -> int:
        return int(min(self._config.pin_lock_us * 2**earlier, self._config.longest_pin_lock_us))

    def _bound_lock(self, row: CustomerRow, now: int) -> None:
        """A lock that lies further ahead than it is long was set under another clock: it starts now, and ends."""
        if self._bounded(row, now) == row.pin_locked_until_us:
            return
        with self._store.writing():  # others may have counted a try since `row` was read
            fresh = self._store.customer(row.tenant, row.customer_id)
            if fresh is not None and (until := self._bounded(fresh, now)) < fresh.pin_locked_until_us:
                failures, locks = fresh.pin_failures, fresh.pin_locks
                self._store.set_pin_state(
                    row.tenant, row.customer_id, failures=failures, locks=locks, until_us=until
                )

    def _bounded(self, row: CustomerRow, now: int) -> int:
        longest = self._length_of_lock(max(0, row.pin_locks - 1))
        return min(row.pin_locked_until_us, now + left_of(row.pin_locked_until_us, now, longest))

    def _count_try(self, row: CustomerRow) -> bytes:
        now = self._now_us()
        self._bound_lock(row, now)  # not in the transaction, which ends without effect when the PIN is locked
        with self._store.writing():
            fresh = self._store.customer(row.tenant, row.customer_id)
            if fresh is None or fresh.pin is None:
                raise PinNotSet
            if fresh.pin_locked_until_us > now:
                raise PinLocked(-(-(fresh.pin_locked_until_us - now) // SECOND))
            failures, locks, until = fresh.pin_failures + 1, fresh.pin_locks, 0
            if failures >= self._config.pin_tries:
                failures, locks, until = 0, min(locks + 1, 30), now + self._length_of_lock(locks)
            self._store.set_pin_state(row.tenant, row.customer_id, failures=failures, locks=locks, until_us=until)
        return fresh.pin


def well_formed(pin: str) -> None:
    """Raise PinInvalid unless `pin` is four ASCII digits."""
    if re.fullmatch(r"[0-9]{4}", pin) is None:
        raise PinInvalid


def _hashed(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=SCRYPT_N, r=8, p=1, dklen=32)
