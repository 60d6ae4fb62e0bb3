"""Tables in PostgreSQL that may be lost at any moment; while the server is away, this process goes on in memory.

So no counter, no nonce and no kept reply fails a request. What a customer's face or PIN opens needs the other
tables, which are away too: meanwhile everybody is a guest, and a counter of one process is enough.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import sqlite_utils
import structlog
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Connection, Database, DatabaseBusy, NothingToClean, Statement
from plumbing.storage.room import DiskFull

MEMORY_S = 1.0
"""How long this process goes on in memory before it asks the server again."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class PassingPostgres(NothingToClean):
    """See `Database`."""

    def __init__(self, server: Database, migrations: Sequence[Migrations]) -> None:
        self._server = server
        self._migrations = migrations
        self._memory: sqlite3.Connection | None = None
        self._lock = threading.RLock()
        self._memory_until = 0.0
        self._local = threading.local()

    @property
    def name(self) -> str:
        """The part."""
        return self._server.name

    def _or_in_memory(self, on_server: Callable[[], T], in_memory: Callable[[sqlite3.Connection], T]) -> T:
        if getattr(self._local, "inside", False):
            return on_server()
        if time.monotonic() >= self._memory_until:
            try:
                with self._server.hurried():
                    return on_server()
            except (DatabaseBusy, DiskFull) as error:
                log.warning("passing_store_in_memory", part=self.name, why=error.code)
                self._memory_until = time.monotonic() + MEMORY_S
        with self._lock:
            return in_memory(self._in_memory())

    def _in_memory(self) -> sqlite3.Connection:
        if self._memory is None:
            memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            memory.row_factory = sqlite3.Row
            for step in self._migrations:
                step.apply(sqlite_utils.Database(memory, execute_plugins=False))
            self._memory = memory
        return self._memory

    @contextmanager
    def write(self, *, shared: bool = False) -> Iterator[Connection]:
        """See `Database.write`. Where a second try matters, use `together`."""
        with self._server.write(shared=shared) as connection:
            self._local.inside = True
            try:
                yield connection
            finally:
                self._local.inside = False

    def together(self, work: Callable[[], T]) -> T:
        """See `Database.together`."""

        def transaction() -> T:
            with self.write():
                return work()

        def alone(_: sqlite3.Connection) -> T:
            return work()  # under the lock of this store, on its memory: see `change`

        return self._or_in_memory(transaction, alone)

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """See `Database.change`."""
        return self._or_in_memory(
            lambda: self._server.change(sql, parameters),
            lambda memory: list(memory.execute(sql, parameters).fetchall()),
        )

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """See `Database.rows`."""
        return self._or_in_memory(
            lambda: self._server.rows(sql, parameters),
            lambda memory: list(memory.execute(sql, parameters).fetchall()),
        )

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """See `Database.row`."""
        return next(iter(self.rows(sql, parameters)), None)

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """See `Database.each`."""
        yield from self.rows(sql, parameters)

    def upsert(self, table: str, rows: Iterable[Mapping[str, Any]], key: Sequence[str]) -> None:
        """See `Database.upsert`. Nothing that may be lost is written in bulk."""
        self._server.upsert(table, rows, key)

    def several(self, statements: Sequence[Statement]) -> list[list[Any]]:
        """See `Database.several`."""
        return self._server.several(statements)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What may be lost needs no single moment."""
        yield

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """It never waits for long."""
        yield

    def try_change(self, sql: str, parameters: Sequence[Any] = ()) -> bool:
        """See `Database.try_change`."""
        self.change(sql, parameters)
        return True

    def flush(self) -> None:
        """It may be lost."""

    def erasing(self) -> nullcontext[None]:
        """See `Database.erasing`."""
        return nullcontext()

    def bulk(self) -> nullcontext[Callable[[], None]]:
        """See `Database.bulk`: the server has its own memory."""
        return nullcontext(lambda: None)

    def scrub(self) -> None:
        """Nothing is left to do."""

    def scrub_soon(self) -> None:
        """Nothing is left to do."""

    def has_table(self, table: str) -> bool:
        """See `Database.has_table`."""
        return self._server.has_table(table)

    def trouble(self) -> str | None:
        """None, or a sentence while this process goes on in its memory."""
        if (trouble := self._server.trouble()) is not None:
            return f"{trouble} Its content is in the memory of one process for now."
        return None

    def close(self) -> None:
        """See `Database.close`."""
        self._server.close()
        if self._memory is not None:
            self._memory.close()
            self._memory = None
