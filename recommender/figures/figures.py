"""The figures of an installation: what was counted is written, and days with new events are summed again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from plumbing.clock import SECOND, Clock
from plumbing.storage.database import DatabaseBusy, DatabaseUnusable
from plumbing.storage.room import DiskFull
from plumbing.storage.tenants import of_all, of_tenant
from recommender.figures.counters import QUARTER, Counted, Counters
from recommender.figures.days import OFFERS, bounds_us, day_of, daypart_of, days_between, sums_of
from recommender.figures.marks import version_mark
from recommender.scene import Answer, Item, Request
from recommender.store.figures import Cell, FigureStore
from recommender.store.shelves.errors import VersionsUnreachable
from recommender.store.tenant_settings import TenantSettingsStore
from recommender.store.version_rows import VersionRows

AGAIN_S = 10.0
"""A day that changes all the time is summed this often at most."""

SHARE = 20
"""... and never more often than takes a twentieth of a processor."""


@dataclass(frozen=True)
class FigureTools:
    """What the figures are made with."""

    store: FigureStore
    tenants: TenantSettingsStore
    items_of: Callable[[str], Mapping[str, Item]]
    rows: VersionRows
    scenes: Collection[str]
    now_us: Clock

    def versions_of(self, tenant: str) -> list[str]:
        """The names of all published versions of a tenant; none while they cannot be reached."""
        try:
            return [name for scene in self.scenes for name in self.rows.shelf(tenant, scene).names()]
        except VersionsUnreachable:
            return []


class Figures:
    """Counts, writes and sums. One in each process; safe with threads."""

    def __init__(self, tools: FigureTools) -> None:
        self.counters = Counters()
        self.store = tools.store
        self._tools = tools
        self._summing = threading.Lock()
        self._not_before = 0.0  # monotonic seconds

    def answered(
        self, asked: Request, scene: str, version: str | None, answer: Answer, *, recognised: bool
    ) -> None:
        """Count an answer; what nobody asked for, as to load a model, is not counted.

        An answer with a basket belongs to a visit that is counted already, and an offer is no visit.
        """
        if not asked.sender:
            return
        context = asked.context
        hour = -1 if context.local_time is None else context.local_time.hour
        key = Counted(asked.now_us // QUARTER, context.site, hour, scene, recognised, version or "")
        visit = not context.basket and scene != OFFERS
        self.counters.suggested(asked.tenant, key, visit=visit, shown=bool(answer.suggestions))

    def today(self, tenant: str) -> str:
        """The tenant's local date."""
        return day_of(self._tools.now_us(), self._tools.tenants.get(tenant).zone)

    def write(self) -> None:
        """Write what was counted since the last time. On a busy database it stays in memory."""
        counts, due = self.counters.take()
        if not counts and not due:
            return
        try:
            with of_all():
                for tenant in list(counts):
                    self._write_counts(tenant, counts[tenant])
                    del counts[tenant]
                for tenant in list(due):
                    zone = self._tools.tenants.get(tenant).zone
                    self.store.mark_due(tenant, {day_of(quarter * QUARTER, zone) for quarter in due[tenant]})
                    del due[tenant]
        except (DatabaseBusy, DatabaseUnusable, DiskFull):
            self.counters.give_back(counts, due)

    def _write_counts(self, tenant: str, counts: Mapping[Counted, list[int]]) -> None:
        zone = self._tools.tenants.get(tenant).zone
        cells: dict[Cell, dict[str, int]] = {}
        for one, (visits, shown) in counts.items():
            local = datetime.fromtimestamp(one.quarter * QUARTER / SECOND, zone)
            part = daypart_of(local.hour if one.hour < 0 else one.hour)
            cell = Cell(local.date().isoformat(), one.site, part, one.scene, one.recognised, one.version)
            sums = cells.setdefault(cell, {"visits": 0, "shown": 0})
            sums["visits"] += visits
            sums["shown"] += shown
        self.store.add(tenant, cells)

    def refresh(self, tenant: str | None = None, most: int | None = None) -> int:
        """Write what was counted, and sum the days that have new events; returns how many days were summed.

        Args:
            tenant: only this one's days.
            most: so many days at most; None: all that are due.
        """
        self.write()
        now = time.monotonic()
        if now < self._not_before or not self._summing.acquire(blocking=False):
            return 0
        try:
            with of_all():
                due = self.store.due(tenant)[:most]
            for whose, day in due:
                self.sum_day(whose, day)
            took = time.monotonic() - now
            self._not_before = time.monotonic() + max(AGAIN_S, SHARE * took) if due else 0.0
            return len(due)
        except (DatabaseBusy, DiskFull):
            return 0  # they are due still
        finally:
            self._summing.release()

    def catch_up(self, tenant: str) -> None:
        """Mark all days of an installation that has events and no figures yet: it is of an earlier release."""
        span = self.store.span_us(tenant) if self.store.first_day(tenant) is None else None
        if span is not None:
            zone = self._tools.tenants.get(tenant).zone
            self.store.mark_due(tenant, days_between(day_of(span[0], zone), day_of(span[1], zone)))

    def sum_day(self, tenant: str, day: str) -> None:
        """Sum one day from the log. Raises DatabaseBusy, DiskFull."""
        with of_tenant(tenant):
            zone = self._tools.tenants.get(tenant).zone
            marks = {version_mark(name): name for name in self._tools.versions_of(tenant)}
            lines = self.store.lines_of(tenant, *bounds_us(day, zone))
            self.store.replace(
                tenant, day, sums_of(lines, day, self._tools.items_of(tenant), lambda mark: marks.get(mark, ""))
            )

    def rebuild(self, tenant: str, progress: Callable[[str, float], None] = lambda stage, share: None) -> int:
        """Sum every day of a tenant again from its log; returns how many days. Visits and what was shown are in no
        log: they stay as they were counted.

        Raises DatabaseBusy, DiskFull.
        """
        self.write()
        span = self.store.span_us(tenant)
        if span is None:
            return 0
        zone = self._tools.tenants.get(tenant).zone
        days = days_between(day_of(span[0], zone), day_of(span[1], zone))
        for at, day in enumerate(days):
            self.sum_day(tenant, day)
            progress("summing days", (at + 1) / len(days))
        return len(days)
