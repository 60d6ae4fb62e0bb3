"""The tables of a part, and the rows of one, page by page in the order of their keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from plumbing.move.places import Part
from plumbing.storage.database import Database

PAGE = 5_000  # rows
OURS = ("_sqlite_migrations", "probe")  # each engine has its own

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns, those of its key first."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    def page(self, database: Database, after: Row | None, until: Row | None = None) -> list[Row]:
        """The rows after a key and up to another one (None: from the first, PAGE rows at most), by their keys."""
        marks = ", ".join("?" * len(self.key))
        names = ", ".join(self.key)
        where = [f"({names}) {sign} ({marks})" for sign, row in ((">", after), ("<=", until)) if row is not None]
        values = [value for row in (after, until) if row is not None for value in row[: len(self.key)]]
        rows = database.rows(
            f"SELECT {', '.join(self.columns)} FROM {self.name}"  # noqa: S608 - names of our tables
            f"{' WHERE ' if where else ''}{' AND '.join(where)} ORDER BY {names}"
            f"{'' if until is not None else f' LIMIT {PAGE}'}",
            values,
        )
        return [tuple(row) for row in rows]

    def rest(self, database: Database, after: Row | None) -> list[Row]:
        """All rows after a key, PAGE at most."""
        return self.page(database, after)

    def count(self, database: Database) -> int:
        """How many rows there are."""
        return int(database.row(f"SELECT COUNT(*) AS n FROM {self.name}")["n"])  # noqa: S608 - ours

    def key_of(self, row: Row) -> Row:
        """The key of a row."""
        return row[: len(self.key)]


@dataclass(frozen=True, slots=True)
class Schema:
    """What the migrations of a part make: the tables, those that others refer to first, and SQLite's triggers."""

    tables: tuple[Table, ...]
    triggers: tuple[tuple[str, str], ...]  # (name, statement)

    @classmethod
    def of(cls, part: Part) -> Schema:
        """Read from an empty database in memory."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
            for step in part.migrations:
                step.apply(sqlite_utils.Database(empty, execute_plugins=False))
            names = _names(empty, "table")
            parents = {name: _parents(empty, name) for name in names}
            tables = tuple(_table(empty, name) for name in _ordered(names, parents))
            triggers = tuple(
                (str(name), str(statement))
                for name, statement in empty.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            )
        return cls(tables, triggers)


def _names(empty: sqlite3.Connection, kind: str) -> list[str]:
    found = empty.execute("SELECT name FROM sqlite_master WHERE type = ? ORDER BY name", (kind,)).fetchall()
    return [name for (name,) in found if name not in OURS and not name.startswith("sqlite_")]


def _parents(empty: sqlite3.Connection, name: str) -> set[str]:
    return {row[2] for row in empty.execute(f"PRAGMA foreign_key_list({name})")} - {name}


def _ordered(names: Sequence[str], parents: dict[str, set[str]]) -> list[str]:
    done: list[str] = []
    while len(done) < len(names):
        done += [name for name in names if name not in done and parents[name] <= set(done)]
    return done


def _table(empty: sqlite3.Connection, name: str) -> Table:
    columns = empty.execute(f"PRAGMA table_info({name})").fetchall()
    key = tuple(column[1] for column in sorted(columns, key=lambda column: column[5]) if column[5])
    assert key, f"the table {name} has no key"
    return Table(name, key, (*key, *(column[1] for column in columns if column[1] not in key)))
