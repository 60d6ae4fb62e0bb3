"""The transaction that all classes of this folder share, and the base of them.

The tables are made in `migrations`. The tenant is the first column of every key. Values that identify a customer
or link to other stores are sealed (encrypted) before they are written, and so is every time of a person. No table
has its rows in the order in which they were written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from identity.errors import StorageFull
from plumbing.storage.database import Database
from plumbing.storage.room import DiskFull, is_full


@contextmanager
def named_when_full() -> Iterator[None]:
    """Raise StorageFull in place of the error of SQLite or of the system that says "the disk is full"."""
    try:
        yield
    except (sqlite3.Error, OSError, DiskFull) as error:
        if is_full(error):
            raise StorageFull from error
        raise


class Table:
    """Base of the classes that hold the SQL of one or two tables. All share one Database, so that calls of several
    of them can be one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Several calls, of any class of this folder, as one write transaction.

        Raises DatabaseBusy, or StorageFull with nothing written.
        """
        with named_when_full(), self.database.write():
            yield
