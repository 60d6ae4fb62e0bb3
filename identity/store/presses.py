"""SQL of what a press needs for seconds (identity-moments.db): nonces, failures, stored replies.

It is a file of its own, so that a stranger's press leaves identity.db as it was, byte by byte.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.clock import MINUTE, SECOND
from plumbing.storage.database import Database
from plumbing.storage.passing import Damaged

migrations = Migrations("identity-moments")


@migrations()
def presses_and_streaks(db: Utils) -> None:
    """One row for each open press, one for each device that failed last."""
    db.execute(
        "CREATE TABLE presses (tenant TEXT NOT NULL, nonce_hash TEXT NOT NULL, device TEXT NOT NULL,"
        " expires_us INTEGER NOT NULL, PRIMARY KEY (tenant, nonce_hash))"
    )
    db.execute(
        "CREATE TABLE streaks (tenant TEXT NOT NULL, device TEXT NOT NULL, failures INTEGER NOT NULL,"
        " minute_us INTEGER NOT NULL, minute_failures INTEGER NOT NULL, paused_until_us INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, device))"
    )


@dataclass(frozen=True, slots=True)
class Streak:
    """Failed presses of one device: in a row, and in the minute that began at `minute_us`."""

    failures: int = 0
    minute_us: int = 0
    minute_failures: int = 0
    paused_until_us: int = 0


@dataclass(frozen=True, slots=True)
class StreakRules:
    """How many failures in a row, and in a minute, make a device wait, and for how long."""

    now_us: int
    in_a_row: int
    a_minute: int
    pause_us: int


class PressStore:
    """identity-moments.db."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._swept: dict[str, int] = {}

    def open_press(self, tenant: str, nonce_hash: str, device: str, *, now_us: int, expires_us: int) -> None:
        """Store a nonce until it is used or has expired. Later presses delete the expired ones."""
        if not 0 <= now_us - self._swept.get(tenant, -SECOND) < SECOND:
            self._swept[tenant] = now_us
            # An expired press stays for a minute, so that it differs from an unknown one. One that seems to last
            # longer than a new one was opened under a clock that was ahead.
            self.database.change(
                "DELETE FROM presses WHERE tenant = ? AND (expires_us < ? OR expires_us > ?)",
                (tenant, now_us - MINUTE, expires_us + MINUTE),
            )
        self.database.change("INSERT INTO presses VALUES (?, ?, ?, ?)", (tenant, nonce_hash, device, expires_us))

    def claim_press(self, tenant: str, nonce_hash: str, device: str) -> int | None:
        """Use up a press of this device; returns when it expires, or None when there is none (any more)."""
        rows = self.database.change(
            "DELETE FROM presses WHERE tenant = ? AND nonce_hash = ? AND device = ? RETURNING expires_us",
            (tenant, nonce_hash, device),
        )
        return _whole(rows[0]["expires_us"]) if rows else None

    def streak(self, tenant: str, device: str) -> Streak:
        """The recent failures of a device."""
        row = self.database.row(
            "SELECT failures, minute_us, minute_failures, paused_until_us FROM streaks"
            " WHERE tenant = ? AND device = ?",
            (tenant, device),
        )
        return Streak() if row is None else Streak(*map(_whole, row))

    def count_failure(self, tenant: str, device: str, first: Streak, rules: StreakRules) -> bool:
        """Count one more failed press of a device, unless it has to wait; whether it was counted.

        One statement: what several processes do at once is counted exactly. `first` is what it is for a device
        that never failed.
        """
        now, minute_ago = rules.now_us, rules.now_us - MINUTE
        counted = self.database.change(
            "INSERT INTO streaks VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, device) DO UPDATE SET"
            " failures = CASE WHEN streaks.failures + 1 >= ? THEN 0 ELSE streaks.failures + 1 END,"
            " paused_until_us = CASE WHEN streaks.failures + 1 >= ? THEN ? ELSE streaks.paused_until_us END,"
            " minute_failures = CASE WHEN streaks.minute_us > ? THEN streaks.minute_failures + 1 ELSE 1 END,"
            " minute_us = CASE WHEN streaks.minute_us > ? AND streaks.minute_us <= ?"
            " THEN streaks.minute_us ELSE ? END"
            " WHERE streaks.paused_until_us <= ? AND (streaks.minute_failures < ? OR streaks.minute_us <= ?)"
            " RETURNING 1",
            (
                *(tenant, device, *astuple(first)),
                *(rules.in_a_row, rules.in_a_row, now + rules.pause_us),
                *(minute_ago, minute_ago, now, now),
                *(now, rules.a_minute, minute_ago),
            ),
        )
        return bool(counted)

    def succeeded(self, tenant: str, device: str) -> None:
        """The last press of a device was no failure: its row of failures is over."""
        self.database.change(
            "UPDATE streaks SET failures = 0, paused_until_us = 0, minute_failures ="
            " CASE WHEN minute_failures > 0 THEN minute_failures - 1 ELSE 0 END WHERE tenant = ? AND device = ?",
            (tenant, device),
        )

    def keep_streak(self, tenant: str, device: str, streak: Streak) -> None:
        """Replace the failures of a device. A read and this write belong into one `self.database.write()`."""
        self.database.change(
            "INSERT INTO streaks VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, device) DO UPDATE SET"
            " failures = excluded.failures, minute_us = excluded.minute_us,"
            " minute_failures = excluded.minute_failures, paused_until_us = excluded.paused_until_us",
            (tenant, device, *astuple(streak)),
        )

    def forget_replies(self, tenant: str) -> None:
        """Delete a tenant's stored replies: after an opt-out none may have the customer's receipt or token."""
        self.database.change("DELETE FROM replies WHERE tenant = ?", (tenant,))


def _whole(value: object) -> int:
    """A number as this class wrote it. Raises Damaged."""
    if not isinstance(value, int):
        raise Damaged("a number of the database is none")
    return value
