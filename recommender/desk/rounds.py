"""What the desk does beside the requests: write figures, sum days, mail what needs attention, remove old events.

Each process writes what it counted. The rest is done by one process of the installation, which holds a lock.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable

import structlog
from filelock import Timeout

from plumbing.clock import DAY, Clock
from plumbing.problem import Problem
from plumbing.storage.files import process_lock
from plumbing.storage.state import State
from plumbing.storage.tenants import of_tenant
from recommender.desk.attention import attention
from recommender.desk.attention_mails import AttentionMails
from recommender.desk.overview import DeskTools

log = structlog.get_logger(__name__)
WRITE_EVERY_S = 5.0
LOOK_EVERY_S = 60.0
TIDY_EVERY_S = 3_600.0
DAYS_AT_ONCE = 20


class Rounds:
    """The rounds of one process."""

    def __init__(
        self,
        state: State,
        tools: DeskTools,
        mails: AttentionMails,
        tenants: Callable[[], Iterable[str]],
        now_us: Clock,
    ) -> None:
        self._lead = _Lead(state)
        self._tools = tools
        self._mails = mails
        self._tenants = tenants
        self._now_us = now_us
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked = self._tidied = float("-inf")
        self._led = False

    def start(self) -> None:
        """Go round every few seconds, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and write what was counted."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._tools.figures.write()
        self._lead.release()

    def _run(self) -> None:
        while not self._stop.wait(WRITE_EVERY_S):
            try:
                self.go()
            except (Problem, sqlite3.Error, OSError, ValueError) as error:  # the next round will do
                log.warning("desk_round_failed", error=type(error).__name__)

    def go(self) -> bool:
        """One round; whether this process leads."""
        self._tools.figures.write()
        if not self._lead.take():
            return False
        if not self._led:
            self._led = True
            for tenant in self._tenants():
                self._tools.figures.catch_up(tenant)
        self._tools.figures.refresh(most=DAYS_AT_ONCE)
        now = time.monotonic()
        if now - self._looked >= LOOK_EVERY_S:
            self._looked = now
            for tenant in self._tenants():
                with of_tenant(tenant):
                    self._mails.look(tenant, attention(self._tools.asked(tenant)))
        if now - self._tidied >= TIDY_EVERY_S:
            self._tidied = now
            for tenant in self._tenants():
                self.tidy(tenant)
        return True

    def tidy(self, tenant: str) -> int:
        """Remove events, decisions about offers and purchases that are older than the tenant keeps them; returns
        how many rows. Figures by day and the totals of offers stay."""
        gone = 0
        with of_tenant(tenant):
            days = self._tools.stores.tenants.get(tenant).retention_days
            if days is None:
                return 0
            before_us = self._now_us() - days * DAY
            stores = self._tools.stores
            for remove in (stores.events.remove_before, stores.offers.remove_before):
                while not self._stop.is_set():
                    n = remove(tenant, before_us)
                    gone += n
                    if not n:
                        break
                    time.sleep(0.02)  # an order never waits for all of them
        return gone


class _Lead:
    """Held by one process of the installation."""

    def __init__(self, state: State) -> None:
        self._locks = state.locks()
        self._file = process_lock(state.home / "recommender-desk.lock")

    def take(self) -> bool:
        if self._locks is not None:
            return self._locks.take("desk")
        if not self._file.is_locked:
            try:
                self._file.acquire(blocking=False)
            except Timeout:
                return False
        return True

    def release(self) -> None:
        if self._locks is not None:
            self._locks.close()
        self._file.release()
