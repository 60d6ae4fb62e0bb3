"""The clock of replicas: the machine's own, set right by the server of the database where it is wrong.

A press made on one replica is used on another, and a token of one opens at the next. A replica whose clock is more
than `TOLERATED` away from the server's goes by the server's, and says so.
"""

from __future__ import annotations

import threading
import time

import structlog

from plumbing.clock import SECOND, Clock, monotonic_us, system_clock
from plumbing.storage.database import Database, DatabaseBusy

TOLERATED = SECOND
LOOK_EVERY_US = 15 * SECOND
TRIES = 3
NOW = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1e6 AS BIGINT)"

log = structlog.get_logger(__name__)


class ServerClock:
    """A `Clock`. Safe with threads. While the server is away it goes on with what it knows."""

    def __init__(self, database: Database, machine: Clock = system_clock) -> None:
        """Asks the server at once. Raises DatabaseBusy: it does not answer."""
        self._database = database
        self._machine = machine
        self.apart_us = 0
        """What is added to the machine's clock; 0 while the two are near enough."""
        self._looking = threading.Lock()
        self._look()
        self._next = monotonic_us() + LOOK_EVERY_US

    def __call__(self) -> int:
        """Microseconds UTC."""
        return self._machine() + self.apart_us

    def look(self) -> None:
        """Ask the server again, every `LOOK_EVERY_US` at most."""
        if monotonic_us() < self._next or not self._looking.acquire(blocking=False):
            return
        try:
            self._look()
        except DatabaseBusy:  # the next look will do
            pass
        finally:
            self._next = monotonic_us() + LOOK_EVERY_US
            self._looking.release()

    def _look(self) -> None:
        _, apart = min((self._measured() for _ in range(TRIES)), key=lambda found: found[0])
        before, self.apart_us = self.apart_us, apart if abs(apart) > TOLERATED else 0
        if self.apart_us and not before:
            log.warning("clock_apart", seconds=round(apart / SECOND, 1))

    def _measured(self) -> tuple[float, int]:
        """How long the answer took, and how far the server's clock is ahead of the machine's (microseconds)."""
        began, before = time.perf_counter(), self._machine()
        [shown] = self._database.row(NOW)
        after = self._machine()
        return time.perf_counter() - began, int(shown) - (before + after) // 2

    def remark(self) -> str | None:
        """A sentence while the machine's clock is wrong; None when all is well."""
        if not self.apart_us:
            return None
        way = "behind" if self.apart_us > 0 else "ahead of"
        seconds = abs(self.apart_us) / SECOND
        return f"this machine's clock is {seconds:.0f} s {way} the database server's, which counts; set its time"


def clock_of(database: Database, now_us: Clock, *, shared: bool) -> Clock:
    """`now_us`, or the clock of replicas in the place of the machine's own. Raises DatabaseBusy."""
    return ServerClock(database) if shared and now_us is system_clock else now_us
