"""The journal of a SQLite file (`-wal`): what was deleted stays in it until it is cut off."""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import suppress

from plumbing.storage.database import DatabaseBusy

WAIT_MS = 300
"""How long readers that need the journal are waited for; nobody writes meanwhile."""

AGAIN_S = 1.0


class Journal:
    """Cuts the journal of one file off, now or as soon as nobody reads from it any more."""

    def __init__(self) -> None:
        self._next = math.inf  # monotonic: when a write tries again

    def cut(self, connection: sqlite3.Connection) -> None:
        """Bring the journal into the file and cut it off. Raises DatabaseBusy: others read from it, or write."""
        if not _cut(connection, WAIT_MS):
            raise DatabaseBusy

    def cut_soon(self, connection: sqlite3.Connection) -> None:
        """The same; where somebody is in the way, later writes try again."""
        if not _cut(connection, WAIT_MS):
            self._next = time.monotonic() + AGAIN_S

    def after_write(self, connection: sqlite3.Connection) -> None:
        """Try again what is still to be cut, once a second at most and without waiting."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + AGAIN_S
        with suppress(sqlite3.Error):
            if _cut(connection, 0):
                self._next = math.inf


def _cut(connection: sqlite3.Connection, wait_ms: int) -> bool:
    """False while others need it: SQLite says that in a row, and raises nothing."""
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    try:
        connection.execute(f"PRAGMA busy_timeout={wait_ms}")
        is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")
