"""PostgreSQL appends rows: their places, and the numbers of the transactions that wrote them, show in which order
they came. `mix` takes both away from a part's tables, until the next row is written.

The server's write-ahead log still has the order, for as long as the server or its operator keeps that.
"""

from __future__ import annotations

import structlog

from plumbing.problem import Problem
from plumbing.storage.database import Database

LONGEST_S = 5
"""A table that takes longer is left as it is: nobody waits for this. `usual database vacuum` has the time."""

log = structlog.get_logger(__name__)


def mix(database: Database, *, longest_s: int = LONGEST_S) -> list[str]:
    """Put the rows of every table with a primary key in the order of that key, all written by one transaction.

    Where the keys are random, so is the order. Returns the tables that took longer than `longest_s`, or were in
    use.
    """
    left = []
    for row in database.rows(
        "SELECT t.relname AS name, p.relname AS key, (SELECT attname FROM pg_attribute"
        " WHERE attrelid = t.oid AND attnum = i.indkey[0]) AS first FROM pg_index i"
        " JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class p ON p.oid = i.indexrelid"
        " WHERE i.indisprimary AND t.relnamespace = current_schema()::regnamespace"
        " AND t.relname <> '_sqlite_migrations' ORDER BY 1"
    ):
        try:
            _rewrite(database, row["name"], row["key"], row["first"], longest_s)
        except Problem as error:
            log.warning("rows_not_mixed", part=database.name, table=row["name"], why=error.code)
            left.append(str(row["name"]))
    return left


def _rewrite(database: Database, table: str, key: str, first: str, longest_s: int) -> None:
    limit = f"SET LOCAL statement_timeout = '{longest_s}s'"
    with database.write() as connection:
        connection.execute(limit)
        # The ledger refuses changes; this one changes no value, and others wait until it is on guard again.
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        connection.execute(f"UPDATE {table} SET {first} = {first}")  # noqa: S608 - names of our own tables
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with database.write() as connection:  # in the same one the rows from before would be kept
        connection.execute(limit)
        connection.execute(f"CLUSTER {table} USING {key}")
