"""What offers earn, counted beside the requests where the log is large: the page never waits for it.

A small log is counted at once when it has changed. Of a large one the last figures are answered, and a thread
counts again: at most once a minute, and at most a tenth of the time. They lie in the database for other processes.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseUnusable
from plumbing.storage.tenants import of_tenant
from recommender.store.offers import OfferStore

SMALL = 5_000
"""Decisions that are counted within a request: in a fraction of a second."""

_SHARE = 10
log = logging.getLogger(__name__)

Body = dict[str, Any]


@dataclass
class _Held:
    stamp: Hashable
    body: Body
    until_us: int  # before this moment nobody looks whether the log has changed


class OfferReports:
    """The figures of all tenants in one process. `build` counts a tenant's log."""

    def __init__(
        self, store: OfferStore, now_us: Clock, build: Callable[[str], Body], *, at_once: bool = False
    ) -> None:
        self._store, self._now_us, self._build = store, now_us, build
        self._held: dict[str, _Held] = {}
        self._counting: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._at_once = at_once
        store.before_close.append(self.close)

    def get(self, tenant: str, version: str | None) -> Body:
        """The figures; `version` is the one that decides now. `counting` says that newer ones are on their way."""
        held, now_us = self._held.get(tenant), self._now_us()
        if held is not None and held.until_us > now_us >= held.until_us - _SHARE * MINUTE:
            return held.body
        size = self._store.size(tenant)
        stamp = (version, now_us // MINUTE, size, self._store.settings_as_read(tenant))
        if held is not None and held.stamp == stamp:
            return held.body
        if self._at_once or size[0] <= SMALL:
            return self._count(tenant, stamp, 0)
        if held is None:
            stored = self._store.report(tenant)
            held = _Held(None, stored[1], 0) if stored else None
        self._count_beside(tenant, stamp)
        return (held.body if held else {}) | {"counting": True}

    def _count(self, tenant: str, stamp: Hashable, until_us: int) -> Body:
        body = self._build(tenant)
        self._held[tenant] = _Held(stamp, body, until_us)
        return body

    def _count_beside(self, tenant: str, stamp: Hashable) -> None:
        """Begin to count in a thread, unless one does."""
        with self._lock:
            if tenant in self._counting or self._closed:
                return
            thread = threading.Thread(
                target=self._in_thread, args=(tenant, stamp), name="offer figures", daemon=True
            )
            self._counting[tenant] = thread
            thread.start()

    def close(self) -> None:
        """Count no more, and wait for what is being counted: the database may not be closed under it."""
        with self._lock:
            self._closed = True
            threads = list(self._counting.values())
        for thread in threads:
            thread.join()

    def _in_thread(self, tenant: str, stamp: Hashable) -> None:
        began = time.monotonic()
        try:
            with of_tenant(tenant):
                body = self._count(tenant, stamp, 0)
                pause = max(MINUTE, int(_SHARE * (time.monotonic() - began) * SECOND))
                self._held[tenant] = _Held(stamp, body, self._now_us() + min(pause, _SHARE * MINUTE))
                self._store.save_report(tenant, self._now_us(), body)
        except (
            Problem,
            DatabaseUnusable,
            sqlite3.Error,
        ) as error:  # the last figures stay
            log.warning("the figures of offers were not counted: %s", error)
        finally:
            with self._lock:
                self._counting.pop(tenant, None)
