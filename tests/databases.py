"""Databases as the tests use them."""

from __future__ import annotations

from plumbing.storage.database import Database
from plumbing.storage.sqlite import SQLiteDatabase


def sqlite_of(database: Database) -> SQLiteDatabase:
    """The same database, where a test needs what only SQLite has."""
    assert isinstance(database, SQLiteDatabase)
    return database
