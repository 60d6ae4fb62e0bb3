"""Where an installation keeps its state: in the files of its home, or in PostgreSQL.

What asks for a database asks here, by the name of its part ("identity", "recommender", "access"), and gets the one
that the settings want. psycopg is imported only when a setting names a server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils.migrations import Migrations

from plumbing.storage.bytes_file import BytesFile, Opened
from plumbing.storage.database import Database
from plumbing.storage.passing import ThrowawayDatabase
from plumbing.storage.sqlite import SQLiteDatabase

if TYPE_CHECKING:
    from plumbing.settings import Config
    from plumbing.storage.listening import Listener
    from plumbing.storage.server_locks import ServerLocks


@dataclass(frozen=True, slots=True)
class Files:
    """Files that are written in place (`BytesFile`): in the home, or shared by replicas."""

    home: Path
    database: Database | None = None
    listener: Listener | None = None

    def place(self, name: str, *, held: bool = False) -> Path | Opened:
        """What opens a file. `held`: it is small, asked for often, and kept in memory."""
        if self.database is None:
            return self.home / name
        from plumbing.storage.stored_file import StoredFile

        database, listener = self.database, self.listener

        def opened(create: bytes, *, ending: str = "") -> BytesFile:
            return StoredFile(database, name + ending, create=create, held=held, listener=listener)

        return opened

    def close(self) -> None:
        """Only when no request is running any more."""
        if self.listener is not None:
            self.listener.close()
        if self.database is not None:
            self.database.close()


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
        return self._on_server(name, *migrations, durable=durable)

    def _on_server(
        self, name: str, *migrations: Migrations, durable: bool = True, logged: bool = True, by_tenant: bool = True
    ) -> Database:
        """`logged`: it is there after the server was killed. `by_tenant`: its tables may have tenants."""
        from plumbing.storage.postgres import PostgresDatabase
        from plumbing.storage.postgres_setup import prepare

        assert self.url is not None
        role = prepare(self.url, name, migrations, logged=logged)
        return PostgresDatabase(self.url, name, role=role, durable=durable, by_tenant=by_tenant)

    def files(self, part: str, *, keys: bool = False, lazily: bool = False, listening: bool = True) -> Files:
        """What a part writes in place. With `keys` it lies where no backup of the databases has it. `lazily`: it
        is on the server's disk when `BytesFile.sync` returns, and soon without it. `listening`: a change by
        another replica is seen at once.

        Raises DatabaseBusy or DatabaseUnusable.
        """
        url = self.keys_url if keys else self.url
        if url is None:
            return Files(self.home)
        from plumbing.storage.stored_file import migrations

        database = State(self.home, url)._on_server(part, migrations, durable=not lazily, by_tenant=False)
        if not listening or lazily:  # the audit is not kept in memory
            return Files(self.home, database)
        from plumbing.storage.listening import Listener

        return Files(self.home, database, Listener(url))

    def locks(self) -> ServerLocks | None:
        """Locks that replicas share; None where one machine has the state for itself."""
        if self.url is None:
            return None
        from plumbing.storage.server_locks import ServerLocks

        return ServerLocks(self.url)

    def passing(self, name: str, *migrations: Migrations) -> Database:
        """Tables that may be lost at any moment: nonces, counters, kept replies. It fails no request."""
        if self.url is None:
            return ThrowawayDatabase(self.home / f"{name}.db", *migrations)
        from plumbing.storage.postgres_passing import PassingPostgres

        server = self._on_server(name, *migrations, durable=False, logged=False)
        return PassingPostgres(server, migrations)
