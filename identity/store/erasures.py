"""SQL of the receipts of erasures: a part of its own, which no backup of identity's tables takes back.

It is `erasures.db` in the home; with PostgreSQL it lies beside the keys, where those have a database of their own.
It is opened when the first receipt is asked for.
"""

from __future__ import annotations

import threading

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Database
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.state import State

FILE = "erasures.db"
PART = "identity-erasures"
migrations = Migrations("erasures")


@migrations()
def receipts(db: Utils) -> None:
    """`content` is the receipt as it is given; `is_open` while something is left to do."""
    db.execute(
        "CREATE TABLE receipts (id TEXT NOT NULL PRIMARY KEY, day TEXT NOT NULL, is_open INTEGER NOT NULL,"
        " content BLOB NOT NULL) WITHOUT ROWID"
    )


class ReceiptStore:
    """Table `receipts`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._path = state.home / FILE
        self._database: Database | None = None
        self._lock = threading.Lock()

    @property
    def database(self) -> Database:
        """The table, made when it is not there."""
        with self._lock:
            if self._database is None:
                self._database = self._opened()
            return self._database

    def _opened(self) -> Database:
        if self._state.url is None:
            return SQLiteDatabase(self._path, migrations)
        return State(self._state.home, self._state.keys_url or self._state.url).database(PART, migrations)

    @property
    def _there(self) -> bool:
        """Whether there may be receipts: what only reads makes no file."""
        return self._state.is_shared or self._path.exists()

    def put(self, number: str, day: str, content: bytes, *, is_open: bool) -> None:
        """Store a receipt, or replace it. Raises DatabaseBusy or DiskFull."""
        self.database.change(
            "INSERT INTO receipts VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " is_open = excluded.is_open, content = excluded.content",
            (number, day, int(is_open), content),
        )

    def get(self, number: str) -> bytes | None:
        """A receipt's content, or None."""
        if not self._there:
            return None
        row = self.database.row("SELECT content FROM receipts WHERE id = ?", (number,))
        return None if row is None else bytes(row["content"])

    def all(self, *, only_open: bool = False) -> list[bytes]:
        """The content of every receipt, of the oldest day first."""
        if not self._there:
            return []
        rows = self.database.rows(
            "SELECT content FROM receipts WHERE is_open >= ? ORDER BY day, id", (int(only_open),)
        )
        return [bytes(row["content"]) for row in rows]

    def prune(self, before: str) -> None:
        """Delete closed receipts from before a day."""
        if self._there:
            self.database.change("DELETE FROM receipts WHERE day < ? AND is_open = 0", (before,))

    def close(self) -> None:
        """Close it."""
        if self._database is not None:
            self._database.close()
