"""Overwrites what SQLite leaves of deleted rows in the free space of a file.

`secure_delete` clears a row where it lies. A page that was split or merged also keeps copies of rows that moved
to another page: between its list of cells and its first cell, where nobody reads. They stay when such a row is
deleted later, in tables and in indexes alike. So whoever deletes a person's rows notes it in the same transaction,
and beside the requests the free space of all pages is overwritten, once for all who were noted until then.

It is done in the file itself, a few hundred pages at a time. Each step takes the write lock while the journal is
empty, changes nothing but bytes without meaning, and ends with a small write: by it every other connection drops
the pages that it remembers. A step that is interrupted by a kill or the power leaves a sound file.

Source: https://www.sqlite.org/fileformat2.html, sections 1.3.2 and 1.6.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

import structlog

from plumbing.problem import Problem
from plumbing.storage.database import Database, DatabaseBusy
from plumbing.storage.files import process_lock

TABLE = "_free_space"
STEP = 256
"""Pages for which writers wait together: 1 MB, some milliseconds."""

PATIENCE_MS = 20  # for readers of the journal; writers wait meanwhile
TRIES = 10  # of finding the journal empty while other processes write
EVERY_S = 5.0
REST = 9  # times as long as the work took: a tenth of the time at most

LEAVES, BRANCHES = (10, 13), (2, 5)  # the first byte of pages that have cells, by the length of their heads
LEAF_HEAD, BRANCH_HEAD = 8, 12
FILE_HEAD = 100  # bytes before the head of the first page

log = structlog.get_logger(__name__)


def note(connection: sqlite3.Connection) -> None:
    """Inside the transaction that deletes rows of a person: the free space has to be overwritten."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {TABLE} (id INTEGER PRIMARY KEY CHECK (id = 1), owed INTEGER NOT NULL,"
        " steps INTEGER NOT NULL)"
    )
    connection.execute(f"INSERT INTO {TABLE} VALUES (1, 1, 0) ON CONFLICT (id) DO UPDATE SET owed = owed + 1")  # noqa: S608


def owed(connection: sqlite3.Connection) -> int:
    """How many times it was noted since the free space was last overwritten as a whole."""
    named = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    there = connection.execute(named, (TABLE,)).fetchone()
    row = connection.execute(f"SELECT owed FROM {TABLE}").fetchone() if there else None  # noqa: S608
    return 0 if row is None else int(row[0])


