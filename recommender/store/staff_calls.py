"""Who is called: a person at a screen has pressed "Call staff". Nothing here is about that person."""

from __future__ import annotations

from dataclasses import dataclass

from plumbing.clock import MINUTE
from plumbing.storage.database import Database

LASTS_US = 15 * MINUTE
"""A call ends by itself so long after the last press."""


@dataclass(frozen=True, slots=True)
class StaffCall:
    """An open call. Times are microseconds UTC."""

    device: str
    site: str
    since_us: int
    last_us: int


class StaffCalls:
    """At most one open call of each device."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def call(self, tenant: str, device: str, site: str, now_us: int) -> StaffCall:
        """Somebody is called to a device. Called again it is the same call, which lasts longer."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM staff_calls WHERE tenant = ? AND last_us <= ?", (tenant, now_us - LASTS_US)
            )
            row = connection.execute(
                "INSERT INTO staff_calls VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, device) DO UPDATE SET"
                " site = excluded.site, last_us = excluded.last_us RETURNING since_us",
                (tenant, device, site, now_us, now_us),
            ).fetchone()
        return StaffCall(device, site, row["since_us"], now_us)

    def open(self, tenant: str, now_us: int) -> list[StaffCall]:
        """The calls that nobody has answered, the oldest first."""
        rows = self._database.rows(
            "SELECT device, site, since_us, last_us FROM staff_calls WHERE tenant = ? AND last_us > ?"
            " ORDER BY since_us, device",
            (tenant, now_us - LASTS_US),
        )
        return [StaffCall(row["device"], row["site"], row["since_us"], row["last_us"]) for row in rows]

    def end(self, tenant: str, device: str) -> bool:
        """Somebody has been there. Returns whether there was a call."""
        ended = self._database.change(
            "DELETE FROM staff_calls WHERE tenant = ? AND device = ? RETURNING 1", (tenant, device)
        )
        return bool(ended)
