"""The tables of identity.db, and the transaction that all classes of this folder share.

The tenant is the first column of every key. Values that identify a customer or link to other stores are sealed
(encrypted) before they are written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from identity.errors import StorageFull
from plumbing.storage.database import Database
from plumbing.storage.room import DiskFull, is_full

migrations = Migrations("identity")


@migrations()
def customers_and_consent(db: Utils) -> None:
    """`links`, `sealed` and `pin` are sealed under the customer's key; nothing says when somebody enrolled."""
    for statement in (
        "CREATE TABLE galleries (tenant TEXT NOT NULL, pack TEXT NOT NULL, generation INTEGER NOT NULL,"
        " size INTEGER NOT NULL, salt BLOB NOT NULL, PRIMARY KEY (tenant, pack))",
        "CREATE TABLE customers (tenant TEXT NOT NULL, customer_id TEXT NOT NULL, slot INTEGER NOT NULL,"
        " receipt_hash TEXT NOT NULL, links BLOB NOT NULL, pin BLOB, pin_setup_hash TEXT,"
        " pin_setup_until_us INTEGER NOT NULL, pin_failures INTEGER NOT NULL, pin_locks INTEGER NOT NULL,"
        " pin_locked_until_us INTEGER NOT NULL, needs_second_factor INTEGER NOT NULL, last_day INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, customer_id), UNIQUE (tenant, receipt_hash))",
        "CREATE TABLE templates (tenant TEXT NOT NULL, pack TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " generation INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (tenant, pack, customer_id),"
        " FOREIGN KEY (tenant, customer_id) REFERENCES customers (tenant, customer_id))",
        "CREATE INDEX templates_generation ON templates (tenant, pack, generation)",
        "CREATE INDEX templates_customer ON templates (tenant, customer_id)",
        "CREATE TABLE tops (tenant TEXT NOT NULL, pack TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " frames INTEGER NOT NULL, position INTEGER NOT NULL, gallery_size INTEGER NOT NULL, score REAL NOT NULL,"
        " PRIMARY KEY (tenant, pack, customer_id, frames, position))",
        "CREATE TABLE calibrations (tenant TEXT NOT NULL, pack TEXT NOT NULL, frames INTEGER NOT NULL,"
        " calibration TEXT NOT NULL, PRIMARY KEY (tenant, pack, frames))",
        "CREATE TABLE tails (tenant TEXT NOT NULL, pack TEXT NOT NULL, kind TEXT NOT NULL,"
        " tail TEXT NOT NULL, people INTEGER NOT NULL, made_us INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, pack, kind))",
        "CREATE TABLE consent_events (tenant TEXT NOT NULL, record_id TEXT NOT NULL, position INTEGER NOT NULL,"
        " event_type TEXT NOT NULL, event_time_us INTEGER NOT NULL, purpose TEXT NOT NULL,"
        " notice_version TEXT NOT NULL, notice_sha256 TEXT NOT NULL, age_confirmed INTEGER NOT NULL,"
        " retention_months INTEGER NOT NULL, PRIMARY KEY (tenant, record_id, position))",
        # The triggers keep the ledger append-only for every other writer of this file, too.
        "CREATE TRIGGER consent_is_not_changed BEFORE UPDATE ON consent_events"
        " BEGIN SELECT RAISE(ABORT, 'consent events are append-only'); END",
        "CREATE TRIGGER consent_is_not_deleted BEFORE DELETE ON consent_events"
        " BEGIN SELECT RAISE(ABORT, 'consent events are append-only'); END",
    ):
        db.execute(statement)


@migrations()
def enrolment_answers(db: Utils) -> None:
    """Answers to enrolments, sealed, for the minutes in which a device may ask for one again."""
    db.execute(
        "CREATE TABLE enrolment_answers (tenant TEXT NOT NULL, asked TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " fingerprint TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (tenant, asked))"
    )
    db.execute("CREATE INDEX enrolment_answers_customer ON enrolment_answers (tenant, customer_id)")


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
