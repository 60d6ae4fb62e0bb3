"""Where an installation keeps its state: in the files of its home, or in PostgreSQL.

What asks for a database asks here, by the name of its part ("identity", "recommender", "access"), and gets the one
that the settings want. psycopg is imported only when a setting names a server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Database
from plumbing.storage.passing import ThrowawayDatabase
from plumbing.storage.sqlite import SQLiteDatabase

if TYPE_CHECKING:
    from plumbing.settings import Config


@dataclass(frozen=True, slots=True)
class State:
    """The home, and the addresses of servers; None: files of the home. They hold passwords."""

    home: Path
    url: str | None = field(default=None, repr=False)
    keys_url: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, config: Config) -> State:
        """As the settings say."""
        return cls(config.home, config.database, config.keys_database)

    @property
    def is_shared(self) -> bool:
        """Whether other machines work with the same state."""
        return self.url is not None

    def database(self, name: str, *migrations: Migrations, durable: bool = True) -> Database:
        """The tables of a part, created or brought up to date.

        Raises DatabaseBusy, DatabaseUnusable or DiskFull.
        """
        if self.url is None:
            return SQLiteDatabase(self.home / f"{name}.db", *migrations, durable=durable)
        from plumbing.storage.postgres import PostgresDatabase
        from plumbing.storage.postgres_setup import prepare

        role = prepare(self.url, name, migrations, durable=durable)
        return PostgresDatabase(self.url, name, role=role, durable=durable)

    def passing(self, name: str, *migrations: Migrations) -> Database:
        """Tables that may be lost at any moment: nonces, counters, kept replies. It fails no request."""
        if self.url is None:
            return ThrowawayDatabase(self.home / f"{name}.db", *migrations)
        from plumbing.storage.postgres_passing import PassingPostgres

        return PassingPostgres(self.database(name, *migrations, durable=False), migrations)
