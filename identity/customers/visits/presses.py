"""A press: the customer's own act. One press gives one nonce, valid once, for seconds, on one device."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace

from identity.config import IdentityConfig
from identity.errors import PressExpired, PressRefused, TooManyFailures
from identity.store.presses import PressStore, Streak, StreakRules
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
        now, config = self._now_us(), self._config
        rules = StreakRules(now, config.failures_in_a_row, config.failed_presses_a_minute, config.pause_us)
        if not self._store.count_failure(tenant, device, self._first(now), rules):
            self._refuse_paused(self._bounded(tenant, device, now), now)
            raise TooManyFailures(1)  # others failed since, and were forgiven
        expires = self._store.claim_press(tenant, _digest(nonce), device)
        if expires is None:
            raise PressRefused
        if not now < expires <= now + self._config.press_life_us + SLACK:
            raise PressExpired  # or it was opened under a clock that was ahead

    def succeeded(self, tenant: str, device: str) -> None:
        """The claimed press was no failure: the failures in a row start again at zero."""
        self._store.succeeded(tenant, device)

    def unjudged(self, tenant: str, device: str) -> None:
        """No face was compared: the press counts in the minute, but not in the row that pauses a device.

        A person who gets the hint "come closer" five times has not failed to be recognised.
        """

        def uncounted() -> None:
            streak = self._store.streak(tenant, device)
            # This press was the last of a row; without a pause, another one has ended the row meanwhile.
            paused = streak.failures == 0 and streak.paused_until_us > 0
            failures = self._config.failures_in_a_row - 1 if paused else max(0, streak.failures - 1)
            until = 0 if paused else streak.paused_until_us
            self._store.keep_streak(tenant, device, replace(streak, failures=failures, paused_until_us=until))

        self._store.database.together(uncounted)

    def _first(self, now: int) -> Streak:
        """After the first failure of a device."""
        pause = self._config.failures_in_a_row <= 1
        return Streak(0 if pause else 1, now, 1, now + self._config.pause_us if pause else 0)

    def _bounded(self, tenant: str, device: str, now: int) -> Streak:
        """The recent failures of a device. A pause, or a minute, that lies further ahead than it is long began
        under another clock: it is stored again as if it began now, so that it ends."""
        streak = self._store.streak(tenant, device)
        if self._in_bounds(streak, now) == streak:
            return streak

        def kept() -> Streak:  # others may have counted a press since
            bounded = self._in_bounds(self._store.streak(tenant, device), now)
            self._store.keep_streak(tenant, device, bounded)
            return bounded

        return self._store.database.together(kept)

    def _in_bounds(self, streak: Streak, now: int) -> Streak:
        pause = now + left_of(streak.paused_until_us, now, self._config.pause_us)
        minute = now + left_of(streak.minute_us + MINUTE, now, MINUTE) - MINUTE
        return replace(
            streak,
            paused_until_us=min(streak.paused_until_us, pause),
            minute_us=min(streak.minute_us, minute),
        )

    def _refuse_paused(self, streak: Streak, now: int) -> None:
        until = streak.paused_until_us
        if streak.minute_failures >= self._config.failed_presses_a_minute:
            until = max(until, streak.minute_us + MINUTE)
        if now < until:
            raise TooManyFailures(-(-(until - now) // SECOND))


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
