"""How often a password may be guessed, by name and by address, without anybody being locked out for ever.

Attempts are counted for a name and an address together, and for a name from all addresses. A browser in which
somebody signed in before has a mark and a count of its own: whoever tries a name from elsewhere, as often as they
like, does not keep its owner out of their own browser. `docs/decisions/0130-guessing.md` says why.
"""

from __future__ import annotations

import hashlib

from plumbing.clock import HOUR, MINUTE
from plumbing.limits import Limits
from plumbing.people.errors import SignInPaused

MOST_FROM_ADDRESS = 10
"""Attempts for one name from one address, or in one count of its own, in `SHORT_US`."""

SHORT_US = 15 * MINUTE

MOST_OF_NAME = 30
"""Attempts for one name from all browsers that are not known, in an hour."""

MOST_WRONG = 100
"""Wrong passwords from one address in an hour, for all names together."""


class Throttle:
    """Counters in the database that all processes share; None counts nothing (a command)."""

    def __init__(self, limits: Limits | None) -> None:
        self._limits = limits

    def attempt(self, name: str, address: str, browser: str = "") -> None:
        """Count an attempt before it is looked at. `browser` names a count of its own: of a
        known browser, of a link, of somebody who is signed in; else it is empty.

        Raises:
            SignInPaused: too many. It says when to come back.
        """
        if self._limits is None:
            return
        self._refuse(self._limits.reached("", _wrong(address), most=MOST_WRONG, window_us=HOUR))
        self._count(self._narrow(name, address, browser), MOST_FROM_ADDRESS, SHORT_US)
        if not browser:
            self._count(f"sign-ins of {_short(name)}", MOST_OF_NAME, HOUR)

    def wrong(self, address: str) -> None:
        """Count a wrong password of an address."""
        if self._limits is not None:
            self._limits.count("", _wrong(address), window_us=HOUR)

    def right(self, name: str, address: str, browser: str = "") -> None:
        """Begin the short count again: it was the person."""
        if self._limits is not None:
            self._limits.clear("", self._narrow(name, address, browser))

    def _narrow(self, name: str, address: str, browser: str) -> str:
        return f"sign-ins of {_short(name)} from {browser or _short(address)}"

    def _count(self, counted: str, most: int, window_us: int) -> None:
        assert self._limits is not None
        count, left_us = self._limits.count("", counted, window_us=window_us)
        self._refuse(left_us if count > most else 0)

    def _refuse(self, left_us: int) -> None:
        if left_us > 0:
            raise SignInPaused(max(1, -(-left_us // (MINUTE // 60))))


def _wrong(address: str) -> str:
    return f"wrong passwords from {_short(address)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]  # no name of a person in a table of counters
