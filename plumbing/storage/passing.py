"""A database that may be lost at any moment: nonces, counters of the last minutes, kept replies.

A power cut, a kill, a faulty disk or a hand may damage it, cut it short or take it away, page by page, also while
a server runs. It is then made new, once, by whichever process notices first; the others see that the file is
another one. When the disk takes no file at all, this process goes on in its own memory for a few seconds and tries
again. So no counter, no nonce and no kept reply ever fails a request.

It is one file, without `-wal` and `-shm`: a `-shm` file is mapped into memory, and cutting it short would end
every process of the server (SIGBUS). The journal is in memory and the file begins with free pages, so that a write
on a full disk goes into bytes that are there already.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlite_utils
import structlog
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import DatabaseBusy, NothingToClean
from plumbing.storage.files import process_lock
from plumbing.storage.room import DiskFull, release
from plumbing.storage.sqlite import SQLiteDatabase, named

BUSY_MS = 500
"""A transaction here lasts a millisecond. When somebody holds the lock for longer, the file is replaced."""

MEMORY_S = 3.0
"""How long this process goes on in memory before it tries the disk again."""

SPARE = 128 * 1024  # bytes of free pages that a new file begins with: on a full disk they are written
SMALLEST = 64 * 1024  # what the reserve gives when a write finds the disk full

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Damaged(sqlite3.DatabaseError):
    """A value that this product never wrote."""


class ThrowawayDatabase(NothingToClean, SQLiteDatabase):
    """Made new when it cannot be used; in memory when the disk cannot be used either."""

    def __init__(self, path: Path, *migrations: Migrations) -> None:
        self._migrations = migrations
        self._memory: sqlite3.Connection | None = None
        self._memory_lock = threading.RLock()
        self._memory_until = 0.0
        super().__init__(path, durable=False, busy_ms=BUSY_MS)

    def _create(self, migrations: Sequence[Migrations]) -> None:
        """Use the file of other processes if it is sound, else make it."""
        if self.path.exists() and self._sound():
            return
        if not self._renew(self._inode()):
            self._memory_until = time.monotonic() + MEMORY_S

    def _sound(self) -> bool:
        try:
            with self.write() as connection:
                for step in self._migrations:
                    step.apply(sqlite_utils.Database(connection, execute_plugins=False))
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        except (DatabaseBusy, DiskFull):
            return True  # in use, or not to be written: the first request sees to it
        except sqlite3.Error:
            return False

    def _pragmas(self) -> tuple[str, ...]:
        plain = ("journal_mode=MEMORY", "synchronous=OFF", "cell_size_check=ON")
        return tuple(p for p in super()._pragmas() if not p.startswith(("journal_mode", "synchronous"))) + plain

    # --- what others call

    @contextmanager
    def write(self, *, shared: bool = False) -> Iterator[sqlite3.Connection]:
        """A write transaction. Where a second try matters, use `together`."""
        if self._in_memory_now():
            with self._memory_lock:
                yield self._in_memory()
            return
        if not self._local_depth():
            self._follow(self._inode())
        with super().write() as connection:
            yield connection

    def together(self, work: Callable[[], T]) -> T:
        """Do `work` in one write transaction; once more on a new file when this one is damaged."""

        def transaction() -> T:
            with self.write():
                return work()

        return self._kept(transaction)

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Write with one statement; the rows that it returns."""
        return self._kept(lambda: self._executed(sql, parameters, super(ThrowawayDatabase, self).change))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        return self._kept(lambda: self._executed(sql, parameters, super(ThrowawayDatabase, self).rows))

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        return next(iter(self.rows(sql, parameters)), None)

    def scrub(self) -> None:
        """Nothing is left to do: deleted rows are zeros in the file already, and there is no other file."""

    def scrub_soon(self) -> None:
        """See `scrub`."""

    def trouble(self) -> str | None:
        """Readiness: None, or a sentence when this process goes on in its memory."""
        self.rows("SELECT 1 FROM sqlite_master LIMIT 1")
        if time.monotonic() < self._memory_until:
            return f"{self.path.name} cannot be written: its content is in the memory of one process for now"
        return None

    def close(self) -> None:
        """Only when no request is running any more."""
        super().close()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    # --- how it stays usable

    def _kept(self, work: Callable[[], T]) -> T:
        """The result of `work`, on the file, on a new file, or in memory."""
        if self._local_depth():
            return work()  # inside `together`, which tries again as a whole
        self._local.depth = 1
        try:
            for _ in range(2):
                if self._in_memory_now():
                    break
                inode = self._inode()
                try:
                    self._follow(inode)
                    return work()
                except sqlite3.ProgrammingError:
                    raise  # our own mistake
                except (sqlite3.Error, DatabaseBusy, DiskFull, OSError) as error:
                    if not self._mended(error, inode):
                        break
            self._memory_until = max(self._memory_until, time.monotonic() + MEMORY_S)
            with self._memory_lock:
                return work()
        finally:
            self._local.depth = 0

    def _local_depth(self) -> int:
        return int(getattr(self._local, "depth", 0))

    def _in_memory_now(self) -> bool:
        return time.monotonic() < self._memory_until

    def _executed(
        self, sql: str, parameters: Sequence[Any], on_disk: Callable[[str, Sequence[Any]], list[sqlite3.Row]]
    ) -> list[sqlite3.Row]:
        if not self._in_memory_now():
            return on_disk(sql, parameters)
        with self._memory_lock:
            return self._in_memory().execute(sql, parameters).fetchall()

    def _in_memory(self) -> sqlite3.Connection:
        if self._memory is None:
            memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            memory.row_factory = sqlite3.Row
            for step in self._migrations:
                step.apply(sqlite_utils.Database(memory, execute_plugins=False))
            self._memory = memory
        return self._memory

    def _inode(self) -> tuple[int, int] | None:
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_dev, seen.st_ino

    def _follow(self, inode: tuple[int, int] | None) -> None:
        """Open the file that is there now, `inode`: another process may have made a new one.

        Raises sqlite3.DatabaseError when there is none.
        """
        if inode is None:
            raise Damaged(f"{self.path.name} is gone")
        if getattr(self._local, "inode", None) != inode:
            self._let_go()
            self.connection  # noqa: B018 - opens it
            self._local.inode = inode

    def _let_go(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = self._local.inode = None
        if connection is not None:
            with self._lock:
                self._all.remove(connection)
            with suppress(sqlite3.Error):
                connection.close()

    def _mended(self, error: Exception, inode: tuple[int, int] | None) -> bool:
        """Whether a second try may go well."""
        if isinstance(named(error, self._folder), DiskFull):
            return release(self._folder, SMALLEST)
        log.warning("throwaway_store_made_new", file=self.path.name, why=str(error))
        return self._renew(inode)

    def _renew(self, seen: tuple[int, int] | None) -> bool:
        """Put a new file in place of the one that was `seen`, unless somebody did; whether there is another now.

        The new one is complete before it gets the name. Files are replaced and never cut short: other processes
        still have the old ones open.
        """
        self._let_go()
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}.draft")
        try:
            with process_lock(self.path.with_name(f".{self.path.name}.lock")).acquire(timeout=5):
                if self._inode() not in (None, seen):
                    return True
                self._make(draft)
                for ending in ("-wal", "-shm", "-journal"):  # of a version that had them
                    Path(f"{self.path}{ending}").unlink(missing_ok=True)
                draft.replace(self.path)
            return True
        except (sqlite3.Error, OSError) as error:
            log.warning("throwaway_store_in_memory", file=self.path.name, why=str(error))
            return False
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _make(self, path: Path) -> None:
        """A file with all tables and some free pages."""
        connection = self._connected(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            for step in self._migrations:
                step.apply(sqlite_utils.Database(connection, execute_plugins=False))
            connection.execute("CREATE TABLE spare (content BLOB)")
            connection.execute("INSERT INTO spare VALUES (zeroblob(?))", (SPARE,))
            connection.execute("COMMIT")
            connection.execute("DROP TABLE spare")
        finally:
            connection.close()
