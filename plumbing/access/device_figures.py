"""What each device did by day: requests, refusals, errors, decisions, times. Nothing about a person.

Counted in memory and written every few seconds to tables that may be lost at any moment: what a power cut takes
are the figures of some seconds, and after a damaged disk those of the days so far. No request waits for them.
"""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Request, g, has_request_context
from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.access.caller import Caller
from plumbing.clock import DAY, SECOND, Clock
from plumbing.problem import Problem
from plumbing.storage.database import Database

WRITE_EVERY_S = 5.0
KEPT_DAYS = 30
LEAST_PEOPLE = 10
"""With fewer decisions than that on a device, nothing is said about them: they could be one person's."""

TIMES_MS = (20, 50, 100, 200, 400, 800, 1600)
"""Upper bounds of the times that are counted; longer ones are counted as the last and one more."""

migrations = Migrations("device_figures")


@migrations()
def figures(db: Utils) -> None:
    """Counts by device, day (since 1970) and what was counted; when each device was seen last."""
    db.execute(
        "CREATE TABLE device_figures (tenant TEXT NOT NULL, device TEXT NOT NULL, day BIGINT NOT NULL,"
        " counted TEXT NOT NULL, count BIGINT NOT NULL, PRIMARY KEY (tenant, device, day, counted))"
    )
    db.execute(
        "CREATE TABLE devices_seen (tenant TEXT NOT NULL, device TEXT NOT NULL, seen_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, device))"
    )


@migrations()
def clocks(db: Utils) -> None:
    """By how many seconds each device's own clock was ahead of the server's when it was heard last."""
    db.execute(
        "CREATE TABLE device_clocks (tenant TEXT NOT NULL, device TEXT NOT NULL, ahead_s BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, device))"
    )


@dataclass(slots=True)
class DeviceSummary:
    """A device over some days. `counts` has requests, refused, failed, daily_limit, not_me and
    `decision:NAME`; `ahead_s` says
    by how much its own clock is ahead of the server's (None: it never said what it shows)."""

    device: str
    seen_us: int = 0
    ahead_s: int | None = None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def decisions(self) -> Mapping[str, int]:
        """How often the matcher decided what; empty below LEAST_PEOPLE."""
        found = {name.partition(":")[2]: n for name, n in self.counts.items() if name.startswith("decision:")}
        return found if sum(found.values()) >= LEAST_PEOPLE else {}

    @property
    def not_me_rate(self) -> float | None:
        """Of those who were greeted, the share who said "not me": the false matches that people notice."""
        greeted = self.decisions.get("matched", 0)
        return self.counts["not_me"] / greeted if greeted >= LEAST_PEOPLE else None

    def time_ms(self, share: float) -> int | None:
        """The bound below which this share of the recognitions was answered; None without any."""
        counts = [self.counts[f"ms:{bound}"] for bound in (*TIMES_MS, 2 * TIMES_MS[-1])]
        total, reached = sum(counts), 0
        for bound, count in zip((*TIMES_MS, 2 * TIMES_MS[-1]), counts, strict=True):
            reached += count
            if total and reached >= share * total:
                return bound
        return None