def owed_in(path: Path) -> int:
    """`owed` of a file that may be in use by others; 0 when it is none. Raises sqlite3.Error."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        return owed(connection)


class FreeSpace:
    """The free space of one file. `connect` opens a connection of its own, `alone` keeps this process's threads
    from writing meanwhile."""

    def __init__(
        self,
        path: Path,
        connect: Callable[[], sqlite3.Connection],
        alone: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._path, self._connect, self._alone = path, connect, alone
        self._files: dict[int, int] = {}  # inode -> descriptor
        self._begun: tuple[int, int, int] | None = None  # the file, what was owed when this round began, next page

    def clean(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Overwrite all of it, if any is owed and no other process is at it; `go_on` is asked before each step.

        Raises DatabaseBusy: somebody reads from the journal. The next call goes on from there.
        """
        lock = process_lock(self._path.with_name(f".{self._path.name}.free-space.lock"))
        try:
            lock.acquire(timeout=0)
        except TimeoutError:
            return
        try:
            with closing(self._connect()) as connection:
                connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
                self._round(connection, go_on)
        finally:
            lock.release()

    def _round(self, connection: sqlite3.Connection, go_on: Callable[[], bool]) -> None:
        inode = self._path.stat().st_ino
        known, number, page = self._begun or (inode, owed(connection), 0)
        if known != inode:  # another database was put back
            number, page = owed(connection), 0
        while number and go_on():
            if self._step(connection, page):
                page += STEP
                self._begun = inode, number, page
                continue
            with self._alone():
                connection.execute(f"UPDATE {TABLE} SET owed = MAX(owed - ?, 0)", (number,))  # noqa: S608
            self._begun, number, page = None, owed(connection), 0

    def _step(self, connection: sqlite3.Connection, first: int) -> bool:
        """Overwrite the free space of `STEP` pages; False: there are none any more."""
        with self._alone():
            self._lock(connection)
            try:
                file = self._file()
                size = int(connection.execute("PRAGMA page_size").fetchone()[0])
                content = os.pread(file, STEP * size, first * size)
                found = False
                for start, end in _free_in(content, size, is_first=first == 0):
                    os.pwrite(file, bytes(end - start), first * size + start)
                    found = True
                if found:
                    os.fdatasync(file)
                    connection.execute(f"UPDATE {TABLE} SET steps = steps + 1")  # noqa: S608
                    connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        return bool(content)

    def _lock(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction that keeps others from writing, while all pages are in the file itself."""
        journal = self._path.with_name(f"{self._path.name}-wal")
        for _ in range(TRIES):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            with suppress(sqlite3.OperationalError):  # locked
                connection.execute("BEGIN EXCLUSIVE")
                if not journal.exists() or not journal.stat().st_size:
                    return
                connection.execute("ROLLBACK")
        raise DatabaseBusy

    def _file(self) -> int:
        """The file that has this name now. It stays open: closing it would drop the locks that SQLite has on it
        in this process (https://www.sqlite.org/howtocorrupt.html, section 2.2)."""
        inode = self._path.stat().st_ino
        if inode not in self._files:
            self._files[inode] = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        return self._files[inode]

    def close(self) -> None:
        """After every connection of this process to the file is closed."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()


def _free_in(content: bytes, size: int, *, is_first: bool) -> Iterator[tuple[int, int]]:
    """(start, end) of the free space of each page in `content` that is not zeros already."""
    for page in range(0, len(content) - size + 1, size):
        head = page + (FILE_HEAD if is_first and page == 0 else 0)
        kind = content[head]
        if kind not in LEAVES + BRANCHES:
            continue  # the rest of a long row, or a page that nobody uses: SQLite clears those itself
        cells = int.from_bytes(content[head + 3 : head + 5], "big")
        start = head + (LEAF_HEAD if kind in LEAVES else BRANCH_HEAD) + 2 * cells
        end = page + (int.from_bytes(content[head + 5 : head + 7], "big") or 65_536)
        if start < end <= page + size and content.count(0, start, end) < end - start:
            yield start, end


class Cleaning:
    """Overwrites the free space of databases beside the requests of a server."""

    def __init__(self, databases: Sequence[Database], also: Callable[[], None] = lambda: None) -> None:
        """`also` does the same where a house keeps a copy of databases."""
        self._databases, self._also = databases, also
        self._ended = threading.Event()

    def start(self) -> Callable[[], None]:
        """Begin; returns what ends it."""
        thread = threading.Thread(target=self._run, name="free space", daemon=True)
        thread.start()

        def stop() -> None:
            self._ended.set()
            thread.join(5)

        return stop

    def _run(self) -> None:
        pause = EVERY_S
        while not self._ended.wait(pause):
            began = time.monotonic()
            self.look()
            pause = max(EVERY_S, REST * (time.monotonic() - began))

    def look(self) -> None:
        """Overwrite what is owed now; what is in the way is tried again."""
        for database in self._databases:
            try:
                if database.unclean():
                    database.clean(lambda: not self._ended.is_set())
            except (Problem, sqlite3.Error, OSError) as error:
                log.warning("free_space_not_overwritten_yet", file=database.name, why=type(error).__name__)
        try:
            self._also()
        except (Problem, sqlite3.Error, OSError) as error:
            log.warning("free_space_not_overwritten_yet", file="a copy", why=type(error).__name__)
