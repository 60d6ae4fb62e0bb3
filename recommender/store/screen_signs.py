"""Each kiosk's own sign, which stands before the numbers of its orders: "B-17".

A device of a site gets the first sign that no other there has, and keeps it while it is in use. Screens draw a
sign of three letters and digits by themselves while no server has given them theirs: none of these has three.
"""

from __future__ import annotations

from itertools import product

from plumbing.clock import DAY
from plumbing.storage.database import Connection, Database, DatabaseBusy
from plumbing.storage.room import DiskFull

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O, which look like digits
SIGNS = (*LETTERS, *(letter + digit for letter, digit in product(LETTERS, "23456789")))
KEPT_DAYS = 30
"""After so long without a look the sign of a device may go to another one."""


class ScreenSigns:
    """Signs by tenant, site and device."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign_of(self, tenant: str, site: str, device: str, now_us: int) -> str | None:
        """The sign of a device, given to it when it asks for the first time.

        None: all signs of the site are in use, or it cannot be written now; the screen then draws its own.
        """
        day = now_us // DAY
        try:
            with self._database.hurried():
                row = self._database.row(
                    "SELECT sign, day FROM screen_signs WHERE tenant = ? AND site = ? AND device = ?",
                    (tenant, site, device),
                )
                if row is not None and row["day"] == day:
                    return str(row["sign"])
                with self._database.write() as connection:  # alone: two that ask at once get different ones
                    return _give(connection, (tenant, site, device), day)
        except (DatabaseBusy, DiskFull):
            return None


def _give(connection: Connection, whose: tuple[str, str, str], day: int) -> str | None:
    tenant, site, device = whose
    connection.execute(
        "DELETE FROM screen_signs WHERE tenant = ? AND site = ? AND device <> ? AND day < ?",
        (tenant, site, device, day - KEPT_DAYS),
    )
    rows = connection.execute(
        "SELECT device, sign FROM screen_signs WHERE tenant = ? AND site = ?", (tenant, site)
    )
    taken = {row["device"]: str(row["sign"]) for row in rows.fetchall()}
    others = set(taken.values())
    sign = taken.get(device) or next((one for one in SIGNS if one not in others), None)
    if sign is not None:
        connection.execute(
            "INSERT INTO screen_signs VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (tenant, site, device) DO UPDATE SET day = excluded.day",
            (tenant, site, device, sign, day),
        )
    return sign