class DeviceFigures:
    """Of all tenants. Safe with threads; one for each process."""

    def __init__(self, database: Database, now_us: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now_us = now_us
        self._monotonic = monotonic
        self._waiting: Counter[tuple[str, str, int, str]] = Counter()
        self._seen: dict[tuple[str, str], int] = {}
        self._ahead_s: dict[tuple[str, str], int] = {}
        self._written_s = monotonic()
        self._swept_day = 0
        self._lock = threading.Lock()

    def count(
        self,
        caller: Caller,
        *,
        status: int,
        took_s: float,
        decision: str = "",
        alarm: str = "",
        clock_s: int | None = None,
    ) -> None:
        """Count a request that was answered. `decision` is what the matcher decided, or "not_me"; `alarm` a daily
        limit that it met; `clock_s` what the device's own clock showed, in seconds since 1970."""
        now = self._now_us()
        device = caller.device.partition("~")[0]  # a screen that was paired again goes on under its name
        names = ["requests"]
        if status >= 400:
            names.append("failed" if status >= 500 else "refused")
        if alarm:
            names.append("daily_limit")
        if decision == "not_me":
            names.append(decision)
        elif decision:
            bound = bisect_left(TIMES_MS, took_s * 1_000)
            names += [f"decision:{decision}", f"ms:{(*TIMES_MS, 2 * TIMES_MS[-1])[bound]}"]
        with self._lock:
            self._seen[caller.tenant, device] = now
            if clock_s is not None:
                self._ahead_s[caller.tenant, device] = clock_s - now // SECOND
            for name in names:
                self._waiting[caller.tenant, device, now // DAY, name] += 1
            due = self._monotonic() - self._written_s >= WRITE_EVERY_S
        if due:
            self.write()

    def write(self) -> None:
        """Write what was counted since the last time; a database that does not answer keeps it waiting."""
        with self._lock:
            waiting, seen, ahead = self._waiting, self._seen, self._ahead_s
            self._waiting, self._seen, self._ahead_s = Counter(), {}, {}
            self._written_s = self._monotonic()
        if not waiting:
            return
        try:
            with self._database.write() as connection:
                connection.executemany(
                    "INSERT INTO device_figures VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, device, day, counted)"
                    " DO UPDATE SET count = device_figures.count + excluded.count",
                    [(*key, count) for key, count in waiting.items()],
                )
                connection.executemany(
                    "INSERT INTO devices_seen VALUES (?, ?, ?) ON CONFLICT (tenant, device)"
                    " DO UPDATE SET seen_us = excluded.seen_us",
                    [(*device, at) for device, at in seen.items()],
                )
                connection.executemany(
                    "INSERT INTO device_clocks VALUES (?, ?, ?) ON CONFLICT (tenant, device)"
                    " DO UPDATE SET ahead_s = excluded.ahead_s",
                    [(*device, ahead_s) for device, ahead_s in ahead.items()],
                )
                today = self._now_us() // DAY
                if today != self._swept_day:
                    self._swept_day = today
                    connection.execute("DELETE FROM device_figures WHERE day < ?", (today - KEPT_DAYS,))
        except (Problem, sqlite3.Error, OSError):  # figures stop no request
            with self._lock:
                self._waiting.update(waiting)
                self._seen = seen | self._seen
                self._ahead_s = ahead | self._ahead_s

    def of(self, tenant: str, days: int = 7) -> dict[str, DeviceSummary]:
        """The devices of a tenant over the last `days`, by name."""
        self.write()
        since = self._now_us() // DAY - days + 1
        found: dict[str, DeviceSummary] = {}
        for row in self._database.rows(
            "SELECT device, counted, SUM(count) AS n FROM device_figures WHERE tenant = ? AND day >= ?"
            " GROUP BY device, counted",
            (tenant, since),
        ):
            found.setdefault(row["device"], DeviceSummary(row["device"])).counts[row["counted"]] = int(row["n"])
        for row in self._database.rows("SELECT device, seen_us FROM devices_seen WHERE tenant = ?", (tenant,)):
            found.setdefault(row["device"], DeviceSummary(row["device"])).seen_us = row["seen_us"]
        for row in self._database.rows("SELECT device, ahead_s FROM device_clocks WHERE tenant = ?", (tenant,)):
            found.setdefault(row["device"], DeviceSummary(row["device"])).ahead_s = row["ahead_s"]
        return found


def clock_of(request: Request) -> int | None:
    """What a screen says that its own clock shows (`X-Usual-Clock`), in seconds since 1970; None without it."""
    said = request.headers.get("X-Usual-Clock", "")
    return int(said) if re.fullmatch(r"-?\d{1,12}", said, re.ASCII) else None


def note_decision(decision: str) -> None:
    """Say what the matcher decided in this request, for the figures of its device."""
    g.decision = decision


def noted_decision() -> str:
    """What `note_decision` noted; empty for none."""
    return str(g.get("decision", ""))


def note_alarm(limit: str) -> None:
    """Say that this request met a daily limit, for the figures of its device and for the security log."""
    if has_request_context():
        g.alarm = limit


def noted_alarm() -> str:
    """What `note_alarm` noted; empty for none."""
    return str(g.get("alarm", ""))
