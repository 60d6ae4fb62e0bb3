"""A press: the customer's own act. One press gives one nonce, valid once, for seconds, on one device."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

from identity.config import IdentityConfig
from identity.errors import PressExpired, PressRefused, TooManyFailures
from identity.store.presses import PressStore, Streak
from plumbing.clock import MINUTE, SECOND, SLACK, Clock, left_of


class Presses:
    """Nonces, and how often a device may fail.

    A claimed press counts as failed until a customer was recognised. So an attacker who tries faces in parallel is
    counted before the first reply, and a stranger's press costs one short write.
    """

    def __init__(self, store: PressStore, config: IdentityConfig, now_us: Clock) -> None:
        self._store = store
        self._config = config
        self._now_us = now_us

    def open(self, tenant: str, device: str) -> tuple[str, int]:
        """A new nonce and when it expires (microseconds UTC). Raises TooManyFailures."""
        now = self._now_us()
        self._refuse_paused(self._bounded(tenant, device, now), now)
        nonce, expires = secrets.token_urlsafe(24), now + self._config.press_life_us
        self._store.open_press(tenant, _digest(nonce), device, now_us=now, expires_us=expires)
        return nonce, expires

    def claim(self, tenant: str, device: str, nonce: str) -> None:
        """Use up a nonce, before any picture is decoded.

        Raises TooManyFailures (the nonce stays valid), PressRefused or PressExpired.
        """
        now = self._now_us()
        self._bounded(tenant, device, now)  # not in the transaction, which ends without effect in a pause

        def used_up() -> int | None:
            streak = self._store.streak(tenant, device)
            self._refuse_paused(streak, now)
            expires = self._store.claim_press(tenant, _digest(nonce), device)
            self._store.keep_streak(tenant, device, self._failed(streak, now))
            return expires

        expires = self._store.database.together(used_up)
        if expires is None:
            raise PressRefused
        if not now < expires <= now + self._config.press_life_us + SLACK:
            raise PressExpired  # or it was opened under a clock that was ahead

    def succeeded(self, tenant: str, device: str) -> None:
        """The claimed press was no failure: the failures in a row start again at zero."""

        def broken() -> None:
            streak = self._store.streak(tenant, device)
            fewer = max(0, streak.minute_failures - 1)
            kept = replace(streak, failures=0, minute_failures=fewer, paused_until_us=0)
            self._store.keep_streak(tenant, device, kept)

        self._store.database.together(broken)

    def unjudged(self, tenant: str, device: str) -> None:
        """No face was compared: the press counts in the minute, but not in the row that pauses a device.

        A person who gets the hint "come closer" five times has not failed to be recognised.
        """

        def uncounted() -> None:
            streak = self._store.streak(tenant, device)
            paused = streak.failures == 0  # this press was the last of a row
            failures = self._config.failures_in_a_row - 1 if paused else streak.failures - 1
            until = 0 if paused else streak.paused_until_us
            self._store.keep_streak(tenant, device, replace(streak, failures=failures, paused_until_us=until))

        self._store.database.together(uncounted)

    def _failed(self, streak: Streak, now: int) -> Streak:
        same_minute = streak.minute_us <= now < streak.minute_us + MINUTE
        failures = streak.failures + 1
        pause = failures >= self._config.failures_in_a_row
        return Streak(
            failures=0 if pause else failures,
            minute_us=streak.minute_us if same_minute else now,
            minute_failures=streak.minute_failures + 1 if same_minute else 1,
            paused_until_us=now + self._config.pause_us if pause else streak.paused_until_us,
        )

    def _bounded(self, tenant: str, device: str, now: int) -> Streak:
        """The recent failures of a device. A pause, or a minute, that lies further ahead than it is long began
        under another clock: it is stored again as if it began now, so that it ends."""
        streak = self._store.streak(tenant, device)
        pause = now + left_of(streak.paused_until_us, now, self._config.pause_us)
        minute = now + left_of(streak.minute_us + MINUTE, now, MINUTE)
        if pause < streak.paused_until_us or minute < streak.minute_us + MINUTE:
            streak = replace(streak, minute_us=minute - MINUTE, paused_until_us=pause)
            self._store.keep_streak(tenant, device, streak)
        return streak

    def _refuse_paused(self, streak: Streak, now: int) -> None:
        until = streak.paused_until_us
        if streak.minute_failures >= self._config.failed_presses_a_minute:
            until = max(until, streak.minute_us + MINUTE)
        if now < until:
            raise TooManyFailures(-(-(until - now) // SECOND))


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
