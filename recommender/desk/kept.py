"""Reports made beside the requests: a page gets the last one at once, and an old one is made again meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from plumbing.clock import MINUTE, Clock
from plumbing.problem import Problem
from plumbing.storage.tenants import of_tenant
from recommender.store.kept_reports import KeptReportStore

log = structlog.get_logger(__name__)
OLD_US = 10 * MINUTE

Make = Callable[[], dict[str, Any]]


class KeptReports:
    """The reports of an installation, in one process. Safe with threads."""

    def __init__(self, store: KeptReportStore, now_us: Clock) -> None:
        self._store = store
        self._now_us = now_us
        self._lock = threading.Lock()
        self._making: set[tuple[str, str]] = set()
        self._beside: ThreadPoolExecutor | None = None

    def get(self, tenant: str, name: str, make: Make, old_us: int = OLD_US) -> tuple[int, dict[str, Any]]:
        """When a report was made, and its body; the first one is made at once. It is JSON: keys are texts."""
        found = self._store.get(tenant, name)
        if found is None:
            return self._made(tenant, name, make)
        if not 0 <= self._now_us() - found[0] <= old_us:
            self._make_beside(tenant, name, make)
        return found

    def close(self) -> None:
        """Wait for what is being made."""
        with self._lock:
            beside, self._beside = self._beside, None
        if beside is not None:
            beside.shutdown(cancel_futures=True)

    def _made(self, tenant: str, name: str, make: Make) -> tuple[int, dict[str, Any]]:
        now_us, body = self._now_us(), make()
        self._store.put(tenant, name, now_us, body)
        return now_us, body

    def _make_beside(self, tenant: str, name: str, make: Make) -> None:
        with self._lock:
            if (tenant, name) in self._making:
                return
            self._making.add((tenant, name))
            if self._beside is None:
                self._beside = ThreadPoolExecutor(1, "reports")
            self._beside.submit(self._work, tenant, name, make)

    def _work(self, tenant: str, name: str, make: Make) -> None:
        try:
            with of_tenant(tenant):
                self._made(tenant, name, make)
        except (Problem, sqlite3.Error, OSError, ValueError) as error:  # the old one stays; the next request tries
            log.warning("report_not_made", report=name, error=type(error).__name__)
        finally:
            with self._lock:
                self._making.discard((tenant, name))
