"""How often somebody may do something: counters that all processes share."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.clock import HOUR, MINUTE, SECOND, Clock
from plumbing.problem_json import Problem
from plumbing.storage.database import Database

migrations = Migrations("limits")


@migrations()
def windows(db: Utils) -> None:
    """One row for each thing counted: a fixed size, whatever happens."""
    db.execute(
        "CREATE TABLE windows (tenant TEXT NOT NULL, name TEXT NOT NULL, opened_us INTEGER NOT NULL,"
        " count INTEGER NOT NULL, PRIMARY KEY (tenant, name))"
    )


LONGEST_US = HOUR
"""The longest window of all; older rows are deleted, or each address that ever called would leave one."""


class TooManyRequests(Problem):
    """429 with Retry-After."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"
    security_event = "lock_out"
    what_to_do = "Wait as long as `Retry-After` says."

    def __init__(self, name: str, seconds: int) -> None:
        super().__init__(f"The limit for {name} is reached. Try again in {seconds} s.")
        self.retry_after = seconds


class Limits:
    """Fixed windows in a database: exact across processes, one short write for each request."""

    def __init__(self, database: Database, now_us: Clock) -> None:
        self._database = database
        self._now_us = now_us
        self._swept_us: int | None = None

    def count(self, tenant: str, name: str, *, window_us: int) -> tuple[int, int]:
        """Count one more; returns how many in the present window (at most LONGEST_US), and microseconds until it
        ends."""
        now = self._now_us()
        self._sweep(now)
        latest = now + SECOND  # another thread may have read the clock a moment later and have come first
        [(count, opened)] = self._database.change(
            "INSERT INTO windows VALUES (?, ?, ?, 1) ON CONFLICT (tenant, name) DO UPDATE SET"
            " count = CASE WHEN windows.opened_us + ? > ? AND windows.opened_us <= ?"
            " THEN windows.count + 1 ELSE 1 END,"
            " opened_us = CASE WHEN windows.opened_us + ? > ? AND windows.opened_us <= ?"
            " THEN windows.opened_us ELSE ? END"
            " RETURNING count, opened_us",
            (tenant, name, now, window_us, now, latest, window_us, now, latest, now),
        )
        if not (isinstance(count, int) and isinstance(opened, int)):  # a damaged file: begin again
            self.clear(tenant, name)
            return 1, window_us
        return count, opened + window_us - now

    def _sweep(self, now: int) -> None:
        """Forget windows that have ended, once a minute at most."""
        if self._swept_us is None or not 0 <= now - self._swept_us < MINUTE:
            self._swept_us = now
            self._database.change(
                "DELETE FROM windows WHERE opened_us NOT BETWEEN ? AND ?", (now - LONGEST_US, now + LONGEST_US)
            )

    def clear(self, tenant: str, name: str) -> None:
        """Forget the count (a success after failures)."""
        self._database.change("DELETE FROM windows WHERE tenant = ? AND name = ?", (tenant, name))

    def reached(self, tenant: str, name: str, *, most: int, window_us: int) -> int:
        """Without counting: microseconds until the present window ends when it has `most` or more, else 0."""
        now = self._now_us()
        row = self._database.row(
            "SELECT opened_us, count FROM windows WHERE tenant = ? AND name = ?", (tenant, name)
        )
        if row is None or not all(isinstance(value, int) for value in row) or row["count"] < most:
            return 0
        left = int(row["opened_us"]) + window_us - now
        return left if 0 < left <= window_us else 0

    def allow(self, tenant: str, name: str, *, most: int, window_us: int) -> None:
        """Count one more of `name`.

        Raises:
            TooManyRequests: more than `most` within the window; it says when to come back.
        """
        count, left_us = self.count(tenant, name, window_us=window_us)
        if count > most:
            raise TooManyRequests(name, max(1, -(-left_us // SECOND)))
