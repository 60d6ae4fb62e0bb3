"""SQL of what is counted over a day, for devices that send vectors (identity-moments.db).

A row for each hour, so that every window of a day holds at most what a day may. `subject` is empty for what a
device did, or a keyed name of a customer: it leads to nobody without the keys, and is gone after a day.
"""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.clock import HOUR
from plumbing.storage.database import Database

migrations = Migrations("identity-day-counts")
HOURS = 24
"""Whole hours that count beside the present one: no window of 24 hours holds more than the limit."""


@migrations()
def day_counts(db: Utils) -> None:
    """One row for each hour in which something was counted."""
    db.execute(
        "CREATE TABLE day_counts (tenant TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL,"
        " subject TEXT NOT NULL, hour BIGINT NOT NULL, count BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, device, kind, subject, hour))"
    )


class DayCounts:
    """Counts that all processes share."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._swept = 0

    def add(self, tenant: str, device: str, kind: str, subject: str, *, most: int, now_us: int) -> bool:
        """Count one more, unless there are `most` within the last day; whether it was counted."""
        hour = now_us // HOUR
        self._sweep(hour)
        key = (tenant, device, kind, subject)
        with self._database.write():
            row = self._database.row(
                "SELECT COALESCE(SUM(count), 0) AS n FROM day_counts WHERE tenant = ? AND device = ? AND kind = ?"
                " AND subject = ?",
                key,
            )
            if row is not None and int(row["n"]) >= most:
                return False
            self._database.change(
                "INSERT INTO day_counts VALUES (?, ?, ?, ?, ?, 1)"
                " ON CONFLICT (tenant, device, kind, subject, hour) DO UPDATE SET count = day_counts.count + 1",
                (*key, hour),
            )
        return True

    def give_back(self, tenant: str, device: str, kind: str, *, now_us: int) -> None:
        """The last one of this device did not count."""
        self._database.change(
            "UPDATE day_counts SET count = count - 1 WHERE tenant = ? AND device = ? AND kind = ? AND subject = ''"
            " AND hour = ? AND count > 0",
            (tenant, device, kind, now_us // HOUR),
        )

    def forget(self, tenant: str, subject: str) -> None:
        """Delete what was counted of a customer."""
        self._database.change("DELETE FROM day_counts WHERE tenant = ? AND subject = ?", (tenant, subject))

    def _sweep(self, hour: int) -> None:
        """Forget what is older than a day, and what a clock that was ahead counted."""
        if self._swept != hour:
            self._swept = hour
            self._database.change("DELETE FROM day_counts WHERE hour < ? OR hour > ?", (hour - HOURS, hour))
