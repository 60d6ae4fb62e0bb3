"""Databases as the tests use them."""

from __future__ import annotations

import sqlite3

from plumbing.storage.database import Database, RefusedByDatabase
from plumbing.storage.sqlite import SQLiteDatabase

REFUSED = (sqlite3.IntegrityError, RefusedByDatabase)
"""What a rule of a table raises, on SQLite and on PostgreSQL."""


def sqlite_of(database: Database) -> SQLiteDatabase:
    """The same database, where a test needs what only SQLite has."""
    assert isinstance(database, SQLiteDatabase)
    return database


def tables_of(database: Database) -> list[str]:
    """The names of its tables, without those of the engine itself."""
    if isinstance(database, SQLiteDatabase):
        found = database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    else:
        found = database.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
    return [row[0] for row in found if not row[0].startswith(("sqlite_", "_sqlite")) and row[0] != "probe"]
