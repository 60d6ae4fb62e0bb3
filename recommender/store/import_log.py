"""What became of files that were taken in, with every wrong row: for the desk, without personal data."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from plumbing.storage.database import Database, Row

KEPT = 200
"""Imports of a tenant; older ones go."""

MOST_ROWS = 10_000
"""Wrong rows of one import that are kept; the count is of all."""


@dataclass(frozen=True, slots=True)
class ImportEntry:
    """One file. `state` is running, stored, refused (rows were wrong), failed or stopped; `why` is a code."""

    import_id: str
    what: str
    file: str
    began_us: int
    ended_us: int | None
    state: str
    rows_read: int
    stored: int
    wrong: int
    why: str


@dataclass(frozen=True, slots=True)
class WrongRow:
    """One row that was wrong: its number, the field, its value or the value's shape, and a sentence."""

    number: int
    field: str
    value: str
    message: str


class ImportLog:
    """The imports of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, tenant: str, what: str, file: str, now_us: int) -> str:
        """Note that an import begins; returns its id."""
        import_id = secrets.token_hex(8)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO import_log VALUES (?, ?, ?, ?, ?, NULL, 'running', 0, 0, 0, '')",
                (tenant, import_id, what, file, now_us),
            )
            old = (
                "SELECT import_id FROM import_log WHERE tenant = ? AND import_id NOT IN (SELECT import_id FROM"
                " import_log WHERE tenant = ? ORDER BY began_us DESC, import_id LIMIT ?)"
            )
            for table in ("import_rows", "import_log"):
                connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND import_id IN ({old})",  # noqa: S608 constant parts
                    (tenant, tenant, tenant, KEPT),
                )
        return import_id

    def end(
        self,
        tenant: str,
        import_id: str,
        state: str,
        now_us: int,
        *,
        rows_read: int = 0,
        stored: int = 0,
        wrong: int = 0,
        why: str = "",
        rows: Sequence[WrongRow] = (),
    ) -> None:
        """Note how it ended; `wrong` counts all wrong rows, of `rows` the first ones are kept."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE import_log SET state = ?, ended_us = ?, rows_read = ?, stored = ?, wrong = ?, why = ?"
                " WHERE tenant = ? AND import_id = ?",
                (state, now_us, rows_read, stored, wrong, why, tenant, import_id),
            )
            connection.executemany(
                "INSERT INTO import_rows VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (tenant, import_id, row.number, place, row.field, row.value, row.message)
                    for place, row in enumerate(rows[:MOST_ROWS])
                ],
            )

    def latest(self, tenant: str, n: int = 20) -> list[ImportEntry]:
        """The latest imports, newest first."""
        rows = self._database.rows(
            "SELECT * FROM import_log WHERE tenant = ? ORDER BY began_us DESC, import_id LIMIT ?", (tenant, n)
        )
        return [_entry(row) for row in rows]

    def latest_of_each(self, tenant: str) -> list[ImportEntry]:
        """The latest import of each kind."""
        found: dict[str, ImportEntry] = {}
        for entry in self.latest(tenant, KEPT):
            found.setdefault(entry.what, entry)
        return list(found.values())

    def wrong_rows(self, tenant: str, import_id: str, after: int = -1, n: int = 500) -> list[tuple[int, WrongRow]]:
        """(place, row) of the next wrong rows of an import after a place, in the order of the file."""
        rows = self._database.rows(
            "SELECT * FROM import_rows WHERE tenant = ? AND import_id = ? AND place > ? ORDER BY place LIMIT ?",
            (tenant, import_id, after, n),
        )
        return [
            (row["place"], WrongRow(row["number"], row["field"], row["value"], row["message"])) for row in rows
        ]


def _entry(row: Row) -> ImportEntry:
    return ImportEntry(
        import_id=row["import_id"],
        what=row["what"],
        file=row["file"],
        began_us=row["began_us"],
        ended_us=row["ended_us"],
        state=row["state"],
        rows_read=row["rows_read"],
        stored=row["stored"],
        wrong=row["wrong"],
        why=row["why"],
    )
