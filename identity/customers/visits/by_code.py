"""A visit without a face: the code and the PIN give what face and PIN give."""

from __future__ import annotations

from dataclasses import replace

from identity.config import IdentityConfig
from identity.customers.accounts import Account, Accounts
from identity.customers.pins import Pins, well_formed
from identity.errors import CodeOrPinWrong, KeyDestroyed, PinError, TooManyCodes
from identity.results import Device
from identity.store.code_tries import CodeTryStore, Tries
from plumbing.clock import SECOND, Clock, left_of


class Codes:
    """Finds the customer of a code and a PIN.

    One answer, after one amount of work, to a code that nobody has, a wrong PIN, a locked one and none. Tries are
    counted before they are judged: for the customer as wrong PINs, for the device as failed presses are.
    """

    def __init__(
        self, config: IdentityConfig, accounts: Accounts, pins: Pins, tries: CodeTryStore, now_us: Clock
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._pins = pins
        self._tries = tries
        self._now_us = now_us

    def account(self, device: Device, code: str, pin: str) -> Account:
        """Whose code and PIN these are. Raises PinInvalid, CodeMistyped, TooManyCodes or CodeOrPinWrong."""
        well_formed(pin)
        row = self._accounts.row_of_code(device.tenant, code)
        self._count(device)
        if row is None or row.pin is None:
            self._tries.spoil(device.tenant, device.name)
            self._pins.pretend(pin)
            raise CodeOrPinWrong
        try:
            self._pins.check(row, pin)
        except (PinError, KeyDestroyed) as error:
            if getattr(error, "retry_after", None) is not None:  # it is locked: nothing was counted or compared
                self._tries.spoil(device.tenant, device.name)
                self._pins.pretend(pin)
            raise CodeOrPinWrong from error
        account = self._accounts.find(row.tenant, row.customer_id)
        if account is None:
            raise CodeOrPinWrong
        self._tries.keep(device.tenant, device.name, Tries())
        return account

    def _count(self, device: Device) -> None:
        """Count a try of this device. Raises TooManyCodes; a pause that lies further ahead than it is long began
        under another clock, and ends."""
        now = self._now_us()
        with self._tries.writing():
            tries = self._tries.tries(device.tenant, device.name)
            left = left_of(tries.paused_until_us, now, self._config.pause_us)
            if left <= 0:
                failures = tries.failures + 1
                pause = failures >= self._config.failures_in_a_row
                until = now + self._config.pause_us if pause else 0
                kept = Tries(0 if pause else failures, until)
            else:
                kept = replace(tries, paused_until_us=now + left)
            self._tries.keep(device.tenant, device.name, kept)
        if left > 0:
            raise TooManyCodes(-(-left // SECOND))
