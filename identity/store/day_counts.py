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


_EARLIER = (
    "(SELECT COALESCE(SUM(earlier.count), 0) FROM day_counts AS earlier WHERE earlier.tenant = ?"
    " AND earlier.device = ? AND earlier.kind = ? AND earlier.subject = ? AND earlier.hour <> ?)"
)


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
        # The row of this hour is compared as it is when it is written; those of other hours grow no more.
        counted = self._database.change(
            f"INSERT INTO day_counts AS this SELECT ?, ?, ?, ?, ?, 1 WHERE {_EARLIER} < ?"
            " ON CONFLICT (tenant, device, kind, subject, hour)"
            f" DO UPDATE SET count = this.count + 1 WHERE this.count + {_EARLIER} < ? RETURNING 1",
            (*key, hour, *key, hour, most, *key, hour, most),
        )
        return bool(counted)

    def give_back(self, tenant: str, device: str, kind: str, *, now_us: int) -> None:
        """The last one of this device did not count; it may be of the hour before."""
        key = (tenant, device, kind)
        self._database.change(
            "UPDATE day_counts SET count = count - 1 WHERE tenant = ? AND device = ? AND kind = ? AND subject = ''"
            " AND count > 0 AND hour = (SELECT MAX(last.hour) FROM day_counts AS last WHERE last.tenant = ?"
            " AND last.device = ? AND last.kind = ? AND last.subject = '' AND last.count > 0 AND last.hour <= ?)",
            (*key, *key, now_us // HOUR),
        )

    def forget(self, tenant: str, subject: str) -> None:
        """Delete what was counted of a customer."""
        self._database.change("DELETE FROM day_counts WHERE tenant = ? AND subject = ?", (tenant, subject))

    def _sweep(self, hour: int) -> None:
        """Forget what is older than a day, and what a clock that was ahead counted. What belongs to the next hour
        stays: another thread or process may have counted it a moment ago."""
        if self._swept != hour:
            self._swept = hour
            self._database.change("DELETE FROM day_counts WHERE hour < ? OR hour > ?", (hour - HOURS, hour + 1))
