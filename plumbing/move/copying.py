"""Makes the tables of one place equal to those of another: only what differs is written.

So it can be stopped anywhere and begun again, and a second pass in which nothing differs is the proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from plumbing.move.places import MoveRefused
from plumbing.move.tables import Row, Schema, Table
from plumbing.storage.database import Connection, Database
from plumbing.storage.sqlite import SQLiteDatabase


@dataclass(frozen=True, slots=True)
class Difference:
    """What one page of the target lacks, has too many, or has otherwise."""

    missing: list[Row]
    extra: list[Row]
    changed: list[Row]

    def __len__(self) -> int:
        return len(self.missing) + len(self.extra) + len(self.changed)


@dataclass(frozen=True, slots=True)
class Compared:
    """One table, row by row: how many rows, how many differed, and a SHA-256 over all rows of the source."""

    table: str
    rows: int
    differences: int
    sha256: str


def compare(
    table: Table,
    source: Database,
    target: Database,
    found: Callable[[Difference], None],
    step: Callable[[int], None],
) -> Compared:
    """Walk through both tables in the order of their keys; `found` gets what differs, page by page."""
    hashed, after, rows, differences = hashlib.sha256(), None, 0, 0
    while True:
        here = table.page(source, after)
        until = table.key_of(here[-1]) if here else None
        there = table.page(target, after, until) if here else table.rest(target, after)
        difference = _difference(table, here, there)
        if difference:
            found(difference)
        differences += len(difference)
        rows += len(here)
        hashed.update(repr(here).encode())
        step(len(here))
        if not here:
            if len(there) == 0:
                return Compared(table.name, rows, differences, hashed.hexdigest())
            after = table.key_of(there[-1])
        else:
            after = until


def _difference(table: Table, here: Sequence[Row], there: Sequence[Row]) -> Difference:
    if here == there:
        return Difference([], [], [])
    wanted = {table.key_of(row): row for row in here}
    present = {table.key_of(row): row for row in there}
    return Difference(
        [row for key, row in wanted.items() if key not in present],
        [row for key, row in present.items() if key not in wanted],
        [row for key, row in wanted.items() if key in present and present[key] != row],
    )


def make_equal(schema: Schema, source: Database, target: Database, step: Callable[[int], None]) -> None:
    """Write into `target` what it lacks. Each page is one transaction."""
    with _without_rules(schema, target):
        if any(table.count(target) for table in schema.tables):
            for table in reversed(schema.tables):  # those that refer to others go first

                def delete(difference: Difference, table: Table = table) -> None:
                    gone = difference.extra + difference.changed
                    with target.write() as connection:
                        _delete(connection, table, gone)

                compare(table, source, target, delete, lambda n: None)
        for table in schema.tables:

            def insert(difference: Difference, table: Table = table) -> None:
                with target.write() as connection:
                    _delete(connection, table, difference.changed)
                    _insert(connection, table, difference.missing + difference.changed)

            compare(table, source, target, insert, step)


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    marks = ", ".join("?" * len(table.columns))
    statement = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"  # noqa: S608 - ours
    connection.executemany(statement, rows)


def _delete(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    where = " AND ".join(f"{name} = ?" for name in table.key)
    connection.executemany(f"DELETE FROM {table.name} WHERE {where}", [table.key_of(row) for row in rows])  # noqa: S608


def verify(schema: Schema, source: Database, target: Database, step: Callable[[int], None]) -> list[Compared]:
    """Compare all rows once more, and the numbers of rows. Raises MoveRefused when anything differs."""
    compared = [compare(table, source, target, lambda found: None, step) for table in schema.tables]
    for one, table in zip(compared, schema.tables, strict=True):
        if one.differences or table.count(target) != one.rows:
            raise MoveRefused(f"The table {one.table} differs after it was copied. Start the same move again.")
    return compared


@contextmanager
def _without_rules(schema: Schema, target: Database) -> Iterator[None]:
    """Inside, rows may come in any order: the rules that look at other rows are off. They are on again afterwards;
    after a kill the next move sets them."""
    if isinstance(target, SQLiteDatabase):
        target.connection.execute("PRAGMA foreign_keys = OFF")
        for name, _ in schema.triggers:
            target.change(f"DROP TRIGGER IF EXISTS {name}")
        try:
            yield
        finally:
            there = {row["name"] for row in target.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
            for name, statement in schema.triggers:
                if name not in there:
                    target.change(statement)
            target.connection.execute("PRAGMA foreign_keys = ON")
        return
    _triggers(schema, target, "DISABLE")
    try:
        yield
    finally:
        _triggers(schema, target, "ENABLE")


def _triggers(schema: Schema, target: Database, what: str) -> None:
    with target.write() as connection:
        for table in schema.tables:
            connection.execute(f"ALTER TABLE {table.name} {what} TRIGGER USER")


@contextmanager
def held(schema: Schema, source: Database) -> Iterator[None]:
    """Inside, nobody else writes these tables; reading goes on."""
    with source.write() as connection:
        if not isinstance(source, SQLiteDatabase):
            # While other parts are copied, nothing is said here: the server must not take it for forgotten.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            connection.execute(f"LOCK TABLE {', '.join(t.name for t in schema.tables)} IN EXCLUSIVE MODE")
        yield
