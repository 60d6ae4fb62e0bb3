"""One SQLite file, opened through sqlite-utils, safe with threads and with several processes."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlite_utils
from sqlite_utils.migrations import Migrations

from plumbing.problem_json import Problem
from plumbing.storage import free_space, room
from plumbing.storage.database import DatabaseBusy, Statement
from plumbing.storage.free_space import FreeSpace
from plumbing.storage.journal import Journal
from plumbing.storage.moved import require_here
from plumbing.storage.room import DiskFull, is_full

BUSY_TIMEOUT_MS = 1_000
"""How long a thread waits for the others of its process, and then for other processes: two seconds in all."""

OPENING_MS = 10_000
"""How long a process waits while another one creates or migrates the file."""

HURRIED_MS = 150
"""How long somebody waits who has an answer without the database."""

CACHE_KIB = 256  # of each connection: there is one for each thread and file, and the system caches files as well
BULK_CACHE_KIB = 65_536  # of a thread that writes in bulk
PROBE_S = 1.0  # how often readiness writes at most

T = TypeVar("T")


class SQLiteDatabase:
    """A connection for each thread; writes in `BEGIN IMMEDIATE`.

    Measured: read-then-write in a deferred transaction gave 1,395 lock errors in 2,000 tries, immediate none;
    WAL with synchronous=NORMAL lost acknowledged writes in 431 of 600 simulated power cuts, FULL in none.
    What may be lost with the power (nonces, rate limits) is in a `ThrowawayDatabase`; `durable=False` is for a
    database in a temporary folder.
    """

    def __init__(
        self, path: Path, *migrations: Migrations, durable: bool = True, busy_ms: int | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._folder = path.parent
        self._durable = durable
        self._busy_ms = busy_ms
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._journal = Journal()
        self._free_space = FreeSpace(path, lambda: self._connected(path), self._alone)
        self._locked_until = 0.0  # monotonic: until then whoever is hurried does not wait again
        self._probed: tuple[float, str | None] | None = None
        self._create(migrations)

    def _create(self, migrations: Sequence[Migrations]) -> None:
        # Two processes may start at once: the second waits, then finds it done. Also on a full disk.
        self._local.wait_ms = OPENING_MS
        try:
            with room.for_erasing(self._folder), self.write() as connection:
                for step in migrations:
                    step.apply(sqlite_utils.Database(connection, execute_plugins=False))
        finally:
            self._local.wait_ms = None
        self.connection.execute(f"PRAGMA busy_timeout={self._wait_ms()}")

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, opened on first use."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
        return connection

    @property
    def utils(self) -> sqlite_utils.Database:
        """This thread's connection as sqlite-utils: for bulk import and export."""
        return sqlite_utils.Database(self.connection, execute_plugins=False)

    def _wait_ms(self) -> int:
        wait: int | None = getattr(self._local, "wait_ms", None)
        return wait if wait is not None else self._busy_ms if self._busy_ms is not None else BUSY_TIMEOUT_MS

    def _pragmas(self) -> tuple[str, ...]:
        return (
            f"busy_timeout={self._wait_ms()}",
            "journal_mode=WAL",
            f"synchronous={'FULL' if self._durable else 'OFF'}",
            "secure_delete=ON",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            f"cache_size=-{CACHE_KIB}",
        )

    def _open(self) -> sqlite3.Connection:
        try:
            connection = self._connected(self.path)
        except (
            sqlite3.Error
        ) as error:  # its shared memory needs room: a full disk must not keep a server from starting
            if not (is_full(error, self._folder) and room.release(self._folder)):
                raise
            connection = self._connected(self.path)
        with self._lock:
            self._all.append(connection)
        return connection

    def _connected(self, path: Path | str) -> sqlite3.Connection:
        # Threads of the server come and go; close() must be able to close what they opened.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        try:
            for pragma in self._pragmas():
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Inside, this thread waits for a lock for a moment only: it has an answer without the database.

        For a second after a wait in vain it does not wait at all, or every thread would hang in turn.
        """
        if getattr(self._local, "wait_ms", None) is not None:
            yield  # hurried already
            return
        wait = 0 if time.monotonic() < self._locked_until else HURRIED_MS
        self._local.wait_ms = wait
        try:
            self.connection.execute(f"PRAGMA busy_timeout={wait}")
            yield
        except (DatabaseBusy, sqlite3.OperationalError) as error:
            if isinstance(named(error), DatabaseBusy):
                self._locked_until = time.monotonic() + 1
            raise named(error) from error
        finally:
            self._local.wait_ms = None
            connection = getattr(self._local, "connection", None)
            if connection is not None:
                connection.execute(f"PRAGMA busy_timeout={self._wait_ms()}")

    @contextmanager
    def write(self, *, shared: bool = False) -> Iterator[sqlite3.Connection]:
        """A write transaction; inside another one of this thread it is a part of that one. SQLite has one writer,
        so `shared` makes no difference.

        Raises:
            DatabaseBusy: the lock was not to be had within the busy time-out; nothing was written.
            DiskFull: nothing was written.
        """
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        self._require_room()
        with self._alone(), storage_is_named(self._folder):
            connection.execute("BEGIN IMMEDIATE")
            try:
                if self._durable:
                    require_here(self._folder)  # it may have been moved while this waited
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._journal.after_write(connection)

    def together(self, work: Callable[[], T]) -> T:
        """Do `work` in one write transaction. A `ThrowawayDatabase` may call it a second time."""
        with self.write():
            return work()

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Write with one statement; the rows that it returns.

        Inside `write` of this thread it is a part of that transaction. Raises DatabaseBusy or DiskFull.
        """
        connection = self.connection
        if connection.in_transaction:
            return connection.execute(sql, parameters).fetchall()
        if self._durable:
            with self.write():
                return connection.execute(sql, parameters).fetchall()
        with self._alone(), storage_is_named(self._folder):
            return connection.execute(sql, parameters).fetchall()

    def _require_room(self) -> None:
        if self._durable:
            require_here(self._folder)
            room.require(self._folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Threads of this process queue for writing: SQLite would let them try again after naps that grow."""
        if not self._writing.acquire(timeout=self._wait_ms() / 1000):
            raise DatabaseBusy
        try:
            yield
        finally:
            self._writing.release()

    def several(self, statements: Sequence[Statement]) -> list[list[sqlite3.Row]]:
        """The rows of each of several statements, inside `write`."""
        with self.write() as connection:
            return [connection.execute(*one).fetchall() for one in statements]

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query. Raises DatabaseBusy."""
        try:
            return self.connection.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            raise named(error, self._folder) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None. Raises DatabaseBusy."""
        try:
            row: sqlite3.Row | None = self.connection.execute(sql, parameters).fetchone()
        except sqlite3.OperationalError as error:
            raise named(error, self._folder) from error
        return row

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[sqlite3.Row]:
        """The rows of a query one by one, as of one moment."""
        yield from self.connection.execute(sql, parameters)

    def upsert(self, table: str, rows: Iterable[Mapping[str, Any]], key: Sequence[str]) -> None:
        """Insert rows, all with the same columns; one that has the `key` of an older row replaces its values."""
        with self.write():
            self.utils.table(table).upsert_all((dict(row) for row in rows), pk=tuple(key), batch_size=1_000)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Inside, all queries of this thread see one moment."""
        connection = self.connection
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def try_change(self, sql: str, parameters: Sequence[Any] = ()) -> bool:
        """As `change`, but without waiting for anybody; whether it was written."""
        connection = self.connection
        if connection.in_transaction:
            return False
        patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
        try:
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute(sql, parameters)
        except sqlite3.Error:
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout={patience}")
        return True

    def has_table(self, table: str) -> bool:
        """Whether there is such a table."""
        return self.row("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)) is not None

    def flush(self) -> None:
        """Every write that has ended is on the disk already."""

    def erasing(self) -> AbstractContextManager[None]:
        """Inside, this thread may write where others get DiskFull, and there is room when it begins."""
        return room.for_erasing(self._folder)

    def trouble(self) -> str | None:
        """Readiness: None when this file can be written, else a sentence. Writes once a second at most."""
        now = time.monotonic()
        if self._probed is None or now - self._probed[0] >= PROBE_S:
            self._probed = now, self._probe()
        return self._probed[1]

    def _probe(self) -> str | None:
        try:
            self.change(f"PRAGMA user_version = {time.time_ns() // 1_000_000_000 % 2**31}")
        except (Problem, sqlite3.Error, OSError) as error:
            return f"{self.path.name} cannot be written: {error}"
        return None

    @contextmanager
    def bulk(self) -> Iterator[Callable[[], None]]:
        """See `Database.bulk`. Without it, what a large transaction has changed leaves memory several times, and
        its COMMIT brings the journal into the file, which needs no lock."""
        connection = self.connection

        def write_back() -> None:
            with suppress(sqlite3.Error):  # as after any COMMIT: a later one does it
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()

        (pages,) = connection.execute("PRAGMA wal_autocheckpoint").fetchone()
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute(f"PRAGMA cache_size=-{BULK_CACHE_KIB}")
        try:
            yield write_back
        finally:
            connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint={pages}")

    def note_erased(self) -> None:
        """See `Database.note_erased`."""
        with self.write() as connection:
            free_space.note(connection)

    def unclean(self) -> int:
        """See `Database.unclean`."""
        try:
            return free_space.owed(self.connection)
        except sqlite3.OperationalError as error:
            raise named(error, self._folder) from error

    def clean(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """See `Database.clean`, and `free_space`."""
        with storage_is_named(self._folder):
            self._free_space.clean(go_on)

    def scrub(self) -> None:
        """See `Database.scrub`: the deleted bytes stay in the `-wal` file while somebody reads from it."""
        with storage_is_named(self._folder):
            self._journal.cut(self.connection)

    def scrub_soon(self) -> None:
        """See `Database.scrub_soon`."""
        with storage_is_named(self._folder):
            self._journal.cut_soon(self.connection)

    def close(self) -> None:
        """Close every thread's connection. Only when no request is running any more."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._free_space.close()
        self._local = threading.local()

    def __del__(self) -> None:
        # An owner that is dropped (a test, a command that ends) closes its files rather than leave it to chance.
        if hasattr(self, "_all"):
            self.close()


def named(error: Exception, folder: Path | None = None) -> Exception:
    """DatabaseBusy or DiskFull in place of an error of SQLite or of the system that means it; else the error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, sqlite3.OperationalError) and ("locked" in str(error) or "busy" in str(error)):
        return DatabaseBusy()
    return DiskFull() if is_full(error, folder) else error


@contextmanager
def busy_is_named() -> Iterator[None]:
    """Inside, a database that stays locked raises DatabaseBusy in place of SQLite's own error."""
    try:
        yield
    except sqlite3.OperationalError as error:
        better = named(error)
        if isinstance(better, DatabaseBusy):
            raise better from error
        raise


@contextmanager
def storage_is_named(folder: Path | None = None) -> Iterator[None]:
    """Inside, a database that stays locked raises DatabaseBusy and a full disk DiskFull, in place of SQLite's
    errors.

    A read that finds it locked is as temporary as a write that does.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        better = named(error, folder)
        if better is error:
            raise
        raise better from error
